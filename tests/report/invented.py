"""An invented campaign: valid records and files, numbers that nobody measured."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from inventing_records import TEMPLATE, samples, used

from clipkit import hosts
from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.tuning.recommendation import Baseline, Recommendation, Tie

WINNER = Settings(preset="ultrafast", concurrency=2)
TIE = Settings(preset="ultrafast", concurrency=3)
RESERVE_BYTES = TEMPLATE.reserve_bytes


def trial(order: int, **changes: object) -> Record:
    """One record; its CPU and throttling follow from its wall time."""
    settings = changes.pop("settings", Settings())
    record = replace(TEMPLATE, run_id=f"run-{order:03d}", order=order, **changes)
    record = replace(record, settings=used(record.subject, settings))
    cell = f"{record.subject}:" + ",".join(f"{k}={v}" for k, v in settings.changed().items())
    if record.wall_s is None:
        return replace(record, cell=cell)
    cores = record.cpu_quota or 1.0
    return replace(
        record,
        cell=cell,
        first_clip_s=record.wall_s / record.clips,
        ffmpeg_cpu_s=record.wall_s * cores * 0.99,
        orchestrator_cpu_s=record.wall_s * cores * 0.01,
        throttled_s=0.0 if record.cpu_quota is None else record.wall_s * 0.48,
        clips_per_min=record.clips / record.wall_s * 60,
    )


def screening() -> Iterator[Record]:
    """The settings tried, on 3 clips each and without the CPU quota, after a warm-up."""
    yield trial(0, phase="warmup", clips=1, wall_s=4.0, peak_anon_bytes=60 * MIB, cpu_quota=None)
    tried = [
        (Settings(), 7.9, 62),
        (WINNER, 7.1, 98),
        (TIE, 7.2, 131),
        (Settings(preset="superfast", concurrency=2), 9.4, 176),
        (Settings(preset="veryfast"), 11.8, 104),
        (Settings(preset="veryfast", concurrency=2), 11.2, 188),
        (Settings(preset="medium"), 24.0, 214),
        (Settings(preset="ultrafast", concurrency=4, encoder_threads=2), 7.6, 246),
        (Settings(preset="veryfast", lookahead=0, mbtree=False), 10.3, 81),
    ]
    for order, (settings, s_per_clip, peak_mb) in enumerate(tried, start=1):
        yield trial(
            order,
            settings=settings,
            clips=3,
            wall_s=s_per_clip * 1.5,
            peak_anon_bytes=peak_mb * MIB,
            cpu_quota=None,
        )
    yield trial(
        len(tried) + 1,
        settings=Settings(preset="medium", concurrency=3),
        clips=3,
        status=Status.OOM,
        error="the kernel killed ffmpeg at the ceiling",
        peak_anon_bytes=409 * MIB,
        oom_kills=1,
    )
    yield trial(
        len(tried) + 2,
        settings=Settings(preset="slow", concurrency=3),
        clips=3,
        status=Status.OOM_INFERRED,
    )


def confirming() -> Iterator[Record]:
    """Three pairs of the winner and the faster baseline, after single clips of each baseline."""
    order = 20
    singles = (("fluent", 9.9, 71), ("sketch", 61.0, 66), ("sketch", 91.0, 66))
    for subject, wall_s, peak_mb in singles:
        yield trial(
            order,
            phase="baseline",
            subject=subject,
            clips=1,
            wall_s=wall_s,
            peak_anon_bytes=peak_mb * MIB,
        )
        order += 1
    for block in range(3):
        drift = 1 + 0.02 * block
        for subject, clips, wall_s, peak_mb in (
            ("clipkit", 12, 84.0, 98),
            ("fluent", 12, 117.0, 71),
        ):
            settings = WINNER if subject == "clipkit" else Settings()
            yield trial(
                order,
                phase="confirm",
                block=block,
                subject=subject,
                settings=settings,
                clips=clips,
                wall_s=wall_s * drift * (1.01 if subject == "fluent" and block == 1 else 1),
                peak_anon_bytes=peak_mb * MIB,
            )
            order += 1


def recommendation() -> Recommendation:
    return Recommendation(
        host=hosts.find_host("render-starter"),
        ceiling="cgroup1",
        reserve_bytes=RESERVE_BYTES,
        upload={
            "path": "/srv/films/holiday.mp4",
            "duration_s": 600.0,
            "width": 1280,
            "height": 720,
        },
        job={"clips": 12, "length_s": 12.0, "upload": "holiday.mp4"},
        measured_job={"clips": 12, "length_s": 12.0, "upload": "holiday.mp4"},
        settings=WINNER,
        predicted_wall_s=85.2,
        confirmed_wall_s=85.7,
        confirmed_ci95_s=(84.2, 87.3),
        cpu_s=41.0,
        peak_anon_bytes=98 * MIB,
        peak_need_bytes=98 * MIB,
        peak_runs=3,
        headroom_bytes=(512 - 98) * MIB - RESERVE_BYTES,
        orchestrator_cpu_fraction=0.008,
        orchestrator_peak_rss_bytes=14 * MIB,
        held_fraction=0.5,
        ties=(
            Tie(settings=dataclasses.asdict(TIE), predicted_wall_s=86.4, peak_anon_bytes=131 * MIB),
        ),
        baselines=(
            baseline("sketch", 912.0, 10.6, clips_run=2),
            baseline("fluent", 119.4, 1.39),
        ),
        headline=("12 clips of 12 s from holiday.mp4 (720p25, 10:00), on render-starter",),
        verdict=(
            "On render-starter (512 MB, 0.5 CPU) cutting 2 clips at a time with the seek before "
            "the input takes 85.7 s for all 12 clips: 1.39x faster than fluent-ffmpeg's order and "
            "10.6x faster than the sketch, with 318 MB to spare."
        ),
        why=(
            "The sketch decodes the upload from its first frame for every clip.",
            "ultrafast needs the least CPU, and this host has half a core.",
        ),
        do=(
            "Put `-ss START` before `-i INPUT`.",
            "Cut 2 clips at a time.",
            "Give each ffmpeg `-threads 1` before the input and after it.",
        ),
        measured_on="Invented CPU, 2 cores, Linux 6.18, cgroup v1, ffmpeg 9.0.2 (bundled)",
        unmeasured=(
            "The disk and the neighbours of the real host.",
            "Uploads other than this one.",
            "How the clips look: only their frames were counted.",
        ),
        again="clipkit tune /srv/films/holiday.mp4 --host render-starter --reserve 96M",
    )


def baseline(name: str, wall_s: float, speedup: float, clips_run: int = 12) -> Baseline:
    order = "-i INPUT -ss START" if name == "sketch" else "-ss START -i INPUT"
    return Baseline(
        name=name,
        command=f"ffmpeg {order} -t DURATION -c:v libx264 -preset ultrafast OUTPUT",
        status="ok",
        error=None,
        wall_s=wall_s,
        wall_ci95_s=(wall_s * 0.96, wall_s * 1.05),
        cpu_s=wall_s * 0.48,
        peak_anon_bytes=70 * MIB,
        clips_run=clips_run,
        clips_asked=12,
        estimated=clips_run < 12,
        speedup=speedup,
        speedup_ci95=(speedup * 0.96, speedup * 1.05),
        pairs=3,
    )


def failed_baseline(name: str, status: str = "oom") -> Baseline:
    return replace(
        baseline(name, 1.0, 1.0),
        status=status,
        error="the kernel killed ffmpeg at the ceiling",
        wall_s=None,
        wall_ci95_s=None,
        estimated=False,
        speedup=None,
        speedup_ci95=None,
    )


def write(campaign: Path, records: list[Record], verdict: Recommendation) -> Path:
    """The campaign's folder, as `clipkit tune` leaves it for the report."""
    (campaign / "samples").mkdir(parents=True)
    lines = [json.dumps(record.to_row()) + "\n" for record in records]
    (campaign / "runs.jsonl").write_text("".join(lines), "utf-8")
    document = json.dumps(verdict.to_json())
    (campaign / "recommendation.json").write_text(document, "utf-8")
    environment = {"cpu": "Invented CPU", "cores": 2, "cgroup": {"version": 1}}
    (campaign / "environment.json").write_text(json.dumps(environment), "utf-8")
    uploads = {"holiday.mp4": verdict.upload}
    (campaign / "uploads.json").write_text(json.dumps(uploads), "utf-8")
    for record in records:
        if record.phase in ("baseline", "confirm"):
            samples(record).to_parquet(campaign / "samples" / f"{record.run_id}.parquet")
    return campaign


HOSTILE = "</script><img src=https://evil.example/x.png onerror=alert(1)>&amp;.mp4"


def hostile() -> Recommendation:
    """An upload whose name is an attack, in every field that can hold it."""
    plain = recommendation()
    return replace(
        plain,
        upload={"path": HOSTILE, "duration_s": 600.0},
        job={"clips": 12, "upload": HOSTILE},
        headline=(HOSTILE,),
        verdict=plain.verdict + HOSTILE,
        why=(HOSTILE,),
        do=(*plain.do, HOSTILE),
        measured_on=HOSTILE,
        unmeasured=(HOSTILE,),
        again=HOSTILE,
        baselines=(*plain.baselines, replace(baseline("command", 300.0, 3.5), command=HOSTILE)),
    )
