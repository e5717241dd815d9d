"""The life of a service: its log, its folder, its end, and what it leaves."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from launchers import HELD, Launcher
from making import Make
from raw_http import FORM, Connection, form, part, request
from running import until
from running_service import Service, inherited

WITH_EACH_WRAPPER = True

Launch = Callable[..., Launcher]


class TestLog:
    def test_every_line_is_an_object_from_the_first(
        self, start: Callable[..., Service], film: Path
    ) -> None:
        service = start()
        first = service.events[0]
        assert (first["event"], first["port"]) == ("listening", service.port)
        job = service.cut(film, (0, 0.2), (1_000, 1))
        service.ask("GET", "/nowhere")
        service.send_form(part(b"x", filename=b'a"\n{"event":"forged"}\n.mp4'))
        service.ask("POST", "/jobs", b"{", content_type="application/json")
        until(lambda: any(job["id"] in line.decode() for line in service.lines), patience_s=2)
        service.end()
        assert service.process.returncode == 0
        for line in service.lines:
            event = json.loads(line)
            assert {"time", "level", "event"} <= set(event), line
            assert event["event"] != "forged"
        assert service.stderr == ""

    def test_nobody_need_read_it(self, argv: tuple[str, ...], ffmpeg: str, tmp_path: Path) -> None:
        """A log whose reader has gone is no reason to end, nor to stand still."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        own = {"PORT": str(port), "DATA_DIR": str(tmp_path), "FFMPEG": ffmpeg}
        process = subprocess.Popen(
            argv, env={**inherited(), **own}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            assert b"listening" in process.stdout.readline()
            process.stdout.close()
            for _ in range(3):
                assert request(port, "GET", "/nowhere").status == 404
                body = form(part(b"x"))
                answer = request(port, "POST", "/uploads", body, content_type=FORM)
                assert answer.status == 201, answer
            process.terminate()
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.communicate()


class TestFolder:
    def test_what_an_earlier_life_left_is_removed_and_nothing_else(
        self, start: Callable[..., Service], tmp_path: Path
    ) -> None:
        data, outside = tmp_path / "data", tmp_path / "outside"
        for folder in (data / "uploads", data / "clips" / "a" / "b", data / "kept", outside):
            folder.mkdir(parents=True)
        for file in (
            *(data / "uploads" / "old", data / "uploads" / ".hidden", data / "clips/a/b/c.mp4"),
            *(data / "kept" / "mine", data / "mine.txt", outside / "film.mp4"),
        ):
            file.write_text("mine", "utf-8")
        (data / "uploads" / "link").symlink_to(outside / "film.mp4")
        (data / "uploads" / "folder").symlink_to(outside)
        (data / "clips" / "dangling").symlink_to(tmp_path / "nowhere")
        service = start(data=data)
        assert service.kept() == set()
        assert list((data / "uploads").iterdir()) == list((data / "clips").iterdir()) == []
        for file in (data / "kept" / "mine", data / "mine.txt", outside / "film.mp4"):
            assert file.read_text("utf-8") == "mine"

    def test_a_second_service_on_it_does_not_start(
        self, start: Callable[..., Service], argv: tuple[str, ...], ffmpeg: str, film: Path
    ) -> None:
        service = start()
        upload = service.upload(film)
        own = {"PORT": "0", "DATA_DIR": str(service.data), "FFMPEG": ffmpeg}
        second = subprocess.run(
            argv,
            env={**inherited(), **own},
            capture_output=True,
            text=True,
            timeout=15,
            check=False,
        )
        assert second.returncode not in (0, None)
        assert len(second.stderr.strip().splitlines()) == 1, second.stderr
        assert "listening" not in second.stdout
        assert service.ended(service.order(upload, (0, 0.2)))["status"] == "done"
        service.end(signal.SIGKILL)
        assert start(data=service.data).kept() == set(), "a lock dies with who held it"

    def test_what_has_ended_is_kept_so_long_and_no_longer(
        self, start: Callable[..., Service], launcher: Launch, film: Path
    ) -> None:
        recorder = launcher(HELD)
        service = start(KEEP_S=1, FFMPEG=recorder.path, MAX_CONCURRENT=2)
        unused, used = service.upload(film), service.upload(film)
        job = service.cut(film, (0, 0.2))["id"]
        assert service.ask("GET", f"/jobs/{job}").status == 200
        recorder.hold()
        running = service.order(used, (0, 0.2))
        recorder.began(2)
        until(lambda: service.ask("GET", f"/jobs/{job}").status == 404, patience_s=7)
        until(lambda: len(service.kept()) == 1, patience_s=7)
        service.ask("DELETE", f"/uploads/{unused}").refuses(404)
        assert service.job(running)["status"] == "running", "what runs is kept, and its upload"
        recorder.release()
        until(lambda: service.kept() == set(), patience_s=9)


class TestEnd:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_whatever_clients_and_ffmpegs_do(
        self, start: Callable[..., Service], launcher: Launch, film: Path, number: int
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
        assert service.end(number) < 10
        assert service.process.returncode == 0, service.stderr
        for pid in recorder.pids():
            assert not Path(f"/proc/{pid}").exists()
        assert service.ffmpegs() == []
        assert len(recorder.pids()) == 2, "none of those that waited began"
        for connection in standing:
            assert connection.closed(patience_s=2)

    def test_an_idle_one_ends_at_once(self, start: Callable[..., Service]) -> None:
        service = start()
        with Connection(service.port) as connection:
            connection.head("GET", "/health")
            assert connection.answer().status == 200  # and it is kept alive
            assert service.end() < 3
        assert service.process.returncode == 0

    def test_while_it_ends_new_work_is_refused(
        self, start: Callable[..., Service], slow: Path
    ) -> None:
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

    def test_killed_it_leaves_no_ffmpeg(self, start: Callable[..., Service], slow: Path) -> None:
        service = start(PRESET="veryslow", MAX_CONCURRENT=2)
        service.order(service.upload(slow), (0, 4), (0, 4))
        until(lambda: len(service.ffmpegs()) >= 2)
        service.end(signal.SIGKILL)
        until(lambda: not service.ffmpegs(), patience_s=2)

    def test_an_ffmpeg_lives_as_long_as_it_needs(
        self, start: Callable[..., Service], launcher: Launch, film: Path
    ) -> None:
        """Longer than a pool's idle thread: what must end with the service must not end with that."""
        recorder = launcher(HELD)
        recorder.hold()
        service = start(FFMPEG=recorder.path)
        job = service.order(service.upload(film), (0, 0.2))
        recorder.began(1)
        time.sleep(12)
        recorder.release()
        assert service.ended(job)["status"] == "done"


def test_an_answer_that_nobody_reads_is_not_held_for_ever(
    start: Callable[..., Service], make: Make
) -> None:
    picture = "testsrc2=size=640x360:rate=25:duration=2,noise=alls=90:allf=t"
    options = ("-preset", "ultrafast", "-crf", "1", "-pix_fmt", "yuv420p")
    noise = make("noise.mp4", *options, source=("-f", "lavfi", "-i", picture))
    service = start(STALL_TIMEOUT_S=1, CRF=1)
    job = service.cut(noise, (0, 2))
    size = job["clips"][0]["bytes"]
    assert size > 12_000_000, "more than the kernel takes off the service's hands"
    before = service.descriptors()
    with Connection(service.port) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.head("GET", job["clips"][0]["url"])
        until(lambda: service.descriptors() > before, patience_s=2)
        assert service.ask("GET", "/health").status == 200
        until(lambda: service.descriptors() <= before, patience_s=6)
    whole = service.ask("GET", job["clips"][0]["url"])
    assert len(whole.body) == size, "who reads gets it"


def test_a_slow_reader_gets_it_all(start: Callable[..., Service], film: Path) -> None:
    service = start(STALL_TIMEOUT_S=1)
    job = service.cut(film, (0, 4))
    with Connection(service.port) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.head("GET", job["clips"][0]["url"], connection="close")
        answer = bytearray()
        while data := connection.socket.recv(4_000):
            answer += data
            time.sleep(0.02)
    assert answer.endswith(service.ask("GET", job["clips"][0]["url"]).body)
