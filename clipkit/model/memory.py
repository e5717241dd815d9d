"""Anonymous memory of one clip's ffmpeg: frames held x frame size.

The constants are fitted by `experiments/benchmarks/memory.py`, which prints them and the errors
on the uploads that it measured.
"""

from __future__ import annotations

from clipkit.media.upload import Upload
from clipkit.settings import PRESETS, Settings


def clip_anon_bytes(upload: Upload, settings: Settings) -> int | None:
    """Predicted peak anonymous memory of one ffmpeg, in bytes."""
    return None
