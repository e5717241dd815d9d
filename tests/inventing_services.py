"""Invented starts of services next to each other, with given times and memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd
from inventing_claims import ORIGINAL, Place, cut, table

from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.settings import Settings

WIDE = Place(cpus=2.0)
"""Where one clip at a time, which uses 1.4 cores, leaves CPU idle."""
CORES = 1.4
OWN_MB = {"node": (19, 55, 50), "python": (34, 39, 38), "rust": (1, 6, 5)}
"""At rest, while an upload arrives, while clips are cut."""
CLIP_MB = 50


def serve(
    service: str = "node",
    settings: Settings = ORIGINAL,
    *,
    place: Place = WIDE,
    argv: str = "same",
    own_mb: tuple[float, float, float] | None = None,
    gaps_s: float = 0.0,
    **changes: object,
) -> Record:
    """Four clips in 60 s; the whole needs the service's own memory and 50 MB a clip at once."""
    rest, upload, clips = own_mb or OWN_MB[service]
    at_once = min(settings.concurrency, 4)
    served = Served(
        service=service,
        service_argv=argv,
        service_rest_bytes=int(rest * MIB),
        service_upload_peak_bytes=int(upload * MIB),
        service_clips_peak_bytes=int(clips * MIB),
        service_gaps_s=gaps_s,
    )
    started = cut(
        "service",
        settings,
        place,
        clips=4,
        served=served,
        clip_wall_s=(15.0,) * 4,
        peak_anon_bytes=int((clips + CLIP_MB * at_once - 2) * MIB),
        orchestrator_cpu_s=0.06,
    )
    told = replace(started, **changes)
    if "ffmpeg_cpu_s" in changes or not told.wall_s:
        return told
    return replace(told, ffmpeg_cpu_s=told.wall_s * min(CORES, place.cpus))


def starts(trials: Iterable[Record], blocks: int = 5, log_sd: float = 0.005) -> pd.DataFrame:
    """Each in every block; no start needs the memory of another to the byte."""
    rows = table(trials, blocks, log_sd)
    for number, name in enumerate(name for name in rows if name.startswith("service_")):
        if name.endswith("_bytes"):
            shift = 1 + 0.001 * ((rows["block"] * 7 + rows.index * 3 + number) % 5)
            rows[name] = (rows[name] * shift).round().astype("Int64")
    return rows


def faster(factor: float, **kept: object) -> dict[str, object]:
    """A wall time that many times as short, of the same work of ffmpeg."""
    return {"wall_s": 60.0 / factor, "ffmpeg_cpu_s": 60.0 * CORES, **kept}
