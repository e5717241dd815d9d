"""A small container as hosting plans give it: namespaces of its own, control groups that can only be read, a limit
of memory and CPU, and of programmes Python and ffmpeg alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requirements

from clipkit.ceiling.base import Ceiling, Mechanism

_SETUP = """
set -e
mount --make-rprivate /
mount -t proc proc /proc
for line in $(awk '$3 == "cgroup" || $3 == "cgroup2" {print $2 "|" $3 "|" $4}' /proc/mounts); do
  place=${line%%|*}; rest=${line#*|}; kind=${rest%%|*}; options=${rest#*|}
  umount "$place"
  if [ "$kind" = cgroup2 ]; then mount -t cgroup2 -o ro cgroup2 "$place"; continue; fi
  case $options in *name=*) continue ;; esac
  mount -t cgroup -o "ro,${options##*relatime,}" cgroup "$place"
done
[ -z "$MEMORY_AT" ] || mount -t tmpfs tmpfs "$MEMORY_AT"
unset MEMORY_AT
exec "$@"
"""
PYTHON = "/usr/bin/python3"


@dataclass(frozen=True, slots=True)
class Container:
    """`ceiling` is its group, from outside."""

    ceiling: Ceiling
    process: subprocess.Popen[str]

    def ended(self, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        out, complaint = self.process.communicate(timeout=timeout_s)
        return subprocess.CompletedProcess(
            self.process.args, self.process.returncode, out, complaint
        )

    def kill(self) -> None:
        """All of it at once, as a host does."""
        self.ceiling.kill()
        self.process.communicate(timeout=30)


def start_container(
    ceiling: Ceiling, folder: Path, *words: object, path: str = "/usr/bin:/bin", tmpfs: str = ""
) -> Container:
    """`words` for its Python. `tmpfs`: a folder that is memory in there."""
    if ceiling.mechanism not in (Mechanism.CGROUP1, Mechanism.CGROUP2):
        requirements.missing("ceiling", "no control groups can be made here")
    if not shutil.which("unshare") or sys.platform != "linux" or not Path(PYTHON).exists():
        requirements.missing("kernel", "no unshare, or no Python of the system's")
    inside = [
        "unshare",
        "-m",
        "-p",
        "-f",
        "-C",
        "-i",
        "-u",
        "--kill-child",
        "sh",
        "-c",
        _SETUP,
        "sh",
    ]
    argv = ceiling.wrap([*inside, PYTHON, *map(str, words)])
    process = subprocess.Popen(
        argv,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": path, "MEMORY_AT": tmpfs},
    )
    return Container(ceiling, process)


Start = Callable[..., Container]
