"""Each rule on both sides of its border, on tables with invented times."""

from dataclasses import replace

import pandas as pd
import pytest
from inventing_claims import ORIGINAL, Place, cut, ran_out, table

from clipkit.claims import Finding, Outcome, Verdict, verdict_words, verdicts
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


PARTS = {4: "abc", 5: "abc"}
ALL = [f"C{number}{part}" for number in range(1, 14) for part in PARTS.get(number, [""])]
OF_LANGUAGES = ("C3", "C4a", "C4b", "C4c", "C5a", "C5b", "C5c")


def test_every_claim_has_a_verdict_even_where_nothing_was_measured():
    found = verdicts(table([cut(subject="clipkit", settings=ENGINE, place=Place(memory_mb=2048))]))
    assert [v.id for v in found] == ALL
    outcomes = {v.id: v.outcome for v in found}
    assert outcomes.pop("C11") is Outcome.NO_VERDICT
    assert set(outcomes.values()) == {Outcome.NOT_MEASURED}


def test_claims_about_the_services_say_what_they_wait_for():
    found = {v.id: v for v in verdicts(table(changed(THREE, 40.0)))}
    needs = dict.fromkeys(OF_LANGUAGES, "languages") | {"C10": "plans"}
    for name, experiment in needs.items():
        assert found[name].outcome is Outcome.NOT_MEASURED
        assert verdict_words(found[name]) == "not measured yet"
        assert found[name].found == f"needs experiments/{experiment}.toml"
    assert found["C8"].found == "no record speaks of it"


@pytest.mark.parametrize("mode", ["smart", "copy", "auto"])
def test_what_is_copied_tells_nothing_of_claims_about_re_encoding(mode: str):
    """Three copies at once instead of one are no evidence for the original's three encoders."""
    trials = [*changed(THREE, 20.0)]
    assert verdict("C6", *trials).outcome is not Outcome.NOT_MEASURED
    copied = [replace(each, settings=each.settings.changed_to(mode=mode)) for each in trials]
    assert verdict("C6", *copied).outcome is Outcome.NOT_MEASURED


WIDE = Place(cpus=2.0)
"""Where the original, which uses half a core, leaves CPU idle."""


@pytest.mark.parametrize(
    ("claim", "settings", "wall_s", "outcome", "finding"),
    [
        ("C6", THREE, 60 / 1.09, Outcome.CONFIRMED, Finding.AS_CLAIMED),
        ("C6", THREE, 60 / 1.05, Outcome.NOT_DECIDED, Finding.NOT_DECIDED),
        ("C6", THREE, 60 / 1.02, Outcome.REFUTED, Finding.LESS),
        ("C6", THREE, 60 / 0.95, Outcome.REFUTED, Finding.OPPOSITE),
        ("C7", FOUR, 60 / 1.09, Outcome.CONFIRMED, Finding.AS_CLAIMED),
        ("C7", FOUR, 60 / 1.05, Outcome.NOT_DECIDED, Finding.NOT_DECIDED),
        ("C7", FOUR, 60 / 1.02, Outcome.REFUTED, Finding.LESS),
        ("C7", FOUR, 60 / 0.95, Outcome.REFUTED, Finding.OPPOSITE),
        ("C8", VERYFAST, 60 * 1.45, Outcome.CONFIRMED, Finding.AS_CLAIMED),
        ("C8", VERYFAST, 60 * 1.5, Outcome.NOT_DECIDED, Finding.NOT_DECIDED),
        ("C8", VERYFAST, 60 * 1.55, Outcome.REFUTED, Finding.LESS),
        ("C9", TOGETHER, 60 / 0.9, Outcome.REFUTED, Finding.OPPOSITE),
        ("C9", TOGETHER, 60 / 1.45, Outcome.REFUTED, Finding.LESS),
        ("C9", TOGETHER, 60 / 1.5, Outcome.NOT_DECIDED, Finding.NOT_DECIDED),
        ("C9", TOGETHER, 60 / 1.75, Outcome.CONFIRMED, Finding.AS_CLAIMED),
        ("C9", TOGETHER, 60 / 2.2, Outcome.CONFIRMED, Finding.MORE),
    ],
)
def test_a_change_is_judged_by_where_its_interval_lies(claim, settings, wall_s, outcome, finding):
    found = verdict(claim, *changed(settings, wall_s, cpus=2.0))
    assert (found.outcome, found.finding) == (outcome, finding)
    (effect,) = found.judged
    assert effect.finding is finding
    assert effect.ratio is not None
    assert effect.ratio.n == 3
    assert effect.ratio.value == pytest.approx(60 / wall_s, rel=0.02)


def test_more_threads_are_no_claim_where_the_original_leaves_no_cpu_idle():
    found = verdict("C7", *changed(FOUR, 70.0, cpus=0.5))
    assert found.outcome is Outcome.DOES_NOT_APPLY
    assert (
        "does not apply to 1 of 1 conditions (0.5 CPU; 720p): the original leaves no CPU idle"
        in found.found
    )
    everywhere = [
        *changed(FOUR, 70.0, cpus=0.5),
        *changed(FOUR, 70.0, cpus=1.0),
        *changed(FOUR, 50.0, cpus=2.0),
    ]
    busy = [replace(t, ffmpeg_cpu_s=t.wall_s * 0.99 * min(1.0, t.cpu_quota)) for t in everywhere]
    found = verdict("C7", *busy)
    assert [e.finding for e in found.judged] == [
        Finding.DOES_NOT_APPLY,
        Finding.DOES_NOT_APPLY,
        Finding.AS_CLAIMED,
    ]
    assert found.outcome is Outcome.CONFIRMED


@pytest.mark.parametrize(
    ("wall_s", "outcome"),
    [(62.0, Outcome.CONFIRMED), (63.0, Outcome.NOT_DECIDED), (90.0, Outcome.REFUTED)],
)
def test_moviepy_has_no_price_where_it_takes_hardly_longer(wall_s, outcome):
    moviepy = cut("moviepy", MOVIEPY, wall_s=wall_s, peak_anon_bytes=200 * MIB)
    found = verdict("C12", cut(), moviepy)
    assert found.outcome is outcome
    assert "at up to 202 MB of memory instead of 60 MB" in found.found


@pytest.mark.parametrize(
    ("wall_s", "outcome", "finding"),
    [
        (60 / 1.5, Outcome.CONFIRMED, Finding.LESS),
        (60 / 2.5, Outcome.CONFIRMED, Finding.AS_CLAIMED),
        (60 / 3.0, Outcome.NOT_DECIDED, Finding.NOT_DECIDED),
        (60 / 3.5, Outcome.REFUTED, Finding.MORE),
    ],
)
def test_a_limit_is_refuted_only_by_more_than_it(wall_s, outcome, finding):
    found = verdict("C13", cut(), cut("clipkit", ENGINE, wall_s=wall_s))
    assert (found.outcome, found.finding) == (outcome, finding)


def test_the_whole_speed_up_depends_on_which_reading_of_the_original_is_meant():
    ours = [cut("clipkit", replace(ENGINE, concurrency=n), wall_s=40.0 + n) for n in (2, 3)]
    found = verdict("C13", cut("sketch", SKETCH, wall_s=400.0), cut(), *ours)
    assert found.outcome is Outcome.DEPENDS
    assert found.depends_on == (
        "what it is compared with: less than claimed with fluent, more than claimed with sketch"
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
    assert effect.ratio is not None
    assert effect.ratio.value == pytest.approx(60 / (60 - own_s / min(1, Place().cpus)), rel=0.01)
    assert "clipkit's own engine takes 13 MB of 60 MB" in found.found
    assert "what your orchestrator takes is unknown here (--reserve" in found.found


def test_parallel_clips_that_ended_well_refute_that_they_do_not_fit():
    found = verdict("C2", cut(), cut(settings=THREE, peak_anon_bytes=148 * MIB))
    assert found.outcome is Outcome.REFUTED
    assert "3 at once peaked at 150 MB of 512 MB" in found.found
    assert "leaves 311 MB for the server" in found.found


def test_clips_that_fit_with_too_little_to_spare_decide_nothing():
    found = verdict("C2", cut(), cut(settings=THREE, peak_anon_bytes=470 * MIB))
    assert found.outcome is Outcome.NOT_DECIDED
    assert "3 at once: ended well, but left less than 10 % free at 720p" in found.found


def test_what_fits_at_one_size_and_runs_out_at_another_depends_on_it():
    large = Place(lines=1080)
    lost = ran_out(cut(settings=TOGETHER, place=large))
    fits = cut(settings=TOGETHER, peak_anon_bytes=400 * MIB)
    found = verdict("C2", cut(), fits, cut(place=large), lost)
    assert found.outcome is Outcome.DEPENDS
    assert found.depends_on is not None
    assert found.depends_on.startswith(
        "preset and frame size: they do not fit with veryfast at 1080p, they fit with veryfast at 720p"
    )


def test_what_clipkit_needs_is_shown_but_not_judged():
    two = cut("clipkit", ENGINE)
    found = verdict("C2", cut(), two)
    assert [effect.judged for effect in found.effects] == [False]
    assert found.outcome is Outcome.NOT_MEASURED


def test_parallel_clips_that_ran_out_of_memory_confirm_that_they_do_not_fit():
    for status in (Status.OOM, Status.OOM_INFERRED):
        found = verdict("C2", cut(), ran_out(cut(settings=THREE), status))
        assert found.outcome is Outcome.CONFIRMED


def test_one_run_out_of_memory_among_good_ones_is_a_failure():
    good = table([cut(), cut(settings=THREE)])
    good.loc[good["concurrency"].eq(3) & good["block"].eq(1), ["status", "wall_s"]] = ["oom", None]
    found = {v.id: v for v in verdicts(good)}
    assert found["C2"].outcome is Outcome.CONFIRMED
    assert found["C6"].outcome is Outcome.DOES_NOT_APPLY


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
    assert verdict("C2", cut(place=small), lost).outcome is Outcome.DOES_NOT_APPLY
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
    assert effect.ratio.value == pytest.approx(60 / 54)


def test_how_many_clips_fit_is_marked_as_measured_where_it_was():
    found = verdict(
        "C2", cut(peak_anon_bytes=148 * MIB), cut(settings=THREE, peak_anon_bytes=410 * MIB)
    )
    assert [(fit.clips, fit.extrapolated) for fit in found.fits] == [(3, False)]


def test_other_values_of_a_changed_setting_are_shown_but_not_judged():
    many = [cut(settings=replace(ORIGINAL, encoder_threads=n), wall_s=90.0) for n in (8, 32)]
    many = [replace(trial, cpu_quota=2.0, host="512M-2cpu") for trial in many]
    found = verdict("C7", *changed(FOUR, 40.0, cpus=2.0), *many)
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


def test_the_border_is_an_interval_and_the_law_says_where_in_it():
    trials = [
        replace(trial, ffmpeg_cpu_s=0.99 * trial.wall_s * min(1.4, cpus))
        for cpus in (0.5, 1.0, 2.0)
        for lines in (720, 1080)
        for trial in changed(THREE, 40.0 if cpus > 1 else 58.8, cpus=cpus, lines=lines)
    ]
    found = verdict("C6", *trials)
    assert found.outcome is Outcome.DEPENDS
    assert found.divided_p is not None
    assert found.divided_p < 0.001
    assert found.depends_on == (
        "the host's CPU: less than claimed up to 1 CPU, as claimed at 2 CPU; the border lies between "
        "1 CPU and 2 CPU (the law of idle CPU says 1.46 CPU, since one clip uses 1.39 cores)"
    )
    assert "1.50x (1.4" in found.found


def test_a_level_that_decides_nothing_is_named():
    trials = [
        trial
        for cpus, wall_s in ((0.5, 58.8), (1.0, 60 / 1.05), (2.0, 40.0))
        for lines in (720, 1080)
        for trial in changed(THREE, wall_s, cpus=cpus, lines=lines)
    ]
    found = verdict("C6", *trials)
    assert found.depends_on is not None
    assert "the border lies between 0.5 CPU and 2 CPU" in found.depends_on
    assert found.depends_on.endswith("1 CPU decided nothing")


def test_two_factors_that_cannot_be_told_apart_are_both_named():
    trials = [*changed(THREE, 58.8), *changed(THREE, 40.0, cpus=2.0, clip_s=30.0)]
    depends_on = verdict("C6", *trials).depends_on
    assert depends_on is not None
    assert "the host's CPU: less than claimed at 0.5 CPU, as claimed at 2 CPU" in depends_on
    assert ", or the clips' length: less than claimed at 12 s, as claimed at 30 s" in depends_on
    assert depends_on.endswith("(the conditions measured do not tell these apart)")


def test_levels_that_alternate_have_no_border():
    trials = [
        trial
        for clip_s, wall_s in ((4.0, 40.0), (12.0, 58.8), (30.0, 40.0))
        for trial in changed(THREE, wall_s, clip_s=clip_s)
    ]
    assert verdict("C6", *trials).depends_on == (
        "the clips' length: as claimed at 4 s, less than claimed at 12 s, as claimed at 30 s"
    )


def test_effects_of_different_size_on_one_side_do_not_depend():
    trials = [
        trial
        for cpus, wall_s in ((0.5, 50.0), (1.0, 40.0), (2.0, 25.0))
        for trial in changed(THREE, wall_s, cpus=cpus)
    ]
    found = verdict("C6", *trials)
    assert (found.outcome, found.finding) == (Outcome.CONFIRMED, Finding.AS_CLAIMED)


def test_alike_conditions_decide_together_what_few_decide_alone():
    trials = [
        trial
        for lines in (480, 720, 1080, 2160)
        for clip_s in (4.0, 12.0, 30.0)
        for trial in changed(VERYFAST, 60 * 1.44, lines=lines, clip_s=clip_s)
    ]
    found = verdict("C8", *trials, log_sd=0.03)
    alone = [effect.finding for effect in found.judged]
    assert alone.count(Finding.NOT_DECIDED) > 6
    assert (found.outcome, found.finding) == (Outcome.CONFIRMED, Finding.AS_CLAIMED)
    assert "as fast over 12 conditions" in found.found


def test_conditions_that_differ_by_more_than_noise_are_told_to():
    trials = [
        trial
        for lines, wall_s in ((480, 70.0), (720, 60.0), (1080, 50.0), (2160, 45.0))
        for trial in changed(VERYFAST, wall_s, lines=lines)
    ]
    found = verdict("C8", *trials)
    assert found.outcome is Outcome.CONFIRMED
    assert "conditions differ by more than noise (p < 0.001)" in found.found


def test_three_at_once_that_run_out_of_memory_are_not_what_the_claim_speaks_of():
    place = Place(lines=1080)
    trials = [*changed(THREE, 40.0), cut(place=place), ran_out(cut(settings=THREE, place=place))]
    found = verdict("C6", *trials)
    assert found.outcome is Outcome.CONFIRMED
    assert "does not apply to 1 of 2 conditions (0.5 CPU; 1080p): ran out of memory" in found.found


def test_a_claim_without_a_condition_on_memory_fails_where_it_runs_out():
    place = Place(lines=1080)
    trials = [
        *changed(TOGETHER, 35.0),
        cut(place=place),
        ran_out(cut(settings=TOGETHER, place=place)),
    ]
    found = verdict("C9", *trials)
    assert found.outcome is Outcome.DEPENDS
    assert found.depends_on == (
        "the frame size: as claimed at 720p, the opposite at 1080p; the border lies between 720p and 1080p"
    )
    assert "ran out of memory at 1080p, 12 s on 0.5 CPU" in found.found


def test_nothing_is_decided_where_the_original_itself_failed():
    found = verdict("C6", ran_out(cut()), cut(settings=THREE))
    assert [e.finding for e in found.judged] == [Finding.NOT_DECIDED]
    assert found.outcome is Outcome.NOT_DECIDED


def test_one_block_decides_nothing():
    assert verdict("C6", *changed(THREE, 30.0), blocks=1).outcome is Outcome.NOT_DECIDED


def test_a_majority_of_undecided_levels_decides_nothing():
    trials = [
        trial
        for cpus, wall_s in ((0.5, 20.0), (1.0, 57.1), (2.0, 57.1))
        for lines in (720, 1080)
        for trial in changed(THREE, wall_s, cpus=cpus, lines=lines)
    ]
    assert verdict("C6", *trials).outcome is Outcome.NOT_DECIDED


def test_the_better_preset_tells_the_sizes_and_that_quality_was_not_measured():
    found = verdict("C8", cut(), cut(settings=VERYFAST, wall_s=70.0, output_bytes=1_500_000))
    assert "0.50 times as large" in found.found
    assert any("VMAF" in said for said in found.unmeasured)


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
    assert effect.ratio is not None
    assert effect.ratio.value == pytest.approx(1.5)
    assert 0.05 < effect.ratio.log_half_width < 0.15
