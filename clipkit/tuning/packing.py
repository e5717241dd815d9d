"""What a tuning found, as an experiment for the host itself: today's command beside the recommendation, in pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import tomli_w

from clipkit import hosts
from clipkit import settings as settings_station
from clipkit.campaign.experiment_file import parse_experiment
from clipkit.campaign.readers import LEFT_OUT
from clipkit.campaign.sweep import plan_sweep
from clipkit.errors import CampaignError, UsageError
from clipkit.hosts import Host
from clipkit.pack.kept import name_there
from clipkit.pack.making import Made, Measured, ToPack, make_pack
from clipkit.pack.there.planned import Promise
from clipkit.plan.auto import ENCODE
from clipkit.plan.changed import CHANGED
from clipkit.plan.subjects import COMMAND, ENGINE
from clipkit.records.folder import RECOMMENDATION, read_experiment, read_records
from clipkit.records.record import Record
from clipkit.records.status import is_finished
from clipkit.settings import Settings, knobs
from clipkit.tuning.recommendation import Baseline, Recommendation, read_recommendation
from clipkit.tuning.tune import Request, alike, fitting_job

PAIRS = 5
RIVAL, OWN = "today", "recommended"
"""What the two variants of the experiment are called."""


def is_tuned(request: Request) -> bool:
    """Whether the campaign that it names is there, and found something."""
    return request.name is not None and (request.results / request.name / RECOMMENDATION).is_file()


def check_same_question(
    request: Request, found: Recommendation, folder: Path, flags: Sequence[str]
) -> None:
    """Raises UsageError where that campaign answered another one. `flags`: the settings that its user decides."""
    asked = request.command.text if request.command else None
    rival = _rival(found)
    told = rival.command if rival and rival.name == COMMAND else None
    shas = {upload.sha256 for upload in request.uploads}
    experiment = read_experiment(folder)
    job = fitting_job(request.uploads[0], request.clips, request.clip_s)
    unlike = [
        word
        for word, same in (
            ("upload", found.upload.get("sha256") in shas),
            ("host", _is_same(found.host, request.host)),
            ("--reserve", found.reserve_bytes == request.reserve_bytes),
            ("--command", asked == told),
            ("--count", experiment["job"]["clips"] == len(job.clips)),
            ("--length", experiment["job"]["length_s"] == job.clips[0].duration_s),
            ("--mode", request.other_modes or found.settings.mode == ENCODE),
            *_same_flags(request, experiment["settings"], flags),
        )
        if not same
    ]
    if unlike:
        raise UsageError(
            f"{folder} was tuned for another {unlike[0]}: leave --as out, or ask as it was asked: "
            f"{found.again}"
        )


def _same_flags(
    request: Request, stored: Mapping[str, Any], names: Sequence[str]
) -> Iterator[tuple[str, bool]]:
    """Whether each is as it was."""
    fixed = request.fixed if request.command else alike(request.uploads, request.fixed)
    there = settings_station.from_mapping(stored, "[settings]")
    for name in names:
        yield f"--{name.replace('_', '-')}", getattr(fixed, name) == getattr(there, name)


def _is_same(one: Host, other: Host) -> bool:
    """Of what was asked for: a plan that was held against the host itself since is another place to play, and the same plan."""
    if one.as_measured or other.as_measured:
        return one.name == other.name
    return _place(one) == _place(other)


def _place(host: Host) -> tuple[int | None, float | None]:
    return host.memory_bytes, host.cpus


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two, by the records of the tuning."""

    records: Sequence[Record]

    @property
    def rate(self) -> float | None:
        """CPU seconds a second."""
        rates = [record.cpu_s / record.wall_s for record in self.records if record.wall_s]
        return fmean(rates) if rates else None

    @property
    def need_bytes(self) -> int | None:
        needs = [r.peak_need_bytes for r in self.records if r.peak_need_bytes is not None]
        return max(needs, default=None)


def pack_tuning(folder: Path, path: Path) -> Made:
    """The campaign's own command, or what it was compared with, against what it recommends: five adjacent pairs
    of the whole job. Raises CampaignError where there is nothing to compare."""
    found = read_recommendation(folder)
    rival = _rival(found)
    if rival is None or rival.speedup is None:
        raise CampaignError(
            f"{folder} compared what it recommends with nothing that ended well: there is no promise to hold"
        )
    name = name_there(folder.name)
    text = pairs_experiment(found, rival, read_experiment(folder), name)
    planned = plan_sweep(parse_experiment(text, folder / f"{name}.toml"))
    rivals = _Side([r for r in _finished(folder) if r.subject == rival.name])
    owns = _Side([r for r in _finished(folder) if _is_own(r, found)])
    words = planned.design.words
    measured = {
        cell: _measured(found, rival, rivals if _is(told, RIVAL) else owns, _is(told, RIVAL))
        for cell, told in words.items()
    }

    def promised(numbers: Mapping[str, int]) -> Promise:
        low, high = rival.speedup_ci95 or (None, None)
        return Promise(
            ratio=rival.speedup or 1.0,
            low=low,
            high=high,
            rival=tuple(n for cell, n in numbers.items() if _is(words[cell], RIVAL)),
            own=tuple(n for cell, n in numbers.items() if _is(words[cell], OWN)),
            rival_rate=rivals.rate,
            own_rate=owns.rate,
        )

    host = planned.design.cells[0].host.name
    return make_pack(ToPack(planned, host, name, path, measured, promised))


def pairs_experiment(
    found: Recommendation, rival: Baseline, tuned: Mapping[str, Any], name: str
) -> str:
    """Its text. `tuned`: the experiment of the tuning, which says what was the same for all."""
    common = tuned["settings"]
    own = {n: v for n, v in _levels(found.settings).items() if v != common.get(n, LEFT_OUT)}
    cutter = CHANGED if found.command is not None else ENGINE
    command = found.command or (rival.command if rival.name == COMMAND else None)
    document: dict[str, Any] = {
        "name": name,
        "job": {name: tuned["job"][name] for name in ("uploads", "clips", "length_s")},
        "subject": {"command": command} if command else {},
        "host": _host(found),
        "settings": common,
        "variants": [
            {"name": RIVAL, "subject": rival.name},
            {"name": OWN, "subject": cutter, **own},
        ],
        "run": {"strategy": "grid", "blocks": PAIRS},
    }
    return tomli_w.dumps(document)


def _rival(found: Recommendation) -> Baseline | None:
    """What the recommendation was confirmed against; the first of what it was compared with."""
    against = found.measured_job.get("against") or [None]
    by_name = {baseline.name: baseline for baseline in found.baselines}
    return by_name.get(against[0]) or next(iter(found.baselines), None)


def _levels(settings: Settings) -> dict[str, Any]:
    """As an experiment's file says them."""
    known = settings_station.to_table(settings)
    return {knob.name: known.get(knob.name, LEFT_OUT) for knob in knobs()}


def _host(found: Recommendation) -> dict[str, Any]:
    """A plan goes by its name, also where this machine plays it as it was measured: there it is itself."""
    host = found.host
    known = hosts.catalogue().get(host.name)
    if known is not None and _is_same(known, host):
        table: dict[str, Any] = {"name": host.name}
    else:
        memory = None if host.memory_bytes is None else str(host.memory_bytes)
        told = {"memory": memory, "cpus": host.cpus}
        table = {key: value for key, value in told.items() if value is not None}
    return table | ({"reserve": str(found.reserve_bytes)} if found.reserve_bytes else {})


def _finished(folder: Path) -> list[Record]:
    return [record for record in read_records(folder) if is_finished(record)]


def _is_own(record: Record, found: Recommendation) -> bool:
    """Of the confirming runs with what is recommended."""
    names = ("mode", "hidden_preroll", "concurrency", "encoder_threads", "decoder_threads", "seek")
    known = ((getattr(record.settings, n), getattr(found.settings, n)) for n in names)
    alike = all(used is None or used == asked for used, asked in known)
    return record.phase == "confirm" and record.subject in (CHANGED, ENGINE) and alike


def _is(words: str, variant: str) -> bool:
    """Whether a cell's words are that variant's."""
    return words.split(",", maxsplit=1)[0] == variant


def _measured(found: Recommendation, rival: Baseline, side: _Side, is_rival: bool) -> Measured:
    cpu_s = rival.cpu_s if is_rival else found.cpu_s
    peak = rival.peak_anon_bytes if is_rival else found.peak_need_bytes
    return Measured(cpu_s=cpu_s, need_bytes=side.need_bytes or peak)
