"""A machine in words and figures, as a campaign's `environment.json` has it. Stdlib only: it also travels."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from typing import Any

from clipkit.ceiling import standing
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.trial import machine
from clipkit.trial.unchanged import Footing


def described_machine(
    clipkit_version: str, host_id: str, ceiling: str, builds: Sequence[FfmpegBuild]
) -> dict[str, Any]:
    """The machine, its system, the ffmpeg builds and how the ceiling is enforced, and what clipkit itself is
    held to."""
    footing, around = Footing.now(), standing.limits_here()
    return {
        "recorded_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "clipkit_version": clipkit_version,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": machine.cpu_model(),
        "cores": os.cpu_count(),
        "cores_allowed": footing.cores_allowed,
        "nice": footing.harness_nice,
        "surrounding_memory_bytes": around.memory_bytes,
        "surrounding_cpus": around.cpus,
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "host_id": host_id,
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
    }
