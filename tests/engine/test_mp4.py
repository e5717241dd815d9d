"""The small MP4 reader agrees with a decoder, and never believes a damaged file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import looking
import pytest

from clipkit.engine.mp4 import Mp4Error, read_video_track

_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-g", "10", "-an")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("b-frames.mp4", _X264),
        ("faststart.mp4", (*_X264, "-movflags", "+faststart")),
        ("negative-offsets.mp4", (*_X264, "-movflags", "+negative_cts_offsets")),
        ("vfr.mp4", (*_X264, "-vf", "select='lt(mod(n*n,11),5)'", "-fps_mode", "vfr")),
        ("sound-first.mp4", ("-map", "1:a", "-map", "0:v", *_X264[:-1], "-c:a", "aac")),
        ("late.mp4", (*_X264, "-output_ts_offset", "1.5")),
        ("one-frame.mp4", (*_X264, "-frames:v", "1")),
        ("hevc.mp4", ("-c:v", "libx265", "-x265-params", "log-level=0", "-an")),
    ],
)
def test_it_counts_and_times_frames_as_a_decoder_does(name: str, options: Any, make: Any) -> None:
    path = make(name, *options)
    track, decoded = read_video_track(path), looking.pictures(path)
    start_s = 1.5 if name == "late.mp4" else 0.0  # the decoder's times count from there
    assert track.frames == decoded.count
    assert track.first_shown_s == pytest.approx(decoded.times_s[0] + start_s, abs=1e-3)
    assert track.last_shown_s == pytest.approx(decoded.times_s[-1] + start_s, abs=1e-3)


def test_what_an_edit_list_hides_is_shown_before_zero(make: Any) -> None:
    """Copied from a key frame before the start: the pre-roll is in the file, and counted."""
    source = make("b-frames.mp4", *_X264)
    path = make("pre-roll.mp4", "-c", "copy", source=("-ss", "0.6", "-i", source))
    track, decoded = read_video_track(path), looking.pictures(path)
    hidden = track.frames - decoded.count
    assert hidden > 0
    assert track.first_shown_s == pytest.approx(-hidden / 25, abs=1e-3)


def test_a_file_cut_short_anywhere_in_its_index_is_no_clip(make: Any, tmp_path: Path) -> None:
    content = make("faststart.mp4", *_X264, "-movflags", "+faststart").read_bytes()
    at = content.index(b"moov") - 4
    end = at + int.from_bytes(content[at : at + 4])
    for length in range(0, end, 7):
        short = tmp_path / "short.mp4"
        short.write_bytes(content[:length])
        with pytest.raises(Mp4Error):
            read_video_track(short)


def test_any_byte_of_the_index_may_lie_without_a_crash(make: Any, tmp_path: Path) -> None:
    """A user's command may write anything: it is read wrongly or refused, in bounded time."""
    content = make("faststart.mp4", *_X264, "-movflags", "+faststart").read_bytes()
    head = bytearray(content[: content.index(b"mdat") + 4])
    refused = 0
    lying = tmp_path / "lying.mp4"
    for at in range(len(head)):
        kept, head[at] = head[at], 0xFF
        lying.write_bytes(head)
        head[at] = kept
        try:
            assert read_video_track(lying).frames >= 0
        except Mp4Error:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        struct.pack(">I4s", 8, b"moov"),
        struct.pack(">I4sQ", 1, b"moov", 1 << 40),
        struct.pack(">I4s", 0x7FFFFFFF, b"moov"),
        struct.pack(">I4s", 0, b"ftyp"),
        struct.pack(">I4s", 3, b"ftyp"),
    ],
    ids=["empty", "gif", "empty moov", "huge moov", "cut moov", "endless box", "impossible box"],
)
def test_what_is_no_mp4_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.mp4"
    path.write_bytes(content)
    with pytest.raises(Mp4Error):
        read_video_track(path)


def test_sound_alone_is_no_clip(make: Any) -> None:
    with pytest.raises(Mp4Error, match="no video track"):
        read_video_track(make("sound.mp4", "-map", "1:a", "-c:a", "aac"))
