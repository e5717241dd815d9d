"""Where the kernel shows control groups, and in which of them a process is. Reads, never writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted tree of control groups. `own` is the folder of the process asked about.

    `controllers` is what the mount says for v1; v2 says it in each folder's `cgroup.controllers`.
    """

    version: int
    controllers: frozenset[str]
    top: Path
    own: Path
    writable: bool

    def upwards(self, start: Path) -> list[Path]:
        """`start` and its ancestors, up to the top of what can be seen here."""
        return [start, *(folder for folder in start.parents if folder.is_relative_to(self.top))]


def hierarchies(pid: int | str = "self") -> list[Hierarchy]:
    """Every mounted hierarchy, as seen by process `pid`; empty where the kernel shows none."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8")
        groups = Path(f"/proc/{pid}/cgroup").read_text("utf-8")
    except OSError:
        return []
    return parse_hierarchies(mounts, groups)


def parse_hierarchies(mountinfo: str, groups: str) -> list[Hierarchy]:
    """As the kernel prints them: proc_pid_mountinfo(5), cgroups(7)."""
    paths = dict(_group_path(line) for line in groups.splitlines())
    found: dict[frozenset[str], Hierarchy] = {}
    for line in mountinfo.splitlines():
        mount, _, system = line.partition(" - ")
        kind, _, super_options = system.split(" ", 2)
        if kind not in ("cgroup", "cgroup2"):
            continue
        root, top, options = (_unescape(word) for word in mount.split(" ")[3:6])
        names = frozenset(super_options.split(",")) if kind == "cgroup" else frozenset[str]()
        names = next((known for known in paths if known and known <= names), frozenset())
        if kind == "cgroup" and not names:
            continue
        hierarchy = Hierarchy(
            version=1 if kind == "cgroup" else 2,
            controllers=names,
            top=Path(top),
            own=_own_folder(Path(top), root, paths.get(names, "/")),
            writable="ro" not in options.split(",") and "ro" not in super_options.split(","),
        )
        if names not in found or not found[names].writable:
            found[names] = hierarchy
    return list(found.values())


def _group_path(line: str) -> tuple[frozenset[str], str]:
    _, names, path = line.split(":", 2)
    return frozenset(name for name in names.split(",") if name), path


def _own_folder(top: Path, root: str, path: str) -> Path:
    """The folder of group `path` under a mount that shows the tree from `root` down.

    In a container the path may lie outside of what is mounted (`/..`): then the top is all we see.
    """
    if root != "/" and (path == root or path.startswith(root + "/")):
        path = path[len(root) :]
    folder = top / path.lstrip("/")
    return top if ".." in folder.parts or not folder.is_dir() else folder


def _unescape(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), word)
