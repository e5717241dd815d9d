"""Uploads that exist only as facts: planning opens no file and starts no process."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from clipkit.media.look import Colours, Look
from clipkit.media.upload import AudioTrack, Upload

AAC = AudioTrack("aac", 48000, 2)


def look(known: dict[str, Any]) -> Look:
    """How pictures are that are as the facts of their upload say; SDR of no stated colours."""
    return Look(
        width=known["coded_width"],
        height=known["coded_height"],
        pixel_aspect=known["pixel_aspect"],
        pixel_format=known["pixel_format"],
        bit_depth=known["bit_depth"],
        colours=Colours(9, 16, 9, False) if known["hdr"] else Colours(2, 2, 2, False),
    )


def upload(
    frames: int | Sequence[float] = 500, fps: float = 25.0, gop_frames: int = 50, **facts: Any
) -> Upload:
    """At a constant rate with a key frame every `gop_frames`, or with frames at given times."""
    times_s = [n / fps for n in range(frames)] if isinstance(frames, int) else list(frames)
    plain: dict[str, Any] = {
        "path": Path("/uploads/film.mp4"),
        "sha256": "0" * 64,
        "size_bytes": 1_000_000,
        "container": "mov,mp4,m4a,3gp,3g2,mj2",
        "container_start_s": 0.0,
        "duration_s": times_s[-1] + 1 / fps,
        "video_end_s": Fraction(times_s[-1] + 1 / fps).limit_denominator(1_000_000),
        "repeats": 0,
        "clock_turn": None,
        "video_stream": 0,
        "codec": "h264",
        "profile": "High",
        "pixel_format": "yuv420p",
        "bit_depth": 8,
        "coded_width": 1280,
        "coded_height": 720,
        "width": 1280,
        "height": 720,
        "pixel_aspect": Fraction(1),
        "rotation_deg": 0,
        "time_base": Fraction(1, 12800),
        "fps": fps,
        "vfr": False,
        "hdr": False,
        "color_transfer": None,
        "dolby_vision": None,
        "frame_times_s": tuple(times_s),
        "key_frame_times_s": tuple(times_s[::gop_frames]),
        "seek": "exact",
        "audio": (AAC,),
        "sound_track": 0,
        "films": 1,
        "other_streams": (),
        "warnings": (),
    }
    known = plain | facts
    known.setdefault("looks", ((times_s[0], look(known)),))
    if not known["audio"]:
        known["sound_track"] = None
    return Upload(**{"end_s": known["video_end_s"]} | known)
