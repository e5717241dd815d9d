"""Which mechanism holds a job here: the strongest that this machine has, or the one asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from clipkit.ceiling.base import Availability, Ceiling, Limits, Mechanism, UnavailableError
from clipkit.ceiling.cgroup1 import Cgroup1
from clipkit.ceiling.unlimited import Unlimited
from clipkit.errors import CeilingError

FORCE = "CLIPKIT_CEILING"

MECHANISMS: Mapping[Mechanism, Callable[[Limits], Ceiling]] = {
    Mechanism.CGROUP1: Cgroup1,
    Mechanism.NONE: Unlimited,
}


def open_ceiling(limits: Limits, mechanism: Mechanism | None = None) -> Ceiling:
    """A ceiling that stands; use it in a `with`. `mechanism` forces one, as CLIPKIT_CEILING does.

    Raises CeilingError when a forced mechanism is not available, none is, or a limit is refused.
    """
    mechanism = mechanism or _forced()
    if mechanism:
        return _open_forced(mechanism, limits)
    reasons = []
    for candidate in MECHANISMS.values():
        try:
            return candidate(limits)
        except UnavailableError as error:
            reasons.append(str(error))
    raise CeilingError("; ".join(reasons))


def survey() -> list[Availability]:
    """Try each mechanism for real, and say how it went."""
    return [_try(mechanism) for mechanism in MECHANISMS]


def describe(mechanism: Mechanism) -> str:
    return _DESCRIPTIONS[mechanism]


_DESCRIPTIONS = {
    Mechanism.CGROUP2: "enforced by the kernel (cgroup v2)",
    Mechanism.CGROUP1: "enforced by the kernel (cgroup v1)",
    Mechanism.SYSTEMD: "enforced by the kernel (cgroup v2, through systemd)",
    Mechanism.AMBIENT: "enforced by the kernel (the limits that clipkit itself runs under)",
    Mechanism.WATCHDOG: "enforced by clipkit's watchdog (approximate: it looks every 20 ms)",
    Mechanism.NONE: "not enforced (measured only)",
}


def _forced() -> Mechanism | None:
    word = os.environ.get(FORCE)
    if not word:
        return None
    try:
        return Mechanism(word)
    except ValueError:
        raise CeilingError(f"{FORCE}={word} is no ceiling: one of {', '.join(Mechanism)}") from None


def _open_forced(mechanism: Mechanism, limits: Limits) -> Ceiling:
    try:
        return MECHANISMS[mechanism](limits)
    except UnavailableError as error:
        remedy = f"; {error.remedy}" if error.remedy else ""
        raise CeilingError(f"{error}{remedy}. See `clipkit doctor` for what is") from None


def _try(mechanism: Mechanism) -> Availability:
    try:
        MECHANISMS[mechanism](Limits(memory_bytes=None, cpus=None)).close()
    except UnavailableError as error:
        return Availability(mechanism, available=False, why=error.why, remedy=error.remedy)
    except CeilingError as error:
        return Availability(mechanism, available=False, why=str(error))
    return Availability(mechanism, available=True, why=describe(mechanism))
