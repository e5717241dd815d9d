"""An invented sweep: the folder of a finished campaign whose fastest settings are known beforehand.

`write(folder)` is the sweep of concurrency, encoder threads, preset and memory ceiling; a `Sweep`
with other fields varies uploads, lengths of clips, hosts, subjects and settings.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from inventing_records import TEMPLATE, samples, used

from clipkit import hosts
from clipkit.hosts import Host
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings

PRESETS = ("ultrafast", "veryfast", "medium")

# The fastest of the default sweep: (concurrency, encoder threads), always with `ultrafast`.
OPTIMUM = {"512M": (3, 1), "256M": (3, 1), "96M": (2, 2)}
# What is within the noise of it.
TIES = {"512M": {(2, 2)}, "256M": {(2, 2)}, "96M": set[tuple[int, int]]()}
# Of these that leave a margin of memory the one that needs the least, and the others.
RECOMMENDED = {"512M": (2, 2), "256M": (2, 2), "96M": (2, 1)}
TIED = {"512M": {(3, 1)}, "256M": {(3, 1)}, "96M": set[tuple[int, int]]()}
NOISE_LOG_SD = 0.012

# Wall time on two cores as a part of the CPU time of one clip, by encoder threads and concurrency.
_PART = {
    1: (1.00, 0.56, 0.500, 0.53),
    2: (0.66, 0.503, 0.56, 0.60),
    4: (0.60, 0.58, 0.64, 0.70),
}
_CPU_S = {"ultrafast": 1.6, "veryfast": 3.4, "medium": 9.0}
"""For 2 s of 720p; as much as the length and the frame size for others."""
_CLIP_MB = {"ultrafast": 30, "veryfast": 45, "medium": 100}
_SLOWER = {"clipkit": 1.0, "fluent": 1.02, "sketch": 1.02, "command": 1.1, "moviepy": 2.5}
_DECODED_AT = 25.0
"""Seconds of the upload that a seek after the input decodes in a second."""


@dataclass(frozen=True, slots=True)
class Film:
    """An invented upload."""

    name: str = "sample.mp4"
    width: int = 1280
    height: int = 720
    upload_s: float = 60.0

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()

    def facts(self) -> dict[str, Any]:
        return {
            "path": f"/srv/films/{self.name}",
            "sha256": self.sha256,
            "size_bytes": int(self.upload_s * 250_000),
            "container": "mov",
            "duration_s": self.upload_s,
            "codec": "h264",
            "width": self.width,
            "height": self.height,
            "fps": 25.0,
            "gop_s": 10.0,
            "warnings": [],
        }


def default_factors() -> dict[str, Sequence[Any]]:
    return {"preset": PRESETS, "concurrency": (1, 2, 3, 4), "encoder_threads": (1, 2, 4)}


def on(memory: str, cpus: float = 2.0) -> Host:
    """A host of that much memory (`512M`)."""
    return hosts.custom(hosts.catalogue()["unlimited"], hosts.parse_size(memory), cpus)


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is swept: `factors` are levels by setting, for clipkit alone. `spoilt`: one attempt was
    interrupted and one spoilt by noise, both repeated."""

    name: str = "invented-sweep"
    factors: Mapping[str, Sequence[Any]] = field(default_factory=default_factors)
    hosts: tuple[Host, ...] = (on("512M"), on("256M"), on("96M"))
    films: tuple[Film, ...] = (Film(),)
    clip_s: tuple[float, ...] = (2.0,)
    subjects: tuple[str, ...] = ("clipkit",)
    clips: int = 4
    reserve_bytes: int = 0
    blocks: int = 3
    seed: int = 7
    noise_log_sd: float = NOISE_LOG_SD
    spoilt: bool = True


def s_per_clip(record: Record) -> float:
    """Wall time a clip without noise."""
    s = record.settings.asked()
    cores = record.cpu_quota or 2.0
    pixels = record.width * record.height / (1280 * 720)
    cpu_s = _CPU_S.get(s.preset, 5.0) * record.clip_s / 2 * pixels * _SLOWER[record.subject]
    if record.subject == "sketch" or s.seek == "output":
        cpu_s += record.upload_s / _DECODED_AT * pixels
    threads = min(_PART, key=lambda known: abs(known - (s.encoder_threads or 4)))
    return cpu_s * max(_PART[threads][min(s.concurrency, 4) - 1], 1 / cores)


def need_bytes(record: Record) -> int:
    """Peak anonymous memory of the job."""
    s = record.settings.asked()
    pixels = record.width * record.height / (1280 * 720)
    each = _CLIP_MB.get(s.preset, 60) * (1 + 0.25 * math.log2(max(1, s.encoder_threads))) * pixels
    return int((12 + s.concurrency * each + (160 if record.subject == "moviepy" else 0)) * 2**20)


def records(sweep: Sweep | None = None) -> list[Record]:
    """Every attempt in the order it ended: block after block, each in a random order."""
    sweep = sweep or Sweep()
    chance = np.random.default_rng(sweep.seed)
    trials = list(_trials(sweep))
    noise = chance.normal(0, sweep.noise_log_sd, (sweep.blocks, len(trials)))
    if sweep.blocks > 1:
        noise -= noise.mean(axis=0)  # each cell's mean is exact, so that the fastest is known
    done: list[Record] = []
    for block in range(sweep.blocks):
        smallest = _smallest_too_large(trials) if block == 0 else set()
        for index in chance.permutation(len(trials)):
            began = replace(trials[index], block=block)
            factor = math.exp(noise[block, index]) * (1 + 0.01 * block)  # the machine drifts
            done += _attempts(began, factor, began.cell in smallest, done, sweep)
    return [
        replace(record, order=order, run_id=f"{record.cell}-b{record.block}-o{order:05d}")
        for order, record in enumerate(done)
    ]


def write(folder: Path, sweep: Sweep | None = None, rows: list[Record] | None = None) -> Path:
    """The campaign's folder as `clipkit sweep` leaves it, of `rows` or else `records(sweep)`."""
    sweep = sweep or Sweep()
    rows = records(sweep) if rows is None else rows
    (folder / "samples").mkdir(parents=True)
    (folder / "experiment.toml").write_text(_experiment(sweep), "utf-8")
    (folder / "runs.jsonl").write_text(_lines(row.to_row() for row in rows), "utf-8")
    paths = {film.sha256: f"/srv/films/{film.name}" for film in sweep.films}
    clips = (clip for row in rows for clip in _clips(row, paths[row.upload_sha256]))
    (folder / "clips.jsonl").write_text(_lines(clips), "utf-8")
    environment = {"cpu": "Invented CPU", "cores": 2, "host_id": "invented", "ceiling": "cgroup1"}
    (folder / "environment.json").write_text(json.dumps(environment), "utf-8")
    uploads = {film.name: film.facts() for film in sweep.films}
    (folder / "uploads.json").write_text(json.dumps(uploads), "utf-8")
    for row in rows:
        if row.status is not Status.OOM_INFERRED and row.block == 0:
            samples(row).to_parquet(folder / "samples" / f"{row.run_id}.parquet")
            _write_log(folder / "logs" / row.run_id, row)
    return folder


def _trials(sweep: Sweep) -> Iterator[Record]:
    """One record a cell, without what is measured."""
    places = itertools.product(sweep.films, sweep.clip_s, sweep.hosts, sweep.subjects)
    for film, clip_s, host, subject in places:
        levels = itertools.product(*sweep.factors.values()) if subject == "clipkit" else [()]
        for combination in levels:
            chosen = dict(zip(sweep.factors, combination, strict=False))
            record = replace(
                TEMPLATE,
                campaign=sweep.name,
                phase="grid",
                subject=subject,
                host=host.name,
                memory_limit_bytes=host.memory_bytes,
                cpu_quota=host.cpus,
                usd_per_month=host.usd_per_month,
                reserve_bytes=sweep.reserve_bytes,
                settings=used(subject, Settings(**chosen)),
                upload_sha256=film.sha256,
                width=film.width,
                height=film.height,
                upload_s=film.upload_s,
                clips=sweep.clips,
                clip_s=clip_s,
                clip_starts_s=tuple(
                    number * film.upload_s / sweep.clips for number in range(sweep.clips)
                ),
                clip_wall_s=(),
                clip_cpu_s=(),
            )
            yield replace(record, cell=_cell(record))


def _cell(record: Record) -> str:
    row = record.to_row()
    levels = [row[name] for name in ("host", "upload_sha256", "clip_s", "reserve_bytes")]
    settings = sorted(record.settings.asked().changed().items())
    digest = hashlib.sha256(json.dumps([levels, settings]).encode()).hexdigest()
    return f"{record.subject}-{digest[:8]}"


def _fits(record: Record) -> bool:
    room = record.memory_limit_bytes
    return room is None or need_bytes(record) <= room - record.reserve_bytes


def _smallest_too_large(trials: Sequence[Record]) -> set[str]:
    """The cells that run out of memory; all that need more are then inferred."""
    too_large = [trial for trial in trials if not _fits(trial)]
    return {
        trial.cell
        for trial in too_large
        if not any(_less(other, trial) for other in too_large if other.cell != trial.cell)
    }


def _less(one: Record, other: Record) -> bool:
    """Whether `one` differs in nothing but lower concurrency or fewer threads."""
    a, b = one.settings.asked(), other.settings.asked()
    alike = replace(b, concurrency=a.concurrency, encoder_threads=a.encoder_threads) == a
    same_place = (one.host, one.upload_sha256, one.clip_s) == (
        other.host,
        other.upload_sha256,
        other.clip_s,
    )
    fewer = a.concurrency <= b.concurrency and a.encoder_threads <= b.encoder_threads
    return one.subject == other.subject and same_place and alike and fewer


def _attempts(
    trial: Record, noise: float, first_to_run_out: bool, done: Sequence[Record], sweep: Sweep
) -> Iterator[Record]:
    """The attempts at one cell of one block: most often a single one."""
    if not _fits(trial):
        yield _out_of_memory(trial, first_to_run_out)
        return
    wall_s = s_per_clip(trial) * trial.clips * noise
    measured = sum(record.wall_s is not None for record in done)
    if sweep.spoilt and measured == 3:
        why = "interrupted"
        yield replace(trial, status=Status.CANCELLED, error=why, peak_anon_bytes=30 * 2**20)
        trial = replace(trial, attempt=2)
    if sweep.spoilt and measured == 9:
        busy = replace(_measured(trial, wall_s * 1.9), status=Status.INVALID_NOISE)
        yield replace(busy, error="31% of the CPU went to other machines", steal_fraction=0.31)
        trial = replace(trial, attempt=2)
    yield _measured(trial, wall_s)


def _out_of_memory(trial: Record, was_run: bool) -> Record:
    room = (trial.memory_limit_bytes or 0) - trial.reserve_bytes
    if was_run:
        why = "the kernel killed ffmpeg at the ceiling"
        return replace(
            trial, status=Status.OOM, error=why, peak_anon_bytes=int(room * 0.97), oom_kills=1
        )
    return replace(
        trial,
        status=Status.OOM_INFERRED,
        error=f"not run: a smaller cell ran out of {room} bytes",
        output_bytes=None,
        peak_shmem_bytes=None,
        peak_kernel_bytes=None,
        orchestrator_peak_rss_bytes=None,
        ffmpeg_peak_rss_bytes=None,
        oom_kills=None,
    )


def _measured(trial: Record, wall_s: float) -> Record:
    cores = trial.cpu_quota or 2.0
    each_s = wall_s / trial.clips * min(trial.settings.asked().concurrency, trial.clips)
    cpu_s = min(wall_s * cores * 0.98, _CPU_S.get(trial.settings.asked().preset, 5.0) * trial.clips)
    return replace(
        trial,
        wall_s=wall_s,
        first_clip_s=each_s,
        clip_wall_s=(each_s,) * trial.clips,
        clip_cpu_s=(cpu_s / trial.clips * 0.99,) * trial.clips,
        ffmpeg_cpu_s=cpu_s * 0.99,
        orchestrator_cpu_s=cpu_s * 0.01,
        throttled_s=wall_s * (0.45 if cores < 1 else 0.02),
        clips_per_min=trial.clips / wall_s * 60,
        peak_anon_bytes=need_bytes(trial),
        output_bytes=int(trial.clips * trial.clip_s * 300_000),
    )


def _clips(record: Record, path: str) -> Iterator[dict[str, Any]]:
    """The lines of `clips.jsonl`: none for a trial that was not run."""
    if record.status is Status.OOM_INFERRED:
        return
    s, ok = record.settings.asked(), record.wall_s is not None
    for number, start_s in enumerate(record.clip_starts_s, start=1):
        place = ["-ss", f"{start_s:.6f}", "-t", f"{record.clip_s:.6f}"]
        argv = ["ffmpeg", "-threads", str(s.decoder_threads), *place, "-i", path]
        argv += ["-c:v", "libx264", "-preset", s.preset, "-crf", str(s.crf)]
        argv += ["-threads", str(s.encoder_threads), f"clip-{number:03d}.mp4"]
        yield {
            "run_id": record.run_id,
            "number": number,
            "start_s": start_s,
            "duration_s": record.clip_s,
            "status": "ok" if ok else "killed",
            "error": None if ok else "killed by signal 9",
            "change": None,
            "wall_s": record.clip_wall_s[number - 1] if ok else 1.0,
            "cpu_s": record.clip_cpu_s[number - 1] if ok else 0.9,
            "peak_rss_bytes": 64 * 2**20,
            "frames_decoded": None,
            "frames_kept": int(record.clip_s * record.fps) if ok else None,
            "bytes": int(record.clip_s * 300_000) if ok else None,
            "argv": argv,
        }


def _write_log(folder: Path, record: Record) -> None:
    folder.mkdir(parents=True)
    lines = ["[libx264 @ 0x55] using cpu capabilities: MMX2 SSE2Fast", "<b>invented</b> & hostile"]
    lines += ["[libx264 @ 0x55] kb/s:1184.2"] if record.wall_s else ["Killed"]
    (folder / "clip-001.log").write_text("\n".join(lines) + "\n", "utf-8")


def _experiment(sweep: Sweep) -> str:
    return tomli_w.dumps(
        {
            "name": sweep.name,
            "job": {
                "uploads": [film.name for film in sweep.films],
                "clips": sweep.clips,
                "length_s": list(sweep.clip_s),
            },
            "host": {
                "memory": [f"{(host.memory_bytes or 0) // 2**20}M" for host in sweep.hosts],
                "cpus": sorted({host.cpus for host in sweep.hosts if host.cpus}),
            },
            "settings": {
                name: ["default" if level is None else level for level in levels]
                for name, levels in sweep.factors.items()
            },
            "run": {"strategy": "grid", "blocks": sweep.blocks, "seed": sweep.seed},
        }
    )


def _lines(rows: Iterator[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)
