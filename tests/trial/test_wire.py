"""A job of many clips: the pipes to the engine hold little, and neither side waits for the other for ever."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from talk import task

from clipkit.ceiling.base import Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.format import MIB
from clipkit.plan.task import OUTPUT, Task
from clipkit.trial import execute as station
from clipkit.trial.execute import execute
from clipkit.trial.measure import Execution

CLIPS = 1500
_PATIENCE_S = 120


@pytest.fixture(autouse=True)
def time_limit() -> Iterator[None]:
    """Whoever waits for ever is told so, also inside a system call."""

    def too_long(_number: int, _frame: object) -> None:
        raise TimeoutError(f"it still waits after {_PATIENCE_S} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(_PATIENCE_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def many(small: Path) -> list[Task]:
    """As long as one of mode `auto` on a small host, which has an attempt for each mode and each rung. All
    together 70 MB, where a pipe holds 64 KB."""
    made = task(1, ["cp", str(small), OUTPUT], *(["false", "x" * 4_000] for _ in range(12)))
    return [replace(made, number=n, output=f"clip-{n:04d}.mp4") for n in range(1, CLIPS + 1)]


def run(tasks: list[Task], out_dir: Path, watch: Any = lambda _event: None) -> Execution:
    ordered = station.Run(out_dir, 4, timeout_s=_PATIENCE_S, stop_on_failure=False)
    with open_ceiling(Limits(None, None), Mechanism.NONE) as ceiling:
        return execute(tasks, ordered, ceiling, watch)


def test_more_clips_than_any_pipe_holds_are_all_made_and_the_engine_stays_small(
    tmp_path: Path, many: list[Task]
) -> None:
    execution = run(many, tmp_path / "out")
    assert Counter(clip.status for clip in execution.clips) == {"ok": CLIPS}
    assert len(list((tmp_path / "out").iterdir())) == CLIPS
    assert execution.orchestrator_peak_rss_bytes
    assert execution.orchestrator_peak_rss_bytes < 25 * MIB


def test_stopped_while_most_is_still_to_be_said_each_clip_is_told(
    tmp_path: Path, many: list[Task]
) -> None:
    heard: list[str] = []

    def stop(event: dict[str, Any]) -> None:
        heard.append(event["event"])
        if heard.count("clip") == 10 and event["event"] == "clip":
            signal.raise_signal(signal.SIGINT)

    execution = run(many, tmp_path / "out", stop)
    statuses = Counter(clip.status for clip in execution.clips)
    assert execution.cancelled
    assert heard.count("clip") == CLIPS  # to the last one
    assert set(statuses) == {"ok", "cancelled"} and 10 <= statuses["ok"] < 100
    assert len(list((tmp_path / "out").iterdir())) == statuses["ok"]
