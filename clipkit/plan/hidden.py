"""What of the upload a clip holds without showing it."""

from __future__ import annotations

from dataclasses import dataclass

from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip


@dataclass(frozen=True, slots=True)
class Hidden:
    """Seconds of the upload before the clip's start, and behind its end; None: not known."""

    preroll_s: float
    tail_s: float | None


def nothing_hidden(_upload: Upload, _clip: Clip) -> Hidden:
    return Hidden(0.0, 0.0)


def no_preroll(_upload: Upload, _clip: Clip) -> Hidden:
    """How many pictures lie behind its end is ffmpeg's own affair."""
    return Hidden(0.0, None)
