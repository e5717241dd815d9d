"""A clip copied by ffmpeg and then mended byte by byte, apart from clipkit: right, so that one thing can be spoilt."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import isobmff
from isobmff import Box

_TICKS = 1_000_000
_MOVIE_TICKS = 90_000
_PACKET = Fraction(1024, 48000)


def copied(
    upload: Path,
    key: Fraction,
    zero: Fraction,
    end: Fraction,
    clip: Path,
    *,
    leading: bool = False,
) -> Path:
    """From the access point at `key`; the picture at `zero` comes first; at 25 pictures a second.

    `leading`: with the pictures of an open group that come before its access point, which nothing can decode.
    """
    length = end - zero

    def fast(what: str) -> str:
        """Of a time: what is hidden lasts one tick a picture."""
        at = f"({what}*TB-{float(zero)})"
        before = f"floor({at}*25-0.001)"
        behind = f"round({float(length)}/TB)+floor(({at}-{float(length)})*25+0.001)"
        shown = f"if(gte({at},{float(length) - 1e-6}),{behind},round({at}/TB))"
        return f"if(lt({at},-0.000001),{before},{shown})"

    early = "" if leading else f"noise=amount=0:drop='lt(pts*tb,{float(key) - 1e-6})',"
    heard = f"lt(pts*tb,{float(-2 * _PACKET)})+gte(pts*tb,{float(length)})"
    own = f"{float(zero)}/TB"
    ffmpeg(
        *("-copyts", "-ss", f"{float(key)}", "-noaccurate_seek", "-i", upload),
        *("-map", "0:v", "-map", "0:a", "-to", f"{float(end)}", "-c", "copy"),
        *("-bsf:v", f"{early}setts=time_base=1/{_TICKS}:pts=PTS:dts=DTS,{_setts(fast)}"),
        *("-bsf:a", f"setts=pts='PTS-{own}':dts='DTS-{own}',noise=amount=0:drop='{heard}'"),
        *("-tag:v", "hvc1" if "hevc" in upload.name else "avc1"),
        *("-movie_timescale", str(_MOVIE_TICKS), clip),
    )
    return ended(clip, length)


def _setts(fast: Callable[[str], str]) -> str:
    return f"setts=pts='{fast('PTS')}':dts='{fast('DTS')}'"


def ffmpeg(*words: str | Path) -> None:
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *map(str, words)]
    subprocess.run(argv, check=True, timeout=60)


def ended(clip: Path, length: Fraction) -> Path:
    """Its pictures, and all that says how long they last, end there."""

    def end(data: bytearray, found: list[Box]) -> None:
        movie = round(length * _MOVIE_TICKS)
        edit = first(found, b"elst").body + 8
        _, hidden = struct.unpack_from(">Ii", data, edit)
        struct.pack_into(">I", data, edit, movie)
        struct.pack_into(">I", data, first(found, b"tkhd").body + 20, movie)
        struct.pack_into(">I", data, first(found, b"mvhd").body + 16, movie)
        struct.pack_into(
            ">I", data, first(found, b"mdhd").body + 16, hidden + round(length * _TICKS)
        )
        stts = first(found, b"stts")
        *runs, (count, lasts) = struct.iter_unpack(">II", data[stts.body + 8 : stts.end])
        ticks = sum(number * each for number, each in runs) + (count - 1) * lasts
        runs += [(count - 1, lasts), (1, hidden + round(length * _TICKS) - ticks)]
        rows = [run for run in runs if run[0]]
        table = isobmff.full(
            b"stts",
            *(0, 0, struct.pack(">I", len(rows))),
            *(struct.pack(">II", *row) for row in rows),
        )
        # The index lies behind the media: its growth moves nothing else.
        assert first(found, b"moov").at > first(found, b"mdat").at
        for outer in found:
            if outer.at < stts.at < outer.end:
                size = outer.end - outer.at + len(table) - (stts.end - stts.at)
                struct.pack_into(">I", data, outer.at, size)
        data[stts.at : stts.end] = table

    return changed(clip, end)


def one_to_seek_to(clip: Path) -> Path:
    """Its first sample, and none of an open group."""

    def keep_one(data: bytearray, found: list[Box]) -> None:
        struct.pack_into(">I", data, first(found, b"stss").body + 4, 1)

    return changed(clip, keep_one)


def changed(clip: Path, change: Callable[[bytearray, list[Box]], None]) -> Path:
    data = bytearray(clip.read_bytes())
    change(data, list(isobmff.boxes(bytes(data))))
    clip.write_bytes(data)
    return clip


def first(found: list[Box], kind: bytes) -> Box:
    """Of the pictures' track, which comes first."""
    return next(one for one in found if one.kind == kind)
