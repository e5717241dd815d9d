"""Whether what a trial is run with is still what it was: the upload, the build, and how clipkit itself runs."""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from clipkit.errors import FfmpegError, UploadError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.upload import Upload


@dataclass(frozen=True, slots=True)
class Stamp:
    """By what a file is known to have been touched: a change of its content changes one of these."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Raises OSError."""
        found = path.stat()
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Footing:
    """What a process of clipkit hands on to all that it starts: columns of the record by these names."""

    cores_allowed: int
    harness_nice: int
    python_version: str

    @classmethod
    def now(cls) -> Footing:
        return cls(
            cores_allowed=len(os.sched_getaffinity(0)),
            harness_nice=os.getpriority(os.PRIO_PROCESS, 0),
            python_version=platform.python_version(),
        )


@dataclass(frozen=True, slots=True)
class Held:
    """What was there before a trial. `ffmpeg_sha256`: of the build's own file."""

    upload: Stamp
    build: Stamp
    ffmpeg_sha256: str
    footing: Footing


def held_before(upload: Upload, build: FfmpegBuild) -> Held:
    """Raises UploadError where what lies there is no longer the upload, FfmpegError where the build is gone."""
    stamp = _stamp_of_upload(upload)
    if sha256_at(upload.path, stamp) != upload.sha256:
        raise UploadError(_replaced_words(upload))
    try:
        of_build = Stamp.of(Path(build.path))
        ffmpeg_sha256 = sha256_at(Path(build.path), of_build)
    except OSError as error:
        raise FfmpegError(
            f"{build.path} cannot be read any more: {error.strerror}; put it back and start it again"
        ) from None
    return Held(stamp, of_build, ffmpeg_sha256, Footing.now())


@dataclass(frozen=True, slots=True)
class Change:
    """What changed while a trial ran, in words, and what to do where every other would be spoilt too."""

    words: str
    stop: str | None


def change_since(held: Held, upload: Upload, build: FfmpegBuild) -> Change | None:
    """None: all is as it was. A file that was only touched spoils this one trial, since what it held
    meanwhile is not known."""
    try:
        stamp = _stamp_of_upload(upload)
        if stamp != held.upload:
            other = sha256_at(upload.path, stamp) != upload.sha256
            stop = _replaced_words(upload) if other else None
            return Change(f"{upload.name} was changed while it was cut", stop)
    except UploadError as error:
        return Change(f"{upload.name} went away while it was cut", str(error))
    if not _is_as(held.build, Path(build.path)):
        stop = (
            f"{build.path} was replaced: put the earlier one back and start it again, or measure with "
            "the new one under a name of its own"
        )
        return Change(f"{build.path} was replaced while it cut", stop)
    if Footing.now() != held.footing:
        return Change("the cores or the priority that clipkit has were changed while it ran", None)
    return None


@lru_cache(maxsize=64)
def sha256_at(path: Path, stamp: Stamp) -> str:  # noqa: ARG001 (of the content that goes with it)
    """Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp_of_upload(upload: Upload) -> Stamp:
    try:
        return Stamp.of(upload.path)
    except OSError as error:
        raise UploadError(
            f"{upload.path} cannot be read any more ({error.strerror}): put it back and start it again"
        ) from None


def _is_as(stamp: Stamp, path: Path) -> bool:
    try:
        return Stamp.of(path) == stamp
    except OSError:
        return False


def _replaced_words(upload: Upload) -> str:
    return (
        f"{upload.path} is another film than when it was begun: put the earlier one back and start it again "
        f"(its SHA-256 is {upload.sha256}), or measure the new one under a name of its own"
    )
