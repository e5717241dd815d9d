"""DATA_DIR: one service at a time, and nothing in it is touched but `uploads/` and `clips/`."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from clip_backend.config import ConfigError


@dataclass(frozen=True, slots=True)
class Folders:
    uploads: Path
    clips: Path


def open_folders(data_dir: Path) -> Folders:
    """Lock `data_dir` for as long as this process lives and return its two folders.

    The lock is on the folder itself, so no file of ours appears in it, and it goes with the
    process, however that ends. Raises ConfigError.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)  # never closed: the lock's life
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError("DATA_DIR", "another service works on it") from None
    except OSError as error:
        raise ConfigError("DATA_DIR", f"cannot be used: {error.strerror}") from None
    return Folders(data_dir / "uploads", data_dir / "clips")


def empty(folders: Folders) -> None:
    """Remove what an earlier life left in both: its jobs are forgotten. Raises ConfigError."""
    try:
        for folder in (folders.uploads, folders.clips):
            _remove_contents(folder)
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError("DATA_DIR", f"cannot be emptied: {error.strerror}") from None


def _remove_contents(folder: Path) -> None:
    """A link goes as a link, here or inside: what it points to belongs to somebody else."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        folder.unlink()
        return
    if not folder.exists():
        return
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
