"""Which ffmpeg: the bundled one (from pip), the system's, or one named by its path; and what it can."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import imageio_ffmpeg

from clipkit.errors import FfmpegError

# An ffmpeg that does not print its version in this time hangs.
_PATIENCE_S = 20


@dataclass(frozen=True, slots=True)
class FfmpegBuild:
    """An ffmpeg that runs here. `choice` is what was asked for: bundled, system or a path."""

    choice: str
    path: str
    version: str
    encoders: frozenset[str]
    filters: frozenset[str]

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
        try:
            return str(imageio_ffmpeg.get_ffmpeg_exe())
        except RuntimeError:
            raise FfmpegError(
                "no bundled ffmpeg: imageio-ffmpeg has none for this platform; "
                "install ffmpeg and use --ffmpeg system"
            ) from None
    found = shutil.which("ffmpeg" if choice == "system" else str(Path(choice).expanduser()))
    if found is None:
        hint = "install it (Debian: apt-get install ffmpeg)" if choice == "system" else "check it"
        raise FfmpegError(
            f"ffmpeg '{choice}' is missing or cannot be run: {hint}, or use --ffmpeg bundled"
        )
    return str(Path(found).resolve())


def find_build(choice: str) -> FfmpegBuild:
    """The build asked for, asked what it is and can. Raises FfmpegError where it cannot be run."""
    path = locate(choice)
    return _ask(choice, path, Path(path).stat().st_mtime_ns)


@cache
def _ask(choice: str, path: str, _modified_ns: int) -> FfmpegBuild:
    version = _output(path, "-version").splitlines()[0]
    return FfmpegBuild(
        choice=choice,
        path=path,
        version=version.removeprefix("ffmpeg version ").split(" Copyright")[0],
        encoders=_names(_output(path, "-encoders")),
        filters=_names(_output(path, "-filters")),
    )


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
