"""The elements of a Matroska file (RFC 8794), found by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# Elements that hold elements.
_MASTERS = {
    *(0x1A45DFA3, 0x18538067, 0x114D9B74, 0x4DBB, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0xE1),
    *(0x1F43B675, 0xA0, 0x1C53BB6B, 0xBB, 0xB7, 0x1254C367, 0x7373, 0x55B0),
}


@dataclass(frozen=True, slots=True)
class Element:
    """Where it lies: from `at` on its number, from `size_at` on its size, its body to before `end`."""

    number: int
    at: int
    size_at: int
    body: int
    end: int


def elements(data: bytes, at: int = 0, end: int | None = None) -> Iterator[Element]:
    """Every element, outer before inner; what is cut off ends the walk."""
    end = len(data) if end is None else end
    while at < end:
        length = _length(data[at])
        if not length or at + length >= end:
            return
        number = int.from_bytes(data[at : at + length], "big")
        size_at = at + length
        wide = _length(data[size_at])
        if not wide:
            return
        body = size_at + wide
        size = int.from_bytes(data[size_at:body], "big") & ((1 << 7 * wide) - 1)
        unknown = size == (1 << 7 * wide) - 1
        stop = end if unknown else body + size
        if stop > end:
            return
        yield Element(number, at, size_at, body, stop)
        if number in _MASTERS:
            yield from elements(data, body, stop)
        at = stop


def _length(first: int) -> int:
    """By the leading zeros of its first byte, how many bytes a number takes; 0: no number."""
    return 9 - first.bit_length() if first else 0
