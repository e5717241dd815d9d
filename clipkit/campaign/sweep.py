"""Run, resume or extend the campaign of an experiment: nothing finished is lost or run twice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clipkit import ffmpeg_builds
from clipkit.campaign import environment, hosting
from clipkit.campaign.design import Design, design
from clipkit.campaign.experiment import Experiment
from clipkit.campaign.grid import Grid, finished
from clipkit.campaign.run import Campaign, Event, Watch
from clipkit.campaign.standing import Standing, Tally
from clipkit.campaign.store import Store
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.errors import CampaignError, Cancelled
from clipkit.media import sample
from clipkit.media.probe import probe
from clipkit.media.upload import Upload
from clipkit.trial import machine
from clipkit.trial.record import Record

EXPERIMENT = "experiment.toml"


@dataclass(frozen=True, slots=True)
class Planned:
    """An experiment with its uploads probed: what will be run."""

    experiment: Experiment
    uploads: dict[str, Upload]
    design: Design


@dataclass(frozen=True, slots=True)
class Swept:
    """Where the campaign is, how it stands, and how many trials this call ran or inferred."""

    folder: Path
    standing: Standing
    ran: int


def plan(experiment: Experiment) -> Planned:
    """Probe the uploads, find the ffmpeg builds, lay out the cells.

    Raises UploadError, FfmpegError, TemplateError or ExperimentError: before anything is run.
    """
    words = dict.fromkeys(levels["upload"] for levels in experiment.combinations())
    uploads = {word: probe(sample.find(word, experiment.folder)) for word in words}
    laid_out = design(experiment, uploads)
    for choice in {cell.settings.ffmpeg for cell in laid_out.cells}:
        ffmpeg_builds.find(choice).require(encoders=("libx264",))
    return Planned(experiment, uploads, laid_out)


def sweep(
    planned: Planned,
    folder: Path,
    open_ceiling: Callable[[Limits], Ceiling],
    watching: Callable[[Tally], Watch],
) -> Swept:
    """Run what of the experiment is not in `folder` yet; `watching` makes the watch of it all.

    Raises CampaignError where the folder is in use, holds another experiment or was measured
    elsewhere, and where nothing ended well; CeilingError where this machine cannot stand in for a
    host; Cancelled after an interrupt.
    """
    store = Store.create(folder)
    with store.writing():
        past = store.records()
        left, tally = _left(planned.design, past), Tally(store, planned.design, past)
        if left:
            _check_alike(planned.design, past, store.folder)
            _describe(planned, store, open_ceiling)
            watch = watching(tally)

            def both(event: Event) -> None:
                tally(event)
                watch(event)

            attempts = Counter((record.cell, record.block) for record in past)
            campaign = Campaign(store.folder.name, store, open_ceiling, both, attempts)
            tally.begin()
            _run(campaign, Grid(planned.design, past, os.cpu_count() or 1), tally)
    if not tally.standing.ok:
        why = {f"{record.status}: {record.error}" for record in store.records()}
        raise CampaignError(f"no trial of {store.folder} ended well: {'; '.join(sorted(why)[:3])}")
    return Swept(store.folder, tally.standing, left)


def remaining(planned: Planned, folder: Path) -> int:
    """How many trials are not in that folder yet."""
    return _left(planned.design, Store(folder).records())


def _left(laid_out: Design, past: list[Record]) -> int:
    done = finished(past)
    return laid_out.total - sum(
        (cell.name, block) in done for cell in laid_out.cells for block in range(laid_out.blocks)
    )


def _run(campaign: Campaign, grid: Grid, tally: Tally) -> None:
    try:
        campaign.run(grid)
    except (Cancelled, KeyboardInterrupt):
        tally.end("cancelled")
        raise
    except Exception as error:
        tally.end("failed", str(error))
        raise
    tally.end("finished")


def _check_alike(laid_out: Design, past: list[Record], folder: Path) -> None:
    """Only what was measured alike belongs into one campaign."""
    if not past:
        return
    if not {record.cell for record in past} & laid_out.words.keys():
        raise CampaignError(
            f"{folder} holds another experiment, no cell is the same: choose a name with --as"
        )
    builds = {cell.settings.ffmpeg for cell in laid_out.cells}
    now = {
        "machine": ({machine.host_id()}, {record.host_id for record in past}),
        "ffmpeg": (
            {ffmpeg_builds.find(choice).version for choice in builds}
            | {record.ffmpeg_version for record in past if record.settings.ffmpeg not in builds},
            {record.ffmpeg_version for record in past},
        ),
    }
    for what, (here, there) in now.items():
        if not there <= here:
            raise CampaignError(
                f"{folder} was measured with another {what} ({', '.join(sorted(there - here))}): "
                "unlike runs are not mixed, choose a name with --as"
            )


def _describe(planned: Planned, store: Store, open_ceiling: Callable[[Limits], Ceiling]) -> None:
    cells = planned.design.cells
    hosts = {cell.host for cell in cells}
    mechanisms = {str(hosting.check(host, open_ceiling)) for host in hosts}
    builds = [ffmpeg_builds.find(choice) for choice in sorted({c.settings.ffmpeg for c in cells})]
    names = Counter(upload.path.name for upload in planned.uploads.values())
    store.write(EXPERIMENT, planned.experiment.text)
    store.describe(
        environment=environment.describe(builds, ", ".join(sorted(mechanisms))),
        uploads={
            upload.path.name if names[upload.path.name] == 1 else word: upload.facts()
            for word, upload in planned.uploads.items()
        },
    )
