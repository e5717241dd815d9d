"""A small container as hosting plans give it: namespaces of its own, control groups that can only be read, a limit
of memory and CPU, and a root in which Python, ffmpeg and their libraries lie, and nothing else.

The root is memory of a mount namespace of its own, folders of this machine are bound into it to be read; the one
folder that it works in is this machine's and can be written. All of it is gone with the last process inside.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clipkit.ceiling.base import Ceiling, Mechanism

PYTHON = "/usr/bin/python3"
FFMPEG = Path("/usr/bin/ffmpeg")

_UNSHARE = ("unshare", "-m", "-p", "-f", "-C", "-i", "-u", "-n", "--kill-child")
# Behind `pivot_root` nothing else of this machine can be reached, by no path; `chroot` would leave it mounted.
_SETUP = """
set -e
mount --make-rprivate /
here=$(pwd)
mount -t tmpfs -o mode=755 tmpfs "$ROOT"
cd "$ROOT"
mkdir -p dev mnt proc sys/fs/cgroup tmp usr/bin ".$here"
for link in bin lib lib64; do
  [ ! -L "/$link" ] || ln -s "$(readlink "/$link")" "$link"
done
printf '%s\\n' "$BOUND" | while IFS='|' read -r from to; do
  mkdir -p ".${to%/*}"
  if [ -d "$from" ]; then mkdir -p ".$to"; else : > ".$to"; fi
  mount -o bind,ro "$from" ".$to"
done
for device in null zero random urandom; do
  : > dev/$device
  mount --bind /dev/$device dev/$device
done
mount -t proc proc proc
if [ -n "$GROUPS_AS" ]; then
  mount -t cgroup2 -o ro cgroup2 sys/fs/cgroup
  mount -o bind,ro "$GROUPS_AS" sys/fs/cgroup
else
  awk '$3 == "cgroup" || $3 == "cgroup2" {print $2 "|" $3 "|" $4}' /proc/mounts |
  while IFS='|' read -r place kind options; do
    case $options in *name=*) continue ;; esac
    mkdir -p ".$place"
    if [ "$kind" = cgroup2 ]; then mount -t cgroup2 -o ro cgroup2 ".$place"; continue; fi
    mount -t cgroup -o "ro,${options##*relatime,}" cgroup ".$place"
  done
fi
mount --bind "$here" ".$here"
[ -z "$MEMORY_AT" ] || mount -t tmpfs tmpfs ".$MEMORY_AT"
pivot_root . mnt
cd "$here"
/mnt/usr/bin/rmdir "/mnt$ROOT"
/mnt/usr/bin/mount -o remount,ro /
/mnt/usr/bin/umount -l /mnt
PATH=$INSIDE
unset BOUND GROUPS_AS INSIDE MEMORY_AT ROOT
exec "$@"
"""


class NoContainerError(Exception):
    """This machine cannot make one. `what` it lacks, by the names of `CLIPKIT_REQUIRE`."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(why)
        self.what = what


@dataclass(frozen=True, slots=True)
class Container:
    """`ceiling` is its group, from outside; `root` the folder that becomes its root, which is gone with it."""

    ceiling: Ceiling
    process: subprocess.Popen[str]
    root: Path

    def ended(self, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        out, complaint = self.process.communicate(timeout=timeout_s)
        self._remove_root()
        return subprocess.CompletedProcess(
            self.process.args, self.process.returncode, out, complaint
        )

    def kill(self) -> None:
        """All of it at once, as a host does."""
        self.process.kill()  # it may not be in its group yet
        self.ceiling.kill()
        self.process.communicate(timeout=30)
        self._remove_root()

    def _remove_root(self) -> None:
        """If it did not come so far as to do it itself. Here nothing was ever mounted on it."""
        with contextlib.suppress(FileNotFoundError):
            self.root.rmdir()


@dataclass(frozen=True, slots=True)
class Inside:
    """What the root holds beside Python: `ffmpeg` as its only other programme, at /usr/bin/ffmpeg, and `more` of
    this machine's files by where they lie in there. `tmpfs`: a folder that is memory; `groups`: one that stands in
    for a hierarchy of version 2, None: what this machine has."""

    ffmpeg: Path = FFMPEG
    more: tuple[tuple[Path, str], ...] = ()
    path: str = "/usr/bin:/bin"
    tmpfs: str = ""
    groups: Path | None = None


def start_bare(
    ceiling: Ceiling, folder: Path, words: Iterable[object], inside: Inside
) -> Container:
    """`words` for its Python, which works in `folder`. Raises NoContainerError."""
    if ceiling.mechanism not in (Mechanism.CGROUP1, Mechanism.CGROUP2):
        raise NoContainerError("ceiling", "no control groups can be made here")
    if sys.platform != "linux" or not all(map(shutil.which, ("unshare", "pivot_root", PYTHON))):
        raise NoContainerError("kernel", "no unshare or pivot_root, or no Python of the system's")
    if not inside.ffmpeg.exists():
        raise NoContainerError("system-ffmpeg", f"there is no {inside.ffmpeg}")
    bound = [*_python(), (str(inside.ffmpeg.resolve()), str(FFMPEG))]
    bound += _libraries(PYTHON) | _libraries(str(inside.ffmpeg))
    for path, place in inside.more:
        bound += [(str(path), place), *_libraries(str(path))]
    argv = ceiling.wrap([*_UNSHARE, "sh", "-c", _SETUP, "sh", PYTHON, *map(str, words)])
    root = Path(tempfile.mkdtemp(prefix="clipkit-root-"))
    process = subprocess.Popen(
        argv,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "ROOT": str(root),
            "BOUND": "\n".join(f"{this}|{there}" for this, there in sorted(set(bound))),
            "GROUPS_AS": str(inside.groups or ""),
            "MEMORY_AT": inside.tmpfs,
            "INSIDE": inside.path,
        },
    )
    return Container(ceiling, process, root)


def _python() -> list[tuple[str, str]]:
    """The interpreter and what is called its standard library, nothing that was installed beside it."""
    code = "import sysconfig; print(sysconfig.get_path('stdlib'))"
    told = subprocess.run([PYTHON, "-I", "-c", code], capture_output=True, text=True, check=True)
    stdlib = told.stdout.strip()
    return [(str(Path(PYTHON).resolve()), PYTHON), (stdlib, stdlib)]


@functools.cache
def _libraries(program: str) -> frozenset[tuple[str, str]]:
    """The folders in which they lie, the loader's among them, and links elsewhere by which they are called; none
    of a program that needs none."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    named = {Path(word) for line in told.splitlines() for word in line.split() if word[0] == "/"}
    hops = {hop for path in named for hop in _hops(path)}
    folders = {str(path.resolve().parent) for path in named}
    folders |= {"/usr/lib64" for path in named if path.is_relative_to("/lib64")}
    links = {(str(hop.resolve()), str(hop)) for hop in hops if str(hop.parent) not in folders}
    return frozenset({(folder, folder) for folder in folders} | links)


def _hops(path: Path) -> Iterator[Path]:
    """Every link on its way, as Debian's alternatives are some."""
    while path.is_symlink():
        path = path.parent.resolve() / path.readlink()
        yield path.parent.resolve() / path.name
