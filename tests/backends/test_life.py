"""The life of a service: its log, its folder, what it keeps and for how long."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from launchers import HELD, Launcher
from raw_http import FORM, form, part, request
from running import until
from running_service import START_S, Service, inherited

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
        own = {"PORT": "0", "DATA_DIR": str(tmp_path), "FFMPEG": ffmpeg}
        process = subprocess.Popen(
            argv, env={**inherited(), **own}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            listening = json.loads(process.stdout.readline())
            port = listening["port"]
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
            timeout=START_S,
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
        service = start(KEEP_S=2, FFMPEG=recorder.path, MAX_CONCURRENT=2)
        job = service.cut(film, (0, 0.2))
        recorder.hold()
        unused = service.upload(film)
        running = service.order(service.upload(film), (0, 0.2))
        recorder.began(2)
        until(lambda: service.ask("GET", f"/jobs/{job['id']}").status == 404, patience_s=10)
        # Seen now, however long ago it went: not before its time.
        assert time.time() - job["clips"][0]["ended_s"] >= 2
        until(lambda: len(service.kept()) == 1, patience_s=10)
        service.ask("DELETE", f"/uploads/{unused}").refuses(404)
        assert service.job(running)["status"] == "running", "what runs is kept, and its upload"
        recorder.release()
        until(lambda: service.kept() == set(), patience_s=12)


def test_an_ffmpeg_lives_as_long_as_it_needs(
    start: Callable[..., Service], launcher: Launch, film: Path
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
