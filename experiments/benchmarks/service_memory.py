"""What a service itself needs over its life: at rest, after jobs, and while a large upload arrives.

    python experiments/benchmarks/service_memory.py node python rust [--starts 5] [--jobs 50] [--upload 500M]

Each line is one start inside a ceiling: the service's own memory (anonymous, shared and the kernel's; its
ffmpegs apart) 3 s and a minute after it answered, after the first job and after the last, and the peak while
a file of that size arrives. `--environment UPLOAD_TO=memory` shows what is found in the wild. The large file
is no film, and no clip of it is asked for: what is measured is its way to the disk.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from clipkit import ffmpeg_builds, hosts
from clipkit import format as fmt
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.media.probe import probe_upload
from clipkit.media.sample import find_sample
from clipkit.plan.clips import Job, spread
from clipkit.plan.services import Service, Which, backend_service
from clipkit.settings import Settings
from clipkit.trial.apart import Apart, told_apart
from clipkit.trial.client import Client
from clipkit.trial.sampler import Sampler
from clipkit.trial.serving import Workplace, serving, terminate, wait_until_served

_SOON_S, _LATER_S = 3.0, 60.0
_SETTLED_S = 2.0


@dataclass(frozen=True)
class Life:
    """Bytes of the service itself."""

    soon: int
    later: int
    after_first: int
    after_last: int
    upload_peak: int

    @property
    def words(self) -> str:
        known = (self.soon, self.later, self.after_first, self.after_last, self.upload_peak)
        return "".join(f"{fmt.size(value):>12}" for value in known)


def watched(apart: Apart, sampler: Sampler, act: Callable[[], object]) -> int:
    """The peak of the service's own memory while that was done."""
    began_s = sampler.now_s
    act()
    ended_s = sampler.now_s
    seen = [s.service_bytes for s in sampler.samples if began_s <= s.t_s <= ended_s]
    return max((value for value in [*seen, _need(apart)] if value is not None), default=0)


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


def live(service: Service, job: Job, large: Path, jobs: int, host: hosts.Host) -> Life:
    build = ffmpeg_builds.find_build(Settings().ffmpeg)
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
        open_ceiling(Limits(host.memory_bytes, host.cpus, host.swap_bytes)) as ceiling,
    ):
        apart = told_apart(ceiling, Path(folder, "launcher"), build.path)
        place = Workplace(Path(folder, "data"), Path(folder))
        with (
            Sampler(ceiling, 0, frozenset(), lambda: apart.service().need_bytes) as sampler,
            serving(service, apart, ceiling, place) as process,
        ):
            client = wait_until_served(process, place, 60.0).client
            time.sleep(_SOON_S)
            soon = _need(apart) or 0
            time.sleep(_LATER_S - _SOON_S)
            later = _need(apart) or 0
            after = []
            for number in range(jobs):
                run_job(client, job)
                if number in (0, jobs - 1):
                    time.sleep(_SETTLED_S)
                    after.append(_need(apart) or 0)
            peak = watched(apart, sampler, lambda: client.upload("/uploads", "video", large))
            terminate(process)
    return Life(soon, later, after[0], after[-1], peak)


def _need(apart: Apart) -> int | None:
    return apart.service().need_bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backends", nargs="+")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--upload", default="500M")
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--cpus", type=float, default=2.0)
    parser.add_argument("--environment", default=None)
    asked = parser.parse_args()
    host = hosts.custom(
        hosts.find_host(hosts.UNLIMITED), hosts.parse_size(asked.memory), asked.cpus
    )
    job = spread(probe_upload(find_sample("sample-720p-20s", Path.cwd())), 3, 1.0, None)
    with tempfile.NamedTemporaryFile(dir=Path.cwd(), suffix=".mp4") as large:
        large.write(bytes(1 << 20) * (hosts.parse_size(asked.upload) >> 20))
        large.flush()
        heads = ("3 s", "60 s", "job 1", f"job {asked.jobs}", f"{asked.upload} arrive")
        print(f"{'':<10}" + "".join(f"{head:>12}" for head in heads))
        for name in asked.backends:
            service = backend_service(Which(name, environment=asked.environment)).service(
                Settings(), ffmpeg_builds.find_build(Settings().ffmpeg)
            )
            lives = []
            for _ in range(asked.starts):
                lives.append(live(service, job, Path(large.name), asked.jobs, host))
                print(f"{name:<10}{lives[-1].words}", flush=True)
            columns = zip(*(vars(one).values() for one in lives), strict=True)
            print(f"{'median':<10}{Life(*(int(median(known)) for known in columns)).words}")


if __name__ == "__main__":
    main()
