"""The last part of a tuning: fresh pairs of the winner and today's way, and a run of the runner-up."""

from __future__ import annotations

import math
from dataclasses import replace

from clipkit.plan.subject import Cuts
from clipkit.records.status import has_failed
from clipkit.settings import Settings
from clipkit.tuning.sampling import systematic
from clipkit.tuning.session import LONGEST_TRIAL_S, PAIRS, Programme, Session

_MAX_PAIRS = 12


def confirm(session: Session) -> Programme:
    """Fresh rounds of the winner and its rivals, in turn, each on its part of the job; then one
    run of the runner-up.

    Their number is settled before the first one, so that no result decides when to stop; only when the
    budget is used up before that, none follows. The
    rounds' parts together cover the whole job where time allows. A winner that fails here is
    replaced by the next best, and rounds with numbers of their own start again.
    """
    block = 0
    while session.winner is not None:
        settings, clips, first = session.winner, _clips_a_pair(session), block
        planned = _pairs_that_fit(session, clips)
        while block - first < planned and (block == first or session.left_s):
            yield from _pair(session, settings, clips, block)
            block += 1
            if session.winner != settings:
                break
        else:
            yield from _try_the_runner_up(session, clips, block - 1)
            return


def _pair(session: Session, settings: Settings, clips: int, block: int) -> Programme:
    cutter = session.question.cutter
    sides: list[tuple[Cuts, Settings, float]] = [(cutter, settings, session.winner_clip_s)]
    for rival in session.rivals:
        sides.append((rival, session.pace.plain(), session.pace.clip_s(rival) or 0.0))
    for subject, used, clip_s in sides if block % 2 == 0 else reversed(sides):
        for job in session.question.jobs:
            part = job.reduced(systematic(session.question.clips, clips, block))
            cell = session.cell("confirm", subject, used, part, block)
            # What was measured may take three times as long, be the budget ever so short.
            patience_s = max(cell.timeout_s, min(LONGEST_TRIAL_S, 3 * clip_s * clips))
            record = yield replace(cell, timeout_s=patience_s)
            if subject.tunable and record is not None and has_failed(record):
                session.judge()
                return


def _try_the_runner_up(session: Session, clips: int, block: int) -> Programme:
    """Whether the choice was close is seen under the same conditions."""
    runner_up = session.screening.runner_up
    if runner_up is None or session.left_s < clips * session.winner_clip_s:
        return
    for job in session.question.jobs:
        part = job.reduced(systematic(session.question.clips, clips, block))
        yield session.cell("confirm", session.question.cutter, runner_up, part, block)


def _round_s(session: Session) -> float:
    """Wall seconds a clip of the winner and all its rivals together."""
    return session.winner_clip_s + sum(session.pace.clip_s(r) or 0.0 for r in session.rivals)


def _clips_a_pair(session: Session) -> int:
    """As many clips as let PAIRS pairs fit; a multiple of the winner's concurrency if it can."""
    clip_s = _round_s(session)
    fitting = math.floor(session.left_s / (PAIRS * clip_s)) if clip_s else session.question.clips
    fitting = max(1, min(session.question.clips, fitting))
    concurrency = session.winner_concurrency
    if fitting >= session.question.clips:
        return session.question.clips
    return max(fitting - fitting % concurrency, min(concurrency, session.question.clips))


def _pairs_that_fit(session: Session, clips: int) -> int:
    round_s = clips * _round_s(session)
    return max(1, min(_MAX_PAIRS, math.floor(session.left_s / round_s))) if round_s else 1
