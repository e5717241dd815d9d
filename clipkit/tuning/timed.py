"""How long one subject takes for the whole job, from the trials that cut parts of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from clipkit.analysis.statistics import (
    Estimate,
    mean,
    noise_of,
    paired_ratio,
    quotient,
    total,
    total_by_ratio,
)
from clipkit.campaign.strategy import Cell
from clipkit.plan.clip_work import clip_work, job_work
from clipkit.plan.clips import Clip, Job
from clipkit.plan.frames import span
from clipkit.plan.subject import Subject
from clipkit.records.noise import Noise
from clipkit.records.record import Record
from clipkit.records.status import Status, has_failed, is_finished
from clipkit.settings import Settings
from clipkit.tuning.question import Question
from clipkit.tuning.screening import Results

# How much clips of one film differ where only one was run: a guess on the wide side, with few
# degrees of freedom, so that the interval says how little is known.
_USUAL_SPREAD = Noise(0.2, 4)
# From as many on, pairs say themselves how much they differ.
_PAIRS_ENOUGH = 3


@dataclass(frozen=True, slots=True)
class Timed:
    """One subject on the host. `wall` is the whole job's time; None: it did not finish.

    `failures` counts trials that ended badly though others did not, `failure` is why the first of them did. `clips_run` counts the clips that were
    really run, each once. Of a baseline, `speedup` is its time over
    the recommended settings'. `peak_need_bytes` is the largest of
    `runs` runs, of which it is known.
    """

    subject: Subject
    status: Status
    error: str | None
    wall: Estimate | None
    cpu_s: float | None
    peak_need_bytes: int | None
    peak_anon_bytes: int | None
    runs: int
    clips_run: int
    pairs: int
    speedup: Estimate | None
    failures: int = 0
    failure: str | None = None

    def estimate_words(self, clips: int) -> str:
        """What of the time of a job of so many clips was not run; empty where all of it was."""
        whole = self.wall is None or self.clips_run >= clips
        return "" if whole else f"estimated from {self.clips_run} of {clips} clips"

    @property
    def decided(self) -> bool:
        """Whether the recommended settings are shown to be faster, or slower."""
        bounds = self.speedup.interval if self.speedup else None
        return bounds is not None and not bounds[0] <= 1 <= bounds[1]


@dataclass(frozen=True, slots=True)
class Runs:
    """All trials of one subject that tell its time, and all that tell its `memory`. `settings`: what they
    ran with, as far as that tells how much a clip is to do; `noise`: what repeats differ by."""

    question: Question
    subject: Subject
    settings: Settings
    noise: Noise
    all: Results
    memory: Results

    def timed(self) -> Timed:
        failed = [record for _, record in self.all if has_failed(record)]
        ends = {record.status for _, record in self.all}
        wall = self.wall()
        ran = [record for _, record in self.memory if is_finished(record)]
        needs = [r.peak_need_bytes for r in ran if r.peak_need_bytes is not None]
        peaks = [r.peak_anon_bytes for r in ran if r.peak_anon_bytes is not None]
        if wall is not None:
            status, error = Status.OK, None
        elif failed:
            status, error = failed[0].status, failed[0].error
        elif Status.INVALID_NOISE in ends:
            status, error = Status.INVALID_NOISE, "other machines took too much of this one"
        elif Status.INVALID_MACHINE in ends:
            status, error = Status.INVALID_MACHINE, "the machine failed in each attempt"
        else:
            status, error = Status.CANCELLED, "not run: no time was left"
        return Timed(
            subject=self.subject,
            status=status,
            error=error,
            wall=wall,
            cpu_s=self.total(lambda record: record.cpu_s).value if wall else None,
            peak_need_bytes=max(needs, default=None),
            peak_anon_bytes=max(peaks, default=None),
            runs=len(needs),
            clips_run=self.clips_run(),
            pairs=len(self.pairs()),
            speedup=None,
            failures=len(failed),
            failure=failed[0].error if failed else None,
        )

    def over(self, quicker: Runs) -> Estimate | None:
        """How many times as long it takes. Pair by pair, where at least two pairs were run to their end."""
        theirs, ours = self.pairs(), quicker.pairs()
        both = sorted(ours.keys() & theirs.keys())
        if len(both) >= 2:
            # Pairs may be noisier than screening was: what they say themselves has the greater weight.
            noise = Noise(quicker.noise.log_sd, min(quicker.noise.freedom, _PAIRS_ENOUGH))
            return paired_ratio([theirs[b] for b in both], [ours[b] for b in both], noise)
        own, other = self.timed().wall, quicker.timed().wall
        return None if own is None or other is None else quotient(own, other)

    def finished(self, job: Job | None = None) -> list[tuple[Cell, Record]]:
        return [
            (cell, record)
            for cell, record in self.all
            if is_finished(record) and (job is None or record.upload_sha256 == job.upload.sha256)
        ]

    def output_bytes(self) -> float | None:
        """Of the whole job's clips, by those that were cut; None where none was."""
        own = [r for _, r in self.finished() if r.output_bytes is not None]
        cut = sum(record.clips for record in own)
        whole = self.question.clips * len(self.question.jobs)
        return sum(r.output_bytes or 0 for r in own) / cut * whole if cut else None

    def encoded_fraction(self) -> float | None:
        """Of the pictures of the clips that were cut; None where that was not recorded."""
        own = [(cell, r.encoded_frames) for cell, r in self.finished()]
        known = [(cell, frames) for cell, frames in own if frames is not None]
        if not known or len(known) < len(own):
            return None
        shown = sum(
            span(cell.job.upload, clip).frames for cell, _ in own for clip in cell.job.clips
        )
        return sum(frames for _, frames in known) / shown

    def clips_run(self) -> int:
        return sum(
            clip.start_s in {at for _, record in self.finished(job) for at in record.clip_starts_s}
            for job in self.question.jobs
            for clip in job.clips
        )

    def wall(self) -> Estimate | None:
        """Time of the whole job: from the confirming pairs where there are enough, else clip by clip.
        None where an upload has no finished trial."""
        if len(pairs := self.pairs()) >= _PAIRS_ENOUGH:
            return mean(list(pairs.values()))
        if not all(self.finished(job) for job in self.question.jobs):
            return None
        return self.total(lambda record: record.wall_s or 0.0)

    def pairs(self) -> dict[int, float]:
        """Block -> wall seconds of the whole job by that block's trials, which cut a part of it;
        only blocks that ended well."""
        parts: dict[int, dict[str, float]] = {}
        for job in self.question.jobs:
            whole = self._size(job)
            for cell, record in self.finished(job):
                if cell.phase == "confirm":
                    share = self._size(cell.job) / whole
                    walls = parts.setdefault(cell.block, {})
                    walls[record.upload_sha256] = (record.wall_s or 0.0) / share
        uploads = [job.upload.sha256 for job in self.question.jobs]
        return {
            block: sum(walls[upload] for upload in uploads)
            for block, walls in parts.items()
            if walls.keys() == set(uploads)
        }

    def total(self, measure: Callable[[Record], float]) -> Estimate:
        return total([self._by_clip(job, measure) for job in self.question.jobs])

    def _by_clip(self, job: Job, measure: Callable[[Record], float]) -> Estimate:
        """From the clips that were run to all, in proportion to what each is to do."""
        own, sizes = self.finished(job), self._sizes(job)
        clips = sum(record.clips for _, record in own) / len(own)
        spread = _spread(own, sizes)
        return total_by_ratio(
            [measure(record) for _, record in own],
            [self._size(cell.job) for cell, _ in own],
            [sizes[clip] for clip in job.clips],
            Noise(spread.log_sd / math.sqrt(clips), spread.freedom),
            self.noise,
        )

    def _size(self, job: Job) -> float:
        return job_work(self.subject, job, self.settings)

    def _sizes(self, job: Job) -> dict[Clip, float]:
        """What a clip's time grows with: the frames that are decoded and encoded for it. Clips of `smart`
        differ by half in it, those of a way that decodes the film from its start by as much as it is long."""
        return {clip: clip_work(self.subject, job, clip, self.settings) for clip in job.clips}


def _spread(runs: Results, sizes: dict[Clip, float]) -> Noise:
    """How much single clips of one run differ, beyond what they are to do."""
    groups = [
        [
            wall_s / sizes[clip]
            for wall_s, clip in zip(record.clip_wall_s, cell.job.clips, strict=True)
        ]
        for cell, record in runs
        if 1 < len(record.clip_wall_s) == len(cell.job.clips)
    ]
    return noise_of(groups) or _USUAL_SPREAD
