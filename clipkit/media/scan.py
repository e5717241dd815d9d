"""One pass over an upload's packets: when its frames are shown, where decoding can start, when there
is sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from clipkit.media.clock import Continuity
from clipkit.media.decoded import frames_of
from clipkit.media.fields import Fields
from clipkit.media.heard import Heard
from clipkit.media.indexed import sound_indexes
from clipkit.media.look import Look, look_of
from clipkit.media.looks import Looks
from clipkit.media.nal import NalFormat, nal_format
from clipkit.media.opening import without_made_up_times
from clipkit.media.order import Order, Ordering
from clipkit.media.sounds import Sounding

_LARGE_PIXELS = 4096 * 2304
"""Of larger pictures (8K at 10 bit: 118 MB each) a decoder may hold no more than one."""
_NO_BASE = Fraction(1, 1_000_000)


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """What only a decoded frame tells. `rotation_deg` is counter-clockwise, as ffprobe prints it."""

    ticks: int | None
    rotation_deg: int
    look: Look


@dataclass(frozen=True, slots=True)
class Scan:
    """Times in ticks of the stream's time base, as the container has them.

    `repeated_ticks` are times that a packet has which an earlier one had too. `end_ticks`: when the
    last frame's packet ends, the last frame's own time where it does not say. `turned_by`: how far the
    clock leaps, or goes back (below 0), where it first does; nothing from there on is in these, nor is
    the frame before, whose end nobody knows, but that its time is `end_ticks`. `heard`: of each sound
    track, by the number of its stream. `damaged` packets show nothing; `untimed` ones do, but their
    time is not known. `untrue_keys` are key frames to the container, and are none. `scrambled`: frames
    come out of the decoder with descending times, so the container's times are not those of showing.
    `looks`: from when on
    pictures are how. `sounding`: the sound streams that can be decoded. `order`: of all packets in their
    order of decoding, until the clock turns.
    """

    frame_ticks: tuple[int, ...]
    key_ticks: tuple[int, ...]
    repeated_ticks: tuple[int, ...]
    end_ticks: int
    turned_by: int | None
    heard: Mapping[int, Heard]
    packets: int
    damaged: int
    untimed: int
    untrue_keys: int
    scrambled: bool
    first: FirstFrame | None
    looks: tuple[tuple[int, Look], ...]
    sounding: frozenset[int]
    order: Order = Order()
    video_bytes: int = 0


def scan(container: InputContainer, stream: VideoStream) -> Scan:
    """Read every packet of `stream` and of all sound, decode only the head of `stream`."""
    heard = {s.index: Heard(s.time_base or _NO_BASE, _codec(s)) for s in container.streams.audio}
    sounding = {s.index: Sounding(s) for s in container.streams.audio}
    form = nal_format(stream.codec.canonical_name, stream.codec_context.extradata)
    context = stream.codec_context
    context.thread_count = 1  # of a few frames: starting threads takes longer, and each holds some
    head = _Head(bool(context.has_b_frames), context.width * context.height > _LARGE_PIXELS)
    looks = Looks(stream, form)
    ordering = Ordering(form, stream.codec_context.extradata)
    fields = Fields(form, stream.codec_context.extradata)
    clock = Continuity(stream.time_base or _NO_BASE)
    shown: list[int] = []
    keys: list[int] = []
    last: tuple[int, int] | None = None
    packets = flagged = damaged = untimed = untrue_keys = video_bytes = 0
    for packet in _pictures(container, stream, heard, sounding):
        head.see(packet)
        if not packet.size:
            continue  # the flush at the end
        packets += 1
        video_bytes += packet.size
        flagged += packet.is_keyframe
        content, picture = _first_picture(packet, form)
        is_key = _is_true_key(packet, form, picture)
        if not clock.goes_on(packet.dts, packet.pts, is_key, packet.is_discard):
            continue
        without_picture = form is not None and picture is None
        damaged += packet.is_corrupt or without_picture
        # Without B-frames a picture is shown when it is decoded.
        ticks = packet.pts if packet.pts is not None or head.reorders else packet.dts
        is_second = fields.is_second(picture)
        ordering.see(packet, ticks, None if is_second else picture, content)
        # Discarded: hidden by an edit list.
        if without_picture or packet.is_discard or (form is None and not _is_shown(packet)):
            continue
        if ticks is None:
            untimed += not is_second
            continue
        last = max(last or (ticks, ticks), (ticks, ticks + (packet.duration or 0)))
        if is_second:
            continue
        if packet.is_keyframe:
            looks.see(packet, ticks)
        shown.append(ticks)
        if packet.is_keyframe and form and picture and not form.starts_decoding(picture):
            untrue_keys += 1
        elif packet.is_keyframe:
            keys.append(ticks)
    # What precedes the first frame that decodes (an open GOP's leading pictures, a stream cut in
    # the middle of a GOP) is never shown.
    first = head.first
    start = first.ticks if first and first.ticks is not None else min(shown, default=0)
    shown = [t for t in shown if t >= start]
    turn = clock.turn(container.format.name, [each.stretches_s for each in heard.values()])
    shown, end_ticks = _until(turn, shown, last[1] if last else 0)
    return Scan(
        frame_ticks=tuple(sorted(set(shown))),
        key_ticks=tuple(sorted(set(keys) & set(shown))),
        repeated_ticks=tuple(sorted((Counter(shown) - Counter(set(shown))).elements())),
        end_ticks=end_ticks,
        turned_by=turn[1] - turn[0] if turn else None,
        heard=heard,
        packets=packets,
        damaged=damaged,
        untimed=untimed,
        untrue_keys=untrue_keys + _untrue_index(stream, packets, flagged),
        scrambled=head.scrambled,
        first=first,
        sounding=frozenset(index for index, track in sounding.items() if track.sounds),
        looks=looks.since(start, first.look) if first else (),
        order=ordering.order,
        video_bytes=video_bytes,
    )


def _first_picture(
    packet: Packet[VideoStream], form: NalFormat | None
) -> tuple[bytes, bytes | None]:
    """Its bytes, once, as all of the film is copied so, and of them what `NalFormat.first_picture` tells."""
    if form is None:
        return b"", None
    content = bytes(packet)
    return content, form.first_picture(content)


def _is_true_key(
    packet: Packet[VideoStream], form: NalFormat | None, picture: bytes | None
) -> bool:
    """Not all that are flagged so: an MP4 without `stss` flags every packet. Matroska keeps no times of decoding, by
    which else a clock is seen to go back, and what it flags is believed."""
    if not packet.is_keyframe:
        return False
    if form and picture and form.starts_decoding(picture):
        return True
    return packet.stream.container.format.name.startswith("matroska")


def _is_shown(packet: Packet[VideoStream]) -> bool:
    """Not an alternate reference of VP8, which is a packet of its own (RFC 6386, 9.1: `show_frame`)."""
    is_vp8 = packet.stream.codec_context.codec.canonical_name == "vp8"
    return not is_vp8 or bool(bytes(packet)[0] & 0x10)


def _codec(track: AudioStream) -> str:
    context = track.codec_context
    return context.codec.canonical_name if context else "unknown"


def _pictures(
    container: InputContainer,
    stream: VideoStream,
    heard: Mapping[int, Heard],
    sounding: Mapping[int, Sounding],
) -> Iterator[Packet[VideoStream]]:
    """The packets of `stream`; those of sound that come between are seen by the others."""
    if container.format.name == "avi" and stream.codec.canonical_name == "h264":
        # No packet there has a time of showing: it is not made up of its followers', as in ffmpeg's command.
        without_made_up_times(container)
    indexed = sound_indexes(container)
    for packet in container.demux(stream, *container.streams.audio):
        # Not the packet's own number, which is 0 of those that flush a decoder.
        number = packet.stream.index
        if number == stream.index:
            yield cast("Packet[VideoStream]", packet)
            continue
        sounding[number].see(cast("Packet[AudioStream]", packet))
        if number not in indexed:
            heard[number].see(packet)
        elif sounding[number].is_known:
            indexed[number].read_no_more()
    for number, index in indexed.items():
        index.tell(heard[number])


def _until(turn: tuple[int, int] | None, shown: list[int], end_ticks: int) -> tuple[list[int], int]:
    """The frames before a turn of the clock, and when they end; all of them where there is none."""
    if turn is None:
        return shown, end_ticks
    before = [t for t in shown if t < turn[1] or turn[1] < turn[0]]
    end_ticks = max(before, default=0)
    return [t for t in before if t < end_ticks], end_ticks


def _untrue_index(stream: VideoStream, packets: int, flagged: int) -> int:
    """How many packets are key frames only in the index that ffmpeg seeks by.

    An MP4 without `stss` declares every sample one, and so does its index. H.264 packets are
    flagged by a parser nevertheless and look right, while a seek lands anywhere and loses frames.
    """
    index = getattr(stream, "index_entries", ())  # absent in some versions of PyAV
    every = len(index) >= packets and all(entry.is_keyframe for entry in index)
    return packets - flagged if every else 0


@dataclass(slots=True)
class _Head:
    """Decodes a stream's first frame, and a few more where the timestamps look like decoding times.

    AVI and some MXF store no other: of a stream with B-frames its packets' times then ascend, and
    those of the frames that come out do not. Of `large` pictures the first key frame alone is decoded.
    """

    reorders: bool
    large: bool
    first: FirstFrame | None = None
    scrambled: bool = False
    _packet_ticks: int | None = None
    _frame_ticks: int | None = None
    _frames_left: int = 24  # more than the longest run of B-frames (16)

    def see(self, packet: Packet[VideoStream]) -> None:
        if not self._frames_left or (self.large and not packet.is_keyframe):
            return
        for frame in (_alone if self.large else frames_of)(packet):
            self._see_frame(frame, packet.stream.codec_context)
        ascends = _ascends(self._packet_ticks, packet.pts)
        self._packet_ticks = packet.pts
        if self.first and (self.large or not (self.reorders and ascends)):
            self._frames_left = 0

    def _see_frame(self, frame: VideoFrame, context: VideoCodecContext) -> None:
        if self.first is None:
            self.first = FirstFrame(frame.pts, frame.rotation, look_of(frame, context, context))
        self.scrambled |= not _ascends(self._frame_ticks, frame.pts)
        self._frame_ticks = frame.pts
        self._frames_left = max(0, self._frames_left - 1)


def _ascends(earlier: int | None, later: int | None) -> bool:
    return earlier is None or later is None or later > earlier


def apart(ticks: Iterable[int]) -> tuple[int, ...]:
    """Ascending; a frame on the time of the one before it comes a tick later."""
    found: list[int] = []
    for tick in sorted(ticks):
        found.append(max(tick, found[-1] + 1) if found else tick)
    return tuple(found)


def _alone(packet: Packet[VideoStream]) -> list[VideoFrame]:
    """Its frame, without waiting for those that follow."""
    context = packet.stream.codec_context
    found = frames_of(packet)
    with suppress(av.FFmpegError):
        found += context.decode(None)
    context.flush_buffers()
    return found
