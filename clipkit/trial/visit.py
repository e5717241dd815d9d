"""One visit to a service, as its client sees it: an upload, an order, the wait, the clips.

Nothing here judges: it asks, notes when and what was answered, and goes on as far as it can.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipkit.plan.clips import Job
from clipkit.trial import machine
from clipkit.trial.client import Answer, Client, ServiceGoneError
from clipkit.trial.health import HealthProbes
from clipkit.trial.moments import Moments
from clipkit.trial.talk import Watch

ENDED = ("done", "failed")
_CLIP_ENDED = ("ok", "failed", "killed", "timeout")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a service is visited. `rest_s`: how long it is left alone before its memory at rest is read;
    `health_hz`: probes of its health a second while it works; `poll_s`: between two questions for the
    job, as a page that waits would ask."""

    rest_s: float = 3.0
    health_hz: float = 4.0
    poll_s: float = 0.5


@dataclass(slots=True)
class Visit:
    """`moments`: `ready`, `rested`, `uploaded`, `ordered`, `ended`, `after`, as far as it came. `told` is
    what the client was told where something was refused or broke off."""

    job: Job
    manner: Manner
    moments: Moments
    deadline_s: float
    document: dict[str, Any] = field(default_factory=dict)
    probes: HealthProbes | None = None
    polls: int = 0
    fsync_s: float | None = None
    cached_fraction: float | None = None
    fetched: dict[int, Path | str] = field(default_factory=dict)
    told: str | None = None
    timed_out: bool = False

    def make(
        self, client: Client, process: subprocess.Popen[bytes], data: Path, watch: Watch
    ) -> None:
        """From the rest after its start to the rest after its job. An interrupt passes through."""
        self.moments.note("ready")
        time.sleep(self.manner.rest_s)
        self.moments.note("rested")
        upload = self._asked(lambda: client.upload("/uploads", "video", self.job.upload.path), 201)
        self.moments.note("uploaded")
        if upload is None:
            return
        self._put_on_the_disk(data / "uploads")
        clips = [{"start_s": c.start_s, "duration_s": c.duration_s} for c in self.job.clips]
        order = {"upload": upload["id"], "clips": clips}
        self.moments.note("ordered")
        with HealthProbes(client.port, self.manner.health_hz) as self.probes:
            ordered = self._asked(lambda: client.order("/jobs", order), 202)
            if ordered:
                self.document = ordered
                self._wait(client, process, watch)
        self.moments.note("ended")
        if self.document.get("status") in ENDED:
            time.sleep(self.manner.rest_s)
            self.moments.note("after")

    def fetch(self, client: Client, folder: Path) -> None:
        """The clips that are said to be ok: `fetched` says where each one lies now, or why it does not."""
        folder.mkdir(exist_ok=True)
        for clip in self.document.get("clips", []):
            if clip["status"] == "ok":
                self.fetched[clip["number"]] = _fetch(client, clip, folder)

    def is_lost(self, client: Client) -> bool | None:
        """Whether the service does not know the job; None where there is none, or no answer."""
        if not self.document:
            return None
        with contextlib.suppress(ServiceGoneError):
            return client.get(self._job).status == 404
        return None

    @property
    def _job(self) -> str:
        return f"/jobs/{self.document['id']}"

    def _asked(self, ask: Callable[[], Answer], wanted: int) -> dict[str, Any] | None:
        """What was answered; None where it was refused or broke off, and `told` says why."""
        try:
            answer = ask()
        except ServiceGoneError as error:
            self.told = str(error)
            return None
        if answer.status != wanted or "id" not in answer.json:
            self.told = answer.words
            return None
        return answer.json

    def _wait(self, client: Client, process: subprocess.Popen[bytes], watch: Watch) -> None:
        """Until the job has ended, is unknown, its service has died, or the time is over."""
        seen: set[int] = set()
        while True:
            try:
                answer = client.get(self._job)
            except ServiceGoneError as error:
                self.told = str(error)
                if process.poll() is not None:
                    return
            else:
                self.polls += 1
                if answer.status == 404:
                    self.told = answer.words
                    return
                if answer.status == 200:
                    self.told, self.document = None, answer.json
                    _tell(self.document, seen, watch)
                    if self.document.get("status") in ENDED:
                        return
            if time.monotonic() > self.deadline_s:
                self.timed_out = True
                return
            time.sleep(self.manner.poll_s)

    def _put_on_the_disk(self, uploads: Path) -> None:
        """So that writing the upload back does not happen while clips are cut."""
        began_s = time.monotonic()
        with contextlib.suppress(OSError):  # it is where no other service of the contract has it
            for path in uploads.iterdir():
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                self.cached_fraction = machine.cached_fraction(path)
            self.fsync_s = time.monotonic() - began_s


def _fetch(client: Client, clip: dict[str, Any], folder: Path) -> Path | str:
    file = folder / f"clip-{clip['number']:03d}.mp4"
    try:
        answer = client.fetch(clip["url"], file)
    except ServiceGoneError as error:
        return str(error)
    return file if answer.status == 200 else answer.words


def _tell(document: dict[str, Any], seen: set[int], watch: Watch) -> None:
    for clip in document.get("clips", []):
        if clip["status"] in _CLIP_ENDED and clip["number"] not in seen:
            seen.add(clip["number"])
            event = {"number": clip["number"], "status": clip["status"], "frames": None}
            watch({"event": "clip", **event})
