"""Chains of steps: processes and patches in turn, scratch files between them, nothing left of either."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import looking
import pytest
from running import ffmpegs_in, until
from talk import chain, encoding, engine, never_ending, task

from clipkit.engine.mp4 import read_video_track
from clipkit.engine.patches import PatchError, apply_patch
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan.task import OUTPUT, Patch, Run, scratch

HEAD = scratch("head.mp4")


def into_scratch(argv: list[str]) -> Run:
    return Run(tuple(word.replace(OUTPUT, HEAD) for word in argv))


def copying(ffmpeg: str, source: str, *options: str) -> Run:
    words = (ffmpeg, "-nostdin", "-v", "error", "-y", "-i", source, *options, "-c", "copy", "-an")
    return Run((*words, "-f", "mp4", OUTPUT))


def show_until(end_s: float, file: str = OUTPUT) -> Patch:
    return Patch("show_until", {"file": file, "end_s": end_s})


class TestChains:
    def test_a_step_takes_up_what_the_one_before_has_left(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        head = into_scratch(encoding(build.path, small, "-t", "1"))
        again = Run(tuple(encoding(build.path, Path(HEAD))))  # decodes what the patch has left
        steps = (head, show_until(0.8, HEAD), again)
        with engine(tmp_path) as running:
            (clip,) = running.run([chain(1, steps, stored=20, shown=20)])
            assert not list(running.work.iterdir())
        assert (clip["status"], clip["frames"]) == ("ok", 20)
        assert clip["argv"][-1] == clip["file"]

    def test_what_all_its_processes_used_is_the_clips(
        self, tmp_path: Path, build: FfmpegBuild, slow: Path
    ) -> None:
        head = into_scratch(encoding(build.path, slow, "-t", "0.4"))
        with engine(tmp_path) as running:
            alone, first = running.run(
                [chain(1, (copying(build.path, str(slow)),)), chain(2, (head, Run(("true",))))]
            )
        assert first["cpu_s"] > alone["cpu_s"]
        assert first["peak_rss_bytes"] > alone["peak_rss_bytes"]

    def test_a_patch_may_come_first_and_alone_makes_no_clip(self, tmp_path: Path) -> None:
        with engine(tmp_path) as running:
            (clip,) = running.run([chain(1, (show_until(1),), shown=25)])
        assert clip["status"] == "failed"
        assert clip["error"] == "'show_until' failed: No such file or directory"
        assert clip["argv"] == []

    def test_after_a_step_that_fails_the_next_way_is_tried_from_its_first(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        wrong = (Run(("cp", str(small), OUTPUT)), Patch("no_such_patch", {"file": OUTPUT}))
        right = (into_scratch(encoding(build.path, small)), copying(build.path, HEAD))
        with engine(tmp_path) as running:
            (clip,) = running.run([chain(1, wrong, right, shown=100)])
            assert not list(running.work.iterdir())
        told = ("ok", "attempt 2: there is no patch 'no_such_patch'")
        assert (clip["status"], clip["change"]) == told

    def test_the_next_way_finds_nothing_of_the_one_before(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        """Neither of its scratch files nor of its clip."""
        left = Run(("sh", "-c", 'echo >"$1"; echo >"$2"; exit 1', "sh", HEAD, OUTPUT))
        none_there = Run(("sh", "-c", 'test ! -e "$1" && test ! -e "$2"', "sh", HEAD, OUTPUT))
        right = (none_there, Run(tuple(encoding(build.path, small))))
        with engine(tmp_path) as running:
            (clip,) = running.run([chain(1, (left,), right, shown=100)])
        told = ("ok", "attempt 2: ffmpeg ended with exit code 1")
        assert (clip["status"], clip["change"]) == told

    def test_where_scratch_files_have_no_place_ffmpeg_is_not_blamed(self, tmp_path: Path) -> None:
        with engine(tmp_path) as running:
            running.order()
            (running.work / "clip-001.mp4.scratch").touch()  # where their folder should be
            asked = chain(1, (Run(("no-such-program", HEAD)),))
            running.tell({"op": "task", **asked.to_json()}, {"op": "end"})
            (clip,) = running.clips()
        assert clip["status"] == "failed"
        assert clip["error"] == "its scratch folder cannot be made: File exists"


class TestNothingIsLeft:
    """Of a scratch file, however its clip ends."""

    def test_after_a_failure(self, tmp_path: Path, build: FfmpegBuild, small: Path) -> None:
        head = into_scratch(encoding(build.path, small))
        with engine(tmp_path) as running:
            (clip,) = running.run([chain(1, (head, Run(("false",))))])
            assert not list(running.work.iterdir())
            assert not list(running.out.iterdir())
        assert clip["status"] == "failed"

    def test_after_a_wrong_clip(self, tmp_path: Path, build: FfmpegBuild, small: Path) -> None:
        steps = (into_scratch(encoding(build.path, small)), copying(build.path, HEAD))
        with engine(tmp_path) as running:
            (clip,) = running.run([chain(1, steps, shown=7)])
            assert not list(running.work.iterdir())
        assert clip["error"] == "100 frames shown instead of 7"

    @pytest.mark.parametrize("how", ["cancel", "kill", "timeout"])
    def test_after_it_was_stopped(self, tmp_path: Path, build: FfmpegBuild, how: str) -> None:
        busy = into_scratch(never_ending(build.path))
        asked = chain(1, (busy, copying(build.path, HEAD)))
        with engine(tmp_path) as running:
            running.order(timeout_s=2.0 if how == "timeout" else 60.0)
            running.tell({"op": "task", **asked.to_json()}, {"op": "end"})
            running.hear_until("progress")
            assert [path.name for path in running.work.rglob("*.mp4")] == ["head.mp4"]
            if how == "cancel":
                running.tell({"op": "cancel"})
            elif how == "kill":
                (pid,) = ffmpegs_in(tmp_path)
                os.kill(pid, signal.SIGKILL)
            (clip,) = running.clips()
            until(lambda: not ffmpegs_in(tmp_path))
            assert not list(running.work.iterdir())
            assert not list(running.out.iterdir())
        assert clip["status"] == {"cancel": "cancelled", "kill": "killed"}.get(how, how)

    def test_each_task_has_its_own(self, tmp_path: Path, build: FfmpegBuild, small: Path) -> None:
        tasks = []
        for number, length in ((1, "1"), (2, "2")):
            head = into_scratch(encoding(build.path, small, "-t", length))
            steps = (head, copying(build.path, HEAD))
            tasks.append(chain(number, steps, stored=25 * number))
        with engine(tmp_path) as running:
            clips = running.run(tasks, concurrency=2)
        assert [clip["status"] for clip in clips] == ["ok", "ok"]

    def test_a_task_without_scratch_files_makes_no_folder(
        self, tmp_path: Path, build: FfmpegBuild
    ) -> None:
        with engine(tmp_path) as running:
            running.order()
            running.tell({"op": "task", **task(1, never_ending(build.path)).to_json()})
            running.hear_until("progress")
            assert [path.name for path in running.work.iterdir()] == ["clip-001.mp4"]


class TestFrames:
    """How many are stored and how many are shown are judged apart; what is told are those shown."""

    def copied(self, build: FfmpegBuild, small: Path) -> Run:
        """From 1.6 s on, with the 15 pictures since the key frame hidden."""
        words = copying(build.path, str(small)).argv
        at = words.index("-i")
        return Run((*words[:at], "-ss", "1.6", *words[at:]))

    def test_hidden_ones_are_stored(self, tmp_path: Path, build: FfmpegBuild, small: Path) -> None:
        steps = (self.copied(build, small),)
        right = ((75, 60), (None, 60), (75, None))
        with engine(tmp_path) as running:
            clips = running.run([chain(n, steps, stored=s, shown=w) for n, (s, w) in _each(right)])
        assert [(clip["error"], clip["frames"]) for clip in clips] == [(None, 60)] * 3

    def test_either_may_be_wrong(self, tmp_path: Path, build: FfmpegBuild, small: Path) -> None:
        steps = (self.copied(build, small),)
        wrong = ((60, 60), (75, 75), (None, 75), (60, None))
        with engine(tmp_path) as running:
            clips = running.run([chain(n, steps, stored=s, shown=w) for n, (s, w) in _each(wrong)])
        stored, shown = "75 frames instead of 60", "60 frames shown instead of 75"
        assert [clip["error"] for clip in clips] == [stored, shown, shown, stored]


class TestShowUntil:
    """The patch on ffmpeg's own copies: what is shown then, by a decoder and by the headers."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "clip.mp4"

    @pytest.fixture
    def copied(self, small: Path, make: Any) -> Callable[..., Path]:
        """`copied(*options)`: from the key frame at 1 s for 1.5 s, as ffmpeg copies it."""
        source, copying = ("-ss", "1", "-i", small), ("-t", "1.5", "-c", "copy")
        return lambda *options: make("copy.mp4", *copying, *options, source=source)

    @pytest.mark.parametrize("ticks", ["600", "1000", "12800", "90000"])
    @pytest.mark.parametrize("end_s", [0.04, 0.5, 1.48, 1.5])
    def test_the_pictures_end_there(
        self, path: Path, copied: Callable[..., Path], ticks: str, end_s: float
    ) -> None:
        content = copied("-movie_timescale", ticks, "-an").read_bytes()
        path.write_bytes(content)
        before = read_video_track(path)
        apply_patch("show_until", {"file": str(path), "end_s": end_s})
        track, decoded = read_video_track(path), looking.pictures(path)
        assert track.frames_shown == decoded.count == math.ceil(end_s * 25)
        assert track.frames_stored == before.frames_stored
        assert path.stat().st_size == len(content)

    def test_the_movie_lasts_as_long_as_the_longest_of_its_tracks(
        self, path: Path, copied: Callable[..., Path]
    ) -> None:
        path.write_bytes(copied().read_bytes())
        assert _durations_s(path)["video"] > 1.5  # ffmpeg counts what it leaves too many
        apply_patch("show_until", {"file": str(path), "end_s": 1.5})
        lasts_s = _durations_s(path)
        assert lasts_s["video"] == pytest.approx(1.5, abs=1e-3)
        assert lasts_s["movie"] == max(lasts_s["video"], lasts_s["audio"])

    def test_the_last_picture_stands_until_then_whatever_its_packet_says(
        self, path: Path, copied: Callable[..., Path]
    ) -> None:
        path.write_bytes(copied().read_bytes())
        before = read_video_track(path)
        apply_patch("show_until", {"file": str(path), "end_s": 9.0})
        track = read_video_track(path)
        assert track.end_s == pytest.approx(9.0, abs=1e-3)
        assert track.shown_s[: before.frames_shown] == before.shown_s
        lasts_s = _durations_s(path)
        assert lasts_s["video"] == lasts_s["movie"] == pytest.approx(9.0, abs=1e-3)

    @pytest.mark.parametrize(
        ("listed", "end_s", "complaint"),
        [("0", 1.0, "no edts/elst box"), ("1", 0.0, "nothing of it is shown before 0 s")],
    )
    def test_what_it_cannot_do_it_leaves_as_it_is(
        self, path: Path, copied: Callable[..., Path], listed: str, end_s: float, complaint: str
    ) -> None:
        path.write_bytes(copied("-use_editlist", listed).read_bytes())
        before = path.read_bytes()
        with pytest.raises(PatchError, match=complaint):
            apply_patch("show_until", {"file": str(path), "end_s": end_s})
        assert path.read_bytes() == before

    def test_any_byte_of_the_index_may_lie_without_a_crash(
        self, path: Path, copied: Callable[..., Path]
    ) -> None:
        content = copied("-movflags", "+faststart").read_bytes()
        head = bytearray(content[: content.index(b"mdat") + 4])
        refused = 0
        for at in range(len(head)):
            path.write_bytes(head[:at] + b"\xff" + head[at + 1 :])
            try:
                apply_patch("show_until", {"file": str(path), "end_s": 1.0})
            except PatchError:
                refused += 1
        assert refused > 50


def _each(
    frames: tuple[tuple[int | None, int | None], ...],
) -> Iterable[tuple[int, tuple[int | None, int | None]]]:
    return enumerate(frames, start=1)


def _durations_s(path: Path) -> dict[str, float]:
    """By a reading of its own: `mvhd` and each `tkhd`, version 0, in the movie's ticks."""
    content = path.read_bytes()
    at = content.index(b"mvhd") + 4
    ticks = int.from_bytes(content[at + 12 : at + 16])
    found = {"movie": int.from_bytes(content[at + 16 : at + 20]) / ticks}
    for kind in ("video", "audio"):
        at = content.index(b"tkhd", at) + 4
        found[kind] = int.from_bytes(content[at + 20 : at + 24]) / ticks
    return found
