"""One visit to a service, as its client sees it: an upload, an order, the wait, the clips; then more jobs.

Nothing here judges: it asks, notes when and what was answered, and goes on as far as it can.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipkit.plan.clips import Job
from clipkit.plan.routes import Routes
from clipkit.trial import machine
from clipkit.trial.client import Client
from clipkit.trial.conversation import Conversation
from clipkit.trial.health import HealthProbes
from clipkit.trial.moments import Moments
from clipkit.trial.talk import Watch
from clipkit.trial.told_job import ENDED

_FURTHER_CLIP_S = 1.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a service is visited. `rest_s`: how long it is left alone before its memory at rest is read;
    `health_hz`: probes of its health a second while it works; `poll_s`: between two questions for the
    job, as a page that waits would ask; `jobs`: how many it gets in one life, those after the first of one
    short clip each; `at_once`: clips that the client has cut at once where it is the one who decides."""

    rest_s: float = 3.0
    health_hz: float = 4.0
    poll_s: float = 0.5
    jobs: int = 1
    at_once: int = 1


@dataclass(slots=True)
class Visit:
    """`moments`: `ready`, `rested`, `uploaded`, `ordered`, `ended`, `after`, `later`, as far as it came.
    `told` is what the client was told where something was refused or broke off."""

    job: Job
    routes: Routes
    manner: Manner
    moments: Moments
    deadline_s: float
    document: dict[str, Any] = field(default_factory=dict)
    probes: HealthProbes | None = None
    polls: int = 0
    jobs: int = 0
    fsync_s: float | None = None
    cached_fraction: float | None = None
    fetched: dict[int, Path | str] = field(default_factory=dict)
    told: str | None = None
    timed_out: bool = False
    _talk: Conversation | None = None

    def make(
        self,
        client: Client,
        data: Path,
        fetched: Path,
        is_alive: Callable[[], bool],
        watch: Watch,
    ) -> None:
        """From the rest after its start to the rest after its last job. An interrupt passes through."""

        def heard(number: int, status: str) -> None:
            watch({"event": "clip", "number": number, "status": status, "frames": None})

        self.moments.note("ready")
        time.sleep(self.manner.rest_s)
        self.moments.note("rested")
        fetched.mkdir(exist_ok=True)
        self._talk = talk = self._conversation(client, self.job, data, fetched)
        talk.heard = heard
        try:
            self._have_cut(talk, data, is_alive)
        finally:
            self.document, self.polls = talk.document, talk.polls
            self.told, self.timed_out = talk.told, talk.timed_out
        if self.document.get("status") in ENDED:
            time.sleep(self.manner.rest_s)
            self.moments.note("after")
            self.jobs = 1
        talk.fetch()
        self.fetched = talk.fetched
        if self.manner.jobs > 1 and self.document.get("status") == "done":
            self._have_more_cut(client, data, fetched / "further", is_alive)

    def explain(self, said: str) -> None:
        """Add what the service said itself to what its client was told."""
        if self.told:
            self.told += said
        for clip in self.document.get("clips", []):
            if clip["status"] != "ok" and clip["error"]:
                clip["error"] += said
                return

    def is_lost(self) -> bool | None:
        """Whether the service does not know the job; None where there is none, or no answer."""
        return self._talk.is_lost() if self._talk and self.document else None

    def is_lost_to(self, client: Client) -> bool | None:
        """The same, asked of the next life of the service."""
        if self._talk:
            self._talk.client = client
        return self.is_lost()

    def _conversation(self, client: Client, job: Job, data: Path, folder: Path) -> Conversation:
        return Conversation(
            client=client,
            routes=self.routes,
            job=job,
            data=data,
            folder=folder,
            at_once=self.manner.at_once,
            poll_s=self.manner.poll_s,
            deadline_s=self.deadline_s,
        )

    def _have_cut(self, talk: Conversation, data: Path, is_alive: Callable[[], bool]) -> None:
        taken = talk.take_up()
        if self.routes.upload:
            self.moments.note("uploaded")
        if not taken:
            return
        if self.routes.upload:
            self._put_on_the_disk(data / "uploads")
        self.moments.note("ordered")
        with contextlib.ExitStack() as meanwhile:
            if path := self.routes.health:
                probes = HealthProbes(talk.client, path, self.manner.health_hz)
                self.probes = meanwhile.enter_context(probes)
            talk.have_cut(is_alive)
        self.moments.note("ended")

    def _have_more_cut(
        self, client: Client, data: Path, folder: Path, is_alive: Callable[[], bool]
    ) -> None:
        """One short clip each, in turn, until one does not end well."""
        short = self.job.shortened(_FURTHER_CLIP_S)
        while self.jobs < self.manner.jobs and time.monotonic() < self.deadline_s:
            folder.mkdir(exist_ok=True)
            job = short.reduced([self.jobs % len(short.clips)])
            talk = self._conversation(client, job, data, folder)
            if talk.take_up():
                talk.have_cut(is_alive)
            if talk.document.get("status") != "done":
                self.told = f"job {self.jobs + 1}: {talk.told or _first_error(talk.document)}"
                return
            talk.fetch()
            talk.forget()
            shutil.rmtree(folder, ignore_errors=True)
            self.jobs += 1
        time.sleep(self.manner.rest_s)
        self.moments.note("later")

    def _put_on_the_disk(self, uploads: Path) -> None:
        """So that writing the upload back does not happen while clips are cut."""
        began_s = time.monotonic()
        if self.routes.is_theirs:  # where it has its copy is its own affair
            os.sync()
            self.fsync_s = time.monotonic() - began_s
            return
        with contextlib.suppress(OSError):  # it is where no other service of the contract has it
            for path in uploads.iterdir():
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                self.cached_fraction = machine.cached_fraction(path)
            self.fsync_s = time.monotonic() - began_s


def _first_error(document: dict[str, Any]) -> str:
    wrong = [clip["error"] for clip in document.get("clips", []) if clip["status"] != "ok"]
    return str(wrong[0]) if wrong and wrong[0] else "it did not end"
