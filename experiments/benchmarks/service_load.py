"""What a service does under its users' load: jobs an hour, how long they wait, what fails, what it takes.

    pip install locust
    python experiments/benchmarks/service_load.py node python rust --into results/services/load.jsonl

`--users`: so many users, each one job after the other: the capacity, of which the highest is taken. Then
`--of-capacity`: jobs arrive at random (a Poisson process) at that share of it, whether or not those before them
are done: the waiting. With `--into FILE` each start of the service leaves a line there, as
`clipkit.records.service_lives.ServiceLoad` tells, every job of every user in it.

The generator is locust (github.com/locustio/locust, MIT): well kept, of the same language as the rest, scripted
as a user acts rather than as one address is hit; when jobs are due is told by `service_users.py`. (ab, hey and
wrk hit one address; k6 and vegeta do as well as locust, and are programs of another language to be fetched
first.) It runs outside of the ceiling. As called above the whole takes 16 minutes; jobs are short (one clip
of 2 s), so that there are enough of them: what waiting comes to in times of a job holds for longer ones. It wants
a quiet machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from started_service import Started, start_columns, started

from clipkit import format as fmt
from clipkit import hosts
from clipkit.media.probe import probe_upload
from clipkit.media.sample import find_sample
from clipkit.plan.clips import Job, spread
from clipkit.plan.services import BackendService, Which, backend_service
from clipkit.records.folder import whole_lines
from clipkit.records.service_lives import ServiceLoad, UserJob, append_start
from clipkit.settings import Settings
from clipkit.trial.serving import terminate

_USERS = Path(__file__).with_name("service_users.py")
_CALLERS = 50
"""At a rate: each may be waiting for a job of its own."""
_STOP_S = 120


@dataclass(frozen=True)
class Load:
    users: int | None
    jobs_per_hour: float | None
    asked_s: float


def put_under(load: Load, job: Job, port: int, folder: Path) -> tuple[UserJob, ...]:
    """By locust; every job that any user began."""
    told = folder / "jobs.jsonl"
    callers = load.users or _CALLERS
    environment = {
        **os.environ,
        "CLIPKIT_FILM": str(job.upload.path),
        "CLIPKIT_CLIPS": json.dumps(
            [{"start_s": clip.start_s, "duration_s": clip.duration_s} for clip in job.clips]
        ),
        "CLIPKIT_JOBS": str(told),
        "CLIPKIT_BEGAN_S": repr(time.monotonic()),
    }
    if load.jobs_per_hour is not None:
        environment["CLIPKIT_PER_S"] = repr(load.jobs_per_hour / 3600 / callers)
    argv = [sys.executable, "-m", "locust", "-f", str(_USERS)]
    argv += ["--headless", "--only-summary", "--loglevel", "ERROR"]
    argv += ["--host", f"http://127.0.0.1:{port}", "-u", str(callers), "-r", str(callers)]
    argv += ["-t", f"{load.asked_s:.0f}s", "--stop-timeout", str(_STOP_S)]
    ran = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    jobs = tuple(UserJob(**json.loads(entry)) for entry in whole_lines(told))
    if not jobs:
        raise SystemExit(f"locust ended with {ran.returncode} and no job: {ran.stderr[-2000:]}")
    return jobs


def measure(
    load: Load, backend: BackendService, settings: Settings, host: hosts.Host, job: Job
) -> ServiceLoad:
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
        started(backend, settings, host) as one,
    ):
        columns = start_columns(one, backend, settings, host, job)
        before_s, jobs = _client_cpu_s(), put_under(load, job, one.client.port, Path(folder))
        client_cpu_s = _client_cpu_s() - before_s
        died = one.process.poll() is not None
        kills = one.ceiling.usage().oom_kills
        peak_bytes = _peak_bytes(one)
        if not died:
            terminate(one.process)
    return ServiceLoad(
        **columns,
        **dataclasses.asdict(load),
        jobs=tuple(sorted(jobs, key=lambda each: each.due_s)),
        peak_bytes=peak_bytes,
        oom_kills=kills,
        service_died=died,
        client_cpu_s=client_cpu_s,
    )


def _client_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak_bytes(one: Started) -> int | None:
    seen = [sample.service_bytes for sample in one.sampler.samples]
    return max((value for value in seen if value is not None), default=None)


def line(measured: ServiceLoad) -> str:
    load = (
        f"{measured.users} users"
        if measured.jobs_per_hour is None
        else f"{measured.jobs_per_hour:.0f} jobs an hour"
    )
    took_s = sorted(job.took_s for job in measured.done)
    times = ", ".join(fmt.seconds(_quantile(took_s, q)) for q in (0.5, 0.95)) if took_s else "none"
    return (
        f"{measured.who:<10}{load:<22}{len(took_s):>5} done, {measured.done_per_hour or 0:.0f} an hour; "
        f"median and p95: {times}; {len(measured.jobs) - len(took_s)} failed, "
        f"{measured.oom_kills} kills, {fmt.size(measured.peak_bytes)} its own"
    )


def _quantile(ascending: Sequence[float], fraction: float) -> float:
    return ascending[min(len(ascending) - 1, int(fraction * len(ascending)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backends", nargs="+")
    parser.add_argument("--host", default="render-starter")
    parser.add_argument("--users", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--of-capacity", type=float, nargs="*", default=[0.3, 0.6, 0.9])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each number of users")
    parser.add_argument("--waiting-seconds", type=float, default=75.0, help="for each rate")
    parser.add_argument("--clips", type=int, default=1)
    parser.add_argument("--length", type=float, default=2.0)
    parser.add_argument("--film", default="sample-720p-20s")
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--into", type=Path, default=None)
    asked = parser.parse_args()
    host, settings = hosts.find_host(asked.host), Settings(concurrency=asked.concurrency)
    job = spread(probe_upload(find_sample(asked.film, Path.cwd())), asked.clips, asked.length, None)

    def run(load: Load, backend: BackendService) -> ServiceLoad:
        measured = measure(load, backend, settings, host, job)
        if asked.into:
            append_start(asked.into, measured)
        print(line(measured), flush=True)
        return measured

    for name in asked.backends:
        backend = backend_service(Which(name))
        full = [run(Load(users, None, asked.seconds), backend) for users in asked.users]
        capacity = max(measured.done_per_hour or 0.0 for measured in full)
        for share in asked.of_capacity:
            run(Load(None, share * capacity, asked.waiting_seconds), backend)


if __name__ == "__main__":
    main()
