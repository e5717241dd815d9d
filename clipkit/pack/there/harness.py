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
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clipkit.ceiling.base import Ceiling
from clipkit.errors import os_error_words
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
from clipkit.pack.there.samples_file import SamplesFile
from clipkit.pack.there.samples_kept import samples_path, thinned
from clipkit.plan.task import Task
from clipkit.plan.threads import open_threads
from clipkit.records.disturbance import disturbance
from clipkit.records.outcome import CLIPS_PREFIX
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


@dataclass(frozen=True, slots=True)
class Bench:
    """What all trials here have in common. `folder`: of the unpacked pack; `uploads`: where each lies, by its hash;
    `machine`: its name in records; `threads`: by the numbers of the cells that leave them open, how many each clip
    gets here."""

    plan: Plan
    folder: Path
    results: Path
    found: Found
    counters: Counters | None
    build: FfmpegBuild
    ffmpeg_sha256: str
    uploads: Mapping[str, Path]
    machine: str
    threads: Mapping[int, int]

    def work(self, cell: PlannedCell) -> CellWork:
        """What it is cut with here: its row says the threads that it gets."""
        work, threads = read_work(self.folder, cell), self.threads.get(cell.number)
        if threads is None:
            return work
        return replace(work, row=work.row | dict.fromkeys(open_threads(work.row), threads))


@dataclass(frozen=True, slots=True)
class Ended:
    """`document`: what the journal tells; `stop`: why no other trial would end better now, in words; `interrupted`: no
    other is to be run."""

    document: dict[str, Any]
    stop: str | None = None
    interrupted: bool = False

    @property
    def status(self) -> Status:
        return Status(self.document["record"]["status"])


def new_run_id(trial: PlannedTrial, cell: str, attempt: int) -> str:
    """As `trial.asked.Identity` names attempts."""
    order = trial.number - 1
    return f"{order:04d}-{cell}-b{trial.block}-a{attempt}-{secrets.token_hex(3)}"


def now_utc() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


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
    """Run it. `base`: who it is, as `identity_row` says it. An interrupt while clips are cut ends it with the
    status `cancelled`, or `oom` where memory had run out before; what leaves it otherwise has left nothing behind."""
    path, run_id = bench.uploads[trial.cell.upload], base["run_id"]
    footing, before_files = Footing.now(), _stamps(bench, path)
    out_dir = bench.results / f"{CLIPS_PREFIX}{run_id}"
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(contextlib.closing(OwnMemory()))
        samples = SamplesFile(samples_path(bench.results, run_id), own.beside_a_sample)
        stack.callback(samples.close)
        stack.callback(shutil.rmtree, out_dir, ignore_errors=True)
        cached_fraction, before_s = machine.warm(path), canary_s()
        ceiling = held.ceiling if held else stack.enter_context(_own_ceiling(bench))
        used_s, before = ceiling.usage().cpu_s, machine.read_machine()
        run = _run(bench, trial.cell, work, out_dir)
        run = replace(run, samples=samples, reserve_bytes=held.reserve_bytes if held else 0)
        run = with_manners(run, UsedSettings.of(work.row), held.host if held else _host(bench))
        execution = execute(_tasks(bench, trial.cell, work), run, ceiling, _unheard)
        execution = execution if held else _with_kills_here(execution)
        inside_s = growth(used_s, execution.usage.cpu_s)
        noise = machine.between(before, machine.read_machine(), inside_s)
        figures = measured_columns(execution)
        seen = thinned(samples)
    noise = replace(noise, canary_before_s=before_s, canary_after_s=canary_s())
    status, error = _judged(execution, noise, held)
    spoilt = _change(bench, path, before_files) or _unkept(samples)
    if status is Status.CANCELLED:
        spoilt = None
    if spoilt:
        status, error = Status.INVALID_MACHINE, spoilt
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
        "harness_peak_anon_bytes": None if held else own.peak_bytes,
    }
    known = {entry["number"]: entry for entry in work.clips}
    clips = [
        {"run_id": run_id, **known[outcome.number], **clip_columns(outcome, work.planned_mode)}
        for outcome in execution.clips
    ]
    document = {"record": row, "clips": clips, "samples": seen}
    return Ended(document, spoilt or _full(execution, bench.results), execution.cancelled)


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
    """One clip, discarded: the first run of a program reads it from disk. Raises KeyboardInterrupt."""
    work = bench.work(cell)
    one = replace(work, tasks=[work.tasks[len(work.tasks) // 2]])
    out_dir = bench.results / f"{CLIPS_PREFIX}warm-up"
    try:
        with _own_ceiling(bench) as ceiling:
            run = _run(bench, cell, one, out_dir)
            execution = execute(_tasks(bench, cell, one), run, ceiling, _unheard)
    finally:
        shutil.rmtree(out_dir, ignore_errors=True)
    if execution.cancelled:  # the talk to the engine has taken the interrupt
        raise KeyboardInterrupt


def _own_ceiling(bench: Bench) -> contextlib.closing[HostCeiling]:
    return contextlib.closing(HostCeiling(bench.found, bench.counters))


def _run(bench: Bench, cell: PlannedCell, work: CellWork, out_dir: Path) -> Run:
    run = Run(
        out_dir=out_dir,
        concurrency=work.at_once,
        timeout_s=cell.timeout_s,
        stop_on_failure=True,
        keeps_logs=False,
    )
    return with_manners(run, UsedSettings.of(work.row), _host(bench))


def _host(bench: Bench) -> Host:
    """This one."""
    return Host(bench.plan.host, bench.found.memory.bytes, bench.found.cpus.value)


def _tasks(bench: Bench, cell: PlannedCell, work: CellWork) -> list[Task]:
    path, build = bench.uploads[cell.upload], bench.build
    reads = build.may_read(path)
    threads = bench.threads.get(cell.number)
    place = Place(film(cell.upload), path, build.path, reads, build.crops_as_told, threads)
    return [filled_in(task, place) for task in work.tasks]


def _with_kills_here(execution: Execution) -> Execution:
    """Whoever ends all of an instance for want of memory asks its harness to end too, milliseconds behind the kernel's
    kill (OOMPolicy=stop, systemd.service(5)): who was killed meanwhile is why, be it of the job or not."""
    usage = execution.usage
    if not execution.cancelled or usage.oom_kills:
        return execution
    return replace(execution, usage=replace(usage, oom_kills=usage.oom_kills_around))


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


def _unkept(samples: SamplesFile) -> str | None:
    if samples.failure is None:
        return None
    return f"its samples cannot be kept ({os_error_words(samples.failure)})"


def _stamps(bench: Bench, upload: Path) -> tuple[Stamp, Stamp]:
    """Raises OSError."""
    return Stamp.of(upload), Stamp.of(Path(bench.build.path))


def _change(bench: Bench, upload: Path, before: tuple[Stamp, Stamp]) -> str | None:
    with contextlib.suppress(OSError):
        if _stamps(bench, upload) == before:
            return None
    return f"{upload} or {bench.build.path} was replaced while it was cut: start it again"


def _unheard(_event: dict[str, Any]) -> None:
    """The engine's events: nobody watches here."""
