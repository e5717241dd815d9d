"""One process at a time writes a campaign's folder, whichever of the machines that share its disk it is on.

By two locks, since either alone is none somewhere: that of a folder NFS keeps from its other clients (only its files
have a lock operation, fs/nfs/dir.c and file.c), and a disk that knows none of files (Lustre without `-o flock`) has those
of folders all the same. Both end with their process, however it ends.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_LOCK = ".writing"
"""The file that is locked. It is there while somebody writes, and after a kill until somebody does again."""

_NOT_WRITABLE = (errno.EROFS, errno.EACCES)
_KNOWS_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextlib.contextmanager
def writing_alone(folder: Path) -> Iterator[None]:
    """For as long as the block lasts. Raises BlockingIOError where another process writes."""
    with _opened_folder(folder) as place:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # NFS gives a lock that excludes others only to who may write.
        with _opened_to_write(place) as file:
            if file is None:
                yield
                return
            _lock(file, fcntl.LOCK_EX)
            if not _is_there(file, place):  # another machine's writer has just ended
                raise BlockingIOError
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    os.unlink(_LOCK, dir_fd=place)


def is_being_written(folder: Path) -> bool:
    """Whether a process writes into it now."""
    try:
        with _opened_folder(folder) as place:
            fcntl.flock(place, fcntl.LOCK_SH | fcntl.LOCK_NB)
            with contextlib.suppress(FileNotFoundError), _opened_lock(place, os.O_RDONLY) as file:
                _lock(file, fcntl.LOCK_SH)
    except BlockingIOError:
        return True
    return False


@contextlib.contextmanager
def _opened_folder(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _opened_lock(place: int, flags: int) -> Iterator[int]:
    """Following no link: the folder may be a stranger's."""
    descriptor = os.open(_LOCK, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666, dir_fd=place)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _opened_to_write(place: int) -> Iterator[int | None]:
    """None where nobody writes: a finished campaign needs nobody to."""
    with contextlib.ExitStack() as stack:
        file = None
        try:
            file = stack.enter_context(_opened_lock(place, os.O_RDWR | os.O_CREAT))
        except OSError as error:
            if error.errno not in _NOT_WRITABLE:
                raise
        yield file


def _lock(descriptor: int, kind: int) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _KNOWS_NO_LOCKS:
            raise


def _is_there(descriptor: int, place: int) -> bool:
    """Whether the file still bears its name."""
    try:
        named = os.stat(_LOCK, dir_fd=place, follow_symlinks=False)
        return os.path.samestat(named, os.fstat(descriptor))
    except OSError:
        return False
