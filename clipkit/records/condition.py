"""Under what a job was cut: the host, the upload and the clips."""

from __future__ import annotations

from dataclasses import dataclass

from clipkit import format as fmt


@dataclass(frozen=True, slots=True)
class Condition:
    """Only what was cut under one condition is compared. `memory_bytes` and `cpus` None: no limit."""

    host: str
    memory_bytes: int | None
    cpus: float | None
    reserve_bytes: int
    upload_sha256: str
    width: int
    height: int
    upload_s: float
    clips: int
    clip_s: float

    @property
    def lines(self) -> int:
        """720 of a 720p film, upright or not."""
        return min(self.width, self.height)

    @property
    def words(self) -> str:
        """`0.5 CPU, 720p, 12 s`."""
        return f"{fmt.cpus(self.cpus)}, {self.lines}p, {self.clip_s:g} s"

    @property
    def room_bytes(self) -> int | None:
        """What the ceiling leaves for the job; None: unlimited."""
        return None if self.memory_bytes is None else self.memory_bytes - self.reserve_bytes
