"""The strategy on invented machines of known truth, by an invented clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from surface import (
    FILM,
    FLUENT,
    ONE_CORE,
    SKETCH,
    STARTER,
    TWO_CORES,
    Machine,
    film,
    pair_s,
    question,
    shortened,
    tune,
)

from clipkit.campaign.strategy import Cell, Progress
from clipkit.errors import CampaignError
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.plan import baselines
from clipkit.plan.clips import spread
from clipkit.plan.subject import Cuts
from clipkit.plan.subjects import CommandLine, Engine
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.tuning.question import Question
from clipkit.tuning.screening import are_told_apart, better_not_cut_so
from clipkit.tuning.session import PAIRS
from clipkit.tuning.strategy import TuneStrategy

ENGINE = Engine()
FOUR_CORES = Host("four", 512 * MIB, 4.0)
UNLIMITED = Host("any", None, None)
HOSTS = [STARTER, ONE_CORE, TWO_CORES, FOUR_CORES, UNLIMITED]
BUDGETS = [20, 60, 180, 300, 1800]


def by_name(host: Host) -> str:
    return host.name


def machine(**changes: object) -> Machine:
    return Machine(**({"noise": 0.02, "contrast": 0.3} | changes))  # type: ignore[arg-type]


def trials(
    strategy: TuneStrategy, phase: str, subject: Cuts | None = None
) -> list[tuple[Cell, Record]]:
    return [
        (cell, record)
        for cell, record in strategy.session.results
        if cell.phase == phase and subject in {None, cell.subject}
    ]


def pairs(strategy: TuneStrategy) -> list[list[tuple[Cell, Record]]]:
    blocks: dict[int, list[tuple[Cell, Record]]] = {}
    for cell, record in trials(strategy, "confirm"):
        blocks.setdefault(cell.block, []).append((cell, record))
    return list(blocks.values())


def asked_of(strategy: TuneStrategy) -> tuple[Settings, ...]:
    return strategy.question.candidates


def dies(when: Callable[[Cell], bool], how: Status = Status.OOM) -> Callable[[Cell], Status | None]:
    return lambda cell: how if when(cell) else None


# -- the optimum -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("host", HOSTS, ids=by_name)
def test_it_finds_the_best_settings_or_a_tie_of_them(host: Host, seed: int):
    asked, machine_ = question(host), machine(seed=seed, cores=4)
    winner = tune(asked, machine_).session.winner
    assert winner is not None
    best_s = min(machine_.job_s(asked, candidate) for candidate in asked.candidates)
    assert machine_.job_s(asked, winner) <= 1.06 * best_s


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_a_lonely_optimum_among_equals(seed: int):
    """One candidate is 15 % better than all others, for a reason that no theory knows."""
    asked = question()
    lonely = asked.candidates[-2]
    odd = machine(seed=seed, cpu_of=lambda s: 0.85 if s == lonely else 1.0 if s.concurrency else 0)
    best = min(asked.candidates, key=lambda s: odd.job_s(asked, s))
    winner = tune(asked, odd).session.winner
    assert best == lonely
    assert winner == lonely


def test_two_clips_at_once_are_not_called_slower_than_three_for_a_clip_left_over():
    """On two cores both keep them busy: only a part of the job with an odd clip tells them apart."""
    strategy = tune(question(), machine())
    screened = {
        entry.settings.concurrency: entry for entry in strategy.session.screening.entries[:3]
    }
    assert strategy.session.winner is not None
    assert strategy.session.winner.concurrency == 2
    assert screened[2].predicted_wall_s < 1.1 * screened[3].predicted_wall_s


def test_of_settings_that_tie_the_one_with_more_headroom_wins():
    asked = question(ONE_CORE)
    strategy = tune(asked, machine())
    assert sum(entry.tied for entry in strategy.session.screening.entries) > 1
    assert strategy.session.winner is not None
    assert strategy.session.winner.concurrency == 1


def test_a_round_of_harder_clips_is_not_taken_for_slower_settings():
    """Rounds cut different clips; one candidate more or less in a round changes nothing."""
    strategy = tune(question(STARTER), machine(contrast=0.8, noise=0.01))
    assert {record.block for _, record in trials(strategy, "screen")} > {0, 1}
    best_s = min(entry.predicted_wall_s for entry in strategy.session.screening.entries)
    alike = [e for e in strategy.session.screening.entries if e.settings.encoder_threads == 1]
    assert all(entry.predicted_wall_s < 1.05 * best_s for entry in alike)


# -- the budget ------------------------------------------------------------------------------


@pytest.mark.parametrize("budget_s", BUDGETS)
@pytest.mark.parametrize("host", HOSTS, ids=by_name)
def test_it_never_runs_past_the_budget_by_more_than_a_pair(host: Host, budget_s: float):
    machine_ = machine()
    strategy = tune(question(host, budget_s), machine_)
    assert machine_.clock_s <= 1.05 * budget_s + pair_s(strategy)
    assert pairs(strategy)


@pytest.mark.parametrize(("budget_s", "slowness"), [(60, 5), (300, 5), (300, 20)])
def test_nor_where_a_single_clip_takes_a_good_part_of_it(budget_s: float, slowness: float):
    machine_ = machine(encode_frame_s=0.004 * slowness, decode_frame_s=0.002 * slowness)
    strategy = tune(question(STARTER, budget_s), machine_)
    screen_s = max(record.wall_s or 0.0 for _, record in trials(strategy, "screen"))
    assert machine_.clock_s <= budget_s + pair_s(strategy) + screen_s
    assert strategy.session.winner is not None


@pytest.mark.parametrize("host", [STARTER, ONE_CORE, TWO_CORES], ids=by_name)
def test_five_pairs_at_least_are_run_where_they_fit(host: Host):
    strategy = tune(question(host, 300), machine())
    assert len(pairs(strategy)) >= PAIRS


@pytest.mark.parametrize("host", [STARTER, ONE_CORE, TWO_CORES], ids=by_name)
def test_the_pairs_together_cut_every_clip_of_the_job(host: Host):
    strategy = tune(question(host, 400), machine())
    cut = {clip for cell, _ in trials(strategy, "confirm", ENGINE) for clip in cell.job.clips}
    assert cut == set(question(host).jobs[0].clips)


def test_the_order_within_a_pair_alternates():
    firsts = [pair[0][0].subject for pair in pairs(tune(question(), machine()))]
    assert [subject.tunable for subject in firsts[:5]] == [True, False, True, False, True]


def test_both_sides_of_a_pair_cut_the_same_clips_on_the_full_host():
    for pair in pairs(tune(question(STARTER), machine())):
        assert len({cell.job.clips for cell, _ in pair}) == 1
        assert {cell.host for cell, _ in pair} == {STARTER}


def test_confirming_trials_are_fresh_and_cut_as_many_clips_at_once_as_recommended():
    strategy = tune(question(), machine())
    assert strategy.session.winner is not None
    *fresh, (last, _) = trials(strategy, "confirm", ENGINE)
    assert len(fresh) >= PAIRS
    for cell, _ in fresh:
        assert cell.settings == strategy.session.winner
        assert len(cell.job.clips) >= strategy.session.winner.concurrency
    assert last.settings == strategy.session.screening.runner_up


def test_a_budget_too_short_for_one_clip_still_ends_in_settings_that_ran():
    slow = machine(encode_frame_s=0.08, decode_frame_s=0.04)
    strategy = tune(question(STARTER, 60), slow)
    assert strategy.session.winner is not None
    assert all(record.status is Status.OK for _, record in trials(strategy, "confirm"))


# -- screening -------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS, ids=by_name)
def test_every_trial_runs_on_the_host_that_is_asked_about(host: Host):
    assert {cell.host for cell, _ in tune(question(host), machine()).session.results} == {host}


@pytest.mark.parametrize("host", [STARTER, TWO_CORES], ids=by_name)
def test_short_clips_of_the_screening_predict_the_whole_job(host: Host):
    asked, machine_ = question(host, 90), machine(noise=0.0, contrast=0.0)
    strategy = tune(asked, machine_)
    assert strategy.session.winner is not None
    shortened_s = {c.duration_s for cell, _ in trials(strategy, "screen") for c in cell.job.clips}
    assert max(shortened_s) < 12
    truth_s = machine_.job_s(asked, strategy.session.winner)
    assert strategy.session.screening.predicted_wall_s == pytest.approx(truth_s, rel=0.04)


def test_each_screening_really_runs_as_many_clips_at_once_as_it_is_about():
    strategy = tune(question(UNLIMITED), machine(cores=4))
    for cell, _ in trials(strategy, "screen"):
        assert len(cell.job.clips) >= cell.settings.concurrency


def test_more_clips_at_once_than_the_job_has_are_not_tried():
    strategy = tune(shortened(question(UNLIMITED), 2), machine(cores=4))
    assert {cell.settings.concurrency for cell, _ in trials(strategy, "screen")} == {1, 2}


def test_a_first_clip_warms_up_and_counts_for_nothing():
    strategy = tune(question(), machine())
    assert strategy.session.results[0][0].phase == "warmup"
    assert [cell.phase for cell, _ in strategy.session.results].count("warmup") == 1


def test_time_is_spent_on_repeats_of_those_that_may_still_win():
    strategy = tune(question(TWO_CORES, 600), machine())
    again = {cell.settings for cell, _ in trials(strategy, "screen") if cell.block}
    competing = [e for e in strategy.session.screening.running if e.shortfall is not None]
    best = sorted(competing, key=lambda entry: entry.shortfall or 0)
    assert again
    assert best[0].settings in again
    assert best[-1].settings not in again
    assert len(trials(strategy, "screen")) < len(asked_of(strategy)) * (
        1 + max(cell.block for cell, _ in trials(strategy, "screen"))
    )


def test_threads_left_to_ffmpeg_are_tried_and_not_recommended_since_a_cut_would_take_others():
    left_open = Settings(encoder_threads=0, decoder_threads=0, filter_threads=0)
    strategy = tune(question(TWO_CORES, 600), machine())
    (tried,) = [e for e in strategy.session.screening.running if e.settings == left_open]
    assert tried.shortfall is None
    assert strategy.session.screening.winner != left_open


# -- what fails ------------------------------------------------------------------------------


def test_the_last_few_are_measured_equally_often_until_they_are_told_from_the_best():
    def slow(settings: Settings) -> float:
        return 1.5 if settings.encoder_threads == 0 else 1.0

    strategy = tune(question(STARTER, 300), machine(noise=0.04, cpu_of=slow))
    runs = {entry.settings: entry.runs for entry in strategy.session.screening.entries}
    told = [count for settings, count in runs.items() if slow(settings) > 1]
    alike = [count for settings, count in runs.items() if slow(settings) == 1]
    assert len(told) >= 1
    assert len(alike) == len(runs) - len(told) >= 2
    assert max(told) < min(alike)


def test_settings_that_ran_out_of_memory_are_never_recommended():
    """Three at once would be fastest by far, and do not fit."""
    asked = question(Host("small", 110 * MIB, 4.0))
    strategy = tune(asked, machine(cores=4))
    ended = {
        entry.settings.concurrency: entry.status for entry in strategy.session.screening.entries
    }
    assert ended[3] is Status.OOM
    assert strategy.session.winner is not None
    assert strategy.session.winner.concurrency == 2


def test_settings_that_leave_no_margin_are_not_recommended_though_they_ran():
    """Two at once take 92 of 100 MB: they end well, and are no advice."""
    strategy = tune(question(Host("tight", 100 * MIB, 2.0)), machine())
    two = next(e for e in strategy.session.screening.entries if e.settings.concurrency == 2)
    assert two.status is Status.OK
    assert not two.fits
    assert strategy.session.winner is not None
    assert strategy.session.winner.concurrency == 1


def test_those_that_fit_are_repeated_and_tie_among_themselves_whatever_does_not_fit():
    asked = question(Host("tight", 100 * MIB, 4.0), 600)
    strategy = tune(asked, machine(cores=4))
    fitting = [entry for entry in strategy.session.screening.entries if entry.fits]
    assert max(entry.runs for entry in fitting) > 1
    assert any(entry.tied for entry in fitting)
    assert {entry.shortfall for entry in strategy.session.screening.entries if not entry.fits} == {
        None
    }


def test_the_reserve_of_the_users_server_counts():
    roomy = tune(question(Host("h", 160 * MIB, 4.0)), machine(cores=4))
    kept = tune(question(Host("h", 160 * MIB, 4.0), reserve_bytes=90 * MIB), machine(cores=4))
    assert roomy.session.winner is not None
    assert kept.session.winner is not None
    assert roomy.session.winner.concurrency == 3
    assert kept.session.winner.concurrency == 1


def test_a_candidate_that_fails_does_not_stop_the_screening():
    asked = question()
    broken = machine(ends=dies(lambda c: c.settings.concurrency == 2, Status.FAILED))
    strategy = tune(asked, broken)
    assert {e.settings for e in strategy.session.screening.entries} == set(asked.candidates)
    assert strategy.session.winner is not None
    assert strategy.session.winner.concurrency == 3


def test_a_baseline_that_runs_out_of_memory_leaves_no_candidate_out():
    """The most cautious candidate has the settings that the baseline is asked for."""
    asked = question(STARTER)
    strategy = tune(asked, machine(ends=dies(lambda c: not c.subject.tunable)))
    assert {e.settings for e in strategy.session.screening.running} == set(asked.candidates)


def test_where_nothing_runs_there_is_no_winner_and_no_baseline_is_timed():
    strategy = tune(question(), machine(ends=dies(lambda cell: cell.subject.tunable)))
    assert strategy.session.winner is None
    assert {cell.phase for cell, _ in strategy.session.results} == {"warmup", "first", "screen"}


def test_a_winner_that_dies_in_confirmation_is_replaced_by_the_next_best():
    first = tune(question(), machine()).session.winner
    deadly = dies(lambda c: c.phase == "confirm" and c.settings == first)
    strategy = tune(question(), machine(ends=deadly))
    assert strategy.session.winner not in {None, first}
    dead = next(entry for entry in strategy.session.screening.entries if entry.settings == first)
    assert dead.status is Status.OOM


class HungryWholeClips(Machine):
    """What short clips do not show: those that are confirmed need nearly all of 512 MB where `settings` cut them."""

    hungry: Settings | None = None

    def need_bytes(self, cell: Cell) -> int:
        is_hungry = cell.phase == "confirm" and cell.settings == self.hungry
        return 500 * MIB if is_hungry and cell.subject == ENGINE else super().need_bytes(cell)


@pytest.mark.parametrize("which", ["winner", "runner_up"])
def test_whole_clips_that_leave_no_margin_are_not_recommended(which: str):
    first = tune(question(), machine()).session.screening
    hungry = HungryWholeClips(noise=0.02, contrast=0.3)
    hungry.hungry = getattr(first, which)
    strategy = tune(question(), hungry)
    entry = next(e for e in strategy.session.screening.entries if e.settings == hungry.hungry)
    assert not entry.fits
    assert not entry.tied
    assert strategy.session.winner not in {None, hungry.hungry}
    assert strategy.session.winner in {
        cell.settings for cell, _ in trials(strategy, "confirm", ENGINE)
    }


def test_a_runner_up_that_dies_is_no_tie():
    first = tune(question(), machine()).session.screening
    deadly = dies(lambda c: c.phase == "confirm" and c.settings == first.runner_up)
    strategy = tune(question(), machine(ends=deadly))
    dead = next(e for e in strategy.session.screening.entries if e.settings == first.runner_up)
    assert (dead.status, dead.tied) == (Status.OOM, False)
    assert strategy.session.winner == first.winner


def test_as_many_at_once_as_a_cut_would_not_let_in_are_not_recommended():
    """Two at once took 92 MB of 105, which leaves a margin; the model, by which a cut goes, gives each 50."""
    asked = question(Host("tight", 105 * MIB, 2.0))
    strategy = tune(asked, machine())
    screening = strategy.session.screening
    two = next(e for e in screening.entries if e.settings.concurrency == 2)
    assert (two.status, two.fits, two.shortfall) == (Status.OK, True, None)
    assert screening.best and screening.best.settings.concurrency == 1
    better = better_not_cut_so(asked, screening)
    assert better is not None and better.settings.concurrency > 1


def test_a_time_of_what_does_not_compete_is_told_apart_by_the_noise():
    screening = tune(question(), machine()).session.screening
    best = screening.best
    assert best is not None
    other = next(e for e in screening.running if e.shortfall is None)
    near = replace(other, predicted_wall_s=1.01 * best.predicted_wall_s)
    assert not are_told_apart(screening, near, best)
    far = replace(other, predicted_wall_s=2 * best.predicted_wall_s)
    assert are_told_apart(screening, far, best)


@pytest.mark.parametrize("dying_pair", [0, 1, 2])
def test_its_successors_pairs_start_afresh(dying_pair: int):
    """No round of the dead winner is paired with one of its successor."""
    first = tune(question(), machine()).session.winner

    def deadly(cell: Cell) -> Status | None:
        late = cell.phase == "confirm" and cell.block == dying_pair
        return Status.OOM if late and cell.settings == first else None

    strategy = tune(question(), machine(ends=deadly))
    of_the_dead = {c.block for c, _ in trials(strategy, "confirm", ENGINE) if c.settings == first}
    winner = strategy.session.winner
    of_the_next = [c.block for c, _ in trials(strategy, "confirm", ENGINE) if c.settings == winner]
    assert of_the_dead == set(range(dying_pair + 1))
    assert min(of_the_next) == dying_pair + 1
    assert len(of_the_next) == len(set(of_the_next))


def test_where_every_candidate_dies_in_confirmation_there_is_no_winner():
    deadly = dies(lambda cell: cell.phase == "confirm" and cell.subject.tunable)
    strategy = tune(question(), machine(ends=deadly))
    assert strategy.session.winner is None
    assert {e.status for e in strategy.session.screening.entries if e.tied} == set()


def test_settings_that_others_disturbed_to_the_end_are_not_measured_and_never_win():
    first = tune(question(), machine()).session.winner
    noisy = dies(lambda c: c.settings == first and c.subject == ENGINE, Status.INVALID_NOISE)
    strategy = tune(question(), machine(ends=noisy))
    assert strategy.session.winner not in {None, first}
    spoilt = next(entry for entry in strategy.session.screening.entries if entry.settings == first)
    assert (spoilt.status, spoilt.predicted_wall_s) == (Status.INVALID_NOISE, math.inf)
    assert not spoilt.tied


def test_where_others_disturbed_everything_there_is_no_winner_and_nothing_is_compared():
    strategy = tune(question(), machine(ends=dies(lambda _: True, Status.INVALID_NOISE)))
    assert strategy.session.winner is None
    assert {cell.phase for cell, _ in strategy.session.results} == {"warmup", "first", "screen"}


def test_one_good_round_beside_a_disturbed_one_is_a_measurement():
    again = dies(lambda c: c.phase == "screen" and c.block > 0, Status.INVALID_NOISE)
    strategy = tune(question(TWO_CORES, 600), machine(ends=again))
    assert {entry.status for entry in strategy.session.screening.entries} == {Status.OK}
    assert strategy.session.winner is not None


def test_a_winner_that_others_disturb_while_it_is_confirmed_has_not_failed():
    spoilt = dies(lambda c: c.phase == "confirm" and c.subject.tunable, Status.INVALID_NOISE)
    strategy = tune(question(), machine(ends=spoilt))
    assert strategy.session.winner == tune(question(), machine()).session.winner
    assert len(pairs(strategy)) >= PAIRS


def test_a_baseline_that_others_disturbed_is_no_rival():
    spoilt = dies(lambda c: c.subject == FLUENT, Status.INVALID_NOISE)
    strategy = tune(question(), machine(ends=spoilt))
    assert strategy.session.rivals == (SKETCH,)
    assert strategy.session.winner is not None


# -- baselines -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [Status.OOM, Status.FAILED, Status.TIMEOUT])
def test_a_baseline_that_fails_is_recorded_and_does_not_stop_the_tuning(how: Status):
    strategy = tune(question(), machine(ends=dies(lambda c: c.subject == FLUENT, how)))
    assert [record.status for _, record in trials(strategy, "baseline", FLUENT)] == [how]
    assert strategy.session.rivals == (SKETCH,)
    assert strategy.session.winner is not None
    assert pairs(strategy)


def test_the_winner_is_confirmed_alone_where_every_baseline_fails():
    strategy = tune(question(), machine(ends=dies(lambda c: not c.subject.tunable)))
    assert strategy.session.rivals == ()
    assert len(pairs(strategy)) >= PAIRS
    assert {cell.subject for cell, _ in trials(strategy, "confirm")} == {ENGINE}


def test_a_baseline_that_fails_in_a_pair_leaves_the_winner_alone():
    strategy = tune(
        question(), machine(ends=dies(lambda c: c.subject == FLUENT and c.phase == "confirm"))
    )
    assert strategy.session.winner is not None
    assert all(record.status is Status.OK for _, record in trials(strategy, "confirm", ENGINE))


def test_a_slow_baseline_runs_on_more_clips_the_more_time_there_is():
    run = [
        len(trials(tune(question(TWO_CORES, budget_s), machine()), "baseline", SKETCH))
        for budget_s in (20, 60, 300)
    ]
    assert run == sorted(run)
    assert run[0] == 0
    assert run[1] == 1
    assert run[2] >= 2


def test_a_slow_baseline_that_fits_the_confirming_rounds_takes_part_in_them():
    strategy = tune(question(TWO_CORES, 3000), machine())
    assert set(strategy.session.rivals) == {SKETCH, FLUENT}
    *rounds, _with_the_runner_up = pairs(strategy)
    assert {len(each) for each in rounds} == {3}


def test_one_clip_of_a_slow_baseline_is_the_films_middle_one():
    asked = question(TWO_CORES, 60)
    (cell, _), *more = trials(tune(asked, machine()), "baseline", SKETCH)
    assert not more
    assert cell.job.clips == (asked.jobs[0].clips[6],)


def test_pairs_of_its_clips_lie_evenly_around_the_middle():
    asked = question(TWO_CORES, 300)
    starts = [c.job.clips[0].start_s for c, _ in trials(tune(asked, machine()), "baseline", SKETCH)]
    middle_s = (FILM.duration_s - 12) / 2
    for early_s, late_s in zip(starts[::2], starts[1::2], strict=True):
        assert (early_s + late_s) / 2 == pytest.approx(middle_s, abs=0.01)


def test_a_slow_baseline_that_fails_is_not_tried_again_and_again():
    def third(cell: Cell) -> bool:
        return cell.subject == SKETCH and cell.job.clips[0].start_s < 100

    strategy = tune(question(TWO_CORES, 600), machine(ends=dies(third)))
    ended = [record.status for _, record in trials(strategy, "baseline", SKETCH)]
    assert ended == [Status.OK, Status.OK, Status.OOM]


def test_a_users_command_that_does_not_tell_where_it_seeks_is_timed_all_the_same():
    command = CommandLine(baselines.parse_template("cut.sh {input} {start} {duration} {output}"))
    asked = question(TWO_CORES, 60, baselines=(command, SKETCH, FLUENT))
    strategy = tune(asked, machine())
    assert trials(strategy, "baseline", command)


def test_a_baselines_trial_ends_with_the_budget_at_the_latest():
    strategy = tune(question(TWO_CORES, 120), machine())
    for cell, _ in trials(strategy, "baseline"):
        assert 30 <= cell.timeout_s <= 120


# -- jobs of every kind ----------------------------------------------------------------------


@pytest.mark.parametrize("clips", [1, 2, 3, 5])
@pytest.mark.parametrize("host", [STARTER, TWO_CORES, UNLIMITED], ids=by_name)
def test_a_job_of_few_clips_is_tuned(host: Host, clips: int):
    machine_ = machine()
    strategy = tune(shortened(question(host, 200), clips), machine_)
    assert strategy.session.winner is not None
    assert strategy.session.winner.concurrency <= clips
    assert len(pairs(strategy)) >= PAIRS
    assert machine_.clock_s <= 200 + pair_s(strategy)


@pytest.mark.parametrize("clips", [1, 2, 3, 5])
def test_no_clip_of_a_slow_baseline_is_run_twice(clips: int):
    strategy = tune(shortened(question(TWO_CORES, 100), clips), machine())
    alone = [c.job.clips[0].start_s for c, _ in trials(strategy, "baseline", SKETCH)]
    assert alone
    assert len(alone) == len(set(alone))


def two_films(host: Host = TWO_CORES, budget_s: float = 600) -> Question:
    long, short = film("long", 600), film("short", 60)
    return question(host, budget_s, jobs=(spread(long, 12, 12.0), spread(short, 12, 2.0)))


def test_several_uploads_are_all_in_every_part_of_the_tuning():
    strategy = tune(two_films(), machine())
    for phase in ("warmup", "screen", "baseline", "confirm"):
        uploads = [cell.job.upload.sha256 for cell, _ in trials(strategy, phase)]
        assert len(set(uploads)) == 2
        assert uploads.count(uploads[0]) == len(uploads) / 2


def test_the_time_of_several_uploads_is_their_sum():
    asked, machine_ = two_films(), machine(noise=0.0, contrast=0.0)
    strategy = tune(asked, machine_)
    assert strategy.session.winner is not None
    truth_s = machine_.job_s(asked, strategy.session.winner)
    assert strategy.session.screening.predicted_wall_s == pytest.approx(truth_s, rel=0.05)


def test_uploads_of_unlike_length_are_not_taken_for_noise():
    strategy = tune(two_films(), machine(noise=0.01))
    assert sum(entry.tied for entry in strategy.session.screening.entries) < len(
        strategy.session.screening.entries
    )
    assert strategy.session.winner is not None
    assert strategy.session.winner.concurrency == 2


def test_a_baseline_that_fails_on_the_second_upload_is_no_rival():
    deadly = dies(lambda c: c.subject == FLUENT and c.job.upload.sha256.startswith("short"))
    assert tune(two_films(), machine(ends=deadly)).session.rivals == (SKETCH,)


def test_it_tunes_without_baselines():
    strategy = tune(question(baselines=()), machine())
    assert strategy.session.winner is not None
    assert len(pairs(strategy)) >= PAIRS


def test_it_tunes_with_a_single_candidate():
    asked = question(candidates=(Settings(),))
    strategy = tune(asked, machine())
    assert strategy.session.winner == Settings()
    assert len(trials(strategy, "screen")) == 1


# -- ask and tell ----------------------------------------------------------------------------


def test_while_a_cell_is_open_nothing_is_asked_since_what_comes_next_depends_on_it():
    machine_ = machine()
    strategy = TuneStrategy(question(), machine_.elapsed_s)
    cells = []
    while (cell := strategy.ask()) is not None:
        assert strategy.ask() is None
        cells.append(cell)
        strategy.tell(cell, machine_.run(cell))
    once = tune(question(), machine())
    assert [c.name for c in cells] == [c.name for c, _ in once.session.results]


def test_telling_before_asking_is_refused():
    asked = question()
    cell, record = tune(asked, machine()).session.results[0]
    with pytest.raises(CampaignError, match="not asked for"):
        TuneStrategy(asked, lambda: 0.0).tell(cell, record)


def test_telling_twice_is_refused_and_changes_nothing():
    machine_ = machine()
    strategy = TuneStrategy(question(), machine_.elapsed_s)
    cell = strategy.ask()
    assert cell is not None
    record = machine_.run(cell)
    strategy.tell(cell, record)
    with pytest.raises(CampaignError, match="not asked for"):
        strategy.tell(cell, record)
    assert len(strategy.session.results) == 1


def test_after_the_end_nothing_is_asked_and_nothing_can_be_told():
    strategy = tune(question(TWO_CORES, 20), machine())
    assert strategy.ask() is None
    assert strategy.ask() is None
    with pytest.raises(CampaignError, match="not asked for"):
        strategy.tell(*strategy.session.results[0])


@pytest.mark.parametrize("budget_s", [20, 60, 300])
@pytest.mark.parametrize("host", [STARTER, TWO_CORES], ids=by_name)
def test_the_users_own_command_is_always_run_however_slow_it_is(host: Host, budget_s: float):
    """An early clip of a film costs a way that seeks after the input the least."""
    words = "ffmpeg -i {input} -ss {start} -t {duration} {output}"
    command = CommandLine(baselines.parse_template(words))
    machine_ = machine()
    strategy = tune(question(host, budget_s, baselines=(command, SKETCH, FLUENT)), machine_)
    assert trials(strategy, "baseline", command)
    assert {cell.subject for cell, _ in trials(strategy, "confirm")} <= {command, ENGINE}
    assert machine_.clock_s <= 1.25 * budget_s + pair_s(strategy)


def test_the_same_question_on_the_same_machine_is_answered_the_same_way():
    one, other = (tune(question(), machine(seed=3)) for _ in range(2))
    assert [cell for cell, _ in one.session.results] == [cell for cell, _ in other.session.results]


def test_no_cell_has_a_time_limit_that_is_none():
    strategy = tune(question(replace(STARTER, cpus=0.1), 120), machine())
    assert all(math.isfinite(cell.timeout_s) for cell, _ in strategy.session.results)
    assert all(cell.timeout_s >= 30 for cell, _ in strategy.session.results)


def test_its_progress_counts_what_was_tried_and_leaves_the_rest_to_the_budget():
    machine_ = machine()
    strategy = TuneStrategy(question(TWO_CORES, 60), machine_.elapsed_s)
    assert strategy.progress() == Progress(0, None, 60.0)
    while (cell := strategy.ask()) is not None:
        strategy.tell(cell, machine_.run(cell))
        now = strategy.progress()
        assert now.total is None
        assert now.left_s == max(0.0, 60 - machine_.clock_s)
    assert strategy.progress().done == len(strategy.session.results) - 1
