"""Users of a service, for locust: each uploads the film, orders clips, waits for them and fetches them.

Run by `service_load.py`, which says what they do by the environment: CLIPKIT_FILM, CLIPKIT_CLIPS (JSON),
CLIPKIT_JOBS, the file that gets a line for each job (`clipkit.records.service_lives.UserJob`), CLIPKIT_BEGAN_S, when
the load begins by the monotonic clock, and CLIPKIT_PER_S, how many jobs a second each user starts at random,
without which one comes after the other. What locust calls a request named `job` is a whole one.

Jobs arrive as a Poisson process: each user's are due after times of an exponential distribution, whatever
becomes of them, and many such processes together are one. A job that is due while its user still waits for
another begins late, and its time counts from when it was due.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from pathlib import Path

from locust import HttpUser, task

_FILM = Path(os.environ["CLIPKIT_FILM"])
_CLIPS = json.loads(os.environ["CLIPKIT_CLIPS"])
_JOBS = Path(os.environ["CLIPKIT_JOBS"])
_BEGAN_S = float(os.environ["CLIPKIT_BEGAN_S"])
_PER_S = float(os.environ.get("CLIPKIT_PER_S", "0"))
_POLL_S = 0.1
_NUMBERS = itertools.count()


def now_s() -> float:
    return time.monotonic() - _BEGAN_S


class User(HttpUser):
    def on_start(self) -> None:
        self._chance = random.Random(next(_NUMBERS))  # noqa: S311  reproducible arrivals
        self._due_s = self._next(now_s()) if _PER_S else now_s()

    def wait_time(self) -> float:
        """Locust does not wait for a user who waits when it ends."""
        return max(0.0, self._due_s - now_s())

    @task
    def job(self) -> None:
        if now_s() < self._due_s:  # locust begins with a task, and waits then
            return
        began_s = now_s()
        failure: Exception | None = None
        cut_s: float | None = None
        try:
            cut_s = self._whole_job()
        except Exception as error:  # noqa: BLE001  (whatever it is, it is told as the job's failure)
            failure = error
        ready_s = now_s()
        self._note(began_s, ready_s, cut_s, failure)
        self._due_s = self._next(self._due_s) if _PER_S else ready_s
        self.environment.events.request.fire(
            request_type="JOB",
            name="job",
            response_time=(ready_s - began_s) * 1000,
            response_length=0,
            exception=failure,
            context={},
        )

    def _next(self, since_s: float) -> float:
        return since_s + self._chance.expovariate(_PER_S)

    def _note(
        self, began_s: float, ready_s: float, cut_s: float | None, failure: Exception | None
    ) -> None:
        told = {"due_s": self._due_s, "began_s": began_s, "ready_s": ready_s, "cut_s": cut_s}
        with _JOBS.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(told | {'error': str(failure) if failure else None})}\n")

    def _whole_job(self) -> float:
        """For how long its ffmpegs ran."""
        with _FILM.open("rb") as film:
            files = {"video": (_FILM.name, film, "video/mp4")}
            upload = self.client.post("/uploads", files=files)
        upload.raise_for_status()
        order = {"upload": upload.json()["id"], "clips": _CLIPS}
        ordered = self.client.post("/jobs", json=order)
        ordered.raise_for_status()
        path = f"/jobs/{ordered.json()['id']}"
        while (document := self._asked(path))["status"] not in ("done", "failed"):
            time.sleep(_POLL_S)  # locust has made it one that lets other users go on
        if document["status"] == "failed":
            wrong = next(clip for clip in document["clips"] if clip["status"] != "ok")
            raise RuntimeError(f"clip {wrong['status']}: {wrong['error']}")
        for clip in document["clips"]:
            self.client.get(clip["url"], name="/jobs/…/clips/…").raise_for_status()
        self.client.delete(path, name="/jobs/…")
        self.client.delete(f"/uploads/{upload.json()['id']}", name="/uploads/…")
        return sum(clip["ended_s"] - clip["started_s"] for clip in document["clips"])

    def _asked(self, path: str) -> dict[str, object]:
        answer = self.client.get(path, name="/jobs/…")
        answer.raise_for_status()
        return dict(answer.json())
