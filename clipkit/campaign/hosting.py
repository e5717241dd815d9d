"""Whether this machine can stand in for a host: tried before anything is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.shortfall import Shortfall, machine_shortfall, shortfall_under
from clipkit.errors import CeilingError
from clipkit.hosts import Host


@dataclass(frozen=True, slots=True)
class Stand:
    """What holds a host's limits here, and to what."""

    mechanism: Mechanism
    enforced: Limits


def check_host(host: Host, open_ceiling: Callable[[Limits], Ceiling]) -> Stand:
    """Set the ceiling up once and say what it is: what cannot be enforced fails at once.

    Raises CeilingError where this machine, or a group that clipkit itself runs in, has less than the host:
    its times would mean nothing.
    """
    _refuse(machine_shortfall(host))
    with open_ceiling(Limits.of(host)) as ceiling:
        _refuse(shortfall_under(host, ceiling))
        return Stand(ceiling.mechanism, ceiling.enforced)


def _refuse(lack: Shortfall | None) -> None:
    if lack:
        raise CeilingError(f"{lack.told}: {lack.remedy}")
