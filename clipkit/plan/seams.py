"""Which pictures of a clip can be copied, so that none has to be hidden before them or behind. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate

from clipkit.media.upload import Upload
from clipkit.plan.copyable import is_timed
from clipkit.plan.frames import FrameSpan
from clipkit.plan.own_pictures import copied_shape_unknown


@dataclass(frozen=True, slots=True)
class Seams:
    """The pictures from `copied` to before `behind`, by their numbers in the upload, are copied; those of the
    clip before and after are encoded."""

    copied: int
    behind: int

    @property
    def frames(self) -> int:
        return self.behind - self.copied


def seams(upload: Upload, frames: FrameSpan) -> Seams | str:
    """From the first picture at which all decoding can start anew up to the last one behind which no later
    one is decoded before its turn; or why there are none, in words."""
    why_not = _why_not(upload, frames)
    if why_not:
        return why_not
    first_tick, last_tick = upload.tick(frames.first), upload.tick(frames.last)
    ticks = upload.decoding_ticks
    number = bisect_left(upload.closed_places, first_tick, key=ticks.__getitem__)
    if number == len(upload.closed_places) or ticks[upload.closed_places[number]] > last_tick:
        return "no closed group of pictures begins in it"
    place = upload.closed_places[number]
    within = ticks[place : _next_beyond(upload, number, last_tick)]
    count = _whole_until(within, last_tick)
    shown = range(frames.first, frames.last + 1)
    copied = shown[bisect_left(shown, ticks[place], key=upload.tick)] if count else frames.first
    same = [upload.tick(n) for n in range(copied, min(copied + count, frames.last + 1))]
    if not count or sorted(within[:count]) != same:
        return "its pictures are not those between two closed groups"
    behind = place + count
    if any(place <= damaged < behind for damaged in upload.damaged_places):
        return "the upload is damaged there"
    turns = bisect_left(upload.set_turns, place + 1)
    if turns % 2 or any(turn < behind for turn in upload.set_turns[turns : turns + 1]):
        return "the upload's parameter sets change"
    return Seams(copied, copied + count)


def frames_decoded_beside(upload: Upload, frames: FrameSpan, found: Seams) -> int:
    """How many are decoded for the pictures that are encoded before and behind the copied ones: from the key
    frame before each stretch on."""
    stretches = ((frames.first, found.copied), (found.behind, frames.last + 1))
    return sum(behind - _key_before(upload, first) for first, behind in stretches if first < behind)


def _key_before(upload: Upload, frame: int) -> int:
    keys, times = upload.key_frame_times_s, upload.frame_times_s
    number = bisect_right(keys, times[frame]) - 1
    return bisect_left(times, keys[number]) if number >= 0 else 0


def _why_not(upload: Upload, frames: FrameSpan) -> str | None:
    first_s, last_s = (upload.frame_times_s[n] for n in (frames.first, frames.last))
    if any(first_s < from_s <= last_s for from_s, _ in upload.looks):
        return "the upload's pictures change in it"
    if copied_shape_unknown(upload):
        return "the upload has entries for pixels of several shapes"
    if upload.seek == "none":
        return "the upload's key frames cannot be relied upon"
    if upload.untimed or upload.repeats or not is_timed(upload):
        return "not every picture has a time of its own"
    return None


def _next_beyond(upload: Upload, number: int, last_tick: int) -> int:
    """The place of the first closed group that begins after the clip's last picture: no picture from there on
    belongs before it."""
    beyond = bisect_left(
        upload.closed_places, last_tick + 1, lo=number, key=upload.decoding_ticks.__getitem__
    )
    if beyond == len(upload.closed_places):
        return len(upload.decoding_ticks)
    return upload.closed_places[beyond]


def _whole_until(ticks: tuple[int, ...], last_tick: int) -> int:
    """The most pictures of these, in the order of decoding, of which none is shown after `last_tick` nor
    after any that is decoded later."""
    highest = list(accumulate(ticks, max))
    lowest_left = list(accumulate(reversed(ticks), min))[::-1][1:]
    counts = [
        count
        for count, (high, low) in enumerate(
            zip(highest, [*lowest_left, last_tick + 1], strict=True), 1
        )
        if high <= last_tick and high < low
    ]
    return max(counts, default=0)
