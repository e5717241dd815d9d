"""Jobs that are removed, at every moment of their lives."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from launchers import HELD, Launcher
from running import until
from running_service import Service

WITH_EACH_WRAPPER = True

Launch = Callable[..., Launcher]
MOST_S = 2.0


def remove(service: Service, job: str) -> None:
    """Answered in time, and nothing of the job is left when it is."""
    started_s = time.monotonic()
    answer = service.ask("DELETE", f"/jobs/{job}")
    took_s = time.monotonic() - started_s
    assert answer.status == 204, answer
    assert answer.body == b""
    assert took_s < MOST_S
    assert clips_of(service) == set()
    assert service.ffmpegs() == []
    service.ask("GET", f"/jobs/{job}").refuses(404)
    service.ask("DELETE", f"/jobs/{job}").refuses(404)


def clips_of(service: Service) -> set[str]:
    return {name for name in service.kept() if name.startswith("clips/")}


def test_one_that_waits_never_runs(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher(HELD)
    recorder.hold()
    service = start(FFMPEG=recorder.path)
    upload = service.upload(film)
    running, waiting = service.order(upload, (0, 0.1)), service.order(upload, (1, 0.1), (2, 0.1))
    last = service.order(upload, (3, 0.1))
    recorder.began(1)
    started_s = time.monotonic()
    assert service.ask("DELETE", f"/jobs/{waiting}").status == 204
    assert time.monotonic() - started_s < MOST_S
    service.ask("GET", f"/jobs/{waiting}").refuses(404)
    recorder.release()
    assert service.ended(running)["status"] == service.ended(last)["status"] == "done"
    assert recorder.starts_s() == [0, 3]


@pytest.mark.parametrize("stubborn", [False, True])
def test_one_that_runs_is_ended_with_all_that_it_started(
    start: Callable[..., Service], launcher: Launch, film: Path, stubborn: bool
) -> None:
    """`stubborn`: it does not heed SIGTERM, and has a child."""
    child = "sh -c 'touch {folder}/child.$$; exec sleep 300' & "
    trap = f"trap '' TERM INT HUP; {child}" if stubborn else ""
    recorder = launcher(f"{trap}{HELD}")
    recorder.hold()
    service = start(FFMPEG=recorder.path, MAX_CONCURRENT=2)
    upload = service.upload(film)
    job = service.order(upload, *((n, 0.1) for n in range(3)))
    recorder.began(2)
    until(lambda: not stubborn or len(list(recorder.folder.glob("child.*"))) == 2)
    remove(service, job)
    for pid in recorder.pids():
        assert not Path(f"/proc/{pid}").exists()
    assert len(recorder.pids()) == 2, "its third clip does not run"
    recorder.release()
    assert service.ended(service.order(upload, (0, 0.1)))["status"] == "done"
    assert service.ask("DELETE", f"/uploads/{upload}").status == 204


def test_one_in_the_midst_of_a_film(start: Callable[..., Service], slow: Path) -> None:
    service = start(PRESET="veryslow")
    job = service.order(service.upload(slow), (0, 4))
    until(lambda: clips_of(service), patience_s=20)
    remove(service, job)


def test_one_that_has_ended(start: Callable[..., Service], film: Path) -> None:
    service = start()
    job = service.cut(film, (0, 0.2), (1_000, 1))["id"]
    assert len(clips_of(service)) == 1
    remove(service, job)


def test_at_whatever_moment_it_comes(start: Callable[..., Service], film: Path) -> None:
    """From before its first ffmpeg to after its last, with the same draws each time."""
    service = start(MAX_CONCURRENT=2)
    upload = service.upload(film)
    draw = random.Random(4)
    for _ in range(25):
        job = service.order(upload, (0, 0.1), (1, 0.1), (2, 0.1))
        time.sleep(draw.uniform(0, 0.25))
        remove(service, job)
    assert service.ended(service.order(upload, (0, 0.1)))["status"] == "done"


def test_its_clip_may_be_on_its_way_to_a_client(start: Callable[..., Service], film: Path) -> None:
    service = start()
    job = service.cut(film, (0, 3))["id"]
    remove(service, job)
    service.ask("GET", f"/jobs/{job}/clips/1").refuses(404)


def test_cancelled_clips_are_counted(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher(HELD)
    recorder.hold()
    service = start(FFMPEG=recorder.path)
    job = service.order(service.upload(film), (0, 0.1), (1, 0.1))
    recorder.began(1)
    remove(service, job)
    counted = [line for line in service.metrics().splitlines() if "cancelled" in line]
    assert [line.split()[-1] for line in counted if line.startswith("clips_total{")] in (
        ["2"],
        ["2.0"],
    ), counted
