"""From the short clips of a screening to whole ones: by how much they take longer. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

from clipkit.campaign.strategy import Cell
from clipkit.plan.clips import Clip, Job, span
from clipkit.records.record import Record
from clipkit.records.status import is_finished
from clipkit.tuning.question import Question

Trials = Sequence[tuple[Cell, Record]]


def whole_clips(question: Question, results: Trials) -> dict[str, float]:
    """Upload -> by how much the job's mean clip takes longer than the rounds' mean short one, as a logarithm.

    Both decode the same way from the key frame, so their times differ by less than their lengths. Where
    the first pair's settings cut a whole and a short clip from the same start, the two times tell what a
    frame before the clip takes and what one of it does; else the lengths decide.
    """
    found: dict[str, float] = {}
    for job in question.jobs:
        own = [
            (cell, record)
            for cell, record in results
            if record.upload_sha256 == job.upload.sha256 and is_finished(record)
        ]
        rounds = {cell.block: cell.job for cell, _ in own if cell.phase == "screen"}
        if rounds:
            frame_s = _frame_s(question, job, own)
            short_s = fmean(_mean_s(question, short, *frame_s) for short in rounds.values())
            found[job.upload.sha256] = math.log(_mean_s(question, job, *frame_s) / short_s)
    return found


def _frame_s(question: Question, job: Job, own: Trials) -> tuple[float, float]:
    """Seconds for a frame before a clip, which is decoded in vain, and for one of it; in any unit."""
    short = {
        (cell.settings, clip.start_s): (wall_s, clip)
        for cell, record in own
        if cell.phase == "screen"
        for clip, wall_s in _clips(cell, record)
    }
    both = [
        (wall_s, clip, *short[cell.settings, clip.start_s])
        for cell, record in own
        if cell.phase == "first"
        for clip, wall_s in _clips(cell, record)
        if (cell.settings, clip.start_s) in short
    ]
    more = sum(_frames(job, clip) - _frames(job, cut) for _, clip, _, cut in both)
    longer_s = sum(wall_s - short_s for wall_s, _, short_s, _ in both)
    if more <= 0 or longer_s <= 0:
        return 0.0, 1.0
    inside_s = longer_s / more
    before_s = sum(short_s - inside_s * _frames(job, cut) for _, _, short_s, cut in both)
    vain = sum(_in_vain(question, job, cut) for *_, cut in both)
    # Starting a process takes its time too: with hardly a frame in vain it would be taken for theirs.
    return (min(inside_s, max(0.0, before_s / vain)) if vain else 0.0), inside_s


def _mean_s(question: Question, job: Job, before_s: float, inside_s: float) -> float:
    times: Iterable[float] = (
        before_s * _in_vain(question, job, clip) + inside_s * _frames(job, clip)
        for clip in job.clips
    )
    return fmean(times)


def _clips(cell: Cell, record: Record) -> Iterator[tuple[Clip, float]]:
    """Each with its own wall seconds."""
    return zip(cell.job.clips, record.clip_wall_s, strict=True)


def _frames(job: Job, clip: Clip) -> int:
    return span(job.upload, clip).frames


def _in_vain(question: Question, job: Job, clip: Clip) -> int:
    decoded = question.cutter.frames_decoded(job, clip, question.candidates[0])
    return max(0, (decoded or 0) - _frames(job, clip))
