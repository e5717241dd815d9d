"""The engine as a process: small, alone, exact in what it tells, and never leaving ffmpeg behind."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from running import ffmpegs_in, until
from talk import encoding, engine, never_ending, task

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB

_MODULES = {
    "clipkit",
    "clipkit.confinement",
    "clipkit.engine",
    "clipkit.engine.__main__",
    "clipkit.engine.avc_entry",
    "clipkit.engine.boxes",
    "clipkit.engine.child",
    "clipkit.engine.disk",
    "clipkit.engine.entries",
    "clipkit.engine.joining",
    "clipkit.engine.lifeline",
    "clipkit.engine.lifted_movie",
    "clipkit.engine.lifting",
    "clipkit.engine.manners",
    "clipkit.engine.mp4",
    "clipkit.engine.orders",
    "clipkit.engine.parts",
    "clipkit.engine.patches",
    "clipkit.engine.placing",
    "clipkit.engine.pool",
    "clipkit.engine.queue",
    "clipkit.engine.reason",
    "clipkit.engine.rightness",
    "clipkit.engine.steps",
    "clipkit.engine.sync_samples",
    "clipkit.engine.tables",
    "clipkit.engine.telling",
    "clipkit.engine.work",
    "clipkit.engine.writing",
    "clipkit.plan",
    "clipkit.plan.task",
}


class TestMemory:
    def test_it_imports_the_standard_library_and_itself_alone(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        with engine(tmp_path) as running:
            assert running.run([task(1, encoding(build.path, small))])[0]["status"] == "ok"
            _, said = running.process.communicate()
        modules = {name for name in said.decode().split() if not name.startswith("_")}
        tops = {name.partition(".")[0] for name in modules}
        assert tops - sys.stdlib_module_names == {"clipkit"}
        assert {name for name in modules if name.startswith("clipkit")} == _MODULES

    def test_it_stays_small_while_it_cuts_twelve_clips(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        tasks = [task(n, encoding(build.path, small, "-t", "1"), frames=25) for n in range(1, 13)]
        with engine(tmp_path) as running:
            clips = running.run(tasks, concurrency=3)
            done = running.events[-1]
        assert [clip["status"] for clip in clips] == ["ok"] * 12
        assert 4 * MIB < done["peak_rss_bytes"] < 25 * MIB


class TestNoSpace:
    def test_a_log_that_finds_no_space_is_told_as_that(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        """ffmpeg's log is opened when it is started; ffmpeg itself is there."""
        (tmp_path / "log").mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "nr_inodes=1", "clipkit-test", tmp_path / "log"]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("a small disk can be mounted by root alone")
        try:
            with engine(tmp_path) as running:
                clip = running.run([task(1, encoding(build.path, small))])[0]
        finally:
            subprocess.run(["umount", str(tmp_path / "log")], check=True)
        assert clip["status"] == "failed"
        assert clip["error"] == "no space left on the disk of the output folder"

    def test_a_program_that_is_not_there_is_told_by_its_name(
        self, tmp_path: Path, small: Path
    ) -> None:
        with engine(tmp_path) as running:
            clip = running.run([task(1, encoding("/none/ffmpeg", small))])[0]
        assert clip["error"] == "/none/ffmpeg cannot be started: No such file or directory"


class TestEvents:
    def test_it_is_ready_then_tells_each_clip_then_is_done(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        tasks = [task(n, encoding(build.path, small, "-t", "1"), frames=25) for n in (1, 2)]
        with engine(tmp_path) as running:
            running.run(tasks)
            kinds = [e["event"] for e in running.events if e["event"] != "progress"]
            assert kinds == ["ready", "clip", "clip", "done"]
            assert running.events[0]["pid"] == running.process.pid
            assert running.process.wait(timeout=10) == 0

    def test_what_a_clip_used_is_what_its_ffmpeg_used(
        self, tmp_path: Path, build: FfmpegBuild, slow: Path
    ) -> None:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        tasks = [task(1, encoding(build.path, slow, "-t", "1"))]
        with engine(tmp_path) as running:
            clip = running.run(tasks)[0]
            done = running.events[-1]
            running.process.wait()
            own_s = done["cpu_s"]
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        all_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert 0.05 < clip["cpu_s"] <= clip["wall_s"] * (os.cpu_count() or 1)
        assert clip["cpu_s"] + own_s <= all_s + 0.05  # interpreter start-up is in neither
        # one 1080p frame is 3 MB, and x264, decoder and filters hold several
        assert 15 * MIB < clip["peak_rss_bytes"] < 1024 * MIB
        assert done["first_clip_s"] == done["wall_s"] <= done["stopped_s"]

    def test_a_small_process_is_not_charged_for_the_engine(self, tmp_path: Path) -> None:
        """A child's peak never reads less than its parent's at the fork: so ours has to be small."""
        with engine(tmp_path) as running:
            clip = running.run([task(1, ["touch", "\0output\0"])])[0]
        assert 0 < clip["peak_rss_bytes"] < 25 * MIB


class TestConcurrency:
    @pytest.mark.parametrize("concurrency", [1, 2, 3])
    def test_as_many_run_as_were_ordered_and_no_more(
        self, tmp_path: Path, build: FfmpegBuild, concurrency: int
    ) -> None:
        tasks = [task(n, never_ending(build.path)) for n in range(1, 6)]
        with engine(tmp_path) as running:
            running.order(concurrency=concurrency)
            running.tell(*({"op": "task", **t.to_json()} for t in tasks))
            until(lambda: len(list(running.work.iterdir())) == concurrency)
            assert len(ffmpegs_in(tmp_path)) == concurrency
            running.tell({"op": "cancel"}, {"op": "end"})
            assert [clip["status"] for clip in running.clips()] == ["cancelled"] * 5

    def test_what_does_not_fit_beside_the_others_waits(
        self, tmp_path: Path, build: FfmpegBuild
    ) -> None:
        sizes = [30, 30, 30, 200]
        tasks = [
            task(n, never_ending(build.path), predicted_bytes=size * MIB)
            for n, size in enumerate(sizes, start=1)
        ]
        with engine(tmp_path) as running:
            running.order(concurrency=4, memory_budget_bytes=70 * MIB)
            running.tell(*({"op": "task", **t.to_json()} for t in tasks))
            until(lambda: len(list(running.work.iterdir())) == 2)
            assert len(ffmpegs_in(tmp_path)) == 2
            running.tell({"op": "cancel"}, {"op": "end"})
            running.clips()

    def test_what_fits_nowhere_runs_alone(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        tasks = [task(n, encoding(build.path, small), predicted_bytes=200 * MIB) for n in (1, 2)]
        with engine(tmp_path) as running:
            clips = running.run(tasks, concurrency=2, memory_budget_bytes=70 * MIB)
        assert [clip["status"] for clip in clips] == ["ok", "ok"]


class TestStopping:
    def test_cancel_kills_what_runs_and_starts_nothing_more(
        self, tmp_path: Path, build: FfmpegBuild
    ) -> None:
        tasks = [task(n, never_ending(build.path)) for n in (1, 2, 3)]
        with engine(tmp_path) as running:
            running.order(concurrency=2)
            running.tell(*({"op": "task", **t.to_json()} for t in tasks))
            running.hear_until("progress")
            running.tell({"op": "cancel"}, {"op": "end"})
            clips = running.clips()
            assert running.process.wait(timeout=10) == 0
        assert [clip["status"] for clip in clips] == ["cancelled"] * 3
        assert [clip["error"] for clip in clips][-1] == "not started"
        assert all(clip["argv"] for clip in clips)
        _assert_nothing_is_left(running)

    def test_a_closed_stdin_is_a_cancel(self, tmp_path: Path, build: FfmpegBuild) -> None:
        tasks = [task(n, never_ending(build.path)) for n in (1, 2)]
        with engine(tmp_path) as running:
            running.order(concurrency=1)
            running.tell(*({"op": "task", **t.to_json()} for t in tasks))
            running.hear_until("progress")
            running.close_stdin()
            assert [clip["status"] for clip in running.clips()] == ["cancelled"] * 2
            assert running.process.wait(timeout=10) == 0
        _assert_nothing_is_left(running)

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_when_the_engine_is_killed_the_kernel_kills_its_ffmpeg(
        self, tmp_path: Path, build: FfmpegBuild, number: signal.Signals
    ) -> None:
        with engine(tmp_path) as running:
            running.order()
            running.tell({"op": "task", **task(1, never_ending(build.path)).to_json()})
            running.hear_until("progress")
            assert len(ffmpegs_in(tmp_path)) == 1
            running.process.send_signal(number)
            running.process.wait()
            until(lambda: not ffmpegs_in(tmp_path))

    def test_nor_does_ffmpeg_outlive_an_engine_that_nobody_hears(
        self, tmp_path: Path, build: FfmpegBuild
    ) -> None:
        with engine(tmp_path) as running:
            running.order()
            running.tell({"op": "task", **task(1, never_ending(build.path)).to_json()})
            running.hear_until("progress")
            assert running.process.stdout
            running.process.stdout.close()  # its next word breaks the pipe
            running.process.wait(timeout=20)
            until(lambda: not ffmpegs_in(tmp_path))

    def test_nor_does_one_that_is_between_fork_and_exec(
        self, tmp_path: Path, build: FfmpegBuild
    ) -> None:
        """Where it stays until its log, a pipe here, has a reader."""
        with engine(tmp_path) as running:
            running.order()
            log = running.log / "clip-001.log"
            os.mkfifo(log)
            running.tell({"op": "task", **task(1, never_ending(build.path)).to_json()})
            (begun,) = until(psutil.Process(running.process.pid).children)
            running.process.kill()
            running.process.wait()
            assert begun.status() != psutil.STATUS_ZOMBIE
            os.close(os.open(log, os.O_RDONLY))
            with contextlib.suppress(psutil.NoSuchProcess):
                until(lambda: begun.status() == psutil.STATUS_ZOMBIE)

    def test_nor_at_whatever_moment_the_engine_is_killed(
        self, tmp_path: Path, build: FfmpegBuild
    ) -> None:
        for after_ms in range(21):
            folder = tmp_path / str(after_ms)
            folder.mkdir()
            with engine(folder) as running:
                running.hear_until("ready")
                running.order()
                running.tell({"op": "task", **task(1, never_ending(build.path)).to_json()})
                time.sleep(after_ms / 1000)
                running.process.kill()
                running.process.wait()
        until(lambda: not ffmpegs_in(tmp_path))

    def test_ctrl_c_is_for_the_command_that_started_it(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        with engine(tmp_path) as running:
            running.hear_until("ready")
            running.process.send_signal(signal.SIGINT)
            clips = running.run([task(1, encoding(build.path, small))])
        assert clips[0]["status"] == "ok"

    def test_the_time_limit_stops_everything(self, tmp_path: Path, build: FfmpegBuild) -> None:
        tasks = [task(n, never_ending(build.path)) for n in (1, 2, 3)]
        with engine(tmp_path) as running:
            clips = running.run(tasks, concurrency=2, timeout_s=0.7)
            done = running.events[-1]
        assert [clip["status"] for clip in clips] == ["timeout"] * 3
        assert done["wall_s"] is None  # no clip was finished
        assert done["stopped_s"] >= 0.7
        _assert_nothing_is_left(running)

    def test_a_trial_ends_with_its_first_failure(self, tmp_path: Path) -> None:
        """Also where it fails before the next task has been heard of."""
        tasks = [task(n, ["no-such-program", "\0output\0"]) for n in (1, 2, 3)]
        with engine(tmp_path) as running:
            clips = running.run(tasks, stop_on_failure=True)
        assert [clip["status"] for clip in clips] == ["failed", "cancelled", "cancelled"]
        assert "no-such-program cannot be started: No such file" in clips[0]["error"]

    def test_for_keeps_the_others_go_on_after_a_failure(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        good = encoding(build.path, small)
        with engine(tmp_path) as running:
            clips = running.run([task(1, ["false"]), task(2, good)])
        assert [clip["status"] for clip in clips] == ["failed", "ok"]


class TestOutputs:
    def test_a_clip_appears_complete_or_not_at_all(
        self, tmp_path: Path, build: FfmpegBuild, slow: Path
    ) -> None:
        """Whoever looks into the folder at any moment finds finished clips and nothing else."""
        tasks = [task(n, encoding(build.path, slow, "-t", "0.4"), frames=10) for n in (1, 2, 3)]
        seen: dict[str, set[int]] = {}
        with engine(tmp_path) as running:
            running.order(concurrency=2)
            running.tell(*({"op": "task", **t.to_json()} for t in tasks), {"op": "end"})
            while running.process.poll() is None:
                for entry in os.scandir(running.out):
                    seen.setdefault(entry.name, set()).add(entry.stat().st_size)
            clips = running.clips()
        sizes = {Path(clip["file"]).name: {clip["bytes"]} for clip in clips}
        assert len(sizes) == 3
        assert {**sizes, **seen} == sizes
        assert not list(running.work.iterdir())

    def test_a_file_larger_than_allowed_is_never_written(
        self, tmp_path: Path, build: FfmpegBuild, slow: Path
    ) -> None:
        large = encoding(build.path, slow, "-crf", "1")
        with engine(tmp_path) as running:
            clip = running.run([task(1, large, max_output_bytes=100_000)])[0]
        assert (clip["status"], clip["error"]) == ("failed", "it wrote more than 100000 bytes")
        _assert_nothing_is_left(running)

    def test_a_clip_with_wrong_frames_is_made_again_in_the_next_way(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        short, right = (encoding(build.path, small, "-t", length) for length in ("0.5", "1"))
        with engine(tmp_path) as running:
            clips = running.run([task(1, short, right, frames=25), task(2, right, frames=25)])
        assert [clip["status"] for clip in clips] == ["ok", "ok"]
        assert [clip["frames"] for clip in clips] == [25, 25]
        why = "13 frames instead of 25"
        assert [clip["change"] for clip in clips] == [f"attempt 2: {why}", None]

    def test_so_is_one_whose_ffmpeg_gave_up(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        right = encoding(build.path, small, "-t", "1")
        with engine(tmp_path) as running:
            clip = running.run([task(1, ["false"], right, frames=25)])[0]
        told = ("ok", "attempt 2: ffmpeg ended with exit code 1")
        assert (clip["status"], clip["change"]) == told

    def test_a_clip_that_no_way_makes_right_is_not_kept(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        short, none = (encoding(build.path, small, "-t", length) for length in ("0.5", "0.2"))
        with engine(tmp_path) as running:
            clip = running.run([task(1, short, none, frames=25)])[0]
        assert (clip["status"], clip["error"]) == ("failed", "5 frames instead of 25")
        _assert_nothing_is_left(running)

    def test_frames_shown_late_are_no_right_clip(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        late = encoding(build.path, small, "-t", "1", "-output_ts_offset", "0.5")
        with engine(tmp_path) as running:
            clip = running.run([task(1, late, frames=25)])[0]
        assert clip["status"] == "failed"
        assert "the first frame is shown at 0.5" in clip["error"]

    @pytest.mark.parametrize("content", ["", "28 bytes that are no film"])
    def test_an_exit_code_of_0_is_no_proof(self, tmp_path: Path, content: str) -> None:
        lying = ["sh", "-c", f"printf '{content}' > \"$1\"", "sh", "\0output\0"]
        with engine(tmp_path) as running:
            judged, recorded = running.run([task(1, lying, frames=25), task(2, lying)])
        assert judged["status"] == "failed"
        assert "no readable clip" in judged["error"]
        # a baseline's output is recorded, not judged, but nothing is no output
        assert (recorded["status"] == "ok") == bool(content)

    def test_a_failure_carries_its_evidence(
        self, tmp_path: Path, build: FfmpegBuild, small: Path
    ) -> None:
        wrong = encoding(build.path, small, "-vf", "nosuchfilter")
        with engine(tmp_path) as running:
            clip = running.run([task(1, wrong)])[0]
        assert clip["status"] == "failed"
        assert "ffmpeg ended with exit code" in clip["error"]
        assert "nosuchfilter" in clip["error"]
        assert "nosuchfilter" in clip["argv"]


def _assert_nothing_is_left(running: Any) -> None:
    assert not ffmpegs_in(running.folder)
    assert not list(running.work.iterdir())
    assert not list(running.out.iterdir())
