"""What stands between a worker and the process that measures: real processes, no cluster."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clipkit.cluster import guard, there

LINES_FOR_5_S = "import time\nfor n in range(25): print(n, flush=True); time.sleep(0.2)"
STAYS = "import os, time\nprint(os.getpid(), flush=True); time.sleep(600)"
MORE_THAN_A_PIPE_HOLDS = (
    "import os, time\nprint(os.getpid()); print('x' * 300_000); time.sleep(600)"
)


@contextmanager
def guarded(folder: Path, program: str, silence_s: float) -> Iterator[subprocess.Popen[bytes]]:
    own = folder / "clipkit-block-own"
    own.mkdir()
    (own / "film").write_bytes(b"film")
    argv = [sys.executable, "-I", guard.__file__, str(own / "held"), str(folder / "lock")]
    argv += [str(silence_s), "2", "--", sys.executable, "-I", "-c", program]
    pipe = subprocess.PIPE
    process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def relayed(process: Any, is_wanted: Callable[[], bool]) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    there._relay(process, lambda **told: said.append(told), is_wanted)
    return said


def is_there(pid: int) -> bool:
    """A zombie that nobody has taken yet is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(pid: int, most_s: float = 20) -> bool:
    until_s = time.monotonic() + most_s
    while is_there(pid) and time.monotonic() < until_s:
        time.sleep(0.05)
    return not is_there(pid)


def test_a_block_that_tells_lines_all_the_time_is_kept_alive(tmp_path: Path) -> None:
    with guarded(tmp_path, LINES_FOR_5_S, silence_s=2) as process:
        said = relayed(process, lambda: True)
        assert process.returncode == 0
    assert [told["line"] for told in said if "line" in told] == [f"{n}\n" for n in range(25)]
    assert {"alive": True} in said


def test_a_block_that_tells_lines_all_the_time_ends_where_nobody_waits(tmp_path: Path) -> None:
    until_s = time.monotonic() + 2
    with guarded(tmp_path, LINES_FOR_5_S, silence_s=60) as process:
        said = relayed(process, lambda: time.monotonic() < until_s)
        assert process.returncode == guard.FORSAKEN
    assert len(said) < 25


def test_where_nobody_takes_what_it_tells_a_block_ends_all_the_same(tmp_path: Path) -> None:
    with guarded(tmp_path, MORE_THAN_A_PIPE_HOLDS, silence_s=2) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        assert process.wait(timeout=30) == guard.FORSAKEN
        assert not is_there(pid)


def test_a_guard_that_is_killed_takes_its_block_along(tmp_path: Path) -> None:
    with guarded(tmp_path, STAYS, silence_s=60) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        assert ends(pid)


def test_where_its_worker_was_killed_a_block_s_folder_goes_with_its_guard(tmp_path: Path) -> None:
    with guarded(tmp_path, STAYS, silence_s=60) as process:
        assert process.stdin and process.stdout
        process.stdout.readline()
        assert (tmp_path / "clipkit-block-own" / "film").exists()
        process.stdin.close()
        assert process.wait(timeout=30) == guard.FORSAKEN
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_guard_removes_what_blocks_left_that_were_killed_with_their_guards(
    tmp_path: Path,
) -> None:
    """But nothing of one that is alive, which may wait for the machine, and nothing that is no block's."""
    kept = {"clipkit-block-alive", "clipkit-block-without", "else", "clipkit-block-link", "lock"}
    for name in ("clipkit-block-left", "clipkit-block-alive", "clipkit-block-without", "else"):
        (tmp_path / name / "block").mkdir(parents=True)
        (tmp_path / name / "block" / "film").write_bytes(b"film")
        if name != "clipkit-block-without":
            (tmp_path / name / "held").touch()
    (tmp_path / "clipkit-block-link").symlink_to(tmp_path / "else")
    with (tmp_path / "clipkit-block-alive" / "held").open("r+") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        with guarded(tmp_path, "pass", silence_s=60) as process:
            assert process.wait(timeout=30) == 0
    assert {path.name for path in tmp_path.iterdir()} == kept
    for name in kept - {"lock"}:
        assert (tmp_path / name / "block" / "film").exists()


def test_a_block_s_folder_is_held_while_it_is_used_and_gone_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with there._own_folder() as (folder, held):
        assert os.fstat(held).st_ino == (folder / "held").stat().st_ino
        (folder / "film").write_bytes(b"film")
        guard._sweep_beside(tmp_path / "clipkit-block-other" / "held")
        assert (folder / "film").exists()
    assert not list(tmp_path.iterdir())


def test_jobs_with_a_tmpdir_of_their_own_share_the_machine_s_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = there._lock()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("os.getuid", lambda: 12345)
    assert there._lock() == before


def test_the_lock_is_every_user_s_and_no_link_is_followed(tmp_path: Path) -> None:
    path, link = tmp_path / "lock", tmp_path / "link"
    earlier = os.umask(0o077)
    try:
        first = guard._hold(str(path), 0)
    finally:
        os.umask(earlier)
    assert first is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    assert guard._hold(str(path), 0) is None
    os.close(first)
    again = guard._hold(str(path), 0)
    assert again is not None
    os.close(again)
    link.symlink_to(path)
    with pytest.raises(OSError, match="symbolic"):
        guard._hold(str(link), 0)
