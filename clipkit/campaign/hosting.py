"""Whether this machine can stand in for a host: tried before anything is measured."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from clipkit import format as fmt
from clipkit.ceiling.base import Ceiling, Limits, Mechanism
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
    machine_bytes = psutil.virtual_memory().total
    if host.memory_bytes is not None and host.memory_bytes > machine_bytes:
        raise CeilingError(
            f"host {host.name} has {fmt.size(host.memory_bytes)}, this machine only "
            f"{fmt.size(machine_bytes)}: measure on a larger machine, or choose a smaller host"
        )
    with open_ceiling(Limits.of(host)) as ceiling:
        cores = len(os.sched_getaffinity(0))
        if host.cpus is not None and host.cpus > cores:
            raise CeilingError(
                f"host {host.name} has {host.cpus:g} CPU, this machine only {cores}: "
                "measure on a larger machine, or choose a smaller host"
            )
        there, there_bytes = ceiling.enforced, ceiling.surrounding_bytes
        if host.memory_bytes is not None and there_bytes is not None:
            raise CeilingError(
                f"host {host.name} has {fmt.size(host.memory_bytes)}, but clipkit itself runs under "
                f"a limit of {fmt.size(there_bytes)}: choose --memory {there_bytes // 2**20}M"
            )
        if host.cpus is not None and there.cpus is not None and there.cpus < host.cpus:
            raise CeilingError(
                f"host {host.name} has {host.cpus:g} CPU, but clipkit itself runs under a quota of "
                f"{there.cpus:g}: choose --cpus {there.cpus:g}"
            )
        return Stand(ceiling.mechanism, there)
