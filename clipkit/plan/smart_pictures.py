"""What ffmpeg is told of the pictures of mode `smart`: those encoded, to go with those copied. Pure."""

from __future__ import annotations

from fractions import Fraction
from math import log2

from clipkit.media.avc import Avc
from clipkit.media.upload import Upload
from clipkit.plan.encoded_pictures import timing_filters
from clipkit.plan.entry import Cut, Entry
from clipkit.plan.seams import Seams

_BASELINE, _MAIN = 66, 77
# What x264 must use for its sets to name the upload's profile, and may not for another.
_X264_PROFILES = {_BASELINE: (), _MAIN: ("cabac=1", "8x8dct=0")}
_HIGH = ("8x8dct=1",)
_SHIFT_S = 1e-6
# So much lower for each doubling of the bits a pixel.
_CRF_AT, _AT_BITS, _CRF_STEP = 18, 0.1, 1.2
_LOWEST_CRF, _HIGHEST_CRF = 16, 22


def encoded_options(cut: Cut, entry: Entry, avc: Avc, tick_s: Fraction) -> dict[str, object]:
    """For a part of the clip that is encoded, `cut` having its frames alone."""
    settings = cut.settings
    x264 = [f"sps-id={_unused(avc)}", *_X264_PROFILES.get(avc.profile, _HIGH)]
    if avc.reorder_depth == 1:
        x264.append("b-pyramid=none")
    if settings.lookahead is not None:
        x264.append(f"rc-lookahead={settings.lookahead}")
    if settings.mbtree is not None:
        x264.append(f"mbtree={int(settings.mbtree)}")
    options: dict[str, object] = {
        "c:v": "libx264",
        "preset": settings.preset,
        "crf": crf_like(cut.upload),
        "bf": avc.bframes(settings.bframes),
        "fps_mode": "passthrough",
        "enc_time_base:v": f"{tick_s.numerator}/{tick_s.denominator}",
        "x264-params": ":".join(x264),
        "vf": ",".join(timing_filters(cut, entry)),
    }
    if avc.profile == _BASELINE:
        options["profile:v"] = "baseline"
    if settings.encoder_threads:
        options["threads"] = settings.encoder_threads
    if settings.refs is not None:
        options["refs"] = settings.refs
    return options


def _unused(avc: Avc) -> int:
    """The lowest number that no parameter set of the upload has; x264 gives it to both of its own."""
    return next(number for number in range(len(avc.numbers) + 1) if number not in avc.numbers)


def crf_like(upload: Upload) -> int:
    """So that what is encoded looks like what is copied: the more bits a pixel the upload has, the lower.

    What little of a clip is encoded may have several times the upload's bits: after a seam nobody may see.
    `experiments/benchmarks/smart_quality.py` shows VMAF and bytes beside those of other CRFs.
    """
    bits = bits_a_pixel(upload)
    crf = round(_CRF_AT - _CRF_STEP * log2(bits / _AT_BITS)) if bits else _LOWEST_CRF
    return min(max(crf, _LOWEST_CRF), _HIGHEST_CRF)


def bits_a_pixel(upload: Upload) -> float:
    """Of its pictures, on average."""
    pixels = len(upload.frame_times_s) * upload.coded_width * upload.coded_height
    return 8 * upload.video_bytes / pixels


def copied_options(upload: Upload, seams: Seams) -> dict[str, object]:
    """What comes before the first picture to copy is dropped by its own time, wherever the seek has landed."""
    before = int(_SHIFT_S / float(upload.time_base))
    last, zero = (upload.frame_times_s[n] for n in (seams.behind - 1, seams.copied))
    return {
        "c:v": "copy",
        "bsf:v": f"noise=amount=0:drop='lt(pts,{-before})'",
        "t": f"{last - zero + 1 / upload.fps:.6f}",
    }
