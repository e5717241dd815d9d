"""Which mechanism holds a job here: the strongest that this machine has, or the one asked for."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping

from clipkit.ceiling.ambient import Ambient, ambient_if_it_fits
from clipkit.ceiling.base import Availability, Ceiling, Limits, Mechanism, UnavailableError
from clipkit.ceiling.cgroup1 import Cgroup1
from clipkit.ceiling.cgroup2 import Cgroup2
from clipkit.ceiling.systemd import Systemd
from clipkit.ceiling.unlimited import Unlimited
from clipkit.ceiling.watchdog import Watchdog
from clipkit.errors import CeilingError
from clipkit.format import MIB
from clipkit.legal import unknown_word

FORCE = "CLIPKIT_CEILING"

MECHANISMS: Mapping[Mechanism, Callable[[Limits], Ceiling]] = {
    Mechanism.SYSTEMD: Systemd,
    Mechanism.CGROUP2: Cgroup2,
    Mechanism.CGROUP1: Cgroup1,
    Mechanism.AMBIENT: Ambient,
    Mechanism.WATCHDOG: Watchdog,
    Mechanism.NONE: Unlimited,
}

# The kernel's before ours, exact before what merely exists. Where systemd runs, it goes first: it
# believes that it owns the tree, and takes the cpu controller from groups it did not make as soon
# as none of its own needs it. A job that asks for no limit still gets a group where one can be had:
# no other way of reading its memory and CPU is as good.
_BY_THE_KERNEL = (Systemd, Cgroup2, Cgroup1, ambient_if_it_fits)

_DESCRIPTIONS = {
    Mechanism.CGROUP2: "enforced by the kernel (cgroup v2)",
    Mechanism.CGROUP1: "enforced by the kernel (cgroup v1)",
    Mechanism.SYSTEMD: "enforced by the kernel (cgroup v2, in a scope of systemd)",
    Mechanism.AMBIENT: "enforced by the kernel (the limits that clipkit itself runs under)",
    Mechanism.WATCHDOG: "enforced by clipkit's watchdog (approximately: it looks every 10 ms)",
    Mechanism.NONE: "not enforced, only measured",
}

_TRIAL = Limits(memory_bytes=64 * MIB, cpus=0.5)


def open_ceiling(limits: Limits, mechanism: Mechanism | None = None) -> Ceiling:
    """A ceiling that stands; use it in a `with`. `mechanism` forces one, and so does CLIPKIT_CEILING.

    Raises CeilingError when the forced mechanism is not available, or when a limit is refused.
    """
    mechanism = mechanism or _forced()
    if mechanism:
        return _open_forced(mechanism, limits)
    for stand in _BY_THE_KERNEL:
        try:
            return stand(limits)
        except UnavailableError:
            continue
    nothing_to_hold = limits.memory_bytes is None and limits.cpus is None
    return Unlimited(limits) if nothing_to_hold else Watchdog(limits)


def survey() -> list[Availability]:
    """Try each mechanism for real, a process inside and all, and say how it went."""
    return [_try(mechanism) for mechanism in MECHANISMS]


def describe_mechanism(mechanism: Mechanism) -> str:
    """Who enforces, in words."""
    return _DESCRIPTIONS[mechanism]


def _forced() -> Mechanism | None:
    word = os.environ.get(FORCE)
    if not word:
        return None
    try:
        return Mechanism(word)
    except ValueError:
        raise CeilingError(f"{FORCE}: {unknown_word('ceiling', word, Mechanism)}") from None


def _open_forced(mechanism: Mechanism, limits: Limits) -> Ceiling:
    try:
        return MECHANISMS[mechanism](limits)
    except UnavailableError as error:
        remedy = f"; {error.remedy}" if error.remedy else ""
        raise CeilingError(f"{error}{remedy}; or see what is: clipkit doctor") from None


def _try(mechanism: Mechanism) -> Availability:
    try:
        with MECHANISMS[mechanism](_TRIAL) as ceiling:
            argv = ceiling.wrap(["true"])
            inside = subprocess.run(argv, capture_output=True, text=True, check=False)
    except UnavailableError as error:
        return Availability(mechanism, available=False, why=error.why, remedy=error.remedy)
    except CeilingError as error:
        return Availability(mechanism, available=False, why=str(error))
    if inside.returncode:
        return Availability(mechanism, available=False, why=inside.stderr.strip())
    return Availability(mechanism, available=True, why=describe_mechanism(mechanism))
