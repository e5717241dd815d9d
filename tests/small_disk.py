"""A disk of so many bytes or files, for what happens when it is full: a tmpfs, which root may mount."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """`options` as mount(8) has them: `size=8M`, `nr_inodes=60`. Skips where nothing may be mounted."""
    folder.mkdir()
    mounted = _mount(options, folder)
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def grown(folder: Path, options: str) -> None:
    assert _mount(f"remount,{options}", folder).returncode == 0


def _mount(options: str, folder: Path) -> subprocess.CompletedProcess[str]:
    argv = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)
