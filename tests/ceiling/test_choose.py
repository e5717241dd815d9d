"""Which ceiling is taken, and what is said when it cannot be had."""

from __future__ import annotations

import pytest
from inside import KERNEL_MECHANISMS, own_groups

from clipkit.ceiling import ambient, cgroup1, cgroup2, choose, standing, systemd
from clipkit.ceiling.base import Limits, Mechanism
from clipkit.ceiling.choose import describe_mechanism, open_ceiling, survey
from clipkit.errors import CeilingError
from clipkit.format import MIB

SMALL = Limits(memory_bytes=64 * MIB, cpus=0.5)
NO_LIMIT = Limits(memory_bytes=None, cpus=None)


@pytest.fixture(autouse=True)
def nothing_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(choose.FORCE, raising=False)


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No control groups, no systemd."""
    for module in (cgroup1, cgroup2, ambient, standing):
        monkeypatch.setattr(module, "hierarchies", list)
    monkeypatch.setattr(systemd.shutil, "which", lambda _: None)


def test_the_kernel_is_taken_where_it_can_be_had() -> None:
    available = [found.mechanism for found in survey() if found.available]
    with open_ceiling(SMALL) as ceiling:
        if any(mechanism in KERNEL_MECHANISMS for mechanism in available):
            assert ceiling.mechanism in KERNEL_MECHANISMS
        assert ceiling.mechanism is not Mechanism.NONE


@pytest.mark.usefixtures("bare_machine")
def test_without_the_kernels_help_a_watchdog_holds_the_job() -> None:
    with open_ceiling(SMALL) as ceiling:
        assert ceiling.mechanism is Mechanism.WATCHDOG
    with open_ceiling(NO_LIMIT) as ceiling:
        assert ceiling.mechanism is Mechanism.NONE


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize("mechanism", [*KERNEL_MECHANISMS, Mechanism.AMBIENT])
def test_a_forced_mechanism_that_is_missing_says_why(mechanism: Mechanism) -> None:
    with pytest.raises(CeilingError, match=rf"'{mechanism}' is not available here: .*doctor"):
        open_ceiling(SMALL, mechanism)


def test_the_environment_forces_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choose.FORCE, "watchdog")
    with open_ceiling(SMALL) as ceiling:
        assert ceiling.mechanism is Mechanism.WATCHDOG


def test_a_word_that_is_no_mechanism_is_told_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(choose.FORCE, "docker")
    with pytest.raises(
        CeilingError, match=r"CLIPKIT_CEILING: unknown ceiling 'docker': .* cgroup2"
    ):
        open_ceiling(SMALL)


def test_the_survey_tries_every_mechanism_and_leaves_nothing() -> None:
    found = survey()
    assert {each.mechanism for each in found} == set(Mechanism)
    assert all(each.why for each in found)
    assert own_groups() == []


@pytest.mark.parametrize("mechanism", Mechanism)
def test_every_mechanism_is_described(mechanism: Mechanism) -> None:
    assert "enforced" in describe_mechanism(mechanism)


@pytest.mark.parametrize(
    "bad",
    [{"memory_bytes": -1}, {"memory_bytes": 0}, {"cpus": 0.0}, {"swap_bytes": -1}, {"pids": 0}],
)
def test_limits_that_make_no_sense_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(CeilingError):
        Limits(**{"memory_bytes": None, "cpus": None, **bad})
