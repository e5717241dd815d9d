"""Jobs on half a core: what there is to do in one, what it took, and the sitting that calibrates an upload."""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp
from pathlib import Path

from clipkit import ffmpeg_builds
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import ModeRefused
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.upload import Upload
from clipkit.model.cpu_seconds import Work, cpu_terms
from clipkit.model.held import PRESETS, beside_copies
from clipkit.model.memory import Pictures
from clipkit.plan import modes
from clipkit.plan.clips import Clip, Job
from clipkit.plan.frames import frames_decoded_from
from clipkit.plan.task import Run, Task
from clipkit.settings import Settings
from clipkit.trial.cut import Order, cut_order

HOST = Host("half-a-core", 4096 * MIB, 0.5)
"""With room for any clip: what memory takes away is another question."""
PIECES, PIECE_S, SHORTEST_S = 4, 1.5, 0.1
PRESETS_TRIED = ("ultrafast", "veryfast", "medium")
CRF_EACH = 0.02
"""By so much, on logarithms, an encoded picture is cheaper for each step of CRF."""
_USUAL_CRF = 23


@dataclass(frozen=True, slots=True)
class Took:
    """`cpu_s`: of all in the ceiling, the engine included. `wall_s`: as the manifest has it."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Sat:
    """One job of a calibration. `took.wall_s` is 0 where it was no job of the engine's."""

    terms: Mapping[str, float]
    took: Took


def cut(job: Job, settings: Settings) -> Took:
    build = ffmpeg_builds.find_build(settings.ffmpeg)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_ceiling(Limits(HOST.memory_bytes, HOST.cpus)) as held,
    ):
        order = Order(job, settings, build, HOST, 0, Path(folder, "clips"), 900.0)
        manifest = cut_order(order, held, lambda _event: None)
    if manifest["status"] != "ok":
        raise SystemExit(f"{job.upload.name}, {settings.changed()}: {manifest['error']}")
    return Took(manifest["wall_s"], manifest["cpu_s"])


def terms_of(job: Job, settings: Settings) -> dict[str, float]:
    """How much there is of each term of the model in all clips together, by what the plan says before anything is cut.
    Raises ModeRefused."""
    tasks = modes.tasks(job, settings, ffmpeg_builds.find_build(settings.ffmpeg))
    each = [
        _terms_of_clip(job, clip, task, settings)
        for clip, task in zip(job.clips, tasks, strict=True)
    ]
    found: Counter[str] = Counter({"job": 1.0})
    for terms in each:
        for name, amount in terms.items():
            found[name] += amount
    return dict(found)


def _terms_of_clip(job: Job, clip: Clip, task: Task, settings: Settings) -> dict[str, float]:
    attempt = task.attempts[0]
    shown = task.frames_shown or 0
    before = frames_decoded_from(job, clip, settings.seek) - shown
    mode = attempt.mode or settings.mode
    encoded = attempt.encoded_frames if attempt.encoded_frames is not None else 0
    copied = shown - encoded + (before if mode in ("copy", "snap") else 0)
    work = Work(encoded + before if encoded else 0, encoded, copied)
    if mode == "smart":
        settings = beside_copies(settings, job.upload.avc)
    sound_s = clip.duration_s if job.upload.sound is not None and encoded == shown else 0.0
    terms = cpu_terms(Pictures.of(job.upload, settings), settings, work, sound_s)
    finer = exp(-CRF_EACH * (settings.crf - _USUAL_CRF))
    told = {name: amount * (finer if name in PRESETS else 1) for name, amount in terms.items()}
    runs = sum(isinstance(step, Run) for step in attempt.steps)
    return told | {"start": float(runs), "clip": 1.0, "smart": float(mode == "smart")}


def calibrated(upload: Upload) -> list[Sat]:
    """One after the other: pieces spread over the upload decoded alone, begun and hardly
    more, copied and cut at their key frames where that can be, and encoded at three presets."""
    length_s = min(PIECE_S, upload.duration_s / 2)
    first_s = upload.frame_times_s[0]
    room_s = float(upload.video_end_s) - first_s - length_s - 0.06
    starts_s = [first_s + room_s * (place + 0.5) / PIECES for place in range(PIECES)]
    job = Job(upload, tuple(Clip(round(s, 3), round(length_s, 3)) for s in starts_s))
    begun = Job(upload, tuple(Clip(round(s, 3), SHORTEST_S) for s in starts_s))
    jobs = [(begun, Settings()), (job, Settings(mode="copy")), (job, Settings(mode="smart"))]
    jobs += [(job, Settings(preset=preset)) for preset in PRESETS_TRIED]
    sat = [decoded_alone(job)]
    for each, settings in jobs:
        try:
            terms = terms_of(each, settings)
        except ModeRefused:
            continue
        sat.append(Sat(terms, cut(each, settings)))
    return sat


def decoded_alone(job: Job) -> Sat:
    """Every piece from its key frame on by a bare ffmpeg, which encodes nothing."""
    terms: Counter[str] = Counter()
    with open_ceiling(Limits(HOST.memory_bytes, HOST.cpus)) as held:
        before_s = held.usage().cpu_s
        for clip in job.clips:
            frames = frames_decoded_from(job, clip, "input")
            argv = [ffmpeg_builds.locate("bundled"), "-nostdin", "-v", "error", "-threads", "1"]
            argv += ["-noaccurate_seek", "-ss", str(clip.start_s), "-i", str(job.upload.path)]
            argv += ["-map", "0:v:0", "-frames:v", str(frames), "-f", "null", "-"]
            subprocess.run(held.wrap(argv), check=True, capture_output=True)
            whole = replace(Settings(), audio="none")
            amounts = cpu_terms(Pictures.of(job.upload, whole), whole, Work(frames, 0, 0), 0.0)
            terms.update({name: amount for name, amount in amounts.items() if amount})
        used_s = (held.usage().cpu_s or 0.0) - (before_s or 0.0)
    return Sat(dict(terms), Took(0.0, used_s))
