"""Other modes beside re-encoding: which is recommended, what is said of the others, on invented machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from stored_campaigns import copied
from surface import FILM, SETTING, STARTER, TWO_CORES, Machine, question, tune

from clipkit.campaign.strategy import Cell
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.picture import Picture, PictureCheck
from clipkit.media.quality import Quality
from clipkit.plan.baselines import parse_template
from clipkit.plan.subjects import CommandLine, Engine
from clipkit.records.campaign import open_campaign
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.tuning.answer import verdict_lines
from clipkit.tuning.candidates import propose
from clipkit.tuning.conclude import conclude
from clipkit.tuning.findings import Findings, gather_findings
from clipkit.tuning.mode_rows import ModeRow, modes_table, offer_words
from clipkit.tuning.other_modes import OtherMode, other_modes
from clipkit.tuning.own_command import cutter_of, for_the_command, same_picture_as
from clipkit.tuning.plans import Plan, plans_table
from clipkit.tuning.quality_answer import QualityChoices
from clipkit.tuning.question import Question
from clipkit.tuning.recommendation import Recommendation
from clipkit.tuning.timings import timings_of

SMART = OtherMode("refuse", (("smart", 12),), allowed=True)
COPY = OtherMode("allow", (("copy", 12),), allowed=False)


def asked_for(*modes: OtherMode, **changes: object) -> Question:
    return question(STARTER, modes=modes, **changes)


def found_on(asked: Question, **changes: object) -> Findings:
    invented = Machine(**({"noise": 0.02} | changes))  # type: ignore[arg-type]
    strategy = tune(asked, invented)
    return gather_findings(asked, strategy.session.screening, strategy.session.results)


def concluded(asked: Question, **changes: object) -> Recommendation:
    return conclude(found_on(asked, **changes), SETTING)


def row(found: Recommendation, mode: str) -> ModeRow:
    return next(row for row in found.modes if row.mode == mode)


class TestTheBestAllowedMode:
    def test_is_recommended_with_the_figures_of_its_own_trials(self):
        found = concluded(asked_for(SMART, COPY))
        assert (found.settings.mode, found.settings.hidden_preroll) == ("auto", "refuse")
        smart, encode = row(found, "smart"), row(found, "encode")
        assert (smart.recommended, encode.recommended) == (True, False)
        assert smart.wall_s is not None
        assert encode.wall_s is not None
        assert found.confirmed_wall_s == smart.wall_s
        assert encode.wall_s / smart.wall_s == pytest.approx(2, rel=0.1)

    def test_is_what_the_gain_over_today_is_told_of_first(self):
        found = concluded(asked_for(SMART, COPY))
        fluent = next(each for each in found.baselines if each.name == "fluent")
        assert fluent.speedup == row(found, "smart").speedup
        assert "with clipkit's engine in mode auto (smart)" in found.verdict
        assert fluent.decided is True

    def test_is_re_encoding_where_nothing_else_is_faster(self):
        found = concluded(
            asked_for(SMART), cpu_of=lambda settings: 2.2 if settings.mode == "auto" else 1.0
        )
        assert found.settings.mode == "encode"
        assert row(found, "encode").recommended
        assert "mode auto" not in found.verdict

    def test_is_the_copy_where_that_is_allowed(self):
        found = concluded(asked_for(replace(COPY, allowed=True)))
        assert (found.settings.mode, found.settings.hidden_preroll) == ("auto", "allow")
        assert row(found, "copy").recommended
        assert found.offer is None

    def test_keeps_threads_and_clips_at_once_of_the_best_candidate(self):
        findings = found_on(asked_for(SMART))
        assert replace(findings.settings, mode="encode") == findings.winner.settings

    def test_has_never_failed_however_fast_it_was_before(self):
        def ends(cell: Cell) -> Status | None:
            last = cell.phase == "confirm" and cell.block == 2
            return Status.OOM if last and cell.settings.mode == "auto" else None

        found = concluded(asked_for(SMART), ends=ends)
        smart = row(found, "smart")
        assert smart.pairs >= 2
        assert (smart.recommended, smart.error) == (False, "invented oom")
        assert found.settings.mode == "encode"

    def test_leaves_a_margin_of_memory(self):
        def twice(settings: Settings) -> float:
            return 2.2 if settings.mode == "auto" else 1.0

        asked = question(Host("tight", 100 * MIB, 0.5), modes=(SMART,))
        found = concluded(asked, bytes_of=twice)
        assert row(found, "smart").status == "ok"
        assert found.settings.mode == "encode"


class TestClipsThatAreToDoUnlikeWork:
    """From the start of a clip to its next key frame it may be one picture or ten seconds of them."""

    def clips_a_round(self, *modes: OtherMode) -> int:
        ran = tune(asked_for(*modes, budget_s=900), Machine()).session.results
        return next(len(cell.job.clips) for cell, _ in ran if cell.phase == "confirm")

    def test_do_not_widen_what_is_said_of_a_mode(self):
        found = concluded(asked_for(SMART, COPY, budget_s=240))
        smart = row(found, "smart")
        assert smart.speedup_ci95 is not None
        low, high = smart.speedup_ci95
        assert smart.clips_run < 12
        assert high / low < 1.2

    def test_take_the_time_of_what_they_encode_and_not_of_whole_clips(self):
        truth = Machine()
        asked = asked_for(SMART, COPY, budget_s=240)
        found = concluded(asked)
        wall_s = truth.job_s(asked, SMART.settings(found.settings))
        assert row(found, "smart").wall_s == pytest.approx(wall_s, rel=0.08)

    def test_leave_time_for_more_of_them_in_a_round(self):
        """The rival and the best candidate take two parts of a round, and a mode that encodes half less than one."""
        assert 3 * self.clips_a_round(SMART) > 2 * self.clips_a_round()
        assert self.clips_a_round(COPY) == self.clips_a_round()


class TestAModeThatIsNotAllowed:
    def test_is_never_recommended_and_its_gain_is_the_second_line(self):
        found = concluded(asked_for(SMART, COPY))
        assert not row(found, "copy").recommended
        told = verdict_lines(found)
        behind = told[[line.startswith("VERDICT") for line in told].index(True) + 1]
        assert "--hidden-preroll allow" in behind
        assert "measured in the same run" in behind
        run = row(found, "copy").clips_run
        assert f" s (estimated from {run} of 12 clips): " in behind
        speedup = row(found, "copy").speedup
        assert speedup is not None
        assert speedup > 50

    def test_that_fails_costs_nobody_else_a_trial_and_says_why(self):
        def ends(cell: Cell) -> Status | None:
            return Status.FAILED if cell.settings.hidden_preroll == "allow" else None

        found = concluded(asked_for(SMART, COPY), ends=ends)
        copy = row(found, "copy")
        assert (copy.status, copy.wall_s, copy.pairs) == ("failed", None, 0)
        assert found.settings.mode == "auto"
        assert found.offer is not None
        assert copy.error is not None
        assert copy.error in found.offer
        assert row(found, "smart").pairs >= 3


class TestBesideTheUsersOwnCommand:
    COMMAND = parse_template("ffmpeg -ss {start} -t {duration} -i {input} -c:v libx264 {output}")

    def asked(self, *modes: OtherMode) -> Question:
        fixed = same_picture_as(self.COMMAND, Settings())
        offered = tuple(propose((FILM,), TWO_CORES, 0, fixed))
        return question(
            TWO_CORES,
            modes=modes,
            fixed=fixed,
            cutter=cutter_of(self.COMMAND),
            candidates=for_the_command(self.COMMAND, fixed, offered),
            baselines=(CommandLine(self.COMMAND),),
        )

    def test_its_words_are_what_is_changed_and_the_engines_mode_is_offered(self):
        found = concluded(self.asked(SMART))
        assert found.change is not None
        assert found.settings.mode == "encode"
        assert found.offer is not None
        assert found.offer.startswith("With clipkit's engine (mode auto: smart) 12 clips take")

    def test_a_mode_is_cut_by_the_engine_whoever_cuts_the_candidates(self):
        strategy = tune(self.asked(SMART), Machine())
        beside = [cell for cell, _ in strategy.session.results if cell.settings.mode == "auto"]
        assert beside
        assert {cell.subject for cell in beside} == {Engine()}
        assert {cell.phase for cell in beside} == {"confirm"}


def test_every_round_of_the_confirmation_has_each_mode_on_the_same_clips():
    strategy = tune(asked_for(SMART, COPY), Machine())
    rounds: dict[int, list[Cell]] = {}
    for cell, _ in strategy.session.results:
        if cell.phase == "confirm" and cell.settings in (
            mode.settings(strategy.session.winner or Settings()) for mode in (SMART, COPY)
        ):
            rounds.setdefault(cell.block, []).append(cell)
    assert len(rounds) >= 3
    for cells in rounds.values():
        assert len(cells) == 2
        assert cells[0].job == cells[1].job


def test_without_other_modes_nothing_is_said_of_them():
    found = concluded(question(STARTER))
    assert found.modes == ()
    assert found.offer is None
    assert "mode" not in found.verdict


def test_what_modes_took_is_kept_in_the_file_and_read_again():
    found = concluded(asked_for(SMART, COPY))
    again = Recommendation.from_json(found.to_json())
    assert again.modes == found.modes
    assert again.offer == found.offer


def test_the_table_names_what_each_mode_costs_and_marks_the_recommended_one():
    found = concluded(asked_for(SMART, COPY))
    table = modes_table(found.modes)
    assert [cells[0] for cells in table.rows] == ["encode", "smart", "copy (not allowed)"]
    assert table.marked == {1}
    assert all(len(cells) == len(table.heads) for cells in table.rows)


def test_clips_of_several_modes_are_told_by_their_numbers():
    mixed = OtherMode("allow", (("copy", 10), ("smart", 2)), allowed=True)
    assert (mixed.name, mixed.encodes) == ("auto", True)
    assert mixed.words == "copy for 10 of 12 clips, smart for 2"


@pytest.fixture(scope="module")
def by_copy() -> Recommendation:
    return concluded(asked_for(replace(COPY, allowed=True)))


@pytest.fixture(scope="module")
def by_smart() -> Recommendation:
    return concluded(asked_for(SMART, COPY))


class TestEverySentence:
    """Of a recommendation in another mode than re-encoding."""

    def test_names_no_threads_of_an_encoder_where_nothing_is_encoded(self, by_copy, by_smart):
        assert "encoder thread" not in by_copy.verdict + by_copy.figures + by_copy.how
        assert "encoder thread" in by_smart.how

    def test_says_of_which_way_to_cut_it_is_true(self, by_smart):
        of_candidates = [
            words for words in by_smart.why if "at once" in words or "threads" in words
        ]
        assert len(of_candidates) == 2
        assert all(words.startswith("re-encoding, ") for words in of_candidates)

    def test_advises_no_change_of_todays_way_that_is_not_shown_to_be_faster(self, by_smart):
        [_, alone] = by_smart.do
        assert alone.startswith("without clipkit's engine, ")
        assert "nothing is shown to be faster: fluent-ffmpeg: seek before the input" in alone

        def quick(settings: Settings) -> float:
            many = settings.concurrency > 1
            return 0.2 if settings.mode == "auto" else 0.5 if many else 1.0

        [_, alone] = concluded(asked_for(SMART), cpu_of=quick).do
        assert "nothing is shown" not in alone
        assert "maxConcurrent = 2" in alone
        assert "swscale" not in alone

    @pytest.mark.parametrize("host", [STARTER, TWO_CORES])
    def test_says_that_no_cut_would_do_what_was_faster(self, host):
        """Threads left to ffmpeg: a trial of it, and no cut."""

        def quick(settings: Settings) -> float:
            return 1.0 if settings.encoder_threads else 0.3

        told = concluded(question(host), cpu_of=quick)
        assert any("as fast as what is recommended, but a cut gives" in words for words in told.why)
        assert "no setting that was tried" not in told.verdict
        usual = concluded(question(host))
        assert not any("but a cut gives" in words for words in usual.why)

    def test_says_of_todays_way_that_its_scaler_was_not_measured(self):
        def quick(settings: Settings) -> float:
            return 0.2 if settings.mode == "auto" else 0.5 if settings.concurrency > 1 else 1.0

        fixed = Settings(scaler="zimg", scale_height=480)
        offered = tuple(propose((FILM,), STARTER, 0, fixed))
        asked = asked_for(SMART, fixed=fixed, candidates=offered)
        [_, alone] = concluded(asked, cpu_of=quick).do
        assert "-vf scale=" in alone
        assert "scaled by swscale, which was not measured: zimg was" in alone

    def test_calls_nothing_a_tie_that_was_tried_in_another_mode(self, by_smart):
        assert by_smart.ties == ()
        assert any("were not tried in it" in words for words in by_smart.unmeasured)
        assert concluded(question(STARTER)).ties

    def test_of_the_plan_names_the_mode(self, by_smart):
        [row] = plans_table([Plan(STARTER, by_smart)]).rows
        assert any(words.startswith("mode auto (smart), 1 at once") for words in row)
        [row] = plans_table([Plan(STARTER, concluded(question(STARTER)))]).rows
        assert not any("mode" in words for words in row)

    def test_of_the_report_has_what_copying_would_bring(self, by_smart):
        assert by_smart.offer is not None
        assert by_smart.offer in by_smart.further.values()

    def test_of_other_pictures_says_that_they_re_encode(self):
        picture = Picture(1_000_000, 900_000, None, "too short")
        choices = QualityChoices(picture, (), ())
        findings = found_on(asked_for(SMART))
        told = conclude(findings, replace(SETTING, quality=choices)).quality
        assert told is not None
        assert "encode every clip whole" in told["notes"][0]
        assert "not beside clipkit's engine in mode auto (smart)" in told["notes"][0]
        plain = conclude(found_on(question(STARTER)), replace(SETTING, quality=choices)).quality
        assert plain is not None
        assert not any("encode every clip" in note for note in plain["notes"])

    @pytest.mark.parametrize(("theirs", "is_worse"), [(90.0, False), (97.0, True)])
    def test_of_pictures_that_look_worse_calls_them_a_choice(self, theirs, is_worse):
        def seen(mean: float) -> Picture:
            return Picture(9, 9, Quality(mean, mean, mean, 300, "vmaf_v0.6.1", "invented"))

        check = PictureCheck(seen(95.0), seen(theirs))
        found = conclude(found_on(asked_for(SMART)), replace(SETTING, picture=check))
        assert ("But they look worse" in found.verdict) == is_worse


class TestWhatWasReallyCut:
    """A clip that could not be joined is encoded whole, whatever was planned."""

    def findings(self, modes: Callable[[float], str], encoded: int = 25) -> Findings:
        return self.found(asked_for(SMART, budget_s=900), modes, encoded)

    def of_copies(self, modes: Callable[[float], str], encoded: int = 0) -> Findings:
        """Planned as copies that are allowed."""
        [copying] = other_modes(asked_for().jobs, Settings(hidden_preroll="allow"))
        assert copying.taken == (("copy", 12),)
        return self.found(asked_for(copying, budget_s=900), modes, encoded)

    def found(self, asked: Question, modes: Callable[[float], str], encoded: int) -> Findings:
        """`asked` with time for every clip."""
        strategy = tune(asked, Machine(noise=0.02))

        def as_cut(cell: Cell, record: Record) -> Record:
            if cell.settings.mode != "auto":
                return record
            each = ",".join(modes(start_s) for start_s in record.clip_starts_s)
            return replace(record, clip_modes=each, encoded_frames=encoded * record.clips)

        results = [(cell, as_cut(cell, record)) for cell, record in strategy.session.results]
        return gather_findings(asked, strategy.session.screening, results)

    def test_stands_in_the_row_and_the_verdict(self):
        first = asked_for().jobs[0].clips[0].start_s
        found = conclude(self.findings(lambda at: "encode" if at == first else "smart"), SETTING)
        assert found.way is not None
        assert found.way.taken == {"encode": 1, "smart": 11}
        assert "smart for 11 of 12 clips, encode for 1" in found.verdict

    def test_hides_what_was_copied_and_nothing_of_a_copy_that_was_found_wrong(self):
        starts = [clip.start_s for clip in asked_for().jobs[0].clips]
        kept = starts[::2]
        hidden_s = {
            words: row(conclude(self.of_copies(modes), SETTING), name).hidden_s
            for words, name, modes in (
                ("all", "copy", lambda _: "copy"),
                ("half", "auto", lambda at: "copy" if at in kept else "smart"),
                ("none", "smart", lambda _: "smart"),
            )
        }
        assert hidden_s["all"] == pytest.approx(sum(at % 10 for at in starts), abs=0.5)
        assert hidden_s["half"] == pytest.approx(sum(at % 10 for at in kept), abs=0.3)
        assert hidden_s["none"] == 0

    def test_of_copies_found_wrong_no_seconds_are_offered_as_hidden(self):
        def offer(mode: str) -> str | None:
            found = self.of_copies(lambda _: mode)
            [encode, copying] = found.modes
            assert copying.asked is not None
            refused = replace(copying, asked=replace(copying.asked, allowed=False))
            return offer_words(replace(found, modes=(encode, refused), chosen=encode))

        assert "stay in the files, hidden" in (offer("copy") or "")
        assert "hidden-preroll allow" in (offer("smart") or "")
        assert "stay in the files" not in (offer("smart") or "")

    def test_share_of_encoded_pictures_is_a_reason(self):
        found = conclude(self.findings(lambda _: "smart"), SETTING)
        assert "8.3 % of the pictures are encoded, the others copied" in found.why
        assert found.way is not None
        assert found.way.encoded == pytest.approx(25 / 300)

    def test_without_any_encoded_picture_is_said_so(self):
        found = conclude(self.of_copies(lambda _: "copy"), SETTING)
        assert "no picture is decoded or encoded: all are copied" in found.why


def test_plans_take_a_time_for_each_mode_that_may_be_taken(tmp_path: Path):
    folder = copied("tune-default", tmp_path / "tuning")
    found = {each.how: each for each in timings_of(open_campaign(folder))}
    assert list(found)[:2] == ["tuned, mode auto (smart)", "tuned"]
    assert found["tuned"].s_per_clip > 2 * found["tuned, mode auto (smart)"].s_per_clip
    assert not any("copy" in how for how in found)
