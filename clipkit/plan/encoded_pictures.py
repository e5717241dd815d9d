"""What ffmpeg is told of a re-encoded clip's pictures: filters, encoder, times. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from clipkit.media.geometry import Framing
from clipkit.media.upload import Upload
from clipkit.plan.entry import Cut, Entry
from clipkit.plan.own_pictures import alike_filters
from clipkit.settings import Settings

# 8 bit 4:2:0 is what every browser plays; these need no conversion.
_PLAYABLE = {"yuv420p", "yuvj420p"}
_FINEST_TIME_BASE = Fraction(1, 1_000_000)
# The chain of ffmpeg's own documentation for `tonemap`: linear light, BT.709 primaries, Hable.
_TONE_MAP = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,"
    "tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
)


def tone_mapped(upload: Upload, settings: Settings) -> bool:
    return upload.hdr and settings.hdr == "sdr"


def framing(upload: Upload, settings: Settings) -> Framing:
    """Which part of the picture is encoded, in how many pixels. Raises FfmpegError for a crop outside of it."""
    return upload.framing(settings.crop, settings.scale_height)


def picture_filters(cut: Cut, entry: Entry, of_these: Sequence[str] = ()) -> list[str]:
    """From decoded frames to the clip's; `of_these` are filters that leave some of them out."""
    upload, frames, settings = cut.upload, cut.frames, cut.settings
    low_s, high_s = frames.low_s - entry.origin_s, frames.high_s - entry.origin_s
    # In microseconds: in a time base as coarse as 1/30 `trim` would round its bounds to a frame.
    filters = ["settb=AVTB", f"trim=start={low_s:.6f}:end={high_s:.6f}", "setpts=PTS-STARTPTS"]
    filters += [*of_these, *alike_filters(upload, cut.own_look)]
    # Before all that costs more the more pixels there are.
    filters += framing(upload, settings).filters()
    if tone_mapped(upload, settings):
        filters.append(_TONE_MAP)
    return filters


def video_options(cut: Cut, entry: Entry) -> dict[str, object]:
    upload, settings = cut.upload, cut.settings
    ticks = max(upload.time_base, _FINEST_TIME_BASE)
    options: dict[str, object] = {
        "c:v": "libx264",
        "preset": settings.preset,
        "crf": settings.crf,
        # Each frame at its own time: none dropped, doubled or moved to a constant rate.
        "fps_mode": "passthrough",
        "enc_time_base": f"{ticks.numerator}/{ticks.denominator}",
    }
    if upload.hdr and not tone_mapped(upload, settings):
        options["pix_fmt"] = "yuv420p10le"
    elif not upload.hdr and upload.pixel_format not in _PLAYABLE:
        options["pix_fmt"] = "yuv420p"
    if settings.encoder_threads:
        options["threads"] = settings.encoder_threads
    if settings.bframes is not None:
        options["bf"] = settings.bframes
    if settings.refs is not None:
        options["refs"] = settings.refs
    x264 = []
    if settings.lookahead is not None:
        x264.append(f"rc-lookahead={settings.lookahead}")
    if settings.mbtree is not None:
        x264.append(f"mbtree={int(settings.mbtree)}")
    if x264:
        options["x264-params"] = ":".join(x264)
    return options | {"vf": ",".join(picture_filters(cut, entry))}
