"""A record that nobody measured, and its memory over time: what invented campaigns are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings

TEMPLATE = Record(
    run_id="",
    campaign="invented",
    cell="",
    block=0,
    order=0,
    attempt=1,
    phase="screen",
    subject="clipkit",
    command=None,
    status=Status.OK,
    error=None,
    ceiling="cgroup1",
    host="render-starter",
    memory_limit_bytes=512 * MIB,
    cpu_quota=0.5,
    reserve_bytes=96 * MIB,
    usd_per_month=7.0,
    settings=Settings().used,
    upload_sha256="0" * 64,
    width=1280,
    height=720,
    fps=25.0,
    codec="h264",
    bit_depth=8,
    gop_s=10.0,
    upload_s=600.0,
    clips=12,
    clip_s=12.0,
    clips_seed=None,
    clip_starts_s=(0.0, 50.0),
    clip_wall_s=(2.0, 2.5),
    clip_cpu_s=(3.0, 3.5),
    orchestrator_peak_rss_bytes=14 * MIB,
    ffmpeg_peak_rss_bytes=64 * MIB,
    peak_shmem_bytes=0,
    peak_kernel_bytes=2 * MIB,
    oom_kills=0,
    output_bytes=30_000_000,
    started_utc="2025-01-02T03:04:05+00:00",
    clipkit_version="0.1.0",
    ffmpeg_version="ffmpeg version invented",
    host_id="invented",
    load_before=0.1,
)


def samples(record: Record) -> pd.DataFrame:
    """A saw tooth: every clip's ffmpeg grows to the peak and goes."""
    cores = record.cpu_quota or 1.0
    wall_s, peak = record.wall_s or 10.0, record.peak_anon_bytes or 64 * MIB
    t_s = np.arange(0.0, wall_s, 0.1)
    tooth = (t_s * record.clips / wall_s) % 1
    anon = (12 * MIB + (peak - 12 * MIB) * np.minimum(1, tooth * 4)).astype("int64")
    return pd.DataFrame(
        {
            "t_s": t_s,
            "anon_bytes": anon,
            "shmem_bytes": 0,
            "kernel_bytes": 2 * MIB,
            "cache_bytes": 200 * MIB,
            "total_bytes": anon + 200 * MIB + record.reserve_bytes,
            "cpu_s": t_s * cores * 0.96,
            "throttled_s": t_s * 0.5,
        }
    )
