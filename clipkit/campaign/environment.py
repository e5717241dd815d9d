"""Where a campaign ran: written beside its records, so that no figure travels without it."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping
from typing import Any

import psutil

from clipkit import __version__
from clipkit.campaign.calibration import calibrations_of
from clipkit.ceiling import standing
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.records.campaign import machines_of
from clipkit.trial import machine
from clipkit.trial.unchanged import Footing


def describe_environment(builds: list[FfmpegBuild], ceiling: str) -> dict[str, Any]:
    """The machine, its system, the ffmpeg builds and how the ceiling is enforced, and what clipkit itself is
    held to."""
    footing, around = Footing.now(), standing.limits_here()
    return {
        "recorded_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "clipkit_version": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": machine.cpu_model(),
        "cores": os.cpu_count(),
        "cores_allowed": footing.cores_allowed,
        "nice": footing.harness_nice,
        "surrounding_memory_bytes": around.memory_bytes,
        "surrounding_cpus": around.cpus,
        "memory_bytes": psutil.virtual_memory().total,
        "host_id": machine.host_id(),
        "load_1min": os.getloadavg()[0],
        "ceiling": ceiling,
        "ffmpeg": [
            {
                "choice": build.choice,
                "path": build.path,
                "version": build.version,
                "confined": build.parts is not None,
            }
            for build in builds
        ],
        **_calibrations(),
    }


def _calibrations() -> dict[str, Any]:
    """How small a difference this machine can show, where it was calibrated lately."""
    found = calibrations_of(machine.host_id())
    return {"calibrations": [each.to_json() for each in found]} if found else {}


def joined_environments(*documents: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of the last, and where several machines measured, all of theirs under `machines`."""
    machines: dict[str, Mapping[str, Any]] = {}
    for document in documents:
        for host_id, facts in machines_of(document).items():
            machines.pop(host_id, None)
            machines[host_id] = {key: value for key, value in facts.items() if key != "machines"}
    last = dict(next(reversed(machines.values()), {}))
    return last if len(machines) < 2 else {**last, "machines": machines}
