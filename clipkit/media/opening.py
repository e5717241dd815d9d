"""Open an upload that may be hostile: a plain file, a container that we know, nothing else."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer

from clipkit.errors import UploadError
from clipkit.media.formats import ACCEPTED, GUARDED, local

_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")

_GEN_PTS = 1
"""AVFMT_FLAG_GENPTS of libavformat."""


def regular_file(path: Path) -> Path:
    """The absolute path of a file that can be read. Raises UploadError for anything else."""
    try:
        resolved = path.resolve(strict=True)
        found = resolved.stat()
    except FileNotFoundError:
        raise UploadError(f"{path} does not exist: check the name and the folder") from None
    except (OSError, RuntimeError, ValueError) as error:  # no permission, a loop of links, a NUL
        raise UploadError(f"cannot open {path}: {_reason(error)}") from None
    if stat.S_ISDIR(found.st_mode):
        raise UploadError(f"{path} is a folder: name a video file in it")
    if not stat.S_ISREG(found.st_mode):  # reading a FIFO or a device may never end
        raise UploadError(f"{path} is not a regular file: save the video to a file first")
    if not found.st_size:  # nor need reading a file of /proc, which has none
        raise UploadError(f"{path} is empty: upload or copy it again")
    try:
        with resolved.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise UploadError(f"cannot read {path}: {_reason(error)}; check its permissions") from None
    return resolved


@contextmanager
def opened_container(path: Path) -> Iterator[InputContainer]:
    """The container of the regular file at the absolute `path`; its streams die with it.

    Raises UploadError where it is no video file, or damaged too badly.
    """
    try:
        container = av.open(local(path), options=GUARDED)
    except av.MemoryError:
        raise MemoryError from None
    except (av.FFmpegError, UnicodeError) as error:
        raise UploadError(_why_not(path, error)) from None
    try:
        with container:
            yield container
    except av.MemoryError:
        raise MemoryError from None
    except av.FFmpegError as error:
        raise UploadError(
            f"{path} is damaged, reading it failed: {_reason(error)}; upload or copy it again"
        ) from None


def without_made_up_times(container: InputContainer) -> None:
    """Packets have the times that the container has, and no others: PyAV asks for some to be made of those of the
    packets that follow, ffmpeg's command does not."""
    container.flags &= ~_GEN_PTS


def _why_not(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] in _MP4_BOXES and isinstance(error, av.InvalidDataError):
        return (
            f"{path} is cut short or damaged: it begins as an MP4 but its index (moov) cannot be "
            "read; upload or copy it again"
        )
    return f"{path} is not a video that clipkit can read: convert it to one of {ACCEPTED}"


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
