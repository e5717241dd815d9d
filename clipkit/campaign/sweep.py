"""Run, resume or extend the campaign of an experiment: nothing finished is lost or run twice."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from clipkit import ffmpeg_builds
from clipkit.campaign.again import done_of, still_standing, unmeasured_of, unmeasured_words
from clipkit.campaign.alike import means_of
from clipkit.campaign.course import Course
from clipkit.campaign.design import Design, design_of
from clipkit.campaign.executor import Place
from clipkit.campaign.experiment import Experiment
from clipkit.campaign.hosting import Stand, check_host
from clipkit.campaign.loop import Event, Loop, Watch
from clipkit.campaign.resuming import check_alike, describe
from clipkit.campaign.shard import Shard
from clipkit.campaign.standing import Standing, read_standing
from clipkit.campaign.strategies import STRATEGIES, StrategyKind
from clipkit.campaign.strategy import Cell, Strategy
from clipkit.campaign.tally import Tally
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.errors import (
    CampaignError,
    Cancelled,
    ExperimentError,
    FfmpegError,
    TemplateError,
    UploadError,
    UsageError,
)
from clipkit.hosts import Host
from clipkit.media import sample
from clipkit.media.upload import Upload
from clipkit.plan import modes
from clipkit.plan.baselines import parse_template
from clipkit.plan.subject import Cuts
from clipkit.records import folder as folders
from clipkit.records.folder import EXPERIMENT
from clipkit.records.record import Record
from clipkit.records.status import INVALID
from clipkit.records.store import Store
from clipkit.trial.describing import Describing, cutting_programs, describe_upload


@dataclass(frozen=True, slots=True)
class Planned:
    """An experiment with its uploads probed: what will be run. `shard`: of its blocks only these; `retried`: ends that
    are run again (`campaign.again`)."""

    experiment: Experiment
    uploads: dict[str, Upload]
    design: Design
    shard: Shard | None = None
    retried: tuple[str, ...] = ()

    def still_standing(self, every: list[Record]) -> list[Record]:
        """What of the records of earlier sessions is not to be repeated."""
        return still_standing(every, self.experiment.timeout_s, self.retried)

    @property
    def kind(self) -> StrategyKind:
        return STRATEGIES[self.experiment.strategy]

    def strategy(self, design: Design, past: list[Record], spent_s: float) -> Strategy:
        """The experiment's, where an earlier run left `past` and took `spent_s`."""
        course = Course(design, past, os.cpu_count() or 1, time.monotonic, spent_s)
        return self.kind.make(course, self.experiment.options)

    def is_over(self, past: list[Record], spent_s: float) -> bool:
        """Whether nothing is left to run after `past`, which took `spent_s`."""
        return self.strategy(self.design.named_as_in(past), past, spent_s).ask() is None


@dataclass(frozen=True, slots=True)
class Swept:
    """Where the campaign is, how it stands, and how many trials this call ran or inferred.
    `not_measured`: what is invalid each time, and what to do, in words."""

    folder: Path
    standing: Standing
    ran: int
    not_measured: str | None


def plan_sweep(
    experiment: Experiment, shard: Shard | None = None, retried: tuple[str, ...] = ()
) -> Planned:
    """Probe the uploads, find the ffmpeg builds, lay out the cells; of a shard its blocks alone.

    Raises UploadError, FfmpegError, TemplateError or ExperimentError, which names settings with which
    an upload cannot be cut: before anything is run.
    """
    if shard:
        shard.check(experiment)
    words = dict.fromkeys(levels["upload"] for levels in experiment.combinations())
    described_for = _described_for(experiment)
    uploads = {word: _upload(word, experiment.path, described_for) for word in words}
    laid_out = design_of(experiment, uploads)
    for choice in {cell.settings.ffmpeg for cell in laid_out.cells}:
        ffmpeg_builds.find_build(choice).require(encoders=("libx264",))
    _check_each(experiment, laid_out)
    if STRATEGIES[experiment.strategy].in_blocks:
        mine = shard or Shard(1, 1)
        laid_out = replace(laid_out, only=mine.blocks(experiment.options["blocks"]))
    return Planned(experiment, uploads, laid_out, shard, retried)


def run_sweep(
    planned: Planned,
    folder: Path,
    place: Place,
    watching: Callable[[Tally], Watch],
) -> Swept:
    """Run what of the experiment is not in `folder` yet; `watching` makes the watch of it all.

    Raises CampaignError where the folder is in use, holds another experiment or was measured by
    another ffmpeg or under another ceiling, and where nothing ended well; CeilingError where this
    machine cannot stand in for a host; Cancelled after an interrupt.
    """
    if not folder.exists():  # what is refused leaves none behind
        _stands_at(place, planned)
    store = Store.create(folder)
    with store.writing():
        every, began_s = store.records(), time.monotonic()
        spent_s = spent_in(store.folder)
        planned = replace(planned, design=planned.design.named_as_in(every))
        past = planned.still_standing(every)
        strategy = planned.strategy(planned.design, past, spent_s)
        tally = Tally(
            store,
            planned.design,
            strategy,
            past,
            shard=str(planned.shard) if planned.shard else None,
            blocks=planned.experiment.options.get("blocks"),
            began_s=began_s - spent_s,
        )
        if planned.is_over(past, spent_s):
            _settle(planned.experiment, store, tally)
        else:
            stands = _stands_at(place, planned)
            uploads = list(planned.uploads.items())
            check_alike(planned.design, uploads, every, store.folder, stands)
            describe(planned.experiment, planned.design, uploads, store, stands)
            watch = watching(tally)

            def both(event: Event) -> None:
                tally(event)
                watch(event)

            attempts = Counter((record.cell, record.block) for record in every)
            loop = Loop(store, place.executor(store), both, attempts, dict(means_of(every)))
            tally.begin()
            _run(loop, strategy, tally)
        ran = store.finished() - len(every)
    records = store.records()
    spoilt = [record for record in unmeasured_of(records) if planned.design.has(record)]
    total = tally.standing.total or tally.standing.done
    not_measured = unmeasured_words(spoilt, total)
    if not tally.standing.ok:
        judged = [record for record in records if record.status not in INVALID]
        why = sorted({f"{record.status}: {record.error}" for record in judged})[:3]
        told = "; ".join([*why, *([not_measured] if not_measured else [])])
        raise CampaignError(f"no trial of {store.folder} ended well: {told}")
    return Swept(store.folder, tally.standing, ran, not_measured)


def cells_left(planned: Planned, every: list[Record], spent_s: float = 0.0) -> list[Cell]:
    """The trials that are still to be run, at most, where a folder holds `every`, which took `spent_s`
    (`spent_in`); where time alone limits them, each cell once more."""
    past = planned.still_standing(every)
    if planned.is_over(past, spent_s):
        return []
    done = done_of(past)
    cells = planned.kind.cells(planned.design.named_as_in(past), planned.experiment.options)
    return [cell for cell in cells if (cell.name, cell.block) not in done] or cells


def spent_in(folder: Path) -> float:
    """Seconds that the sweeps of that folder have taken so far, by their own word; 0 without one."""
    try:
        return read_standing(folder).elapsed_s
    except CampaignError:
        return 0.0


def check_hosts(planned: Planned, open_ceiling: Callable[[Limits], Ceiling]) -> dict[Host, Stand]:
    """What holds each host's limits here. Raises CeilingError where this machine cannot stand in
    for one."""
    hosts = {cell.host for cell in planned.design.cells}
    return {host: check_host(host, open_ceiling) for host in hosts}


def _stands_at(place: Place, planned: Planned) -> dict[Host, Stand]:
    """Elsewhere each machine says for itself what holds there."""
    return {} if place.elsewhere else check_hosts(planned, place.open_ceiling)


def _described_for(experiment: Experiment) -> Describing:
    choices = dict.fromkeys(levels["ffmpeg"] for levels in experiment.combinations())
    own = None
    with contextlib.suppress(TemplateError):  # the design tells what is wrong with it
        own = parse_template(experiment.command or "")
    return Describing(cutting_programs(choices, own))


def _upload(word: str, file: Path, asked: Describing) -> Upload:
    try:
        return describe_upload(sample.find_sample(word, file.parent), asked)
    except (UploadError, UsageError) as error:
        raise type(error)(f"{file}: [job] uploads: {error}") from None


def _check_each(experiment: Experiment, laid_out: Design) -> None:
    """That every cell can be planned: what stops one in the middle would stop each resume there too."""
    for cell in laid_out.cells:
        build = ffmpeg_builds.find_build(cell.settings.ffmpeg)
        if not isinstance(cell.subject, Cuts):  # a service was found, and is built
            continue
        try:
            one_tells = modes.decodes(cell.settings)  # a copy is refused clip by clip
            job = cell.job.reduced([0]) if one_tells else cell.job
            cell.subject.tasks(job, cell.settings, build)
        except FfmpegError as error:
            raise ExperimentError(
                f"{experiment.path}: {laid_out.words[cell.name]}: {error}; or leave it out with [[exclude]]"
            ) from None


def _run(loop: Loop, strategy: Strategy, tally: Tally) -> None:
    try:
        loop.run(strategy)
    except (Cancelled, KeyboardInterrupt):
        tally.end("cancelled")
        raise
    except Exception as error:
        tally.end("failed", str(error))
        raise
    tally.end("finished")


def _settle(experiment: Experiment, store: Store, tally: Tally) -> None:
    """Nothing is left to run. The folder says so, also where an earlier run was stopped short of its
    last word, or the experiment asks for less by now."""
    if folders.experiment_text(store.folder) != experiment.text:
        store.write(EXPERIMENT, experiment.text)
    with contextlib.suppress(CampaignError):
        stands = read_standing(store.folder)
        if (stands.state, stands.total) == ("finished", tally.standing.total):
            return
    tally.end("finished")
