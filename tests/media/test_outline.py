"""What two demuxers take one file for: read from ffmpeg's words, and compared."""

from __future__ import annotations

import pytest

from clipkit.media.outline import (
    Outline,
    StreamOutline,
    difference,
    outline_told,
    why_not_opened,
)

FILM = StreamOutline(0, "video", "h264", 1280, 720)
SOUND = StreamOutline(1, "audio", "aac", 0, 0)
MP4 = Outline("mov,mp4,m4a,3gp,3g2,mj2", (FILM, SOUND))

SAID = """\
[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55] a warning
Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/x/film.mp4':
  Metadata:
    title           : Input #0, hls, from 'file:
    comment         :
                    : Stream #0:7: Video: mpeg4, 1x1
  Duration: 00:00:04.00, start: 0.000000, bitrate: 124 kb/s
  Program 1
  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 69 kb/s (default)
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709), 1280x720 [SAR 1:1 DAR 16:9], 25 fps
  Stream #0:2: Data: none (tmcd / 0x64636D74)
  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono
At least one output file must be specified
"""


def test_format_streams_and_size_are_read() -> None:
    assert outline_told(SAID) == MP4


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[hls @ 0x55] Format not on whitelist 'mov,mpegts'\nfile:x.mp4: Invalid argument\n",
        SAID.replace("At least one output file must be specified", "Killed"),
        "At least one output file must be specified",
    ],
)
def test_what_was_not_opened_has_none(said: str) -> None:
    assert outline_told(said) is None


def test_the_reason_is_the_line_that_tells_most() -> None:
    said = "[hls @ 0x55] Format not on whitelist 'mov,mpegts'\nfile:x.mp4: Invalid argument\n"
    assert why_not_opened(said) == "Format not on whitelist 'mov,mpegts'"
    assert why_not_opened("[mov @ 0x1] x\nfile:a: Invalid data\n\n") == "file:a: Invalid data"
    assert why_not_opened("") == "it printed nothing"


@pytest.mark.parametrize(
    "theirs",
    [
        MP4,
        Outline("mov,mp4", MP4.streams),
        Outline(MP4.format, (FILM, StreamOutline(1, "audio", "none", 0, 0))),
        Outline(MP4.format, (StreamOutline(0, "video", "h264", 0, 0), SOUND)),
    ],
)
def test_these_are_one_file(theirs: Outline) -> None:
    assert difference(MP4, theirs) is None


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (Outline("hls", MP4.streams), (MP4.format, "hls")),
        (
            Outline(MP4.format, (FILM,)),
            ("video h264 1280x720 and audio aac", "video h264 1280x720"),
        ),
        (Outline(MP4.format, ()), ("video h264 1280x720 and audio aac", "no picture and no sound")),
        (
            Outline(MP4.format, (StreamOutline(0, "video", "h264", 640, 360), SOUND)),
            ("video h264 1280x720", "video h264 640x360"),
        ),
        (
            Outline(MP4.format, (StreamOutline(0, "video", "hevc", 1280, 720), SOUND)),
            ("video h264 1280x720", "video hevc 1280x720"),
        ),
    ],
)
def test_and_these_are_two(theirs: Outline, words: tuple[str, str]) -> None:
    assert difference(MP4, theirs) == words
