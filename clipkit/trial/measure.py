"""What is measured of one run: each clip's share, the orchestrator's own, and the whole ceiling's."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clipkit.ceiling.base import Usage
from clipkit.plan.task import Task
from clipkit.records.outcome import Sample
from clipkit.trial.talk import Told


@dataclass(frozen=True, slots=True)
class ClipOutcome:
    """What became of one task. Bytes and seconds; `frames` are those shown; None: could not
    be read. CPU and peak are its ffmpeg's alone, as `wait4` told the orchestrator."""

    number: int
    status: str
    error: str | None
    change: str | None
    argv: tuple[str, ...]
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    frames: int | None
    file: str | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Execution:
    """All that was measured of one run. `wall_s` None: no clip was finished.

    `cpu_s` and `usage` are of everything inside the ceiling, `orchestrator_…` of that process alone,
    without its ffmpegs; None where it was killed before it could tell.
    """

    clips: tuple[ClipOutcome, ...]
    wall_s: float | None
    first_clip_s: float | None
    stopped_s: float | None
    orchestrator_cpu_s: float | None
    orchestrator_peak_rss_bytes: int | None
    usage: Usage
    cpu_s: float | None
    throttled_s: float | None
    samples: list[Sample]
    logs: dict[str, bytes]
    cancelled: bool

    @property
    def ffmpeg_cpu_s(self) -> float | None:
        """Of all that the orchestrator started; None where nothing was."""
        return sum(clip.cpu_s for clip in self.clips) if self.clips else None


def gather_execution(
    told: Told,
    tasks: Sequence[Task],
    samples: list[Sample],
    usage: tuple[Usage, Usage],
    logs: dict[str, bytes],
) -> Execution:
    """`usage`: the whole ceiling's before and after."""
    done, (before, after) = told.done or {}, usage
    outcomes = {event["number"]: _outcome(event) for event in told.clips}
    return Execution(
        clips=tuple(outcomes.get(task.number) or _unheard_of(task) for task in tasks),
        wall_s=done.get("wall_s"),
        first_clip_s=done.get("first_clip_s"),
        stopped_s=done.get("stopped_s"),
        orchestrator_cpu_s=done.get("cpu_s"),
        orchestrator_peak_rss_bytes=done.get("peak_rss_bytes"),
        usage=after,
        cpu_s=_growth(before.cpu_s, after.cpu_s),
        throttled_s=_growth(before.throttled_s, after.throttled_s),
        samples=samples,
        logs=logs,
        cancelled=told.cancelled,
    )


def _outcome(event: dict[str, Any]) -> ClipOutcome:
    names = {declared.name for declared in dataclasses.fields(ClipOutcome)}
    values = {key: value for key, value in event.items() if key in names}
    return ClipOutcome(**values | {"argv": tuple(event["argv"])})


def _unheard_of(task: Task) -> ClipOutcome:
    """A task of which the engine told nothing: it was killed before it could."""
    return ClipOutcome(
        number=task.number,
        status="killed",
        error="the engine was killed before this clip was finished",
        change=None,
        argv=(),
        wall_s=0.0,
        cpu_s=0.0,
        peak_rss_bytes=0,
        frames=None,
        file=None,
        bytes=None,
    )


def _growth(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
