"""What this machine has and enforces: looked at, not assumed."""

from __future__ import annotations

import os
import time
from typing import Any

import psutil

from clipkit import ffmpeg_builds
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import describe_mechanism, open_ceiling, survey
from clipkit.errors import ClipkitError
from clipkit.format import MIB
from clipkit.hosts import catalogue
from clipkit.trial import machine

_LOOK_S = 1.0
_ENCODERS = ("libx264", "libx265", "libsvtav1", "aac")
_FILTERS = ("zscale", "libvmaf", "xpsnr")


def examine() -> dict[str, Any]:
    """ffmpeg builds, ceiling mechanisms (each tried for real), cores, memory, noise right now."""
    before = machine.read_machine()
    time.sleep(_LOOK_S)
    noise = machine.between(before, machine.read_machine(), own_cpu_s=0.0)
    return {
        "machine": {
            "cpu": machine.cpu_model(),
            "cores": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "host_id": machine.host_id(),
            "root": os.geteuid() == 0,
        },
        "noise": {
            "load_1min": noise.load_before,
            "steal_fraction": noise.steal_fraction,
            "cpu_pressure_fraction": noise.cpu_pressure_fraction,
            "busy_fraction": noise.other_cpu_fraction,
        },
        "ffmpeg": [_build(choice) for choice in ("bundled", "system")],
        "ceilings": [
            {
                "mechanism": str(found.mechanism),
                "available": found.available,
                "why": found.why,
                "remedy": found.remedy,
            }
            for found in survey()
        ],
        "chosen": _chosen(),
        "hosts": list(catalogue()),
    }


def _build(choice: str) -> dict[str, Any]:
    try:
        build = ffmpeg_builds.find_build(choice)
    except ClipkitError as error:
        return {"choice": choice, "available": False, "why": str(error)}
    return {
        "choice": choice,
        "available": True,
        "path": build.path,
        "version": build.version,
        "encoders": [name for name in _ENCODERS if name in build.encoders],
        "filters": [name for name in _FILTERS if name in build.filters],
    }


def _chosen() -> dict[str, str]:
    ceiling = open_ceiling(Limits(512 * MIB, 0.5))
    try:
        return {"mechanism": str(ceiling.mechanism), "words": describe_mechanism(ceiling.mechanism)}
    finally:
        ceiling.close()
