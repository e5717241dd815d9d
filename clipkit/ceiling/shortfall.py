"""What a machine lacks to stand in for a host: times that were measured on less would mean nothing. Stdlib only: it
travels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from clipkit import format as fmt
from clipkit.ceiling.base import Ceiling
from clipkit.hosts import Host

_LARGER = "measure on a larger machine, or choose a smaller host"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """`told`: what there is less of than the host has, in words; `remedy`: what to do where no other machine is at hand."""

    told: str
    remedy: str


def machine_shortfall(host: Host) -> Shortfall | None:
    """Of this machine: known before a ceiling is set up, which the kernel may refuse for what is too large."""
    asked_bytes, machine_bytes = host.memory_bytes, _machine_bytes()
    if asked_bytes is not None and machine_bytes is not None and asked_bytes > machine_bytes:
        only = f"this machine only {fmt.size(machine_bytes)}"
        return Shortfall(f"host {host.name} has {fmt.size(asked_bytes)}, {only}", _LARGER)
    cores = len(os.sched_getaffinity(0))
    if host.cpus is not None and host.cpus > cores:
        return Shortfall(
            f"host {host.name} has {host.cpus:g} CPU, this machine only {cores}", _LARGER
        )
    return None


def shortfall_under(host: Host, ceiling: Ceiling) -> Shortfall | None:
    """Of this machine, or of a group that clipkit itself runs in; `ceiling`: one that stands here for that host."""
    if lack := machine_shortfall(host):
        return lack
    asked_bytes = host.memory_bytes
    there_bytes, there_cpus = ceiling.surrounding_bytes, ceiling.enforced.cpus
    if asked_bytes is not None and there_bytes is not None:
        return Shortfall(
            f"host {host.name} has {fmt.size(asked_bytes)}, but clipkit itself runs under a limit of "
            f"{fmt.size(there_bytes)}",
            f"choose --memory {there_bytes // 2**20}M",
        )
    if host.cpus is not None and there_cpus is not None and there_cpus < host.cpus:
        return Shortfall(
            f"host {host.name} has {host.cpus:g} CPU, but clipkit itself runs under a quota of {there_cpus:g}",
            f"choose --cpus {there_cpus:g}",
        )
    return None


def _machine_bytes() -> int | None:
    """As `/proc/meminfo` has it, which a container may have for itself alone (lxcfs)."""
    for line in Path("/proc/meminfo").read_text("ascii").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None
