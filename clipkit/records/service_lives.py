"""Two further kinds of records, of services alone: what one needs over a long life, and what its users get under
load. JSON lines in `results/services`, a start of a service each, written by `experiments/benchmarks`.

Bytes and seconds; a name ends in its unit. None is unknown.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from clipkit.documents import misfit, parse_json
from clipkit.errors import CampaignError
from clipkit.records.folder import whole_lines
from clipkit.records.served import Served


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStart:
    """Which service was started where, with what jobs. The names are those of `Record`."""

    service: str
    service_environment: str | None
    service_versions: str
    service_told_apart: str
    host: str
    memory_limit_bytes: int | None
    cpu_quota: float | None
    ceiling: str
    concurrency: int
    film: str
    clips: int
    clip_s: float
    started_utc: str
    clipkit_version: str
    ffmpeg_version: str
    host_id: str

    @property
    def who(self) -> str:
        """`node, UPLOAD_TO=memory`."""
        return Served(service=self.service, service_environment=self.service_environment).who or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A large upload. `peak_bytes`: of the service's own memory meanwhile; `told`: what its client was told
    where it was not taken; `died`: whether the service ended."""

    upload_bytes: int
    took_s: float
    peak_bytes: int | None
    told: str | None
    died: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLife(ServiceStart):
    """A service's own memory, without its ffmpegs: `soon_s` and `later_s` after it was ready, after its first
    job and its last, and while large uploads arrive, the last of which may end it."""

    soon_s: float
    soon_bytes: int | None
    later_s: float
    later_bytes: int | None
    jobs: int
    after_first_bytes: int | None
    after_last_bytes: int | None
    arrivals: tuple[Arrival, ...]
    oom_kills: int
    service_oom_kills: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserJob:
    """A job from its arrival on, in seconds since the load began. `due_s`: when it was to arrive;
    `began_s`: the first byte of its upload; `ready_s`: its last clip is with the user; `cut_s`: for how long
    its ffmpegs ran. `error`: why it came to nothing."""

    due_s: float
    began_s: float
    ready_s: float
    cut_s: float | None
    error: str | None

    @property
    def took_s(self) -> float:
        """From its arrival, so that nobody's waiting is left out."""
        return self.ready_s - self.due_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLoad(ServiceStart):
    """`users`: each one job after the other; or `jobs_per_hour`, arriving at random (a Poisson process).
    `peak_bytes`: of the service's own memory; `client_cpu_s`: of what made the load, outside of the ceiling."""

    users: int | None
    jobs_per_hour: float | None
    asked_s: float
    jobs: tuple[UserJob, ...]
    peak_bytes: int | None
    oom_kills: int
    service_died: bool
    client_cpu_s: float

    @property
    def done(self) -> list[UserJob]:
        return [job for job in self.jobs if job.error is None]

    @property
    def done_per_hour(self) -> float | None:
        """From the first byte of the first to the end of the last; None: none was done."""
        if not self.done:
            return None
        span_s = max(job.ready_s for job in self.jobs) - min(job.began_s for job in self.jobs)
        return len(self.done) / span_s * 3600


def append_start(path: Path, start: ServiceStart) -> None:
    """In one write, so that several may measure into one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(dataclasses.asdict(start))}\n")


def read_lives(path: Path) -> list[ServiceLife]:
    """Raises CampaignError for a line that is none, naming it."""
    return [ServiceLife(**row) for row in _rows(path, ServiceLife, "arrivals", Arrival)]


def read_loads(path: Path) -> list[ServiceLoad]:
    """Raises CampaignError for a line that is none, naming it."""
    return [ServiceLoad(**row) for row in _rows(path, ServiceLoad, "jobs", UserJob)]


def _rows(
    path: Path, kind: type[ServiceStart], inner: str, of: type[Arrival] | type[UserJob]
) -> list[dict[str, Any]]:
    """Each line, with what it has under `inner` as records `of` that kind."""
    known = {declared.name for declared in fields(kind)}
    rows = []
    for number, line in enumerate(whole_lines(path), start=1):
        try:
            row = parse_json(line)
        except ValueError:
            row = None
        if misfit(row, kind) or row.keys() != known:
            raise CampaignError(f"{path}, line {number} is no record of a {kind.__name__}")
        rows.append(row | {inner: tuple(of(**each) for each in row[inner])})
    return rows
