"""Which frames of an upload a clip holds, and when it shows them. Pure; in ticks, as fractions."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, gcd

from clipkit.errors import ClipRangeError
from clipkit.media.upload import Upload, nearest_tick
from clipkit.plan.clips import Clip, Job

# A picture that stands for longer is missed where a clip leaves it out.
_STANDS_S = Fraction(1, 10)
_LOST_S = Fraction(1, 10**9)


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """The frames of a clip: `first` and `last` are indices into the upload's frame times.

    `low_s` and `high_s` lie halfway to the neighbouring frames outside, so that no rounding of
    timestamps in ffmpeg can move a frame across them. The clip is what the upload shows from `zero_s`
    to `end_s`, exactly; `held`: its first picture stood there before and is shown from `zero_s` on.
    """

    first: int
    last: int
    first_s: float
    last_s: float
    low_s: float
    high_s: float
    zero_s: Fraction
    end_s: Fraction
    held: bool = False

    @property
    def frames(self) -> int:
        return self.last - self.first + 1


def span(upload: Upload, clip: Clip) -> FrameSpan:
    """The frames with start <= PTS < start + duration, and the one that stood at the start where it
    would be missed: where no frame begins then and it stands for more than 0.1 s in all, or where no
    other is in the clip.

    Raises ClipRangeError for a clip that reaches beyond the film, or lies before its first picture.
    """
    start_s = _meant(upload, clip.exact_start_s)
    end_s = _meant(upload, start_s + clip.exact_duration_s)
    _check(upload, clip, end_s)
    first, last = _first_from(upload, start_s), _first_from(upload, end_s) - 1
    held = (first > 0 and _is_held(upload, first, start_s)) or first > last
    if held:
        first -= 1
    zero_s = start_s if held else _exact_s(upload, first)
    return _between(upload, (first, last), (zero_s, end_s), held)


def stretch(upload: Upload, frames: FrameSpan, first: int, last: int) -> FrameSpan:
    """Of the frames of a clip those from `first` to `last`."""
    is_first, is_last = first == frames.first, last == frames.last
    zero_s = frames.zero_s if is_first else _exact_s(upload, first)
    end_s = frames.end_s if is_last else _exact_s(upload, last + 1)
    return _between(upload, (first, last), (zero_s, end_s), frames.held and is_first)


def _between(
    upload: Upload, ends: tuple[int, int], times: tuple[Fraction, Fraction], held: bool
) -> FrameSpan:
    (first, last), (zero_s, end_s) = ends, times
    return FrameSpan(
        first=first,
        last=last,
        first_s=upload.frame_times_s[first],
        last_s=upload.frame_times_s[last],
        low_s=low_bound_s(upload, first),
        high_s=_high_bound_s(upload, last),
        zero_s=zero_s,
        end_s=end_s,
        held=held,
    )


def _meant(upload: Upload, time_s: Fraction) -> Fraction:
    """A frame's own time where it is that but for what binary numbers lose of it: 0.06666666666666667 is
    the third of thirty frames a second, though it lies behind 1/15."""
    tick_s = nearest_tick(time_s, upload.time_base) * upload.time_base
    return tick_s if abs(tick_s - time_s) < _LOST_S else time_s


def _check(upload: Upload, clip: Clip, end_s: Fraction) -> None:
    asked = f"clip at {clip.start_s:g} s for {clip.duration_s:g} s"
    # Of a duration that was rounded.
    slack_s = 0 if upload.clock_turn else min(Fraction(1 / upload.fps), _STANDS_S)
    beyond = end_s > upload.end_s + slack_s or clip.exact_start_s >= upload.end_s
    if beyond and upload.clock_turn:
        raise ClipRangeError(
            f"{asked} reaches beyond {float(upload.end_s):.3f} s of {upload.path}, and {upload.clock_turn}: "
            f"make it one first, for example with {_made_one(upload)}"
        )
    if beyond:
        raise ClipRangeError(
            f"{asked} lies beyond the end of {upload.path}: it ends at {float(upload.end_s):.3f} s"
        )
    if end_s <= _exact_s(upload, 0):
        raise ClipRangeError(
            f"{asked} lies before the first picture of {upload.path}, "
            f"which comes at {upload.frame_times_s[0]:.3f} s"
        )


def _made_one(upload: Upload) -> str:
    """What gives the film a clock that goes on: of transport streams ffmpeg continues it by itself."""
    if upload.container == "mpegts":
        return "ffmpeg -i OLD -c copy NEW.mkv"
    return "ffmpeg -i OLD -vf setpts=N/FRAME_RATE/TB -af asetpts=N/SR/TB NEW.mp4"


def _is_held(upload: Upload, first: int, start_s: Fraction) -> bool:
    """Whether the picture before `first` is on the screen at the start, and would be missed."""
    begins_s = upload.end_s
    if first < len(upload.frame_times_s):
        begins_s = _exact_s(upload, first)
    if begins_s == start_s:
        return False
    return begins_s - _exact_s(upload, first - 1) > _STANDS_S


def _first_from(upload: Upload, time_s: Fraction) -> int:
    """The first frame that is not shown before that time."""
    ticks = ceil(time_s / upload.time_base)
    return bisect_left(range(len(upload.frame_times_s)), ticks, key=upload.tick)


def _exact_s(upload: Upload, frame: int) -> Fraction:
    return upload.tick(frame) * upload.time_base


def low_bound_s(upload: Upload, first: int) -> float:
    times_s = upload.frame_times_s
    before_s = times_s[first - 1] if first else times_s[0] - 1 / upload.fps
    return (before_s + times_s[first]) / 2


def _high_bound_s(upload: Upload, last: int) -> float:
    times_s = upload.frame_times_s
    after_s = times_s[last + 1] if last + 1 < len(times_s) else times_s[last] + 1 / upload.fps
    return (times_s[last] + after_s) / 2


@dataclass(frozen=True, slots=True)
class ShownTicks:
    """When a clip shows its frames, and how long it lasts: in ticks of `tick_s`, all exactly. In the
    longer ticks of `frame_tick_s` the frames' times alone are whole."""

    frame_tick_s: Fraction
    tick_s: Fraction
    at_ticks: tuple[int, ...]
    length_ticks: int


def frame_tick_s(upload: Upload, frames: FrameSpan) -> Fraction:
    """The longest tick in which each frame is shown at a whole time of the clip."""
    return _common(upload.time_base, frames.zero_s)


def shown_ticks(upload: Upload, frames: FrameSpan) -> ShownTicks:
    frame_s = frame_tick_s(upload, frames)
    tick_s = _common(frame_s, frames.end_s)
    per_tick, zero = int(upload.time_base / tick_s), int(frames.zero_s / tick_s)
    numbers = range(frames.first, frames.last + 1)
    return ShownTicks(
        frame_tick_s=frame_s,
        tick_s=tick_s,
        at_ticks=tuple(max(upload.tick(number) * per_tick - zero, 0) for number in numbers),
        length_ticks=int(frames.end_s / tick_s) - zero,
    )


def _common(one_s: Fraction, other_s: Fraction) -> Fraction:
    """The longest tick in which both are whole."""
    ticks = gcd(one_s.numerator * other_s.denominator, other_s.numerator * one_s.denominator)
    return Fraction(ticks, one_s.denominator * other_s.denominator)


def frames_decoded_from(job: Job, clip: Clip, seek: str) -> int:
    """By where decoding starts: at the upload's first frame, or at the key frame before the clip."""
    frames, times = span(job.upload, clip), job.upload.frame_times_s
    if seek == "output":
        return frames.last + 1
    keys = [t for t in job.upload.key_frame_times_s if t <= frames.first_s]
    return frames.last - (bisect_left(times, keys[-1]) if keys else 0) + 1
