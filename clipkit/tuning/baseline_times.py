"""The second part of a tuning: how long the ways that a backend cuts today take on the host."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from clipkit.plan.subject import Cuts
from clipkit.records.status import is_finished
from clipkit.tuning.sampling import balanced_pairs
from clipkit.tuning.session import PAIRS, Programme, Session, timeout_s

# Of what is left after screening: what baselines that nobody is paired with may take together, the
# slowest one's first clip, and pairs of all that take part in the rounds.
_OTHERS_SHARE, _SLOW_CLIP_SHARE, _RIVALS_SHARE = 0.25, 0.5, 0.9


def time_baselines(session: Session) -> Programme:
    """A first pair of clips of each, one clip a trial; then more of a rival that is too slow to
    take part in the confirming rounds. Where the user's own command is the rival, the others get
    a clip."""
    rival, theirs = (
        session.question.rival,
        session.question.rival and session.question.rival.command,
    )
    tried = [cell.subject for cell, _ in session.results]
    others = [subject for subject in session.question.baselines if subject not in tried]
    deadline_s = session.elapsed_s() + _OTHERS_SHARE * session.left_s
    for subject in sorted(others, key=session.pace.is_slow):
        clips = first_clips(session, subject)
        dear = session.elapsed_s() + session.pace.expected_s(subject, clips) > deadline_s
        only_one = dear or (theirs and subject is not rival)
        yield from time_clips(session, subject, clips[-1:] if only_one else clips)
    session.rivals = _rivals(session)
    for subject in sorted(session.question.baselines, key=session.pace.is_slow):
        if subject not in session.rivals and (subject is rival or not theirs):
            slow_s = session.elapsed_s() + _SLOW_CLIP_SHARE * session.left_s
            yield from _time_more(session, subject, slow_s if subject is rival else deadline_s)


def first_clips(session: Session, subject: Cuts) -> tuple[int, ...]:
    """Two clips evenly around the middle; where even they will hardly fit, the middle one. Where that is
    sure to outlast the budget none, but of the rival the latest that fits: without it nothing is told."""
    pair, middle = balanced_pairs(session.question.clips)[0], session.question.clips // 2
    affordable_s = _OTHERS_SHARE * session.left_s
    if session.pace.expected_s(subject, pair) <= affordable_s:
        return pair
    sure = subject.seek(session.question.fixed) == "output"
    if subject is session.question.rival:
        fits = (at for at in range(middle, 0, -1) if _clip_s(session, subject, at) <= affordable_s)
        return (next(fits, 0),)
    return () if sure and _clip_s(session, subject, middle) > session.left_s else (middle,)


def _clip_s(session: Session, subject: Cuts, index: int) -> float:
    return session.pace.expected_s(subject, [index])


def _time_more(session: Session, subject: Cuts, deadline_s: float) -> Programme:
    """Pair after pair while one fits: all cost about the same, as the early clip of a pair saves
    what the late one spends."""
    for pair in balanced_pairs(session.question.clips)[1:]:
        clip_s = session.pace.clip_s(subject)
        left = [index for index in pair if index not in _run(session, subject)]
        if clip_s is None or session.elapsed_s() + len(left) * clip_s > deadline_s:
            return
        yield from time_clips(session, subject, left)
        if not is_finished(session.results[-1][1]):
            return


def _run(session: Session, subject: Cuts) -> set[int]:
    """Of a baseline, the places of the clips that it cut by itself."""
    job = session.question.jobs[0]
    starts = {
        clip.start_s
        for cell, _ in session.results
        if cell.subject == subject and cell.phase == "baseline"
        for clip in cell.job.clips
    }
    return {index for index, clip in enumerate(job.clips) if clip.start_s in starts}


def time_clips(session: Session, subject: Cuts, indices: Sequence[int]) -> Programme:
    """Until one fails: the record says so, and the tuning goes on."""
    for index in indices:
        for job in session.question.jobs:
            if session.left_s <= session.winner_clip_s:
                return
            cell = session.cell("baseline", subject, session.pace.plain(), job.reduced([index]), 0)
            record = yield replace(cell, timeout_s=timeout_s(session.left_s))
            if record is None or not is_finished(record):
                return


def _rivals(session: Session) -> tuple[Cuts, ...]:
    """The rival, or where it did not finish the fastest baseline, and each further one while PAIRS
    rounds that together cover the job still fit. Beside the user's own command nobody else is paired."""
    question, clips_s = session.question, {}
    for subject in question.baselines:
        clip_s = session.pace.clip_s(subject)
        if clip_s is not None:
            clips_s[subject] = clip_s
    rival = question.rival
    if rival is not None and rival.command is not None:
        finished = rival in clips_s
        pair_s = session.winner_clip_s + clips_s.get(rival, 0.0)
        fits = pair_s <= session.left_s or not session.pace.is_slow(rival)
        return (rival,) if finished and fits else ()
    round_clips = max(math.ceil(question.clips / PAIRS), session.winner_concurrency)
    rivals: list[Cuts] = []
    round_s = session.winner_clip_s
    for subject in sorted(clips_s, key=lambda each: (each is not rival, clips_s[each])):
        round_s += clips_s[subject]
        least_s = PAIRS * (round_clips * round_s if rivals else round_s)
        fits = least_s <= _RIVALS_SHARE * session.left_s
        if fits or (not rivals and not session.pace.is_slow(subject)):
            rivals.append(subject)
    return tuple(rivals)
