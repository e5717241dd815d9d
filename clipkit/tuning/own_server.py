"""Measure a user's own server: a campaign of starts of it, and what they say."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit.campaign.executor import Place
from clipkit.campaign.experiment import Experiment
from clipkit.campaign.experiment_file import parse_experiment
from clipkit.campaign.loop import Watch
from clipkit.campaign.starts import edge_of, survived
from clipkit.campaign.sweep import plan_sweep, run_sweep
from clipkit.campaign.tally import Tally
from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import describe_mechanism
from clipkit.errors import CampaignError, FfmpegError, UsageError
from clipkit.hosts import Host, catalogue
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.drive_file import read_drive_file, routes_of
from clipkit.plan.own_service import OwnServer
from clipkit.plan.own_words import template_from
from clipkit.plan.services import SERVICE
from clipkit.records.folder import EXPERIMENT, clips_of, read_records
from clipkit.records.record import Record
from clipkit.records.status import FAILURES, Status
from clipkit.records.store import Store, campaign_named, slug
from clipkit.settings import Settings
from clipkit.tuning.server_answer import ServerAnswer, end_of_service
from clipkit.tuning.tune import fitting_job

_SHOWN_STATUS = (Status.OK, Status.INVALID_NOISE, *FAILURES)


@dataclass(frozen=True, slots=True)
class Measuring:
    """What was asked of `measure-server`. `most`: clips at once, at most; `jobs`: in one life. `named`: the
    film as the user wrote it; `program`: the words with which clipkit is called here."""

    start: str
    folder: Path
    drive: Path
    upload: Upload
    named: str
    clips: int
    clip_s: float
    host: Host
    starts: int
    jobs: int
    most: int
    rest_s: float
    timeout_s: float
    ffmpeg: str
    results: Path
    name: str | None
    program: tuple[str, ...]
    accept_noise: bool = False


def experiment_for(asked: Measuring) -> Experiment:
    """As an experiment's file, which `clipkit sweep` would run again. Raises UsageError, naming file and
    key of what is wrong."""
    if not fmt.is_text(str(asked.upload.path)):
        raise UsageError(
            f"{asked.upload.path}: its name holds bytes that are no UTF-8: rename it first"
        )
    document = read_drive_file(asked.drive)
    routes = routes_of(document, str(asked.drive))
    server = OwnServer(routes.name or _named_by(asked.folder), asked.start, asked.folder, routes)
    server.argv()
    job = fitting_job(asked.upload, asked.clips, asked.clip_s)
    most = min(asked.most, len(job.clips)) if "concurrency" in routes.follows else 1
    told = {
        "name": campaign_named(asked.name or f"server-{server.name}"),
        "job": {
            "uploads": [str(asked.upload.path)],
            "clips": len(job.clips),
            "length_s": job.clips[0].duration_s,
        },
        "host": _host_table(asked.host),
        "subject": {
            "name": SERVICE,
            "service": server.name,
            "start": server.start,
            "folder": str(server.folder),
            "jobs": asked.jobs,
            "rest_s": asked.rest_s,
        },
        "drive": document,
        "settings": {"concurrency": list(range(1, most + 1)), "ffmpeg": asked.ffmpeg},
        "run": {"strategy": "starts", "starts": asked.starts, "timeout_s": asked.timeout_s},
    }
    parsed = parse_experiment(tomli_w.dumps(told), asked.drive.parent / EXPERIMENT)
    # What an answer does not match is told by the user's own file.
    return replace(parsed, server=server)


def measure_server(
    asked: Measuring,
    open_ceiling: Callable[[Limits], Ceiling],
    watching: Callable[[Tally], Watch],
) -> ServerAnswer:
    """Run it, or resume it where it was begun under the same name.

    Raises UsageError for what is wrong in the description, CampaignError where the server cannot be
    measured, with what it and its client were told; Cancelled after an interrupt.
    """
    experiment = experiment_for(asked)
    planned = plan_sweep(experiment)
    folder = asked.results / (asked.name or _fresh_name(experiment.name, asked.host))
    assert experiment.server is not None  # noqa: S101 (it was asked for)
    try:
        with Store.create(folder).removed_if_refused():
            swept = run_sweep(planned, folder, Place(open_ceiling, asked.accept_noise), watching)
    except CampaignError as error:
        raise CampaignError(f"{error}{_how_it_ended(folder)}") from None
    if swept.standing.machine_failed:
        raise CampaignError(swept.not_measured)
    records = _counting(read_records(swept.folder))
    (cell, *_) = planned.design.cells
    return ServerAnswer(
        folder=swept.folder,
        server=experiment.server,
        host=asked.host,
        enforced=describe_mechanism(Mechanism(records[0].ceiling)),
        ffmpeg=ffmpeg_builds.find_build(asked.ffmpeg).version,
        film=asked.named,
        program=asked.program,
        records=records,
        command=_command(swept.folder, records, cell.job),
        build=asked.ffmpeg,
        job=(len(cell.job.clips), cell.job.clips[0].duration_s),
    )


def usual_ffmpeg() -> str:
    """What a server finds on PATH, where there is one; else the one that comes along."""
    try:
        ffmpeg_builds.find_build("system").require(encoders=("libx264",))
    except FfmpegError:
        return Settings().ffmpeg
    return "system"


def _counting(records: list[Record]) -> tuple[Record, ...]:
    """The last attempt of each start; what was cut short is none."""
    last = {(r.cell, r.block): r for r in records if r.status in _SHOWN_STATUS}
    return tuple(last.values())


def _how_it_ended(folder: Path) -> str:
    """Of a server that died with the fewest clips at once."""
    records = _counting(read_records(folder)) if folder.is_dir() else ()
    dead = [record for record in records if not survived(record)]
    if not dead:
        return ""
    _, beyond = edge_of({int(r.settings.concurrency or 1): [False] for r in dead})
    return f"; with {beyond} at once {end_of_service(dead[0])}; every attempt is in {folder}"


def _command(folder: Path, records: tuple[Record, ...], job: Job) -> str | None:
    """What its first clip's ffmpeg was given, with placeholders."""
    for record in records:
        for clip in clips_of(folder, record.run_id):
            asked: Clip = job.clips[clip["number"] - 1]
            if clip["argv"] and (found := template_from(clip["argv"], asked)):
                return found
    return None


def _host_table(host: Host) -> Mapping[str, Any]:
    if catalogue().get(host.name) == host:
        return {"name": host.name}
    sizes = {"memory": f"{host.memory_bytes}B"} if host.memory_bytes is not None else {}
    return sizes | ({"cpus": host.cpus} if host.cpus is not None else {})


def _named_by(folder: Path) -> str:
    """After its folder, as a service's name has to be."""
    name = slug(folder.name)
    return name if name[:1].isalpha() else f"server-{name}"


def _fresh_name(name: str, host: Host) -> str:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    return f"{name}-{slug(host.name)}-{now}"
