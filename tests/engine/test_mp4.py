"""The small MP4 reader agrees with a decoder, and never believes a damaged file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import looking
import pytest

from clipkit.engine.boxes import Mp4Error
from clipkit.engine.mp4 import read_video_track

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
    assert track.frames_stored == track.frames_shown == decoded.count
    assert track.first_shown_s == pytest.approx(decoded.times_s[0] + start_s, abs=1e-3)
    assert track.last_shown_s == pytest.approx(decoded.times_s[-1] + start_s, abs=1e-3)


@pytest.mark.parametrize(
    ("start_s", "wait_s"), [("0.4", 0), ("0.6", 0), ("0.61", 0.03), ("1.0", 0), ("1.59", 0.01)]
)
@pytest.mark.parametrize("ticks", ["1000", "12800"])
def test_what_an_edit_list_hides_is_stored_and_not_shown(
    make: Any, start_s: str, wait_s: float, ticks: str
) -> None:
    """Copied from a key frame before the start: the pre-roll is in the file, as a decoder knows.

    (Which calls the first frame's time 0 where the list starts between two frames.)
    """
    source = make("b-frames.mp4", *_X264)
    options = ("-c", "copy", "-movie_timescale", ticks)
    path = make("pre-roll.mp4", *options, source=("-ss", start_s, "-i", source))
    track, decoded = read_video_track(path), looking.pictures(path)
    assert track.frames_shown == decoded.count
    assert track.frames_stored >= decoded.count
    assert track.first_shown_s == pytest.approx(wait_s, abs=1e-3)


def test_without_its_edit_list_everything_is_shown(make: Any) -> None:
    source = make("b-frames.mp4", *_X264)
    options = ("-c", "copy", "-use_editlist", "0")
    path = make("no-list.mp4", *options, source=("-ss", "0.6", "-i", source))
    track = read_video_track(path)
    assert track.frames_shown == track.frames_stored == looking.pictures(path).count


class TestRounding:
    """An edit's duration is in the movie's ticks, often 1,000 a second: coarser than the media's."""

    @pytest.mark.parametrize(
        ("duration_ticks", "shown"),
        [(1000, 24), (1001, 24), (1002, 25), (1043, 25), (1044, 26), (0, 48), (1, 1)],
    )
    def test_a_frame_that_begins_as_the_edit_ends_is_not_shown(
        self, make: Any, tmp_path: Path, duration_ticks: int, shown: int
    ) -> None:
        """At 24000/1001 frames a second: the 25th begins at 1.001 s, the 26th at 1.042 708 s."""
        rate = ("-vf", "fps=24000/1001", "-movie_timescale", "1000")
        options = ("-c:v", "libx264", "-bf", "0", "-an", *rate)
        path = tmp_path / "edited.mp4"
        path.write_bytes(_with_duration(make("ntsc.mp4", *options).read_bytes(), duration_ticks))
        track = read_video_track(path)
        assert (track.frames_stored, track.frames_shown) == (48, shown)

    def test_a_list_that_shows_nothing_is_no_clip(self, make: Any, tmp_path: Path) -> None:
        content = make("b-frames.mp4", *_X264).read_bytes()
        at = content.index(b"elst") + 16
        path = tmp_path / "hidden.mp4"
        path.write_bytes(content[:at] + (1 << 30).to_bytes(4) + content[at + 4 :])
        with pytest.raises(Mp4Error, match="shows nothing"):
            read_video_track(path)


def _with_duration(content: bytes, ticks: int) -> bytes:
    """The same with another duration of its only edit."""
    at = content.index(b"elst") + 12
    return content[:at] + ticks.to_bytes(4) + content[at + 4 :]


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
            assert read_video_track(lying).frames_shown > 0
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
