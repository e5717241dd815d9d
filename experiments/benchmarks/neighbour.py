"""How long users of a small server wait while clips are cut beside it, and what manners cost the clips.

    python experiments/benchmarks/neighbour.py [--cpus 0.5] [--rounds 3] [--into FILE]

A server that answers at once, in the same ceiling as the engine, as on a host that people pay for. It is asked at a
constant rate, and each answer's time counts from when the question was due, so that a server that stands still is
charged for all who wait meanwhile. Each round has the server alone, and beside a job of clips (mode `encode`) with
each of the manners, in random order. Prints the median, the 99th percentile and the longest wait, and the seconds
that the job took. Needs root, and a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.media.sample import find_sample
from clipkit.plan import modes
from clipkit.plan.clips import spread
from clipkit.settings import Settings
from clipkit.trial.execute import Run, execute, with_manners

_MANNERS: dict[str, dict[str, object]] = {
    "as it is": {},
    "nice 19": {"nice": 19},
    "nice 19, ionice idle": {"nice": 19, "ionice": "idle"},
    "cpu_percent 80": {"cpu_percent": 80},
    "nice 19, cpu_percent 80": {"nice": 19, "cpu_percent": 80},
    "scheduling idle": {"cpu_scheduling": "idle"},
    "scheduling idle, cpu_percent 80": {"cpu_scheduling": "idle", "cpu_percent": 80},
    "nice 19, cpu_percent 60": {"nice": 19, "cpu_percent": 60},
}
_ALONE = "no clips"
_ASKED_EVERY_S = 0.02
_WATCHED_S = 15.0
_SERVER = """
import socket, sys
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
while True:
    one, _ = listening.accept()
    one.recv(4096)
    one.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    one.close()
"""


@dataclass(frozen=True)
class Waited:
    """In one round, beside a job with these manners. `job_s` None: there was none."""

    cpus: float
    manners: str
    round: int
    waits_s: list[float]
    job_s: float | None

    def percentile(self, part: float) -> float:
        ordered = sorted(self.waits_s)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class Asking(threading.Thread):
    """Asks the server at a constant rate until `over` is set."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port, self.over = port, threading.Event()
        self.waits_s: list[float] = []

    def run(self) -> None:
        # Users are elsewhere: who asks for them waits for no CPU of this machine.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        due_s = time.monotonic()
        while not self.over.is_set():
            due_s += _ASKED_EVERY_S
            time.sleep(max(0.0, due_s - time.monotonic()))
            try:
                self._ask()
            except OSError:  # the ceiling is emptied at the end of the job, and the server is in it
                return
            self.waits_s.append(time.monotonic() - due_s)

    def _ask(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as asked:
            asked.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            while asked.recv(4096):
                pass


def served(ceiling: Ceiling) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        ceiling.wrap([sys.executable, "-I", "-S", "-c", _SERVER]), stdout=subprocess.PIPE
    )
    ceiling.adopt(process.pid)
    return process


def beside(name: str, number: int, cpus: float, folder: Path) -> Waited:
    host = Host("neighbour", 512 * MIB, cpus)
    upload = probe_upload(find_sample("sample-720p-120s", Path.cwd()))
    job = spread(upload, 2 if cpus < 1 else 6, 12)
    with open_ceiling(Limits(host.memory_bytes, cpus)) as ceiling:
        server = served(ceiling)
        assert server.stdout is not None  # noqa: S101 (for the type checker)
        asking = Asking(int(server.stdout.readline()))
        asking.start()
        job_s = None
        if name == _ALONE:
            time.sleep(_WATCHED_S)
        else:
            settings = Settings(concurrency=2, **_MANNERS[name])  # type: ignore[arg-type]
            build = ffmpeg_builds.find_build("bundled")
            out = folder / f"{number}-{list(_MANNERS).index(name)}"
            out.mkdir()
            run = Run(out, settings.concurrency, timeout_s=600, stop_on_failure=True)
            run = with_manners(run, settings.used, host)
            tasks = modes.tasks(job, settings, build)

            job_s = execute(tasks, run, ceiling, lambda _: None).wall_s
            if job_s is None or len(asking.waits_s) < job_s / _ASKED_EVERY_S / 2:
                raise SystemExit(f"{name}: the job failed, or the server died beside it")
        asking.over.set()
        asking.join()
        server.kill()
        server.wait()
    return Waited(cpus, name, number, asking.waits_s, job_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cpus", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path, metavar="FILE")
    asked = parser.parse_args()
    chance = random.Random(asked.seed)  # noqa: S311  a running order, no secret
    found: dict[str, list[Waited]] = {name: [] for name in (_ALONE, *_MANNERS)}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        for number in range(asked.rounds):
            for name in chance.sample(list(found), len(found)):
                waited = beside(name, number, asked.cpus, Path(folder))
                found[name].append(waited)
                if asked.into:
                    with asked.into.open("a", encoding="utf-8") as file:
                        file.write(f"{json.dumps(asdict(waited))}\n")
    print(f"{'':<26}{'median':>10}{'99 %':>10}{'longest':>10}{'job':>10}")
    for name, rounds in found.items():
        all_of_it = Waited(asked.cpus, name, 0, [s for each in rounds for s in each.waits_s], None)
        jobs_s = [each.job_s for each in rounds if each.job_s is not None]
        job = fmt.seconds(sum(jobs_s) / len(jobs_s)) if jobs_s else ""
        waits = (fmt.seconds(all_of_it.percentile(part)) for part in (0.5, 0.99, 1.0))
        print(f"{name:<26}{''.join(f'{wait:>10}' for wait in waits)}{job:>10}")


if __name__ == "__main__":
    main()
