"""Each rule on both sides of its border, on tables with invented times."""

from dataclasses import replace

import pandas as pd
import pytest
from inventing_claims import ORIGINAL, Place, cut, ran_out, table

from clipkit.claims import Finding, Outcome, Verdict, verdicts
from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings

THREE = replace(ORIGINAL, concurrency=3)
FOUR = replace(ORIGINAL, encoder_threads=4)
VERYFAST = replace(ORIGINAL, preset="veryfast")
TOGETHER = replace(ORIGINAL, concurrency=3, encoder_threads=4, preset="veryfast")
ENGINE = Settings(concurrency=3)
SKETCH = replace(ORIGINAL, seek="output", encoder_threads=0)
MOVIEPY = replace(ORIGINAL, audio="aac")


def verdict(claim: str, *trials: Record, **design: float) -> Verdict:
    """On a claim, of a table of these trials."""
    return next(v for v in verdicts(table(trials, **design)) if v.id == claim)


def changed(settings: Settings, wall_s: float, **place: float) -> tuple[Record, Record]:
    """The original, which takes 60 s, and a change of it."""
    where = Place(**place)
    return cut(place=where), cut(settings=settings, place=where, wall_s=wall_s)


def test_every_claim_has_a_verdict_even_where_nothing_was_measured():
    found = verdicts(table([cut(subject="clipkit", settings=ENGINE, place=Place(memory_mb=2048))]))
    assert [v.id for v in found] == ["C1", "C2", "C6", "C7", "C8", "C9", "C12", "C13"]
    assert {v.outcome for v in found} == {Outcome.NOT_MEASURED}


@pytest.mark.parametrize(
    ("claim", "settings", "wall_s", "outcome"),
    [
        ("C6", THREE, 60 / 1.09, Outcome.CONFIRMED),
        ("C6", THREE, 60 / 1.05, Outcome.UNDECIDED),
        ("C6", THREE, 60 / 1.01, Outcome.REFUTED),
        ("C7", FOUR, 60 / 1.09, Outcome.CONFIRMED),
        ("C7", FOUR, 60 / 1.05, Outcome.UNDECIDED),
        ("C7", FOUR, 60 / 1.01, Outcome.REFUTED),
        ("C8", VERYFAST, 60 * 1.45, Outcome.CONFIRMED),
        ("C8", VERYFAST, 60 * 1.5, Outcome.UNDECIDED),
        ("C8", VERYFAST, 60 * 1.55, Outcome.REFUTED),
        ("C9", TOGETHER, 60 / 1.45, Outcome.REFUTED),
        ("C9", TOGETHER, 60 / 1.5, Outcome.UNDECIDED),
        ("C9", TOGETHER, 60 / 1.75, Outcome.CONFIRMED),
        ("C9", TOGETHER, 60 / 2.1, Outcome.REFUTED),
    ],
)
def test_a_change_is_judged_by_where_its_interval_lies(claim, settings, wall_s, outcome):
    found = verdict(claim, *changed(settings, wall_s))
    assert found.outcome is outcome
    (effect,) = found.judged
    assert effect.speedup is not None
    assert effect.speedup.n == 3
    assert effect.speedup.value == pytest.approx(60 / wall_s, rel=0.02)


@pytest.mark.parametrize(
    ("wall_s", "outcome"),
    [(62.0, Outcome.CONFIRMED), (63.0, Outcome.UNDECIDED), (90.0, Outcome.REFUTED)],
)
def test_moviepy_has_no_price_where_it_takes_hardly_longer(wall_s, outcome):
    moviepy = cut("moviepy", MOVIEPY, wall_s=wall_s, peak_anon_bytes=200 * MIB)
    found = verdict("C12", cut(), moviepy)
    assert found.outcome is outcome
    assert "at up to 202 MB of memory instead of 60 MB" in found.found


@pytest.mark.parametrize(
    ("wall_s", "outcome"),
    [
        (60 / 1.5, Outcome.REFUTED),
        (60 / 2.0, Outcome.UNDECIDED),
        (60 / 2.5, Outcome.CONFIRMED),
        (60 / 3.5, Outcome.REFUTED),
    ],
)
def test_the_whole_speed_up_is_held_against_two_to_three_times(wall_s, outcome):
    assert verdict("C13", cut(), cut("clipkit", ENGINE, wall_s=wall_s)).outcome is outcome


def test_the_whole_speed_up_depends_on_which_reading_of_the_original_is_meant():
    ours = [cut("clipkit", replace(ENGINE, concurrency=n), wall_s=40.0 + n) for n in (2, 3)]
    found = verdict("C13", cut("sketch", SKETCH, wall_s=100.0), cut(), *ours)
    assert found.outcome is Outcome.DEPENDS
    assert found.depends_on == (
        "what it is compared with: confirmed with sketch, refuted with fluent"
    )
    assert {e.after.variant.settings.concurrency for e in found.effects} == {2}


def test_a_speed_up_of_more_than_ten_times_is_said():
    found = verdict("C13", cut("sketch", SKETCH, wall_s=900.0), cut("clipkit", ENGINE))
    assert "more than 10x: 15" in found.found


@pytest.mark.parametrize(("own_s", "outcome"), [(0.1, Outcome.CONFIRMED), (6.0, Outcome.REFUTED)])
def test_the_orchestrators_share_bounds_what_a_rewrite_gains(own_s, outcome):
    found = verdict("C1", cut(orchestrator_cpu_s=own_s, orchestrator_peak_rss_bytes=13 * MIB))
    assert found.outcome is outcome
    (effect,) = found.effects
    assert effect.speedup is not None
    assert effect.speedup.value == pytest.approx(60 / (60 - own_s / min(1, Place().cpus)), rel=0.01)
    assert "clipkit's own engine takes 13 MB of 60 MB" in found.found
    assert "what your orchestrator takes is unknown here (--reserve" in found.found


def test_parallel_clips_that_ended_well_refute_that_they_do_not_fit():
    found = verdict("C2", cut(), cut(settings=THREE, peak_anon_bytes=148 * MIB))
    assert found.outcome is Outcome.REFUTED
    assert "3 at once peaked at 150 MB of 512 MB" in found.found


def test_parallel_clips_that_ran_out_of_memory_confirm_that_they_do_not_fit():
    for status in (Status.OOM, Status.OOM_INFERRED):
        found = verdict("C2", cut(), ran_out(cut(settings=THREE), status))
        assert found.outcome is Outcome.CONFIRMED


def test_one_run_out_of_memory_among_good_ones_is_a_failure():
    good = table([cut(), cut(settings=THREE)])
    good.loc[good["concurrency"].eq(3) & good["block"].eq(1), ["status", "wall_s"]] = ["oom", None]
    found = {v.id: v for v in verdicts(good)}
    assert found["C2"].outcome is Outcome.CONFIRMED
    assert found["C6"].outcome is Outcome.REFUTED


def test_a_larger_plan_says_nothing_on_512_mb():
    place = Place(memory_mb=1024)
    found = verdict("C2", cut(place=place), cut(settings=THREE, place=place))
    assert found.outcome is Outcome.NOT_MEASURED


def test_how_many_clips_fit_follows_the_line_through_the_peaks_and_leaves_a_margin():
    """60 MB for one, 45 MB for each more: 460.8 MB hold one and 8.9 more."""
    found = verdict("C2", cut(), cut(settings=THREE, peak_anon_bytes=148 * MIB))
    (fit,) = found.fits
    assert (fit.clips, fit.measured_clips, fit.extrapolated) == (9, 3, True)
    assert "with 10 % to spare 512 MB hold 9 of 720p at once" in found.found


def test_running_out_of_less_than_512_mb_says_nothing_on_512_mb():
    small = Place(memory_mb=96)
    lost = ran_out(cut(settings=THREE, place=small))
    assert verdict("C2", cut(place=small), lost).outcome is Outcome.NOT_MEASURED
    fitted = cut(settings=THREE, place=small, peak_anon_bytes=80 * MIB)
    assert verdict("C2", cut(place=small), fitted).outcome is Outcome.REFUTED


def test_never_as_many_fit_as_ran_out():
    two, five = (replace(ORIGINAL, concurrency=count) for count in (2, 5))
    lost = ran_out(cut(settings=five, clips=6))
    found = verdict("C2", cut(clips=6), cut(settings=two, clips=6, peak_anon_bytes=90 * MIB), lost)
    assert [fit.clips for fit in found.fits] == [4]


def test_the_orchestrators_seconds_last_longer_under_half_a_cpu():
    half = cut(place=Place(cpus=0.5), orchestrator_cpu_s=3.0, wall_s=60.0)
    (effect,) = verdict("C1", half, log_sd=0.0).effects
    assert effect.speedup.value == pytest.approx(60 / 54)


def test_how_many_clips_fit_is_marked_as_measured_where_it_was():
    found = verdict(
        "C2", cut(peak_anon_bytes=148 * MIB), cut(settings=THREE, peak_anon_bytes=410 * MIB)
    )
    assert [(fit.clips, fit.extrapolated) for fit in found.fits] == [(3, False)]


def test_other_values_of_a_changed_setting_are_shown_but_not_judged():
    many = [cut(settings=replace(ORIGINAL, encoder_threads=n), wall_s=90.0) for n in (8, 32)]
    found = verdict("C7", *changed(FOUR, 40.0), *many)
    assert found.outcome is Outcome.CONFIRMED
    assert [(e.change, e.judged) for e in found.effects] == [
        ("4 threads", True),
        ("8 threads", False),
        ("32 threads", False),
    ]


def test_the_other_half_of_all_three_is_shown_but_not_judged():
    half = replace(TOGETHER, preset="ultrafast")
    found = verdict("C9", *changed(TOGETHER, 35.0), cut(settings=half, wall_s=20.0))
    assert {e.change: e.judged for e in found.effects} == {
        "3 at once, 4 threads": False,
        "3 at once, 4 threads, veryfast": True,
    }


def test_the_border_is_found_where_one_factor_separates():
    trials = [
        trial
        for cpus in (0.5, 1.0, 2.0)
        for lines in (720, 1080)
        for trial in changed(THREE, 40.0 if cpus >= 1 else 61.0, cpus=cpus, lines=lines)
    ]
    found = verdict("C6", *trials)
    assert found.outcome is Outcome.DEPENDS
    assert found.depends_on == "the host's CPU: refuted at 0.5 CPU, confirmed from 1 CPU on"


def test_two_factors_that_cannot_be_told_apart_are_both_named():
    trials = [*changed(THREE, 61.0), *changed(THREE, 40.0, cpus=2.0, clip_s=30.0)]
    found = verdict("C6", *trials)
    assert found.depends_on == (
        "the host's CPU: refuted at 0.5 CPU, confirmed at 2 CPU, or "
        "the clips' length: refuted at 12 s, confirmed at 30 s "
        "(the conditions measured do not tell these apart)"
    )


def test_where_one_factor_does_not_suffice_the_next_is_named_within_its_levels():
    fast = {(1.0, 30.0), (2.0, 4.0), (2.0, 12.0), (2.0, 30.0)}
    trials = [
        trial
        for cpus in (0.5, 1.0, 2.0)
        for clip_s in (4.0, 12.0, 30.0)
        for trial in changed(
            THREE, 40.0 if (cpus, clip_s) in fast else 61.0, cpus=cpus, clip_s=clip_s
        )
    ]
    assert verdict("C6", *trials).depends_on == (
        "the host's CPU: refuted at 0.5 CPU; at 1 CPU it depends on the clips' length: "
        "refuted up to 12 s, confirmed at 30 s; confirmed at 2 CPU"
    )


def test_levels_that_alternate_have_no_border():
    trials = [
        trial
        for clip_s, wall_s in ((4.0, 40.0), (12.0, 61.0), (30.0, 40.0))
        for trial in changed(THREE, wall_s, clip_s=clip_s)
    ]
    depends_on = verdict("C6", *trials).depends_on
    assert depends_on == "the clips' length: confirmed at 4 s; refuted at 12 s; confirmed at 30 s"


def test_a_change_that_runs_out_of_memory_is_no_quick_win_there():
    place = Place(lines=1080)
    trials = [*changed(THREE, 40.0), cut(place=place), ran_out(cut(settings=THREE, place=place))]
    found = verdict("C6", *trials)
    assert found.outcome is Outcome.DEPENDS
    assert found.depends_on == "the frame size: confirmed at 720p, refuted at 1080p"
    assert "ran out of memory at 1080p, 12 s on 0.5 CPU" in found.found


def test_nothing_is_decided_where_the_original_itself_failed():
    found = verdict("C6", ran_out(cut()), cut(settings=THREE))
    assert [e.finding for e in found.judged] == [Finding.UNDECIDED]
    assert found.outcome is Outcome.UNDECIDED


def test_one_block_decides_nothing():
    assert verdict("C6", *changed(THREE, 30.0), blocks=1).outcome is Outcome.UNDECIDED


def test_one_confirmed_among_many_undecided_is_undecided():
    trials = [
        trial
        for clip_s, wall_s in ((4.0, 40.0), (12.0, 57.1), (30.0, 57.1))
        for trial in changed(THREE, wall_s, clip_s=clip_s)
    ]
    assert verdict("C6", *trials).outcome is Outcome.UNDECIDED


def test_the_better_preset_tells_the_sizes_and_that_quality_was_not_measured():
    found = verdict("C8", cut(), cut(settings=VERYFAST, wall_s=70.0, output_bytes=1_500_000))
    assert "0.50 times as large" in found.found
    assert any("VMAF" in said for said in found.unmeasured)


def test_the_readings_of_the_original_are_told_apart_before_the_hosts():
    trials = []
    for cpus, wall_s in ((0.5, 59.0), (1.0, 59.0), (2.0, 25.0)):
        place = Place(cpus)
        trials += [cut(place=place), cut("clipkit", ENGINE, place, wall_s=wall_s)]
        trials.append(cut("sketch", SKETCH, place, wall_s=400.0))
    assert verdict("C13", *trials).depends_on == (
        "what it is compared with: with fluent it depends on the host's CPU: refuted up to 1 CPU, "
        "confirmed at 2 CPU; refuted with sketch"
    )


def test_attempts_that_do_not_count_are_left_out():
    trials = table([*changed(THREE, 40.0)])
    spoilt = trials.assign(status="cancelled", wall_s=1.0, attempt=0)
    assert verdicts(pd.concat([spoilt, trials], ignore_index=True)) == verdicts(trials)


def test_a_busy_machine_is_told():
    found = verdict("C6", *(replace(t, other_cpu_fraction=0.3) for t in changed(THREE, 40.0)))
    assert any("others used up to 30 %" in said for said in found.unmeasured)


def test_the_interval_of_a_ratio_has_the_noise_of_the_whole_table():
    """Three pairs that agree to the last digit by chance do not make a ratio exact."""
    agreeing = table(changed(THREE, 40.0), log_sd=0.0)
    others = [cut(settings=replace(ORIGINAL, crf=crf)) for crf in range(24, 44)]
    noisy = pd.concat([agreeing, table(others, log_sd=0.05)], ignore_index=True)
    (effect,) = next(v for v in verdicts(noisy) if v.id == "C6").judged
    assert effect.speedup is not None
    assert effect.speedup.value == pytest.approx(1.5)
    assert 0.05 < effect.speedup.log_half_width < 0.15
