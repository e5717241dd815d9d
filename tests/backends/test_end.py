"""How a service ends: told to, killed, whatever its clients and ffmpegs do."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from launchers import HELD, Launcher
from raw_http import FORM, Connection, part
from running import until
from running_service import END_S, Service

WITH_EACH_WRAPPER = True

Launch = Callable[..., Launcher]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whatever_clients_and_ffmpegs_do(
    start: Callable[..., Service], launcher: Launch, film: Path, number: int
) -> None:
    recorder = launcher(f"trap '' TERM INT HUP; {HELD}")
    recorder.hold()
    service = start(FFMPEG=recorder.path, MAX_CONCURRENT=2)
    upload = service.upload(film)
    for _ in range(3):
        service.order(upload, (0, 1), (1, 1))
    recorder.began(2)
    standing = [Connection(service.port) for _ in range(4)]
    standing[0].head("POST", "/uploads", content_type=FORM, content_length=10_000)
    standing[0].send(part(b"x"))
    standing[1].send(b"GET /hea")
    standing[2].head("GET", "/health")
    assert service.end(number) < END_S
    assert service.process.returncode == 0, service.stderr
    for pid in recorder.pids():
        assert not Path(f"/proc/{pid}").exists()
    assert service.ffmpegs() == []
    assert len(recorder.pids()) == 2, "none of those that waited began"
    for connection in standing:
        assert connection.closed(patience_s=2)


def test_an_idle_one_ends_at_once(start: Callable[..., Service]) -> None:
    service = start()
    with Connection(service.port) as connection:
        connection.head("GET", "/health")
        assert connection.answer().status == 200  # and it is kept alive
        assert service.end() < 4
    assert service.process.returncode == 0


def test_while_it_ends_new_work_is_refused(start: Callable[..., Service], slow: Path) -> None:
    service = start(PRESET="veryslow")
    upload = service.upload(slow)
    service.order(upload, (0, 4))
    until(service.ffmpegs)
    with Connection(service.port) as open_one:
        open_one.head("GET", "/health")
        open_one.answer()
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
        try:
            answer = service.try_order(upload, (0, 1))
        except (ConnectionError, TimeoutError):
            pass
        else:
            answer.refuses(503)
            assert int(answer.headers["retry-after"]) > 0
    assert service.process.wait(10) == 0


def test_killed_it_leaves_no_ffmpeg(start: Callable[..., Service], slow: Path) -> None:
    service = start(PRESET="veryslow", MAX_CONCURRENT=2)
    service.order(service.upload(slow), (0, 4), (0, 4))
    until(lambda: len(service.ffmpegs()) >= 2)
    service.end(signal.SIGKILL)
    until(lambda: not service.ffmpegs(), patience_s=2)


def test_killed_it_leaves_nothing_that_a_wrapper_has_started(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    """The kernel's signal at the death of a parent reaches the wrapper alone."""
    wrapper = launcher("sleep 600 & echo $! > {folder}/part; mv {folder}/part {folder}/child; wait")
    service = start(FFMPEG=wrapper.path)
    service.order(service.upload(film), (0, 1))
    told = wrapper.folder / "child"
    until(told.exists)
    child = Path(f"/proc/{int(told.read_text('ascii'))}")
    assert child.exists()
    service.end(signal.SIGKILL)
    until(lambda: not child.exists(), patience_s=2)
