"""From findings to the recommendation. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from clipkit import format as fmt
from clipkit import settings as settings_station
from clipkit.media.picture import PictureCheck
from clipkit.plan.clips import Job
from clipkit.tuning import verdict, words
from clipkit.tuning.advice import advice, change_of
from clipkit.tuning.config import Measured
from clipkit.tuning.findings import Findings
from clipkit.tuning.mode_rows import mode_rows, offer_words
from clipkit.tuning.noise_note import noise_note
from clipkit.tuning.prediction import predict
from clipkit.tuning.quality_answer import QualityChoices
from clipkit.tuning.recommendation import Baseline, Recommendation, Tie, Tried
from clipkit.tuning.screening import Screened
from clipkit.tuning.slowing import slowing
from clipkit.tuning.timed import Timed
from clipkit.tuning.unmeasured import unmeasured


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how it was measured, for the words: not figures of the trials themselves.

    `ceiling` is the mechanism, `enforced` the same in words; `date` as 2025-01-31; `cores`: the
    machine's; `picture`: that of the recommended settings beside the rival's, None where it could not be
    looked at; `quality`: other pictures, where they were asked for; `job` what the user asked for; `cut` the
    command that cuts with the recommended configuration, `again` the one that measures again.
    """

    ceiling: str
    enforced: str
    machine: str
    ffmpeg: str
    date: str
    cores: int
    job: dict[str, Any]
    cut: str
    again: str
    picture: PictureCheck | None = None
    quality: QualityChoices | None = None


def conclude(findings: Findings, setting: Setting) -> Recommendation:
    question, confirmed = findings.question, findings.confirmed
    room = question.room_bytes
    need_bytes, expected = (
        confirmed.peak_need_bytes,
        predict(question, findings.screening, findings.results),
    )
    change = change_of(findings)
    runs = words.confirming(findings)
    engine_peaks = [r.orchestrator_peak_rss_bytes for r in runs if r.orchestrator_peak_rss_bytes]
    held = [(r.throttled_s, r.wall_s) for r in runs if r.throttled_s is not None and r.wall_s]
    said, slow = verdict.finding(findings, setting.picture), slowing(findings)
    lacking = filter(None, [verdict.lacking_memory(question)])
    return Recommendation(
        host=question.host,
        ceiling=setting.ceiling,
        reserve_bytes=question.reserve_bytes,
        upload=_uploads(findings),
        job=setting.job,
        measured_job=_measured_job(findings),
        settings=findings.settings,
        predicted_wall_s=findings.predicted_wall_s,
        predicted_ci90_s=expected.interval if expected and not findings.chosen.asked else None,
        confirmed_wall_s=confirmed.wall.value if confirmed.wall else None,
        confirmed_ci95_s=confirmed.wall.interval if confirmed.wall else None,
        cpu_s=confirmed.cpu_s,
        peak_anon_bytes=confirmed.peak_anon_bytes,
        peak_need_bytes=need_bytes,
        peak_runs=confirmed.runs,
        usable_memory_bytes=question.usable_bytes,
        headroom_bytes=None if room is None or need_bytes is None else room - need_bytes,
        orchestrator_cpu_fraction=words.orchestrator_cpu_fraction(findings),
        orchestrator_peak_rss_bytes=max(engine_peaks, default=None),
        held_fraction=sum(held_s for held_s, _ in held) / sum(wall_s for _, wall_s in held)
        if held
        else None,
        ties=_ties(findings),
        baselines=tuple(_baseline(findings, timed) for timed in findings.baselines),
        headline=(
            words.host_line(question.host, setting.enforced, question.reserve_bytes),
            *(
                words.upload_line(job.upload, _job_words(job, setting.job["clip_s"]))
                for job in question.jobs
            ),
        ),
        verdict=". But ".join([said, *([slow.words] if slow else []), *lacking]),
        slow=slow.to_json() if slow else None,
        figures=verdict.figures_behind(findings),
        undecided=verdict.undecided(findings),
        noise=noise_note(findings, setting.cores),
        picture=setting.picture.to_json() if setting.picture else None,
        quality=_quality(findings, setting.quality),
        tried=tuple(map(_tried, findings.screened)),
        modes=mode_rows(findings),
        offer=offer_words(findings),
        why=words.reasons(findings),
        do=advice(findings, setting.cut, change),
        change=change,
        command=question.rival.command if question.rival and change else None,
        measured=_measured(findings, setting),
        measured_on=f"{setting.machine}; {setting.enforced}; {_measured_words(findings)}",
        unmeasured=unmeasured(findings, setting.ceiling, setting.picture),
        again=setting.again,
    )


def _quality(findings: Findings, quality: QualityChoices | None) -> dict[str, Any] | None:
    """The choices re-encode, whatever is recommended."""
    if quality is None:
        return None
    told, encode = quality.to_json(), findings.modes[0].timed.wall
    if findings.chosen.asked and encode is not None:
        told["notes"] = [
            "all of these encode every clip whole, and so does today's: their speeds are beside the "
            f"{fmt.seconds(encode.value)} which that takes, not beside {verdict.how(findings)}",
            *told["notes"],
        ]
    return told


def _job_words(job: Job, asked_s: float) -> str:
    """`12 clips of 12 s`; where the film is shorter than what was asked for, that it is."""
    lengths = {clip.duration_s for clip in job.clips}
    length = f"{max(lengths):g} s" if len(lengths) == 1 else f"up to {max(lengths):g} s"
    shorter = f" ({asked_s:g} s is longer than the film)" if max(lengths) < asked_s else ""
    return f"{fmt.counted(len(job.clips), 'clip')} of {length}{shorter}"


def _measured_words(findings: Findings) -> str:
    measured = _measured_job(findings)
    rivals = " and ".join(measured["against"])
    clips = fmt.counted(measured["clips_per_pair"], "clip")
    rounds = fmt.counted(measured["pairs"], "pair" if rivals else "run")
    tried = f"{fmt.counted(len(findings.screened), 'combination')} of settings tried"
    against = f" against {rivals}" if rivals else ""
    beside = [mode.asked.words for mode in findings.modes if mode.asked]
    modes = f", and {' and '.join(beside)} beside it," if beside else ""
    return f"{tried}, the best{modes} confirmed{against} in {rounds} of {clips}"


def _uploads(findings: Findings) -> dict[str, Any]:
    facts = [job.upload.facts() for job in findings.question.jobs]
    for entry in facts:
        del entry["key_frame_times_s"]
    if len(facts) == 1:
        return facts[0]
    return {"path": f"{len(facts)} uploads", "uploads": facts}


def _measured_job(findings: Findings) -> dict[str, Any]:
    runs = words.confirming(findings)
    return {
        "clips": findings.clips_asked,
        "clip_s": findings.question.jobs[0].clips[0].duration_s,
        "pairs": findings.confirmed.pairs,
        "clips_per_pair": max((r.clips for r in runs), default=0) * len(findings.question.jobs),
        "clips_covered": findings.confirmed.clips_run,
        "against": [t.subject.name for t in findings.baselines if t.pairs],
    }


def _ties(findings: Findings) -> tuple[Tie, ...]:
    """None where another mode is recommended: of it nothing but these settings was measured."""
    if findings.chosen.asked:
        return ()
    return tuple(
        Tie(
            settings=settings_station.to_table(e.settings),
            predicted_wall_s=e.predicted_wall_s,
            peak_anon_bytes=e.peak_bytes,
        )
        for e in findings.screening.running
        if e.tied and e.fits and e.settings != findings.winner.settings
    )


def _measured(findings: Findings, setting: Setting) -> Measured:
    host, uploads = findings.question.host, (job.upload for job in findings.question.jobs)
    return Measured(
        host=f"{host.name}: {fmt.memory(host.memory_bytes)}, {fmt.cpus(host.cpus)}",
        upload=", ".join(upload.name for upload in uploads),
        ffmpeg=setting.ffmpeg,
        date=setting.date,
    )


def _tried(entry: Screened) -> Tried:
    known = math.isfinite(entry.predicted_wall_s)
    return Tried(
        settings=settings_station.to_table(entry.settings),
        status=str(entry.status),
        predicted_wall_s=entry.predicted_wall_s if known else None,
        peak_need_bytes=entry.peak_bytes,
        runs=entry.runs,
        fits=entry.fits,
        tied=entry.tied,
    )


def _baseline(findings: Findings, timed: Timed) -> Baseline:
    return Baseline(
        name=timed.subject.name,
        command=timed.subject.line,
        status=str(timed.status),
        error=timed.error,
        wall_s=timed.wall.value if timed.wall else None,
        wall_ci95_s=timed.wall.interval if timed.wall else None,
        cpu_s=timed.cpu_s,
        peak_anon_bytes=timed.peak_anon_bytes,
        clips_run=timed.clips_run,
        clips_asked=findings.clips_asked,
        estimated=timed.clips_run < findings.clips_asked,
        speedup=timed.speedup.value if timed.speedup else None,
        speedup_ci95=timed.speedup.interval if timed.speedup else None,
        pairs=timed.pairs,
        decided=timed.decided,
    )
