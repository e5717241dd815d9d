"""Invented machines for tuning: how long a cut would take and what memory it would need, without a
machine. The truth is known, so what the tuning says of it can be judged."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from clipkit.campaign.strategy import Cell
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.avc import Avc
from clipkit.media.upload import Upload
from clipkit.plan import baselines, modes
from clipkit.plan.clips import Clip, Job, spread
from clipkit.plan.subject import Cuts
from clipkit.plan.subjects import CommandLine, Engine
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.usual_noise import usual_neighbour_noise
from clipkit.settings import Settings
from clipkit.tuning.candidates import propose
from clipkit.tuning.conclude import Setting
from clipkit.tuning.question import Question
from clipkit.tuning.strategy import TuneStrategy

FPS = 25
SKETCH, FLUENT = map(CommandLine, baselines.original_templates(Settings()))
# Threads of an ffmpeg wait for each other: with two it is faster, not twice as fast.
_CORES_OF_THREADS = {0: 1.6, 1: 1.0, 2: 1.4}
_CPU_OF_THREADS = {0: 1.15, 1: 1.0, 2: 1.05}


def film(name: str = "film", length_s: float = 600, gop_s: float = 10) -> Upload:
    """No picture refers to a later one, so any part of it can be copied."""
    times = tuple(index / FPS for index in range(round(length_s * FPS)))
    keys = tuple(range(0, len(times), round(gop_s * FPS)))
    return Upload(
        path=Path(f"/films/{name}.mp4"),
        sha256=name.ljust(64, "0"),
        size_bytes=90 * MIB,
        container="mov,mp4,m4a,3gp,3g2,mj2",
        container_start_s=0.0,
        duration_s=length_s,
        video_end_s=Fraction(length_s),
        end_s=Fraction(length_s),
        repeats=0,
        clock_turn=None,
        video_stream=0,
        codec="h264",
        profile="High",
        pixel_format="yuv420p",
        bit_depth=8,
        coded_width=1280,
        coded_height=720,
        width=1280,
        height=720,
        pixel_aspect=Fraction(1),
        rotation_deg=0,
        time_base=Fraction(1, 12800),
        fps=FPS,
        vfr=False,
        hdr=False,
        color_transfer=None,
        dolby_vision=None,
        looks=(),
        frame_times_s=times,
        key_frame_times_s=times[:: round(gop_s * FPS)],
        seek="exact",
        audio=(),
        sound_track=None,
        other_streams=(),
        films=1,
        warnings=(),
        decoding_ticks=tuple(range(0, 512 * len(times), 512)),
        access_places=keys,
        closed_places=keys,
        avc=Avc(100, frames_only=True, reorder_depth=0, numbers=(0,)),
    )


FILM = film()
STARTER = Host("starter", 512 * MIB, 0.5)
ONE_CORE = Host("one", 512 * MIB, 1.0)
TWO_CORES = Host("two", 512 * MIB, 2.0)
SETTING = Setting(
    ceiling="cgroup1",
    enforced="enforced by control groups v1",
    machine="Invented CPU, 2 cores",
    ffmpeg="invented 1.0",
    date="2025-01-02",
    cores=2,
    job={"clips": 12, "clip_s": 12.0, "spread": "evenly"},
    cut="clipkit cut film.mp4 --config clipkit.toml",
    again="clipkit tune film.mp4",
)


def question(host: Host = TWO_CORES, budget_s: float = 300, **changes: object) -> Question:
    """The original's job, 12 clips of 12 s, unless `changes` say otherwise."""
    fixed = Settings()
    asked = Question(
        jobs=(spread(FILM, 12, 12.0),),
        host=host,
        reserve_bytes=0,
        candidates=tuple(propose((FILM,), host, 0, fixed)),
        baselines=(SKETCH, FLUENT),
        fixed=fixed,
        budget_s=budget_s,
        prior=usual_neighbour_noise(host.cpus),
    )
    return replace(asked, **changes)  # type: ignore[arg-type]


@dataclass
class Machine:
    """An invented machine of `cores`, with a clock of its own that trials move.

    `noise`: standard deviation of a trial's time, on logarithms. `contrast`: by how much clips
    differ. `cpu_of`, `ends`: further laws of the surface, by settings and by cell.
    """

    cores: float = 2.0
    encode_frame_s: float = 0.004
    decode_frame_s: float = 0.002
    copied_s: float = 0.02
    clip_bytes: int = 40 * MIB
    engine_bytes: int = 12 * MIB
    noise: float = 0.0
    contrast: float = 0.0
    drift_per_s: float = 0.0
    seed: int = 1
    cpu_of: Callable[[Settings], float] = lambda _: 1.0
    bytes_of: Callable[[Settings], float] = lambda _: 1.0
    ends: Callable[[Cell], Status | None] = lambda _: None
    clock_s: float = 0.0
    order: int = 0
    random: random.Random = field(init=False)
    frames: dict[tuple[object, ...], tuple[int, float]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def elapsed_s(self) -> float:
        return self.clock_s

    def clip_cpu_s(self, cell: Cell, clip: Clip) -> float:
        decoded, encoded = self.frames_of(cell, clip)
        hardness = 1 + self.contrast * math.sin(clip.start_s)
        cpu_s = self.copied_s if not decoded else decoded * self.decode_frame_s
        cpu_s += encoded * self.encode_frame_s * hardness
        if cell.subject.tunable:
            cpu_s *= _CPU_OF_THREADS[cell.settings.encoder_threads] * self.cpu_of(cell.settings)
        return cpu_s

    def frames_of(self, cell: Cell, clip: Clip) -> tuple[int, float]:
        """How many are decoded and encoded for it, of ours as its mode plans it."""
        key = cell.subject, cell.settings, cell.job.upload.sha256, clip
        if key not in self.frames:
            found = cell.subject.frames_decoded(cell.job, clip, cell.settings)
            ours = isinstance(cell.subject, Engine)
            encoded = modes.frames_encoded(cell.job, clip, cell.settings) if ours else None
            self.frames[key] = found or 0, clip.duration_s * FPS if encoded is None else encoded
        return self.frames[key]

    def need_bytes(self, cell: Cell) -> int:
        """Of as many ffmpegs as really run at the same time."""
        at_once = min(cell.settings.concurrency, len(cell.job.clips))
        return round(self.engine_bytes + at_once * self.clip_bytes * self.bytes_of(cell.settings))

    def wall_s(self, cell: Cell) -> float:
        """Clips start as places fall free; those that run share the cores."""
        capacity = min(self.cores, cell.host.cpus or self.cores)
        engine = cell.subject.tunable
        own = _CORES_OF_THREADS[cell.settings.encoder_threads] if engine else 1.0
        waiting = [self.clip_cpu_s(cell, clip) for clip in cell.job.clips]
        running: list[float] = []
        wall_s = 0.0
        while waiting or running:
            while waiting and len(running) < cell.settings.concurrency:
                running.append(waiting.pop(0))
            rate = min(own, capacity / len(running))
            step_s = min(running) / rate
            wall_s += step_s
            running = [left - rate * step_s for left in running if left > min(running)]
        return wall_s

    def job_s(self, asked: Question, settings: Settings, subject: Cuts | None = None) -> float:
        """The truth: the whole job's time under the full ceiling, without noise."""
        return sum(
            self.wall_s(
                Cell("truth", subject or Engine(), settings, job, asked.host, 0, 0, math.inf)
            )
            for job in asked.jobs
        )

    def run(self, cell: Cell) -> Record:
        """What the trial would have measured; moves the clock."""
        limit = cell.host.memory_bytes
        room = math.inf if limit is None else limit - cell.reserve_bytes
        drift = math.exp(self.drift_per_s * self.clock_s)
        wall_s = self.wall_s(cell) * drift * math.exp(self.random.gauss(0, self.noise))
        need_bytes = self.need_bytes(cell)
        status = self.ends(cell)
        if status is None and need_bytes > room:
            status = Status.OOM
        if status is None and wall_s > cell.timeout_s:
            status = Status.TIMEOUT
        self.clock_s += min(wall_s, cell.timeout_s)
        self.order += 1
        ok = status in {None, Status.INVALID_NOISE}
        cpu = [self.clip_cpu_s(cell, clip) for clip in cell.job.clips]
        upload = cell.job.upload
        return Record(
            run_id=f"run-{self.order:03d}",
            campaign="invented",
            cell=cell.name,
            block=cell.block,
            order=self.order,
            attempt=1,
            phase=cell.phase,
            subject=cell.subject.name,
            command=cell.subject.command,
            status=status or Status.OK,
            error=None if ok else f"invented {status}",
            ceiling="cgroup1",
            host=cell.host.name,
            memory_limit_bytes=limit,
            cpu_quota=cell.host.cpus,
            reserve_bytes=cell.reserve_bytes,
            usd_per_month=None,
            settings=cell.subject.used(cell.settings),
            upload_sha256=upload.sha256,
            width=upload.width,
            height=upload.height,
            fps=upload.fps,
            codec=upload.codec,
            bit_depth=upload.bit_depth,
            gop_s=upload.gop_s,
            upload_s=upload.duration_s,
            clips=len(cell.job.clips),
            clip_s=cell.job.clips[0].duration_s,
            clips_seed=None,
            clip_starts_s=tuple(clip.start_s for clip in cell.job.clips),
            clip_wall_s=tuple(cpu) if ok else (),
            clip_cpu_s=tuple(cpu) if ok else (),
            wall_s=wall_s if ok else None,
            ffmpeg_cpu_s=sum(cpu) if ok else None,
            orchestrator_cpu_s=0.01 * len(cpu),
            throttled_s=0.0,
            peak_anon_bytes=int(min(need_bytes, room)),
            orchestrator_peak_rss_bytes=14 * MIB,
            started_utc="2025-01-02T03:04:05+00:00",
            clipkit_version="0",
            ffmpeg_version="invented",
            host_id="invented",
        )


def tune(asked: Question, machine: Machine) -> TuneStrategy:
    """Ask and tell until nothing more is asked."""
    strategy = TuneStrategy(asked, machine.elapsed_s)
    while (cell := strategy.ask()) is not None:
        strategy.tell(cell, machine.run(cell))
    return strategy


def pair_s(strategy: TuneStrategy) -> float:
    """Time of the longest confirming pair."""
    walls: dict[int, float] = {}
    for cell, record in strategy.session.results:
        if cell.phase == "confirm":
            walls[cell.block] = walls.get(cell.block, 0.0) + (record.wall_s or 0.0)
    return max(walls.values(), default=0.0)


def shortened(asked: Question, clips: int) -> Question:
    return replace(asked, jobs=tuple(Job(job.upload, job.clips[:clips]) for job in asked.jobs))
