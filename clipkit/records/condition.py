"""Under what a job was cut: the host, the upload and the clips. Only what has these alike is compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clipkit import format as fmt
from clipkit.records.identity import plain

PLACE = ("host", "memory_limit_bytes", "cpu_quota", "reserve_bytes", "usd_per_month")
JOB = ("upload_sha256", "width", "height", "fps", "codec", "upload_s", "clips", "clip_s")
CONDITION = (*PLACE, *JOB)
"""The columns that make a condition: one host, one job."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One host and one job. `memory_bytes` and `cpus` None: no limit."""

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

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Condition:
        """Of a row, by its columns."""
        memory_bytes, cpus = plain(row["memory_limit_bytes"]), plain(row["cpu_quota"])
        return cls(
            host=str(row["host"]),
            memory_bytes=None if memory_bytes is None else int(memory_bytes),
            cpus=None if cpus is None else float(cpus),
            reserve_bytes=int(row["reserve_bytes"]),
            upload_sha256=str(row["upload_sha256"]),
            width=int(row["width"]),
            height=int(row["height"]),
            upload_s=float(row["upload_s"]),
            clips=int(row["clips"]),
            clip_s=float(row["clip_s"]),
        )

    @property
    def lines(self) -> int:
        """720 of a 720p film, upright or not."""
        return min(self.width, self.height)

    @property
    def words(self) -> str:
        """`0.5 CPU, 720p, 12 s`."""
        return f"{fmt.cpus(self.cpus)}, {self.lines}p, {self.clip_s:g} s"

    @property
    def in_full(self) -> str:
        """`512M-2cpu: 512 MB, 2 CPU; 12 clips of 12 s from a 1280x720 upload of 10:00`."""
        kept = f", {fmt.size(self.reserve_bytes)} in reserve" if self.reserve_bytes else ""
        return (
            f"{self.host}: {fmt.memory(self.memory_bytes)}, {fmt.cpus(self.cpus)}{kept}; {self.clips} clips of "
            f"{self.clip_s:g} s from a {self.width}x{self.height} upload of "
            f"{fmt.clock(self.upload_s)}"
        )

    @property
    def room_bytes(self) -> int | None:
        """What the ceiling leaves for the job; None: unlimited."""
        return None if self.memory_bytes is None else self.memory_bytes - self.reserve_bytes

    @property
    def size(self) -> tuple[float, ...]:
        """For an order from the smallest host, frame and clip to the largest."""
        memory = math.inf if self.memory_bytes is None else self.memory_bytes
        cpus = math.inf if self.cpus is None else self.cpus
        return memory, cpus, self.width * self.height, self.clip_s
