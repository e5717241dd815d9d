"""The main job: from uploads and a host to a measured, confirmed recommendation in a folder."""

from __future__ import annotations

import datetime
import math
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit import settings as settings_station
from clipkit.campaign import environment, hosting
from clipkit.campaign.calibration import calibration_for
from clipkit.campaign.executor import Here
from clipkit.campaign.loop import Loop, Watch
from clipkit.campaign.resuming import upload_facts
from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import describe_mechanism
from clipkit.errors import CampaignError, UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.hosts import Host
from clipkit.media.upload import Upload
from clipkit.plan.baselines import Template
from clipkit.plan.changed import Changed
from clipkit.plan.clips import Job, spread
from clipkit.plan.subjects import CommandLine, Engine
from clipkit.records.campaign import USABLE
from clipkit.records.folder import CONFIG, EXPERIMENT, RUNS
from clipkit.records.status import INVALID, Status, is_finished
from clipkit.records.store import Store, campaign_named, slug, sweep_up_in
from clipkit.records.usual_noise import usual_neighbour_noise
from clipkit.settings import Settings
from clipkit.trial.machine import host_id
from clipkit.trial.usable import usable_memory_bytes
from clipkit.tuning import own_command
from clipkit.tuning.afterwards import Afterwards
from clipkit.tuning.candidates import propose
from clipkit.tuning.conclude import Setting, conclude
from clipkit.tuning.findings import gather_findings
from clipkit.tuning.picture import Way
from clipkit.tuning.quality_choices import measured_by
from clipkit.tuning.quality_question import may_choose_quality
from clipkit.tuning.question import Question
from clipkit.tuning.recommendation import Recommendation, recommendation_toml
from clipkit.tuning.strategy import TuneStrategy

# What executing the notebook and writing the report takes, of the user's budget.
REPORT_S = 20.0
SAME, FREE = "same", "free"
_PICTURE_SHARE = 0.05
"""Of the budget: what looking at the picture of the recommended settings takes."""
_FREE_SHARE = 0.4
"""Of the budget: what the search for other pictures takes."""
_LEAST_BUDGET_S = 20.0
# Of how attempts ended where nothing could be recommended, so many are told.
_SHOWN_ENDS = 3
# Sound that MP4 can hold besides AAC. Today's commands copy it, so the candidates do.
_COPIED_SOUND = {"mp3", "mp2", "ac3", "eac3", "opus", "alac"}


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked of `tune`: `command` is their own, `quality` whether
    other pictures are offered too (FREE) or not (SAME), `fixed` holds its picture where it could be
    read (`tuning.own_command`). `program` and `words` are the command line that asked it, `named` what the first upload is called there. `report`:
    one is written afterwards, in the budget. With `accept_noise` trials count also where others disturbed
    them. `other_modes`: clips that are copied for a part, or whole, are measured beside re-encoded ones."""

    uploads: tuple[Upload, ...]
    clips: int
    clip_s: float
    host: Host
    reserve_bytes: int
    fixed: Settings
    command: Template | None
    baselines: tuple[Template, ...]
    budget_s: float
    report: bool
    results: Path
    name: str | None
    program: tuple[str, ...]
    words: tuple[str, ...]
    named: str
    accept_noise: bool = False
    quality: str = SAME
    other_modes: bool = True


@dataclass(frozen=True, slots=True)
class Tuned:
    """Where the campaign is, and its verdict."""

    folder: Path
    recommendation: Recommendation


def tune(request: Request, open_ceiling: Callable[[Limits], Ceiling], watch: Watch) -> Tuned:
    """Measure, confirm, write the campaign's folder (the report is the next station's).

    Raises CampaignError where no setting fits the host or the name is taken, Cancelled after an
    interrupt.
    """
    build = ffmpeg_builds.find_build(request.fixed.ffmpeg)
    # Every ffmpeg has this filter: one that lists none is told now, not once its pictures are looked at.
    build.require(encoders=("libx264",), filters=("trim",))
    mechanism = hosting.check_host(request.host, open_ceiling).mechanism
    if request.command is None:
        request = replace(request, fixed=alike(request.uploads, request.fixed))
    if request.quality == FREE and not may_choose_quality(
        Way(own_command.cutter_of(request.command), request.fixed)
    ):
        raise UsageError(
            "--quality free chooses preset and CRF of x264, and this command has no place for them: "
            "leave it out"
        )
    folder = _folder(request)
    if not fmt.is_text(str(folder)):  # a report is text, and names its campaign
        raise CampaignError(f"{folder} is no UTF-8 text: choose another folder with --results")
    if (folder / RUNS).exists():
        raise CampaignError(f"{folder} holds a campaign already: choose another name with --as")
    usable_bytes = usable_memory_bytes(request.host, request.reserve_bytes, open_ceiling)
    question = replace(_question(request, mechanism), usable_bytes=usable_bytes)
    facts = environment.describe_environment([build], str(mechanism))
    facts |= {} if usable_bytes is None else {USABLE: usable_bytes}
    sweep_up_in(folder.parent)
    store = Store.create(folder)
    loop = Loop(store, Here(open_ceiling, store.folder, request.accept_noise), watch)
    strategy = TuneStrategy(question, loop.elapsed_s)
    with store.removed_if_refused(), store.writing():
        _describe(store, request, question, facts)
        loop.run(strategy)
        winner = strategy.session.winner
        if winner is None:
            raise CampaignError(_nothing_fits(strategy, store))
        setting = _setting(request, question, store, facts, build)
        findings = gather_findings(question, strategy.session.screening, strategy.session.results)
        # What was found is kept, whatever comes of looking at pictures.
        known = _written(store, conclude(findings, setting))
        cutter = Engine() if findings.chosen.asked else question.cutter
        recommended = Way(cutter, findings.settings)
        afterwards = Afterwards(question, recommended, winner, build, store.folder)
        setting = replace(setting, picture=afterwards.picture())
        known = _written(store, conclude(findings, setting))
        if request.quality == FREE:
            choices = afterwards.choices(measured_by(loop), _budget_s(request), loop.elapsed_s)
            known = _written(store, conclude(findings, replace(setting, quality=choices)))
    return Tuned(store.folder, known)


def _setting(
    request: Request, question: Question, store: Store, facts: dict[str, Any], build: FfmpegBuild
) -> Setting:
    mechanism = Mechanism(facts["ceiling"])
    return Setting(
        ceiling=str(mechanism),
        enforced=describe_mechanism(mechanism),
        machine=_machine(facts, build.version),
        ffmpeg=build.version,
        cores=os.cpu_count() or 1,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        job={"clips": request.clips, "clip_s": request.clip_s, "spread": "evenly"},
        cut=_cut_command(request, question, store),
        again=fmt.on_one_line(shlex.join([*request.program, *request.words])),
    )


def _written(store: Store, recommendation: Recommendation) -> Recommendation:
    store.describe(recommendation=recommendation.to_json())
    store.write(CONFIG, recommendation_toml(recommendation))
    return recommendation


def alike(uploads: Sequence[Upload], fixed: Settings) -> Settings:
    """`fixed`, with sound copied where the baselines copy it and the user left it to clipkit: what
    is compared must do the same work."""
    codecs = {upload.sound.codec for upload in uploads if upload.sound}
    if fixed.audio == "auto" and codecs and codecs <= _COPIED_SOUND:
        return replace(fixed, audio="copy")
    return fixed


def _folder(request: Request) -> Path:
    if request.name is not None:
        return request.results / campaign_named(request.name)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    upload = slug(request.uploads[0].path.stem)
    return request.results / f"tune-{upload}-{slug(request.host.name)}-{now}"


def _question(request: Request, mechanism: Mechanism) -> Question:
    calibrated = calibration_for(host_id(), str(mechanism), request.host.cpus)
    jobs = tuple(fitting_job(u, request.clips, request.clip_s) for u in request.uploads)
    return Question(
        jobs=jobs,
        host=request.host,
        reserve_bytes=request.reserve_bytes,
        candidates=_candidates(request),
        baselines=tuple(map(CommandLine, request.baselines)),
        fixed=request.fixed,
        budget_s=max(_LEAST_BUDGET_S, _budget_s(request) * (1 - _free_share(request))),
        prior=calibrated.noise if calibrated else usual_neighbour_noise(request.host.cpus),
        cutter=own_command.cutter_of(request.command),
        modes=own_command.modes_beside(request.command, jobs, request.fixed)
        if request.other_modes
        else (),
    )


def _budget_s(request: Request) -> float:
    return request.budget_s * (1 - _PICTURE_SHARE) - (REPORT_S if request.report else 0)


def _free_share(request: Request) -> float:
    return _FREE_SHARE if request.quality == FREE else 0.0


def _candidates(request: Request) -> tuple[Settings, ...]:
    found = tuple(propose(request.uploads, request.host, request.reserve_bytes, request.fixed))
    cutter = own_command.cutter_of(request.command)
    if request.command is None or not isinstance(cutter, Changed):
        return found
    return own_command.for_the_command(request.command, request.fixed, found)


def fitting_job(upload: Upload, clips: int, clip_s: float) -> Job:
    """The job, with clips of half the film's length where those asked for are longer than it."""
    length_s = float(upload.video_end_s) - upload.frame_times_s[0]
    if clip_s > length_s:
        clip_s = max(min(1 / upload.fps, length_s), math.floor(length_s * 5) / 10)
    return spread(upload, clips, clip_s)


def _describe(store: Store, request: Request, question: Question, facts: dict[str, Any]) -> None:
    store.describe(
        environment=facts,
        uploads=upload_facts([(str(upload.path), upload) for upload in request.uploads], {}),
    )
    host = {"memory": request.host.memory_bytes, "cpus": request.host.cpus}
    experiment = {
        "name": store.folder.name,
        "job": {
            "uploads": [fmt.on_one_line(upload.path) for upload in request.uploads],
            "clips": request.clips,
            "length_s": question.jobs[0].clips[0].duration_s,
        },
        "host": {key: value for key, value in host.items() if value is not None},
        "settings": settings_station.to_table(request.fixed),
        "run": {"strategy": "tune", "budget_s": request.budget_s},
    }
    store.write(EXPERIMENT, tomli_w.dumps(experiment))


def _cut_command(request: Request, question: Question, store: Store) -> str:
    """For clips of the length that fits the film."""
    length_s = question.jobs[0].clips[0].duration_s
    config = fmt.near(store.folder / CONFIG)
    job = ["--count", str(request.clips), "--length", f"{length_s:g}"]
    words = [*request.program, "cut", request.named, "--out", "clips", *job, "--config", config]
    return fmt.on_one_line(shlex.join(words))


def _machine(facts: dict[str, Any], ffmpeg_version: str) -> str:
    return f"{facts['cpu']}, {facts['cores']} cores, {facts['system']}; ffmpeg {ffmpeg_version}"


def _nothing_fits(strategy: TuneStrategy, store: Store) -> str:
    ends = {
        f"{record.status}: {record.error}"
        for _, record in strategy.session.results
        if not is_finished(record)
    } or {"nothing leaves a margin of memory"}
    found = {record.status for _, record in strategy.session.results}
    remedy = "try more --memory or a smaller --reserve"
    if found == {Status.INVALID_NOISE}:
        remedy = (
            "tune again when the machine is quiet, or take trials as they are with --accept-noise"
        )
    elif found and found <= {*INVALID}:
        remedy = "mend that and tune again"
    return (
        f"no settings could be recommended: {'; '.join(sorted(ends)[:_SHOWN_ENDS])}. "
        f"Every attempt is in {store.folder}; {remedy}"
    )
