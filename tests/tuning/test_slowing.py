"""What is said where the machine gave less as a tuning went on, or swapped: on invented trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from surface import SETTING, STARTER, Machine, question, tune

from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.tuning.conclude import conclude
from clipkit.tuning.findings import Findings, gather_findings
from clipkit.tuning.recommendation import Recommendation
from clipkit.tuning.slowing import SWAPPED_BYTES, slowing

Change = Callable[[int, int, Record], Record]
"""By the trial's place, how many there are, and what it was."""


def findings(change: Change) -> Findings:
    asked = question(STARTER)
    strategy = tune(asked, Machine(noise=0.02, cores=0.5))
    told = strategy.session.results
    results = [
        (cell, change(place, len(told), record)) for place, (cell, record) in enumerate(told)
    ]
    return gather_findings(asked, strategy.session.screening, results)


def concluded(change: Change) -> Recommendation:
    return conclude(findings(change), SETTING)


def plain(_place: int, _count: int, record: Record) -> Record:
    return replace(record, supplied_cores=0.5, canary_before_s=0.01, canary_after_s=0.01)


def slowed(record: Record, times: float) -> Record:
    assert record.wall_s is not None
    return replace(record, wall_s=record.wall_s * times)


def test_a_machine_that_gave_the_same_to_the_end_is_not_spoken_of():
    found = concluded(plain)
    assert found.slow is None
    assert "slow pace" not in found.verdict


def test_where_the_cores_fall_the_verdict_gives_the_slow_figure():
    """Behind two thirds of the trials half of the CPU is left, and everything takes twice as long."""

    def credits_end(place: int, count: int, record: Record) -> Record:
        if place < count * 2 // 3:
            return plain(place, count, record)
        return replace(slowed(plain(place, count, record), 2), supplied_cores=0.25)

    before, found = concluded(plain), concluded(credits_end)
    assert found.slow is not None
    assert (found.slow["kind"], found.slow["measured"]) == ("cores", True)
    assert (found.slow["before"], found.slow["after"]) == pytest.approx((0.5, 0.25))
    assert found.slow["wall_s"] == pytest.approx(2 * (before.confirmed_wall_s or 0), rel=0.1)
    assert ". But the CPU that is given fell from 0.50 to 0.25 cores from trial" in found.verdict
    assert "at the slow pace 12 clips take" in found.verdict


def test_a_fall_behind_the_last_trial_of_the_recommended_settings_is_reckoned_from_its_cpu():
    def last_ones(_place: int, _count: int, record: Record) -> Record:
        return replace(record, supplied_cores=0.5)

    whole = findings(last_ones)
    ran = [place for place, (cell, _) in enumerate(whole.results) if cell.phase == "confirm"]
    extra = [
        (replace(cell, phase="screen"), replace(record, supplied_cores=0.1))
        for cell, record in whole.results[ran[0] : ran[0] + 4]
    ]
    found = slowing(replace(whole, results=[*whole.results, *extra]))
    assert found is not None
    assert not found.measured
    assert found.wall_s == pytest.approx((whole.confirmed.cpu_s or 0) / 0.1, rel=0.01)
    assert "(estimated)" in found.words


def test_a_job_that_did_not_use_all_of_the_cpu_is_not_faster_at_the_slow_pace():
    """It waits for more than the CPU, as a copy does for the disk: 0.1 cores are more than it used."""

    def waits(_place: int, _count: int, record: Record) -> Record:
        return replace(record, supplied_cores=0.5, ffmpeg_cpu_s=0.05 * (record.wall_s or 0))

    whole = findings(waits)
    cell, record = next(each for each in whole.results if each[0].phase == "confirm")
    extra = [(replace(cell, phase="screen"), replace(record, supplied_cores=0.1))] * 4
    found = slowing(replace(whole, results=[*whole.results, *extra]))
    assert found is not None
    assert whole.confirmed.wall is not None
    assert (found.kind, found.measured) == ("cores", False)
    assert found.wall_s == pytest.approx(whole.confirmed.wall.value, rel=0.05)


def test_trials_that_could_use_less_are_no_fall():
    """A wide candidate was held back at two cores; later ones, of which one thread alone has bursts, at 1.6."""

    def narrower(_place: int, _count: int, record: Record) -> Record:
        is_wide = record.phase != "confirm"
        return replace(record, supplied_cores=2.0 if is_wide else 1.6)

    whole = findings(narrower)
    confirming = {cell.settings for cell, _ in whole.results if cell.phase == "confirm"}
    unlike = [
        each
        for each in whole.results
        if each[0].phase == "confirm" or each[0].settings not in confirming
    ]
    assert sum(cell.phase != "confirm" for cell, _ in unlike) >= 3
    assert slowing(replace(whole, results=unlike)) is None


def test_a_fall_within_a_single_trial_is_seen_by_its_two_ends():
    def in_one(place: int, count: int, record: Record) -> Record:
        where = count // 2
        if place < where:
            return plain(place, count, record)
        if place == where:
            return replace(plain(place, count, record), supplied_cores_end=0.25)
        return replace(slowed(plain(place, count, record), 2), supplied_cores=0.25)

    found = concluded(in_one)
    assert found.slow is not None
    assert (found.slow["before"], found.slow["after"]) == pytest.approx((0.5, 0.25))


def test_slower_cores_are_seen_by_the_same_piece_of_work():
    def slower(place: int, count: int, record: Record) -> Record:
        if place < count // 2:
            return plain(place, count, record)
        same = plain(place, count, record)
        return replace(slowed(same, 1.5), canary_before_s=0.015, canary_after_s=0.015)

    found = concluded(slower)
    assert found.slow is not None
    assert found.slow["kind"] == "speed"
    assert found.slow["after"] == pytest.approx(1 / 1.5, rel=0.01)
    assert "to 67 % of their speed" in found.verdict
    assert "credits" not in found.verdict


def test_where_nobody_counts_what_a_quota_withheld_the_same_work_tells_it():
    """On a host whose hypervisor takes the CPU away no counter shows it."""

    def taken_away(place: int, count: int, record: Record) -> Record:
        return record if place < count * 2 // 3 else slowed(record, 2)

    found = concluded(taken_away)
    assert found.slow is not None
    assert found.slow["kind"] == "rate"
    assert found.slow["after"] == pytest.approx(0.5, rel=0.1)
    assert "(why is not known)" in found.verdict
    assert "credits" not in found.verdict


class TestSwap:
    def growing(self, part: int) -> Recommendation:
        """Every `part`-th confirming trial swaps, and takes three times as long."""
        seen: dict[int, int] = {}

        def swaps(place: int, _count: int, record: Record) -> Record:
            told = replace(record, supplied_cores=0.5, swap_growth_bytes=0)
            if record.phase != "confirm":
                return told
            seen[place] = len(seen)
            if seen[place] % part:
                return told
            return replace(slowed(told, 3), swap_growth_bytes=60 * MIB)

        return concluded(swaps)

    def test_is_told_with_the_time_that_runs_with_it_take(self):
        found = self.growing(3)
        assert found.slow is not None
        assert found.slow["kind"] == "swap"
        assert "memory was swapped out in" in found.verdict
        assert "up to 60 MB" in found.verdict
        assert found.slow["after"] == pytest.approx(3 * found.slow["before"], rel=0.1)

    def test_of_every_run_leaves_no_other_figure(self):
        found = self.growing(1)
        assert found.slow is not None
        assert found.slow["before"] is None
        assert "those without" not in found.verdict

    def test_of_a_little_is_what_systems_do_at_leisure(self):
        def a_little(_place: int, _count: int, record: Record) -> Record:
            return replace(record, swap_growth_bytes=SWAPPED_BYTES - 1)

        assert concluded(a_little).slow is None


def test_it_is_kept_in_the_file_and_read_again():
    def swaps(_place: int, _count: int, record: Record) -> Record:
        return replace(record, swap_growth_bytes=60 * MIB)

    found = concluded(swaps)
    assert Recommendation.from_json(found.to_json()).slow == found.slow
