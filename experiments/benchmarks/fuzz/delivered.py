"""A clip as it was delivered: decoded, as its boxes say, and as a player shows it that ignores edit lists."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import av
from av.codec.context import Flags
from film import Film, films
from frames import see
from shown import Movie, Track, movie

_NOISE = Fraction(1, 1_000_000)
# Writers round to ticks that they choose; a coarser choice than this is seen.
_COARSEST = Fraction(1, 2000)


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture and when it is shown, in the media's own time."""

    at: Fraction
    exact: bytes


class Clip:
    """Raises ValueError, struct.error, OSError or av.FFmpegError where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path.read_bytes()
        self.film: Film = films(path)[0]
        self.movie: Movie = movie(self.data)
        video = self.movie.first("vide")
        if video is None or not video.shown:
            raise ValueError("its video track shows nothing")
        self.video: Track = video
        self.tolerance = min(video.tick, _COARSEST) + _NOISE

    @cached_property
    def without_list(self) -> list[Seen]:
        """Every picture that can be decoded, as ffmpeg shows them where it is told to ignore edit lists."""
        options = {"ignore_editlist": "1"}
        with av.open(f"file:{self.path}", options=options) as container:
            stream = container.streams.video[0]
            stream.codec_context.flags |= Flags.unaligned  # as `reading` has it
            return [
                Seen(frame.pts * frame.time_base, see(frame, None).exact)
                for frame in container.decode(stream)
                if frame.pts is not None and frame.time_base is not None
            ]

    @cached_property
    def sound_codec(self) -> str | None:
        return sound_codec(self.path)


def sound_codec(path: Path) -> str | None:
    """Of the first sound track that anything is known of."""
    with av.logging.Capture(local=False), av.open(f"file:{path}") as container:
        known = [s.codec_context for s in container.streams.audio if s.codec_context is not None]
        return known[0].name if known else None
