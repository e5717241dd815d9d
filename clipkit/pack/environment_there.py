"""What a start of a pack told of its host, as an environment of a campaign. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clipkit.errors import CampaignError
from clipkit.pack.arrived import Payload
from clipkit.pack.kept import Packed
from clipkit.pack.there.parts import Kind
from clipkit.records.checks import check_environment
from clipkit.records.outcome import Outcome
from clipkit.records.record import Record


def environment_there(
    packed: Packed, payloads: Sequence[Payload], ends: Sequence[tuple[Payload, Outcome]]
) -> list[dict[str, Any]]:
    """One of each machine that measured these: what their columns tell, and what the latest start that came home
    told of it. Raises CampaignError for what no environment holds."""
    found = []
    for host_id in dict.fromkeys(outcome.record.host_id for _, outcome in ends):
        own = [each for each in ends if each[1].record.host_id == host_id]
        told = _told(payloads, {payload.life for payload, _ in own})
        environment = _environment(packed, own[-1][1].record, told) | {"told": told}
        check_environment(environment)
        found.append(environment)
    return found


def _told(payloads: Sequence[Payload], lives: set[str]) -> Mapping[str, Any]:
    starts = [p.document for p in payloads if p.kind is Kind.WHERE and p.life in lives]
    return starts[-1] if starts else {}


def _environment(packed: Packed, record: Record, told: Mapping[str, Any]) -> dict[str, Any]:
    found = told.get("found")
    if not isinstance(found, Mapping | None):
        raise CampaignError("what a start told of its host is no object")
    memory = (found or {}).get("memory") or {}
    known = {
        "recorded_utc": record.started_utc,
        "clipkit_version": packed.clipkit_version,
        "python": record.python_version,
        "system": told.get("system"),
        "cpu": told.get("cpu"),
        "cores": (found or {}).get("cores_seen"),
        "cores_allowed": record.cores_allowed,
        "memory_bytes": memory.get("value") if isinstance(memory, Mapping) else None,
        "host_id": record.host_id,
        "ceiling": record.ceiling,
        "ffmpeg": [
            {
                "choice": str(record.settings.ffmpeg),
                "version": record.ffmpeg_version,
                "confined": False,
            }
        ],
        "pack": packed.pack,
    }
    return {name: value for name, value in known.items() if value is not None}
