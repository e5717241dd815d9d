"""Runs of the same small job, one after the other: how much of a difference is the machine's own."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit.campaign.calibration import Calibration, Pair, calibrated
from clipkit.campaign.hosting import check_host
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.errors import CampaignError, Cancelled
from clipkit.hosts import Host
from clipkit.media import sample
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subjects import Engine
from clipkit.records.disturbance import disturbance
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.describing import Describing, cutting_programs, describe_upload
from clipkit.trial.run import run_trial

_FILM_S = 60.0
# A run should be long beside the 0.1 s of a quota's period, and many should fit into a minute.
_RUN_S, _FIRST_CLIP_S, _LONGEST_CLIP_S = 2.0, 2.0, 12.0
_LEAST_PAIRS, _MOST_PAIRS = 5, 60
_TIMEOUT_S = 300.0

Told = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where equal jobs are cut, out of which film."""

    host: Host
    open_ceiling: Callable[[Limits], Ceiling]
    folder: Path
    upload: Upload


def calibrate(
    host: Host,
    open_ceiling: Callable[[Limits], Ceiling],
    told: Told,
    length_s: float,
    accept_noise: bool = False,
) -> Calibration:
    """Cut one clip of the sample again and again for about so long; `told` hears after each pair how
    many there are and how long it will still take. Pairs that others disturbed are left out, but with
    `accept_noise`.

    Raises CeilingError where this machine cannot stand in for the host, CampaignError where the clip
    cannot be cut or others disturbed too many pairs, Cancelled after an interrupt.
    """
    mechanism = check_host(host, open_ceiling).mechanism
    upload = describe_upload(
        sample.sample(_FILM_S), Describing(cutting_programs([Settings().ffmpeg]))
    )
    with tempfile.TemporaryDirectory(prefix="clipkit-calibrate-") as folder:
        place = _Place(host, open_ceiling, Path(folder), upload)
        _run(place, _FIRST_CLIP_S)  # reads ffmpeg and the film from disk
        clip_s = _FIRST_CLIP_S * _RUN_S / (_run(place, _FIRST_CLIP_S).wall_s or _RUN_S)
        clip_s = round(max(1.0, min(_LONGEST_CLIP_S, clip_s)), 1)
        pairs: list[tuple[Record, Record]] = []
        began_s = time.monotonic()
        while _has_time(len(pairs), time.monotonic() - began_s, length_s):
            pairs.append((_run(place, clip_s), _run(place, clip_s)))
            told(len(pairs), max(0.0, length_s - (time.monotonic() - began_s)))
    good = [pair for pair in pairs if accept_noise or not any(map(_disturbed, pair))]
    if len(good) < _LEAST_PAIRS:
        why = next(words for pair in pairs for run in pair if (words := _disturbed(run)))
        raise CampaignError(
            f"others disturbed {len(pairs) - len(good)} of {len(pairs)} pairs of equal runs (such as: "
            f"{why}): calibrate when the machine is quiet, or as it is with --accept-noise"
        )
    return calibrated(
        [_pair(*pair) for pair in good],
        len(pairs) - len(good),
        pairs[0][0].host_id,
        str(mechanism),
        host.cpus,
    )


def _has_time(pairs: int, took_s: float, length_s: float) -> bool:
    if pairs < _LEAST_PAIRS:
        return True
    return pairs < _MOST_PAIRS and took_s * (pairs + 1) / pairs <= length_s


def _run(place: _Place, clip_s: float) -> Record:
    job = Job(place.upload, (Clip((_FILM_S - clip_s) / 2, clip_s),))
    settings = Settings()
    trial = Trial(
        identity=Identity("calibration", "equal", 0, 0, 1, "calibration"),
        job=job,
        subject=Engine(),
        settings=settings,
        build=ffmpeg_builds.find_build(settings.ffmpeg),
        host=place.host,
        reserve_bytes=0,
        timeout_s=_TIMEOUT_S,
        accept_noise=True,
    )
    outcome = run_trial(trial, place.open_ceiling, place.folder, lambda _event: None)
    record = outcome.record
    if outcome.interrupted:
        raise Cancelled("interrupted; nothing was kept")
    if record.status is not Status.OK:
        raise CampaignError(
            f"a clip of {fmt.seconds(clip_s)} of the sample cannot be cut on {place.host.name}: "
            f"{record.status}: {record.error}"
        )
    return record


def _disturbed(record: Record) -> str | None:
    return disturbance(record, record.cpu_quota, os.cpu_count() or 1)


def _pair(first: Record, second: Record) -> Pair:
    return Pair((first.wall_s or 0.0, second.wall_s or 0.0), (_canary_s(first), _canary_s(second)))


def _canary_s(record: Record) -> float:
    return ((record.canary_before_s or 0.0) + (record.canary_after_s or 0.0)) / 2
