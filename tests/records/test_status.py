"""The one rule of evidence: which attempts count, what finished, what failed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inventing_records import TEMPLATE

from clipkit.records.cells import cells_of
from clipkit.records.evidence import evidence, tried, without_repeated
from clipkit.records.record import Record
from clipkit.records.status import (
    COUNTS,
    RAN_OUT,
    Status,
    has_failed,
    is_finished,
    rank,
    status_of_all,
)
from clipkit.records.table import table_of

OK, OOM, TIMEOUT, FAILED = Status.OK, Status.OOM, Status.TIMEOUT, Status.FAILED
NOISE, CANCELLED, INFERRED = Status.INVALID_NOISE, Status.CANCELLED, Status.OOM_INFERRED
MACHINE = Status.INVALID_MACHINE

CELLS = [
    ([OK, OK, OK], OK),
    ([OK, OOM, OK], OOM),
    ([OK, TIMEOUT], TIMEOUT),
    ([FAILED, OK], FAILED),
    ([TIMEOUT, OOM], OOM),
    ([NOISE, NOISE, OK], OK),
    ([OK, NOISE], OK),
    ([NOISE, NOISE, NOISE], NOISE),
    ([NOISE, CANCELLED], NOISE),
    ([CANCELLED, OK], OK),
    ([INFERRED, INFERRED], INFERRED),
    ([INFERRED, OK], OK),
    ([INFERRED, OOM], OOM),
    ([INFERRED, NOISE], INFERRED),
    ([MACHINE, MACHINE, OK], OK),
    ([MACHINE, FAILED], FAILED),
    ([MACHINE, CANCELLED], MACHINE),
    ([MACHINE, NOISE], NOISE),
]
"""What became of a cell by the ends of its attempts."""


def attempt(status: Status, number: int = 0) -> Record:
    measured = status in (OK, NOISE)
    return replace(
        TEMPLATE,
        cell="one",
        phase="grid",
        status=status,
        block=number,
        run_id=f"run-{number}",
        wall_s=10.0 if measured else None,
    )


def cell(*ends: Status) -> dict[str, object]:
    found = cells_of(table_of(attempt(end, number) for number, end in enumerate(ends)))
    return found.to_dict("records")[0] if len(found) else {}


@pytest.mark.parametrize(("ends", "end"), CELLS)
def test_what_failed_once_has_failed_and_what_others_disturbed_tells_nothing(
    ends: list[Status], end: Status
):
    assert status_of_all(ends) is end
    assert status_of_all(reversed(ends)) is end
    assert cell(*ends)["status"] == end


def test_what_the_user_cut_short_is_no_attempt_at_all():
    assert status_of_all([CANCELLED]) is None
    assert status_of_all([]) is None
    assert cell(CANCELLED) == {}


@pytest.mark.parametrize("end", Status)
def test_an_attempt_that_does_not_count_has_neither_finished_nor_failed(end: Status):
    ended = attempt(end)
    assert is_finished(ended) is (end is OK)
    assert has_failed(ended) is (end in (OOM, TIMEOUT, FAILED))
    if end not in COUNTS:
        assert not is_finished(ended)
        assert not has_failed(ended)


def test_one_that_ended_well_without_a_time_has_not_finished():
    assert not is_finished(replace(attempt(OK), wall_s=None))


def test_every_end_has_words_and_a_rank_of_its_own():
    assert len({end.words for end in Status}) == len({rank(end) for end in Status}) == len(Status)
    assert NOISE.words == "not measured: disturbed"
    assert set(RAN_OUT) == {OOM, INFERRED}


def test_of_a_cell_the_disturbed_attempts_are_counted_and_measure_nothing():
    found = cell(OK, NOISE, NOISE)
    assert (found["runs"], found["failures"], found["disturbed"]) == (1, 0, 2)
    assert found["run_ids"] == ["run-0"]
    assert found["wall_s"] == pytest.approx(10.0)


def test_a_cell_that_others_disturbed_throughout_has_no_time_and_no_peak():
    found = cell(NOISE, NOISE, NOISE)
    assert (found["runs"], found["failures"], found["disturbed"]) == (0, 0, 3)
    assert found["wall_s"] != found["wall_s"]  # NaN
    assert found["run_ids"] == []


def test_a_partly_failed_cell_has_runs_and_failures_but_no_time():
    found = cell(OK, OOM, OOM)
    assert (found["runs"], found["failures"]) == (1, 2)
    assert found["wall_s"] != found["wall_s"]  # NaN


def test_a_table_is_narrowed_by_the_same_rule():
    table = table_of(attempt(end, number) for number, end in enumerate(Status))
    assert set(evidence(table)["status"]) == {*COUNTS, INFERRED}
    assert set(tried(table)["status"]) == {*COUNTS, INFERRED, NOISE, MACHINE}


def test_an_attempt_that_counted_and_was_repeated_counts_no_more():
    """On request, or since a limit was raised: the last one stands, whatever it is."""
    first = attempt(FAILED, 1)
    again = replace(attempt(OK, 2), attempt=2)
    assert cell(FAILED, OK)["status"] == "failed"  # two blocks
    table = table_of([replace(first, block=again.block), again])
    assert cells_of(table)["status"].tolist() == ["ok"]
    assert without_repeated([replace(first, block=again.block), again]) == [again]
    assert without_repeated([first, replace(again, block=first.block + 1)])[0] == first


def test_what_is_invalid_replaces_nothing():
    counted = attempt(OK, 1)
    spoilt = replace(attempt(MACHINE, 2), block=counted.block, attempt=2)
    assert without_repeated([counted, spoilt]) == [counted, spoilt]
    assert evidence(table_of([counted, spoilt]))["status"].tolist() == ["ok"]
