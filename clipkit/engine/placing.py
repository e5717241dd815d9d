"""How a finished file gets its own name. Stdlib only: it lives inside the host."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What disks answer that know no second name for a file (FAT, some network and FUSE file systems).
_KNOWS_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@dataclass(frozen=True, slots=True)
class Placed:
    """A finished clip in its place, its size, and its poster if one was asked for."""

    clip: Path
    size_bytes: int
    poster: Path | None

    def report(self) -> dict[str, Any]:
        poster = None if self.poster is None else str(self.poster)
        return {"file": str(self.clip), "bytes": self.size_bytes, "poster": poster}


def place_with_poster(unfinished: Path, final: Path, poster: tuple[Path, Path] | None) -> Placed:
    """A clip, and before it its poster from where to where: no clip is ever there without. Raises OSError;
    then neither is."""
    size_bytes = unfinished.stat().st_size
    if poster is None:
        put_in_place(unfinished, final)
        return Placed(final, size_bytes, None)
    put_in_place(*poster)
    try:
        put_in_place(unfinished, final)
    except OSError:
        poster[1].unlink()
        raise
    return Placed(final, size_bytes, poster[1])


def is_jpeg(path: Path) -> bool:
    """Whether the file begins and ends as a JPEG does."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return content[:2] == b"\xff\xd8" and content[-2:] == b"\xff\xd9"


def put_in_place(unfinished: Path, final: Path) -> None:
    """Complete in one act, and never over what is there: not a file, nor what a link points to.

    A rename replaces what has the name. Raises FileExistsError where something has it, OSError.
    """
    try:
        os.link(unfinished, final, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _KNOWS_NO_LINKS:
            raise
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        unfinished.rename(final)
    else:
        unfinished.unlink()
