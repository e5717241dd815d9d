"""Measured single clips: what was cut by which settings, the memory that its ffmpeg took, and its CPU."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clipkit import ffmpeg_builds
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.media.upload import Upload
from clipkit.model.held import frames_held
from clipkit.model.memory import Pictures, build_bytes, encoding_bytes, terms
from clipkit.plan.clips import Clip, Job
from clipkit.plan.frames import frames_decoded_from, span
from clipkit.plan.modes import tasks as tasks_of_mode
from clipkit.plan.own_pictures import without_others
from clipkit.settings import Settings, from_mapping, to_table
from clipkit.trial.execute import Run, execute
from clipkit.trial.measure import Execution
from clipkit.trial.sampler import peak

STORED = Path(__file__).resolve().parents[3] / "results" / "memory" / "points.jsonl"
ENGINE_ANON_BYTES = 8_600_000
"""What the engine itself holds at its peak, by tasks that are `sleep`: 8.56 to 8.62 MB for 1 to 100."""


@dataclass(frozen=True, slots=True)
class Point:
    """`part`: "fit" or "check". `anon_bytes`: the highest sum of anonymous memory inside the ceiling, or the
    kernel's own mark of all that it charged, less page cache and its own, where that is more (of what
    is over in 0.1 s no sample sees the peak); less the engine's. `frames_decoded`: also those before the
    clip. The machine was in use: its CPU seconds are rough."""

    part: str
    upload: str
    build: str
    cores: int
    pictures: Pictures
    settings: Settings
    clip_s: float
    frames: int
    frames_decoded: int
    anon_bytes: int
    cpu_s: float

    def to_json(self) -> dict[str, Any]:
        changed = {
            name: value
            for name, value in to_table(self.settings).items()
            if value != getattr(Settings(), name)
        }
        return {**asdict(self), "settings": changed}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Point:
        settings = from_mapping(row["settings"], str(STORED))
        return cls(**row | {"pictures": Pictures(**row["pictures"]), "settings": settings})

    @property
    def key(self) -> str:
        """By which a measurement is found again."""
        return self.key_of(self.upload, self.settings, self.clip_s)

    @staticmethod
    def key_of(upload: str, settings: Settings, clip_s: float) -> str:
        return json.dumps([upload, to_table(settings), clip_s], sort_keys=True)

    @property
    def terms(self) -> dict[str, float]:
        held = frames_held(self.settings, self.cores, self.pictures.encoded_height)
        return terms(self.pictures, held, self.frames)

    @property
    def predicted_bytes(self) -> int:
        held = frames_held(self.settings, self.cores, self.pictures.encoded_height)
        return encoding_bytes(self.pictures, held, self.frames) + build_bytes(self.settings)

    @property
    def error(self) -> float:
        return self.predicted_bytes / self.anon_bytes - 1


def measured(part: str, upload: Upload, settings: Settings, clip_s: float) -> Point:
    """One clip, alone, in a group of the kernel's without a limit."""
    start_s = 0.9 * min(1.0, max(0.0, upload.duration_s - clip_s))
    clip = Clip(start_s, round(min(clip_s, float(upload.video_end_s) - start_s - 0.05), 3))
    execution = _executed(upload, settings, clip)
    (outcome,) = execution.clips
    if outcome.status != "ok" or outcome.frames is None:
        raise SystemExit(f"{upload.name}, {settings.changed()}: {outcome.error}")
    return Point(
        part=part,
        upload=upload.name,
        build=ffmpeg_builds.find_build(settings.ffmpeg).version,
        cores=os.cpu_count() or 1,
        pictures=Pictures.of(without_others(upload, span(upload, clip)), settings),
        settings=settings,
        clip_s=clip_s,
        frames=outcome.frames,
        frames_decoded=frames_decoded_from(Job(upload, (clip,)), clip, settings.seek),
        anon_bytes=_anon_bytes(execution) - ENGINE_ANON_BYTES,
        cpu_s=outcome.cpu_s or 0.0,
    )


def _anon_bytes(execution: Execution) -> int:
    sampled = peak(execution.samples, "anon_bytes") or 0
    kernel = peak(execution.samples, "kernel_bytes") or 0
    return max(sampled, (execution.need_bound_bytes or 0) - kernel)


def _executed(upload: Upload, settings: Settings, clip: Clip) -> Execution:
    build = ffmpeg_builds.find_build(settings.ffmpeg)
    tasks = tasks_of_mode(Job(upload, (clip,)), settings, build)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), 1, 900.0, stop_on_failure=True)
        ceiling = open_ceiling(Limits(None, None))
        try:
            return execute(tasks, run, ceiling, lambda _event: None)
        finally:
            ceiling.close()


def stored(path: Path = STORED) -> Iterator[Point]:
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            yield Point.from_json(json.loads(line))


def store(point: Point, path: Path = STORED) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(point.to_json(), separators=(",", ":")) + "\n")
