"""A real Dask scheduler and workers, as processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from network_spaces import Apart, Space
from running import until


@dataclass
class Cluster:
    """Processes of its own; a worker's nanny would start it again. `space`: where the scheduler is, `address`: where it
    listens, whoever started it."""

    folder: Path
    space: Space | None = None
    address: str = ""
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def scheduler(self) -> subprocess.Popen[bytes]:
        """It is there; a second one listens where the first one did."""
        if not self.address:
            host, port = (self.space.address, 8786) if self.space else ("127.0.0.1", _free_port())
            self.address = f"tcp://{host}:{port}"
        host, _, at = self.address.removeprefix("tcp://").partition(":")
        log = self.folder / f"scheduler-{len(self.started)}.log"
        words = ["scheduler", "--host", host, "--port", at, "--no-dashboard"]
        process = self._start(words, {}, self.space)
        until(lambda: "Scheduler at:" in log.read_text(), patience_s=240)
        return process

    def worker(
        self, machine: str, space: Space | Apart | None = None, **environment: str
    ) -> subprocess.Popen[bytes]:
        words = ["worker", self.address, "--no-nanny", "--nthreads", "2", "--no-dashboard"]
        nanny = {"MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
        return self._start(words, {"CLIPKIT_MACHINE": machine, **nanny, **environment}, space)

    def workers_joined(self) -> int:
        """How many the scheduler knows of, by their own words."""
        logs = self.folder.glob("worker-*.log")
        return sum("Registered to" in log.read_text() for log in logs)

    def _start(
        self, words: list[str], more: dict[str, str], space: Space | Apart | None
    ) -> subprocess.Popen[bytes]:
        # What is installed beside the tests is nothing that a worker has.
        own = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | more
        log = (self.folder / f"{words[0]}-{len(self.started)}.log").open("wb")
        argv = [sys.executable, "-P", "-m", "distributed.cli.dask_" + words[0], *words[1:]]
        argv = space.inside(*argv, folder=self.folder) if space else argv
        process = subprocess.Popen(argv, env=own, stdout=log, stderr=log, cwd=self.folder)
        self.started.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self.started):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
