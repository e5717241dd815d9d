"""What the trials of a user's own server come to: its figures, how many clips at once it survives, and what
to type next; for machines. Pure. `tuning.server_lines` tells it to people."""

from __future__ import annotations

import math
import shlex
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from clipkit import format as fmt
from clipkit.campaign.starts import edge_of, survived
from clipkit.hosts import Host
from clipkit.plan.own_service import OwnServer
from clipkit.records.record import Record
from clipkit.settings import Settings

_USUAL_JOB = (12, 12.0)
"""Clips and their length, where nothing else is asked for, here and of `tune`."""
_OWN_PEAKS = (
    "service_rest_bytes",
    "service_upload_peak_bytes",
    "service_clips_peak_bytes",
    "service_after_bytes",
    "service_later_peak_bytes",
    "service_later_bytes",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """Of so many starts: the median, the least and the most."""

    median: float
    low: float
    high: float
    starts: int

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Figure | None:
        known = [value for value in values if value is not None]
        return cls(median(known), min(known), max(known), len(known)) if known else None

    def words(self, unit: Callable[[float], str]) -> str:
        """`36.2 s`, or with its range where that shows: `36.2 s (35.9 s to 36.8 s)`."""
        low, high = unit(self.low), unit(self.high)
        return unit(self.median) + ("" if low == high else f" ({low} to {high})")

    def to_json(self) -> dict[str, float]:
        return {"median": self.median, "low": self.low, "high": self.high, "starts": self.starts}


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """`records` are all attempts that count; `command` is what the server gave ffmpeg, as `tune` takes it.
    `program`: the words with which clipkit is called here; `film`: as the user named it; `build`: the setting that
    chose the ffmpeg; `job`: how many clips of how many seconds."""

    folder: Path
    server: OwnServer
    host: Host
    enforced: str
    ffmpeg: str
    film: str
    program: tuple[str, ...]
    records: tuple[Record, ...]
    command: str | None
    build: str
    job: tuple[int, float]

    @property
    def starts(self) -> tuple[Record, ...]:
        """Those with the fewest clips at once that ended well."""
        fewest = min(_at_once(record) for record in self.records)
        well = [r for r in self.records if _at_once(r) == fewest and survived(r)]
        return tuple(well)

    @property
    def reserve_bytes(self) -> int | None:
        """The most that it needed by itself in any start that ended well."""
        peaks = [
            getattr(record.served, name)
            for record in self.records
            if survived(record)
            for name in _OWN_PEAKS
        ]
        return max((value for value in peaks if value is not None), default=None)

    @property
    def reserve(self) -> str | None:
        """`137M`."""
        return None if self.reserve_bytes is None else f"{math.ceil(self.reserve_bytes / fmt.MIB)}M"

    def figure(self, name: str) -> Figure | None:
        """A column over the starts."""
        return Figure.of([_value(record, name) for record in self.starts])

    @property
    def growth_bytes(self) -> float | None:
        """What a job adds to its memory at rest, of those after the first; None where none came."""
        grown = [
            (later - after) / (jobs - 1)
            for r in self.starts
            if (later := r.served.service_later_bytes) is not None
            and (after := r.served.service_after_bytes) is not None
            and (jobs := r.served.service_jobs or 0) > 1
        ]
        return median(grown) if grown else None

    @property
    def outcomes(self) -> dict[int, list[bool]]:
        """How many at once -> of each start whether it survived."""
        found: defaultdict[int, list[bool]] = defaultdict(list)
        for record in self.records:
            found[_at_once(record)].append(survived(record))
        return dict(found)

    @property
    def first_beyond(self) -> Record | None:
        """Of the fewest at once that do not survive."""
        _, beyond = edge_of(self.outcomes)
        dead = [r for r in self.records if _at_once(r) == beyond and not survived(r)]
        return dead[0] if dead else None

    @property
    def next_words(self) -> list[str] | None:
        """The command line that takes the measured memory for `--reserve`."""
        if self.reserve is None:
            return None
        words = [
            *self.program,
            "tune",
            self.film,
            *_host_words(self.host),
            "--reserve",
            self.reserve,
            *(("--ffmpeg", self.build) if self.build != Settings().ffmpeg else ()),
            *(_job_words(*self.job) if self.job != _USUAL_JOB else ()),
        ]
        return [*words, "--command", self.command] if self.command else words

    def to_json(self) -> dict[str, Any]:
        safe, beyond = edge_of(self.outcomes)
        figures = {name: self.figure(name) for name in (*MEMORY, *_TIMES, *_HEALTH)}
        dead = self.first_beyond
        return {
            "campaign": str(self.folder),
            "server": {
                "name": self.server.name,
                "start": self.server.start,
                "drive": self.server.routes.file,
            },
            "host": self.host.name,
            "enforced": self.enforced,
            "ffmpeg": self.ffmpeg,
            "starts": len(self.starts),
            "told_apart": self.starts[0].served.service_told_apart if self.starts else None,
            "figures": {name: each.to_json() if each else None for name, each in figures.items()},
            "growth_bytes_per_job": self.growth_bytes,
            "reserve_bytes": self.reserve_bytes,
            "at_once": {
                "follows": "concurrency" in self.server.routes.follows,
                "survives": safe,
                "starts": {str(n): known for n, known in sorted(self.outcomes.items())},
                "fails": beyond,
                "how": end_of_service(dead) if dead else None,
            },
            "command": self.command,
            "next": shlex.join(self.next_words) if self.next_words else None,
        }


MEMORY = {
    "service_rest_bytes": "at rest",
    "service_upload_peak_bytes": "while an upload arrives",
    "service_clips_peak_bytes": "while clips are cut",
    "service_after_bytes": "after the first job",
    "service_later_bytes": "after the last",
}
_TIMES = (
    *("wall_s", "first_clip_s", "service_gaps_s", "service_seen_s", "service_ready_s"),
    *("orchestrator_cpu_s", "ffmpeg_cpu_s", "service_upload_took_s", "service_stop_s"),
    *("service_jobs", "peak_need_bytes"),
)
_HEALTH = ("service_health_median_s", "service_health_p95_s", "service_health_worst_s")


def end_of_service(record: Record) -> str:
    """What became of a service whose job did not end well: whom the kernel killed, what the client was told,
    whether it was back, whether it still knew the job."""
    served, kills = record.served, record.oom_kills or 0
    own = served.service_oom_kills or 0
    parts = []
    if kills:
        whom = [fmt.counted(kills - own, "ffmpeg")] if kills > own else []
        whom += ["the service itself"] if own else []
        parts.append(f"the kernel killed {' and '.join(whom)}")
    elif record.error:
        parts.append(record.error)
    if served.service_client_told:
        parts.append(f"the client was told: {served.service_client_told}")
    if served.service_died:
        back_s = served.service_back_s
        parts.append("not back" if back_s is None else f"back in {fmt.seconds(back_s)}")
    if served.service_job_lost is not None:
        parts.append("the job is lost" if served.service_job_lost else "the job is known")
    return "; ".join(parts)


def _at_once(record: Record) -> int:
    """1 where it was not told how many."""
    return int(record.settings.concurrency or 1)


def _value(record: Record, name: str) -> float | None:
    found = getattr(record.served if name.startswith("service_") else record, name)
    return None if found is None else float(found)


def _host_words(host: Host) -> list[str]:
    if host.usd_per_month is not None or host.source is not None or host.unlimited:
        return ["--host", host.name]
    memory = [] if host.memory_bytes is None else ["--memory", f"{host.memory_bytes / fmt.MIB:g}M"]
    return [*memory, *([] if host.cpus is None else ["--cpus", f"{host.cpus:g}"])]


def _job_words(clips: int, clip_s: float) -> tuple[str, ...]:
    return "--count", str(clips), "--length", f"{clip_s:g}"
