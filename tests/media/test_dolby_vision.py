"""Dolby Vision without a base that others can show is known by the header, and refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from inventing_uploads import upload
from making import Make
from running import clipkit

from clipkit.media.dolby_vision import DolbyVision
from clipkit.media.probe import probe_upload

X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0:keyint=25", "-an")


def record(profile: int, compatibility: int) -> bytes:
    """The configuration record: version 1.0, level 4, RPU and base layer present."""
    return bytes([1, 0, profile << 1, 4 << 3 | 0b101, compatibility << 4]) + bytes(19)


def as_mp4(film: Path, told: bytes, path: Path) -> Path:
    """In place of a box of the sample entry that no reader misses."""
    content = film.read_bytes()
    box = (len(told) + 8).to_bytes(4) + b"dvcC" + told
    # Everything behind grows by the box: its parents, and where chunks lie (moov is at the end).
    at = content.index(b"hvcC") - 4
    end = at + int.from_bytes(content[at : at + 4])
    grown = bytearray(content[:end] + box + content[end:])
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hvc1", b"hev1"):
        place = content.rfind(kind, 0, at) - 4
        if place >= 0:
            size = int.from_bytes(grown[place : place + 4]) + len(box)
            grown[place : place + 4] = size.to_bytes(4)
    path.write_bytes(grown)
    return path


@pytest.mark.parametrize(
    ("profile", "compatibility", "base"),
    [(5, 0, False), (8, 1, True), (8, 4, True), (7, 6, True), (9, 2, True), (10, 0, False)],
)
def test_an_mp4_says_it_in_its_sample_entry(
    profile: int, compatibility: int, base: bool, make: Make, tmp_path: Path
) -> None:
    film = make("film.mp4", *X265)
    path = as_mp4(film, record(profile, compatibility), tmp_path / "film.mp4")
    found = probe_upload(path)
    assert found.dolby_vision == DolbyVision(profile, compatibility)
    assert found.dolby_vision.has_base == base
    assert any("Dolby Vision" in warning for warning in found.warnings) == (not base)


@pytest.mark.parametrize("mode", ["encode", "snap"])
def test_without_a_base_it_is_refused_in_one_line(mode: str, make: Make, tmp_path: Path) -> None:
    path = as_mp4(make("film.mp4", *X265), record(5, 0), tmp_path / "film.mp4")
    words = ("--out", tmp_path / "out", "--count", 1, "--length", 0.4, "--mode", mode)
    ran = clipkit("cut", path, *words)
    assert ran.code == 1
    assert "is Dolby Vision profile 5" in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    based = as_mp4(make("film.mp4", *X265), record(8, 4), tmp_path / "based.mp4")
    assert clipkit("cut", based, *words).code == 0


def test_matroska_says_it_in_a_mapping(make: Make, tmp_path: Path) -> None:
    """Written by ffmpeg from the MP4's box."""
    path = as_mp4(make("film.mp4", *X265), record(8, 1), tmp_path / "film.mp4")
    copied = make("copied.mkv", "-c", "copy", "-strict", "unofficial", source=("-i", path))
    assert probe_upload(copied).dolby_vision == DolbyVision(8, 1)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (bytes([1, 0, 5 << 1, 4 << 3 | 0b101, 0]), DolbyVision(5, 0)),
        (bytes([1, 0, 8 << 1, 4 << 3 | 0b101, 4 << 4]), DolbyVision(8, 4)),
        (bytes([1, 0, 7 << 1, 4 << 3 | 0b110, 1, 2, 6 << 4]), DolbyVision(7, 6)),  # beside its base
    ],
)
def test_a_transport_stream_says_it_in_its_programmes_table(
    content: bytes, found: DolbyVision, make: Make, tmp_path: Path
) -> None:
    stream = bytearray(make("film.ts", *X265).read_bytes())
    for start in range(0, len(stream), 188):
        section_at = start + 5
        if (
            stream[section_at] == 0x02 and stream[start + 1] & 0x5F == 0x50
        ):  # the table's PID, 0x1000
            packet = bytes(stream[start : start + 188])
            stream[start : start + 188] = with_descriptor(
                packet, bytes([0xB0, len(content)]) + content
            )
    path = tmp_path / "film.ts"
    path.write_bytes(stream)
    assert probe_upload(path).dolby_vision == found


def with_descriptor(packet: bytes, descriptor: bytes) -> bytes:
    """A packet with a programme map table of one stream, which gets a descriptor more."""
    size = 3 + (int.from_bytes(packet[6:8]) & 0x0FFF)
    body = bytearray(packet[5 : 5 + size - 4])
    for place in (1, len(body) - (int.from_bytes(body[15:17]) & 0x0FFF) - 2):
        grown = int.from_bytes(body[place : place + 2]) + len(descriptor)
        body[place : place + 2] = grown.to_bytes(2)
    body += descriptor
    whole = packet[:5] + bytes(body) + crc32(bytes(body)).to_bytes(4)
    return whole.ljust(188, b"\xff")


def crc32(data: bytes) -> int:
    """As MPEG has it (ISO/IEC 13818-1, annex A)."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


def test_a_film_without_it_has_none(make: Make) -> None:
    assert probe_upload(make("film.mp4", *X265)).dolby_vision is None
    assert upload().dolby_vision is None
