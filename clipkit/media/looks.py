"""Where in a film its pictures become others than before, without decoding all of its key frames."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from clipkit.media.look import Look, look_of
from clipkit.media.nal import NalFormat
from clipkit.media.picture_headers import picture_header

# Their headers say of what shape pixels are, and players and ffmpeg believe them, not the pictures.
_STATE_ASPECT = {"mov", "matroska"}


class Looks:
    """`see` the packets of key frames in their order, then ask `since` the first frame."""

    def __init__(self, stream: VideoStream, form: NalFormat | None) -> None:
        self._context, self._form = stream.codec_context, form
        stated = bool(_STATE_ASPECT & set(stream.container.format.name.split(",")))
        self._aspect = stream.sample_aspect_ratio if stated else None
        self._extradata = self._context.extradata
        self._has_several_entries = False
        self._header: tuple[bytes, int] | None = None
        self._changes: list[tuple[int, Look]] = []

    def see(self, packet: Packet[VideoStream], ticks: int) -> None:
        renewed = _new_extradata(packet)
        self._has_several_entries |= renewed is not None
        self._extradata = renewed or self._extradata
        stated, number = picture_header(
            self._context.codec.canonical_name, self._form, bytes(packet)
        )
        header = (stated or (self._header or (b"",))[0], number)
        if self._header in (None, header) and not (self._header and renewed):
            self._header = header
            return
        look = _decoded(self._context, self._extradata, packet)
        if look is not None:  # else it is damaged: the next may tell
            self._header = header
            self._changes.append((ticks, look))

    def since(self, ticks: int, look: Look) -> tuple[tuple[int, Look], ...]:
        """From which tick on pictures are how, the first frame being so at `ticks`."""
        found = [(ticks, self._held(look))]
        for later, changed in self._changes:
            if later > ticks and self._held(changed) != found[-1][1]:
                found.append((later, self._held(changed)))
        return tuple(found)

    def _held(self, look: Look) -> Look:
        """Of several entries, each of a shape of its own, PyAV and ffmpeg tell the last one's alone."""
        if self._aspect is None or self._has_several_entries:
            return look
        return replace(look, pixel_aspect=self._aspect)


def _new_extradata(packet: Packet[VideoStream]) -> bytes | None:
    """An MP4 with several descriptions of its samples says so, and FLV with a new sequence header."""
    if not packet.has_sidedata("new_extradata"):
        return None
    return bytes(packet.get_sidedata("new_extradata"))


def _decoded(
    film: VideoCodecContext, extradata: bytes | None, packet: Packet[VideoStream]
) -> Look | None:
    """By a decoder of its own, which keeps nothing of what came before."""
    context = av.CodecContext.create(film.codec.name, "r")
    assert isinstance(context, VideoCodecContext)  # noqa: S101 (for the type checker)
    context.extradata = extradata
    context.thread_count = 1
    with suppress(av.FFmpegError):
        frames = [*context.decode(packet), *context.decode(None)]
        return look_of(frames[0], context, film) if frames else None
    return None
