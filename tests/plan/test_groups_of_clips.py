"""Which clips are cut by one ffmpeg, what that is told, and what it is predicted to take."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.media.upload import Upload
from clipkit.model.memory import MARGIN, bound_bytes, clip_anon_bytes, together_anon_bytes
from clipkit.plan.clips import Clip, Job
from clipkit.plan.modes import frames_decoded, tasks
from clipkit.plan.task import OUTPUT, Run, Task
from clipkit.plan.together import groups, in_groups
from clipkit.settings import Settings

STORED = Path(__file__).resolve().parents[2] / "results" / "together.json"
GOP = Settings(together="gop")


@pytest.fixture(scope="module")
def upload(small: Path) -> Upload:
    """A key frame each second, 25 frames a second."""
    return probe_upload(small)


def clips(*starts_and_lengths_s: tuple[float, float]) -> tuple[Clip, ...]:
    return tuple(Clip(*each) for each in starts_and_lengths_s)


def end_to_end(count: int) -> tuple[Clip, ...]:
    return tuple(Clip(round(1.04 + 0.04 * n, 2), 0.04) for n in range(count))


NEAR = clips((1.2, 0.2), (1.4, 0.2), (3.2, 0.2))


class TestWhichGoTogether:
    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            pytest.param(NEAR, [(0, 1)], id="what is decoded from a key frame before the end"),
            pytest.param(
                clips((3.2, 0.2), (1.4, 0.2), (1.2, 0.2)), [(2, 1)], id="in the order of starts"
            ),
            pytest.param(
                clips((1.2, 0.8), (2.0, 0.2)), [], id="not one that begins with its own key frame"
            ),
            pytest.param(
                clips((1.2, 0.84), (2.0, 0.2)), [(0, 1)], id="but where that is in the one before"
            ),
            pytest.param(
                clips((1.2, 2.7), (1.3, 0.1), (3.2, 0.1)), [(0, 1, 2)], id="behind a longer one"
            ),
            pytest.param(clips((0, 0.4), (0.4, 0.4)), [], id="not one from the film's start"),
            pytest.param(clips((1.2, 0.2), (1.2, 0.2)), [(0, 1)], id="the same twice"),
        ],
    )
    def test_clips_that_share_pictures(
        self, upload: Upload, asked: tuple[Clip, ...], found: list[tuple[int, ...]]
    ) -> None:
        assert groups(Job(upload, asked), GOP) == found

    @pytest.mark.parametrize(
        "other",
        [
            {"together": "never"},
            {"mode": "smart"},
            {"mode": "auto"},
            {"mode": "copy"},
            {"seek": "output"},
        ],
    )
    def test_none_otherwise(self, upload: Upload, other: dict[str, str]) -> None:
        settings = Settings(**{"together": "gop", **other})
        assert groups(Job(upload, NEAR), settings) == []

    def test_none_that_another_clock_could_move_by_a_tick(self, upload: Upload) -> None:
        fine = replace(upload, time_base=Fraction(1, 299_993))
        assert groups(Job(fine, NEAR), GOP) == []

    def test_none_of_an_upload_whose_pictures_depend_on_those_before(self, upload: Upload) -> None:
        [look] = [look for _, look in upload.looks]
        for other in (
            replace(upload, hdr=True),
            replace(upload, repeats=1),
            replace(upload, seek="loose"),
            replace(upload, looks=((0.0, look), (0.8, look))),
        ):
            assert groups(Job(other, NEAR), GOP) == []
        assert groups(Job(replace(upload, hdr=True), NEAR), replace(GOP, hdr="keep")) == [(0, 1)]

    @pytest.mark.parametrize(
        ("count", "concurrency", "sizes"),
        [(8, 1, [8]), (12, 1, [8, 4]), (12, 2, [6, 6]), (7, 2, [4, 3]), (3, 4, [])],
    )
    def test_there_is_work_for_as_many_processes_as_are_asked_for(
        self, upload: Upload, count: int, concurrency: int, sizes: list[int]
    ) -> None:
        found = groups(Job(upload, end_to_end(count)), replace(GOP, concurrency=concurrency))
        assert [len(group) for group in found] == sizes

    def test_they_fit_the_room_and_leave_it_to_as_many_as_run_at_once(self, upload: Upload) -> None:
        job = Job(upload, end_to_end(8))
        three = bound_bytes(together_anon_bytes(upload, GOP, [1, 1, 1]))
        assert [len(group) for group in groups(job, GOP, three)] == [3, 3, 2]
        assert groups(job, GOP, bound_bytes(clip_anon_bytes(upload, GOP, 1))) == []
        two = replace(GOP, concurrency=2)
        assert [len(group) for group in groups(job, two, 2 * three)] == [3, 3, 2]


class TestTasks:
    @pytest.fixture
    def planned(self, upload: Upload, build: FfmpegBuild) -> list[Task]:
        job = Job(upload, clips((1.2, 0.2), (3.2, 0.2), (1.4, 0.2)))
        return in_groups(job, GOP, build, tasks(job, GOP, build))

    def test_those_of_a_group_come_behind_each_other(self, planned: list[Task]) -> None:
        told = [(task.number, task.attempts[0].cut_with) for task in planned]
        assert told == [(1, (3,)), (3, (1,)), (2, ())]

    def test_the_same_process_makes_both_and_each_is_its_own_output(
        self, planned: list[Task]
    ) -> None:
        first, third, _ = planned
        [one], [other] = first.attempts[0].steps, third.attempts[0].steps
        assert isinstance(one, Run)
        assert isinstance(other, Run)
        differing = [(a, b) for a, b in zip(one.argv, other.argv, strict=True) if a != b]
        assert len(differing) == 2
        assert [pair.index(OUTPUT) for pair in differing] == [0, 1]

    def test_each_can_be_cut_alone_which_is_then_said(
        self, planned: list[Task], upload: Upload, build: FfmpegBuild
    ) -> None:
        alone = {task.number: task for task in tasks(Job(upload, clips((1.2, 0.2))), GOP, build)}
        _, *others = planned[0].attempts
        assert [each.steps for each in others] == [each.steps for each in alone[1].attempts]
        assert others[0].change == "cut alone"
        assert planned[2].attempts[0].change is None

    def test_it_is_admitted_with_what_all_take(self, planned: list[Task], upload: Upload) -> None:
        need_bytes = planned[0].attempts[0].needs_bytes
        assert need_bytes == bound_bytes(together_anon_bytes(upload, GOP, [5, 5]))
        assert need_bytes > (planned[0].predicted_bytes or 0)

    def test_it_comes_through_to_the_engine(self, planned: list[Task]) -> None:
        told = [json.loads(json.dumps(task.to_json())) for task in planned]
        assert [Task.from_json(each) for each in told] == planned


def test_what_is_decoded_for_the_one_before_is_not_counted_again(upload: Upload) -> None:
    job = Job(upload, NEAR)
    alone = [frames_decoded(job, clip, Settings()) for clip in job.clips]
    assert alone == [10, 15, 10]
    assert [frames_decoded(job, clip, GOP) for clip in job.clips] == [10, 5, 10]


def test_one_clip_is_predicted_as_alone(upload: Upload) -> None:
    assert together_anon_bytes(upload, GOP, [50]) == pytest.approx(
        clip_anon_bytes(upload, GOP, 50), abs=1
    )


@pytest.mark.parametrize("row", json.loads(STORED.read_text("utf-8"))["memory"], ids=str)
def test_the_memory_of_what_was_measured_is_bounded(
    row: dict[str, float], make_sample: Callable[[int], Upload]
) -> None:
    lines = 1080 if "1080" in str(row["film"]) else 720
    asked = {"preset": "veryfast"} if "veryfast" in str(row["film"]) else {}
    upload = make_sample(lines)
    counts = [round(2 * upload.fps)] * int(row["clips"])
    predicted = together_anon_bytes(upload, Settings(**asked), counts)
    assert predicted == pytest.approx(row["peak_anon_bytes"], rel=MARGIN)


@pytest.fixture(scope="module")
def make_sample(upload: Upload) -> Callable[[int], Upload]:
    """The facts of the films that were measured, of so many lines."""

    def made(lines: int) -> Upload:
        width = lines * 16 // 9
        sizes = {"coded_width": width, "width": width, "coded_height": lines, "height": lines}
        [(from_s, look)] = upload.looks
        looks = ((from_s, replace(look, width=width, height=lines)),)
        return replace(upload, **sizes, looks=looks, pictures_kept=4, fps=24.0)

    return made
