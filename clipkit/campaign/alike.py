"""What must be the same of all that is in one campaign: each ffmpeg, what held each host's limits, and how clipkit
itself ran on each machine.

Machines and clipkits may differ: each record names its own, and what a machine adds to all alike is
taken out as a block's is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from clipkit import format as fmt
from clipkit.records.record import Record
from clipkit.records.status import Status

Means = Mapping[tuple[str, str], set[str]]
"""`("ffmpeg", "bundled")`: its versions; `("ceiling", "512M-2cpu")`: what held that host's limits; of a machine
by its name. What an older clipkit did not record is not there."""


def means_of(records: Iterable[Record]) -> Means:
    """With what these were measured. What the machine failed in was not: it counts nowhere, and of one that took its
    trial with it only what it had said of itself is known."""
    found = defaultdict[tuple[str, str], set[str]](set)
    for record in records:
        if record.status is Status.INVALID_MACHINE:
            continue
        choice, machine = record.settings.ffmpeg, record.host_id
        if choice is not None:
            found["ffmpeg", choice].add(record.ffmpeg_version)
        if choice is not None and record.ffmpeg_sha256 is not None:
            for key, values in build_means(choice, machine, record.ffmpeg_sha256).items():
                found[key] |= values
        found["ceiling", record.host].add(record.ceiling)
        if record.cores_allowed is None or record.harness_nice is None:
            continue
        footing = (record.cores_allowed, record.harness_nice, str(record.python_version))
        held = (record.enforced_memory_bytes, record.enforced_cpus)
        for means in (
            footing_means(machine, *footing),
            limit_means(f"{record.host} {machine}", *held),
        ):
            for key, values in means.items():
                found[key] |= values
    return found


def build_means(choice: str, machine: str, ffmpeg_sha256: str) -> Means:
    """The very file that cuts on a machine where an ffmpeg is chosen by that word."""
    return {("build of ffmpeg", f"{choice} {machine}"): {ffmpeg_sha256[:12]}}


def footing_means(machine: str, cores: int, nice: int, python_version: str) -> Means:
    """How clipkit itself runs on a machine."""
    return {
        ("number of cores", machine): {fmt.counted(cores, "core")},
        ("priority", machine): {f"nice {nice}"},
        ("Python", machine): {".".join(python_version.split(".")[:2])},
    }


def limit_means(place: str, memory_bytes: int | None, cpus: float | None) -> Means:
    """What really held a host's limits on a machine: also those of a group around."""
    memory = "none" if memory_bytes is None else fmt.size(memory_bytes)
    return {
        ("enforced memory limit", place): {memory},
        ("enforced CPU quota", place): {fmt.cpus(cpus)},
    }


def unlike(one: Means, other: Means) -> str | None:
    """What was done by other means in the one than in the other, in words: `another ffmpeg (…)`."""
    for key in sorted(one.keys() & other.keys()):
        if one[key] != other[key]:
            return f"another {key[0]} ({', '.join(sorted(one[key] - other[key] or one[key]))})"
    return None
