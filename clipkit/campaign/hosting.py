"""Whether this machine can stand in for a host: tried before anything is measured."""

from __future__ import annotations

import os
from collections.abc import Callable

from clipkit import format as fmt
from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.errors import CeilingError
from clipkit.hosts import Host
from clipkit.trial.run import limits


def check_host(host: Host, open_ceiling: Callable[[Limits], Ceiling]) -> Mechanism:
    """Set the ceiling up once and say by which mechanism: what cannot be enforced fails at once.

    Raises CeilingError where this machine has less than the host: its times would mean nothing.
    """
    with open_ceiling(limits(host)) as ceiling:
        cores = len(os.sched_getaffinity(0))
        if host.cpus is not None and host.cpus > cores:
            raise CeilingError(
                f"host {host.name} has {host.cpus:g} CPU, this machine only {cores}: "
                "measure on a larger machine, or choose a smaller host"
            )
        there_bytes = ceiling.enforced.memory_bytes
        if host.memory_bytes and there_bytes and there_bytes < host.memory_bytes:
            raise CeilingError(
                f"host {host.name} has {fmt.size(host.memory_bytes)}, but clipkit itself runs under "
                f"a limit of {fmt.size(there_bytes)}: choose --memory {there_bytes // 2**20}M"
            )
        return ceiling.mechanism
