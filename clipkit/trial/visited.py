"""What came of a visit to a service: its clips, and its times by the service's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit.ceiling.base import Usage
from clipkit.engine.boxes import Mp4Error
from clipkit.engine.mp4 import read_video_track
from clipkit.trial.launcher import Launch, launch_of
from clipkit.trial.sampler import Sampler
from clipkit.trial.talk import Told
from clipkit.trial.told_job import ENDED
from clipkit.trial.visit import Visit


@dataclass(slots=True)
class Ending:
    """How a service's life ended. `why`: it did not serve, or died, in words; `killed`: that others ended it,
    or the kernel for want of memory; `no_space`: the disk on which it worked was full in the end."""

    ready_s: float | None = None
    usage: Usage | None = None
    own_oom_kills: int | None = None
    peak_rss_bytes: int | None = None
    died: bool = False
    killed: str | None = None
    no_space: bool = False
    why: str | None = None
    stop_s: float | None = None
    exit_code: int | None = None
    back_s: float | None = None
    job_lost: bool | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class JobTimes:
    """Of a job that has ended, by the service's clock."""

    ordered_s: float
    first_s: float | None
    last_s: float
    spans: tuple[tuple[float, float], ...]

    @property
    def wall_s(self) -> float:
        return self.last_s - self.ordered_s


def told_of(visit: Visit, ending: Ending, launches: Sequence[Launch]) -> Told:
    """As an orchestrator tells of its clips; those that were never begun are told of as lost."""
    known = {clip["number"]: clip for clip in visit.document.get("clips", [])}
    unused = [launch for launch in launches if launch.reads_a_file]
    told = Told(cancelled=ending.cancelled)
    for number, clip in enumerate(visit.job.clips, start=1):
        launch = launch_of(clip, unused)
        argv = list(launch.argv) if launch else []
        event = _event(known.get(number), visit, ending, number)
        full = event["status"] != "ok" and (ending.no_space or _says_full(event["error"]))
        told.clips.append(
            {"number": number, "change": None, "argv": argv, **event, "no_space": full}
        )
    times = times_of(visit)
    if times:
        told.done = {
            "wall_s": times.wall_s,
            "first_clip_s": None if times.first_s is None else times.first_s - times.ordered_s,
            "cpu_s": visit.moments.in_job(lambda moment: moment.own.cpu_s),
            "ffmpeg_cpu_s": visit.moments.in_job(lambda moment: moment.ffmpeg.cpu_s),
            "peak_rss_bytes": ending.peak_rss_bytes,
        }
    return told


def job_end_s(visit: Visit, sampler: Sampler) -> float:
    """When its last ffmpeg ended, by the samples' clock; now, where the job has not ended."""
    times, seen = times_of(visit), visit.moments.get("ended")
    if times is None or seen is None:
        return sampler.now_s
    return sampler.at_s(seen.at_s - (seen.clock_s - times.last_s))


def _event(
    clip: dict[str, Any] | None, visit: Visit, ending: Ending, number: int
) -> dict[str, Any]:
    event: dict[str, Any] = {
        "status": "cancelled" if ending.cancelled else "killed" if ending.killed else "failed",
        "error": ending.why or visit.told or "the service was gone before this clip was finished",
        "wall_s": 0.0,
        "cpu_s": None,
        "peak_rss_bytes": None,
        "frames": None,
        "file": None,
        "bytes": None,
    }
    if clip and clip["ended_s"] is not None and clip["started_s"] is not None:
        event |= {"status": clip["status"], "error": clip["error"], "bytes": clip["bytes"]}
        event["wall_s"] = clip["ended_s"] - clip["started_s"]
        if clip["status"] == "ok" and not ending.cancelled:
            event |= _checked(visit, number, clip["bytes"])
    elif visit.timed_out:
        event |= {"status": "timeout", "error": "the time limit struck"}
    elif clip and clip["status"] in ("failed", "killed", "timeout"):  # it never began
        event |= {"status": clip["status"], "error": clip["error"]}
    if clip and clip["status"] == "failed" and visit.routes.is_theirs and ending.died:
        event["error"] = f"{event['error']}; {ending.why}"
    return event


def _says_full(error: str | None) -> bool:
    return any(words in (error or "") for words in ("No space left on device", "ENOSPC"))


def _checked(visit: Visit, number: int, told_bytes: int | None) -> dict[str, Any]:
    """What came over the wire: as many bytes as the job says, where it does, and a clip that shows
    something. The server's word is all there is where it gives none out."""
    if not visit.routes.can_fetch:
        return {}
    fetched = visit.fetched.get(number)
    if not isinstance(fetched, Path):
        return {"status": "failed", "error": f"it cannot be fetched: {fetched or 'not tried'}"}
    size_bytes = fetched.stat().st_size
    if told_bytes not in (None, size_bytes):
        return {"status": "failed", "error": f"{size_bytes} bytes came of {told_bytes}"}
    try:
        track = read_video_track(fetched)
    except (Mp4Error, OSError) as error:
        return {"status": "failed", "error": f"no readable clip came: {error}"}
    return {"frames": track.frames_shown, "file": fetched.name, "bytes": size_bytes}


def times_of(visit: Visit) -> JobTimes | None:
    """None where the job has not ended, or no clip of it has run."""
    document = visit.document
    if document.get("status") not in ENDED:
        return None
    ran = [clip for clip in document["clips"] if clip["ended_s"] and clip["started_s"]]
    if not ran:
        return None
    well = [clip["ended_s"] for clip in ran if clip["status"] == "ok"]
    return JobTimes(
        ordered_s=document["created_s"],
        first_s=min(well, default=None),
        last_s=max(clip["ended_s"] for clip in ran),
        spans=tuple((clip["started_s"], clip["ended_s"]) for clip in ran),
    )
