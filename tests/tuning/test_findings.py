"""From the trials of invented machines to figures: they agree with the truth behind the trials."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from surface import FLUENT, SKETCH, STARTER, TWO_CORES, Machine, film, question, shortened, tune

from clipkit.campaign.strategy import Cell
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.plan.clips import Job, spread
from clipkit.plan.subject import Cuts
from clipkit.plan.subjects import Engine
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.tuning.findings import Findings, gather_findings
from clipkit.tuning.question import Question
from clipkit.tuning.screening import screened

ENGINE = Engine()
ONE = Settings()


def found(asked: Question, machine: Machine) -> Findings:
    strategy = tune(asked, machine)
    assert strategy.session.winner is not None
    return gather_findings(asked, strategy.session.screening, strategy.session.results)


def machine(**changes: object) -> Machine:
    return Machine(**({"noise": 0.02, "contrast": 0.2} | changes))  # type: ignore[arg-type]


def holds(interval: tuple[float, float] | None, truth: float) -> bool:
    return interval is not None and interval[0] <= truth <= interval[1]


# -- by hand ---------------------------------------------------------------------------------


class ByHand:
    """Trials written down one by one, of jobs of two clips unless it is said otherwise."""

    def __init__(self, asked: Question) -> None:
        self.asked = asked
        self.machine = Machine()
        self.results: list[tuple[Cell, Record]] = []

    def trial(
        self,
        phase: str,
        wall_s: float | None,
        subject: Cuts = ENGINE,
        block: int = 0,
        *,
        clips: tuple[int, ...] = (0, 1),
        job: int = 0,
        **changes: object,
    ) -> None:
        part = self.asked.jobs[job].reduced(clips)
        cell = Cell(phase, subject, ONE, part, self.asked.host, 0, block, math.inf)
        record = replace(self.machine.run(cell), wall_s=wall_s, **changes)  # type: ignore[arg-type]
        self.results.append((cell, record))

    def findings(self) -> Findings:
        return gather_findings(self.asked, screened(self.asked, self.results), self.results)


@pytest.fixture
def by_hand() -> ByHand:
    trials = ByHand(shortened(question(TWO_CORES), 2))
    trials.trial("screen", 4.0)
    return trials


def test_a_speedup_is_the_geometric_mean_of_the_pairs_ratios(by_hand: ByHand):
    for block, (theirs_s, ours_s) in enumerate([(10.0, 5.0), (32.0, 4.0)]):
        by_hand.trial("confirm", ours_s, block=block)
        by_hand.trial("confirm", theirs_s, FLUENT, block)
    fluent = by_hand.findings().baseline("fluent")
    assert fluent is not None
    assert fluent.speedup is not None
    assert fluent.speedup.value == pytest.approx(4.0)
    assert fluent.speedup.n == 2
    assert fluent.pairs == 2


def test_the_time_of_the_job_is_the_mean_over_the_pairs(by_hand: ByHand):
    for block, wall_s in enumerate([4.0, 5.0, 6.0]):
        by_hand.trial("confirm", wall_s, block=block)
    confirmed = by_hand.findings().confirmed
    assert confirmed.wall is not None
    assert confirmed.wall.value == pytest.approx(5.0)
    assert confirmed.wall.n == 3


def test_parts_of_the_job_are_scaled_to_all_of_it(by_hand: ByHand):
    by_hand.trial("confirm", 2.0, block=0, clips=(0,))
    by_hand.trial("confirm", 3.0, block=1, clips=(1,))
    confirmed = by_hand.findings().confirmed
    assert confirmed.wall is not None
    assert confirmed.wall.value == pytest.approx(5.0)


def test_a_pair_whose_baseline_failed_counts_for_the_winner_alone(by_hand: ByHand):
    for block in range(3):
        by_hand.trial("confirm", 5.0, block=block)
        failed = {"status": Status.OOM} if block == 1 else {}
        by_hand.trial("confirm", None if failed else 10.0, FLUENT, block, **failed)
    findings = by_hand.findings()
    fluent = findings.baseline("fluent")
    assert fluent is not None
    assert (findings.confirmed.pairs, fluent.pairs) == (3, 2)
    assert fluent.speedup is not None
    assert fluent.speedup.value == pytest.approx(2.0)


def test_one_pair_alone_gives_a_speedup_with_an_honest_interval(by_hand: ByHand):
    by_hand.trial("confirm", 5.0)
    by_hand.trial("confirm", 10.0, FLUENT)
    fluent = by_hand.findings().baseline("fluent")
    assert fluent is not None
    assert fluent.speedup is not None
    assert fluent.speedup.value == pytest.approx(2.0)
    assert fluent.speedup.low is not None
    assert fluent.speedup.low < 1.9


def test_every_clip_run_once_still_has_an_interval(by_hand: ByHand):
    by_hand.trial("confirm", 5.0)
    for clip in (0, 1):
        by_hand.trial("baseline", 6.0, SKETCH, clips=(clip,))
    sketch = by_hand.findings().baseline("sketch")
    assert sketch is not None
    assert sketch.clips_run == 2
    assert sketch.wall is not None
    assert sketch.wall.value == pytest.approx(12.0)
    assert sketch.wall.log_half_width is not None
    assert sketch.wall.log_half_width > 0.01


def test_a_baseline_that_never_ran_says_that_no_time_was_left(by_hand: ByHand):
    by_hand.trial("confirm", 5.0)
    sketch = by_hand.findings().baseline("sketch")
    assert sketch is not None
    assert sketch.wall is None
    assert sketch.speedup is None
    assert sketch.status is Status.CANCELLED
    assert sketch.error == "not run: no time was left"
    assert sketch.clips_run == 0


def test_a_baseline_that_failed_on_every_clip_says_how(by_hand: ByHand):
    by_hand.trial("confirm", 5.0)
    by_hand.trial("baseline", None, FLUENT, clips=(0,), status=Status.OOM, error="killed")
    fluent = by_hand.findings().baseline("fluent")
    assert fluent is not None
    assert (fluent.status, fluent.error, fluent.wall, fluent.clips_run) == (
        Status.OOM,
        "killed",
        None,
        0,
    )


def test_the_highest_peak_of_all_trials_under_the_ceiling_counts(by_hand: ByHand):
    for block, peak_mb in enumerate([90, 120, 100]):
        by_hand.trial("confirm", 5.0, block=block, peak_anon_bytes=peak_mb * MIB)
    assert by_hand.findings().confirmed.peak_anon_bytes == 120 * MIB


def test_cpu_is_that_of_the_whole_job(by_hand: ByHand):
    used = {"ffmpeg_cpu_s": 3.0, "orchestrator_cpu_s": 0.5}
    by_hand.trial("confirm", 5.0, block=0, clips=(0,), **used)
    by_hand.trial("confirm", 5.0, block=1, clips=(1,), **used)
    assert by_hand.findings().confirmed.cpu_s == pytest.approx(7.0)


def test_a_baseline_that_finished_on_one_of_two_uploads_has_no_time():
    films = (spread(film("a"), 2, 12.0), spread(film("b"), 2, 12.0))
    trials = ByHand(question(TWO_CORES, jobs=films))
    for job in (0, 1):
        trials.trial("screen", 4.0, job=job)
        trials.trial("confirm", 4.0, job=job)
    trials.trial("baseline", 6.0, FLUENT, clips=(0,))
    trials.trial("baseline", None, FLUENT, clips=(0,), job=1, status=Status.TIMEOUT, error="late")
    fluent = trials.findings().baseline("fluent")
    assert fluent is not None
    assert (fluent.wall, fluent.status, fluent.error) == (None, Status.TIMEOUT, "late")
    assert fluent.clips_run == 1


def test_a_block_that_lacks_one_upload_is_no_pair():
    films = (spread(film("a"), 2, 12.0), spread(film("b"), 2, 12.0))
    trials = ByHand(question(TWO_CORES, jobs=films))
    for job in (0, 1):
        trials.trial("screen", 4.0, job=job)
    for block in range(3):
        trials.trial("confirm", 5.0, block=block)
        if block != 1:
            trials.trial("confirm", 7.0, block=block, job=1)
    confirmed = trials.findings().confirmed
    assert confirmed.pairs == 2
    assert confirmed.wall is not None
    assert confirmed.wall.value == pytest.approx(12.0)


def test_clips_at_the_same_place_are_counted_each():
    job = spread(film(length_s=12.0), 3, 12.0)
    assert len({clip.start_s for clip in job.clips}) == 1
    findings = found(question(TWO_CORES, 200, jobs=(job,)), machine())
    assert findings.confirmed.clips_run == 3


def test_the_same_upload_given_twice_is_cut_twice():
    job = question().jobs[0]
    once = found(question(TWO_CORES, 600), machine(noise=0.0))
    twice = found(question(TWO_CORES, 600, jobs=(job, job)), machine(noise=0.0))
    assert once.confirmed.wall is not None
    assert twice.confirmed.wall is not None
    assert twice.clips_asked == 24
    assert twice.confirmed.clips_run == 24
    assert twice.confirmed.wall.value == pytest.approx(2 * once.confirmed.wall.value, rel=0.1)


# -- against the truth -----------------------------------------------------------------------


@pytest.mark.parametrize("host", [STARTER, TWO_CORES], ids=lambda host: host.name)
def test_times_and_speedups_are_near_the_truth(host: Host):
    asked, invented = question(host, 300), machine()
    findings = found(asked, invented)
    ours_s = invented.job_s(asked, findings.winner.settings)
    assert findings.confirmed.wall is not None
    assert findings.confirmed.wall.value == pytest.approx(ours_s, rel=0.1)
    for baseline in findings.baselines:
        truth_s = invented.job_s(asked, ONE, baseline.subject)
        assert baseline.wall is not None
        assert baseline.speedup is not None
        assert baseline.wall.value == pytest.approx(truth_s, rel=0.15)
        assert baseline.speedup.value == pytest.approx(truth_s / ours_s, rel=0.15)


@pytest.mark.parametrize("budget_s", [150, 300])
def test_the_intervals_hold_the_truth_about_as_often_as_they_say(budget_s: float):
    """Below one core, where a part of the job runs as the whole does."""
    runs, held = 60, {"confirmed": 0, "sketch": 0, "fluent": 0}
    for seed in range(runs):
        asked, invented = question(STARTER, budget_s), machine(seed=seed, contrast=0.1)
        findings = found(asked, invented)
        ours_s = invented.job_s(asked, findings.winner.settings)
        wall = findings.confirmed.wall
        held["confirmed"] += wall is not None and holds(wall.interval, ours_s)
        for baseline in findings.baselines:
            truth = invented.job_s(asked, ONE, baseline.subject) / ours_s
            speedup = baseline.speedup
            held[baseline.subject.name] += speedup is not None and holds(speedup.interval, truth)
    assert all(count >= 0.85 * runs for count in held.values()), held


def test_drift_of_the_machine_cancels_within_the_pairs():
    """It grows slower by a tenth over the tuning."""
    steady = found(question(), machine(noise=0.0, contrast=0.0))
    drifting = found(question(), machine(noise=0.0, contrast=0.0, drift_per_s=0.0004))
    one, other = steady.baseline("fluent"), drifting.baseline("fluent")
    assert one is not None
    assert other is not None
    assert one.speedup is not None
    assert other.speedup is not None
    assert other.speedup.value == pytest.approx(one.speedup.value, rel=0.03)


def test_more_time_narrows_the_intervals():
    short, long = (found(question(STARTER, budget_s), machine()) for budget_s in (120, 1200))
    for one, other in zip(short.baselines, long.baselines, strict=True):
        assert one.speedup is not None
        assert other.speedup is not None
        assert (other.speedup.log_half_width or 1) < (one.speedup.log_half_width or 1)


def test_a_dead_winners_pairs_do_not_count_for_its_successor():
    """The dead one's rounds hold trials of the baseline too."""
    first = tune(question(), machine()).session.winner

    def dies_in_the_second_round(cell: Cell) -> Status | None:
        return Status.OOM if cell.settings == first and cell.block == 1 else None

    asked, invented = question(TWO_CORES, 500), machine(ends=confirming(dies_in_the_second_round))
    findings = found(asked, invented)
    fluent = findings.baseline("fluent")
    assert findings.winner.settings != first
    assert fluent is not None
    assert fluent.speedup is not None
    truth = invented.job_s(asked, ONE, FLUENT) / invented.job_s(asked, findings.winner.settings)
    assert fluent.speedup.value == pytest.approx(truth, rel=0.1)


def confirming(ends: Callable[[Cell], Status | None]) -> Callable[[Cell], Status | None]:
    return lambda cell: ends(cell) if cell.phase == "confirm" else None


def test_a_job_of_one_clip_run_once_by_a_slow_baseline_has_a_wide_interval():
    findings = found(shortened(question(TWO_CORES, 100), 1), machine())
    sketch = findings.baseline("sketch")
    assert sketch is not None
    assert sketch.clips_run == 1
    if not sketch.pairs:
        assert sketch.wall is not None
        assert sketch.wall.log_half_width is not None
        assert sketch.wall.log_half_width > 0


def test_a_slow_baseline_is_extrapolated_by_what_it_decodes_not_by_the_number_of_clips():
    """Only the first quarter of the film was cut; the rest costs more."""
    asked = question(STARTER, jobs=(Job(film(), spread(film(), 12, 12.0).clips),))
    trials = ByHand(asked)
    trials.trial("screen", 4.0)
    trials.trial("confirm", 4.0)
    invented = Machine()
    for clip in (0, 1, 2):
        part = asked.jobs[0].reduced([clip])
        cell = Cell("baseline", SKETCH, ONE, part, asked.host, 0, 0, math.inf)
        trials.results.append((cell, invented.run(cell)))
    sketch = trials.findings().baseline("sketch")
    assert sketch is not None
    assert sketch.wall is not None
    assert sketch.wall.value == pytest.approx(invented.job_s(asked, ONE, SKETCH), rel=0.05)


# -- what others disturbed -------------------------------------------------------------------


def test_a_pair_that_others_disturbed_on_either_side_is_no_pair(by_hand: ByHand):
    for block in range(4):
        ours = {"status": Status.INVALID_NOISE} if block == 1 else {}
        theirs = {"status": Status.INVALID_NOISE} if block == 2 else {}
        by_hand.trial("confirm", 50.0 if ours else 5.0, block=block, **ours)
        by_hand.trial("confirm", 1.0 if theirs else 10.0, FLUENT, block, **theirs)
    findings = by_hand.findings()
    fluent = findings.baseline("fluent")
    assert fluent is not None
    assert (findings.confirmed.pairs, fluent.pairs) == (3, 3)
    assert fluent.speedup is not None
    assert (fluent.speedup.value, fluent.speedup.n) == (pytest.approx(2.0), 2)
    assert findings.confirmed.wall is not None
    assert findings.confirmed.wall.value == pytest.approx(5.0)


def test_a_baseline_that_others_disturbed_throughout_has_not_failed_and_has_no_time(
    by_hand: ByHand,
):
    by_hand.trial("confirm", 5.0)
    by_hand.trial("baseline", 6.0, FLUENT, clips=(0,), status=Status.INVALID_NOISE)
    fluent = by_hand.findings().baseline("fluent")
    assert fluent is not None
    assert fluent.status is Status.INVALID_NOISE
    assert fluent.error is not None
    assert (fluent.wall, fluent.speedup, fluent.clips_run, fluent.peak_anon_bytes) == (
        None,
        None,
        0,
        None,
    )
