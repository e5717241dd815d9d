"""The packets of a copied clip that the engine takes out of an MP4 by itself, without an ffmpeg. Pure.

What `plan.copy` has ffmpeg do in filters is said here in numbers: which packets, and when each is decoded and shown.
The engine refuses where the upload's own tables do not agree; then an ffmpeg does it.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from math import ceil, floor

from clipkit.media.upload import Upload
from clipkit.plan.copied_sound import sound_taken_from_s
from clipkit.plan.encoded_sound import is_copied
from clipkit.plan.squeezed import Squeeze
from clipkit.plan.task import OUTPUT, Patch

_CODECS = ("h264", "hevc")
# Each is held in memory; an ffmpeg's start matters little beside so many.
_MOST_TAKEN = 20_000


def lifting(
    upload: Upload,
    taken: Sequence[int],
    squeeze: Squeeze,
    sought: Sequence[int],
    sound: Mapping[str, object],
) -> Patch | None:
    """The step that makes the clip, with sound by these options of ffmpeg's; None where it takes an ffmpeg: another
    container, packets that have to be changed, sound that is encoded or is no AAC.

    `taken`: when the packets would be shown, in ticks from the container's start; `sought`: the numbers of those that may
    be, from 1 on.
    """
    heard = None if "an" in sound else upload.sound
    is_plain = upload.container.startswith("mov") and upload.codec in _CODECS
    changed = upload.sets_inside or upload.damaged_places or upload.seek == "none"
    foreign = heard is not None and (heard.codec != "aac" or not is_copied(sound))
    numbers = {stream.at: stream.number for stream in upload.streams}
    is_known = upload.video_stream in numbers and len({*numbers.values()}) == len(numbers)
    if not (is_plain and is_known and sought) or changed or foreign or len(taken) > _MOST_TAKEN:
        return None
    pictures = _pictures(upload, taken, squeeze, sought)
    if pictures is None:
        return None
    words = {"pictures": pictures, "sounds": _sounds(upload, squeeze) if heard else ""}
    return Patch(
        "lift_packets", {"file": OUTPUT, "source": os.fspath(upload.path), **words}, apart=True
    )


def _pictures(
    upload: Upload, taken: Sequence[int], squeeze: Squeeze, sought: Sequence[int]
) -> str | None:
    """As `engine.lifting.Pictures` reads them; None where two are shown at one time."""
    tick_s, origin = float(upload.time_base), upload.origin_ticks
    shown = squeeze.shown([(origin + tick) * tick_s for tick in taken])
    in_turn = sorted(shown)
    if len(set(shown)) < len(shown):
        return None
    decoded = _decoded(shown, in_turn)
    ends = [*decoded, squeeze.end_tick]
    head = (
        next(each.number for each in upload.streams if each.at == upload.video_stream),
        len(upload.decoding_ticks),
        squeeze.ticks_per_s,
        -decoded[0],
        squeeze.end_tick,
        int(upload.looks[0][1].colours.wide),
    )
    lasts = [later - earlier for earlier, later in pairwise(ends)]
    ahead = [at - when for at, when in zip(shown, decoded, strict=True)]
    runs = (_in_order(_places(upload, taken)), _alike(lasts), _alike(ahead))
    return " ".join([*map(str, head), *runs, ",".join(map(str, sought))])


def _decoded(shown: Sequence[int], in_turn: Sequence[int]) -> list[int]:
    """When each is decoded: when the one that many places before it is shown, as the most that any is decoded ahead of
    its turn. So they rise, and none is decoded after it is shown."""
    turn = {at: place for place, at in enumerate(in_turn)}
    depth = max(number - turn[at] for number, at in enumerate(shown))
    return [*range(in_turn[0] - depth, in_turn[0]), *in_turn[: len(shown) - depth]]


def _places(upload: Upload, taken: Sequence[int]) -> list[int]:
    """Where these packets come in the order of decoding."""
    ticks = upload.decoding_ticks
    near = bisect_left(upload.access_places, taken[0], key=ticks.__getitem__)
    place = upload.access_places[near]
    found: list[int] = []
    while len(found) < len(taken):
        if ticks[place] >= taken[0]:
            found.append(place)
        place += 1
    return found


def _sounds(upload: Upload, squeeze: Squeeze) -> str:
    """As `engine.lifting.Sounds` reads them."""
    sound = upload.sound
    assert sound is not None and upload.sound_track is not None  # noqa: S101 (for the type checker)
    tracks = [stream.number for stream in upload.streams if stream.kind == "audio"]
    rate = sound.sample_rate
    first = ceil(sound_taken_from_s(upload, sound, squeeze.zero_s) * rate)
    zero = floor(squeeze.zero_s * rate + Fraction(1, 2))
    numbers = (tracks[upload.sound_track], rate, first, ceil(squeeze.end_s * rate), zero)
    return " ".join(map(str, numbers))


def _alike(values: Iterable[int]) -> str:
    return ",".join(f"{len(list(same))}x{value}" for value, same in groupby(values))


def _in_order(places: Sequence[int]) -> str:
    """Runs of what follows each other, by how many and the first."""
    runs = groupby(enumerate(places), key=lambda each: each[1] - each[0])
    found = [[place for _, place in run] for _, run in runs]
    return ",".join(f"{len(run)}x{run[0]}" for run in found)
