"""Figures and sentences of the recommendation, from the trials of invented machines."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from surface import (
    FILM,
    FLUENT,
    SETTING,
    SKETCH,
    STARTER,
    TWO_CORES,
    Machine,
    film,
    question,
    shortened,
    tune,
)

from clipkit import settings as settings_station
from clipkit.errors import CampaignError
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.plan.baselines import parse_template
from clipkit.plan.clips import spread
from clipkit.plan.subjects import CommandLine, Engine
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.tuning.candidates import propose
from clipkit.tuning.conclude import conclude
from clipkit.tuning.findings import Findings, gather_findings
from clipkit.tuning.own_command import cutter_of, for_the_command, same_picture_as
from clipkit.tuning.question import Question
from clipkit.tuning.recommendation import (
    Baseline,
    Recommendation,
    read_recommendation,
    recommendation_toml,
)


def concluded(asked: Question, **changes: object) -> Recommendation:
    return conclude(gathered(asked, **changes), SETTING)


def gathered(asked: Question, **changes: object) -> Findings:
    invented = Machine(**({"noise": 0.02, "contrast": 0.2} | changes))  # type: ignore[arg-type]
    strategy = tune(asked, invented)
    assert strategy.session.winner is not None
    return gather_findings(asked, strategy.session.screening, strategy.session.results)


def baseline(recommendation: Recommendation, name: str) -> Baseline:
    return next(entry for entry in recommendation.baselines if entry.name == name)


# -- figures ---------------------------------------------------------------------------------


def test_the_speedup_of_a_rival_comes_from_its_pairs_with_an_interval():
    found = concluded(question())
    fluent = baseline(found, "fluent")
    assert fluent.speedup is not None
    assert fluent.speedup_ci95 is not None
    assert fluent.speedup_ci95[0] < fluent.speedup < fluent.speedup_ci95[1]
    assert fluent.pairs == found.measured_job["pairs"] >= 5
    assert found.measured_job["against"] == ["fluent"]


def test_a_slow_baseline_is_flagged_as_estimated_and_says_of_how_many_clips():
    found = concluded(question())
    sketch, fluent = baseline(found, "sketch"), baseline(found, "fluent")
    assert 0 < sketch.clips_run < sketch.clips_asked == 12
    assert sketch.estimated
    assert f"(sketch: -ss after -i, estimated from {sketch.clips_run} of 12 clips)" in found.figures
    assert f"estimated from {sketch.clips_run} of 12 clips" in found.verdict
    assert fluent.clips_run == 12
    assert not fluent.estimated


def test_with_time_enough_nothing_is_estimated():
    found = concluded(question(TWO_CORES, 3000))
    assert not any(entry.estimated for entry in found.baselines)
    assert "estimated" not in found.verdict + found.figures


def test_headroom_is_what_ceiling_and_reserve_leave_above_the_peak():
    found = concluded(question(TWO_CORES, reserve_bytes=96 * MIB))
    assert found.peak_need_bytes is not None
    assert found.headroom_bytes == (512 - 96) * MIB - found.peak_need_bytes


def test_where_less_can_be_held_than_the_label_says_that_is_said_and_counted_from():
    found = concluded(question(reserve_bytes=96 * MIB, usable_bytes=300 * MIB))
    assert found.peak_need_bytes is not None
    assert found.headroom_bytes == 300 * MIB - found.peak_need_bytes
    assert found.verdict.endswith(
        ". But only 300 MB of the 416 MB that two leaves beside your server could be held when it was tried: "
        "margins are counted from that"
    )
    assert " of 300 MB, the largest of " in found.figures
    assert not any(tried.fits for tried in found.tried if (tried.peak_need_bytes or 0) > 270 * MIB)


def test_settings_that_need_what_cannot_be_held_are_not_recommended():
    """Two clips at once need 92 MB: of 512 MB that leaves a margin, of 100 MB none."""
    label, measured = concluded(question()), concluded(question(usable_bytes=100 * MIB))
    assert label.settings.concurrency > 1
    assert measured.settings.concurrency == 1
    assert {tried.fits for tried in measured.tried} == {True, False}


@pytest.mark.parametrize("usable_bytes", [None, 503 * MIB, 512 * MIB])
def test_a_label_that_is_right_to_two_hundredths_is_taken_at_its_word(usable_bytes: int | None):
    found = concluded(question(usable_bytes=usable_bytes))
    assert replace(found, usable_memory_bytes=None) == concluded(question())
    assert found.usable_memory_bytes == usable_bytes
    assert "could be held" not in found.verdict


def test_without_a_limit_there_is_no_headroom_to_speak_of():
    assert concluded(question(Host("any", None, 2.0))).headroom_bytes is None


def test_ties_are_settings_that_fit_and_are_not_the_recommended_ones():
    found = concluded(question(replace(STARTER, cpus=1.0)))
    assert found.ties
    tables = [tie.settings for tie in found.ties]
    assert settings_station.to_table(found.settings) not in tables
    assert all(math.isfinite(tie.predicted_wall_s) for tie in found.ties)


def test_a_baseline_that_died_has_no_figures_and_says_why():
    asked = question()
    found = concluded(asked, ends=lambda c: Status.OOM if c.subject == SKETCH else None)
    sketch = baseline(found, "sketch")
    assert (sketch.status, sketch.error) == ("oom", "invented oom")
    assert (sketch.wall_s, sketch.speedup, sketch.speedup_ci95) == (None, None, None)
    assert "sketch did not finish (ran out of memory): invented oom" in found.why
    assert "sketch" not in found.verdict


def test_where_every_baseline_died_the_verdict_speaks_of_the_settings_alone():
    found = concluded(question(), ends=lambda c: None if c.subject.tunable else Status.OOM)
    assert "fluent has no time to compare with: invented oom" in found.verdict
    assert "->" not in found.figures
    assert found.measured_job["against"] == []


def test_the_share_of_the_orchestrator_is_of_all_cpu():
    found = concluded(question())
    assert found.orchestrator_cpu_fraction is not None
    assert 0 < found.orchestrator_cpu_fraction < 0.05


# -- sentences -------------------------------------------------------------------------------


def test_of_a_long_upload_it_says_what_decoding_in_vain_costs():
    sentences = concluded(question()).why
    assert any("decoded frames that nobody sees" in sentence for sentence in sentences)


def test_of_a_short_upload_it_says_that_the_seek_order_matters_little():
    short = spread(film(length_s=14, gop_s=14), 12, 12.0)
    sentences = concluded(question(jobs=(short,))).why
    assert any("seek order matters little here" in sentence for sentence in sentences)
    assert any("the film is only 0:14 long" in sentence for sentence in sentences)


def test_the_verdict_speaks_of_both_ways_to_seek_with_their_intervals():
    found = concluded(question())
    after, before = found.verdict.split(". ")
    assert after.startswith("If you seek after the input")
    assert "with the seek before the input" in after
    assert before.startswith("If you seek before the input")
    assert [sentence.count("95 %:") for sentence in (after, before)] == [1, 1]
    assert "(sketch: -ss after -i" in found.figures
    assert "(fluent: -ss before -i)" in found.figures


def test_where_nothing_helps_the_verdict_says_how_much_at_most_any_setting_brings():
    found = concluded(question(STARTER), noise=0.005)
    fluent = baseline(found, "fluent")
    assert fluent.speedup_ci95 is not None
    assert fluent.decided is False
    said = found.verdict.split(". ")[1]
    assert "no setting that was tried brings more than" in said
    most = float(said.split("more than ")[1].split(" %")[0]) / 100
    assert fluent.speedup_ci95[1] - 1 <= most + 0.001 < 0.25


def test_what_could_not_be_seen_is_said_and_not_guessed():
    short = concluded(question(STARTER, 90), noise=0.2)
    assert short.undecided is not None
    assert "is not decided" in short.undecided
    assert "could not be seen in this time" in short.undecided
    assert "not decided" in short.do[0]
    assert concluded(question(TWO_CORES, 600), noise=0.002).undecided is None


def test_what_was_not_even_tried_is_not_decided():
    shortest = concluded(question(STARTER, 20))
    assert shortest.undecided is not None
    assert "had no time" in shortest.undecided


def test_the_users_own_command_is_what_the_verdict_speaks_of():
    template = "ffmpeg -i {input} -ss {start} -t {duration} -preset veryfast {output}"
    command = CommandLine(parse_template(template))
    found = concluded(question(TWO_CORES, 400, baselines=(command, SKETCH, FLUENT)))
    own = baseline(found, "command")
    assert found.measured_job["against"] == ["command"]
    assert own.pairs >= 5
    assert baseline(found, "fluent").clips_run == 1
    assert found.verdict.startswith(
        "Against your command as it is: with the seek before the input, "
    )
    assert "fluent" not in found.verdict


def test_the_advice_is_to_keep_or_to_set_the_number_of_clips_at_once():
    one, two = concluded(question(STARTER)), concluded(question(TWO_CORES))
    assert "keep maxConcurrent = 1" in one.do[0]
    assert "set maxConcurrent = 2" in two.do[0]


def own(words: str) -> CommandLine:
    return CommandLine(parse_template(words))


SEEKS_FIRST = "ffmpeg -ss {start} -i {input} -t {duration} {output}"


def with_changed(command: CommandLine, **changes: object) -> Question:
    """As `tune` asks it: the candidates are the command's own words with settings put in."""
    fixed = same_picture_as(command.template, Settings())
    asked = question(
        fixed=fixed, baselines=(command,), cutter=cutter_of(command.template), **changes
    )
    offered = tuple(propose((FILM,), asked.host, 0, fixed))
    found = for_the_command(command.template, fixed, offered)
    return replace(asked, candidates=found)


def test_a_command_that_is_as_fast_as_it_gets_is_kept():
    found = concluded(with_changed(own(SEEKS_FIRST), host=STARTER), noise=0.005)
    assert "no setting that was tried brings more than" in found.verdict
    assert "keep it" in found.do[0] or "as fast as it gets" in found.do[0]


def test_a_command_that_gains_is_changed_word_for_word():
    command = own("ffmpeg -i {input} -ss {start} -t {duration} -preset veryfast -crf 25 {output}")
    found = concluded(with_changed(command))
    assert found.change is not None
    assert found.change.from_argv == command.template.argv
    assert found.change.commands_at_once == found.settings.concurrency == 2
    assert (found.settings.preset, found.settings.crf) == ("veryfast", 25)
    assert found.do[0].startswith("your command: move -ss START before -i")
    assert found.do[1].startswith("then it reads: ffmpeg ")
    assert found.command == command.template.text


@pytest.mark.parametrize(
    "words",
    [
        "ffmpeg -i {input} -ss {start} -t {duration} -vf fps=10 {output}",
        "ffmpeg -copyts -i {input} -ss {start} -t {duration} {output}",
    ],
)
def test_a_seek_that_cannot_be_moved_stays_and_all_else_is_tuned(words: str):
    found = concluded(with_changed(own(words), budget_s=600))
    assert found.settings.seek == "output"
    assert found.change is not None
    assert found.change.to_argv.index("-ss") > found.change.to_argv.index("-i")


@pytest.mark.parametrize(
    "words",
    [
        "ffmpeg -ss {start} -i {input} -t {duration} -c copy {output}",
        "cut.sh {input} {start} {duration} {output}",
    ],
)
def test_of_a_command_that_cannot_be_changed_no_change_is_advised(words: str):
    command = own(words)
    found = concluded(question(TWO_CORES, 600, baselines=(command,)))
    assert isinstance(cutter_of(command.template), Engine)
    assert (found.change, found.command) == (None, None)
    assert "clipkit's engine" in found.verdict
    assert "cannot be changed" in found.do[0]


def test_a_command_with_options_that_the_engine_lacks_is_not_sent_to_it():
    scaled = own("ffmpeg -ss {start} -i {input} -t {duration} -vf scale=640:-2 {output}")
    assert not any(line.startswith("clipkit: ") for line in concluded(with_changed(scaled)).do)
    assert any(
        line.startswith("clipkit: ") for line in concluded(with_changed(own(SEEKS_FIRST))).do
    )


def test_a_change_that_takes_longer_is_not_advised_for_its_memory():
    """Few threads save memory, and cost twice the time."""
    asked = with_changed(own(SEEKS_FIRST), host=TWO_CORES)
    slow = concluded(asked, cpu_of=lambda _settings: 3.0)
    assert slow.baselines[0].speedup_ci95 is not None
    assert slow.baselines[0].speedup_ci95[1] < 1
    assert "keep that" in slow.verdict
    assert slow.do[0].startswith("your command: keep it as it is")


def test_concurrency_and_its_memory_are_told_against_one_clip_at_a_time():
    sentences = concluded(question(TWO_CORES)).why
    told = next(sentence for sentence in sentences if "at once" in sentence)
    assert "faster" in told
    assert "instead of 52 MB" in told


def test_settings_that_ran_out_of_memory_are_told():
    sentences = concluded(question(Host("small", 85 * MIB, 2.0))).why
    assert "2 at once ran out of memory" in sentences


def test_few_pairs_are_told_with_what_to_do():
    found = concluded(question(STARTER, 60))
    assert found.measured_job["pairs"] < 5
    assert any("a larger --budget narrows" in sentence for sentence in found.unmeasured)


def test_a_baseline_without_time_is_told():
    found = concluded(question(STARTER, 20))
    assert "sketch was not run: no time was left" in found.why


def test_where_no_kernel_enforced_the_ceiling_that_is_told():
    findings = gathered(question())
    watched = conclude(findings, replace(SETTING, ceiling="watchdog"))
    assert any("no kernel enforced the ceiling" in sentence for sentence in watched.unmeasured)
    assert not any("no kernel" in sentence for sentence in conclude(findings, SETTING).unmeasured)


@pytest.mark.parametrize(("share", "told"), [(0.4, True), (0.02, False), (None, False)])
def test_a_machine_that_others_kept_busy_is_told(share: float | None, told: bool):
    findings = gathered(question())
    beside = [(cell, replace(r, other_cpu_fraction=share)) for cell, r in findings.results]
    said = conclude(replace(findings, results=beside), SETTING).noise
    assert ("others used up to 40 %" in (said or "")) is told


def test_what_others_disturbed_counts_for_nothing_and_that_is_told():
    found = concluded(
        question(),
        ends=lambda c: Status.INVALID_NOISE if c.phase == "confirm" and c.subject.tunable else None,
    )
    assert (found.confirmed_wall_s, found.confirmed_ci95_s) == (None, None)
    assert found.measured_job["pairs"] == 0
    assert all(entry.speedup is None for entry in found.baselines)
    assert any("not measured: disturbed" in sentence for sentence in found.unmeasured)
    assert "(predicted, not confirmed)" in found.figures
    assert "predicted" not in concluded(question()).figures


def test_the_users_server_is_unmeasured_only_without_a_reserve():
    without, with_it = question(), question(reserve_bytes=96 * MIB)
    assert any("--reserve" in sentence for sentence in concluded(without).unmeasured)
    assert not any("--reserve" in sentence for sentence in concluded(with_it).unmeasured)


@pytest.mark.parametrize("clips", [1, 2, 3])
def test_a_job_of_few_clips_is_concluded_in_words(clips: int):
    found = concluded(shortened(question(STARTER, 200), clips))
    assert found.figures.startswith(f"{clips} clip{'s' if clips > 1 else ''}: ")
    assert found.measured_job["clips"] == clips


def test_several_uploads_are_each_described():
    films = (spread(film("long"), 12, 12.0), spread(film("short", 60), 12, 2.0))
    found = concluded(question(TWO_CORES, 600, jobs=films))
    assert found.upload["path"] == "2 uploads"
    assert len(found.upload["uploads"]) == 2
    assert [line.split()[0] for line in found.headline[1:]] == ["long.mp4", "short.mp4"]
    assert found.figures.startswith("24 clips: ")


# -- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("budget_s", [20, 60, 300])
def test_a_recommendation_survives_the_round_trip_through_json(budget_s: float, tmp_path: Path):
    found = concluded(question(STARTER, budget_s))
    text = json.dumps(found.to_json(), allow_nan=False)
    (tmp_path / "recommendation.json").write_text(text, "utf-8")
    assert read_recommendation(tmp_path) == found


def test_the_toml_gives_back_the_same_settings(tmp_path: Path):
    lean = Settings(preset="fast", crf=30, lookahead=0, mbtree=False, bframes=0, refs=1)
    for settings in (Settings(), lean, concluded(question()).settings):
        path = tmp_path / "clipkit.toml"
        found = replace(concluded(question(STARTER, 20)), settings=settings)
        path.write_text(recommendation_toml(found), "utf-8")
        assert settings_station.load_settings(path) == settings


def test_the_toml_says_where_its_settings_come_from():
    found = concluded(question())
    head = recommendation_toml(found).split("\n\n")[0].splitlines()
    assert head == [f"# {line}" for line in (*found.headline, found.verdict, found.figures)]


def test_an_uploads_name_cannot_break_out_of_the_tomls_comment(tmp_path: Path):
    job = spread(replace(film(), path=Path('/films/a\n[settings]\npreset = "placebo"\n.mp4')), 2, 9)
    path = tmp_path / "clipkit.toml"
    path.write_text(recommendation_toml(concluded(question(STARTER, 60, jobs=(job,)))), "utf-8")
    assert settings_station.load_settings(path).preset == "ultrafast"


def test_a_folder_without_a_recommendation_says_what_to_run(tmp_path: Path):
    with pytest.raises(CampaignError, match="run `clipkit tune`"):
        read_recommendation(tmp_path)


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"host": 1}'])
def test_a_broken_recommendation_is_told_with_its_path(tmp_path: Path, text: str):
    (tmp_path / "recommendation.json").write_text(text, "utf-8")
    with pytest.raises(
        CampaignError, match=r"recommendation\.json (cannot be read|holds no JSON object)"
    ):
        read_recommendation(tmp_path)


def test_the_command_of_each_baseline_is_kept():
    found = concluded(question())
    assert baseline(found, "sketch").command == SKETCH.line
    assert baseline(found, "fluent").command == FLUENT.line
