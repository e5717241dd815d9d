"""A clip's poster: its first picture as a JPEG, made by the ffmpeg that cuts the clip, from what it decodes
anyway. Pure."""

from __future__ import annotations

from dataclasses import replace

from clipkit.plan.encoded_pictures import picture_filters
from clipkit.plan.entry import Cut, Entry


def poster_name(number: int) -> str:
    """Beside `clip-001.mp4`."""
    return f"clip-{number:03d}.jpg"


def poster_options(cut: Cut, entry: Entry) -> dict[str, object]:
    """Cropped and scaled as the clip is; tone-mapped also where the clip stays HDR, which no JPEG can be.

    Its colours are what JFIF means without a word: full range, by the matrix of BT.601. Its muxer is the
    one that takes the file's name as it is, with no pattern in it.
    """
    as_sdr = replace(cut, settings=replace(cut.settings, hdr="sdr"))
    filters = picture_filters(as_sdr, entry, of_these=["trim=end_frame=1"])
    as_jpeg = ["scale=out_color_matrix=bt601:out_range=pc", "format=yuvj420p"]
    return {
        "c:v": "mjpeg",
        "q:v": 3,
        "threads": 1,
        "fps_mode": "passthrough",
        "frames:v": 1,  # filters start anew, and count from 0, where the upload's pictures change
        "f": "mjpeg",
        "vf": ",".join([*filters, *as_jpeg]),
    }
