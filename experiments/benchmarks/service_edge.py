"""How many clips at once a service survives in a host's memory, and what happens one step beyond.

    python experiments/benchmarks/service_edge.py node python rust [--uploads sample sample-1080p]

For each service and upload: concurrency is doubled until a job runs out of memory, then bisected; what is
called safe has run `--clean` times more without a kill. Memory alone is asked for, so the clips are short and
the CPU is not limited; each job has as many clips as run at once. Beyond the edge: whom the kernel killed,
what the client was told, whether the service was back when it had died, whether the job was lost.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from clipkit import ffmpeg_builds, hosts
from clipkit import format as fmt
from clipkit.ceiling.choose import open_ceiling
from clipkit.media.probe import probe_upload
from clipkit.media.sample import find_sample
from clipkit.media.upload import Upload
from clipkit.plan.clips import spread
from clipkit.plan.services import BackendService, Which, backend_service
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial.run import Identity, Trial, run_trial
from clipkit.trial.visit import Manner

_TIMEOUT_S = 600.0


def highest_that(survives: Callable[[int], bool], most: int) -> int:
    """The highest number up to `most` that survives, if all below one that does survive too; 0: none.
    Doubling first, so that a low edge is found without ever going far beyond it."""
    safe, beyond = 0, 1
    while beyond <= most and survives(beyond):
        safe, beyond = beyond, beyond * 2
    beyond = min(beyond, most + 1)
    while beyond - safe > 1:
        middle = (safe + beyond) // 2
        if survives(middle):
            safe = middle
        else:
            beyond = middle
    return safe


class Edge:
    """One service and one upload on one host."""

    def __init__(
        self, service: BackendService, upload: Upload, host: hosts.Host, length_s: float
    ) -> None:
        self.service, self.upload, self.host, self.length_s = service, upload, host, length_s
        self.first_beyond: Record | None = None

    def run(self, at_once: int) -> Record:
        settings = Settings(concurrency=at_once)
        trial = Trial(
            identity=Identity("edge", "service", 0, at_once, 1, "edge"),
            job=spread(self.upload, at_once, self.length_s, None),
            subject=self.service,
            settings=settings,
            build=ffmpeg_builds.find_build(settings.ffmpeg),
            host=self.host,
            reserve_bytes=0,
            timeout_s=_TIMEOUT_S,
            accept_noise=True,
            manner=Manner(rest_s=1.0),
        )
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            return run_trial(trial, open_ceiling, Path(folder), lambda _event: None).record

    def survives(self, at_once: int) -> bool:
        record = self.run(at_once)
        if record.status is Status.OK:
            return True
        if record.status is not Status.OOM:
            raise SystemExit(f"{record.who}, {at_once} at once: {record.status}: {record.error}")
        if self.first_beyond is None or at_once < self.first_beyond.settings.concurrency:
            self.first_beyond = record
        return False

    def safe(self, most: int, clean: int) -> int:
        """Lower than the bisection's where a further run runs out."""
        found = highest_that(self.survives, most)
        while found and not all(self.survives(found) for _ in range(clean)):
            found -= 1
        return found


def told(record: Record | None) -> str:
    if record is None:
        return "nothing ran out"
    served, kills = record.served, record.oom_kills or 0
    own = served.service_oom_kills or 0
    died = f"killed: {kills - own} ffmpegs, {own} of the service"
    heard = f"the client was told: {served.service_client_told or 'nothing'}"
    back = "it was never gone"
    if served.service_died:
        back = (
            "not back"
            if served.service_back_s is None
            else f"back in {fmt.seconds(served.service_back_s)}"
        )
    lost = {True: "the job is lost", False: "the job is known", None: "there was no job"}
    at_once = record.settings.concurrency
    return f"{at_once} at once: {died}; {heard}; {back}, {lost[served.service_job_lost]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backends", nargs="+")
    parser.add_argument("--uploads", nargs="+", default=["sample", "sample-1080p"])
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--length", type=float, default=4.0)
    parser.add_argument("--most", type=int, default=32)
    parser.add_argument("--clean", type=int, default=5)
    asked = parser.parse_args()
    host = hosts.custom(hosts.find_host(hosts.UNLIMITED), hosts.parse_size(asked.memory), None)
    for word in asked.uploads:
        upload = probe_upload(find_sample(word, Path.cwd()))
        for name in asked.backends:
            edge = Edge(backend_service(Which(name)), upload, host, asked.length)
            safe = edge.safe(asked.most, asked.clean)
            print(
                f"{word:<14}{name:<8}{safe:>3} at once are safe; {told(edge.first_beyond)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
