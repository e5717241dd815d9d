"""What some clips look like and weigh, and the one rule of whether two settings make the same picture.

At one CRF presets make different pictures, and so do lookahead, B-frames and reference frames: their
names decide nothing, their clips do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from clipkit.media.quality import Quality
from clipkit.media.upload import Upload
from clipkit.media.vmaf import Unscored

BYTES_ALIKE = 0.02
"""Pictures that differ by less are as large: the same settings with other threads do by a part of it."""
VMAF_ALIKE = 0.5
"""Points of VMAF; under 2 nobody sees a difference, and what is advised is to be well under it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Of the same stretches of one upload. `size_bytes` is the files', sound and all, `video_bytes` the
    pictures' alone. `quality` None: `why` it was not scored."""

    size_bytes: int
    video_bytes: int
    quality: Quality | None
    why: str | None = None

    @property
    def vmaf(self) -> float | None:
        return None if self.quality is None else self.quality.mean

    def to_json(self) -> dict[str, Any]:
        quality = None if self.quality is None else asdict(self.quality)
        return {
            "bytes": self.size_bytes,
            "video_bytes": self.video_bytes,
            "quality": quality,
            "not_scored": self.why,
        }


@dataclass(frozen=True, slots=True)
class PictureCheck:
    """`picture` beside the one that it would replace. Unknown VMAF on one side: bytes decide alone."""

    picture: Picture
    instead_of: Picture

    @property
    def bytes_ratio(self) -> float:
        return self.picture.size_bytes / self.instead_of.size_bytes

    @property
    def video_bytes_ratio(self) -> float:
        """Without the sound, which would hide a change of the pictures or pass for one."""
        return self.picture.video_bytes / self.instead_of.video_bytes

    @property
    def vmaf_difference(self) -> float | None:
        """Points more than the one that it would replace."""
        if self.picture.vmaf is None or self.instead_of.vmaf is None:
            return None
        return self.picture.vmaf - self.instead_of.vmaf

    @property
    def same(self) -> bool:
        larger = max(self.video_bytes_ratio, 1 / self.video_bytes_ratio)
        return larger <= 1 + BYTES_ALIKE and abs(self.vmaf_difference or 0.0) <= VMAF_ALIKE

    @property
    def words(self) -> str:
        """`files 2.9 times as large, VMAF 94.2 instead of 90.2`."""
        alike = "the same picture: " if self.same else ""
        sound = abs(self.bytes_ratio - 1) > BYTES_ALIKE and self.same
        return f"{alike}files {_as_large(self.bytes_ratio)}{' for their sound' if sound else ''}, {self._vmaf_words()}"

    def to_json(self) -> dict[str, Any]:
        return {
            "same": self.same,
            "bytes_ratio": self.bytes_ratio,
            "video_bytes_ratio": self.video_bytes_ratio,
            "vmaf_difference": self.vmaf_difference,
            "picture": self.picture.to_json(),
            "instead_of": self.instead_of.to_json(),
            "words": self.words,
        }

    def _vmaf_words(self) -> str:
        ours, theirs = self.picture.vmaf, self.instead_of.vmaf
        if ours is None or theirs is None:
            why = self.picture.why or self.instead_of.why
            return f"by their size alone (VMAF not scored: {why})"
        return f"VMAF {ours:.1f} instead of {theirs:.1f}"


@dataclass(frozen=True, slots=True)
class ClipPicture:
    """One clip's part of a picture."""

    size_bytes: int
    video_bytes: int
    score: Quality | Unscored


def look_at(clip: Upload, score: Quality | Unscored) -> ClipPicture:
    """The sizes of the clip described."""
    return ClipPicture(clip.size_bytes, clip.video_bytes, score)


def pooled_picture(clips: Sequence[ClipPicture]) -> Picture:
    """Of several clips as one: the mean over all frames; of the low values the lowest clip's.

    Clips that cannot be scored count with their bytes alone (one may be black).
    """
    size_bytes = sum(clip.size_bytes for clip in clips)
    video_bytes = sum(clip.video_bytes for clip in clips)
    found = [clip.score for clip in clips if isinstance(clip.score, Quality)]
    if not found:
        why = next(clip.score.why for clip in clips if isinstance(clip.score, Unscored))
        return Picture(size_bytes, video_bytes, None, why)
    frames = sum(quality.frames for quality in found)
    pooled = Quality(
        mean=sum(quality.mean * quality.frames for quality in found) / frames,
        p5=min(quality.p5 for quality in found),
        worst_second=min(quality.worst_second for quality in found),
        frames=frames,
        model=found[0].model,
        libvmaf=found[0].libvmaf,
    )
    return Picture(size_bytes, video_bytes, pooled)


def _as_large(ratio: float) -> str:
    if ratio >= 2:
        return f"{ratio:.1f} times as large"
    change = round(abs(ratio - 1) * 100)
    if change == 0:
        return "of the same size"
    return f"{change} % {'larger' if ratio > 1 else 'smaller'}"
