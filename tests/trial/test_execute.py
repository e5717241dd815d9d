"""Tasks inside a ceiling: what is measured of whom, and that no file of theirs is left."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from running import engine_of, ffmpegs_in, until
from talk import chain, encoding, never_ending, task

from clipkit.ceiling.base import Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.plan.task import OUTPUT, Run, Task, scratch
from clipkit.trial import execute as station
from clipkit.trial.execute import execute
from clipkit.trial.measure import Execution

HEAD = scratch("head.mp4")


def run(tasks: list[Task], out_dir: Path, watch: Any = lambda _event: None) -> Execution:
    ordered = station.Run(out_dir, concurrency=2, timeout_s=60.0, stop_on_failure=False)
    with open_ceiling(Limits(None, None), Mechanism.NONE) as ceiling:
        return execute(tasks, ordered, ceiling, watch)


def test_the_orchestrators_share_is_told_apart_from_its_ffmpegs(
    slow: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    tasks = [task(n, encoding(build.path, slow, "-t", "0.6"), frames=15) for n in (1, 2)]
    execution = run(tasks, tmp_path / "out")
    assert [clip.status for clip in execution.clips] == ["ok", "ok"]
    assert execution.ffmpeg_cpu_s == sum(clip.cpu_s for clip in execution.clips)
    assert execution.orchestrator_cpu_s and execution.ffmpeg_cpu_s and execution.cpu_s
    assert execution.orchestrator_cpu_s < execution.ffmpeg_cpu_s
    parts_s = execution.orchestrator_cpu_s + execution.ffmpeg_cpu_s
    assert execution.cpu_s == pytest.approx(parts_s, abs=0.25)  # in ticks, and start-up in neither
    assert execution.orchestrator_peak_rss_bytes
    assert execution.orchestrator_peak_rss_bytes < 25 * MIB
    assert min(clip.peak_rss_bytes for clip in execution.clips) > 15 * MIB


def test_of_what_was_never_started_nothing_is_known(tmp_path: Path) -> None:
    execution = run([], tmp_path / "out")
    assert (execution.clips, execution.wall_s, execution.ffmpeg_cpu_s) == ((), None, None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", ["kill", "interrupt"])
def test_scratch_files_are_gone_however_the_engine_ended(
    build: FfmpegBuild, tmp_path: Path, how: str
) -> None:
    busy = Run(tuple(word.replace(OUTPUT, HEAD) for word in never_ending(build.path)))
    seen: list[str] = []

    def stop(_event: dict[str, Any]) -> None:
        if seen:
            return  # a second Ctrl-C would be an impatient user's
        seen.extend(path.name for path in tmp_path.rglob("head.mp4"))
        if how == "interrupt":
            signal.raise_signal(signal.SIGINT)
        with contextlib.suppress(ValueError):  # it is gone already
            os.kill(engine_of(os.getpid()), signal.SIGKILL)

    execution = run([chain(1, (busy, Run(("true",))))], tmp_path / "out", stop)
    assert seen[0] == "head.mp4"
    assert execution.clips[0].status == {"kill": "killed", "interrupt": "cancelled"}[how]
    assert execution.cancelled == (how == "interrupt")
    until(lambda: not ffmpegs_in(tmp_path))
    assert not list(tmp_path.iterdir())
