"""What an experiment will cost: trials, time and disk, from one short clip of each kind cut now."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clipkit import ffmpeg_builds, hosts
from clipkit.campaign.calibration import calibration_for
from clipkit.campaign.design import Design
from clipkit.campaign.strategy import WARMUP, Cell
from clipkit.ceiling.base import Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import CampaignError
from clipkit.plan.clip_work import job_work
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subject import Serves
from clipkit.plan.subjects import Engine
from clipkit.records.status import Status
from clipkit.trial import machine
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.run import run_trial

_PROBE_S = 2.0
# Setting a trial up and clearing it away.
_OVERHEAD_S = 0.7
# What one trial leaves: its record, samples and logs.
_KEPT_BYTES = 16_000
_TIMEOUT_S = 120.0
# At one core; which service it is makes more of a difference than is worth knowing here.
_SERVICE_STARTS_S = 1.0
_UPLOAD_BYTES_PER_S = 150e6
_FURTHER_JOB_S = 1.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """`time_s` and `disk_bytes` are rough: right within a factor of two, more is not claimed.

    `blocks` is None where the strategy has none. `disk_bytes`: what is kept, and the largest trial's
    clips, which are there while it runs. `smallest_difference`: between two cells, that so many blocks
    show on the hosts that this machine was calibrated for (the largest of them); None: for none.
    """

    cells: int
    blocks: int | None
    trials: int
    time_s: float
    disk_bytes: float
    tried: int
    smallest_difference: float | None = None


@dataclass(frozen=True, slots=True)
class _Pace:
    """CPU seconds and bytes of one unit of work: a frame decoded, or half of one encoded."""

    cpu_s: float
    clip_bytes_per_s: float


def estimate_sweep(
    design: Design, left: Sequence[Cell], blocks: int | None, ceiling: str | None = None
) -> Estimate:
    """For the cells `left` to run, each in its block. Cuts a short clip of each upload and encoding,
    without any limit, to learn how long one takes here. `ceiling`: the one that is forced, by name.

    Raises CampaignError where such a clip cannot be cut: a trial could not either.
    """
    paces = _paces(left)
    clips_bytes = [
        paces[_kind(cell)].clip_bytes_per_s * sum(clip.duration_s for clip in cell.job.clips)
        for cell in left
    ]
    return Estimate(
        cells=len(design.cells),
        blocks=blocks,
        trials=len(left),
        time_s=sum(_trial_s(cell, paces[_kind(cell)].cpu_s) for cell in left),
        disk_bytes=len(left) * _KEPT_BYTES + max(clips_bytes, default=0.0),
        tried=len(paces),
        smallest_difference=_smallest_difference(design, blocks, ceiling),
    )


def predicted_cpu_s(cells: Sequence[Cell]) -> dict[str, float]:
    """CPU seconds of this machine that one trial of each takes, by the cell's name; as rough, and found the
    same way. Raises CampaignError as `estimate_sweep`."""
    paces = _paces(cells)
    return {cell.name: _work(cell) * paces[_kind(cell)].cpu_s for cell in cells}


def _paces(cells: Sequence[Cell]) -> dict[tuple[Any, ...], _Pace]:
    paces: dict[tuple[Any, ...], _Pace] = {}
    for cell in cells:
        if _kind(cell) not in paces:
            paces[_kind(cell)] = _try(cell)
    return paces


def _smallest_difference(design: Design, blocks: int | None, ceiling: str | None) -> float | None:
    quotas = {cell.host.cpus for cell in design.cells}
    known = [calibration_for(machine.host_id(), ceiling, quota) for quota in quotas]
    seen = [each.smallest_difference(blocks) for each in known if each and blocks]
    return max(seen, default=None)


def _kind(cell: Cell) -> tuple[Any, ...]:
    """Cells that work at the same pace: the rest of the settings changes little."""
    settings = cell.settings
    picture = settings.preset, settings.crf, settings.crop, settings.scale_height
    return cell.job.upload.sha256, *picture, settings.ffmpeg


def _try(cell: Cell) -> _Pace:
    upload = cell.job.upload
    first_s = upload.frame_times_s[0]
    clip = Clip(first_s, min(_PROBE_S, float(upload.video_end_s) - first_s))
    job = Job(upload, (clip,))
    with tempfile.TemporaryDirectory(prefix="clipkit-estimate-") as scratch:
        trial = Trial(
            identity=Identity("estimate", cell.name, 0, 0, 1, WARMUP),
            job=job,
            subject=Engine(),
            settings=replace(cell.settings, mode="encode", seek="input", concurrency=1),
            build=ffmpeg_builds.find_build(cell.settings.ffmpeg),
            host=hosts.find_host(hosts.UNLIMITED),
            reserve_bytes=0,
            timeout_s=_TIMEOUT_S,
        )
        record = run_trial(
            trial,
            lambda limits: open_ceiling(limits, Mechanism.NONE),
            Path(scratch),
            lambda _event: None,
        ).record
    if record.status not in (Status.OK, Status.INVALID_NOISE):
        raise CampaignError(
            f"a clip of {upload.path} cannot be cut with preset {cell.settings.preset}: "
            f"{record.status}: {record.error}"
        )
    return _Pace(
        (record.ffmpeg_cpu_s or 0.0) / job_work(Engine(), job, trial.settings),
        (record.output_bytes or 0) / clip.duration_s,
    )


def _trial_s(cell: Cell, cpu_s: float) -> float:
    """Its CPU seconds over the cores that it can keep busy, or until the time limit strikes."""
    settings, cores = cell.settings, os.cpu_count() or 1
    threads = max(settings.encoder_threads or cores, settings.decoder_threads or cores)
    busy = min(cell.host.cpus or cores, cores, settings.concurrency * threads)
    return min(cell.timeout_s, _work(cell) * cpu_s / busy) + _OVERHEAD_S + _visiting_s(cell)


def _work(cell: Cell) -> float:
    return job_work(cell.subject, cell.job, cell.settings)


def _visiting_s(cell: Cell) -> float:
    """A service is started, left alone before and after its job, given the upload, and ended; further jobs
    of one short clip take it once more each."""
    if not isinstance(cell.subject, Serves):
        return 0.0
    slowed = 1 / min(1.0, cell.host.cpus or 1.0)
    arrives_s = cell.job.upload.size_bytes / _UPLOAD_BYTES_PER_S
    further_s = (cell.jobs - 1) * (_FURTHER_JOB_S + arrives_s)
    rests = 2 if cell.jobs == 1 else 3
    return rests * cell.rest_s + (_SERVICE_STARTS_S + arrives_s + further_s) * slowed
