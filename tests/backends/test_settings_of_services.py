"""The environment: what is read at the start, and what makes no sense."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Subject
from running_service import START_S, Service, inherited

WRONG = [
    *(("PORT", value) for value in ("65536", "3e3")),
    *(("MAX_CONCURRENT", value) for value in ("0", "1.5", "1_0")),
    *(("SEEK", value) for value in ("both",)),
    *(("PRESET", value) for value in ("fastest",)),
    *(("CRF", value) for value in ("-1", "52")),
    *(("ENCODER_THREADS", value) for value in ("-1", "x")),
    *(("DECODER_THREADS", value) for value in ("1.5",)),
    *(("MAX_UPLOAD_BYTES", value) for value in ("0", "2GB")),
    *(("MAX_CLIPS", value) for value in ("0",)),
    *(("QUEUE_LIMIT", value) for value in ("-1",)),
    *(("CLIP_TIMEOUT_S", value) for value in ("0", "nan")),
    *(("STALL_TIMEOUT_S", value) for value in ("Infinity",)),
    *(("KEEP_S", value) for value in ("-1",)),
    *(("ARGV", value) for value in ("mine",)),
    *(("UPLOAD_TO", value) for value in ("cloud",)),
]

Ended = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ended(subject: Subject, argv: tuple[str, ...], ffmpeg: str, tmp_path: Path) -> Ended:
    """`ended(CRF="x")`: the exit code, stdout and stderr of a service that does not start."""

    def run(**environment: str | None) -> tuple[int, str, str]:
        data = tmp_path / f"data-{'-'.join(map(str, environment.values())).replace('/', '_')}"
        data.mkdir(exist_ok=True)
        own = {"PORT": "0", "DATA_DIR": str(data), "FFMPEG": ffmpeg, **environment}
        given = {name: value for name, value in own.items() if value is not None}
        process = subprocess.Popen(
            argv,
            env={**inherited(), **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            out, err = process.communicate(timeout=5 + START_S)
        except subprocess.TimeoutExpired:
            process.terminate()
            out, err = process.communicate(timeout=5 + START_S)
            return 0, out, "it runs"
        return process.returncode, out, err

    return run


def test_a_value_that_makes_no_sense_is_told_in_one_line(ended: Ended) -> None:
    def fault(case: tuple[str, str]) -> str | None:
        name, value = case
        code, out, err = ended(**{name: value})
        if code == 2 and name in err and len(err.strip().splitlines()) == 1:
            return None
        return f"{name}={value}: exit {code}, stdout {out!r}, stderr {err!r}"

    with ThreadPoolExecutor(3) as pool:
        assert list(filter(None, pool.map(fault, WRONG))) == []


def test_only_node_has_two_wrappers(ended: Ended, subject: Subject) -> None:
    if subject.backend.name == "node":
        code, _, err = ended(FFMPEG_WRAPPER="avconv")
        assert (code, "FFMPEG_WRAPPER" in err) == (2, True)


def test_its_folder_must_be_named(ended: Ended, tmp_path: Path) -> None:
    code, _, err = ended(DATA_DIR=None)
    assert (code, "DATA_DIR" in err, len(err.strip().splitlines())) == (2, True, 1), err
    (tmp_path / "file").write_text("", "utf-8")
    code, _, err = ended(DATA_DIR=str(tmp_path / "file"))
    assert code in (1, 2)
    assert "DATA_DIR" in err
    assert len(err.strip().splitlines()) == 1, err


def test_an_ffmpeg_that_is_none_is_told_at_once(ended: Ended, tmp_path: Path) -> None:
    hanging = tmp_path / "hanging"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n", "utf-8")
    hanging.chmod(0o755)

    def fault(program: str) -> str | None:
        started_s = time.monotonic()
        code, _, err = ended(FFMPEG=program)
        told = code in (1, 2) and "FFMPEG" in err and len(err.strip().splitlines()) == 1
        if told and time.monotonic() - started_s < 5 + START_S:
            return None
        return f"{program}: exit {code}, stderr {err!r}, {time.monotonic() - started_s:.1f} s"

    programs = ["/no/such/ffmpeg", "false", str(hanging), "", str(tmp_path)]
    with ThreadPoolExecutor(5) as pool:
        assert list(filter(None, pool.map(fault, programs))) == []


def test_a_port_that_is_taken(ended: Ended) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, out, err = ended(PORT=str(taken.getsockname()[1]))
    assert code in (1, 2)
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) <= 1, err
    assert "listening" not in out


def test_it_listens_where_it_is_told(start: Callable[..., Service], tmp_path: Path) -> None:
    service = start()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", service.port), 2)
    other = start(data=tmp_path / "other", BIND="127.0.0.2")
    socket.create_connection(("127.0.0.2", other.port), 2).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", other.port), 2)


def test_a_port_of_ones_own(start: Callable[..., Service]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert start(PORT=port).port == port


def test_an_ffmpeg_by_its_name_is_found_on_the_path(
    start: Callable[..., Service], ffmpeg: str, tmp_path: Path, film: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "my-ffmpeg").symlink_to(ffmpeg)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    service = start(FFMPEG="my-ffmpeg", PATH=path)
    assert service.cut(film, (0, 0.2))["status"] == "done"
