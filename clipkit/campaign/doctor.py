"""What this machine has and enforces: looked at, not assumed."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import psutil

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import describe_mechanism, open_ceiling, survey
from clipkit.errors import ClipkitError
from clipkit.format import MIB
from clipkit.hosts import catalogue
from clipkit.records.disturbance import FREE_CORES, Surroundings, disturbance
from clipkit.trial import machine
from clipkit.trial.canary import canary_s

_LOOK_S = 1.0
_ENCODERS = ("libx264", "libx265", "libsvtav1", "aac")
_FILTERS = ("zscale", "libvmaf", "xpsnr")


def examine() -> dict[str, Any]:
    """ffmpeg builds, ceiling mechanisms (each tried for real), cores, memory, noise right now."""
    canary_before_s, before = canary_s(), machine.read_machine()
    time.sleep(_LOOK_S)
    noise = replace(
        machine.between(before, machine.read_machine(), own_cpu_s=0.0),
        canary_before_s=canary_before_s,
        canary_after_s=canary_s(),
    )
    quiet, words = judge_machine(noise, os.cpu_count() or 1)
    return {
        "judgement": {"quiet": quiet, "words": words},
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
            "canary_s": noise.canary_after_s,
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


def judge_machine(around: Surroundings, cores: int) -> tuple[bool, str]:
    """Whether trials would count on a machine like this, by the thresholds that decide of each, and what
    to do in words."""
    remedy = "end what else runs (`top` shows it), or take trials as they are with --accept-noise"
    if why := disturbance(around, 0.0, cores):  # even a job that wants next to nothing
        return False, f"busy: {why}; every trial would be disturbed and repeated: {remedy}"
    if not disturbance(around, None, cores):  # a job that wants every core
        return True, "quiet enough: trials count on every host that fits this machine"
    others = around.other_cpu_fraction or 0.0
    free = cores - FREE_CORES - others * cores
    return False, (
        f"rather busy: others used {fmt.percent(others)} of the machine, so trials count only on hosts "
        f"of less than {free:.2g} CPU; for larger ones {remedy}"
    )


def _build(choice: str) -> dict[str, Any]:
    try:
        build = ffmpeg_builds.find_build(choice)
        return {
            "choice": choice,
            "available": True,
            "path": build.path,
            "version": build.version,
            "encoders": [name for name in _ENCODERS if name in build.encoders],
            "filters": [name for name in _FILTERS if name in build.filters],
        }
    except ClipkitError as error:
        return {"choice": choice, "available": False, "why": str(error)}


def _chosen() -> dict[str, str]:
    ceiling = open_ceiling(Limits(512 * MIB, 0.5))
    try:
        return {"mechanism": str(ceiling.mechanism), "words": describe_mechanism(ceiling.mechanism)}
    finally:
        ceiling.close()
