"""What only decoding an upload's pictures tells."""

from __future__ import annotations

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from clipkit.media.opening import without_made_up_times


def decoded_ticks(container: InputContainer, stream: VideoStream) -> tuple[int, ...]:
    """When each frame is shown, by decoding all of them: for packets without times, and slow.

    As in ffmpeg's command a frame without a time has that of the packet which it came out with, and where there is
    none either it follows the one before it by a frame's duration (`video_duration_estimate` in its fftools).
    """
    without_made_up_times(container)
    stream.thread_type = "AUTO"
    rate, time_base = stream.guessed_rate, stream.time_base
    step = round(1 / (rate * time_base)) if rate and time_base else 0
    ticks: list[int] = []
    for packet in container.demux(stream):
        for frame in frames_of(packet):
            told = frame.pts if frame.pts is not None else frame.dts
            if told is not None:
                ticks.append(told)
            elif ticks:
                ticks.append(ticks[-1] + step)
    return tuple(sorted(set(ticks)))


def frames_at(container: InputContainer, stream: VideoStream, ticks: int) -> int:
    """How many frames come out of the decoder with that time: two packets may be the fields of one.

    Decoded from before it: the first of two recordings may end at the time at which the second begins.
    """
    second = round(1 / stream.time_base) if stream.time_base else 0
    container.seek(ticks - second, stream=stream)
    found = behind = 0
    for packet in container.demux(stream):
        for frame in frames_of(packet):
            found += frame.pts == ticks
            behind += frame.pts is not None and frame.pts > ticks
        if behind:
            break
    return found


def frames_of(packet: Packet[VideoStream]) -> list[VideoFrame]:
    """No frame from a damaged packet: the decoder goes on with the next, as ffmpeg does."""
    try:
        return packet.decode()
    except av.MemoryError:
        raise MemoryError from None
    except av.FFmpegError:
        return []
