"""Clips of each subject beside their upload: exact or not, what is hidden in them, VMAF. Untimed: once a job will do.

What an oracle says that decodes both by itself (`benchmarks/fuzz`). Others' clips are judged as those of mode
`encode` are, which may hide nothing and promise no bits.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))

import copied
import numpy as np
from cases import OURS
from delivered import Clip
from film import Film
from oracle import RIGHT, Asked, Due, Oracle, due

from clipkit.errors import ClipkitError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.media.quality import Quality, score_clip
from clipkit.media.vmaf import Original
from clipkit.plan.clips import Job
from clipkit.plan.frames import span

_PLACES = 3
_NEARLY = Fraction(1, 1000)


@dataclass(frozen=True)
class _Seen:
    exact: bool
    right: bool
    why: str
    pictures: int
    same: int | None
    hidden: int
    hidden_s: float
    vmaf: float | None
    unscored: str
    model: str


class Looking:
    """At clips of one job, cut as they are or `framed`. The upload is decoded once, up to the last of them."""

    def __init__(self, job: Job, crop: str | None, framed: bool, build: FfmpegBuild) -> None:
        self._job, self._crop, self._framed, self._build = job, crop, framed, build
        ends_s = max(clip.end_s for clip in job.clips)
        self._oracle = Oracle(job.upload.path, ends_s + 1)

    def at(self, subject: str, files: Mapping[int, Path]) -> dict[str, Any]:
        """As `kept.Look` has it; `files` of the job's clips by their numbers, from 1 on."""
        seen = [self._clip(subject, number - 1, file) for number, file in files.items()]
        scores = [one.vmaf for one in seen if one.vmaf is not None]
        same = [one.same for one in seen if one.same is not None]
        return {
            "clips_looked_at": len(self._job.clips),
            "exact": sum(one.exact for one in seen),
            "right_pictures": sum(one.right for one in seen),
            "why": next(
                (one.why for one in seen if one.why),
                "" if len(files) == len(self._job.clips) else "it does not cut them",
            ),
            "judged_by": "times" if self._framed else "oracle",
            "pictures": sum(one.pictures for one in seen),
            "same_pictures": sum(same) if same else None,
            "hidden": sum(one.hidden for one in seen),
            "hidden_s": max((one.hidden_s for one in seen), default=0.0),
            "vmaf": fmean(scores) if scores else None,
            "worst_clip": min(scores, default=None),
            "unscored": next((one.unscored for one in seen if one.unscored), ""),
            "model": next((one.model for one in seen if one.model), ""),
        }

    def _clip(self, subject: str, place: int, file: Path) -> _Seen:
        clip = self._job.clips[place]
        asked = Asked.of(f"{clip.start_s:g}", f"{clip.duration_s:g}")
        film, made = self._oracle.films[0], Clip(file)
        wanted = due(film, asked)
        if wanted is None:
            raise SystemExit(
                f"nothing is to be seen of {self._job.upload.path} at {clip.start_s} s"
            )
        mode = subject if subject in OURS else "encode"
        if self._framed:
            reasons = tuple(_time_faults(wanted, made))
        else:
            verdict = self._oracle.judge(asked, file, None, mode)
            reasons = () if verdict.outcome == RIGHT else verdict.reasons
        right = _is_right(film, wanted, made, self._crop)
        stored, shown = made.video.stored, made.video.shown
        lasts = sum(one.lasts for one in stored.samples) * stored.tick - made.video.end
        return _Seen(
            exact=not reasons,
            right=right,
            why=reasons[0] if reasons else "",
            pictures=len(shown),
            same=sum(copied.equal(film, wanted, made)) if right and not self._framed else None,
            hidden=len(stored.samples) - len(shown),
            hidden_s=max(0.0, float(lasts)),
            **self._scored(place, file),
        )

    def _scored(self, place: int, file: Path) -> dict[str, Any]:
        upload = self._job.upload
        try:
            original = Original(upload, span(upload, self._job.clips[place]), self._crop)
            score = score_clip(probe_upload(file), original, self._build, _PLACES)
        except ClipkitError as error:
            return {"vmaf": None, "unscored": str(error), "model": ""}
        if isinstance(score, Quality):
            return {"vmaf": score.mean, "unscored": "", "model": score.model}
        return {"vmaf": None, "unscored": score.why, "model": ""}


def _time_faults(wanted: Due, clip: Clip) -> Sequence[str]:
    """Where only how many pictures there are and when can be told."""
    told = [at for at, _ in clip.video.shown]
    if len(told) != len(wanted.times):
        return (f"{len(told)} pictures instead of {len(wanted.times)}",)
    away = max(abs(one - when) for one, when in zip(told, wanted.times, strict=True))
    return (f"a picture is shown {float(away):.3f} s off",) if away > _NEARLY else ()


def _is_right(film: Film, wanted: Due, clip: Clip, crop: str | None) -> bool:
    """Whether each picture is nearer to its own than to the neighbours' of the upload."""
    if len(clip.film.pictures) != len(wanted.pictures):
        return False
    if crop is not None:  # of another part of the picture: their number has to do
        return True
    return all(
        _nearest(film, index, made.grey) in (None, index)
        for index, made in zip(wanted.pictures, clip.film.pictures, strict=True)
    )


def _nearest(film: Film, index: int, grey: np.ndarray) -> int | None:
    """None: it cannot be told, as they are hardly different from each other."""
    near = range(max(0, index - 2), min(len(film.pictures), index + 3))
    away = {other: _away(film.pictures[other].grey, grey) for other in near}
    best = min(away, key=lambda other: away[other])
    clear = _away(film.pictures[best].grey, film.pictures[index].grey) > _CLEAR and away[best] < (
        _CLEARLY * away[index]
    )
    return best if clear or best == index else None


# Of squared levels of grey: less is what coding does to a picture.
_CLEAR, _CLEARLY = 1.0, 0.8


def _away(one: np.ndarray, other: np.ndarray) -> float:
    return float(((one.astype(np.float32) - other) ** 2).mean())
