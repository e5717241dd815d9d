"""Pictures whose fields are packets of their own, and those that have both in one."""

from __future__ import annotations

from pathlib import Path

import av
import kinds
import pytest

from clipkit.media.fields import Fields
from clipkit.media.nal import nal_format
from clipkit.media.probe import probe_upload


def seconds(film: Path) -> list[bool]:
    """Of each packet whether it is the second field of a picture."""
    with av.open(str(film)) as container:
        (stream,) = container.streams.video
        header = stream.codec_context.extradata
        form = nal_format(stream.codec.canonical_name, header)
        assert form is not None
        fields = Fields(form, header)
        packets = [bytes(packet) for packet in container.demux(stream) if packet.size]
        return [fields.is_second(form.first_picture(packet)) for packet in packets]


@pytest.mark.parametrize("kind", ["fields apart.mp4", "fields apart.ts", "fields apart.mkv"])
def test_the_second_field_is_no_picture_more(kind: str, tmp_path: Path) -> None:
    film = kinds.KINDS[kind](tmp_path)
    assert seconds(film) == [False, True] * 100
    found = probe_upload(film)
    assert len(found.frame_times_s) == 100
    assert found.fps == pytest.approx(25)
    assert found.video_end_s == pytest.approx(4, abs=0.05)
    assert not found.vfr
    assert not found.untimed


@pytest.mark.parametrize("kind", ["fields in pairs.mp4", "interlaced.ts", "interlaced by name.mp4"])
def test_a_packet_that_is_a_whole_picture_has_no_other_half(kind: str, tmp_path: Path) -> None:
    film = kinds.KINDS[kind](tmp_path)
    assert seconds(film) == [False] * 100
    assert len(probe_upload(film).frame_times_s) == 100


def test_a_header_that_cannot_be_read_pairs_nothing() -> None:
    form = nal_format("h264", None)
    for header in (None, b"", b"\0\0\0\1\x67"):
        assert not Fields(form, header).is_second(b"\x41\x9a")
    assert not Fields(None, None).is_second(b"\x41\x9a")
