"""A scope made by systemd, for users whom only systemd will give a control group.

The scope ends with its last process, and its readings with it: so the first process leaves another
one in it that only sleeps (`enter.py --stay`, about 0.2 MB) until `close`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from clipkit.ceiling import groups, standing
from clipkit.ceiling.around import surrounding_bytes
from clipkit.ceiling.base import Ceiling, Limits, Mechanism, UnavailableError, Usage
from clipkit.ceiling.cgroup2 import Readings
from clipkit.ceiling.enter import STAYER
from clipkit.ceiling.hierarchies import hierarchies
from clipkit.ceiling.process_tree import read_process
from clipkit.errors import CeilingError

_PATIENCE_S = 10.0


class Systemd(Ceiling):
    """Raises UnavailableError where systemd does not run, or is not given the controllers."""

    mechanism = Mechanism.SYSTEMD

    def __init__(self, limits: Limits) -> None:
        if not Path("/run/systemd/system").is_dir() or not shutil.which("systemd-run"):
            raise UnavailableError(self.mechanism, "systemd does not run here")
        self._unit = f"{groups.new_name()}.scope"
        self._scope = _scope_argv(limits)
        self._folder = _try_a_scope(self._scope, limits) / self._unit
        self._pid: int | None = None
        self._readings: Readings | None = None
        self._last: Usage | None = None
        self.enforced = standing.tightest(limits, standing.limits_above([self._folder]))
        self.surrounding_bytes = surrounding_bytes(limits, self.enforced)

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """The first process makes the scope; those started later enter it, where the kernel lets
        this user move a process there: from a session outside of the user's systemd it does not.
        """
        if self._folder.exists():
            return groups.enter_argv([self._folder / "cgroup.procs"], argv)
        inside = groups.enter_argv([], argv, stay=True)
        return [*self._scope, f"--unit={self._unit}", "--", *inside]

    def adopt(self, pid: int) -> None:
        self._pid = self._pid or pid

    def usage(self) -> Usage:
        if self._last:
            return self._last
        if not self._readings and self._folder.exists():  # systemd takes a moment to make it
            self._readings = Readings(self._folder)
        return self._readings.usage() if self._readings else _NOTHING_YET

    def highest_charge_bytes(self) -> int | None:
        return self._readings.peak.since_last() if self._readings else None

    def pids(self) -> list[int]:
        return [pid for pid in groups.pids_in(self._folder) if not _is_stayer(pid)]

    def kill(self) -> None:
        """The stayer is left: without it the scope would go, and its readings with it."""
        self._wait_for_the_scope()
        give_up = time.monotonic() + _PATIENCE_S
        while pids := self.pids():
            if time.monotonic() > give_up:
                raise CeilingError(f"processes {pids} do not die; see `ps -l` for them")
            groups.kill_each(pids)
            time.sleep(0.002)

    def close(self) -> None:
        if self._last:
            return
        self.kill()
        self._last = self.usage()
        if self._readings:
            self._readings.close()
        self._remove()

    def _wait_for_the_scope(self) -> None:
        """A process on its way into the scope is not in it yet, and could not be killed there."""
        give_up = time.monotonic() + _PATIENCE_S
        while self._pid and self._pid not in groups.pids_in(self._folder):
            process = read_process(self._pid)
            if not process or process.zombie or time.monotonic() > give_up:
                return
            time.sleep(0.005)

    def _remove(self) -> None:
        """systemd removes a scope when its last process has gone."""
        give_up = time.monotonic() + _PATIENCE_S
        while self._folder.exists():
            groups.kill_all(self._folder)
            if time.monotonic() > give_up:
                raise CeilingError(
                    f"{self._folder} is still there; type: systemctl stop {self._unit}"
                )
            time.sleep(0.005)


_NOTHING_YET = Usage(None, None, None, None, None, None, None, None, None, oom_kills=0)


def _scope_argv(limits: Limits) -> list[str]:
    """systemd.resource-control(5). Accounting asks for the controllers even without a limit."""
    properties = {"MemoryAccounting": "yes", "CPUAccounting": "yes"}
    if limits.memory_bytes is not None:
        properties["MemoryMax"] = str(limits.memory_bytes)
        properties["MemorySwapMax"] = str(limits.swap_bytes)
    if limits.cpus is not None:
        properties["CPUQuota"] = f"{limits.cpus * 100:g}%"
    if limits.pids is not None:
        properties["TasksMax"] = str(limits.pids)
    properties |= _survive_a_kill(_version())
    user = [] if os.geteuid() == 0 else ["--user"]
    assignments = [f"--property={key}={value}" for key, value in properties.items()]
    return ["systemd-run", *user, "--scope", "--quiet", "--collect", *assignments]


_LOOK_INSIDE = """
import os, sys
group = next(line[3:].strip() for line in open("/proc/self/cgroup") if line.startswith("0::"))
folder = sys.argv[1] + group
print(os.path.dirname(folder), *os.listdir(folder), sep="\\0", end="")
"""


def _try_a_scope(scope: Sequence[str], limits: Limits) -> Path:
    """The group in which our scopes are made, after making one with these limits.

    A user's systemd accepts a limit whose controller it is not given, and drops it silently: the
    proof is the limit's file in the scope.
    """
    top = next((hierarchy.top for hierarchy in hierarchies() if hierarchy.version == 2), None)
    if not top:
        raise UnavailableError(Mechanism.SYSTEMD, "systemd runs on cgroup v1 here")
    look = [sys.executable, "-I", "-S", "-c", _LOOK_INSIDE, str(top)]
    tried = subprocess.run([*scope, "--", *look], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise UnavailableError(
            Mechanism.SYSTEMD,
            f"systemd-run refused: {tried.stderr.strip()}",
            "sudo loginctl enable-linger $USER; export XDG_RUNTIME_DIR=/run/user/$(id -u)",
        )
    parent, *files = tried.stdout.split("\0")
    asked = {"memory": limits.memory_bytes, "cpu": limits.cpus}
    missing = [name for name, limit in asked.items() if limit and f"{name}.max" not in files]
    if "memory.stat" not in files or missing:
        raise UnavailableError(
            Mechanism.SYSTEMD,
            f"your systemd is not given the controllers {', '.join(missing or ['memory'])}",
            "sudo systemctl set-property user@$(id -u).service Delegate='cpu memory pids'",
        )
    return Path(parent)


def _survive_a_kill(version: int) -> dict[str, str]:
    """systemd ends a scope in which the kernel has killed one process, with all that lives in it.

    Since 253 it can be told not to. 251 and 252 cannot: there, what it sends is made harmless.
    """
    if version >= 253:
        return {"OOMPolicy": "continue"}
    if version >= 251:
        return {"KillSignal": "SIGCONT", "SendSIGKILL": "no", "TimeoutStopSec": "1h"}
    return {}


def _version() -> int:
    told = subprocess.run(
        ["systemd-run", "--version"], capture_output=True, text=True, check=False
    ).stdout.split()  # systemd 252 (252.39-1~deb12u1) …
    return int(told[1]) if len(told) > 1 and told[1].isdigit() else 0


def _is_stayer(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(STAYER.encode())
    except OSError:
        return False
