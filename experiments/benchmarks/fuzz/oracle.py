"""Whether a clip is what was asked for, judged without clipkit: "right", "refused", or "wrong" with reasons.

It decodes the upload (`film`) and the clip, reads the clip's boxes (`shown`), and works out by itself
which pictures the clip has to show when: those with start <= time < start + duration; where none
begins at `start` and the one on the screen then stands for more than 0.1 s in all, or none begins
inside, that one comes first. Two rules:

- full: every picture (which, when), size, shape, colour, the length, the sound in step with it; of what
  was copied, that it is the upload's bit for bit, and what lies hidden (`copied`).
- weak, for damaged uploads and those whose container tells no times of showing, where two decoders
  may differ: a clip that decodes without an error, starts at 0, goes forward and lasts as asked.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import av
import copied
import hearing
import numpy as np
from copied import WAYS, Way
from delivered import Clip
from film import Film, films
from frames import Picture

RIGHT, REFUSED, WRONG = "right", "refused", "wrong"

_HELD = Fraction(1, 10)
_DIFFERS = 0.5  # levels of grey between two pictures that a mistake would be seen by
_CLEARLY = 0.8
_UNLIKE = 12.0  # levels of grey that coding does not explain
_UNLIKE_IN_RANKS = 40.0
_SOUND_ENCODED = re.compile(r"\bsound encoded\b")
_UNSPECIFIED = (0, 2, 2, 2)
_WIDEST = 2**16  # in the 16.16 of an MP4's tkhd


@dataclass(frozen=True, slots=True)
class Asked:
    """A clip. From the words of the command line, so that no binary fraction comes between."""

    start: Fraction
    duration: Fraction

    @classmethod
    def of(cls, start: str | float, duration: str | float) -> Asked:
        return cls(Fraction(str(start)), Fraction(str(duration)))

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Due:
    """What a right clip shows: each picture from when on, counted from `zero` in the film."""

    zero: Fraction
    pictures: tuple[int, ...]
    times: tuple[Fraction, ...]
    length: Fraction


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: str
    reasons: tuple[str, ...] = ()
    rule: str = "full"

    def __str__(self) -> str:
        return self.outcome + "".join(f": {reason}" for reason in self.reasons[:3])


def due(film: Film, asked: Asked) -> Due | None:
    """None where nothing is to be seen in the clip."""
    pictures = film.pictures
    inside = [i for i, one in enumerate(pictures) if asked.start <= one.at < asked.end]
    before = [i for i, one in enumerate(pictures) if one.at < asked.start]
    shown = list(inside)
    zero = pictures[inside[0]].at if inside else asked.start
    if before and not any(pictures[i].at == asked.start for i in inside):
        on = before[-1]
        gone = pictures[on + 1].at if on + 1 < len(pictures) else film.end
        if gone - pictures[on].at > _HELD or not inside:
            shown, zero = [on, *inside], asked.start
    if not shown:
        return None
    times = tuple(max(Fraction(0), pictures[i].at - zero) for i in shown)
    return Due(zero, tuple(shown), times, asked.end - zero)


class Oracle:
    """Judges the clips of one upload. `until_s`: nothing later is decoded."""

    def __init__(self, upload: Path, until_s: float | None = None) -> None:
        self.upload = upload
        self.until_s = until_s
        self.why_not = ""

    @cached_property
    def films(self) -> list[Film]:
        """None where the upload shows nothing, by every reading."""
        try:
            return films(self.upload, self.until_s)
        except (av.FFmpegError, ValueError, OSError) as error:
            self.why_not = str(error)
            return []

    @property
    def uncertain(self) -> bool:
        """Two decoders may differ on it."""
        return any(film.damage or film.disorder for film in self.films)

    def cannot_be_cut(self, asked: Asked) -> bool:
        """Beyond the film's end, or nothing to be seen: a refusal is what is right."""
        return all(asked.end > film.end or due(film, asked) is None for film in self.films)

    def must_not_be_cut(self, asked: Asked) -> bool:
        """As before, and not by a frame's length at the film's end, where both are right."""
        return all(
            asked.end > film.end + Fraction(1, 10) + film.tick or due(film, asked) is None
            for film in self.films
        )

    def judge(
        self,
        asked: Asked,
        clip: Path | None,
        error: str | None,
        mode: str = "encode",
        changes: Sequence[str] = (),
    ) -> Verdict:
        """`clip`: what was delivered as right, with what it says was done otherwise; None: refused in the words
        of `error`.

        A mode that copies may refuse what another has to cut. Sound that a clip owns to have encoded is
        compared as heard.
        """
        way = WAYS[mode]
        if clip is None:
            return self._refusal(asked, error or "", way.copies)
        if not self.films:
            return Verdict(WRONG, (f"cut from what shows nothing ({self.why_not})",))
        if self.must_not_be_cut(asked):
            ends = ", ".join(f"{float(film.end):.3f} s" for film in self.films)
            return Verdict(WRONG, (f"cut where nothing can be: the film ends at {ends}",))
        try:
            made = Clip(clip)
        except (av.FFmpegError, ValueError, struct.error, OSError) as fault:
            return Verdict(WRONG, (f"the clip cannot be read: {fault}",))
        own_sound = _SOUND_ENCODED.search(" ".join(changes)) is not None
        answers = [
            tuple(_faults(film, asked, made, way, None if own_sound else self.upload))
            for film in self.films
        ]
        best = min(answers, key=len)
        if best and self.uncertain:
            return _verdict(tuple(_weak_faults(asked, made)), "weak")
        return _verdict(best, "full")

    def _refusal(self, asked: Asked, error: str, may: bool) -> Verdict:
        jumps = any(film.jumps for film in self.films)
        excused = may or not self.films or self.uncertain or jumps or self.cannot_be_cut(asked)
        if not error or len(error.splitlines()) != 1:
            return Verdict(WRONG, (f"refused in {len(error.splitlines())} lines",))
        return Verdict(REFUSED if excused else WRONG, (f"refused: {error}",))


def _verdict(faults: tuple[str, ...], rule: str) -> Verdict:
    return Verdict(WRONG if faults else RIGHT, faults, rule)


def _faults(film: Film, asked: Asked, clip: Clip, way: Way, heard_in: Path | None) -> Iterator[str]:
    """`heard_in`: the upload whose sound must have been copied where its codec is the clip's."""
    wanted = due(film, asked)
    if wanted is None:
        yield "nothing is to be seen there"
        return
    shown, pictures = clip.video.shown, clip.film.pictures
    yield from _shape_faults(film.pictures[wanted.pictures[0]], clip, way.copies)
    if clip.film.damage:
        yield f"{clip.film.damage} faults in decoding it"
    if len(shown) == len(pictures) == len(wanted.pictures):
        yield from _time_faults(film, clip, wanted)
        yield from _picture_faults(film, clip, wanted)
    else:
        yield (
            f"{len(shown)} pictures by its boxes, {len(pictures)} decoded, "
            f"instead of {len(wanted.pictures)}"
        )
    yield from hearing.faults(film.sound, clip.film.sound, float(wanted.zero), float(wanted.length))
    yield from _length_faults(clip, wanted)
    yield from copied.faults(film, wanted, clip, way, heard_in)


def _time_faults(film: Film, clip: Clip, wanted: Due) -> Iterator[str]:
    for number, (when, index) in enumerate(zip(wanted.times, wanted.pictures, strict=True)):
        told = clip.video.shown[number][0]
        doubled = index > 0 and film.pictures[index].at - film.pictures[index - 1].at == film.tick
        tolerance = clip.tolerance + (film.tick if doubled else 0)
        if abs(told - when) > tolerance:
            yield f"picture {number} is shown at {float(told):.6f} s instead of {float(when):.6f}"
        decoded = clip.film.pictures[number].at
        if abs(decoded - when) > tolerance + Fraction(1, 1000):
            yield f"picture {number} decodes at {float(decoded):.6f} s instead of {float(when):.6f}"
    times = [when for when, _ in clip.video.shown]
    if any(later <= earlier for earlier, later in pairwise(times)):
        yield "its times do not ascend"


def _length_faults(clip: Clip, wanted: Due) -> Iterator[str]:
    tick = max(clip.movie.tick, clip.video.tick) + clip.tolerance
    if abs(clip.video.end - wanted.length) > tick:
        yield f"its last picture ends at {float(clip.video.end):.6f} s, not {float(wanted.length):.6f}"
    if abs(clip.video.lasts - clip.video.end) > tick:
        yield f"tkhd says {float(clip.video.lasts):.6f} s"
    sound = clip.film.sound
    longest = max(clip.video.end, Fraction(sound.end if sound else 0))
    frame = Fraction(sound.frame_s if sound else 0)
    if not clip.video.end - tick <= clip.movie.lasts <= longest + frame + tick:
        yield f"mvhd says {float(clip.movie.lasts):.6f} s"


def _shape_faults(first: Picture, clip: Clip, as_it_is: bool) -> Iterator[str]:
    size = (first.width // 2 * 2, first.height // 2 * 2)
    if as_it_is:
        size = (first.width, first.height)
    for number, picture in enumerate(clip.film.pictures):
        if (picture.width, picture.height) != size:
            yield f"picture {number} is {picture.width}x{picture.height} instead of {size[0]}x{size[1]}"
            break
    made = clip.film.pictures[0]
    holds = first.width * first.sar < _WIDEST  # what a clip can say of its shape
    if holds and abs(made.sar / first.sar - 1) > Fraction(1, 100):
        yield f"its sample aspect is {made.sar} instead of {first.sar}"
    if as_it_is:
        if made.pixel_format != first.pixel_format:
            yield f"its pixels are {made.pixel_format} instead of {first.pixel_format}"
        if made.colour != first.colour and not _same_but_unsaid(made.colour, first.colour):
            yield f"its colours are {made.colour} instead of {first.colour}"
        return
    if made.pixel_format not in ("yuv420p", "yuvj420p"):
        yield f"its pixels are {made.pixel_format}"
    if first.colour[3] in (16, 18):
        if made.colour[3] in (16, 18):
            yield "it is tagged as HDR"
        return
    names = ("range", "matrix", "primaries", "transfer")
    for name, due_, has, unknown in zip(
        names, first.colour, made.colour, _UNSPECIFIED, strict=True
    ):
        converted = not first.pixel_format.startswith(
            "yuv"
        )  # its range and matrix may change with it
        same = has == due_ or (name == "range" and {has, due_} == {0, 1})  # unsaid is limited
        if (
            due_ not in (unknown, 0)
            and not same
            and not (converted and name in ("range", "matrix"))
        ):
            yield f"its colour {name} is {has} instead of {due_}"


def _same_but_unsaid(one: Sequence[int], other: Sequence[int]) -> bool:
    """What says nothing of its range has the limited one."""
    return one[1:] == other[1:] and {one[0], other[0]} == {0, 1}


def _picture_faults(film: Film, clip: Clip, wanted: Due) -> Iterator[str]:
    """A clip's picture that is nearer to a neighbour of its own than to its own, or like neither."""
    mapped = film.pictures[wanted.pictures[0]].colour[3] in (16, 18)
    form, most = (_ranks, _UNLIKE_IN_RANKS) if mapped else (_as_it_is, _UNLIKE)
    unlike = 0
    for number, index in enumerate(wanted.pictures):
        seen = form(clip.film.pictures[number].grey)
        own = form(film.pictures[index].grey)
        near = range(max(0, index - 3), min(len(film.pictures), index + 4))
        others = {other: form(film.pictures[other].grey) for other in near}
        if min(float(np.abs(seen - other).mean()) for other in others.values()) > most:
            unlike += 1
            continue
        # In squares: noise, which has no direction, then counts for as much with each of them.
        away = {other: float(((seen - grey) ** 2).sum()) for other, grey in others.items()}
        best = min(away, key=lambda other: away[other])
        clearly = away[best] < _CLEARLY * away[index]
        if clearly and float(np.abs(others[best] - own).mean()) > _DIFFERS:
            yield f"picture {number} looks like one {best - index:+d} from its own"
            return
    if unlike:
        yield f"{unlike} pictures look like nothing that stood there"


def _as_it_is(grey: np.ndarray) -> np.ndarray:
    return grey.astype(np.float32)


def _ranks(grey: np.ndarray) -> np.ndarray:
    """Each grey replaced by its place among all of them, from 0 to 255: what a tone map keeps."""
    order = np.empty(grey.size, np.float32)
    order[np.argsort(grey, axis=None, kind="stable")] = np.linspace(0, 255, grey.size)
    return order.reshape(grey.shape)


def _weak_faults(asked: Asked, clip: Clip) -> Iterator[str]:
    shown = clip.video.shown
    if clip.film.damage:
        yield f"{clip.film.damage} faults in decoding it"
    if len(shown) != len(clip.film.pictures):
        yield f"{len(shown)} pictures by its boxes, {len(clip.film.pictures)} decoded"
    if abs(shown[0][0]) > clip.tolerance:
        yield f"its first picture is shown at {float(shown[0][0]):.6f} s"
    if any(later <= earlier for (earlier, _), (later, _) in pairwise(shown)):
        yield "its times do not ascend"
    if (
        not asked.duration - _HELD - clip.movie.tick
        <= clip.video.end
        <= asked.duration + clip.movie.tick
    ):
        yield f"it lasts {float(clip.video.end):.6f} s, {float(asked.duration):.6f} were asked for"


def judged(
    oracle: Oracle,
    asked: Sequence[Asked],
    manifest: dict | None,
    told: str,
    mode: str = "encode",
) -> list[Verdict]:
    """Of a `cut`: each clip's verdict, from the object that it printed (None: nothing) and its one line.

    A clip is judged as its entry says that it was cut, a refusal as the `mode` that was asked for. What failed on
    the way no mode may refuse: what it cannot cut it has to know before.
    """
    if manifest is None:
        return [oracle.judge(one, None, told, mode) for one in asked]
    return [
        oracle.judge(one, Path(entry["file"]), None, entry["mode"], entry["changes"])
        if entry["status"] == "ok"
        else oracle.judge(one, None, entry["error"] or told)
        for one, entry in zip(asked, manifest["clips"], strict=True)
    ]
