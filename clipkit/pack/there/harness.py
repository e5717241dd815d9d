"""One trial on the host itself: its tasks filled in, run by the engine, measured, told. Stdlib only.

As `trial.run`, but for what a real host has of its own: its limits stand already, what is stolen or held back
belongs to it and is recorded, and the harness lives in the same memory, so that its samples go to a file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import secrets
import shutil
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clipkit.ceiling.base import Ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.hosts import Host
from clipkit.pack.there.found import Found
from clipkit.pack.there.group_here import Counters
from clipkit.pack.there.host_ceiling import HostCeiling
from clipkit.pack.there.own_memory import OwnMemory
from clipkit.pack.there.planned import (
    CellWork,
    Place,
    Plan,
    PlannedCell,
    PlannedTrial,
    filled_in,
    film,
    read_work,
)
from clipkit.pack.there.samples_file import SamplesFile, samples_at
from clipkit.pack.there.thinning import Thinning
from clipkit.plan.task import Task
from clipkit.records.disturbance import disturbance
from clipkit.records.outcome import CLIPS_PREFIX, Sample
from clipkit.records.status import Status
from clipkit.settings import UsedSettings
from clipkit.trial import machine
from clipkit.trial.canary import canary_s
from clipkit.trial.coverage import Coverage
from clipkit.trial.execute import Run, execute, with_manners
from clipkit.trial.figures import clip_columns, measured_columns, way_columns
from clipkit.trial.judge import judge_execution, machine_failure
from clipkit.trial.machine import Noise
from clipkit.trial.measure import Execution
from clipkit.trial.sampler import growth
from clipkit.trial.unchanged import Footing, Stamp

SAMPLES = "samples"


@dataclass(frozen=True, slots=True)
class Bench:
    """What all trials here have in common. `folder`: of the unpacked pack; `uploads`: where each lies, by its hash;
    `machine`: its name in records."""

    plan: Plan
    folder: Path
    results: Path
    found: Found
    counters: Counters | None
    build: FfmpegBuild
    ffmpeg_sha256: str
    uploads: Mapping[str, Path]
    machine: str


@dataclass(frozen=True, slots=True)
class Ended:
    """`document`: what the journal tells; `stop`: why no other trial would end better now, in words."""

    document: dict[str, Any]
    stop: str | None = None

    @property
    def status(self) -> Status:
        return Status(self.document["record"]["status"])


def new_run_id(trial: PlannedTrial, cell: str, attempt: int) -> str:
    """As `trial.asked.Identity` names attempts."""
    order = trial.number - 1
    return f"{order:04d}-{cell}-b{trial.block}-a{attempt}-{secrets.token_hex(3)}"


def now_utc() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def samples_path(results: Path, run_id: str) -> Path:
    """Where an attempt's samples lie from its beginning on."""
    return results / SAMPLES / f"{run_id}.bin"


@dataclass(frozen=True, slots=True)
class Held:
    """Where this machine plays a host that it is not: what holds its limits, beside what of the user's own. With
    `accept_noise` a trial counts also where others disturbed it."""

    ceiling: Ceiling
    host: Host
    reserve_bytes: int
    accept_noise: bool


def run_planned(
    bench: Bench,
    trial: PlannedTrial,
    base: dict[str, Any],
    work: CellWork,
    held: Held | None = None,
) -> Ended:
    """Run it. `base`: who it is, as `identity_row` says it. An interrupt ends it with the status `cancelled`."""
    path, run_id = bench.uploads[trial.cell.upload], base["run_id"]
    footing, before_files = Footing.now(), _stamps(bench, path)
    own, out_dir = OwnMemory(), bench.results / f"{CLIPS_PREFIX}{run_id}"
    samples = SamplesFile(_made(samples_path(bench.results, run_id)), own.beside_a_sample)
    cached_fraction, before_s = machine.warm(path), canary_s()
    ceiling = held.ceiling if held else HostCeiling(bench.found, bench.counters)
    try:
        used_s, before = ceiling.usage().cpu_s, machine.read_machine()
        run = _run(bench, trial.cell, work, out_dir)
        run = replace(run, samples=samples, reserve_bytes=held.reserve_bytes if held else 0)
        run = with_manners(run, UsedSettings.of(work.row), held.host if held else _host(bench))
        execution = execute(_tasks(bench, trial.cell, work), run, ceiling, _unheard)
        inside_s = growth(used_s, execution.usage.cpu_s)
        noise = machine.between(before, machine.read_machine(), inside_s)
        figures = measured_columns(execution)
    finally:
        ceiling.close()
        shutil.rmtree(out_dir, ignore_errors=True)
    noise = replace(noise, canary_before_s=before_s, canary_after_s=canary_s())
    own.close()
    status, error = _judged(execution, noise, held)
    change = None if execution.cancelled else _change(bench, path, before_files)
    if change:
        status, error = Status.INVALID_MACHINE, change
    limits = ceiling.enforced
    row = {
        **work.row,
        **base,
        **figures,
        **way_columns(execution, work.planned_mode),
        **({} if held else {"peak_cache_bytes": None}),  # of all that runs here
        "status": str(status),
        "error": error,
        "ceiling": str(ceiling.mechanism),
        "enforced_memory_bytes": limits.memory_bytes,
        "enforced_cpus": limits.cpus,
        **dataclasses.asdict(footing),
        "upload_cached_fraction": cached_fraction,
        **dataclasses.asdict(noise),
        "harness_peak_anon_bytes": own.peak_bytes,
    }
    known = {entry["number"]: entry for entry in work.clips}
    clips = [
        {"run_id": run_id, **known[outcome.number], **clip_columns(outcome, work.planned_mode)}
        for outcome in execution.clips
    ]
    document = {"record": row, "clips": clips, "samples": thinned(samples)}
    samples.close()
    return Ended(document, change or _full(execution, bench.results))


def identity_row(bench: Bench, trial: PlannedTrial, run_id: str, attempt: int) -> dict[str, Any]:
    """The columns that say which attempt it is, and by what it is run here."""
    return {
        "run_id": run_id,
        "block": trial.block,
        "order": trial.number - 1,
        "attempt": attempt,
        "started_utc": now_utc(),
        "host_id": bench.machine,
        "ffmpeg_version": bench.build.version,
        "ffmpeg_sha256": bench.ffmpeg_sha256,
    }


def warm_up_here(bench: Bench, cell: PlannedCell) -> None:
    """One clip, discarded: the first run of a program reads it from disk."""
    work = read_work(bench.folder, cell)
    one = replace(work, tasks=[work.tasks[len(work.tasks) // 2]])
    out_dir = bench.results / f"{CLIPS_PREFIX}warm-up"
    ceiling = HostCeiling(bench.found, bench.counters)
    try:
        execute(_tasks(bench, cell, one), _run(bench, cell, one, out_dir), ceiling, _unheard)
    finally:
        ceiling.close()
        shutil.rmtree(out_dir, ignore_errors=True)


def thinned(samples: Iterable[Sample]) -> dict[str, list[Any]]:
    names = [declared.name for declared in dataclasses.fields(Sample)]
    thinning = Thinning()
    for sample in samples:
        thinning.add({name: getattr(sample, name) for name in names})
    return thinning.columns


def last_need_bytes(results: Path, run_id: str) -> int | None:
    """What could not be dropped of all that ran here, in the last sample of an attempt; where nobody counted
    all of it, of the job alone."""
    ends = deque(samples_at(samples_path(results, run_id)), maxlen=1)
    if not ends:
        return None
    last = ends.pop()
    if last.total_bytes is not None and last.cache_bytes is not None:
        return last.total_bytes - last.cache_bytes
    known = [value for value in (last.anon_bytes, last.shmem_bytes) if value is not None]
    return sum(known) if known else None


def _run(bench: Bench, cell: PlannedCell, work: CellWork, out_dir: Path) -> Run:
    run = Run(
        out_dir=out_dir,
        concurrency=work.at_once,
        timeout_s=cell.timeout_s,
        stop_on_failure=True,
    )
    return with_manners(run, UsedSettings.of(work.row), _host(bench))


def _host(bench: Bench) -> Host:
    """This one."""
    return Host(bench.plan.host, bench.found.memory.bytes, bench.found.cpus.value)


def _tasks(bench: Bench, cell: PlannedCell, work: CellWork) -> list[Task]:
    path, build = bench.uploads[cell.upload], bench.build
    reads = build.may_read(path)
    place = Place(film(cell.upload), path, build.path, reads, build.crops_as_told)
    return [filled_in(task, place) for task in work.tasks]


def _judged(execution: Execution, noise: Noise, held: Held | None) -> tuple[Status, str | None]:
    """What others take of a real host is how it is; of a machine that plays one it spoils the trial."""
    if held is None:
        return judge_execution(execution, None, _broken(execution))
    disturbed = disturbance(noise, held.host.cpus, os.cpu_count() or 1)
    told = None if held.accept_noise else disturbed
    return judge_execution(execution, told, machine_failure(execution))


def _broken(execution: Execution) -> str | None:
    """Where nothing was seen for a while the host gave us no CPU, which is how it is: what comes of samples is
    unknown then, the rest holds."""
    seen = Coverage(stopped_s=execution.coverage.stopped_s)
    return machine_failure(replace(execution, coverage=seen))


def _full(execution: Execution, results: Path) -> str | None:
    if not any(clip.no_space for clip in execution.clips):
        return None
    return f"no space is left in {results}, where clips are written: make room and start it again"


def _stamps(bench: Bench, upload: Path) -> tuple[Stamp, Stamp]:
    """Raises OSError."""
    return Stamp.of(upload), Stamp.of(Path(bench.build.path))


def _change(bench: Bench, upload: Path, before: tuple[Stamp, Stamp]) -> str | None:
    with contextlib.suppress(OSError):
        if _stamps(bench, upload) == before:
            return None
    return f"{upload} or {bench.build.path} was replaced while it was cut: start it again"


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _unheard(_event: dict[str, Any]) -> None:
    """The engine's events: nobody watches here."""
