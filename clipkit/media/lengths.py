"""How long an upload is: by what its headers declare, and by what its packets reach."""

from __future__ import annotations

from pathlib import Path

from av.container import InputContainer

from clipkit.media.opening import opened_container

_MICROSECONDS = 1_000_000


def whole_duration_s(path: Path, container: InputContainer, video_end_s: float) -> float:
    """The longest of what the headers declare and what the packets reach, from the start."""
    start_s = (container.start_time or 0) / _MICROSECONDS
    ends_s = [video_end_s]
    if container.duration:
        ends_s.append(container.duration / _MICROSECONDS)
    else:
        ends_s.append(_last_packet_end_s(path) - start_s)
    for stream in container.streams:
        if stream.duration and stream.time_base:
            ends_s.append(
                float((stream.duration + (stream.start_time or 0)) * stream.time_base) - start_s
            )
    return max(ends_s)


def _last_packet_end_s(path: Path) -> float:
    """For a header without duration, as browsers record them: the sound may outlast the picture."""
    with opened_container(path) as container:
        return max(
            (
                float((packet.pts + (packet.duration or 0)) * packet.time_base)
                for packet in container.demux()
                if packet.pts is not None
            ),
            default=0.0,
        )
