"""A real host held against this machine, by a campaign that was measured on it: its memory, its CPU, its noise.

How fast its core is tell the CPU seconds of the same ffmpeg for the same command, where both machines ran it; else
the canary, the same piece of work on both.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from clipkit.analysis.statistics import noise_of
from clipkit.errors import CampaignError
from clipkit.hosts import Host, catalogue
from clipkit.pack.measured_host import MeasuredHost
from clipkit.records import folder as folders
from clipkit.records.record import Record
from clipkit.records.status import is_finished
from clipkit.trial.canary import canary_s
from clipkit.trial.machine import host_id

_CANARY_LOG_SD = 0.1
"""How far a core's speed at the canary's work may be from that at ffmpeg's: a guess on the wide side."""
_CANARIES_HERE = 5
_LESS, _STOLEN = 0.9, 0.02
"""Who uses less than that share of its quota, where it can use all, was not given it; and the share of stolen time
from which on a host gave less than it says."""

_LONG_S = 3.0

Key = tuple[Any, ...]
_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class _Core:
    """How much a core there does where one here does 1."""

    value: float
    by: str
    pairs: int
    log_sd: float


def held_against_here(campaign: Path) -> MeasuredHost:
    """What the campaign's host is, beside this machine; campaigns that this machine measured are looked for beside
    it. Raises CampaignError for one without a finished trial, of several hosts, of one that is no plan, or of this
    machine."""
    folders.require(campaign)
    records = [record for record in folders.read_records(campaign) if is_finished(record)]
    names = {record.host for record in records}
    if len(names) != 1:
        told = f"measured {len(names)} hosts" if names else "has no trial that ended well"
        raise CampaignError(f"{campaign} {told}: a host is calibrated by trials of its own alone")
    if all(record.host_id == host_id() for record in records):
        raise CampaignError(
            f"{campaign} was measured on this machine: calibrate by one that `clipkit unpack` brought home"
        )
    (name,) = names
    plan = catalogue().get(name)
    if plan is None:
        raise CampaignError(
            f"{campaign} was measured on '{name}', which is no plan of `clipkit hosts`: one of these alone is "
            "calibrated, since it is by its name that `clipkit tune --host` plays it so"
        )
    walls = defaultdict[str, list[float]](list)
    for record in records:
        walls[record.cell].append(record.wall_s or 0.0)
    noise = noise_of(list(walls.values()))
    core = _by_ffmpeg(campaign, records) or _by_canary(campaign, records)
    return MeasuredHost(
        host=name,
        measured_utc=max(record.started_utc for record in records),
        campaign=campaign.name,
        here=host_id(),
        memory_bytes=_usable_bytes(plan, records),
        cpus=cpus_given(plan, records),
        core=core.value,
        core_by=core.by,
        core_pairs=core.pairs,
        core_log_sd=core.log_sd,
        log_sd=noise.log_sd if noise else None,
        noise_freedom=noise.freedom if noise else 0,
    )


def _usable_bytes(plan: Host, records: Sequence[Record]) -> int | None:
    """None where the host did not say: then the plan's word stands."""
    told = _least(*(record.enforced_memory_bytes for record in records))
    return None if told is None else _least(told, plan.memory_bytes)


def cpus_given(plan: Host, records: Sequence[Record]) -> float | None:
    """Cores that the host gave, by its own word or the plan's, and by what was used of them. Pure."""
    told = _least(plan.cpus, *(record.enforced_cpus for record in records))
    if told is None:
        return None
    encoding = [r for r in records if _wants_all(r) and _is_long(r)]
    used = [(r.cpu_s + (r.harness_cpu_s or 0.0)) / (r.wall_s or math.inf) for r in encoding]
    stolen = [record.steal_fraction or 0.0 for record in encoding]
    if not used:
        return told
    if told <= 1 and statistics.median(used) < _LESS * told:  # an encoder can use all of a core
        return statistics.median(used)
    if statistics.median(stolen) >= _STOLEN:
        return min(told, max(used))
    return told


def _wants_all(record: Record) -> bool:
    """Whether it takes all CPU that it gets: it encodes, and nothing of the quota was held back from it."""
    settings = record.settings
    encodes = settings.mode == "encode" or (settings.mode is None and record.video_encoder)
    return bool(encodes) and settings.cpu_percent in (None, 100)


def _is_long(record: Record) -> bool:
    """Whether what it used for its time is a share of a quota, and no matter of its start and end."""
    return bool(record.ffmpeg_cpu_s) and (record.wall_s or 0.0) >= _LONG_S


def _by_ffmpeg(campaign: Path, records: Sequence[Record]) -> _Core | None:
    """None where this machine ran none of it."""
    there = _ffmpeg_seconds(campaign, records)
    here = defaultdict[Key, list[float]](list)
    for folder in _neighbours(campaign):
        try:
            own = [r for r in folders.read_records(folder) if r.host_id == host_id()]
            known = [record for record in own if is_finished(record)]
            for key, seconds in _ffmpeg_seconds(folder, known).items():
                here[key] += seconds if key in there else []
        except CampaignError:  # whatever else lies there
            continue
    logs = [
        math.log(statistics.fmean(here[key]) / statistics.fmean(seconds))
        for key, seconds in there.items()
        if here.get(key)
    ]
    if not logs:
        return None
    spread = statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else _CANARY_LOG_SD
    value = math.exp(statistics.fmean(logs))
    return _Core(value, "ffmpeg's CPU seconds", len(logs), spread)


def _neighbours(campaign: Path) -> Iterator[Path]:
    around = campaign.resolve().parent
    for name in sorted(around.iterdir()):
        if name.is_dir() and (name / folders.RUNS).is_file():
            yield name


def _ffmpeg_seconds(folder: Path, records: Sequence[Record]) -> dict[Key, list[float]]:
    """CPU seconds of each command that cut a clip: alike are those of the same ffmpeg, of the same film, that
    differ in nothing but where files lie."""
    found = defaultdict[Key, list[float]](list)
    clips = folders.clips_by_run(folder) if records else {}
    for record in records:
        for clip in clips.get(record.run_id, ()):
            by_ffmpeg = clip.get("argv") and not clip.get("by_engine")  # else its words did not run
            if clip.get("cpu_s") and by_ffmpeg and clip.get("status") == "ok":
                argv = _without_places(clip["argv"])
                which = (record.ffmpeg_version, record.upload_sha256, record.settings.concurrency)
                found[(*which, clip["start_s"], clip["duration_s"], argv)].append(clip["cpu_s"])
    return found


def _without_places(argv: Sequence[str]) -> tuple[str, ...]:
    """Without ffmpeg's own, the inputs' and the output's names."""
    named = {0, len(argv) - 1} | {n + 1 for n, word in enumerate(argv) if word == "-i"}
    return tuple("" if n in named else word for n, word in enumerate(argv))


def _by_canary(campaign: Path, records: Sequence[Record]) -> _Core:
    there = [canary for r in records for canary in (r.canary_before_s, r.canary_after_s) if canary]
    if not there:
        raise CampaignError(
            f"{campaign} has no command that this machine has run too, and no canary: its core cannot be held "
            "against this machine's"
        )
    here = statistics.median(canary_s() for _ in range(_CANARIES_HERE))
    value = here / statistics.median(there)
    return _Core(value, "the canary, a fixed piece of work", len(there), _CANARY_LOG_SD)


def _least(*told: _Number | None) -> _Number | None:
    return min((value for value in told if value is not None), default=None)
