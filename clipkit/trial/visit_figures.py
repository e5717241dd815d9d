"""The columns that a visit to a service comes to. Pure."""

from __future__ import annotations

import os
from collections.abc import Sequence

from clipkit.records.outcome import Sample
from clipkit.records.served import Served
from clipkit.trial.health import quantile
from clipkit.trial.launcher import Launch, launch_of
from clipkit.trial.lifetimes import gaps_s
from clipkit.trial.moments import Moment
from clipkit.trial.sampler import Sampler
from clipkit.trial.visit import Visit
from clipkit.trial.visited import Ending, JobTimes, times_of

_SPARE_CORES = 0.1
_WINDOW_S = 0.5
"""Of the time at rest, what its memory is read of: the end."""


def served_figures(
    visit: Visit, ending: Ending, sampler: Sampler, launches: Sequence[Launch], cpus: float | None
) -> Served:
    """All columns but who it was."""
    times = times_of(visit)
    latencies = _latencies(visit)
    at, samples = visit.moments, sampler.samples
    ready, after = at.get("ready"), at.get("after")

    def peak(since: str, until: str) -> int | None:
        return _peak(samples, sampler, at.get(since), at.get(until))

    def rest(moment: str) -> int | None:
        return _at_rest(samples, sampler, at.get(moment))

    return Served(
        service_told_apart=at.apart.by,
        service_ready_s=ending.ready_s,
        service_ready_cpu_s=ready.own.cpu_s if ready else None,
        service_rest_s=visit.manner.rest_s,
        service_rest_bytes=rest("rested"),
        service_upload_took_s=at.passed_s("rested", "uploaded"),
        service_upload_cpu_s=at.own_cpu_s("rested", "uploaded"),
        service_upload_peak_bytes=peak("rested", "uploaded"),
        service_fsync_s=visit.fsync_s,
        service_clips_peak_bytes=peak("ordered", "ended"),
        service_after_bytes=rest("after"),
        service_jobs=visit.jobs or None,
        service_later_bytes=rest("later"),
        service_later_peak_bytes=peak("after", "later"),
        service_cache_bytes=after.own.cache_bytes if after else None,
        service_upload_cached_fraction=visit.cached_fraction,
        service_major_faults=_whole(at.in_job(lambda moment: moment.whole.major_faults)),
        service_refaults=_whole(at.in_job(lambda moment: moment.whole.refaults)),
        service_gaps_s=gaps_s(times.spans, times.ordered_s, times.last_s) if times else None,
        service_efficiency=_efficiency(visit, times, cpus),
        service_seen_s=at.passed_s("ordered", "ended") if times else None,
        service_polls=visit.polls if visit.routes.poll else None,
        service_health_hz=visit.manner.health_hz if visit.routes.health else None,
        service_health_probes=len(visit.probes.probes) if visit.probes else None,
        service_health_failed=(len(visit.probes.probes) - len(latencies) if visit.probes else None),
        service_health_median_s=quantile(latencies, 0.5),
        service_health_p95_s=quantile(latencies, 0.95),
        service_health_worst_s=quantile(latencies, 1.0),
        service_client_cpu_s=at.in_job(lambda moment: moment.harness_s),
        service_crowded=_is_crowded(visit, cpus),
        service_launches=sum(launch.reads_a_file for launch in launches),
        service_other_launches=sum(not launch.reads_a_file for launch in launches),
        service_launch_lag_s=_launch_lag_s(visit, launches) if visit.routes.tells_times else None,
        service_stop_s=ending.stop_s,
        service_exit_code=ending.exit_code,
        service_oom_kills=ending.own_oom_kills,
        service_died=ending.died,
        service_back_s=ending.back_s,
        service_job_lost=ending.job_lost,
        service_client_told=_client_told(visit),
    )


def _launch_lag_s(visit: Visit, launches: Sequence[Launch]) -> float | None:
    unused = [launch for launch in launches if launch.reads_a_file]
    known = {clip["number"]: clip["started_s"] for clip in visit.document.get("clips", [])}
    lags_s = [
        launch.started_s - started_s
        for number, clip in enumerate(visit.job.clips, start=1)
        if (launch := launch_of(clip, unused)) and (started_s := known.get(number)) is not None
    ]
    return quantile(sorted(lags_s), 0.5)


def _efficiency(visit: Visit, times: JobTimes | None, cpus: float | None) -> float | None:
    own_s = visit.moments.in_job(lambda moment: moment.own.cpu_s)
    ffmpeg_s = visit.moments.in_job(lambda moment: moment.ffmpeg.cpu_s)
    if times is None or own_s is None or ffmpeg_s is None or times.wall_s <= 0:
        return None
    cores = os.cpu_count() or 1
    return (own_s + ffmpeg_s) / (times.wall_s * min(cpus or cores, cores))


def _is_crowded(visit: Visit, cpus: float | None) -> bool | None:
    client_s = visit.moments.in_job(lambda moment: moment.harness_s)
    passed_s = visit.moments.passed_s("ordered", "ended")
    if cpus is None or client_s is None or not passed_s:
        return None
    return cpus + client_s / passed_s > (os.cpu_count() or 1) - _SPARE_CORES


def _latencies(visit: Visit) -> list[float]:
    probes = visit.probes.probes if visit.probes else []
    return sorted(probe.latency_s for probe in probes if probe.latency_s is not None)


def _client_told(visit: Visit) -> str | None:
    """Of a refusal or a broken connection, else of the first clip that is not ok."""
    if visit.told:
        return visit.told
    wrong = [clip for clip in visit.document.get("clips", []) if clip["status"] != "ok"]
    if not wrong:
        return None
    first = wrong[0]
    told = f"clip {first['number']} {first['status']}: {first['error'] or 'no reason'}"
    return (
        told if len(wrong) == 1 else f"{told}; {len(wrong)} of {len(visit.job.clips)} clips not ok"
    )


def _peak(
    samples: Sequence[Sample], sampler: Sampler, since: Moment | None, until: Moment | None
) -> int | None:
    if since is None or until is None:
        return None
    low_s, high_s = sampler.at_s(since.at_s), sampler.at_s(until.at_s)
    within = [s.service_bytes for s in samples if low_s <= s.t_s <= high_s]
    known = [*within, since.own.need_bytes, until.own.need_bytes]
    return max((value for value in known if value is not None), default=None)


def _at_rest(samples: Sequence[Sample], sampler: Sampler, moment: Moment | None) -> int | None:
    """The median of the last half second before that moment."""
    if moment is None:
        return None
    end_s = sampler.at_s(moment.at_s)
    last = [s.service_bytes for s in samples if end_s - _WINDOW_S <= s.t_s <= end_s]
    known = sorted(value for value in last if value is not None)
    return known[len(known) // 2] if known else moment.own.need_bytes


def _whole(count: float | None) -> int | None:
    return None if count is None else int(count)
