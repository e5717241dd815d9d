"""What a clip takes on the hosts that were measured: of each campaign, the original's ways and the tuned one;
of services, each service's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clipkit import format as fmt
from clipkit.errors import CampaignError
from clipkit.plan.auto import ENCODE
from clipkit.plan.services import SERVICE, SKETCHED
from clipkit.records.best import RECOMMENDED
from clipkit.records.campaign import Campaign
from clipkit.records.condition import Condition
from clipkit.records.folder import is_tuning, searches_the_edge
from clipkit.records.identity import plain, who_of
from clipkit.records.usual_noise import usual_noise
from clipkit.settings import Settings
from clipkit.tuning.optimum import optima
from clipkit.tuning.recommendation import Recommendation, read_recommendation

TUNED = "tuned"
"""With the best settings for re-encoding; of another mode its words follow."""
ORIGINALS = {
    "fluent": "original, seeking before the input",
    "sketch": "original, seeking after the input",
    "command": "your command",
}
"""Subject -> how it is called beside the tuned settings."""
_ORIGINAL = {"preset": "ultrafast", "concurrency": 1}
_CRF = Settings().crf


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What one way takes for a clip on one host. `cpu_s_per_clip`: of all processes; `peak_bytes` what it
    needs; None: unknown. `part`: estimated from a part of the job. `plan`: whose host was measured itself, and is
    played here by other figures than its own; None: what those say."""

    campaign: str
    how: str
    memory_bytes: int | None
    cpus: float | None
    lines: int
    clip_s: float
    s_per_clip: float
    ci95_s: tuple[float, float] | None
    cpu_s_per_clip: float | None
    peak_bytes: int | None
    log_sd: float
    part: bool = False
    plan: str | None = None

    @property
    def job(self) -> str:
        """`720p, 12 s`."""
        return f"{self.lines}p, {self.clip_s:g} s"


def timings_of(campaign: Campaign) -> tuple[Timing, ...]:
    """Of a tuning, or of a sweep. Raises CampaignError where nothing finished, or no time tells anything."""
    if searches_the_edge(campaign.folder):
        raise CampaignError(f"{campaign.name} searched for the edge of memory: it tells no times")
    if is_tuning(campaign.folder):
        return tuple(_of_tuning(campaign.name, read_recommendation(campaign.folder)))
    return tuple(_of_sweep(campaign))


def of_one_job(
    timings: Sequence[Timing], lines: int | None, clip_s: float | None
) -> tuple[Timing, ...]:
    """Those of the one job that is asked for. Raises CampaignError where there are several, or none."""
    found = [
        timing
        for timing in timings
        if lines in (None, timing.lines) and clip_s in (None, timing.clip_s)
    ]
    jobs = list(dict.fromkeys(timing.job for timing in found))
    known = "; ".join(dict.fromkeys(timing.job for timing in timings))
    if not jobs:
        raise CampaignError(f"no such clips were measured: there are {known}")
    if len(jobs) > 1:
        raise CampaignError(
            f"several jobs were measured, choose one by --lines and --clip-s: {'; '.join(jobs)}"
        )
    return tuple(found)


def _of_tuning(name: str, found: Recommendation) -> Iterator[Timing]:
    clips, clip_s = found.measured_job["clips"], float(found.measured_job["clip_s"])
    wall_s, ci95_s = found.confirmed_wall_s, found.confirmed_ci95_s
    room: dict[str, Any] = {
        "campaign": name,
        "memory_bytes": found.host.memory_bytes,
        "cpus": found.host.cpus,
        "lines": _lines_of(name, found.upload),
        "clip_s": clip_s,
        "log_sd": usual_noise(found.host.cpus).log_sd,
        "plan": found.host.name if found.host.as_measured else None,
    }
    way, encode = found.way, found.modes[0] if found.modes else None
    yield Timing(
        **room,
        how=TUNED if way is None or way is encode else f"{TUNED}, {way.words}",
        s_per_clip=(found.predicted_wall_s if wall_s is None else wall_s) / clips,
        ci95_s=_each(ci95_s, clips),
        cpu_s_per_clip=None if found.cpu_s is None else found.cpu_s / clips,
        peak_bytes=found.peak_need_bytes or found.peak_anon_bytes,
        part=wall_s is None or found.measured_job.get("clips_covered", clips) < clips,
    )
    if encode is not None and way is not encode and encode.wall_s is not None:
        yield Timing(
            **room,
            how=TUNED,
            s_per_clip=encode.wall_s / clips,
            ci95_s=_each(encode.wall_ci95_s, clips),
            cpu_s_per_clip=None if encode.cpu_s is None else encode.cpu_s / clips,
            peak_bytes=encode.peak_need_bytes,
            part=encode.clips_run < clips,
        )
    for baseline in found.baselines:
        if baseline.wall_s is not None and baseline.name in ORIGINALS:
            cpu_s, asked = baseline.cpu_s, baseline.clips_asked
            yield Timing(
                **room,
                how=ORIGINALS[baseline.name],
                s_per_clip=baseline.wall_s / asked,
                ci95_s=_each(baseline.wall_ci95_s, asked),
                cpu_s_per_clip=None if cpu_s is None else cpu_s / asked,
                peak_bytes=baseline.peak_anon_bytes,
                part=baseline.estimated,
            )


def _lines_of(name: str, upload: Mapping[str, Any]) -> int:
    """Of several that were tuned for together, where they are as large. Raises CampaignError."""
    films = upload.get("uploads", [upload])
    lines: set[int] = {min(film["width"], film["height"]) for film in films}
    if len(lines) > 1:
        told = " and ".join(f"{each}p" for each in sorted(lines))
        raise CampaignError(
            f"{name} tuned for uploads of {told} together: what a clip of each takes is unknown, tune them apart"
        )
    return lines.pop()


def _of_sweep(campaign: Campaign) -> list[Timing]:
    rows = campaign.cells.to_dict("records")
    by_cell = {row["cell"]: row for row in rows}
    found = [
        _of_cell(campaign.name, row, ORIGINALS[row["subject"]])
        for row in rows
        if row["subject"] in ORIGINALS and _is_original(row) and plain(row["wall_s"]) is not None
    ]
    found += _of_services(campaign.name, rows)
    try:
        best = [by_cell[each.best.cell] for each in optima(campaign) if each.fastest]
    except CampaignError:
        if not found:
            raise
        best = []
    return found + [_of_cell(campaign.name, row, _tuned_words(row)) for row in best]


def _tuned_words(row: Mapping[Any, Any]) -> str:
    mode = plain(row["mode"])
    return TUNED if mode in (None, ENCODE) else f"{TUNED}, mode {mode}"


def _of_services(campaign: str, rows: Sequence[Mapping[Any, Any]]) -> Iterator[Timing]:
    """Each as the original sets it, and with the best settings of the original's picture. Its memory is the
    service's and its ffmpegs' together: nothing has to be kept for a server beside it."""
    for row in rows:
        if row["subject"] != SERVICE or plain(row["wall_s"]) is None or not _is_its_picture(row):
            continue
        if _is_original(row):
            yield _of_cell(campaign, row, f"{who_of(row)}, {_service_words(row)}")
        if _is_as_the_original_seeks(row) and row["standing"] == RECOMMENDED:
            yield _of_cell(campaign, row, f"{who_of(row)}, {TUNED}")


def _is_as_the_original_seeks(row: Mapping[Any, Any]) -> bool:
    return bool(row["service_argv"] != SKETCHED and row["seek"] == "input")


def _service_words(row: Mapping[Any, Any]) -> str:
    after = row["seek"] == "output" and row["service_argv"] != SKETCHED
    return "seeking after the input" if after else "the original's settings"


def _is_its_picture(row: Mapping[Any, Any]) -> bool:
    return (plain(row["preset"]), plain(row["crf"])) == (_ORIGINAL["preset"], _CRF)


def _is_original(row: Mapping[Any, Any]) -> bool:
    """One clip at a time, its preset; the encoder's threads are the subject's own way."""
    if row["subject"] == "command":
        return True
    one = row["subject"] == "fluent" or (
        row["subject"] == SERVICE and row["service_argv"] != SKETCHED
    )
    return (not one or plain(row["encoder_threads"]) == 1) and all(
        plain(row[name]) == value for name, value in _ORIGINAL.items()
    )


def _of_cell(campaign: str, row: Mapping[Any, Any], how: str) -> Timing:
    condition, clips = Condition.of(row), int(row["clips"])
    cpu_s, peak = plain(row["cpu_s"]), plain(row["peak_need_bytes"])
    bounds = plain(row["s_per_clip_low"]), plain(row["s_per_clip_high"])
    return Timing(
        campaign=campaign,
        how=how,
        memory_bytes=condition.memory_bytes,
        cpus=condition.cpus,
        lines=condition.lines,
        clip_s=condition.clip_s,
        s_per_clip=float(row["s_per_clip"]),
        ci95_s=None if None in bounds else (float(bounds[0]), float(bounds[1])),
        cpu_s_per_clip=None if cpu_s is None else float(cpu_s) / clips,
        peak_bytes=None if peak is None else int(peak),
        log_sd=float(row["log_sd"]),
    )


def _each(bounds: tuple[float, float] | None, clips: int) -> tuple[float, float] | None:
    return None if bounds is None else (bounds[0] / clips, bounds[1] / clips)


def jobs_words(timings: Sequence[Timing]) -> str:
    """The job and what it was measured on, for a caption."""
    first = timings[0]
    campaigns = ", ".join(dict.fromkeys(timing.campaign for timing in timings))
    return f"clips of {fmt.seconds(first.clip_s)} from {first.lines}p, measured in {campaigns}"
