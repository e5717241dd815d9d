"""An upload's facts from one process to another: nothing is lost, and nothing else is believed."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from inventing_uploads import upload
from making import Make

from clipkit.media.crossing import packed, unpacked
from clipkit.media.outline import StreamOutline
from clipkit.media.probe import probe_upload
from clipkit.media.upload import AudioTrack, Upload

H264 = ("-c:v", "libx264", "-g", "25")


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.ts", "film.avi"])
def test_every_fact_of_a_real_upload_arrives(make: Make, name: str) -> None:
    described = probe_upload(make(name, *H264))
    assert described.streams
    assert described.video_bytes
    assert unpacked(packed(described)) == described


def test_what_is_odd_arrives_too() -> None:
    odd = upload(
        path=Path("/uploads/\udce9\n\x1b[31m.mp4"),
        time_base=Fraction(1001, 30000),
        frame_times_s=(0.0, 1 / 3, 1e9),
        key_frame_times_s=(),
        audio=(AudioTrack("aac", 48000, 6), AudioTrack("unknown", 0, 0)),
        streams=(StreamOutline(0, "video", "h264", 320, 180),),
        profile=None,
        warnings=("\ud800", "ü"),
    )
    assert unpacked(packed(odd)) == odd


def _changed(**facts: Any) -> bytes:
    """The bytes of an invented upload with other words in its head."""
    content = packed(upload())
    end = 8 + int.from_bytes(content[:8], "big")
    head = json.dumps({**json.loads(content[8:end]), **facts}).encode()
    return len(head).to_bytes(8, "big") + head + content[end:]


WRONG = {
    "nothing": b"",
    "no JSON": b"\0" * 7 + b"\2{]",
    "no object": b"\0" * 7 + b"\2[]",
    "a fact too many": _changed(more=1),
    "a word for a number": _changed(width="160"),
    "a truth for a number": _changed(width=True),
    "a number for a word": _changed(codec=264),
    "a fraction of nothing": _changed(time_base=[1, 0]),
    "no fraction": _changed(time_base=[1]),
    "infinite": _changed(duration_s=float("inf")),
    "no number": _changed(fps=float("nan")),
    "a track with a hole": _changed(audio=[["aac", 48000]]),
    "more frames than there are": _changed(frame_times_s=10**9),
    "fewer": _changed(frame_times_s=1),
    "a negative number of them": _changed(frame_times_s=-1),
    "cut short": packed(upload())[:-1],
    "something behind": packed(upload()) + b"\0",
    "infinite times": packed(upload())[:-8] + b"\0\0\0\0\0\0\xf0\x7f",
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        unpacked(content)


def test_every_kind_of_fact_is_known() -> None:
    """A fact more of a type that cannot cross would be found by the first upload only."""
    described = upload()
    assert {field.name for field in dataclasses.fields(Upload)} == set(
        json.loads(packed(described)[8 : 8 + int.from_bytes(packed(described)[:8], "big")])
    )
