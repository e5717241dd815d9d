"""What the environment may say, and what DATA_DIR goes through at start."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from conftest import Start
from driving import argv, catches, environment, until


def refused(changes: dict[str, str]) -> str:
    """The one line on stderr of a service that does not start."""
    ended = subprocess.run(
        argv(), env=environment(changes), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    return ended.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BIND", "no.such.host.invalid"), ("PORT", "65536"), ("PORT", "1_0"), ("PORT", ""),
        ("FFMPEG", "no-such-program"), ("FFMPEG", "/bin/false"), ("MAX_CONCURRENT", "0"),
        ("MAX_CONCURRENT", "²"), ("SEEK", "both"), ("PRESET", "ultra\nfast"), ("CRF", "52"),
        ("CRF", "nan"), ("ENCODER_THREADS", "-1"), ("DECODER_THREADS", "x"), ("ARGV", "Same"),
        ("MAX_UPLOAD_BYTES", "2GiB"), ("MAX_CLIPS", "0"), ("QUEUE_LIMIT", "1e3"),
        ("CLIP_TIMEOUT_S", "0"), ("STALL_TIMEOUT_S", "inf"), ("KEEP_S", "-5"),
        ("UPLOAD_TO", "ram"), ("BIND", "..."), ("BIND", ""), ("FFMPEG", " "), ("SEEK", ""),
        ("CRF", ""), ("DECODER_THREADS", ""), ("MAX_CLIPS", "+5"), ("KEEP_S", " 5"),
        ("PORT", "9" * 30), ("QUEUE_LIMIT", "9" * 30), ("DATA_DIR", ""), ("DATA_DIR", " "),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_one_line_and_exit_2(
    name: str, value: str, tmp_path: Path
) -> None:
    line = refused({"DATA_DIR": str(tmp_path), name: value})
    assert name in line
    assert list(tmp_path.iterdir()) == []


def test_a_data_dir_is_required(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "DATA_DIR" in refused({})
    assert "DATA_DIR" in refused({"DATA_DIR": str(tmp_path / "file")})


def test_an_ffmpeg_that_hangs_is_an_error_of_the_start_and_is_gone(
    tmp_path: Path,
) -> None:
    program = tmp_path / "hangs"
    program.write_text('#!/bin/sh\ntouch "$0.began"\nexec sleep 77.5\n')
    program.chmod(0o755)
    assert "FFMPEG" in refused({"DATA_DIR": str(tmp_path), "FFMPEG": str(program)})
    assert time.time() - Path(f"{program}.began").stat().st_mtime < 10
    assert subprocess.run(["pgrep", "-f", "sleep 77.5"], check=False).returncode == 1


def test_a_port_that_is_taken_is_an_error_of_the_start(start: Start, tmp_path: Path) -> None:
    port = start().port
    assert "PORT" in refused({"DATA_DIR": str(tmp_path / "other"), "PORT": str(port)})


def test_a_second_service_on_the_same_folder_does_not_start(
    start: Start, film: Path, tmp_path: Path
) -> None:
    first = start()
    upload = first.upload(film)
    assert "DATA_DIR" in refused({"DATA_DIR": str(first.folder)})
    assert first.files() == [f"uploads/{upload}"]


def test_a_start_removes_what_was_left_and_nothing_else(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "data"
    outside = tmp_path / "outside"
    for folder in (data / "uploads" / "deep", data / "clips", outside):
        folder.mkdir(parents=True)
    for file in (
        data / "mine.txt", data / "uploads" / "old", data / "uploads" / "deep" / "old",
        data / "clips" / "old.part", outside / "precious",
    ):  # fmt: skip
        file.write_text("x")
    (data / "uploads" / "link").symlink_to(outside)
    (data / "clips" / "link").symlink_to(outside / "precious")
    backend = start()
    assert backend.files() == ["mine.txt"]
    assert list((data / "uploads").iterdir()) == list((data / "clips").iterdir()) == []
    assert (outside / "precious").read_text() == "x"


def test_a_folder_that_is_a_link_is_replaced_not_followed(start: Start, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    data = tmp_path / "data"
    data.mkdir()
    (data / "uploads").symlink_to(outside)
    start()
    assert (outside / "precious").exists()
    assert not (data / "uploads").is_symlink()


@pytest.mark.parametrize("reader", ["gone", "asleep"])
def test_a_log_that_nobody_reads_stops_nothing(reader: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        argv(), env=environment({"DATA_DIR": str(tmp_path)}), stdout=subprocess.PIPE
    )
    assert process.stdout
    port = json.loads(process.stdout.readline())["port"]
    if reader == "gone":
        process.stdout.close()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        for _ in range(1500):  # over 64 kB of log
            assert client.get("/nothing").status_code == 404
    process.terminate()
    assert process.wait(10) == 0
    if reader == "asleep":
        for line in process.stdout.read().splitlines():
            assert json.loads(line)["event"] in ("refused", "stopping", "stopped")


def test_it_listens_on_ipv6_too(start: Start) -> None:
    backend = start(BIND="::1")
    backend.http.base_url = f"http://[::1]:{backend.port}"
    assert backend.http.get("/health").json()["backend"] == "python"


def test_a_signal_during_the_start_is_exit_0(tmp_path: Path, program: Callable[[str], str]) -> None:
    hanging = tmp_path / "hangs"
    hanging.write_text("#!/bin/sh\nexec sleep 78.5\n")
    hanging.chmod(0o755)
    for wait_s in (0, 0.1, 0.3, 1.5):
        process = subprocess.Popen(
            argv(), env=environment({"DATA_DIR": str(tmp_path), "FFMPEG": str(hanging)})
        )
        # Before Python reads its first line nobody can take the signal.
        until(lambda pid=process.pid: catches(pid, signal.SIGTERM))
        time.sleep(wait_s)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert subprocess.run(["pgrep", "-f", "sleep 78.5"], check=False).returncode == 1
