"""What a process may open, where the kernel can hold it to that (Landlock, Linux 5.13): ours open uploads of
strangers, and a decoder that such a file has taken over then finds nothing else.

Stdlib only: the engine uses it inside the host. The kernel's document: userspace-api/landlock.rst.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_Made = TypeVar("_Made")

# The same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH, _SET_NO_NEW_PRIVS = 1, 1, 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << n for n in range(6))
_MAKE_DIR, _MAKE_REG, _REFER, _TRUNCATE = 1 << 7, 1 << 8, 1 << 13, 1 << 14
# How many rights of files there are, by the version of what the kernel offers, and from which on it
# knows two of the network: to bind to a TCP port, and to connect to one.
_RIGHTS = (13, 14, 15, 15, 16)
_SINCE_NETWORK, _NETWORK = 4, 0b11

_READING = _READ_FILE | _READ_DIR
_WRITING = _WRITE_FILE | _TRUNCATE | _MAKE_REG | _MAKE_DIR | _REMOVE_FILE | _REMOVE_DIR | _REFER
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
"""The others are of folders."""

# What a programme needs to start at all, and what the kernel tells of itself.
_SYSTEM = ("/usr", "/lib*", "/etc/ld.so*", "/proc", "/sys", "/dev/null", "/dev/urandom")


class _Ruleset(ctypes.Structure):
    _fields_ = (("of_files", ctypes.c_uint64), ("of_network", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


@dataclass(frozen=True, slots=True)
class Confinement:
    """Paths, with all that is below them: may be read and started, and may be written too."""

    reads: Sequence[str]
    writes: Sequence[str] = ()

    def start(self, start: Callable[[], _Made]) -> tuple[_Made, bool]:
        """What `start` returns, called where every process that it starts is held to this; and whether it
        was: not so where the kernel cannot. What it raises is raised.

        In a thread of its own, since the kernel holds a thread and its children: we go on as before, and
        no process stands between, which would cost each clip the start of a Python.
        """
        made: list[_Made] = []
        raised: list[BaseException] = []
        confined: list[bool] = []

        def run() -> None:
            try:
                confined.append(self._hold_this_thread([*self._system(), *self._own()]))
                made.append(start())
            except BaseException as error:  # noqa: BLE001 (it is raised where it is waited for)
                raised.append(error)

        thread = threading.Thread(target=run, name="confined")
        try:
            thread.start()
        except RuntimeError:  # pthread_create(3) knows but one reason: it may do a moment later
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
        thread.join()
        if raised:
            raise raised[0]
        return made[0], confined[0]

    def hold_us(self) -> bool:
        """This process itself, for good, and without what a programme needs to start: it starts none. False where the
        kernel cannot. Where it has several threads, this one alone."""
        return self._hold_this_thread(self._own())

    def _hold_this_thread(self, rules: Iterable[tuple[str, int]]) -> bool:
        """For good. False where the kernel cannot."""
        version = kernel_version()
        if version < 1:
            return False
        rights = (1 << _RIGHTS[min(version, len(_RIGHTS)) - 1]) - 1
        asked = _Ruleset(rights, _NETWORK if version >= _SINCE_NETWORK else 0)
        size = ctypes.sizeof(asked) if version >= _SINCE_NETWORK else 8
        ruleset = _syscall(_CREATE_RULESET, ctypes.byref(asked), ctypes.c_size_t(size), 0)
        if ruleset < 0:
            return False
        try:
            for path, allowed in rules:
                _allow(ruleset, path, allowed & rights)
            if _libc().prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
                return False
            return _syscall(_RESTRICT_SELF, ruleset, 0) == 0
        finally:
            os.close(ruleset)

    def _system(self) -> Iterator[tuple[str, int]]:
        for pattern in _SYSTEM:
            for found in Path("/").glob(pattern[1:]):
                yield str(found), _READING | _EXECUTE
        yield os.devnull, _READ_FILE | _WRITE_FILE

    def _own(self) -> Iterator[tuple[str, int]]:
        for path in self.reads:
            yield path, _READING | _EXECUTE
        for path in self.writes:
            yield path, _READING | _WRITING


def kernel_version() -> int:
    """Of what this kernel offers here; 0: nothing."""
    return max(0, _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG))


def _allow(ruleset: int, path: str, allowed: int) -> None:
    """What is not there needs no rule: whoever opens it is told."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112
                allowed &= _OF_FILES
            rule = _PathBeneath(allowed, descriptor)
            _syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
        finally:
            os.close(descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: object) -> int:
    return int(_libc().syscall(ctypes.c_long(number), *arguments))
