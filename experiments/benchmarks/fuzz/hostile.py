"""Uploads that are out to harm: each made in code, with what should come of it.

    python experiments/benchmarks/fuzz/hostile.py FOLDER     makes them all there, and lists them

None needs the network; those of real pictures are made by the bundled ffmpeg from lavfi. What is to
come of each is "refused" (exit 1, one line), "right" (harmless in spite of its looks), or "either".
"""

from __future__ import annotations

import argparse
import os
import struct
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import isobmff
from isobmff import OneTrack, box, full

REFUSED, RIGHT, EITHER = "refused", "right", "either"

_OTHER_FILM = "other.ts"


@dataclass(frozen=True, slots=True)
class Hostile:
    """`make` writes into an empty folder and returns the upload. `why` says what it is out for."""

    name: str
    outcome: str
    why: str
    make: Callable[[Path], Path]


def film(path: Path, *options: str, size: str = "160x90", duration_s: float = 2.0) -> Path:
    """A moving test picture with a tone."""
    picture = f"testsrc2=size={size}:rate=25:duration={duration_s}"
    sound = f"sine=frequency=440:sample_rate=48000:duration={duration_s}"
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
    argv += ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
    argv += [*(options or ("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-c:a", "aac"))]
    subprocess.run([*argv, os.fspath(path)], check=True, timeout=120)
    return path


def another_film(folder: Path) -> Path:
    """Of someone else on the same host: 128x128 and green, so that it is known again in a clip."""
    source = ("-filter_complex", "color=lime:size=128x128:rate=25:duration=2", "-map", "1:a")
    return film(folder / _OTHER_FILM, *source, "-c:v", "libx264", "-g", "5", "-c:a", "aac")


def _playlist_before_packets(folder: Path) -> Path:
    """A transport stream to who counts sync bytes, a playlist to who reads the first line."""
    other = another_film(folder)
    packets = film(folder / "packets.ts").read_bytes()
    playlist = (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n"
        f"#EXTINF:2.0,\n{other}\n#EXT-X-ENDLIST\n#"
    ).encode()
    upload = folder / "playlist_before_packets.mp4"
    upload.write_bytes(playlist.ljust(-(-len(playlist) // 188) * 188, b" ") + packets)
    (folder / "packets.ts").unlink()
    return upload


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        other = another_film(folder)
        (folder / name).write_text(text.format(other=other), "utf-8")
        return folder / name

    return make


def _sixty_million_samples(folder: Path) -> Path:
    track = OneTrack(codec=b"avc1", width=16, height=16, samples=60_000_000, sample_bytes=1)
    upload = folder / "sixty_million_samples.mp4"
    upload.write_bytes(track.file(bytes(64)))
    return upload


def _four_million_one_byte_samples(folder: Path) -> Path:
    count = 4_000_000
    track = OneTrack(codec=b"avc1", width=16, height=16, samples=count, sample_bytes=1)
    upload = folder / "four_million_one_byte_samples.mp4"
    upload.write_bytes(track.file(bytes(count)))
    return upload


def _huge_picture(folder: Path) -> Path:
    """16,128 x 16,128 in 64-bit colour, 2 GB once decoded, from a PNG of a few MB (RFC 1950 and 1951)."""
    side, rows = 16_128, 64
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # Flushed in full, a stretch refers to nothing before it: the same bytes again are the same rows.
    stretch = packer.compress(bytes(1 + side * 8) * rows) + packer.flush(zlib.Z_FULL_FLUSH)
    adler = (1 + side * 8) * side % 65521 << 16 | 1  # of nothing but zeros
    stream = b"\x78\xda" + stretch * (side // rows) + b"\x03\x00" + struct.pack(">I", adler)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")
    )
    track = OneTrack(codec=b"png ", width=side, height=side, samples=3, sample_bytes=len(png))
    upload = folder / "huge_picture.mov"
    upload.write_bytes(track.file(png * 3))
    return upload


def _fragmented(name: str, tracks: int, samples: int) -> Callable[[Path], Path]:
    """A film's head with more tracks, 3,000 fragments of so many samples of one byte, the film's own."""

    def make(folder: Path) -> Path:
        path = film(
            folder / name,
            *("-c:v", "libx264", "-preset", "ultrafast", "-an"),
            *("-movflags", "frag_keyframe+empty_moov+default_base_moof"),
        )
        content = path.read_bytes()
        moov = next(one for one in isobmff.boxes(content) if one.kind == b"moov")
        head = full(b"tfhd", 0, 0x020018, struct.pack(">III", 1, 1, 1))  # a tick and a byte each
        run = full(b"trun", 0, 1, struct.pack(">Ii", samples, 0))
        fragments = [
            box(
                b"moof",
                full(b"mfhd", 0, 0, struct.pack(">I", number)),
                box(b"traf", head, full(b"tfdt", 1, 0, struct.pack(">Q", samples * number)), run),
            )
            for number in range(1, 3001)
        ]
        more = _with_tracks(content[: moov.end], tracks)
        path.write_bytes(more + b"".join(fragments) + content[moov.end :])
        return path

    return make


def _with_tracks(head: bytes, tracks: int) -> bytes:
    """The first track so often, each with its number and its defaults for fragments."""
    found = list(isobmff.boxes(head))
    moov, trak, mvex = (
        next(b for b in found if b.kind == kind) for kind in (b"moov", b"trak", b"mvex")
    )
    number_at = head.index(b"tkhd", trak.at) + 16
    copies = [
        head[trak.at : number_at] + struct.pack(">I", number) + head[number_at + 4 : trak.end]
        for number in range(2, tracks + 1)
    ]
    defaults = [
        full(b"trex", 0, 0, struct.pack(">IIIII", number, 1, 0, 0, 0))
        for number in range(2, tracks + 1)
    ]
    extended = box(b"mvex", head[mvex.body : mvex.end], *defaults)
    return head[: moov.at] + box(
        b"moov", head[moov.body : mvex.at], *copies, extended, head[mvex.end :]
    )


def _edited(name: str, *edits: tuple[int, int]) -> Callable[[Path], Path]:
    """A film whose first edit list is replaced: each edit a duration and a media time, 64 bits wide."""

    def make(folder: Path) -> Path:
        path = film(folder / name)
        path.write_bytes(with_edits(path.read_bytes(), *edits))
        return path

    return make


def with_edits(content: bytes, *edits: tuple[int, int]) -> bytes:
    """`moov` has to be the file's last box: nothing that it points to may move."""
    found = list(isobmff.boxes(content))
    moov = next(b for b in found if b.kind == b"moov")
    trak = next(b for b in found if b.kind == b"trak")
    old = next(b for b in found if b.kind == b"edts" and trak.at < b.at < trak.end)
    rows = b"".join(struct.pack(">QqHH", length, start, 1, 0) for length, start in edits)
    new = box(b"edts", full(b"elst", 1, 0, struct.pack(">I", len(edits)), rows))
    longer = bytearray(content[: old.at] + new + content[old.end :])
    for outer in (moov, trak):
        size = outer.end - outer.at + len(new) - (old.end - old.at)
        struct.pack_into(">I", longer, outer.at, size)
    return bytes(longer)


def _deep_boxes(folder: Path) -> Path:
    """Boxes in boxes, ten thousand deep: what walks them by calling itself runs out of stack."""
    inner = b""
    for _ in range(10_000):
        inner = box(b"trak", inner)
    upload = folder / "deep_boxes.mp4"
    upload.write_bytes(box(b"ftyp", b"isom", bytes(4)) + box(b"moov", inner))
    return upload


def _five_thousand_tracks(folder: Path) -> Path:
    whole = film(folder / "five_thousand_tracks.mp4")
    content = whole.read_bytes()
    found = list(isobmff.boxes(content))
    moov, trak = (next(b for b in found if b.kind == kind) for kind in (b"moov", b"trak"))
    more = content[trak.at : trak.end] * 5000
    longer = bytearray(content[: trak.at] + more + content[trak.at :])
    struct.pack_into(">I", longer, moov.at, moov.end - moov.at + len(more))
    whole.write_bytes(longer)
    return whole


def _special(name: str, make: Callable[[Path], None]) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        make(folder / name)
        return folder / name

    return made


def _loop(path: Path) -> None:
    path.symlink_to(path.with_name("second.mp4"))
    path.with_name("second.mp4").symlink_to(path)


def _named(name: bytes) -> Callable[[Path], Path]:
    return lambda folder: film(folder / "plain.mp4").rename(folder / os.fsdecode(name))


_PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{other}\n#EXT-X-ENDLIST\n"
_MANIFEST = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" '
    'bandwidth="1"><BaseURL>{other}</BaseURL></Representation></AdaptationSet></Period></MPD>'
)
_SESSION = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"

HOSTILE: tuple[Hostile, ...] = (
    Hostile(
        # To a version that counts packets first it is a film, and its own one is cut.
        "playlist_before_packets",
        EITHER,
        "another film of the host",
        _playlist_before_packets,
    ),
    Hostile("playlist", REFUSED, "another film of the host", _text("playlist.mp4", _PLAYLIST)),
    Hostile(
        "concatenation",
        REFUSED,
        "another film of the host",
        _text("concatenation.mp4", "ffconcat version 1.0\nfile {other}\n"),
    ),
    Hostile("manifest", REFUSED, "another film of the host", _text("manifest.mp4", _MANIFEST)),
    Hostile("session", REFUSED, "the network", _text("session.mp4", _SESSION)),
    Hostile("sixty_million_samples", REFUSED, "4.4 GB from 657 bytes", _sixty_million_samples),
    Hostile("huge_picture", REFUSED, "2 GB for one picture", _huge_picture),
    Hostile(
        "empty_fragments",
        REFUSED,
        "490 MB for 900 tracks in 3,000 fragments of nothing",
        _fragmented("empty_fragments.mp4", 900, 0),
    ),
    Hostile(
        "dense_fragments",
        REFUSED,
        "600 MB and 93 s for 15 million samples that are declared",
        _fragmented("dense_fragments.mp4", 1, 5000),
    ),
    Hostile("one_byte_samples", REFUSED, "36 s of reading", _four_million_one_byte_samples),
    Hostile("long_edit", RIGHT, "an endless film", _edited("long_edit.mp4", (2**62, 1024))),
    Hostile(
        "two_long_edits",
        EITHER,
        "times beyond 64 bits",
        _edited("two_long_edits.mp4", (2**62, 1024), (2**62, 1024)),
    ),
    Hostile(
        "long_empty_edit",
        EITHER,
        "a division by zero",
        _edited("long_empty_edit.mp4", (2**62, -1), (2000, 1024)),
    ),
    Hostile("late_edit", REFUSED, "times beyond 64 bits", _edited("late_edit.mp4", (2000, 2**62))),
    Hostile("deep_boxes", REFUSED, "the stack", _deep_boxes),
    Hostile("five_thousand_tracks", REFUSED, "memory for every track", _five_thousand_tracks),
    Hostile("fifo", REFUSED, "waiting for ever", _special("fifo.mp4", os.mkfifo)),
    Hostile(
        "blocking_proc_file",
        REFUSED,
        "waiting for ever",
        _special("kmsg.mp4", lambda path: path.symlink_to("/proc/kmsg")),
    ),
    Hostile(
        "proc_file",
        REFUSED,
        "what the host's kernel tells",
        _special("maps.mp4", lambda path: path.symlink_to("/proc/self/maps")),
    ),
    Hostile(
        "endless_device",
        REFUSED,
        "reading for ever",
        _special("zero.mp4", lambda path: path.symlink_to("/dev/zero")),
    ),
    Hostile("symlink_loop", REFUSED, "following for ever", _special("first.mp4", _loop)),
    Hostile("name_in_other_bytes", RIGHT, "a crash of who prints it", _named(b"\xff\xfe\x80.mp4")),
    Hostile("name_like_an_option", RIGHT, "an option of ffmpeg's", _named(b"-y.mp4")),
    Hostile("name_like_a_pattern", RIGHT, "other files", _named(b"%03d*?.mp4")),
    Hostile("name_like_a_protocol", RIGHT, "other files", _named(b"concat:a|b.mp4")),
    Hostile("name_of_two_lines", RIGHT, "a second line of the error", _named(b"two\nlines\r.mp4")),
)
BY_NAME = {one.name: one for one in HOSTILE}


def main() -> None:
    parser = argparse.ArgumentParser(description="Make hostile uploads.")
    parser.add_argument("folder", type=Path)
    root: Path = parser.parse_args().folder
    for one in HOSTILE:
        folder = root / one.name
        folder.mkdir(parents=True)
        made = one.make(folder)
        print(f"{one.outcome:8} {os.fsencode(made)!r}: {one.why}")


if __name__ == "__main__":
    main()
