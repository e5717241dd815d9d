"""Two campaigns of different sessions: what the machine's day has to do with their ratio."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import inventing_sweep
import pytest
from inventing_sweep import Sweep, on

from clipkit import hosts
from clipkit.analysis.compare import Comparison, compare_campaigns
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.record import Record
from clipkit.records.status import Status

SMALL = Sweep(
    factors={"preset": ("ultrafast", "veryfast"), "concurrency": (1, 2)},
    hosts=(on("512M"),),
    spoilt=False,
)
QUIET = {"other_cpu_fraction": 0.016, "steal_fraction": 0.0}
Made = Callable[..., Campaign]


def day(number: int, canary_s: float | None = None, **changes: Any) -> Callable[[Record], Record]:
    """A record of a session of its own; its times are as long as the canary's are."""

    def change(record: Record) -> Record:
        ticks = 1 + 0.001 * (record.order % 5)
        before_s = None if canary_s is None else canary_s * ticks
        return replace(
            record,
            run_id=f"{record.run_id}-{number}",
            started_utc=f"2026-01-0{number}{record.started_utc[10:]}",
            canary_before_s=before_s,
            canary_after_s=before_s,
            **QUIET | changes,
        )

    return change


FIRST_DAY = day(1)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """made("a", change, sweep): an invented campaign, each of its records changed."""

    def made(
        name: str, change: Callable[[Record], Record] = FIRST_DAY, sweep: Sweep = SMALL
    ) -> Campaign:
        rows = [change(record) for record in inventing_sweep.records(sweep)]
        return open_campaign(inventing_sweep.write(tmp_path / name, sweep, rows))

    return made


def slower(change: Callable[[Record], Record], factor: float) -> Callable[[Record], Record]:
    return lambda r: replace(change(r), wall_s=None if r.wall_s is None else r.wall_s * factor)


def noise_of(found: Comparison) -> tuple[str, str] | None:
    return next(((d.a, d.b) for d in found.differences if d.what == "noise"), None)


class TestSessions:
    def test_of_one_session_the_machines_day_says_nothing(self, made: Made) -> None:
        a = made("a")
        for b in (a, a.part(preset="ultrafast")):
            found = compare_campaigns(a, b)
            assert found.drift.words is None
            assert found.overall.value == pytest.approx(1)

    def test_without_canaries_a_ratio_is_not_separable_from_the_machines_day(
        self, made: Made
    ) -> None:
        found = compare_campaigns(made("a"), made("b", slower(day(2), 1.3)))
        assert "1.30x the time of A" in found.verdict
        assert "not separable from the machine's day" in found.verdict

    def test_canaries_in_one_alone_are_none(self, made: Made) -> None:
        found = compare_campaigns(made("a", day(1, 0.0125)), made("b", day(2)))
        assert "not separable from the machine's day" in found.verdict

    def test_with_canaries_the_interval_reaches_from_all_of_the_drift_to_none(
        self, made: Made
    ) -> None:
        a = made("a", day(1, 0.0125))
        found = compare_campaigns(a, made("b", slower(day(2, 0.0150), 1.2)))
        low, high = found.overall.interval
        assert found.overall.value == pytest.approx(1.2)
        assert low < 1 < high < 1.25
        assert "took 1.20x the time in B's session, which the interval includes" in found.verdict
        assert "not told apart" in found.verdict
        for pair in found.pairs:
            low, high = pair.ratio.interval
            assert low < 1 < pair.ratio.value < high

    def test_as_fast_a_machine_leaves_the_interval_about_as_narrow(self, made: Made) -> None:
        a = made("a", day(1, 0.0125))
        found = compare_campaigns(a, made("b", slower(day(2, 0.0125), 1.2)))
        low, high = found.overall.interval
        assert 1.15 < low < high < 1.25
        assert "not told apart" not in found.verdict

    def test_other_machines_are_told_and_their_speed_is_left_in(self, made: Made) -> None:
        there = slower(day(2, 0.0250, host_id="other"), 2.0)
        found = compare_campaigns(made("a", day(1, 0.0125)), made("b", there))
        assert "measured on other machines" in found.verdict
        assert found.overall.interval[0] > 1.9


class TestNoise:
    def test_a_busy_session_beside_a_quiet_one_is_a_difference(self, made: Made) -> None:
        busy = day(2, 0.0125, other_cpu_fraction=0.55)
        found = compare_campaigns(made("a", day(1, 0.0125)), made("b", slower(busy, 1.29)))
        assert noise_of(found) == (
            "others used 1.6 % of the machine (at most 1.6 %), 0.0 % stolen, canary 12.5 ms",
            "others used 55 % of the machine (at most 55 %), 0.0 % stolen, canary 12.5 ms",
        )
        assert (
            "others disturbed 12 of 12 runs of B (others used up to 55 % of the machine in 12 of "
            "12 runs), so it may be their doing" in found.verdict
        )

    def test_two_quiet_ones_do_not_differ_by_their_noise(self, made: Made) -> None:
        a, b = made("a", day(1, 0.0125)), made("b", day(2, 0.0127, other_cpu_fraction=0.04))
        found = compare_campaigns(a, b)
        assert noise_of(found) is None
        assert found.disturbed == ()

    def test_a_slower_machine_is_a_difference_of_noise(self, made: Made) -> None:
        found = compare_campaigns(made("a", day(1, 0.0125)), made("b", day(2, 0.0150)))
        assert noise_of(found) is not None

    def test_where_every_attempt_was_disturbed_that_is_why_nothing_is_compared(
        self, made: Made
    ) -> None:
        spoilt = day(2, other_cpu_fraction=0.61, status=Status.INVALID_NOISE)
        found = compare_campaigns(made("a"), made("b", spoilt))
        assert found.overall is None
        assert found.why_not == (
            "not comparable because no cell finished in every run in both; 12 of 12 trials of B "
            "were not measured, since others disturbed every attempt (others used up to 61 % of the "
            "machine in 12 of 12 runs): sweep again when the machine is quiet"
        )
        assert noise_of(found)[1].endswith("12 attempts disturbed")


def test_hosts_without_a_limit_are_told_from_those_with_one(made: Made) -> None:
    free = hosts.find_host(hosts.UNLIMITED)
    sweep = replace(SMALL, hosts=(on("512M"), free), factors={"preset": ("ultrafast",)})
    a = made("a", sweep=sweep)
    words = [pair.words for pair in compare_campaigns(a, a).pairs]
    assert words == ["512 MB, 2 CPU", "no memory limit, unlimited CPU"]
    json.dumps(compare_campaigns(a, a).to_json(), default=str)
