"""What a service itself needs over its life: at rest, after jobs, and while a large upload arrives.

    python experiments/benchmarks/service_memory.py node python rust --starts 3
    python experiments/benchmarks/service_memory.py node --environment UPLOAD_TO=memory --jobs 1 --uploads 100M 500M

Each line is one start inside a ceiling: the service's own memory (anonymous, shared and the kernel's; its
ffmpegs apart) 3 s and a minute after it answered, after the first job and after the last, and the peak while
a file of each size arrives. With `--into FILE` each start leaves a line there, as
`clipkit.records.service_lives.ServiceLife` tells; several may measure into one file at once, since memory alone
is asked for. `--environment UPLOAD_TO=memory` shows what is found in the wild; of `UPLOAD_TO=tmp` the temporary
folder is in memory, as it is on many hosts. The large file is no film, and no clip of it is asked for: what is
measured is its way to the disk. One that ends the service is the last of its start.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from started_service import Started, start_columns, started

from clipkit import format as fmt
from clipkit import hosts
from clipkit.media.probe import probe_upload
from clipkit.media.sample import find_sample
from clipkit.plan.clips import Job, spread
from clipkit.plan.services import BackendService, Which, backend_service
from clipkit.records.service_lives import Arrival, ServiceLife, append_start
from clipkit.settings import Settings
from clipkit.trial.client import Client, ServiceGoneError

_SOON_S, _LATER_S = 3.0, 60.0
_SETTLED_S = 2.0
_MEMORY = Path("/dev/shm")  # noqa: S108 (a file system in memory is what is meant)


def run_job(client: Client, job: Job) -> None:
    upload = client.upload("/uploads", "video", job.upload.path).json["id"]
    clips = [{"start_s": clip.start_s, "duration_s": clip.duration_s} for clip in job.clips]
    path = f"/jobs/{client.order('/jobs', {'upload': upload, 'clips': clips}).json['id']}"
    while (status := client.get(path).json["status"]) not in ("done", "failed"):
        time.sleep(0.1)
    if status == "failed":
        raise SystemExit(f"a job failed: {client.get(path).json}")
    client.delete(path)
    client.delete(f"/uploads/{upload}")


def arrive(one: Started, large: Path) -> Arrival:
    told: list[str] = []

    def send() -> None:
        try:
            answer = one.client.upload("/uploads", "video", large)
        except ServiceGoneError as error:
            told.append(str(error))
            return
        if "id" not in answer.json:
            told.append(answer.words)
            return
        one.client.delete(f"/uploads/{answer.json['id']}")

    began_s = time.monotonic()
    peak_bytes = one.peak_bytes(send)
    return Arrival(
        upload_bytes=large.stat().st_size,
        took_s=time.monotonic() - began_s,
        peak_bytes=peak_bytes,
        told=told[0] if told else None,
        died=bool(told) and one.has_died(),
    )


def arrivals(one: Started, files: list[Path]) -> Iterator[Arrival]:
    """Until one ends the service."""
    for file in files:
        arrival = arrive(one, file)
        yield arrival
        if arrival.died:
            return
        time.sleep(_SETTLED_S)


def live(
    backend: BackendService, job: Job, files: list[Path], jobs: int, host: hosts.Host
) -> ServiceLife:
    with started(backend, Settings(), host) as one:
        columns = start_columns(one, backend, Settings(), host, job)
        time.sleep(_SOON_S)
        soon_bytes = one.need_bytes()
        time.sleep(_LATER_S - _SOON_S)
        later_bytes = one.need_bytes()
        after = []
        for number in range(jobs):
            run_job(one.client, job)
            if number in (0, jobs - 1):
                time.sleep(_SETTLED_S)
                after.append(one.need_bytes())
        return ServiceLife(
            **columns,
            soon_s=_SOON_S,
            soon_bytes=soon_bytes,
            later_s=_LATER_S,
            later_bytes=later_bytes,
            jobs=jobs,
            after_first_bytes=after[0],
            after_last_bytes=after[-1],
            arrivals=tuple(arrivals(one, files)),
            oom_kills=one.ceiling.usage().oom_kills,
            service_oom_kills=one.apart.service().oom_kills,
        )


def line(life: ServiceLife) -> str:
    known = (life.soon_bytes, life.later_bytes, life.after_first_bytes, life.after_last_bytes)
    ends = (f"{fmt.size(a.peak_bytes)}{f' ({a.told})' if a.told else ''}" for a in life.arrivals)
    return (
        f"{life.who:<32}{''.join(f'{fmt.size(value):>12}' for value in known)}   {', '.join(ends)}"
    )


@contextlib.contextmanager
def made(sizes: list[str]) -> Iterator[list[Path]]:
    """Files of these sizes, of zeros."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        files = [Path(folder, f"{size}.mp4") for size in sizes]
        for file, size in zip(files, sizes, strict=True):
            with file.open("wb") as large:
                for _ in range(hosts.parse_size(size) >> 20):
                    large.write(bytes(1 << 20))
        yield files


@contextlib.contextmanager
def environment_of(asked: str | None) -> Iterator[str | None]:
    """With a temporary folder in memory where uploads go by way of one."""
    if asked is None or "UPLOAD_TO=tmp" not in asked.split():
        yield asked
        return
    with tempfile.TemporaryDirectory(prefix="clipkit-", dir=_MEMORY) as folder:
        yield f"{asked} TMPDIR={folder}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backends", nargs="+")
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--uploads", nargs="+", default=["500M"])
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--cpus", type=float, default=2.0)
    parser.add_argument("--environment", default=None)
    parser.add_argument("--into", type=Path, default=None)
    asked = parser.parse_args()
    unlimited = hosts.find_host(hosts.UNLIMITED)
    host = hosts.custom(unlimited, hosts.parse_size(asked.memory), asked.cpus)
    job = spread(probe_upload(find_sample("sample-720p-20s", Path.cwd())), 3, 1.0, None)
    heads = ("3 s", "60 s", "job 1", f"job {asked.jobs}")
    print(f"{'':<32}{''.join(f'{head:>12}' for head in heads)}   {', '.join(asked.uploads)} arrive")
    with made(asked.uploads) as files:
        for _ in range(asked.starts):
            for name in asked.backends:
                with environment_of(asked.environment) as environment:
                    backend = backend_service(Which(name, environment=environment))
                    life = live(backend, job, files, asked.jobs, host)
                life = dataclasses.replace(life, service_environment=asked.environment)
                if asked.into:
                    append_start(asked.into, life)
                print(line(life), flush=True)


if __name__ == "__main__":
    main()
