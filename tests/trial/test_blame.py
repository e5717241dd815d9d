"""Who ended a process is told as it was: the kernel or clipkit's watchdog at the ceiling, or somebody else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from running import clipkit, engine_of, ffmpegs_in, finish, processes_with, start, until

from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.media.probe import probe_upload
from clipkit.plan import modes
from clipkit.plan.clips import Clip, Job
from clipkit.settings import Settings
from clipkit.trial.execute import Run, execute
from clipkit.trial.judge import judge_execution, machine_failure
from clipkit.trial.measure import Execution

Open = Callable[..., Ceiling]
HUNGRY = Settings(preset="slower")


def run(
    film: Path,
    build: FfmpegBuild,
    folder: Path,
    ceiling: Ceiling,
    watch: Any = lambda _: None,
    *,
    settings: Settings = HUNGRY,
    **more: Any,
) -> Execution:
    job = Job(probe_upload(film), (Clip(0.0, 2.0),))
    asked: dict[str, Any] = {"timeout_s": 60.0, "concurrency": 1, "stop_on_failure": True} | more
    with ceiling:
        tasks = modes.tasks(job, settings, build)
        return execute(tasks, Run(out_dir=folder / "out", **asked), ceiling, watch)


def once(act: Callable[[], object]) -> Callable[[dict[str, Any]], None]:
    acted: list[bool] = []

    def watch(event: dict[str, Any]) -> None:
        if event["event"] == "progress" and not acted:
            acted.append(True)
            act()

    return watch


class TestMemory:
    def test_the_kernel_is_named_where_it_killed(
        self, slow: Path, build: FfmpegBuild, real_ceiling: Open, tmp_path: Path
    ) -> None:
        execution = run(slow, build, tmp_path, real_ceiling(memory_bytes=64 * MIB))
        (clip,) = execution.clips
        how = "killed at the memory ceiling by the kernel (signal 9 (SIGKILL))"
        assert (clip.status, clip.error) == ("killed", how)
        status, why = judge_execution(execution)
        assert (status, why) == ("oom", "the kernel killed a process at the memory ceiling")

    def test_and_clipkits_watchdog_where_it_did(
        self, slow: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        ceiling = open_ceiling(Limits(64 * MIB, None), Mechanism.WATCHDOG)
        execution = run(slow, build, tmp_path, ceiling)
        (clip,) = execution.clips
        how = "killed at the memory ceiling by clipkit's watchdog (signal 9 (SIGKILL))"
        assert (clip.status, clip.error) == ("killed", how)
        status, why = judge_execution(execution)
        assert status == "oom"
        assert why == "clipkit's watchdog killed a process at the memory ceiling"


class TestFromOutside:
    def test_a_killed_engine_is_no_memory_that_ran_out(
        self, slow: Path, build: FfmpegBuild, real_ceiling: Open, tmp_path: Path
    ) -> None:
        def act() -> None:
            os.kill(engine_of(os.getpid()), signal.SIGKILL)

        ceiling = real_ceiling(memory_bytes=512 * MIB)
        execution = run(slow, build, tmp_path, ceiling, once(act))
        (clip,) = execution.clips
        why = "the engine was killed from outside, with signal 9"
        assert (clip.status, clip.error) == ("killed", f"{why}, before this clip was finished")
        assert machine_failure(execution) == why

    def test_an_engine_that_does_not_answer_is_a_time_limit_and_no_kill(
        self, slow: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        def act() -> None:
            psutil.Process(engine_of(os.getpid())).suspend()

        ceiling = open_ceiling(Limits(None, None), Mechanism.NONE)
        execution = run(slow, build, tmp_path, ceiling, once(act), timeout_s=1.5)
        (clip,) = execution.clips
        why = "the time limit of 1.5 s struck, and the engine did not answer"
        assert (clip.status, clip.error) == ("timeout", why)
        assert str(machine_failure(execution)).startswith("the engine did not answer")


class TestReserve:
    """It stands for the user's own server: without it there is more memory than there would be."""

    def test_one_that_died_spoils_the_measurement(
        self, slow: Path, build: FfmpegBuild, real_ceiling: Open, tmp_path: Path
    ) -> None:
        def act() -> None:
            me = psutil.Process()
            (held,) = (child for child in me.children() if "reserve.py" in str(child.cmdline()))
            held.kill()

        ceiling = real_ceiling(memory_bytes=512 * MIB)
        how = {"settings": Settings(), "reserve_bytes": 32 * MIB}
        execution = run(slow, build, tmp_path, ceiling, once(act), **how)
        assert [clip.status for clip in execution.clips] == ["ok"]
        why = "the reserve, which holds your server's memory, ended meanwhile, with signal 9"
        assert machine_failure(execution) == why
        assert judge_execution(execution, broken=why) == ("invalid_machine", why)

    def test_one_that_lives_is_not_mentioned(
        self, small: Path, build: FfmpegBuild, real_ceiling: Open, tmp_path: Path
    ) -> None:
        ceiling = real_ceiling(memory_bytes=512 * MIB)
        execution = run(small, build, tmp_path, ceiling, reserve_bytes=32 * MIB)
        assert execution.broken is None

    @pytest.mark.usefixtures("real_ceiling")
    def test_a_cut_says_so_beside_its_right_clips(self, slow: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        words = ("--count", 1, "--length", 1, "--memory", "1G", "--reserve", "77M", "--json")
        with start("cut", slow, "--out", out, *words) as process:
            until(lambda: ffmpegs_in(out))
            (held,) = processes_with(f"reserve.py\0{77 * MIB}")
            os.kill(held, signal.SIGKILL)
            ran = finish(process)
        assert ran.code == 0
        (note,) = ran.json["notes"]
        assert note in ran.complaint
        assert note.startswith("the reserve, which holds your server's memory, ended meanwhile")


def test_a_time_limit_is_told_with_its_seconds(slow: Path, tmp_path: Path) -> None:
    words = ("--count", 2, "--length", 2, "--preset", "placebo", "--timeout", 0.5)
    ran = clipkit("cut", slow, "--out", tmp_path / "out", *words)
    assert ran.code == 1
    assert "timeout: the time limit of 0.5 s struck before it was finished" in ran.complaint
