"""What the engine tells of a clip is what happened to it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from running import ffmpegs_in, until
from talk import chain, encoding, engine, never_ending, task

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan.task import OUTPUT, Check, Run

WRONG = "it smells"


def looking(always: bool, code: int = 1) -> Check:
    """Leaves a trace of having looked."""
    look = f'test -s "$1" && echo seen >"$1.seen" && echo "of fish" >&2; exit {code}'
    return Check(("sh", "-c", look, "sh", OUTPUT), wrong=WRONG, always=always)


def making(build: FfmpegBuild, upload: Path, complaint: str = "") -> Run:
    words = encoding(build.path, upload, "-t", "0.4")
    return Run(("sh", "-c", f'printf "{complaint}" >&2; exec "$@"', "sh", *words))


class TestChecks:
    def test_one_that_fails_says_what_is_wrong(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        steps = (making(build, small), looking(always=True))
        with engine(tmp_path) as running:
            (clip,) = running.run([chain(1, steps, shown=10)])
            assert sorted(path.name for path in running.log.iterdir()) == [
                "clip-001-check.log",
                "clip-001.log",
            ]
        told = f"{WRONG}: of fish (ffmpeg ended with exit code 1)"
        assert (clip["status"], clip["error"]) == ("failed", told)
        assert clip["argv"][-1].endswith("clip-001.mp4")

    def test_then_the_next_way_is_tried_and_says_why(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        first = (making(build, small), looking(always=True))
        with engine(tmp_path) as running:
            (clip,) = running.run([chain(1, first, (making(build, small),), shown=10)])
        assert clip["status"] == "ok"
        assert clip["change"] == f"attempt 2: {WRONG}: of fish (ffmpeg ended with exit code 1)"

    @pytest.mark.parametrize("complaint", ["", "a picture was odd"])
    def test_one_that_is_for_complaints_is_begun_where_there_were_some(
        self, complaint: str, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        steps = (making(build, small, complaint), looking(always=False, code=0))
        with engine(tmp_path) as running:
            (clip,) = running.run([chain(1, steps, shown=10)])
            looked = (running.work / "clip-001.mp4.seen").exists()
        assert clip["status"] == "ok"
        assert looked is bool(complaint)
        assert clip["argv"][-1] == clip["file"]


class TestStopped:
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    def test_an_ffmpeg_that_somebody_ends_is_killed_and_not_tried_in_another_way(
        self, number: signal.Signals, tmp_path: Path, each_build: FfmpegBuild, small: Path
    ) -> None:
        asked = task(1, never_ending(each_build.path), encoding(each_build.path, small))
        with engine(tmp_path) as running:
            running.order()
            running.tell({"op": "task", **asked.to_json()}, {"op": "end"})
            running.hear_until("progress")
            (ffmpeg,) = ffmpegs_in(tmp_path)
            os.kill(ffmpeg, number)
            (clip,) = running.clips()
        assert (clip["status"], clip["change"]) == ("killed", None)
        how = "signal 9 (SIGKILL)" if number == signal.SIGKILL else "exit code 255"
        assert clip["error"] == how

    def test_one_that_crashes_is_tried_in_the_next_way_which_says_so(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        asked = task(1, never_ending(build.path), encoding(build.path, small))
        with engine(tmp_path) as running:
            running.order()
            running.tell({"op": "task", **asked.to_json()}, {"op": "end"})
            running.hear_until("progress")
            (ffmpeg,) = ffmpegs_in(tmp_path)
            os.kill(ffmpeg, signal.SIGSEGV)
            (clip,) = running.clips()
        assert (clip["status"], clip["change"]) == ("ok", "attempt 2: ffmpeg ended with signal 11")

    def test_the_time_limit_is_told_with_its_seconds(
        self, tmp_path: Path, build: FfmpegBuild
    ) -> None:
        tasks = [task(n, never_ending(build.path)) for n in (1, 2)]
        with engine(tmp_path) as running:
            begun, waiting = running.run(tasks, concurrency=1, timeout_s=0.5)
        assert begun["status"] == waiting["status"] == "timeout"
        assert begun["error"] == "the time limit of 0.5 s struck before it was finished"
        assert waiting["error"] == "the time limit of 0.5 s struck before it was started"


def test_a_work_folder_that_is_removed_is_what_is_told(
    tmp_path: Path, build: FfmpegBuild, small: Path
) -> None:
    removing = ["sh", "-c", 'rm -rf "$(dirname "$1")"; exit 1', "sh", OUTPUT]
    with engine(tmp_path) as running:
        first, second = running.run([task(1, removing, removing), task(2, removing)])
        why = f"its work folder {running.work} was removed while it was cutting"
    for clip in (first, second):
        assert (clip["status"], clip["error"]) == ("failed", why)
    until(lambda: not ffmpegs_in(tmp_path))
