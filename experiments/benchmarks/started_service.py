"""A service started inside a ceiling and watched, for the benchmarks that drive one themselves."""

from __future__ import annotations

import contextlib
import datetime
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit import __version__, ffmpeg_builds
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.hosts import Host
from clipkit.plan.clips import Job
from clipkit.plan.services import BackendService
from clipkit.settings import Settings
from clipkit.trial import machine
from clipkit.trial.apart import Apart, told_apart
from clipkit.trial.client import Client
from clipkit.trial.sampler import Sampler
from clipkit.trial.serving import Workplace, serving, wait_until_served

_PATIENCE_S = 120.0
_DYING_S = 2.0


@dataclass(frozen=True)
class Started:
    client: Client
    process: subprocess.Popen[bytes]
    ceiling: Ceiling
    apart: Apart
    sampler: Sampler

    def need_bytes(self) -> int | None:
        """Of the service itself, without its ffmpegs."""
        return self.apart.service().need_bytes

    def peak_bytes(self, act: Callable[[], object]) -> int | None:
        """The peak of the service's own memory while that was done."""
        began_s = self.sampler.now_s
        act()
        ended_s = self.sampler.now_s
        seen = [s.service_bytes for s in self.sampler.samples if began_s <= s.t_s <= ended_s]
        return max(
            (value for value in [*seen, self.need_bytes()] if value is not None), default=None
        )

    def has_died(self) -> bool:
        """A process takes a moment to die after its connections broke."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_DYING_S)
        return self.process.returncode is not None


@contextlib.contextmanager
def started(backend: BackendService, settings: Settings, host: Host) -> Iterator[Started]:
    """It is killed with its ffmpegs in the end, and what it wrote is removed."""
    build = ffmpeg_builds.find_build(settings.ffmpeg)
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
        open_ceiling(Limits(host.memory_bytes, host.cpus, host.swap_bytes)) as ceiling,
    ):
        apart = told_apart(ceiling, Path(folder, "launcher"), build.path)
        service = backend.service(settings, build)
        place = Workplace.of(service.routes, Path(folder, "data"), Path(folder))
        with (
            Sampler(ceiling, 0, frozenset(), lambda: apart.service().need_bytes) as sampler,
            serving(service, apart, ceiling, place) as process,
        ):
            client = wait_until_served(process, place, service.routes, _PATIENCE_S).client
            yield Started(client, process, ceiling, apart, sampler)


def start_columns(
    one: Started, backend: BackendService, settings: Settings, host: Host, job: Job
) -> dict[str, Any]:
    """What `records.service_lives.ServiceStart` holds."""
    return {
        "service": backend.asked.backend,
        "service_environment": backend.asked.environment,
        "service_versions": backend.versions,
        "service_told_apart": one.apart.by,
        "host": host.name,
        "memory_limit_bytes": host.memory_bytes,
        "cpu_quota": host.cpus,
        "ceiling": str(one.ceiling.mechanism),
        "concurrency": settings.concurrency,
        "film": job.upload.path.name,
        "clips": len(job.clips),
        "clip_s": job.clips[0].duration_s,
        "started_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        "clipkit_version": __version__,
        "ffmpeg_version": ffmpeg_builds.find_build(settings.ffmpeg).version,
        "host_id": machine.host_id(),
    }
