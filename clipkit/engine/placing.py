"""How a finished file gets its own name. Stdlib only: it lives inside the host."""

from __future__ import annotations

import errno
import os
from pathlib import Path

# What disks answer that know no second name for a file (FAT, some network and FUSE file systems).
_KNOWS_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


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
