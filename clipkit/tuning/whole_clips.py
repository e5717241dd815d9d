"""From the short clips of a screening to whole ones: by how much they take longer. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from clipkit.campaign.strategy import Cell
from clipkit.model.cpu import ENCODED_FRAME, work
from clipkit.plan.clips import Job
from clipkit.plan.subject import frame_cost
from clipkit.records.record import Record
from clipkit.records.status import is_finished
from clipkit.tuning.question import Question

Trials = Sequence[tuple[Cell, Record]]


def whole_clips(
    question: Question, results: Trials, encoded_frame: float = ENCODED_FRAME
) -> dict[str, float]:
    """Upload -> by how much the job's mean clip takes longer than the rounds' mean short one, as a logarithm.

    Both decode the same way from the key frame, so their times differ by less than their lengths: by the
    frames that each decodes and encodes (`model.cpu`). One whole clip beside a short one of the
    same start would tell it too, but with the noise of two single runs.
    """
    found: dict[str, float] = {}
    for job in question.jobs:
        rounds = {
            cell.block: cell.job
            for cell, record in results
            if cell.phase == "screen" and is_finished(record)
            if record.upload_sha256 == job.upload.sha256
        }
        if rounds:
            short = fmean(_mean_work(question, each, encoded_frame) for each in rounds.values())
            found[job.upload.sha256] = math.log(_mean_work(question, job, encoded_frame) / short)
    return found


def _mean_work(question: Question, job: Job, encoded_frame: float) -> float:
    cost = frame_cost(question.cutter, job.upload, question.candidates[0], encoded_frame)
    return fmean(work(*question.frames(job, clip), cost) for clip in job.clips)
