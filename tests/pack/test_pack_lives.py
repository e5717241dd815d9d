"""What becomes of trials that began in a life that is over."""

from __future__ import annotations

from typing import Any

import pytest

from clipkit.pack.there.lives import Now, how_it_died, parse_numbers, past_of, trials_left
from clipkit.records.status import Status

HERE = {"boot": "b", "container": "c"}
OTHER = {"boot": "b", "container": "d"}
LIMIT = 1000


def where(life: str, identity: dict[str, str]) -> dict[str, Any]:
    memory = {"memory": {"value": float(LIMIT), "by": "cgroup v1"}}
    return {"kind": "where", "trial": 0, "life": life, "identity": identity, "found": memory}


def began(life: str, trial: int, run_id: str, oom_kills: int | None = 0) -> dict[str, Any]:
    told = {"run_id": run_id, "attempt": 1, "started_utc": "now", "oom_kills": oom_kills}
    return {"kind": "began", "trial": trial, "life": life, **told}


def ended(trial: int, run_id: str, status: str, **more: Any) -> dict[str, Any]:
    return {"kind": "ended", "trial": trial, "record": {"run_id": run_id, "status": status}, **more}


def test_a_trial_without_an_end_is_open_and_those_with_one_are_done() -> None:
    past = past_of([where("x", OTHER), began("x", 1, "a"), ended(1, "a", "ok"), began("x", 2, "b")])
    assert past.done == {1}
    assert [each.trial for each in past.open] == [2]
    assert trials_left([1, 2, 3], past, {3}) == [2]


@pytest.mark.parametrize(
    ("need", "losses", "status"),
    [
        (901, 0, Status.OOM),
        (901, 1, Status.OOM),
        (899, 0, Status.INVALID_MACHINE),
        (None, 0, Status.INVALID_MACHINE),
        (899, 1, Status.FAILED),
    ],
)
def test_its_last_sample_says_what_an_instance_died_of(
    need: int | None, losses: int, status: Status
) -> None:
    (lost,) = past_of([where("x", OTHER), began("x", 1, "a")]).open
    assert how_it_died(lost, need, losses, Now(HERE, 0))[0] is status


def test_in_the_same_container_the_kernel_itself_is_asked() -> None:
    (lost,) = past_of([where("x", HERE), began("x", 1, "a", oom_kills=3)]).open
    assert how_it_died(lost, None, 0, Now(HERE, 4))[0] is Status.OOM
    assert how_it_died(lost, 950, 0, Now(HERE, 3))[0] is Status.INVALID_MACHINE


def test_losses_and_attempts_are_counted_by_trial() -> None:
    past = past_of(
        [
            *(where("x", OTHER), began("x", 1, "a"), where("y", OTHER)),
            *(ended(1, "a", "invalid_machine", lost=True), began("y", 1, "b")),
        ]
    )
    assert (past.losses[1], past.attempts[1], past.done) == (1, 2, set())


def test_numbers_of_trials_are_ranges_and_single_ones() -> None:
    assert parse_numbers("1-3,6") == {1, 2, 3, 6}
    assert parse_numbers("") == set()
    for wrong in ("a", "0", "3-1", "1-", "-2"):
        with pytest.raises(ValueError, match=r".*"):
            parse_numbers(wrong)
