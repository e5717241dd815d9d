"""Who uses a folder, told by a lock on it and not by a process' number.

A lock ends with the process that holds it, however that ended, and is seen by whoever shares the disk:
in another container our processes' numbers are nobody's, or somebody else's.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# What disks answer that know no locks, or none on a folder (NFS).
_KNOWS_NO_LOCKS = (errno.ENOLCK, errno.EBADF, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


@dataclass(frozen=True, slots=True)
class Hold:
    """A folder that is open. `alone`: nobody else has it; False where the disk knows no locks, so that
    nobody is kept out and nothing is known of others."""

    descriptor: int
    alone: bool


@contextlib.contextmanager
def holding(folder: Path) -> Iterator[Hold]:
    """For as long as the block lasts.

    Raises BlockingIOError where another has it, OSError where there is no such folder.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Hold(descriptor, _lock(descriptor))
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _KNOWS_NO_LOCKS:
            return False
        raise
    return True


def is_left(folder: Path) -> bool:
    """Whether it is a folder that nobody holds any more. False also where that cannot be known."""
    try:
        with holding(folder) as hold:
            return hold.alone and not folder.is_symlink()
    except OSError:
        return False
