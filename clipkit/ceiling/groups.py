"""Control groups of ours: their names, and how they are made, emptied and removed."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from clipkit.errors import CeilingError

_NAME = re.compile(r"clipkit-(\d+)-(\d+)-(\d+)_[0-9a-f]+(?:\.scope)?")
PRIVILEGE_REMEDY = "run clipkit as root (sudo clipkit …), in a container: docker run --privileged …"
_SHELL = "/bin/sh"
_WORD = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_PATIENCE_S = 10.0  # a process in the middle of a write to a slow disk takes its time to die


def new_name() -> str:
    """`clipkit-<pid>-<its start time>-<its PID namespace>_<random>`: who owns a group, for sure.

    The start time tells the owner from a later process with its number, the namespace from a
    process of that number in another container.
    """
    pid = os.getpid()
    return f"clipkit-{pid}-{start_ticks(pid)}-{_pid_namespace()}_{os.urandom(4).hex()}"


def is_stale(name: str) -> bool:
    """Is this a name of ours whose owner is dead? False for those that we cannot judge."""
    match = _NAME.fullmatch(name)
    if not match or int(match[3]) != _pid_namespace():
        return False
    return start_ticks(int(match[1])) != int(match[2])


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return int(stat.rpartition(b")")[2].split()[19])


def _pid_namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def enter_argv(
    procs: Sequence[Path], argv: Sequence[str], mark: str | None = None, stay: bool = False
) -> list[str]:
    """The argv that writes its own PID into each of `procs`, then becomes `argv`: see `enter.py`."""
    script = str(Path(__file__).with_name("enter.py"))
    options = [*(["--mark", mark] if mark else []), *(["--stay"] if stay else [])]
    return [sys.executable, "-I", "-S", script, *options, *map(str, procs), "--", *argv]


def quick_enter_argv(procs: Sequence[Path], argv: Sequence[str]) -> list[str]:
    """As `enter_argv`, by a shell, which starts ten times as fast as a Python: for what is started often and
    waited for. Where it cannot enter, `enter_argv` tries, and says why not.

    A shell passes variables on whose names are words alone: with others there `enter_argv` it is.
    """
    entering = enter_argv(procs, [])
    if not os.access(_SHELL, os.X_OK) or not all(map(_WORD.fullmatch, os.environ)):
        return [*entering, *argv]
    writes = " && ".join(f"echo $$ > {shlex.quote(str(file))}" for file in procs)
    script = f'{{ {writes}; }} 2>/dev/null && exec "$@"; exec {shlex.join(entering)} "$@"'
    return [_SHELL, "-c", script, "clipkit", *argv]


def write_group_file(file: Path, value: object) -> None:
    """Write one value to one of the kernel's files. Raises CeilingError, naming both."""
    try:
        file.write_text(str(value), "ascii")
    except OSError as error:
        raise CeilingError(
            f"the kernel refused {value} for {file.name}: {error.strerror} ({file.parent})"
        ) from None


def make_inside(folder: Path) -> None:
    """A group inside one of ours. Raises CeilingError."""
    try:
        folder.mkdir()
    except OSError as error:
        raise CeilingError(f"the kernel refused the group {folder}: {error.strerror}") from None


def pids_in(folder: Path) -> list[int]:
    """The processes of a group; empty when it is gone. (0 stands for those of other namespaces.)"""
    try:
        words = (folder / "cgroup.procs").read_text("ascii").split()
    except OSError:
        return []
    return [pid for word in words if (pid := int(word)) > 0]


def kill_all(folder: Path) -> None:
    """Kill every process of a group and wait until it is empty. Raises CeilingError if it stays so.

    The processes may fork while we kill them: forking is forbidden meanwhile where the kernel can,
    and the rest is repetition.
    """
    give_up = time.monotonic() + _PATIENCE_S
    with _no_forking(folder):
        while pids := pids_in(folder):
            if time.monotonic() > give_up:
                raise CeilingError(f"processes {pids} in {folder} do not die; see `ps -l` for them")
            try:
                (folder / "cgroup.kill").write_text("1", "ascii")  # v2, Linux 5.14
            except OSError:
                kill_each(pids)
            time.sleep(0.002)


def kill_each(pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def _no_forking(folder: Path) -> Iterator[None]:
    file = folder / "pids.max"
    try:
        before = file.read_text("ascii")
        file.write_text("0", "ascii")
    except OSError:
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            file.write_text(before, "ascii")


def remove(folder: Path) -> None:
    """Remove an empty group. Raises CeilingError if the kernel keeps it.

    The kernel calls a group busy for a moment after its last process has gone.
    """
    give_up = time.monotonic() + _PATIENCE_S
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > give_up:
                raise CeilingError(f"cannot remove {folder}: {error.strerror}") from None
            time.sleep(0.005)
        else:
            return
