"""How a cut clip looks beside its upload: VMAF of its frames against the upload's own, by number.

Model and pooling as Netflix has them (github.com/Netflix/vmaf, resource/doc/models.md): the model of
4K from 2160 lines on, arithmetic means over frames.
"""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.upload import Upload
from clipkit.media.vmaf import (
    Comparison,
    Original,
    Scores,
    Shown,
    Unscored,
    run_libvmaf,
    seek_points,
)

_MODEL = "vmaf_v0.6.1"
_MODEL_4K = "vmaf_4k_v0.6.1"
_LINES_OF_4K = 2160
# The model was fitted on pictures of 1080 lines; its coarsest scale is a sixteenth of the picture.
_LEAST_LINES = 256
_LEAST_S = 1.0
_WINDOW_S = 2.0
PLACES = 5
"""Windows of two seconds at five places tell a mean; a clip that is no longer is scored whole."""
# By mean luma of 8 bits: video black is 16.
_BLACK_LUMA = 20.0
# By VMAF's own feature, the mean absolute difference of two frames.
_STILL_MOTION = 0.05
# A command's `-t` loses or adds as many at the end; with more the numbers do not match.
_FRAMES_ASTRAY = 3
# Beyond, the clip was cropped or padded: no scaling brings its pictures over the upload's.
_ASPECT_SLACK = 0.02
_TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True)
class Quality:
    """VMAF, from 0 to 100. `p5` is the 5th percentile of its frames, `worst_second` the least mean of
    a second on end. `libvmaf` is the version that the scoring ffmpeg's library tells."""

    mean: float
    p5: float
    worst_second: float
    frames: int
    model: str
    libvmaf: str


def score_clip(
    made: Upload, original: Original, build: FfmpegBuild, places: int = PLACES
) -> Quality | Unscored:
    """VMAF of the clip `made` against the upload's own frames, at so many places of it.

    A clip of another size is scaled back (bicubic). Not scored: under 256 lines or 1 s, black, still,
    HDR (the models know none), cropped or padded, another number of frames, or no libvmaf in `build`.
    """
    if "libvmaf" not in build.filters:
        return Unscored(f"ffmpeg {build.version} has no libvmaf")
    upload, shown, part = original.upload, original.shown, original.part
    lines = min(part.part_width, part.part_height)
    if lines < _LEAST_LINES:
        return Unscored(f"a picture of {lines} lines, VMAF needs {_LEAST_LINES}")
    if shown.high_s - shown.low_s < _LEAST_S - 0.5 / upload.fps:
        return Unscored(f"a clip of under {_LEAST_S:g} s")
    if upload.hdr:
        return Unscored("HDR, which VMAF's models do not know")
    if why := _unlike(made, original):
        return Unscored(why)
    count = min(shown.frames, len(made.frame_times_s))
    windows = scored_windows(count, upload.fps, places)
    model = _MODEL_4K if lines >= _LINES_OF_4K else _MODEL
    return _scored(Comparison(made, original, windows, model), build)


def scored_windows(frames: int, fps: float, places: int = PLACES) -> tuple[tuple[int, int], ...]:
    """First and last number of the frames to score: windows from the first frame to the last one, or
    around the middle where there is but one place; all frames of a clip that is no longer."""
    length = max(1, round(_WINDOW_S * fps))
    if frames <= places * length:
        return ((0, frames - 1),)
    room = frames - length
    gaps = places - 1
    starts = [round(place * room / gaps) for place in range(places)] if gaps else [room // 2]
    return tuple((start, start + length - 1) for start in starts)


def _unlike(made: Upload, original: Original) -> str | None:
    """Why the clip's frames are not the upload's, each beside its own."""
    upload, shown, part = original.upload, original.shown, original.part
    stored = len(made.frame_times_s)
    if abs(stored - shown.frames) > _FRAMES_ASTRAY:
        return f"the clip holds {stored} frames where the upload has {shown.frames}"
    if stored != shown.frames and not _in_step(made, upload, shown):
        return f"of {shown.frames} frames the clip lacks some in between, or has some twice"
    aspect = made.width * part.part_height / (made.height * part.part_width)
    if abs(aspect - 1) > _ASPECT_SLACK:
        sizes = f"{made.width}x{made.height} from {part.part_width}x{part.part_height}"
        return f"the picture has another shape ({sizes})"
    return None


def _in_step(made: Upload, upload: Upload, shown: Shown) -> bool:
    """Whether what is missing or too many stands at the end: the others are at the upload's times."""
    first = bisect_left(upload.frame_times_s, shown.low_s)
    theirs, ours = upload.frame_times_s[first : first + shown.frames], made.frame_times_s
    # A command moves the frames of a variable rate to a grid: the first and another by half a frame.
    slack_s = 0.75 / upload.fps
    return all(
        abs((at - ours[0]) - (wanted - theirs[0])) < slack_s
        for at, wanted in zip(ours, theirs, strict=False)
    )


def _scored(comparison: Comparison, build: FfmpegBuild) -> Quality | Unscored:
    """From a seek first, then from the upload's start, where seeking lost frames."""
    wanted, compared = sum(last - first + 1 for first, last in comparison.windows), 0
    for seek_s in seek_points(comparison.original.upload, comparison.original.shown):
        found = run_libvmaf(comparison, seek_s, build, _TIMEOUT_S)
        if isinstance(found, Unscored):
            return found
        compared = len(found.vmaf)
        if compared == wanted == len(found.luma):
            return _judged(found, comparison)
    return Unscored(f"{compared} of {wanted} frames could be compared")


def _judged(found: Scores, comparison: Comparison) -> Quality | Unscored:
    if statistics.median(found.luma) < _BLACK_LUMA:
        return Unscored("a black picture")
    if _percentile(found.motion, 95) < _STILL_MOTION:
        return Unscored("a still picture")
    return Quality(
        mean=statistics.fmean(found.vmaf),
        p5=_percentile(found.vmaf, 5),
        worst_second=_worst_second(found.vmaf, comparison.windows, comparison.original.upload.fps),
        frames=len(found.vmaf),
        model=comparison.model,
        libvmaf=found.libvmaf,
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _worst_second(scores: Sequence[float], windows: Sequence[tuple[int, int]], fps: float) -> float:
    """No second reaches from one window into the next."""
    lengths = [last - first + 1 for first, last in windows]
    bounds = [sum(lengths[:place]) for place in range(len(lengths) + 1)]
    second = max(1, round(fps))
    means = []
    for begin, end in pairwise(bounds):
        size = min(second, end - begin)
        means += [statistics.fmean(scores[at : at + size]) for at in range(begin, end - size + 1)]
    return min(means)
