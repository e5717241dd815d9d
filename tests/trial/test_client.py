"""The client, and the probes of health at a constant rate, against a real server."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from serving_small import SERVICE

from clipkit.trial.client import Client, ServiceGoneError
from clipkit.trial.health import HealthProbes, quantile

Starts = Callable[..., Client]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Starts]:
    """`started("word", …)`: a client of a running service, which ends with the test."""
    with contextlib.ExitStack() as stack:

        def start(*words: str) -> Client:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-I", "-S", str(SERVICE), *words],
                    stdout=subprocess.PIPE,
                    env={**os.environ, "DATA_DIR": str(tmp_path), "PORT": "0", "FFMPEG": "true"},
                )
            )
            stack.callback(process.kill)
            assert process.stdout
            return Client(json.loads(process.stdout.readline())["port"], patience_s=10.0)

        yield start


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class TestClient:
    def test_an_upload_arrives_byte_for_byte(self, started: Starts, tmp_path: Path) -> None:
        client = started()
        film = tmp_path / 'a "film".mp4'
        film.write_bytes(os.urandom(3_000_001))
        answer = client.upload("/uploads", "video", film)
        assert answer.status == 201
        assert answer.json["bytes"] == 3_000_001
        (kept,) = (tmp_path / "uploads").iterdir()
        assert kept.read_bytes() == film.read_bytes()

    def test_a_refusal_before_the_body_has_ended_is_the_answer(
        self, started: Starts, tmp_path: Path
    ) -> None:
        client = started("refuse")
        film = tmp_path / "film.mp4"
        film.write_bytes(bytes(100))
        assert client.upload("/uploads", "video", film).words == "507: no space for it"

    def test_what_is_fetched_goes_to_the_file(self, started: Starts, tmp_path: Path) -> None:
        client = started()
        (tmp_path / "clips" / "job-1.mp4").write_bytes(b"film" * 1000)
        to = tmp_path / "fetched"
        assert client.fetch("/jobs/job/clips/1", to).status == 200
        assert to.read_bytes() == b"film" * 1000
        assert client.fetch("/jobs/job/clips/2", tmp_path / "none").words == "404: no such thing"
        assert not (tmp_path / "none").exists()

    def test_nobody_there_is_told_as_a_client_sees_it(self) -> None:
        with pytest.raises(ServiceGoneError, match=r"^connection refused$"):
            Client(free_port(), 5.0).get("/health")

    def test_a_service_that_dies_in_the_middle_is_told(self, started: Starts) -> None:
        with pytest.raises(ServiceGoneError, match=r"^connection broken off$"):
            started("lose").order("/jobs", {"upload": "x", "clips": []})

    def test_a_service_that_does_not_answer_is_not_waited_for_for_ever(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            with pytest.raises(ServiceGoneError, match=r"^no answer in time$"):
                Client(port, 0.3).get("/health")


class TestHealthProbes:
    def test_they_are_due_at_a_constant_rate(self, started: Starts) -> None:
        client = started()
        began_s = time.monotonic()
        with HealthProbes(client, "/health", per_s=20.0) as asking:
            time.sleep(1.0)
        probes = sorted(asking.probes, key=lambda probe: probe.due_s)
        assert 10 <= len(probes) <= 20.0 * (time.monotonic() - began_s) + 1
        steps_s = [b.due_s - a.due_s for a, b in itertools.pairwise(probes)]
        assert steps_s == pytest.approx([0.05] * len(steps_s))
        assert all(probe.latency_s is not None for probe in probes)
        assert all(0 < (probe.latency_s or 0) < 5 for probe in probes)
        assert 0 < asking.cpu_s < 1

    def test_a_stall_is_seen_by_every_probe_that_was_due_in_it(self) -> None:
        """The service is silent for a second: of a client that waits, one answer would be late."""
        stall_s = 1.0
        with (
            socket.create_server(("127.0.0.1", 0), backlog=50) as server,
            HealthProbes(Client(server.getsockname()[1], 10.0), "/health", per_s=10.0) as asking,
        ):
            time.sleep(stall_s)
            answered_s = time.monotonic()
            answering = threading.Thread(target=_answer_all, args=(server,))
            answering.start()
            time.sleep(0.3)
        answering.join()
        due = [probe for probe in asking.probes if probe.due_s < answered_s]
        assert len(due) >= 7
        assert all((probe.latency_s or 0) >= answered_s - probe.due_s for probe in due)

    def test_who_is_not_there_is_no_latency(self) -> None:
        with HealthProbes(Client(free_port(), 10.0), "/health", per_s=20.0) as asking:
            time.sleep(0.3)
        assert asking.probes
        assert {probe.latency_s for probe in asking.probes} == {None}


def _answer_all(server: socket.socket) -> None:
    """Whoever knocks, until nobody does for a second."""
    server.settimeout(1.0)
    with contextlib.suppress(TimeoutError, OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


@pytest.mark.parametrize(
    ("fraction", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100), (0.001, 1)]
)
def test_a_quantile_is_one_of_the_values(fraction: float, value: float) -> None:
    assert quantile([float(n) for n in range(1, 101)], fraction) == value
    assert quantile([], fraction) is None
    assert quantile([7.0], fraction) == 7.0
