"""The oracle knows a right copy from every kind of wrong one, and each by its fault."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from copied_by_hand import changed, copied, ffmpeg, first, one_to_seek_to
from counted import Counted
from isobmff import Box
from oracle import REFUSED, RIGHT, WRONG, Asked, Oracle, Verdict

# Frame 53 of 25 a second; the access points are 0, 40 and 80.
ASKED = Asked.of("2.12", "1.18")
KEY = Fraction("1.6")


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Counted("film.mp4").make(tmp_path_factory.mktemp("counted"))


@pytest.fixture(scope="session")
def judge(film: Path) -> Callable[..., Verdict]:
    oracle = Oracle(film)
    return lambda clip, mode="copy": oracle.judge(ASKED, clip, None, mode)


@pytest.fixture(scope="session")
def by_hand(film: Path) -> Path:
    return copied(film, KEY, ASKED.start, ASKED.end, film.with_name("clip.mp4"))


@pytest.fixture
def spoilt(by_hand: Path, tmp_path: Path) -> Path:
    """A right one, to be spoilt."""
    return Path(shutil.copy(by_hand, tmp_path / "spoilt.mp4"))


def test_a_right_copy_is_right(judge: Callable[..., Verdict], by_hand: Path) -> None:
    assert judge(by_hand).outcome == RIGHT, judge(by_hand).reasons


def test_a_right_copy_of_an_open_group_is_right(tmp_path: Path) -> None:
    film = Counted("film.mp4", open_gop=True).make(tmp_path)
    clip = copied(film, KEY, ASKED.start, ASKED.end, tmp_path / "clip.mp4")
    oracle = Oracle(film)
    (reason,) = oracle.judge(ASKED, clip, None, "copy").reasons
    assert "pictures need more than the one to seek to" in reason
    verdict = oracle.judge(ASKED, one_to_seek_to(clip), None, "copy")
    assert verdict.outcome == RIGHT, verdict.reasons


def test_pictures_that_nothing_can_decode_are_wrong_though_they_lie_hidden(tmp_path: Path) -> None:
    """Those of an open group before its access point: Chromium ends with an error at the first."""
    film = Counted("film.mp4", open_gop=True).make(tmp_path)
    clip = tmp_path / "clip.mp4"
    copied(film, KEY, ASKED.start, ASKED.end, clip, leading=True)
    # Twice: what a library tells of one film is told again of the next.
    for _ in range(2):
        reasons = Oracle(film).judge(ASKED, clip, None, "copy").reasons
        assert reasons[0] == "1 faults in decoding it"


def test_a_copy_is_no_smart_cut(judge: Callable[..., Verdict], by_hand: Path) -> None:
    assert any("pictures lie hidden in it" in told for told in judge(by_hand, "smart").reasons)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("-ss", "2.12", "-t", "1.18", "-i", "{}"), "ms of its pictures are hidden"),
        (("-ss", "2.12", "-t", "1.18", "-i", "{}"), "who ignores its list sees other pictures"),
        (("-ss", "2.12", "-t", "1.18", "-i", "{}"), "its last picture ends at"),
        (("-ss", "2.12", "-t", "1.18", "-i", "{}", "-use_editlist", "0"), "pictures by its boxes"),
        (("-ss", "2.12", "-t", "1.18", "-i", "{}", "-tag:v", "avc3"), "its sample entry is avc3"),
        (
            ("-ss", "2.12", "-t", "1.18", "-i", "{}", "-movflags", "negative_cts_offsets"),
            "composition offsets are negative",
        ),
    ],
)
def test_what_ffmpeg_copies_by_itself_is_wrong(
    words: tuple[str, ...],
    reason: str,
    film: Path,
    tmp_path: Path,
    judge: Callable[..., Verdict],
) -> None:
    clip = tmp_path / "clip.mp4"
    ffmpeg(*(word.format(film) for word in words), "-c", "copy", clip)
    verdict = judge(clip)
    assert verdict.outcome == WRONG
    assert any(reason in told for told in verdict.reasons), verdict.reasons


def test_parameter_sets_among_the_samples_are_seen(
    film: Path, tmp_path: Path, judge: Callable[..., Verdict]
) -> None:
    stream, clip = tmp_path / "stream.ts", tmp_path / "clip.mp4"
    ffmpeg("-i", film, "-c", "copy", stream)
    ffmpeg("-ss", "2.12", "-t", "1.18", "-i", stream, "-c", "copy", clip)
    assert any("parameter sets lie among its samples" in told for told in judge(clip).reasons)


def test_pictures_encoded_again_are_not_the_uploads(
    film: Path, tmp_path: Path, judge: Callable[..., Verdict]
) -> None:
    clip = tmp_path / "clip.mp4"
    ffmpeg("-ss", "2.12", "-i", film, "-t", "1.18", "-crf", "10", "-c:a", "copy", clip)
    assert any("30 of 30 pictures are not the upload's" in told for told in judge(clip).reasons)


def _edit_later(data: bytearray, found: list[Box]) -> None:
    place = first(found, b"elst").body + 12
    struct.pack_into(">i", data, place, struct.unpack_from(">i", data, place)[0] + 40000)


def _one_offset_more(data: bytearray, found: list[Box]) -> None:
    place = first(found, b"ctts").end - 4
    struct.pack_into(">i", data, place, struct.unpack_from(">i", data, place)[0] + 10000)


def _negative_offset(data: bytearray, found: list[Box]) -> None:
    struct.pack_into(">i", data, first(found, b"ctts").body + 12, -1)


def _stuck(data: bytearray, found: list[Box]) -> None:
    struct.pack_into(">I", data, first(found, b"stts").body + 12, 0)


def _hev1(data: bytearray, found: list[Box]) -> None:
    place = first(found, b"stsd").body + 12
    data[place : place + 4] = b"avc3"


def _longer_media(data: bytearray, found: list[Box]) -> None:
    place = first(found, b"mdhd").body + 16
    struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + 39000)


def _shorter_media(data: bytearray, found: list[Box]) -> None:
    place = first(found, b"mdhd").body + 16
    struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] - 39000)


def _longer_track(data: bytearray, found: list[Box]) -> None:
    place = first(found, b"tkhd").body + 20
    struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + 900)


def _longer_edit(data: bytearray, found: list[Box]) -> None:
    place = first(found, b"elst").body + 8
    struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + 900)


def _last_sample_longer(data: bytearray, found: list[Box]) -> None:
    place = first(found, b"stts").end - 4
    struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + 20000)


def _sound_late(data: bytearray, found: list[Box]) -> None:
    place = [one for one in found if one.kind == b"elst"][1].body + 12
    struct.pack_into(">i", data, place, struct.unpack_from(">i", data, place)[0] - 48)


def _one_byte_of_a_picture(data: bytearray, found: list[Box]) -> None:
    """In the last sample that is larger than a few bytes, near its end: it still decodes."""
    media = first(found, b"mdat")
    stsz = first(found, b"stsz").body
    largest = struct.unpack_from(">I", data, stsz + 12)[0]
    data[media.body + largest - 40] ^= 0x55


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_edit_later, "31 pictures by its boxes"),
        (_one_offset_more, "picture"),
        (_negative_offset, "1 composition offsets are negative"),
        (_stuck, "times of decoding do not rise"),
        (_hev1, "its sample entry is avc3"),
        (_longer_media, "mdhd says 1.219016 s"),
        (_shorter_media, "mdhd says 1.141016 s"),
        (_longer_track, "tkhd says 1.190000 s"),
        (_longer_edit, "32 pictures by its boxes"),
        (_last_sample_longer, "20.0 ms of its pictures are hidden"),
        (_sound_late, "samples of its sound are not the upload's"),
        (_one_byte_of_a_picture, "are not the upload's, bit for bit"),
    ],
)
def test_a_copy_with_one_fault_is_told_by_it(
    change: Callable[[bytearray, list[Box]], None],
    reason: str,
    spoilt: Path,
    judge: Callable[..., Verdict],
) -> None:
    verdict = judge(changed(spoilt, change))
    assert verdict.outcome == WRONG
    assert any(reason in told for told in verdict.reasons), verdict.reasons


def test_hidden_sound_is_no_more_than_its_codec_needs(
    film: Path, tmp_path: Path, judge: Callable[..., Verdict]
) -> None:
    clip = tmp_path / "clip.mp4"
    ffmpeg("-ss", "2.12", "-t", "1.18", "-i", film, "-c", "copy", clip)
    assert any("ms of sound are hidden before it" in told for told in judge(clip).reasons)


def test_a_mode_that_copies_may_refuse_in_one_line(film: Path) -> None:
    oracle = Oracle(film)
    assert oracle.judge(ASKED, None, "its sizes change", "copy").outcome == REFUSED
    assert oracle.judge(ASKED, None, "its sizes change", "encode").outcome == WRONG
    assert oracle.judge(ASKED, None, "two\nlines", "copy").outcome == WRONG
