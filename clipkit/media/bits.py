"""A parameter set of H.264 or HEVC, read bit by bit."""

from __future__ import annotations


class Bits:
    """A unit's bits, without the bytes that keep start codes out of it (7.4.1 of both standards). Raises
    ValueError at their end."""

    def __init__(self, unit: bytes) -> None:
        plain = unit.replace(b"\x00\x00\x03", b"\x00\x00")
        self._bits = "".join(f"{byte:08b}" for byte in plain)
        self._at = 0

    def take(self, count: int) -> int:
        found = self._bits[self._at : self._at + count]
        if len(found) < count:
            raise ValueError("the unit ends")
        self._at += count
        return int(found, 2) if count else 0

    def flag(self) -> bool:
        return bool(self.take(1))

    def number(self) -> int:
        """ue(v) of both standards."""
        end = self._bits.find("1", self._at)
        if end < 0:
            raise ValueError("the unit ends")
        zeros, self._at = end - self._at, end
        return self.take(zeros + 1) - 1

    def signed(self) -> int:
        number = self.number()
        return (number + 1) // 2 if number % 2 else -(number // 2)
