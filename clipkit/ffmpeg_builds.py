"""Which ffmpeg: the bundled one (from pip), the system's, or one named by its path; and what it can."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from clipkit.confinement import Confinement, kernel_version
from clipkit.errors import FfmpegError

_Name = TypeVar("_Name")

# An ffmpeg that does not print its version in this time hangs.
_PATIENCE_S = 20
_VERSION = re.compile(r"N-(\d+)|n?(\d+)\.(\d+)")
_CROPPING = 117_000
_BRINGS_ONE = "imageio_ffmpeg"
"""Not on a host where nothing of clipkit's is installed (`pack.there`)."""
_BUNDLED_BROKEN = (
    "the bundled ffmpeg does not run: start it again, install imageio-ffmpeg anew, or use "
    "--ffmpeg system"
)


@dataclass(frozen=True, slots=True)
class FfmpegBuild:
    """An ffmpeg that runs here. `encoders` and `filters` that `find_build` gives it ask it when they are first
    looked into, and raise FfmpegError where it does not tell. `choice` is what was asked for: bundled, system or a path. `parts`: the files
    that it has to read to start, besides the system's; None: it does not start where it may read no more
    than such, or the kernel cannot hold it to that."""

    choice: str
    path: str
    version: str
    encoders: Set[str] = field(hash=False)
    filters: Set[str] = field(hash=False)
    parts: tuple[str, ...] | None = None

    def may_read(self, film: Path) -> tuple[str, ...] | None:
        """What its processes may read of the disk; None: they are not held to anything."""
        return None if self.parts is None else (str(film), *self.parts)

    @property
    def crops_as_told(self) -> bool:
        """Whether it shows of a picture only the part that its container names, unless told otherwise: from
        7.1 on, where snapshots count 117,000 changes."""
        told = _VERSION.match(self.version)
        if not told:
            return False
        snapshot, major, minor = told.groups()
        return int(snapshot) > _CROPPING if snapshot else (int(major), int(minor)) >= (7, 1)

    def require(self, encoders: tuple[str, ...] = (), filters: tuple[str, ...] = ()) -> None:
        """Raise FfmpegError naming what this build lacks."""
        lacking = [f"encoder {name}" for name in encoders if name not in self.encoders]
        lacking += [f"filter {name}" for name in filters if name not in self.filters]
        if lacking:
            raise FfmpegError(
                f"{self.path} ({self.version}) lacks {', '.join(lacking)}: "
                "use --ffmpeg bundled, or a build that has it"
            )


def locate(choice: str) -> str:
    """The executable's absolute path. Raises FfmpegError where it is missing."""
    if choice == "bundled":
        return _bundled()
    found = shutil.which("ffmpeg" if choice == "system" else str(Path(choice).expanduser()))
    if found is None:
        hint = "install it (Debian: apt-get install ffmpeg)" if choice == "system" else "check it"
        other = ", or use --ffmpeg bundled" if importlib.util.find_spec(_BRINGS_ONE) else ""
        raise FfmpegError(f"ffmpeg '{choice}' is missing or cannot be run: {hint}{other}")
    return str(Path(found).resolve())


def _bundled() -> str:
    """Found without starting it, as imageio-ffmpeg would: that takes as long as copying a clip."""
    return _brought_along() or _named_by_imageio()


def _brought_along() -> str | None:
    """The one file that imageio-ffmpeg brings along for this platform, unless its variable names another."""
    if os.environ.get("IMAGEIO_FFMPEG_EXE"):
        return None
    package = importlib.util.find_spec(_BRINGS_ONE)
    for folder in (package and package.submodule_search_locations) or ():
        for found in Path(folder, "binaries").glob("ffmpeg-*"):
            return str(found)
    return None


def _named_by_imageio() -> str:
    """It tries what it has, and where that does not run, silently names whatever is on PATH."""
    try:
        import imageio_ffmpeg  # noqa: PLC0415 (it takes 10 ms, and is seldom asked)
    except ImportError:
        raise FfmpegError(
            "no bundled ffmpeg: Python finds no imageio-ffmpeg here, which brings it along; "
            "use --ffmpeg system, or --ffmpeg PATH"
        ) from None
    try:
        found = str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        raise FfmpegError(
            "no bundled ffmpeg: imageio-ffmpeg has none for this platform; "
            "install ffmpeg and use --ffmpeg system"
        ) from None
    if not Path(found).is_absolute():
        raise FfmpegError(_BUNDLED_BROKEN)
    return found


class _Listed(Set[str]):
    """What an ffmpeg lists, asked once and not before it is looked into: whoever only copies never does."""

    def __init__(self, path: str, flag: str) -> None:
        self._path, self._flag = path, flag

    @cached_property
    def _told(self) -> frozenset[str]:
        return _names(_output(self._path, self._flag))

    def __contains__(self, name: object) -> bool:
        return name in self._told

    def __iter__(self) -> Iterator[str]:
        return iter(self._told)

    def __len__(self) -> int:
        return len(self._told)

    @classmethod
    def _from_iterable(cls, it: Iterable[_Name]) -> Set[_Name]:
        return frozenset(it)


def find_build(choice: str) -> FfmpegBuild:
    """The build asked for, asked what it is; not yet what it can (`FfmpegBuild`). Raises FfmpegError where it
    cannot be run."""
    path = locate(choice)
    try:
        modified_ns = Path(path).stat().st_mtime_ns
    except OSError as error:
        raise FfmpegError(f"{path} cannot be read: {error.strerror}") from None
    return _ask(choice, path, modified_ns)


@cache
def _ask(choice: str, path: str, _modified_ns: int) -> FfmpegBuild:
    said, parts = _version(path)
    version = said.splitlines()[0]
    return FfmpegBuild(
        choice=choice,
        path=path,
        version=version.removeprefix("ffmpeg version ").split(" Copyright")[0],
        encoders=_Listed(path, "-encoders"),
        filters=_Listed(path, "-filters"),
        parts=parts,
    )


def _version(path: str) -> tuple[str, tuple[str, ...] | None]:
    """What it says of itself, and what it has to read to say it."""
    if kernel_version():
        for parts in _ways_to_start(path):
            with contextlib.suppress(FfmpegError):
                said, confined = Confinement(parts).start(lambda: _output(path, "-version"))
                return said, parts if confined else None
    return version_told(path), None


def version_told(path: str) -> str:
    """What an ffmpeg says of itself. Raises FfmpegError where it does not run."""
    try:
        return _output(path, "-version")
    except FfmpegError:
        if path == _brought_along():
            raise FfmpegError(_BUNDLED_BROKEN) from None
        raise


def _ways_to_start(path: str) -> Iterator[tuple[str, ...]]:
    yield (path,)
    yield (path, *_libraries(path))


def _libraries(path: str) -> list[str]:
    """What the loader would link it with (ld.so(8))."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        traced = subprocess.run(
            [path],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
            env={**os.environ, "LD_TRACE_LOADED_OBJECTS": "1"},
        )
        words = traced.stdout.decode("utf-8", "surrogateescape").split()
        return [word for before, word in pairwise(words) if before == "=>" and word[0] == "/"]
    return []


def _output(path: str, flag: str) -> str:
    try:
        done = subprocess.run(
            [path, "-hide_banner", "-v", "error", flag],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=True,
            env={**os.environ, "AV_LOG_FORCE_NOCOLOR": "1"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise FfmpegError(f"{path} {flag} failed, so it is no usable ffmpeg: {error}") from None
    if not done.stdout:
        raise FfmpegError(f"{path} {flag} printed nothing, so it is no usable ffmpeg")
    return done.stdout.decode("utf-8", "replace")


def _names(listing: str) -> frozenset[str]:
    """The second word of each line that starts with flags: ` V....D libx264  …`, ` T.C scale …`."""
    words = (line.split() for line in listing.splitlines() if line.startswith(" "))
    return frozenset(row[1] for row in words if len(row) > 2 and row[1] != "=")
