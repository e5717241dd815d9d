"""Whether a disk is full. Stdlib only."""

from __future__ import annotations

import errno
import os
from pathlib import Path

NO_SPACE = "no space left on the disk of the output folder"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def is_full(folder: Path) -> bool:
    """Less is free than a file buffer of ffmpeg's holds (32 KiB) and a little, or no file can be made."""
    try:
        disk = os.statvfs(folder)
    except OSError:  # it is gone
        return False
    return disk.f_bavail * disk.f_frsize < 64 * 1024 or (disk.f_files > 0 and disk.f_favail == 0)
