"""The queue: how many at once, in which order, and what is full."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from launchers import HELD, Launcher
from running import until
from running_service import Service

WITH_EACH_WRAPPER = True

Launch = Callable[..., Launcher]
BEYOND = (1_000.0, 1.0)
"""A clip that lies beyond the film's end."""


def test_first_come_first_served_over_all_jobs(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher(HELD)
    recorder.hold()
    service = start(FFMPEG=recorder.path)
    upload = service.upload(film)
    starts_s = [0.1 * number for number in range(7)]
    jobs = [
        service.order(upload, *((start_s, 0.1) for start_s in some))
        for some in (starts_s[:3], starts_s[3:4], starts_s[4:])
    ]
    recorder.began(1)
    assert [service.job(job)["status"] for job in jobs] == ["running", "queued", "queued"]
    recorder.release()
    ended = [service.ended(job) for job in jobs]
    assert [job["status"] for job in ended] == ["done"] * 3, ended
    assert [round(start_s, 3) for start_s in recorder.starts_s()] == [
        round(start_s, 3) for start_s in starts_s
    ]
    spans = [(clip["started_s"], clip["ended_s"]) for job in ended for clip in job["clips"]]
    for (_, ended_s), (next_s, _) in pairwise(spans):
        assert next_s >= ended_s - 0.001, "one at once is the default"


def test_so_many_at_once_over_all_jobs_and_no_more(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher(HELD)
    recorder.hold()
    service = start(FFMPEG=recorder.path, MAX_CONCURRENT=3)
    upload = service.upload(film)
    jobs = [service.order(upload, (0, 0.2), (1, 0.2)) for _ in range(4)]
    recorder.began(3)
    time.sleep(0.3)
    assert len(recorder.pids()) == 3
    assert len(service.ffmpegs()) >= 3
    recorder.release()
    most = 0
    while any(service.job(job)["status"] not in ("done", "failed") for job in jobs):
        most = max(most, service.at_once())
    assert most <= 3
    spans = [
        (clip["started_s"], clip["ended_s"]) for job in jobs for clip in service.job(job)["clips"]
    ]
    assert len(spans) == 8
    for moment_s, _ in spans:
        assert sum(begun <= moment_s < ended for begun, ended in spans) <= 3


def test_a_full_queue_says_when_to_come_again(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher(HELD)
    recorder.hold()
    service = start(FFMPEG=recorder.path, QUEUE_LIMIT=2)
    upload = service.upload(film)
    jobs = [service.order(upload, (0, 0.1)) for _ in range(2)]
    answer = service.try_order(upload, (0, 0.1))
    answer.refuses(503)
    assert int(answer.headers["retry-after"]) > 0
    assert service.ask("DELETE", f"/jobs/{jobs[1]}").status == 204
    jobs[1] = service.order(upload, (0, 0.1))
    recorder.release()
    assert [service.ended(job)["status"] for job in jobs] == ["done", "done"]
    assert service.try_order(upload, (0, 0.1)).status == 202, "what has ended takes no place"


def test_one_clips_failure_does_not_stop_the_others(
    start: Callable[..., Service], film: Path
) -> None:
    job = start().cut(film, (0, 0.2), BEYOND, (1, 0.2))
    assert job["status"] == "failed"
    assert [clip["status"] for clip in job["clips"]] == ["ok", "failed", "ok"]


def test_an_upload_stays_while_a_job_needs_it(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher(HELD)
    recorder.hold()
    service = start(FFMPEG=recorder.path)
    used, other = service.upload(film), service.upload(film)
    running, waiting = service.order(used, (0, 0.1)), service.order(other, (0, 0.1))
    recorder.began(1)
    for upload in (used, other):
        service.ask("DELETE", f"/uploads/{upload}").refuses(409)
    recorder.release()
    for job in (running, waiting):
        assert service.ended(job)["status"] == "done"
    for upload, job in ((used, running), (other, waiting)):
        assert service.ask("DELETE", f"/uploads/{upload}").status == 204
        service.ask("DELETE", f"/uploads/{upload}").refuses(404)
        service.try_order(upload, (0, 0.1)).refuses(404)
        assert service.ask("GET", f"/jobs/{job}/clips/1").status == 200, "its clips stay"
    until(lambda: not [name for name in service.kept() if name.startswith("uploads/")], 2)


def test_a_hundred_clips_of_many_jobs_all_end(start: Callable[..., Service], film: Path) -> None:
    service = start(MAX_CONCURRENT=4)
    upload = service.upload(film)
    jobs = [service.order(upload, *((0.1 * n, 0.1) for n in range(10))) for _ in range(4)]
    assert {service.ended(job)["status"] for job in jobs} == {"done"}
    assert len([name for name in service.kept() if name.startswith("clips/")]) == 40
