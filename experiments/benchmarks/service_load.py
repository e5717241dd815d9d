"""What a service does under its users' load: jobs an hour, how long they wait, what fails, what it takes.

    pip install locust
    python experiments/benchmarks/service_load.py python --users 1 2 4 --minutes 3
    python experiments/benchmarks/service_load.py python --per-hour 60 120 --minutes 10

`--users`: so many users, each one job after the other: the capacity. `--per-hour`: jobs arrive at that
constant rate, whether or not those before them are done: the waiting. The generator is locust
(github.com/locustio/locust, MIT): well kept, of the same language as the rest, scripted as a user acts
rather than as one address is hit, and with a rate that is kept as long as some user is idle; there are many,
and a run in which they all were busy is marked. (ab, hey and wrk hit one address; k6 and vegeta do as
well as locust, and are programs of another language to be fetched first.) It runs outside of the ceiling.
Each line is one start of the service.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit import ffmpeg_builds, hosts
from clipkit import format as fmt
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.media.probe import probe_upload
from clipkit.media.sample import find_sample
from clipkit.plan.clips import Job, spread
from clipkit.plan.services import Which, backend_service
from clipkit.settings import Settings
from clipkit.trial.apart import told_apart
from clipkit.trial.sampler import Sampler
from clipkit.trial.serving import Workplace, serving, terminate, wait_until_served

_USERS = Path(__file__).with_name("service_users.py")
_MOST_USERS = 200
"""At a constant rate: each may be waiting for a job of its own."""


@dataclass(frozen=True)
class Load:
    users: int
    per_hour: float | None
    minutes: float

    @property
    def words(self) -> str:
        return f"{self.users} users" if self.per_hour is None else f"{self.per_hour:g} jobs an hour"

    @property
    def environment(self) -> dict[str, str]:
        if self.per_hour is None:
            return {}
        return {"CLIPKIT_PER_S": repr(self.per_hour / 3600 / self.users)}


def put_under(load: Load, job: Job, port: int) -> list[dict[str, Any]]:
    """What locust says of each kind of request."""
    clips = [{"start_s": c.start_s, "duration_s": c.duration_s} for c in job.clips]
    environment = {
        **os.environ,
        "CLIPKIT_FILM": str(job.upload.path),
        "CLIPKIT_CLIPS": json.dumps(clips),
        **load.environment,
    }
    seconds = round(load.minutes * 60)
    argv = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(_USERS),
        "--headless",
        "--json",
        "--only-summary",
    ]
    argv += ["--host", f"http://127.0.0.1:{port}", "-u", str(load.users), "-r", str(load.users)]
    argv += ["-t", f"{seconds}s", "--stop-timeout", "300", "--loglevel", "ERROR"]
    ran = subprocess.run(argv, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def line(load: Load, told: list[Mapping[str, Any]], need_bytes: int | None, kills: int) -> str:
    jobs = next((entry for entry in told if entry["name"] == "job"), None)
    if jobs is None:
        return f"{load.words:<20} no job ended"
    done = jobs["num_requests"] - jobs["num_failures"]
    span_s = jobs["last_request_timestamp"] - jobs["start_time"]
    times = sorted((int(ms), n) for ms, n in jobs["response_times"].items())
    return (
        f"{load.words:<20}{done:>6} jobs{done / span_s * 3600:>9.0f} an hour"
        f"{_quantile_s(times, 0.5):>9} median{_quantile_s(times, 0.95):>9} p95"
        f"{jobs['num_failures']:>6} failed{fmt.size(need_bytes):>10} its own{kills:>4} kills"
    )


def _quantile_s(times: list[tuple[int, int]], fraction: float) -> str:
    passed, wanted = 0, fraction * sum(count for _, count in times)
    for ms, count in times:
        passed += count
        if passed >= wanted:
            return fmt.seconds(ms / 1000)
    return "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backend")
    parser.add_argument("--host", default="render-starter")
    parser.add_argument("--users", type=int, nargs="*", default=[])
    parser.add_argument("--per-hour", type=float, nargs="*", default=[])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--length", type=float, default=12.0)
    parser.add_argument("--film", default="sample-720p-60s")
    parser.add_argument("--concurrency", type=int, default=1)
    asked = parser.parse_args()
    loads = [Load(users, None, asked.minutes) for users in asked.users]
    loads += [Load(_MOST_USERS, rate, asked.minutes) for rate in asked.per_hour]
    settings = Settings(concurrency=asked.concurrency)
    build = ffmpeg_builds.find_build(settings.ffmpeg)
    job = spread(probe_upload(find_sample(asked.film, Path.cwd())), asked.clips, asked.length, None)
    service = backend_service(Which(asked.backend)).service(settings, build)
    host = hosts.find_host(asked.host)
    print(f"{asked.backend} on {host.name}, {asked.clips} clips of {asked.length:g} s a job")
    for load in loads:
        with (
            tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
            open_ceiling(Limits(host.memory_bytes, host.cpus, host.swap_bytes)) as ceiling,
        ):
            apart = told_apart(ceiling, Path(folder, "launcher"), build.path)
            place = Workplace(Path(folder, "data"), Path(folder))
            with (
                Sampler(
                    ceiling, 0, frozenset(), lambda apart=apart: apart.service().need_bytes
                ) as sampler,
                serving(service, apart, ceiling, place) as process,
            ):
                reached = wait_until_served(process, place, 60.0)
                told = put_under(load, job, reached.client.port)
                kills = ceiling.usage().oom_kills
                terminate(process)
            needs = [s.service_bytes for s in sampler.samples if s.service_bytes is not None]
            print(line(load, told, max(needs, default=None), kills), flush=True)


if __name__ == "__main__":
    main()
