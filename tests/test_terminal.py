"""A line of progress, on a real terminal and into a real pipe that nobody reads any more."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w
from running import COMMAND

from clipkit.terminal import CutProgress, Line


def test_a_line_that_was_redrawn_is_gone_when_it_is_cleared():
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        line = Line(stream)
        line.update("1 of 2")
        assert b"1 of 2" in os.read(ours, 100)
        line.clear()
        assert os.read(ours, 100) == b"\r\x1b[2K"  # before anything is printed by others
    os.close(ours)


@pytest.mark.parametrize(("frames", "left"), [(50, b"0:10"), (100, b"0:00"), (150, b"0:00")])
def test_a_cut_never_takes_less_than_no_time(frames: int, left: bytes):
    """Also where a copy has written more frames than its clip will show."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        progress = CutProgress(1, 100, Line(stream), time.monotonic() - 10)
        progress({"event": "progress", "number": 1, "frames": frames})
        assert os.read(ours, 100).endswith(b"0 of 1 clips, " + left + b" left")
    os.close(ours)


def test_the_work_goes_on_where_nobody_reads_any_more():
    code = (
        "import sys\n"
        "from clipkit.terminal import Line\n"
        "sys.stdin.read()\n"
        "line = Line()\n"
        "line.final('1 of 2')\n"
        "line.final('2 of 2')\n"
        "print('and what others say', file=sys.stderr)\n"
    )
    argv = [sys.executable, "-P", "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(argv, **pipes) as process:
        assert process.stderr is not None
        process.stderr.close()
        process.communicate()
        assert process.returncode == 0


def test_an_interrupted_sweep_leaves_no_line_open_for_what_is_printed_next(
    tmp_path: Path, small: Path
):
    experiment = {
        "job": {"uploads": str(small), "clips": 4, "length_s": 2},
        "settings": {"preset": "veryslow"},
        "run": {"blocks": 100},
    }
    (tmp_path / "long.toml").write_text(tomli_w.dumps(experiment), "utf-8")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "sweep", "long.toml"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs
    ) as process:
        os.close(theirs)
        drawn = b""
        for chunk in _chunks(ours):
            if b"block 1" in chunk and b"block 1" not in drawn:
                process.send_signal(signal.SIGINT)
            drawn += chunk
    os.close(ours)
    assert process.returncode == 130, drawn
    before, complaint, _ = drawn.rpartition(b"clipkit: ")
    assert complaint
    assert before.endswith((b"\n", b"\r\x1b[2K")), drawn


def _chunks(terminal: int) -> Iterator[bytes]:
    """What is written there until nobody has it open any more."""
    with contextlib.suppress(OSError):
        while chunk := os.read(terminal, 4096):
            yield chunk
