"""Files of a folder that may be a stranger's: what is in it is data, and no link in it is followed.

The folder itself is the user's word, and may be named through a link. Below it every part of a name is
opened from the folder before it, and a link, a pipe or a device is refused, for reading and for writing: a
campaign that came by mail must neither show what it links to nor have it overwritten. Every error is an
OSError whose `strerror` says in words what is wrong, so that one line can tell it. Stdlib only.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from clipkit import format as fmt

_PART = (".clipkit-", ".part")
"""How the name of a file begins and ends that is still being written."""

_NO_FSYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)
"""What file systems say that cannot be told to keep a folder."""


def open_file(root: Path, name: str) -> BinaryIO:
    """For reading; `name` is relative to `root`, such as `logs/RUN/clip-001.log`."""
    *folders, last = _parts(root, name)
    with _folder(root, folders) as folder:
        return os.fdopen(_opened(folder, last, os.O_RDONLY, root / name), "rb")


def read_file(root: Path, name: str, most_bytes: int) -> bytes:
    """All of it. Raises OSError also for one that is larger."""
    with open_file(root, name) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        why = f"it is larger than {fmt.size(most_bytes)}, more than any clipkit writes there"
        raise OSError(errno.EFBIG, why, str(root / name))
    return content


def read_end(root: Path, name: str, most_bytes: int) -> bytes:
    """At most its last bytes."""
    with open_file(root, name) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - most_bytes))
        return file.read(most_bytes)


def has_file(root: Path, name: str) -> bool:
    """Whether a regular file is there, reached through no link."""
    try:
        *folders, last = _parts(root, name)
        with _folder(root, folders) as folder:
            found = os.stat(last, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode)


def has_entry(root: Path, name: str) -> bool:
    """Whether anything bears that name, a link included: what only looks whether there is something to read
    asks this, so that the reader can say what is wrong with it."""
    *folders, last = _parts(root, name)
    try:
        with _folder(root, folders) as folder:
            os.stat(last, dir_fd=folder, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # a link on the way
        return True
    return True


def files_in(root: Path, name: str = "") -> list[str]:
    """The names of the regular files in that folder, sorted; none where it is no folder of its own."""
    return _entries(root, name, lambda each: each.is_file(follow_symlinks=False))


def folders_in(root: Path, name: str = "") -> list[str]:
    """The same of the folders in it, without links to such."""
    return _entries(root, name, lambda each: each.is_dir(follow_symlinks=False))


def _entries(root: Path, name: str, wanted: Callable[[os.DirEntry[str]], bool]) -> list[str]:
    try:
        with (
            _folder(root, _parts(root, name) if name else ()) as folder,
            os.scandir(folder) as found,
        ):
            return sorted(each.name for each in found if wanted(each))
    except OSError:
        return []


def write_file(root: Path, name: str, content: bytes, *, lasting: bool = True) -> Path:
    """Write it in one act, complete or not at all, and make the folders on the way. A link of that name is
    replaced, not followed.

    On the disk when this returns, unless it is not to be `lasting`: asking for that makes the disk work,
    which a measurement would notice.
    """
    *folders, last = _parts(root, name)
    with _folder(root, folders, make=True) as folder:
        part = f"{_PART[0]}{secrets.token_hex(8)}{_PART[1]}"
        try:
            made = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder)
            with os.fdopen(made, "wb") as file:
                fcntl.flock(
                    file, fcntl.LOCK_EX | fcntl.LOCK_NB
                )  # whoever tidies up sees it is in use
                file.write(content)
                file.flush()
                if lasting:
                    os.fsync(made)
                os.rename(part, last, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.unlink(part, dir_fd=folder)
            if isinstance(error, OSError):
                raise OSError(error.errno, error.strerror, str(root / name)) from None
            raise
        if lasting:
            _keep(folder)
    return root / name


@contextlib.contextmanager
def appending(root: Path, name: str) -> Iterator[BinaryIO]:
    """Its end, to be written at; made where it is not there. On the disk when this returns."""
    *folders, last = _parts(root, name)
    with _folder(root, folders, make=True) as folder:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        with os.fdopen(_opened(folder, last, flags, root / name), "a+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _keep(folder)


def make_folder(root: Path, name: str) -> None:
    """And those on the way to it."""
    with _folder(root, _parts(root, name), make=True):
        return


def remove_file(root: Path, name: str) -> None:
    """A link is removed, and not what it leads to; what is not there is no error."""
    *folders, last = _parts(root, name)
    with contextlib.suppress(FileNotFoundError), _folder(root, folders) as folder:
        os.unlink(last, dir_fd=folder)


def remove_unfinished(root: Path, name: str = "") -> None:
    """What a process that was killed while it wrote has left in that folder: nobody holds it any more."""
    for each in files_in(root, name):
        if each.startswith(_PART[0]) and each.endswith(_PART[1]):
            path = f"{name}/{each}" if name else each
            with contextlib.suppress(OSError), open_file(root, path) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_file(root, path)


def check_writable(root: Path, name: str = "") -> None:
    """Raises OSError where nothing can be written into that folder, which is made if it is not there."""
    probe = f"{_PART[0]}{secrets.token_hex(8)}{_PART[1]}"
    path = f"{name}/{probe}" if name else probe
    write_file(root, path, b"", lasting=False)
    remove_file(root, path)


@contextlib.contextmanager
def _folder(root: Path, parts: Sequence[str], make: bool = False) -> Iterator[int]:
    """The folder of that name, opened from one to the next."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    path = root
    try:
        for part in parts:
            path = path / part
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
            below = _opened(descriptor, part, os.O_RDONLY | os.O_DIRECTORY, path)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(folder: int, name: str, flags: int, path: Path) -> int:
    """Without following a link, and without waiting for who writes into a pipe."""
    try:
        descriptor = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666, dir_fd=folder)
    except OSError as error:
        why = "it is a link, which is not followed" if _is_link(folder, name) else error.strerror
        raise OSError(error.errno, why, str(path)) from None
    if not flags & os.O_DIRECTORY and not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file that holds anything", str(path))
    return descriptor


def _is_link(folder: int, name: str) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    return False


def _parts(root: Path, name: str) -> list[str]:
    parts = name.split("/")
    if "\0" in name or not {"", ".", ".."}.isdisjoint(parts):
        raise OSError(errno.EINVAL, "that is no name of a file in it", f"{root}/{name[:80]!r}")
    return parts


def _keep(folder: int) -> None:
    """That a file is there, and under which name, is kept by its folder."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _NO_FSYNC:
            raise
