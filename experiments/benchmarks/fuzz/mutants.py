"""One mutant for each seed: a whole film that is damaged, cut short, re-ordered or made to lie."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import ebml
import isobmff
import sources

_EXTREMES = (0, 1, 2, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_PACKET = 188  # of a transport stream
# Tables of an MP4 whose numbers decide what is shown when, and how much is to be read.
_TELLING = {
    *(b"stts", b"ctts", b"stsz", b"stco", b"stsc", b"stss", b"elst", b"mdhd", b"mvhd", b"tkhd"),
    *(b"stsd", b"trun", b"tfhd", b"tfdt", b"hdlr", b"trex", b"sidx", b"avcC", b"hvcC", b"esds"),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """What the seed gives: the upload, how it was made, and the clips and options of its cut."""

    seed: int
    path: Path
    source: str
    kind: str
    clips: tuple[tuple[str, str], ...]
    build: str


def mutant(seed: int, films: dict[str, Path], folder: Path) -> Mutant:
    chance = Random(seed)
    name = chance.choice(sorted(films))
    kind = chance.choice(kinds_of(name))
    path = folder / f"{seed}-{name}"
    content = films[name].read_bytes()
    if kind == "times":
        _with_times(chance, films[name], path)
    else:
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            content = _KINDS[kind](chance, content) or b"\0"
        path.write_bytes(content)
    build = chance.choice(("bundled", "system"))
    return Mutant(seed, path, name, kind, tuple(_clips(chance)), build)


def kinds_of(name: str) -> list[str]:
    special = {
        ".mp4": "boxes",
        ".mov": "boxes",
        ".mkv": "elements",
        ".webm": "elements",
        ".ts": "packets",
    }
    own = special.get(Path(name).suffix)
    return ["bytes", "length", "blocks", "sizes", "times", *([own] * 3 if own else [])]


def _clips(chance: Random) -> list[tuple[str, str]]:
    """One of two begins at 0, where sound is copied as it is."""
    starts = (0.0 if chance.random() < 0.5 else chance.uniform(0, 1), chance.uniform(0, 1))
    return [(f"{start:.3f}", f"{chance.uniform(0.2, 0.45):.3f}") for start in starts]


def _bytes(chance: Random, content: bytes) -> bytes:
    """A few bytes become others: anywhere, or in the head, where every byte means something."""
    changed = bytearray(content)
    reach = len(changed) if chance.random() < 0.5 else min(len(changed), 2000)
    for _ in range(chance.choice((1, 4, 16, 64))):
        changed[chance.randrange(reach)] = chance.randrange(256)
    return bytes(changed)


def _length(chance: Random, content: bytes) -> bytes:
    at = chance.randrange(1, len(content))
    return chance.choice((content[:at], content[at:], content[:at] + bytes(len(content) - at)))


def _blocks(chance: Random, content: bytes) -> bytes:
    """A stretch is emptied, doubled, left out, or changes places with another."""
    size = chance.choice((1, 16, 188, 1024, 4096))
    a, b = sorted(chance.randrange(max(1, len(content) - size)) for _ in range(2))
    one, other = content[a : a + size], content[b : b + size]
    return chance.choice(
        (
            content[:a] + bytes(len(one)) + content[a + size :],
            content[:a] + one + content[a:],
            content[:a] + content[a + size :],
            content[:a] + other + content[a + size : b] + one + content[b + size :]
            if a + size <= b
            else content[: a + size] + other + content[a + size :],
        )
    )


def _sizes(chance: Random, content: bytes) -> bytes:
    """A number of two, four or eight bytes near a name in the file becomes absurd."""
    form = chance.choice((">H", ">I", ">I", ">Q", "<I"))
    changed = bytearray(content)
    named = [at for at in range(min(len(content), 6000) - 12) if content[at : at + 4].isalpha()]
    at = chance.choice(named or [0]) + chance.choice((-4, 4, 8, 12, 16, 20))
    at = min(max(0, at), len(changed) - 8)
    width = struct.calcsize(form)
    struct.pack_into(form, changed, at, chance.choice(_EXTREMES) & ((1 << 8 * width) - 1))
    return bytes(changed)


def _boxes(chance: Random, content: bytes) -> bytes:
    """A box gets another size or name, goes, comes twice, or a number in its table lies."""
    found = list(isobmff.boxes(content))
    telling = [one for one in found if one.kind in _TELLING]
    one = chance.choice(telling or found)
    whole = content[one.at : one.end]
    if chance.random() < 0.6 and one.end - one.body >= 4:
        changed = bytearray(content)
        at = chance.randrange(one.body, one.end - 3)
        at = one.body + (at - one.body) // 4 * 4
        lie = chance.choice((*_EXTREMES, chance.randrange(2000), chance.getrandbits(32)))
        struct.pack_into(">I", changed, at, lie)
        return bytes(changed)
    return chance.choice(
        (
            content[: one.at] + struct.pack(">I", chance.choice(_EXTREMES)) + content[one.at + 4 :],
            content[: one.at + 4]
            + chance.choice((b"free", b"moov", b"trak", b"stbl"))
            + content[one.body :],
            content[: one.at] + content[one.end :],
            content[: one.at] + whole + content[one.at :],
            content[: one.at] + bytes(len(whole)) + content[one.end :],
        )
    )


def _elements(chance: Random, content: bytes) -> bytes:
    """The same of Matroska's elements."""
    found = list(ebml.elements(content))
    head = [one for one in found if one.number != 0xA3]  # all but the blocks of pictures and sound
    one = chance.choice(head if head and chance.random() < 0.7 else found)
    whole = content[one.at : one.end]
    changed = bytearray(content)
    if chance.random() < 0.5 and one.end > one.body:
        for at in range(one.body, min(one.end, one.body + 8)):
            changed[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        return bytes(changed)
    return chance.choice(
        (
            content[: one.size_at]
            + b"\x01"
            + bytes([chance.randrange(256)] * 7)
            + content[one.body :],
            content[: one.size_at] + b"\xff" + content[one.body :],
            content[: one.at] + content[one.end :],
            content[: one.at] + whole + content[one.at :],
            content[: one.at] + chance.choice((b"\xa3", b"\xae", b"\xe7")) + content[one.size_at :],
        )
    )


def _packets(chance: Random, content: bytes) -> bytes:
    """Packets of a transport stream are lost, come twice, change places, or their heads lie."""
    packets = [content[at : at + _PACKET] for at in range(0, len(content), _PACKET)]
    for _ in range(chance.choice((1, 3, 20))):
        at = chance.randrange(len(packets))
        what = chance.randrange(5)
        if what == 0 and len(packets) > 2:
            del packets[at]
        elif what == 1:
            packets.insert(at, packets[at])
        elif what == 2:
            other = chance.randrange(len(packets))
            packets[at], packets[other] = packets[other], packets[at]
        else:
            lying = bytearray(packets[at])
            lying[chance.randrange(min(len(lying), 24))] = chance.randrange(256)
            packets[at] = bytes(lying)
    return b"".join(packets)


def _with_times(chance: Random, source: Path, path: Path) -> None:
    """The same packets at other times: they repeat, go back, leap, run fast or slow, or are lost."""
    n = chance.randrange(2, 30)
    lie = chance.choice(
        (
            f"setts=pts='if(eq(mod(N,{n}),0),PREV_OUTPTS,PTS)'",
            f"setts=ts='TS-if(gt(N,{n}),{chance.choice((0.3, 1, 5, 100))}/TB,0)'",
            f"setts=ts='TS+if(gt(N,{n}),{chance.choice((0.3, 1, 15, 3600, 100000))}/TB,0)'",
            f"setts=ts='TS*{chance.choice((0.01, 0.5, 3, 100))}'",
            f"setts=pts='PTS+{chance.choice((-50, 7, 50))}*mod(N,{n})'",
            f"noise=drop='eq(mod(n,{n}),0)'",
            f"noise=amount='{chance.choice((1, 20, 300))}'",
        )
    )
    stream = chance.choice(("v", "a", "v"))
    words = ("-map", "0", "-c", "copy", f"-bsf:{stream}", lie, "-fflags", "+bitexact", str(path))
    made = sources.run("-i", str(source), *words)
    if not made and not path.exists():  # the muxer refuses such times: then the film as it is
        path.write_bytes(source.read_bytes())


_KINDS: dict[str, Callable[[Random, bytes], bytes]] = {
    "bytes": _bytes,
    "length": _length,
    "blocks": _blocks,
    "sizes": _sizes,
    "boxes": _boxes,
    "elements": _elements,
    "packets": _packets,
}
