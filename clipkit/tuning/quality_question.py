"""What `tune --quality free` asks: the choices that stand beside what, cut by whom, on which host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.hosts import Host
from clipkit.plan.clips import Job
from clipkit.records.noise import Noise
from clipkit.tuning.picture import Way

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "medium")
# Of a single run, on the wide side: pairs say themselves how much they differ.
_USUAL_NOISE = Noise(0.09, 4)


@dataclass(frozen=True, slots=True)
class QualityQuestion:
    """`today` is what the choices stand beside, `base` what cuts with them: its settings but for preset
    and CRF. `job` is the whole job of one upload, `folder` where clips may lie meanwhile; `noise` what
    repeats on such a host differ by, as far as it is known beforehand."""

    job: Job
    today: Way
    base: Way
    host: Host
    reserve_bytes: int
    build: FfmpegBuild
    folder: Path
    noise: Noise = _USUAL_NOISE
    presets: tuple[str, ...] = PRESETS


def way_with(question: QualityQuestion, preset: str, crf: int) -> Way:
    return replace(question.base, settings=replace(question.base.settings, preset=preset, crf=crf))


def may_choose_quality(base: Way) -> bool:
    """Whether its subject follows preset and CRF: not a command of another encoder, or by bit rate."""
    asked = replace(base.settings, preset="superfast", crf=28)
    used = base.subject.used(asked)
    return (used.preset, used.crf) == (asked.preset, asked.crf)
