"""What is right of a clip whose packets were copied, by its boxes and bit for bit.

A copy begins at an access point before its first picture. What is hidden so must not be seen by who
ignores the edit list either: it lasts a few milliseconds in all, at the front and at the tail. Sound
hides no more than its codec needs to begin. `WAYS` says which mode of clipkit has to keep what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import packets
from delivered import Clip, sound_codec
from film import Film
from frames import Sound
from shown import Track

if TYPE_CHECKING:
    from oracle import Due

_ENTRIES = {b"avc1", b"hvc1", b"av01", b"vp09"}
_MOST_HIDDEN = Fraction(1, 100)
# What lies before the packet of the start, and is decoded for it: seconds by codec, or packets.
_PREROLL = {"opus": Fraction(80, 1000)}
# MP3 keeps up to 511 bytes of a frame in those before it: at 32 kbit/s that is 8 of them.
_PREROLL_PACKETS = {"aac": 1, "ac3": 1, "eac3": 1, "mp3": 9, "mp3float": 9}


@dataclass(frozen=True, slots=True)
class Way:
    """What a mode promises. `copies`: at least a part is the upload's, bit for bit, and so its pixels
    and colours are; `hides`: pictures may lie in it that are not shown; `exact`: all is the upload's."""

    copies: bool
    hides: bool
    exact: bool


WAYS: Mapping[str, Way] = {
    "encode": Way(copies=False, hides=False, exact=False),
    "smart": Way(copies=True, hides=False, exact=False),
    "copy": Way(copies=True, hides=True, exact=True),
    "auto": Way(copies=False, hides=False, exact=False),  # of its refusals: a clip says its own
}


def faults(film: Film, wanted: Due, clip: Clip, way: Way, heard_in: Path | None) -> Iterator[str]:
    """`heard_in`: the upload; None where its sound was not to be copied."""
    yield from _order_faults(clip.video)
    if not way.hides and len(clip.video.stored.samples) != len(clip.video.shown):
        hidden = len(clip.video.stored.samples) - len(clip.video.shown)
        yield f"{hidden} pictures lie hidden in it"
    if not way.copies:
        return
    yield from _entry_faults(clip)
    yield from _hidden_faults(clip, way)
    if way.exact:
        yield from _exact_faults(film, wanted, clip)
    else:
        yield from _uniform_faults(wanted, clip)
    copied = heard_in if clip.sound_codec == (heard_in and sound_codec(heard_in)) else None
    if copied and film.sound and clip.film.sound:
        unlike = list(_sound_faults(film.sound, clip.film.sound, wanted))
        track = clip.movie.first("soun")
        if unlike and track:
            # Mode encode's contract of sound is to within one packet, and a mode that encodes has its sound.
            needed = _PREROLL_PACKETS.get(clip.sound_codec or "", 0) if way.exact else 0
            told = list(packets.faults(copied, clip.data, track, wanted.zero, needed))
            if told:
                yield from (*unlike, *told)
        yield from _hidden_sound_faults(clip)


def equal(film: Film, wanted: Due, clip: Clip) -> list[bool]:
    """Of each picture, whether it is the upload's bit for bit."""
    pairs = zip(wanted.pictures, clip.film.pictures, strict=True)
    return [film.pictures[index].exact == made.exact for index, made in pairs]


def _order_faults(video: Track) -> Iterator[str]:
    samples = video.stored.samples
    stuck = sum(one.decoded >= after.decoded for one, after in pairwise(samples))
    if stuck:
        yield f"{stuck} times of decoding do not rise"
    shown = sorted(one.shown for one in samples)
    if any(one == after for one, after in pairwise(shown)):
        yield "two pictures are shown at one time"


def _entry_faults(clip: Clip) -> Iterator[str]:
    held = clip.video.stored
    if len(held.entries) != 1:
        yield f"it has {len(held.entries)} sample entries"
    elif held.entries[0] not in _ENTRIES:
        yield f"its sample entry is {held.entries[0].decode('latin-1')}"
    elif sets := held.parameter_sets(clip.data):
        yield f"{sets} parameter sets lie among its samples"
    if orphans := held.orphans():
        # Chromium stops with an error where one seeks there.
        yield f"{orphans} pictures need more than the one to seek to that they follow"
    early = sum(one.offset < 0 for one in held.samples)
    if early:
        yield f"{early} composition offsets are negative"


def _hidden_faults(clip: Clip, way: Way) -> Iterator[str]:
    """Of the media's own time: what comes before what is shown, and behind it, and what the headers say.

    Where nothing is hidden the first picture may come late, as from an encoder that reorders.
    """
    held = clip.video.stored
    if len(held.edits) != 1 or held.edits[0].start < 0:
        yield f"its edit list has {len(held.edits)} edits, or an empty one"
        return
    start = held.edits[0].start * held.tick
    end = start + clip.video.end
    lasts = held.lasts * held.tick
    written = held.samples[-1].decoded + held.samples[-1].lasts
    last = max(one.shown for one in held.samples)
    late = 0 if way.hides else min(one.shown for one in held.samples) * held.tick
    hidden = start - late + max(Fraction(0), max(last, written, held.lasts) * held.tick - end)
    if hidden > _MOST_HIDDEN + clip.tolerance:
        yield f"{float(hidden) * 1000:.1f} ms of its pictures are hidden, at most 10 may be"
    if not end - clip.tolerance <= lasts <= end + _MOST_HIDDEN + clip.tolerance:
        yield f"mdhd says {float(lasts):.6f} s where its pictures end at {float(end):.6f}"


def _exact_faults(film: Film, wanted: Due, clip: Clip) -> Iterator[str]:
    if len(clip.film.pictures) == len(wanted.pictures):
        same = equal(film, wanted, clip)
        if not all(same):
            yield f"{same.count(False)} of {len(same)} pictures are not the upload's, bit for bit"
    yield from _without_list_faults(film, wanted, clip)


def _without_list_faults(film: Film, wanted: Due, clip: Clip) -> Iterator[str]:
    """Who ignores the list has to see the same pictures, each as much later as the hidden ones last."""
    start = clip.video.stored.edits[0].start * clip.video.tick
    end = start + clip.video.end - clip.movie.tick / 2
    seen = [one for one in clip.without_list if start - clip.video.tick / 2 <= one.at < end]
    if [one.exact for one in seen] != [film.pictures[index].exact for index in wanted.pictures]:
        yield "who ignores its list sees other pictures"
        return
    for number, (one, when) in enumerate(zip(seen, wanted.times, strict=True)):
        if abs(one.at - start - when) > clip.tolerance:
            yield f"who ignores its list sees picture {number} at {float(one.at):.6f} s"
            return


def _uniform_faults(wanted: Due, clip: Clip) -> Iterator[str]:
    """Where the upload's pictures come at one pace, so do the samples, but for the last."""
    paces = [after - one for one, after in pairwise(wanted.times)]
    lasts = [one.lasts * clip.video.tick for one in clip.video.stored.samples[:-1]]
    if paces and max(paces) - min(paces) <= _NEARLY:
        uneven = sum(abs(one - paces[0]) > _NEARLY + clip.video.tick for one in lasts)
        if uneven:
            yield f"{uneven} samples last another time than the upload's pictures"


_NEARLY = Fraction(1, 900)


def _sound_faults(film: Sound, clip: Sound, wanted: Due) -> Iterator[str]:
    """From its first sample on, as the upload's are where it is decoded as a whole."""
    due = (wanted.zero + Fraction(clip.at) - Fraction(film.at)) * film.rate
    ends = round((wanted.zero + wanted.length - Fraction(film.at)) * film.rate)
    if clip.rate != film.rate:
        yield f"its sound has {clip.rate} samples a second instead of {film.rate}"
        return
    slack = 1 + round(film.tick * film.rate)
    first = round(due)
    away = {}
    for lag in sorted(range(-slack, slack + 1), key=abs):
        at = first + lag
        length = min(len(clip.samples), ends - at, len(film.samples) - at)
        if at < 0 or length <= 0:
            continue
        away[lag] = np.abs(film.samples[at : at + length] - clip.samples[:length])
        if not away[lag].any():
            return
    if not away:
        return
    best = min(away, key=lambda lag: float(away[lag].sum()))
    wrong = np.flatnonzero(away[best])
    yield (
        f"{len(wrong)} samples of its sound are not the upload's, by up to {away[best].max():.4f}, "
        f"from {wrong[0] / clip.rate:.4f} s to {wrong[-1] / clip.rate:.4f}"
    )


def _hidden_sound_faults(clip: Clip) -> Iterator[str]:
    track = clip.movie.first("soun")
    if track is None or not track.shown or not clip.sound_codec:
        return
    held = track.stored
    packet = max(one.lasts for one in held.samples) * held.tick
    preroll = _PREROLL.get(clip.sound_codec, packet * _PREROLL_PACKETS.get(clip.sound_codec, 0))
    start = max(0, held.edits[-1].start) * held.tick
    last = held.samples[-1].decoded + held.samples[-1].lasts
    shown = sum(edit.lasts or 0 for edit in held.edits if edit.start >= 0) * clip.movie.tick
    behind = last * held.tick - start - shown if shown else Fraction(0)
    if start > preroll + packet + clip.tolerance:
        yield f"{float(start) * 1000:.1f} ms of sound are hidden before it"
    if behind > packet + clip.tolerance:
        yield f"{float(behind) * 1000:.1f} ms of sound are hidden behind it"
