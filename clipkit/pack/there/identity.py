"""Which life of which machine this is: counters and processes of another one say nothing of this. Stdlib only."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clipkit.ceiling.hierarchies import Hierarchy, hierarchies
from clipkit.trial import machine

MACHINE = "CLIPKIT_MACHINE"
"""The environment variable by which a user names a machine."""

_LOGINS = "user.slice"
"""Where systemd keeps what users began who are logged in."""


@dataclass(frozen=True, slots=True)
class Identity:
    """`boot`: of the kernel; `container`: of what began with our first process, in our own groups."""

    boot: str
    container: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def identity_here() -> Identity:
    """Images share their machine-ids, and the boot id is the same in each container of a machine: of a container
    there is when its first process began, and by which numbers the kernel knows its groups."""
    boot = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    facts = [boot, _began(1)]
    for hierarchy in hierarchies():
        with contextlib.suppress(OSError):
            found = lasting_group(hierarchy).stat()
            facts.append(f"{found.st_dev}:{found.st_ino}")
    return Identity(boot, _short(*facts))


def lasting_group(hierarchy: Hierarchy) -> Path:
    """Our own; of one that is there for as long as a user is logged in, the top: the machine stays the same."""
    is_of_login = any(each.name == _LOGINS for each in hierarchy.upwards(hierarchy.own))
    return hierarchy.top if is_of_login else hierarchy.own


def machine_here(identity: Identity) -> str:
    """The column `host_id` on a real host: each boot is a machine of its own, since nobody can say whether it is
    the same hardware."""
    named = os.environ.get(MACHINE)
    return _short(named) if named else _short(machine.host_id(), identity.boot)


def _began(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    return stat.rpartition(b")")[2].split()[19].decode()


def _short(*facts: str) -> str:
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]
