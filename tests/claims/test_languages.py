"""Each rule on the languages on both sides of its border, on invented starts of services."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from inventing_claims import ORIGINAL, Place, cut, ran_out, table
from inventing_services import CORES, WIDE, faster, serve, starts

from clipkit.claims import Finding, Outcome, Verdict, verdicts
from clipkit.claims.capacity import room_finding
from clipkit.claims.decomposition import (
    AT_ONCE,
    AT_WORK,
    BY_LAW,
    LANGUAGE,
    LEFT,
    SEEK,
    TOGETHER,
    decomposition,
)
from clipkit.records.record import Record

THREE = replace(ORIGINAL, concurrency=3)
TOGETHER_SETTINGS = replace(ORIGINAL, concurrency=3, encoder_threads=4, preset="veryfast")
AFTER = replace(ORIGINAL, seek="output")
NARROW = Place(cpus=0.5)


def verdict(claim: str, *trials: Record, **design: float) -> Verdict:
    return next(v for v in verdicts(starts(trials, **design)) if v.id == claim)


def side_by_side(rust: float = 1.0, python: float = 1.0, place: Place = WIDE) -> list[Record]:
    """Three at once in each language; Rust and Python so many times as fast as Node.js."""
    times = {"node": 1.0, "python": python, "rust": rust}
    return [
        serve(name, THREE, place=place, **faster(factor))  # type: ignore[arg-type]
        for name, factor in times.items()
    ]


@pytest.mark.parametrize(
    ("rust", "outcome", "finding"),
    [
        (0.9, Outcome.REFUTED, Finding.OPPOSITE),
        (1.0, Outcome.REFUTED, Finding.LESS),
        (1.8, Outcome.REFUTED, Finding.LESS),
        (2.0, Outcome.NOT_DECIDED, Finding.NOT_DECIDED),
        (3.0, Outcome.CONFIRMED, Finding.AS_CLAIMED),
        (6.0, Outcome.CONFIRMED, Finding.MORE),
    ],
)
def test_rust_is_two_to_five_times_as_fast_where_its_interval_says_so(rust, outcome, finding):
    found = verdict("C3", *side_by_side(rust))
    assert (found.outcome, found.finding) == (outcome, finding)
    assert "5 starts of each" in found.found


def test_as_fast_is_said_only_where_both_one_sided_tests_show_it():
    alike = verdict("C3", *side_by_side(1.01))
    assert "at equal work of ffmpeg 1.01x" in alike.found
    assert "as fast: within 5 %" in alike.found
    noisy = verdict("C3", *side_by_side(1.01), log_sd=0.08)
    assert "as fast: within 5 %" not in noisy.found
    faster_than = verdict("C3", *side_by_side(1.08, python=0.9))
    assert "as fast: within 5 %" not in faster_than.found


def test_the_machines_speed_is_told_apart_from_the_language():
    """Rust's ffmpegs needed a fifth less CPU for the same words: that is no doing of Rust's."""
    node, python, rust = side_by_side()
    lucky = replace(rust, wall_s=50.0, ffmpeg_cpu_s=50.0 * CORES)
    found = verdict("C3", node, python, lucky)
    (effect,) = found.judged
    assert effect.ratio is not None
    assert effect.split is not None
    assert effect.ratio.value == pytest.approx(1.2, rel=0.01)
    assert effect.split.work.value == pytest.approx(1.2)
    assert effect.split.rest.value == pytest.approx(1.0, rel=0.01)
    assert math.isclose(effect.ratio.value, effect.split.work.value * effect.split.rest.value)
    assert "at equal work of ffmpeg 1.00x" in found.found


def test_one_clip_at_a_time_is_not_what_the_claim_on_parallel_clips_speaks_of():
    alone = [serve(name) for name in ("node", "python", "rust")]
    found = verdict("C3", *alone)
    assert found.outcome is Outcome.NOT_MEASURED
    assert found.found == "needs experiments/languages.toml"
    assert {effect.judged for effect in found.effects} == {False}


def test_rows_as_sketched_are_never_an_effect_of_the_language():
    sketched = [
        serve("node", THREE, argv="sketched"),
        serve("rust", replace(AFTER, concurrency=3), argv="sketched", wall_s=300.0),
    ]
    found = verdict("C3", *side_by_side(), *sketched)
    assert [e.change for e in found.judged] == ["Rust, 3 at once"]
    assert (
        "as sketched (other words for ffmpeg: no effect of the language): Rust 0.20x" in found.found
    )
    assert verdict("C3", *sketched).outcome is Outcome.NOT_MEASURED


def test_services_that_were_told_different_things_are_no_pair():
    other = serve("rust", replace(THREE, encoder_threads=4), wall_s=20.0)
    assert verdict("C3", serve("node", THREE), other).effects == ()


@pytest.mark.parametrize(
    ("own_mb", "outcome", "finding"),
    [
        ((1, 6, 5), Outcome.CONFIRMED, Finding.MORE),
        ((8, 22, 20), Outcome.CONFIRMED, Finding.AS_CLAIMED),
        ((15, 40, 40), Outcome.REFUTED, Finding.LESS),
        ((30, 80, 80), Outcome.REFUTED, Finding.OPPOSITE),
    ],
)
def test_less_memory_is_judged_by_the_services_own(own_mb, outcome, finding):
    found = verdict("C4a", serve("node"), serve("rust", own_mb=own_mb))
    assert (found.outcome, found.finding) == (outcome, finding)
    assert [e.change for e in found.judged] == [
        "at rest",
        "while an upload arrives",
        "while clips are cut",
    ]


def test_less_memory_is_told_in_percent_and_bytes():
    found = verdict("C4a", serve("node"), serve("rust")).found
    assert "at rest Rust needs 95 % less (95 to 95): 1.0 MB instead of 19 MB" in found
    assert "while clips are cut Rust needs 90 % less (90 to 90)" in found


def test_more_memory_may_depend_on_the_moment():
    found = verdict("C5b", serve("node"), serve("python"))
    assert found.outcome is Outcome.DEPENDS
    assert found.depends_on == (
        "the moment: as claimed with the service at rest, the opposite with an upload arriving and clips being cut"
    )
    more = verdict("C5b", serve("node"), serve("python", own_mb=(40, 90, 90)))
    assert more.outcome is Outcome.CONFIRMED


@pytest.mark.parametrize(
    ("node", "rust", "finding"),
    [
        (1, 3, Finding.AS_CLAIMED),
        (1, 5, Finding.AS_CLAIMED),
        (1, 6, Finding.MORE),
        (1, 2, Finding.LESS),
        (1, 1, Finding.LESS),
        (8, 9, Finding.LESS),
        (2, 1, Finding.OPPOSITE),
    ],
)
def test_how_many_clips_each_language_holds_decides_by_both_numbers(node, rust, finding):
    assert room_finding(node, rust) is finding


def test_room_follows_from_the_services_peak_and_one_clips_and_never_exceeds_what_ran_out():
    """90 % of 512 MB, less 55 MB or 6 MB, hold 8 and 9 clips of 50 MB."""
    alone = [serve("node"), serve("rust")]
    assert "at 720p Node.js 8, Rust 9 (a clip needs up to 50 MB)" in verdict("C4b", *alone).found
    lost = ran_out(serve("node", THREE))
    found = verdict("C4b", *alone, lost)
    assert "Node.js 2 (3 ran out), Rust 9" in found.found
    assert (found.outcome, found.finding) == (Outcome.REFUTED, Finding.LESS)


def test_room_depends_on_the_size_of_the_frame_where_it_does():
    large = Place(cpus=2.0, lines=2160)
    hungry = [
        serve("node", place=large, peak_anon_bytes=(330 + 48) * 2**20),
        serve("rust", place=large, own_mb=(1, 6, 5), peak_anon_bytes=(150 + 3) * 2**20),
    ]
    found = verdict("C4b", serve("node"), serve("rust"), *hungry)
    assert found.outcome is Outcome.DEPENDS
    assert "the border lies between 720p and 2160p" in str(found.depends_on)


@pytest.mark.parametrize(
    ("factor", "outcome", "finding"),
    [
        (1.3, Outcome.REFUTED, Finding.LESS),
        (3.0, Outcome.CONFIRMED, Finding.AS_CLAIMED),
        (4.0, Outcome.CONFIRMED, Finding.MORE),
    ],
)
def test_forty_eight_seconds_for_one_hundred_and_forty_four(factor, outcome, finding):
    trials = serve("node"), serve("rust"), serve("rust", THREE, **faster(factor))  # type: ignore[arg-type]
    found = verdict("C4c", *trials)
    assert (found.outcome, found.finding) == (outcome, finding)
    assert "the language alone, one at a time: 1.00x" in found.found
    assert "3 at once alone, in Rust: " in found.found


@pytest.mark.parametrize(
    ("factor", "outcome", "finding"),
    [
        (1.0, Outcome.CONFIRMED, Finding.AS_CLAIMED),
        (0.95, Outcome.CONFIRMED, Finding.AS_CLAIMED),
        (0.91, Outcome.NOT_DECIDED, Finding.NOT_DECIDED),
        (0.8, Outcome.REFUTED, Finding.LESS),
        (1.2, Outcome.CONFIRMED, Finding.MORE),
    ],
)
def test_python_is_as_fast_or_slightly_slower(factor, outcome, finding):
    found = verdict("C5a", *side_by_side(python=factor))
    assert (found.outcome, found.finding) == (outcome, finding)
    assert {e.after.variant.service for e in found.effects} == {"python"}


def both(service: str, gain: float, place: Place = WIDE) -> list[Record]:
    one = serve(service, place=place, wall_s=60.0)
    return [
        one,
        replace(
            serve(service, THREE, place=place), wall_s=60.0 / gain, ffmpeg_cpu_s=one.ffmpeg_cpu_s
        ),
    ]


@pytest.mark.parametrize(
    ("gain", "outcome"),
    [(1.0, Outcome.CONFIRMED), (1.05, Outcome.NOT_DECIDED), (1.3, Outcome.REFUTED)],
)
def test_python_stays_one_after_another_where_three_at_once_bring_nothing(gain, outcome):
    found = verdict("C5c", *both("node", 1.3), *both("python", gain))
    assert found.outcome is outcome
    as_much = "Python's gain over Node.js', at equal work of ffmpeg" in found.found
    assert as_much
    assert ("as much: within 5 %" in found.found) is (gain == 1.3)


def test_three_at_once_are_no_test_of_python_where_one_leaves_no_cpu_idle():
    found = verdict("C5c", *both("node", 1.0, NARROW), *both("python", 1.0, NARROW))
    assert found.outcome is Outcome.DOES_NOT_APPLY
    assert "one clip at a time leaves no CPU idle" in found.found


def test_the_bound_of_a_rewrite_is_each_services_own_cpu_and_its_gaps():
    costly = serve("node", orchestrator_cpu_s=1.2, gaps_s=1.8)
    found = verdict("C1", costly, serve("python"), serve("rust"), log_sd=0.0)
    bounds = {e.change: e.ratio.value for e in found.judged if e.ratio}
    assert bounds["Node.js, one at a time"] == pytest.approx(60 / 57)
    assert bounds["Rust, one at a time"] == pytest.approx(60 / (60 - 0.06))
    assert "faster than Node.js (2 CPU, 720p, 12 s; its own CPU is" in found.found
    assert "no ffmpeg ran for 3.00 % of the time; 5 starts)" in found.found


def test_a_services_own_seconds_last_longer_under_half_a_cpu():
    half = serve("node", place=NARROW, orchestrator_cpu_s=3.0)
    (effect,) = verdict("C1", half, log_sd=0.0).judged
    assert effect.ratio is not None
    assert effect.ratio.value == pytest.approx(60 / 54)


def test_the_orchestrator_is_judged_by_the_services_and_the_old_evidence_stays_beside():
    old = cut(orchestrator_cpu_s=6.0)
    found = verdict("C1", old, *(serve(name) for name in ("node", "python", "rust")))
    assert found.outcome is Outcome.CONFIRMED
    assert [e.change for e in found.effects if not e.judged] == ["a free orchestrator"]
    assert "the services themselves: a service that costs nothing" in found.found
    assert (
        "beside it clipkit's engine, no service: an orchestrator that costs nothing" in found.found
    )


def test_all_three_wins_are_judged_on_the_service_itself_where_it_was_measured():
    command = [cut(), cut(settings=TOGETHER_SETTINGS, wall_s=120.0)]
    service = [serve("node"), serve("node", TOGETHER_SETTINGS, wall_s=35.0)]
    found = verdict("C9", *command, *service)
    assert (found.outcome, found.finding) == (Outcome.CONFIRMED, Finding.AS_CLAIMED)
    assert "the Node.js service itself: 1.71x" in found.found
    assert "beside it clipkit's engine, no service: 0.50x" in found.found
    assert verdict("C9", *command).finding is Finding.OPPOSITE


def test_a_single_win_is_judged_by_commands_and_the_service_stands_beside():
    command = [cut(), cut(settings=THREE, wall_s=40.0)]
    service = [serve("node"), serve("node", THREE, wall_s=70.0)]
    found = verdict("C6", *command, *service)
    assert found.outcome is Outcome.CONFIRMED
    assert "beside it the Node.js service itself: 0.86x" in found.found


def test_other_machines_are_never_pooled():
    here = starts([serve("node"), serve("node", TOGETHER_SETTINGS, wall_s=35.0)])
    there = table([cut(), cut(settings=TOGETHER_SETTINGS, wall_s=120.0)]).assign(host_id="another")
    found = {v.id: v for v in verdicts(here, there)}["C9"]
    assert found.finding is Finding.AS_CLAIMED
    assert "beside it clipkit's engine, no service, on another machine: 0.50x" in found.found
    assert (
        found.judged[0].ratio
        == verdict("C9", serve("node"), serve("node", TOGETHER_SETTINGS, wall_s=35.0))
        .judged[0]
        .ratio
    )


def test_campaigns_of_one_machine_are_one_body_and_pairs_are_of_one_campaign():
    small = [cut(), cut(settings=THREE, wall_s=40.0)]
    large = [replace(trial, height=1080, width=1920) for trial in small]
    together = {v.id: v for v in verdicts(table(small), table(large))}["C6"]
    assert [e.ratio.n for e in together.judged if e.ratio] == [3, 3]
    apart = {v.id: v for v in verdicts(table(small[:1]), table(small[1:]))}["C6"]
    assert apart.outcome is Outcome.NOT_DECIDED
    assert apart.judged[0].ratio is None


def test_memory_of_several_machines_counts_together_since_it_is_no_matter_of_speed():
    fits = table([cut(), cut(settings=THREE, peak_anon_bytes=148 * 2**20)])
    large = Place(lines=1080)
    lost = table([cut(place=large), ran_out(cut(settings=THREE, place=large))])
    found = {v.id: v for v in verdicts(fits, lost.assign(host_id="another"))}["C2"]
    assert found.outcome is Outcome.DEPENDS


def test_the_claimed_three_times_fall_into_their_parts():
    one = [
        serve("node", wall_s=60.0, ffmpeg_cpu_s=84.0),
        serve("rust", wall_s=58.0, ffmpeg_cpu_s=84.0),
    ]
    three = serve("rust", THREE, wall_s=46.4, ffmpeg_cpu_s=84.0)
    late = serve("rust", AFTER, clips=1, wall_s=120.0, clip_wall_s=(120.0,))
    parts, words = decomposition(starts([*one, three, late], log_sd=0.0))
    times = parts.set_index("part")["times"]
    assert times[LANGUAGE] == pytest.approx(60 / 58)
    assert times[AT_WORK] == pytest.approx(60 / 58)
    assert times[AT_ONCE] == pytest.approx(1.25)
    assert times[TOGETHER] == pytest.approx(times[LANGUAGE] * times[AT_ONCE])
    assert times[LEFT] * times[TOGETHER] == pytest.approx(3.0)
    assert times[BY_LAW] == pytest.approx(58 * 2 / (84 + 0.06), rel=0.001)
    assert times[SEEK] == pytest.approx(120 / 15)
    assert set(parts["starts"]) == {5, 0}
    assert "of the claimed 3.0x (48 s instead of 144 s) the language brings 1.03x" in words
    assert "the seek before the input in place of after it makes a clip 8.0x" in words


def test_without_both_services_there_is_nothing_to_take_apart():
    parts, words = decomposition(starts([serve("node"), serve("node", THREE)]))
    assert parts.empty
    assert list(parts)[:3] == ["condition", "cpus", "part"]
    assert (
        words
        == "Rust with three at once and Node.js with one were not measured next to each other."
    )


def test_what_ran_out_with_many_at_once_says_nothing_of_two():
    """As a search for the edge finds it: each number of clips is a job of its own."""
    fitted = [serve("node", replace(ORIGINAL, concurrency=n), clips=n) for n in (2, 4, 8)]
    lost = ran_out(serve("node", replace(ORIGINAL, concurrency=10), clips=10))
    found = verdict("C2", *fitted, lost)
    assert (found.outcome, found.finding) == (Outcome.REFUTED, Finding.OPPOSITE)
    assert [e.at_once for e in found.effects if not e.judged] == [10]
    held = verdict("C4b", serve("node", clips=1), serve("rust", clips=1), *fitted, lost)
    assert "Node.js 8 (10 ran out, 8 ended well), Rust 9" in held.found


def search() -> list[Record]:
    """For the edge of memory, with times of a busy machine."""
    return [
        serve(name, replace(ORIGINAL, concurrency=n), clips=n, wall_s=60.0 * n / (1 + k))
        for n in (1, 2, 4)
        for k, name in enumerate(("node", "python", "rust"))
    ]


def test_a_search_for_the_edge_tells_of_memory_alone():
    found = {v.id: v for v in verdicts(starts(search()))}
    assert found["C4b"].outcome is Outcome.REFUTED
    assert found["C2"].outcome is Outcome.REFUTED
    for name in ("C1", "C3", "C5a", "C6"):
        assert found[name].outcome is Outcome.NOT_MEASURED
        assert found[name].effects == ()


def test_a_search_on_a_busy_machine_makes_no_other_campaign_less_sure():
    quiet, busy = starts(side_by_side()), starts(search(), log_sd=0.5)
    alone = {v.id: v for v in verdicts(quiet)}
    beside = {v.id: v for v in verdicts(quiet, busy)}
    for name in ("C3", "C4a", "C5a", "C5b"):
        assert alone[name].effects == beside[name].effects


def test_claims_of_another_experiment_do_not_make_this_one_less_sure():
    commands = [
        trial
        for cpus, wall_s in ((0.5, 60.0), (2.0, 54.5))
        for lines in (720, 1080)
        for place in [Place(cpus=cpus, lines=lines)]
        for trial in (cut(place=place), cut(settings=THREE, place=place, wall_s=wall_s))
    ]
    services = [
        serve(name, own) for name in ("node", "python", "rust") for own in (ORIGINAL, THREE)
    ]
    alone = {v.id: v for v in verdicts(table(commands, log_sd=0.01))}["C6"]
    elsewhere = starts(services).assign(host_id="another")
    beside = {v.id: v for v in verdicts(table(commands, log_sd=0.01), elsewhere)}["C6"]
    assert beside.divided_p is not None
    assert beside.divided_p <= (alone.divided_p or 0.0)
    assert alone.outcome is beside.outcome


def test_a_host_that_shares_its_cores_with_the_client_is_told():
    served = replace(serve("node").served, service_crowded=True)
    crowded = [
        replace(serve(name), served=replace(served, service=name)) for name in ("node", "rust")
    ]
    assert any("a whole host of 2 CPU" in said for said in verdict("C4a", *crowded).unmeasured)
    free = verdict("C4a", serve("node"), serve("rust"))
    assert not any("a whole host" in said for said in free.unmeasured)


def test_what_fits_alone_must_fit_beside_the_measured_service():
    """90 % of 512 MB are 461 MB; the service needs up to 55."""
    command = [cut(), cut(settings=THREE, peak_anon_bytes=(430 - 2) * 2**20)]
    assert verdict("C2", *command).finding is Finding.OPPOSITE
    found = verdict("C2", *command, serve("node"))
    assert found.outcome is Outcome.NOT_DECIDED
    assert (
        "3 at once: ended well, but leaves less than 10 % free beside the service's 55 MB at 720p"
        in found.found
    )
    small = [cut(), cut(settings=THREE, peak_anon_bytes=(400 - 2) * 2**20)]
    assert verdict("C2", *small, serve("node")).finding is Finding.OPPOSITE
