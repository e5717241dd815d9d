"""Which sound track clips of a film get: the first of its own programme that can be decoded."""

from __future__ import annotations

import ctypes
from collections.abc import Container, Sequence
from contextlib import suppress
from pathlib import Path

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

from clipkit.media.programmes import programmes

_TRIED_PACKETS = 64
"""Of a track: its first ones may lack what came before them; where none of these sounds, none does."""


class Sounding:
    """Whether one track can be decoded: by its first packets, as they are read."""

    def __init__(self, track: AudioStream) -> None:
        self.sounds = False
        self._left = (
            _TRIED_PACKETS if track.codec_context is not None else 0
        )  # else nobody knows it

    @property
    def is_known(self) -> bool:
        """Whether more packets would change nothing."""
        return self.sounds or not self._left

    def see(self, packet: Packet[AudioStream]) -> None:
        if self.is_known:
            return
        self._left -= 1
        with suppress(av.FFmpegError):
            frames = packet.decode()
            for frame in frames:
                _never_freed(frame.layout)
            self.sounds = bool(frames)


def sound_track(
    path: Path, film: VideoStream, tracks: Sequence[AudioStream], sounding: Container[int]
) -> int | None:
    """The track's place among `tracks`, which are all of the file's; None where none is fit. `sounding`:
    the streams that can be decoded."""
    own = _of_its_programme(path, film, tracks)
    return next((place for place in own if tracks[place].index in sounding), None)


def _of_its_programme(
    path: Path, film: VideoStream, tracks: Sequence[AudioStream]
) -> Sequence[int]:
    """All, where the file has no programmes."""
    every = range(len(tracks))
    if len(tracks) == 0 or film.container.format.name != "mpegts":
        return every
    wanted = {track.id for track in tracks}
    own = next((pids for pids in programmes(path, wanted) if film.id in pids), None)
    return every if own is None else [place for place in every if tracks[place].id in own]


def channels(context: AudioCodecContext) -> int:
    return _never_freed(context.layout).nb_channels


def _never_freed(layout: AudioLayout) -> AudioLayout:
    """A layout that lists its channels one by one, as MOV does where they are in no usual order, is
    freed twice by PyAV 18.1: with its Python object and with the stream or frame that it is of."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))
    return layout
