"""Sweeping up after a clipkit that was killed: its groups, and the processes left in them."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from clipkit.ceiling import groups
from clipkit.ceiling.hierarchies import hierarchies
from clipkit.ceiling.process_tree import mark_of, read_process, send
from clipkit.errors import CeilingError


def remove_stale() -> list[str]:
    """Kill and remove what belongs to clipkits that are dead; what that was, in words.

    Called at each start. Other users' groups are left to them.
    """
    return [*_groups(), *_processes()]


def _groups() -> list[str]:
    removed = []
    for hierarchy in hierarchies():
        for parent, names, _ in os.walk(hierarchy.top):
            for name in filter(groups.is_stale, names):
                folder = Path(parent, name)
                with contextlib.suppress(CeilingError, PermissionError):
                    for inner, _, _ in os.walk(folder, topdown=False):  # its parts, then itself
                        groups.kill_all(Path(inner))
                        groups.remove(Path(inner))
                    removed.append(str(folder))
    return removed


def _processes() -> list[str]:
    """Jobs that ran without a group of their own: the mark in their environment tells whose."""
    killed = []
    for name in os.listdir("/proc"):  # noqa: PTH208
        mark = mark_of(int(name)) if name.isdigit() else None
        if mark and groups.is_stale(mark):
            process = read_process(int(name))
            if process and not process.zombie:
                send(process, signal.SIGKILL)
                killed.append(f"process {name}")
    return killed
