"""One byte range of a `Range` header (RFC 9110, section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,99})-([0-9]{0,99})[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def bytes(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    """A range that has no byte of the file in it: 416."""


def wanted_span(header: str | None, size: int) -> Span | None:
    """What the header asks of `size` bytes; None is the whole: no header, or one that is several
    ranges, malformed, or in other units. Raises Unsatisfiable."""
    found = _ONE_RANGE.fullmatch(header or "")
    if found is None or found[1] == found[2] == "":
        return None
    first, last = found[1], found[2]
    if not first:
        suffix = min(int(last), size)
        if suffix == 0:
            raise Unsatisfiable
        return Span(size - suffix, size - 1)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return Span(int(first), min(int(last), size - 1) if last else size - 1)
