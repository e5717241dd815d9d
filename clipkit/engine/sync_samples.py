"""Which pictures of an MP4 one may seek to (`stss`, ISO/IEC 14496-12, 8.6.2). Stdlib only."""

from __future__ import annotations

import struct
from collections.abc import Set
from typing import BinaryIO

from clipkit.engine.boxes import Mp4Error, boxes, read_moov

_HEADER = 8
_OUTER = {b"mdia", b"minf", b"stbl"}


def keep_sync_samples(file: BinaryIO, numbers: Set[int]) -> None:
    """Have one seek to these pictures alone, counted from 1. Raises Mp4Error.

    The index gets shorter by that; where it ended, a `free` box fills what is left, so that nothing else moves.
    """
    at, moov = read_moov(file)
    shorter = b"".join(
        _box(kind, _kept(body, numbers) if kind == b"trak" else bytes(body))
        for kind, body in boxes(memoryview(moov))
    )
    spare = len(moov) - len(shorter)
    if not spare:
        return
    if spare < _HEADER:
        file.seek(at + len(moov))
        size, kind = struct.unpack(">I4s", file.read(_HEADER))
        if kind != b"free":
            raise Mp4Error("no room behind its index")
        spare += size
    file.seek(at - _HEADER)
    file.write(_box(b"moov", shorter) + struct.pack(">I4s", spare, b"free"))


def _kept(track: memoryview, numbers: Set[int]) -> bytes:
    """A track, or a part of one, with a table of these alone; of sound nothing has one."""
    made = b""
    for kind, body in boxes(track):
        if kind in _OUTER:
            made += _box(kind, _kept(body, numbers))
        elif kind == b"stss":
            made += _box(kind, _table(body, numbers))
        else:
            made += _box(kind, bytes(body))
    return made


def _table(stss: memoryview, numbers: Set[int]) -> bytes:
    count = struct.unpack_from(">I", stss, 4)[0]
    kept = [each for each in struct.unpack_from(f">{count}I", stss, 8) if each in numbers]
    return bytes(stss[:4]) + struct.pack(f">{len(kept) + 1}I", len(kept), *kept)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", _HEADER + len(body), kind) + body
