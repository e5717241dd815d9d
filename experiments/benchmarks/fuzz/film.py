"""What a file shows and sounds like: decoded from its first packet on, and never by clipkit's own reading.

Times are fractions of a second from the container's start. PyAV decodes; what it does not tell (which
programme a stream belongs to, a picture's shape as a player sees it) the bundled ffmpeg is asked.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import imageio_ffmpeg
import isobmff
import numpy as np
from av.container import InputContainer
from av.stream import Disposition, Stream
from frames import Picture, Sound, see
from numpy.typing import NDArray
from reading import Read, Reading, Stretch

_HDR = {16, 18}  # PQ and HLG in ISO/IEC 23091-2
# Containers of broadcasts, whose clocks may leap by design; elsewhere a long stand is one.
_LEAPING = {"mpegts", "mpeg"}
# Containers whose headers say of what shape pixels are, which players believe before the pictures.
_STATE_SHAPE = ("matroska", "mov")
_JITTER_S = 0.005
_JOINTS = 5
_REPEATED_S = 0.1
_LONGEST_S = 3600

_Way = tuple[list[tuple[Fraction, Picture]], list[tuple[Fraction, Sound]], Fraction]


@dataclass(frozen=True, slots=True)
class Film:
    """`end` is where the last packet ends. `tick`: what the container's clock counts in.

    `damage` counts what a decoder refused, called corrupt or told as an error, `disorder` what comes out of it
    with descending times, `jumps` where the clock goes back or leaps: where a film has one of them,
    other answers than the plain one are right too.
    """

    pictures: tuple[Picture, ...]
    sound: Sound | None
    end: Fraction
    tick: Fraction
    damage: int
    disorder: int
    jumps: int
    sar_changes: bool

    @property
    def hdr(self) -> bool:
        return any(picture.colour[3] in _HDR for picture in self.pictures)


def films(path: Path, until_s: float | None = None) -> list[Film]:
    """The film in the file, once for each way in which its clock can be continued where it jumps.

    `until_s`: nothing later is decoded, for long uploads. Raises av.FFmpegError or ValueError where
    there is none.
    """
    av.logging.set_level(av.logging.ERROR)
    # Else what a film says is not told where the one read before it said the same.
    av.logging.set_skip_repeated(False)
    with av.logging.Capture(local=False):  # what is damaged is counted, not printed
        return _films(path, until_s)


def _films(path: Path, until_s: float | None) -> list[Film]:
    with av.open(f"file:{path}") as container:
        video = _video(container)
        origin = Fraction(container.start_time or 0, 1_000_000)
        tick = video.time_base or Fraction(1, 1_000_000)
        # The container's start is known in microseconds: to the stream's own ticks.
        origin = round(origin / tick) * tick
        leaps = container.format.name in _LEAPING
        states = container.format.name.startswith(_STATE_SHAPE)
        tracks = [s.index for s in _tracks(path, container, video)]
        video_index, declared = video.index, video.sample_aspect_ratio
        astray = _astray(container, path.stat().st_size)
    reading = Reading(path, origin, leaps, until_s)
    pictures = reading.of(video_index, see)
    if not any(stretch.found for stretch in pictures.stretches):
        raise ValueError("no picture of it can be decoded")
    heard = next((found for found in map(reading.heard, tracks) if found), None)
    shapes = _shapes(path, video_index) if len(pictures.sars) > 1 else {}
    constant = declared if len(pictures.sars) == 1 else None
    if len(set(shapes.values())) == 1:  # one word for all: the container's, where it has one
        constant = (
            next(iter(shapes.values())) if states and not _has_several_entries(path) else None
        )
        shapes = {}
    # A sound whose clock jumps by itself: how it goes with the pictures then, no rule says.
    apart = heard is not None and len(heard.stretches) != len(pictures.stretches)
    return [
        Film(
            pictures=_in_order(_with_shapes(seen, shapes, constant), tick),
            sound=_joined(sound),
            end=end,
            tick=tick,
            damage=pictures.damage + (heard.damage if heard else 0) + astray,
            disorder=pictures.disorder + _is_hurried(sound) + apart,
            jumps=len(pictures.stretches) - 1,
            sar_changes=len(pictures.sars) > 1,
        )
        for seen, sound, end in _continued(pictures, heard)
    ]


def _video(container: InputContainer) -> Stream:
    hidden = Disposition.attached_pic | Disposition.timed_thumbnails
    for stream in container.streams.video:
        if not stream.disposition & hidden and stream.codec_context is not None:
            return stream
    raise ValueError("it has no video stream")


def _astray(container: InputContainer, size_bytes: int) -> int:
    """Of how many streams the table points outside of the file, and back into it: who reads on ends there,
    who seeks reads what is behind."""
    found = 0
    for stream in container.streams:
        inside = [e.pos + e.size <= size_bytes for e in getattr(stream, "index_entries", ())]
        found += (False, True) in pairwise(inside)
    return found


def _tracks(path: Path, container: InputContainer, video: Stream) -> list[Stream]:
    """The sound tracks that belong to the film, in the container's order."""
    known = [s for s in container.streams.audio if s.codec_context is not None]
    own = _programme(path, video.index) if container.format.name == "mpegts" else None
    return [s for s in known if own is None or s.index in own]


def _programme(path: Path, stream: int) -> set[int] | None:
    """The streams of the programme that holds this one, as ffmpeg lists them."""
    told = _ffmpeg("-i", f"file:{path}")
    programmes = [
        {int(index) for index in re.findall(r"Stream #0:(\d+)", block)}
        for block in re.split(r"^  Program ", told.partition("No Program")[0], flags=re.M)[1:]
    ]
    return next((streams for streams in programmes if stream in streams), None)


def _shapes(path: Path, stream: int) -> dict[int, Fraction]:
    """Each picture's shape by its time in ticks, as ffmpeg shows it: a decoder's own is of what it read last."""
    told = _ffmpeg(
        *("-noautorotate", "-copyts", "-i", f"file:{path}", "-map", f"0:{stream}"),
        *("-vf", "showinfo=checksum=0", "-fps_mode", "passthrough", "-f", "null", "-"),
    )
    found = re.findall(r" pts: *(-?\d+) .*? sar:(\d+)/(\d+) ", told)
    return {int(pts): _shape(int(a), int(b)) for pts, a, b in found}


def _has_several_entries(path: Path) -> bool:
    """An MP4 of which a track has more than one description (`stsd`) of its samples."""
    content = path.read_bytes()
    if content[4:8] != b"ftyp":
        return False
    tables = (one for one in isobmff.boxes(content) if one.kind == b"stsd")
    return any(int.from_bytes(content[one.body + 4 : one.body + 8]) > 1 for one in tables)


def _shape(numerator: int, denominator: int) -> Fraction:
    return Fraction(numerator, denominator) if numerator > 0 < denominator else Fraction(1)


def _ffmpeg(*words: str) -> str:
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", *words]
    ran = subprocess.run(argv, capture_output=True, check=False, timeout=120)
    return ran.stderr.decode("utf-8", "replace")


def _continued(pictures: Read, heard: Read | None) -> list[_Way]:
    """One film for each rule by which the stretches may follow on each other."""
    audible = heard.stretches if heard else []
    if len(pictures.stretches) == 1 and len(audible) <= 1:
        return [_moved(pictures.stretches, audible, [Fraction(0)])]
    rules = (_after_pictures, _after_sound, _after_both)
    ways = []
    for rule in rules:
        shifts = [Fraction(0)]
        for number in range(1, max(len(pictures.stretches), len(audible))):
            before = [s[number - 1] for s in (pictures.stretches, audible) if number - 1 < len(s)]
            after = [s[number] for s in (pictures.stretches, audible) if number < len(s)]
            shifts.append(shifts[-1] + rule(before, after))
        ways.append(_moved(pictures.stretches, audible, shifts))
    return ways


def _after_pictures(before: list[Stretch], after: list[Stretch]) -> Fraction:
    return before[0].end - after[0].first


def _after_sound(before: list[Stretch], after: list[Stretch]) -> Fraction:
    return before[-1].end - after[-1].first


def _after_both(before: list[Stretch], after: list[Stretch]) -> Fraction:
    return max(s.end for s in before) - min(s.first for s in after)


def _moved(pictures: list[Stretch], audible: list[Stretch], shifts: list[Fraction]) -> _Way:
    def all_of(stretches: list[Stretch]) -> Iterator[tuple[Fraction, object]]:
        for stretch, shift in zip(stretches, shifts, strict=False):
            for at, found in stretch.found:
                yield at + shift, found

    ends = [
        s.end + shift
        for which in (pictures, audible)
        for s, shift in zip(which, shifts, strict=False)
    ]
    return list(all_of(pictures)), list(all_of(audible)), max(ends)  # type: ignore[arg-type]


def _with_shapes(
    seen: list[tuple[Fraction, Picture]], shapes: dict[int, Fraction], constant: Fraction | None
) -> Iterator[Picture]:
    """The container's word on the shape counts, unless the pictures' own changes within the film."""
    for at, picture in seen:
        told = shapes.get(picture.ticks) if picture.ticks is not None else None
        told = constant or told
        sar = picture.sar if not told else 1 / told if picture.turned else told
        yield replace(picture, at=at, sar=sar)


def _in_order(pictures: Iterator[Picture], tick: Fraction) -> tuple[Picture, ...]:
    """Of two pictures at one time the second is shown a tick after the first."""
    placed: list[Picture] = []
    for picture in sorted(pictures, key=lambda one: one.at):
        at = picture.at
        if placed and at <= placed[-1].at:
            at = placed[-1].at + tick
        placed.append(replace(picture, at=at))
    return tuple(placed)


def _is_hurried(parts: list[tuple[Fraction, Sound]]) -> bool:
    """Whether packet after packet begins before the one before it ends, or one long before: what is heard
    then, no rule says."""
    early_s = [
        float(at + Fraction(len(part.samples), part.rate) - later)
        for (at, part), (later, _) in pairwise(parts)
    ]
    return (
        sum(one > _JITTER_S for one in early_s) > _JOINTS or max(early_s, default=0) > _REPEATED_S
    )


def _joined(parts: list[tuple[Fraction, Sound]]) -> Sound | None:
    """One stretch of samples, each where its time says: what overlaps is heard from the later one on.

    Times of whole milliseconds jitter; that is no gap.
    """
    if not parts:
        return None
    rate = parts[0][1].rate
    start = float(parts[0][0])
    pieces: list[tuple[int, NDArray[np.float32]]] = []
    end = 0
    for at, part in parts:
        place = round((float(at) - start) * rate)
        if abs(place - end) <= rate * _JITTER_S:
            place = end
        if part.rate == rate and 0 <= place < _LONGEST_S * rate:
            pieces.append((place, part.samples))
            end = place + len(part.samples)
    samples = np.zeros(max((place + len(piece) for place, piece in pieces), default=0), np.float32)
    for place, piece in pieces:
        samples[place : place + len(piece)] = piece
    frame_s = max(part.frame_s for _, part in parts)
    return Sound(start, rate, samples, frame_s, parts[0][1].tick)
