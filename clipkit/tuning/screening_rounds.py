"""The first part of a tuning: a first pair, then the candidates in rounds of fewer and fewer."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from clipkit.campaign.strategy import WARMUP
from clipkit.plan.clips import Job
from clipkit.records.status import FAILURES
from clipkit.settings import Settings
from clipkit.tuning.baseline_times import first_clips, time_clips
from clipkit.tuning.candidates import cores_of, likely_best
from clipkit.tuning.sampling import systematic
from clipkit.tuning.session import Programme, Session, timeout_s

# Of the budget: until the candidates are screened, and the longest that their first round may take.
_SCREEN_SHARE, _FIRST_ROUND_SHARE = 0.5, 0.6
_SCREEN_ROUNDS = 30
# Of the budget: how long the first whole clips may take at most.
_FIRST_CLIP_SHARE = 0.5
# Screening clips are cut short where that leaves time for rounds more: to this part of their length,
# and to this many seconds, at most: a process takes a tenth of a second to start.
_SHORTEST_PART, _SHORTEST_S = 1 / 6, 2.0
# So many trials more than two for each candidate: the last few are compared again and again. Short trials
# tell candidates apart as well as long ones do: what differs between neighbours is the machine's speed.
_LAST_TRIALS = 48


def warm_up(session: Session) -> Programme:
    """One clip of each upload, discarded: the first run of an ffmpeg reads it from disk."""
    for job in _shortened(session, [len(session.question.jobs[0].clips) // 2], _SHORTEST_S):
        cutter = session.question.cutter
        yield session.cell(WARMUP, cutter, session.question.candidates[0], job, 0)


def first_pair(session: Session) -> Programme:
    """The likely best and the user's own way, one after the other: how long a whole clip takes here.

    Where the likely one fails the first candidate, the most cautious, stands in for it.
    """
    likely = likely_best(_worthwhile(session), session.question.host)
    for settings in dict.fromkeys((likely, session.question.candidates[0])):
        indices = _screened_indices(session, 0)[: settings.concurrency]
        for job in session.question.jobs:
            cell = session.cell("first", session.question.cutter, settings, job.reduced(indices), 0)
            # Where whole clips take that long, short ones tell more.
            yield replace(cell, timeout_s=timeout_s(_FIRST_CLIP_SHARE * session.question.budget_s))
        session.judge()
        if session.screening.clip_s is not None:
            rival = session.question.rival
            yield from time_clips(session, rival, first_clips(session, rival)) if rival else ()
            return


def screen(session: Session) -> Programme:
    """Every candidate on few short clips, the most cautious first; of many the better half again on others
    (successive halving), of the last few each until it is told from the best, while time for it lasts. A
    round's trials lie next to each other. How many rounds there are does not depend on what they show."""
    failed = {entry.settings for entry in session.screening.entries if entry.status in FAILURES}
    contenders = [settings for settings in _worthwhile(session) if settings not in failed]
    until_s = _SCREEN_SHARE * session.question.budget_s
    length_s = _screening_length_s(session, len(contenders), until_s - session.elapsed_s())
    for block in range(_SCREEN_ROUNDS):
        round_began_s = session.elapsed_s()
        for settings in _in_order(contenders, block):
            late = session.elapsed_s() > _FIRST_ROUND_SHARE * session.question.budget_s
            if session.winner and late:
                break
            for job in _shortened(session, _screened_indices(session, block), length_s):
                yield session.cell("screen", session.question.cutter, settings, job, block)
            session.judge()
        candidate_s = (session.elapsed_s() - round_began_s) / max(1, len(contenders))
        contenders = session.screening.contenders(contenders)
        if len(contenders) < 2 or session.elapsed_s() + candidate_s * len(contenders) > until_s:
            break


def _worthwhile(session: Session) -> list[Settings]:
    """More clips at once than the job has are the same as all of them at once."""
    clips = session.question.clips
    found = [s for s in session.question.candidates if s.concurrency <= clips]
    return found or list(session.question.candidates[:1])


def _in_order(contenders: Sequence[Settings], block: int) -> list[Settings]:
    ordered = list(contenders)
    if block:
        random.Random(block).shuffle(ordered)  # noqa: S311  the machine drifts; no secret
    return ordered


def _screened_indices(session: Session, block: int) -> Sequence[int]:
    """As few clips as really run each concurrency, in full rounds of one clip a core: with 3 clips on
    2 cores, 2 at once would wait for the third alone, and seem slower than they are."""
    cores = cores_of(session.question.host)
    most = max(settings.concurrency for settings in _worthwhile(session))
    clips = min(session.question.clips, cores * math.ceil(max(2, most) / cores))
    return systematic(session.question.clips, clips, block)


def _screening_length_s(session: Session, candidates: int, share_s: float) -> float:
    """So short that all rounds fit their share of the budget, where that can be; as short as can be
    where whole clips did not end."""
    whole_s = max(clip.duration_s for job in session.question.jobs for clip in job.clips)
    clip_s = session.screening.clip_s
    trials = (2 * candidates + _LAST_TRIALS) * len(_screened_indices(session, 0))
    part = max(_SHORTEST_PART, share_s / (trials * clip_s)) if clip_s else 0.0
    return min(whole_s, max(_SHORTEST_S, part * whole_s))


def _shortened(session: Session, indices: Sequence[int], length_s: float) -> list[Job]:
    return [job.reduced(indices).shortened(length_s) for job in session.question.jobs]
