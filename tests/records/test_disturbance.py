"""When others disturbed a trial: by what was recorded around it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inventing_records import TEMPLATE

from clipkit.records.disturbance import disturbance

QUIET = replace(
    TEMPLATE,
    steal_fraction=0.01,
    other_cpu_fraction=0.05,
    canary_before_s=0.0125,
    canary_after_s=0.0125,
)


def test_a_quiet_machine_disturbs_nothing() -> None:
    assert disturbance(QUIET, 0.5, cores=2) is None


def test_what_is_not_known_disturbs_nothing() -> None:
    unknown = replace(
        QUIET,
        steal_fraction=None,
        other_cpu_fraction=None,
        canary_before_s=None,
        canary_after_s=None,
    )
    assert disturbance(unknown, None, cores=2) is None


def test_stolen_time_disturbs() -> None:
    assert disturbance(replace(QUIET, steal_fraction=0.1), 0.5, cores=2) is None
    found = disturbance(replace(QUIET, steal_fraction=0.2), 0.5, cores=2)
    assert found == "20 % of the CPU went to other machines"


@pytest.mark.parametrize(
    ("others", "quota", "cores", "disturbs"),
    [
        (0.26, 0.5, 64, True),
        (0.24, 0.5, 2, False),  # 0.5 + 0.48 of two cores: there is room
        (0.11, 2.0, 2, True),
        (0.11, None, 2, True),  # without a limit the job may want them all
        (0.09, 2.0, 2, False),
        (0.21, 1.5, 2, True),  # 1.5 + 0.42 leave less than a tenth of a core
        (0.19, 1.5, 2, False),
        (0.21, 9.0, 2, True),  # a quota beyond the machine is the machine
    ],
)
def test_others_disturb_from_a_quarter_on_or_a_tenth_where_no_core_is_left(
    others: float, quota: float | None, cores: int, disturbs: bool
) -> None:
    found = disturbance(replace(QUIET, other_cpu_fraction=others), quota, cores)
    assert (found is not None) == disturbs
    if found:
        assert found.startswith(f"others used {others * 100:.0f} % of the machine")
        assert ("no core of its own" in found) == (others <= 0.25)


@pytest.mark.parametrize(("after_s", "words"), [(0.02, "slower"), (0.008, "faster")])
def test_a_change_of_speed_disturbs(after_s: float, words: str) -> None:
    assert disturbance(replace(QUIET, canary_after_s=0.0155), 0.5, cores=2) is None
    found = disturbance(replace(QUIET, canary_after_s=after_s), 0.5, cores=2)
    assert found == f"the machine was 1.6 times {words} after the trial than before it"


def test_the_trials_own_time_decides_nothing() -> None:
    assert disturbance(replace(QUIET, wall_s=1e6), 0.5, cores=2) is None
