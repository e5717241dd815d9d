"""How much memory a job can really hold on a host beside the reserve: measured in its ceiling, not read off
the label."""

from __future__ import annotations

import mmap
import os
import select
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from clipkit.ceiling.around import RoomAround
from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.format import KIB, MIB
from clipkit.hosts import Host
from clipkit.trial.inside import reserved

_OWN_GROUP = (Mechanism.CGROUP1, Mechanism.CGROUP2, Mechanism.SYSTEMD)
"""Where the kernel's victim is a process of ours. Elsewhere it may be the user's service, or nobody holds the
job at all: it is not tried there."""
_STEP_BYTES, _STEPS = 256 * KIB, 1024
_LEFT_AROUND_BYTES = 64 * MIB
"""What is left of the memory around for whoever else lives there."""
_PATIENCE_S = 10.0


def usable_memory_bytes(
    host: Host, reserve_bytes: int, open_ceiling: Callable[[Limits], Ceiling]
) -> int | None:
    """Anonymous memory that one process could hold beside the reserve, at most what the label leaves; None
    where that is not known: no limit, or none of the kernel's with a group of our own.

    A process touches memory in a ceiling of this host (without swap and without its quota, which would only make
    it slow) until the kernel kills it. Error: a step (256 KB, or a thousandth of the memory), and what the
    kernel itself keeps for that process, some 0.3 % for page tables. Where a group around, or the machine, runs
    low before the ceiling does, it stops and counts what is still left there.

    Raises CeilingError where no ceiling stands or the reserve does not fit.
    """
    if host.memory_bytes is None:
        return None
    with open_ceiling(replace(Limits.of(host), swap_bytes=0, cpus=None)) as ceiling:
        if ceiling.mechanism not in _OWN_GROUP:
            return None
        with reserved(ceiling, reserve_bytes):
            return _held_bytes(ceiling, host.memory_bytes - reserve_bytes)


def _held_bytes(ceiling: Ceiling, room_bytes: int) -> int | None:
    step = max(_STEP_BYTES, room_bytes // _STEPS // mmap.PAGESIZE * mmap.PAGESIZE)
    script = str(Path(__file__).with_name("touch.py"))
    kills, around = ceiling.usage().oom_kills, RoomAround()
    process = subprocess.Popen(
        ceiling.wrap([sys.executable, "-I", "-S", script, str(step)]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        ceiling.adopt(process.pid)
        held = _told(process)
        last = held
        while held is not None and held < room_bytes:
            left = around.free_bytes()
            if left is not None and left < _LEFT_AROUND_BYTES + step:
                return min(room_bytes, held + left)
            last, held = held, _next(process)
        if held is not None:
            return room_bytes
    finally:
        around.close()
        process.kill()
        process.communicate()
    return last if ceiling.usage().oom_kills > kills else None


def _next(process: subprocess.Popen[bytes]) -> int | None:
    """What it holds after one step more; None: it was killed, or does not answer."""
    if process.stdin is None:
        return None
    try:
        os.write(process.stdin.fileno(), b"\n")
    except BrokenPipeError:
        return None
    return _told(process)


def _told(process: subprocess.Popen[bytes]) -> int | None:
    if process.stdout is None or not select.select([process.stdout], [], [], _PATIENCE_S)[0]:
        return None
    word = process.stdout.readline().strip()
    return int(word) if word.isdigit() else None
