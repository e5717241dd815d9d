"""Users of a service, for locust: each uploads the film, orders clips, waits for them and fetches them.

Run by `service_load.py`, which says what they do by the environment: CLIPKIT_FILM, CLIPKIT_CLIPS (JSON), and
CLIPKIT_PER_S, how many jobs a second each user starts; without it one after the other. What locust calls a
request named `job` is a whole one, from the first byte of the upload to the last clip.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from locust import HttpUser, constant, constant_throughput, task

_FILM = Path(os.environ["CLIPKIT_FILM"])
_CLIPS = json.loads(os.environ["CLIPKIT_CLIPS"])
_PER_S = os.environ.get("CLIPKIT_PER_S")
_POLL_S = 0.5


class User(HttpUser):
    wait_time = constant_throughput(float(_PER_S)) if _PER_S else constant(0)

    @task
    def job(self) -> None:
        began_s = time.perf_counter()
        failure: Exception | None = None
        try:
            self._whole_job()
        except Exception as error:  # noqa: BLE001  (whatever it is, it is told as the job's failure)
            failure = error
        self.environment.events.request.fire(
            request_type="JOB",
            name="job",
            response_time=(time.perf_counter() - began_s) * 1000,
            response_length=0,
            exception=failure,
            context={},
        )

    def _whole_job(self) -> None:
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

    def _asked(self, path: str) -> dict[str, object]:
        answer = self.client.get(path, name="/jobs/…")
        answer.raise_for_status()
        return dict(answer.json())
