"""Sound of which an MP4's index tells all that is asked: its packets, more than those of the pictures, need not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import sub

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream

from clipkit.media.heard import Heard

# Its packets are those of the index, each with the time that it has there: ffmpeg's demuxer parses none of them.
_AS_INDEXED = "aac"
_PASSED_OVER, _READ = 48, 0
"""AVDISCARD_ALL and AVDISCARD_DEFAULT of libavcodec."""


@dataclass(frozen=True, slots=True)
class SoundIndex:
    """When each packet of a track begins, in its ticks, and whether it is shown."""

    track: AudioStream
    starts: Sequence[int]
    shown: Sequence[bool]

    def read_no_more(self) -> None:
        """Packets are passed over from now on."""
        _discard(self.track, _PASSED_OVER)

    def tell(self, heard: Heard) -> None:
        """What reading all packets would tell. To be asked when the container has been read to its end."""
        starts, shown = self.starts, self.shown
        lengths = [*map(sub, starts[1:], starts), self._last_length()]
        hidden = shown.index(True) if True in shown else len(shown)
        alike = {*lengths[hidden:-1]}
        if len(alike) != 1 or 0 in alike or not all(shown[hidden:]):
            heard.see_all(starts, lengths, shown)
            return
        (length,) = alike
        heard.see_all(starts[:hidden], lengths[:hidden], shown[:hidden])
        heard.see_alike(starts[hidden], length, len(starts) - hidden - 1)
        heard.see_all(starts[-1:], lengths[-1:], shown[-1:])

    def _last_length(self) -> int:
        """Which no packet behind it tells. Of nothing else anything is read: a seek goes back to where all streams can
        begin, which may be the film's first picture."""
        container = self.track.container
        assert isinstance(container, InputContainer)  # noqa: S101 (for the type checker)
        for stream in container.streams:
            _discard(stream, _READ if stream.index == self.track.index else _PASSED_OVER)
        container.seek(self.starts[-1], stream=self.track)
        lengths = [
            packet.duration or 0
            for packet in container.demux(self.track)
            if packet.pts == self.starts[-1]
        ]
        return lengths[-1] if lengths else 0


def _discard(stream: Stream, what: int) -> None:
    stream.discard = what  # type: ignore[assignment]  # (stubs want a name, which older ones have not)


def sound_indexes(container: InputContainer) -> dict[int, SoundIndex]:
    """By the numbers of their streams, of tracks whose packets need not be read: not in other containers, of other
    codecs, in fragments, where the file ends before they do, or with a PyAV that cannot pass over packets."""
    if not container.format.name.startswith("mov"):
        return {}
    found = ((track.index, _index_of(track, container.size)) for track in container.streams.audio)
    return {number: index for number, index in found if index is not None}


def _index_of(track: AudioStream, size_bytes: int) -> SoundIndex | None:
    context = track.codec_context
    is_told = context is not None and context.codec.canonical_name == _AS_INDEXED
    if not is_told or not hasattr(track, "discard"):
        return None
    entries = list(track.index_entries)
    starts = [entry.timestamp for entry in entries]
    whole = all(entry.pos + entry.size <= size_bytes for entry in entries)
    if not entries or len(entries) != track.frames or not whole or starts != sorted(starts):
        return None
    return SoundIndex(track, starts, [bool(e.size) and not e.is_discard for e in entries])
