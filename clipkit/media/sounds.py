"""Which sound track clips of a film get: the first of its own programme that can be decoded."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from clipkit.media.opening import opened_container
from clipkit.media.programmes import programmes

_TRIED_PACKETS = 64
"""Of a track: its first ones may lack what came before them; where none of these sounds, none does."""


def sound_track(path: Path, film: VideoStream, tracks: Sequence[AudioStream]) -> int | None:
    """The track's place among `tracks`, which are all of the file's; None where none is fit."""
    own = _of_its_programme(path, film, tracks)
    return next((place for place in own if _sounds(path, tracks[place])), None)


def _of_its_programme(
    path: Path, film: VideoStream, tracks: Sequence[AudioStream]
) -> Sequence[int]:
    """All, where the file has no programmes."""
    every = range(len(tracks))
    if len(tracks) == 0 or film.container.format.name != "mpegts":
        return every
    own = next((pids for pids in programmes(path) if film.id in pids), None)
    return every if own is None else [place for place in every if tracks[place].id in own]


def _sounds(path: Path, track: AudioStream) -> bool:
    if track.codec_context is None:  # no decoder knows it
        return False
    with opened_container(path) as again:
        stream = again.streams[track.index]
        assert isinstance(stream, AudioStream)  # noqa: S101 (the same file: for the type checker)
        for packet in islice(again.demux(stream), _TRIED_PACKETS):
            with suppress(av.FFmpegError):
                frames = packet.decode()
                for frame in frames:
                    _never_freed(frame.layout)
                if frames:
                    return True
    return False


def channels(context: AudioCodecContext) -> int:
    return _never_freed(context.layout).nb_channels


def _never_freed(layout: AudioLayout) -> AudioLayout:
    """A layout that lists its channels one by one, as MOV does where they are in no usual order, is
    freed twice by PyAV 18.1: with its Python object and with the stream or frame that it is of."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))
    return layout
