"""Pictures of a real film, cut and looked at, and the choices beside today's, timed by real trials."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from clipkit.campaign.executor import Here
from clipkit.campaign.loop import Loop
from clipkit.campaign.strategy import Cell
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.errors import FfmpegError, UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.media.sample import sample
from clipkit.plan.clips import Job, spread
from clipkit.plan.subject import Cuts
from clipkit.plan.subjects import Engine, subject_named
from clipkit.records.folder import RUNS
from clipkit.records.record import Record
from clipkit.records.store import Store
from clipkit.settings import Settings
from clipkit.tuning.picture import Way, compare_pictures, cut_picture, short_part
from clipkit.tuning.quality_answer import QualityChoices
from clipkit.tuning.quality_choices import QualityQuestion, measured_by, quality_choices

VERYFAST = "ffmpeg -ss {start} -t {duration} -i {input} -preset veryfast -crf 23 -c:a copy {output}"
SETTINGS = Settings(preset="veryfast", audio="copy")


def own(command: str = VERYFAST) -> Way:
    subject = subject_named("command", SETTINGS, command)
    assert isinstance(subject, Cuts)
    return Way(subject, SETTINGS)


@pytest.fixture(scope="session")
def job() -> Job:
    return spread(probe_upload(sample(20, height=360)), 6, 3.0)


class TestCompare:
    def test_the_command_and_our_engine_at_its_settings_make_the_same_picture(
        self, job: Job, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        ours = Way(Engine(), replace(SETTINGS, encoder_threads=2))
        check = compare_pictures(job, ours, own(), build, tmp_path)
        assert check.same, check.words
        assert check.words.startswith("the same picture: ")
        assert list(tmp_path.iterdir()) == []

    def test_the_fastest_preset_at_its_crf_is_another_with_bytes_and_vmaf_in_words(
        self, job: Job, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        ours = Way(Engine(), replace(SETTINGS, preset="ultrafast"))
        check = compare_pictures(job, ours, own(), build, tmp_path)
        assert not check.same
        assert check.video_bytes_ratio > 2
        assert check.vmaf_difference is not None
        assert check.vmaf_difference > 1
        assert " larger, VMAF 9" in check.words

    def test_a_command_that_does_not_cut_is_named_with_what_it_said(
        self, job: Job, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        broken = own("ffmpeg -i {input} -preset nosuch {output}")
        with pytest.raises(FfmpegError, match="command did not cut a clip"):
            cut_picture(job, broken, build, tmp_path)
        assert list(tmp_path.iterdir()) == []


class TestShortPart:
    def test_five_places_of_two_seconds_inside_the_jobs_own_clips(self, job: Job) -> None:
        part = short_part(job)
        assert [clip.duration_s for clip in part.clips] == [2.0] * 5
        for clip in part.clips:
            assert any(
                whole.start_s <= clip.start_s and clip.end_s <= whole.end_s for whole in job.clips
            )
        starts = [clip.start_s for clip in part.clips]
        assert starts == sorted(starts)

    def test_one_long_clip_is_looked_at_in_five_places(self, job: Job) -> None:
        part = short_part(spread(job.upload, 1, 12.0))
        (clip,) = spread(job.upload, 1, 12.0).clips
        offsets = [round(short.start_s - clip.start_s, 3) for short in part.clips]
        assert offsets == [1.0, 3.0, 5.0, 7.0, 9.0]

    def test_clips_that_are_shorter_are_taken_whole(self, job: Job) -> None:
        part = short_part(spread(job.upload, 3, 1.2))
        assert {clip.duration_s for clip in part.clips} == {1.2}


@pytest.fixture
def question(job: Job, build: FfmpegBuild, tmp_path: Path) -> QualityQuestion:
    return QualityQuestion(
        job=job,
        today=own(),
        base=Way(Engine(), SETTINGS),
        host=Host("small", 512 * MIB, 1.0),
        reserve_bytes=0,
        build=build,
        folder=tmp_path,
        presets=("ultrafast", "veryfast"),
    )


def never(cell: Cell) -> Record:
    raise AssertionError(f"{cell.name} was run")


@dataclass
class Timed:
    """Real trials in a campaign's store; on its clock each takes ten seconds, and pictures none."""

    open_ceiling: Callable[[Limits], Ceiling]
    store: Store
    now_s: float = 0.0

    def answer(self, question: QualityQuestion, budget_s: float) -> QualityChoices:
        loop = Loop(self.store, Here(self.open_ceiling, self.store.folder), lambda _event: None)
        measure = measured_by(loop)

        def measured(cell: Cell) -> Record:
            self.now_s += 10
            return measure(cell)

        with self.store.writing():
            return quality_choices(question, measured, budget_s, lambda: self.now_s)


class TestChoices:
    def test_a_preset_at_equal_bytes_and_at_equal_vmaf_stand_side_by_side(
        self, question: QualityQuestion, real_ceiling: Callable[..., Ceiling], tmp_path: Path
    ) -> None:
        def opened(limits: Limits) -> Ceiling:
            return real_ceiling(memory_bytes=limits.memory_bytes, cpus=limits.cpus)

        store = Store.create(tmp_path / "campaign")
        answer = Timed(opened, store).answer(question, budget_s=70)
        found = {(choice.preset, choice.by): choice for choice in answer.choices}
        # The command's own preset makes the command's own picture: nothing to choose.
        assert found.keys() == {("ultrafast", "bytes"), ("ultrafast", "vmaf")}
        by_bytes, by_vmaf = found["ultrafast", "bytes"], found["ultrafast", "vmaf"]
        assert by_bytes.check.video_bytes_ratio <= 1.02
        assert by_vmaf.check.vmaf_difference is not None
        assert by_vmaf.check.vmaf_difference >= -0.5
        assert by_vmaf.crf < by_bytes.crf
        assert by_vmaf.check.video_bytes_ratio > 1.1
        assert answer.not_searched == ()
        assert by_bytes.cpu_ratio < 1
        assert all(choice.time for choice in answer.choices)
        rows = [json.loads(line) for line in (store.folder / RUNS).read_text().splitlines()]
        assert {row["phase"] for row in rows} == {"quality"}
        # Seven trials of ten seconds have room for three pairs, two of them of the cheaper one.
        ours, theirs = (
            {(row["cell"], row["block"]) for row in rows if row["subject"] == subject}
            for subject in ("clipkit", "command")
        )
        assert sorted(block for _, block in ours) == [0, 0, 1]
        assert sorted(block for _, block in theirs) == [0, 1]

    def test_a_choice_that_fails_on_the_host_is_told_so_and_not_tried_again(
        self, question: QualityQuestion, real_ceiling: Callable[..., Ceiling], tmp_path: Path
    ) -> None:
        def tight(_limits: Limits) -> Ceiling:
            return real_ceiling(memory_bytes=24 * MIB, cpus=None)

        store = Store.create(tmp_path / "campaign")
        asked = replace(question, presets=("ultrafast",))
        answer = Timed(tight, store).answer(asked, budget_s=200)
        assert {choice.time.status.words for choice in answer.choices if choice.time} == {
            "ran out of memory"
        }
        assert {record.block for record in store.records()} == {0}

    def test_without_time_nothing_is_run_and_what_was_left_out_is_named(
        self, question: QualityQuestion
    ) -> None:
        answer = quality_choices(question, never, 0.0, lambda: 0.0)
        assert (answer.choices, answer.not_searched) == ((), ("ultrafast", "veryfast"))
        assert answer.today.vmaf is not None

    @pytest.mark.parametrize("how", ["-c:v mpeg4", "-preset veryfast -b:v 1M"])
    def test_a_command_without_preset_and_crf_is_refused(
        self, question: QualityQuestion, how: str
    ) -> None:
        words = f"ffmpeg -ss {{start}} -t {{duration}} -i {{input}} {how} {{output}}"
        changed = subject_named("changed", SETTINGS, words)
        assert isinstance(changed, Cuts)
        asked = replace(question, base=Way(changed, SETTINGS))
        with pytest.raises(UsageError, match="no place for them"):
            quality_choices(asked, never, 0.0, lambda: 0.0)
