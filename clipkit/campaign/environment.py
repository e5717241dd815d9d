"""Where a campaign ran: written beside its records, so that no figure travels without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clipkit import __version__
from clipkit.campaign.calibration import calibrations_of
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.records.campaign import machines_of
from clipkit.trial import machine
from clipkit.trial.described import described_machine


def describe_environment(builds: list[FfmpegBuild], ceiling: str) -> dict[str, Any]:
    """The machine, its system, the ffmpeg builds and how the ceiling is enforced, and what clipkit itself is
    held to."""
    found = described_machine(__version__, machine.host_id(), ceiling, builds)
    return found | _calibrations()


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
