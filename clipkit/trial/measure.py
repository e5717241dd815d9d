"""What is measured of one run: each clip's share, the orchestrator's own, and the whole ceiling's."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from clipkit.ceiling.base import Mechanism, Usage
from clipkit.plan.task import Task
from clipkit.records.outcome import Sample
from clipkit.records.served import Served
from clipkit.trial.coverage import Coverage
from clipkit.trial.held import held_back_s
from clipkit.trial.sampler import growth, need_bound_bytes, peak
from clipkit.trial.supply import Supply, supply_of
from clipkit.trial.talk import Told


@dataclass(frozen=True, slots=True)
class ClipOutcome:
    """What became of one task. Bytes and seconds; `frames` are those shown; None: could not
    be read. CPU and peak are those of its own processes alone, as `wait4` told the orchestrator; None: it did not.
    `confined`: these could open only what they need (`clipkit.confinement`). `no_space`: there was no room for it on
    the disk; `poster`: the picture beside its file; `encoded_frames`: how many of its frames were encoded and not
    copied; `hidden_…_bytes`: of pictures that its edit list hides, before its start and behind its end. `cut_with`: the
    numbers of the clips that the same ffmpeg made; each of them has its whole time and peak, and its part of the CPU by
    the frames encoded. `by_engine`: it was made without an ffmpeg, by a copy of the engine; `argv` would make the same.
    """

    number: int
    status: str
    error: str | None
    change: str | None
    argv: tuple[str, ...]
    wall_s: float
    cpu_s: float | None
    peak_rss_bytes: int | None
    frames: int | None
    file: str | None
    bytes: int | None
    confined: bool = False
    no_space: bool = False
    poster: str | None = None
    encoded_frames: int | None = None
    mode: str | None = None
    hidden_preroll_bytes: int | None = None
    hidden_tail_bytes: int | None = None
    cut_with: tuple[int, ...] = ()
    by_engine: bool = False


@dataclass(frozen=True, slots=True)
class Execution:
    """All that was measured of one run. `wall_s` None: no clip was finished.

    `cpu_s` and `usage` are of everything inside the ceiling, `orchestrator_…` of that process alone,
    without its ffmpegs; None where it was killed before it could tell. `held_s` is the part of
    `wall_s` for which the CPU quota held the job back. `coverage`: how much of it was watched.
    `mechanism`: of the ceiling. `broken`: what of the machine or the harness failed meanwhile, in words, unless
    memory ran out. `surrounding_bytes`: what a group around the job held it to, where that was less than its
    host's memory. `served`: of a service. `supply`: the cores that it was given.
    """

    clips: tuple[ClipOutcome, ...]
    wall_s: float | None
    first_clip_s: float | None
    stopped_s: float | None
    orchestrator_cpu_s: float | None
    orchestrator_peak_rss_bytes: int | None
    ffmpeg_cpu_s: float | None
    usage: Usage
    cpu_s: float | None
    held_s: float | None
    need_bound_bytes: int | None
    samples: Sequence[Sample]
    logs: dict[str, bytes]
    cancelled: bool
    coverage: Coverage = Coverage()
    mechanism: Mechanism = Mechanism.NONE
    broken: str | None = None
    surrounding_bytes: int | None = None
    served: Served = Served()
    supply: Supply = Supply()

    def peaks(self) -> dict[str, int | None]:
        """Of memory inside the ceiling, in bytes, by column name."""
        return {
            "peak_anon_bytes": peak(self.samples, "anon_bytes"),
            "peak_shmem_bytes": peak(self.samples, "shmem_bytes"),
            "peak_kernel_bytes": peak(self.samples, "kernel_bytes"),
            "peak_cache_bytes": peak(self.samples, "cache_bytes"),
            "peak_cgroup_bytes": self.usage.peak_total_bytes,
            "peak_bound_bytes": self.need_bound_bytes,
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """Of the whole ceiling, from outside: readings before and after, and between them; `ended_s` is when
    the job had ended, by the samples' clock; `reserve_bytes` is in all of them; the others: see
    `Execution`."""

    before: Usage
    after: Usage
    samples: Sequence[Sample]
    ended_s: float
    reserve_bytes: int
    coverage: Coverage
    mechanism: Mechanism
    broken: str | None = None
    surrounding_bytes: int | None = None


def gather_execution(
    told: Told, seen: Seen, logs: dict[str, bytes], served: Served | None = None
) -> Execution:
    done = told.done or {}
    wall_s, ended_s = done.get("wall_s"), seen.ended_s
    clips = tuple(_outcome(event) for event in sorted(told.clips, key=lambda e: e["number"]))
    return Execution(
        clips=clips,
        wall_s=wall_s,
        first_clip_s=done.get("first_clip_s"),
        stopped_s=done.get("stopped_s"),
        orchestrator_cpu_s=done.get("cpu_s"),
        orchestrator_peak_rss_bytes=done.get("peak_rss_bytes"),
        ffmpeg_cpu_s=done.get("ffmpeg_cpu_s", _sum_of_clips(clips)),
        usage=seen.after,
        cpu_s=growth(seen.before.cpu_s, seen.after.cpu_s),
        held_s=None if wall_s is None else held_back_s(seen.samples, ended_s - wall_s, ended_s),
        need_bound_bytes=need_bound_bytes(seen.samples, seen.reserve_bytes),
        samples=seen.samples,
        logs=logs,
        cancelled=told.cancelled,
        coverage=seen.coverage,
        mechanism=seen.mechanism,
        broken=seen.broken,
        surrounding_bytes=seen.surrounding_bytes,
        served=served or Served(),
        supply=Supply() if wall_s is None else supply_of(seen.samples, ended_s - wall_s, ended_s),
    )


def with_all_clips(told: Told, tasks: Sequence[Task], status: str, why: str) -> Told:
    """Also the tasks of which the engine told nothing; what became of them, and why it did not tell."""
    heard = {event["number"] for event in told.clips}
    lost = [_unheard_of(task, status, why) for task in tasks if task.number not in heard]
    return replace(told, clips=[*told.clips, *lost])


def _sum_of_clips(clips: Sequence[ClipOutcome]) -> float | None:
    """Of all that the orchestrator started; None where nothing was, or it did not tell."""
    known = [clip.cpu_s for clip in clips if clip.cpu_s is not None]
    return sum(known) if known else None


def _outcome(event: dict[str, Any]) -> ClipOutcome:
    names = {declared.name for declared in dataclasses.fields(ClipOutcome)}
    values = {key: value for key, value in event.items() if key in names}
    lists = {name: tuple(event.get(name, ())) for name in ("argv", "cut_with")}
    return ClipOutcome(**values | lists)


def _unheard_of(task: Task, status: str, why: str) -> dict[str, Any]:
    return {
        "number": task.number,
        "status": status,
        "error": why,
        "change": None,
        "argv": (),
        "wall_s": 0.0,
        "cpu_s": 0.0,
        "peak_rss_bytes": 0,
        "frames": None,
        "file": None,
        "bytes": None,
    }
