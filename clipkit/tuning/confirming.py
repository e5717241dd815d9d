"""The last part of a tuning: fresh rounds of the winner, other modes and today's way, and a run of the
runner-up."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from clipkit.plan.clip_work import job_work
from clipkit.plan.subject import Cuts
from clipkit.plan.subjects import Engine
from clipkit.records.best import leaves_margin
from clipkit.records.record import Record
from clipkit.records.status import has_failed
from clipkit.settings import Settings
from clipkit.tuning.other_modes import OtherMode
from clipkit.tuning.sampling import systematic
from clipkit.tuning.session import LONGEST_TRIAL_S, PAIRS, Programme, Session

_MAX_PAIRS = 12


def confirm(session: Session) -> Programme:
    """Fresh rounds of the winner and its rivals, in turn, each on its part of the job; then one
    run of the runner-up.

    Their number is settled before the first one, so that no result decides when to stop; only when the
    budget is used up before that, none follows. The
    rounds' parts together cover the whole job where time allows. A winner that fails here, or whose whole clips
    leave no margin of memory, is replaced by the next best, and rounds with numbers of their own start again.
    """
    block = 0
    while session.winner is not None:
        session.modes = session.question.modes  # one that failed did so with other settings
        settings, first = session.winner, block
        clip_s = _round_s(session, settings)
        clips = _clips_a_pair(session, clip_s)
        planned = _pairs_that_fit(session, clips * clip_s)
        while block - first < planned and (block == first or session.left_s):
            yield from _pair(session, settings, clips, block)
            block += 1
            if session.winner != settings:
                break
        else:
            yield from _try_the_runner_up(session, clips, block - 1)
            if session.winner == settings:  # which without the runner-up may no longer be the best
                return


@dataclass(frozen=True, slots=True)
class _Side:
    """One that takes part in a round. `clip_s`: what its clips are expected to take; `mode`: it is no
    candidate but a mode beside them."""

    subject: Cuts
    settings: Settings
    clip_s: float
    mode: OtherMode | None = None


def _sides(session: Session, settings: Settings) -> list[_Side]:
    """The candidate first, then all that it is measured beside."""
    rivals = [
        _Side(rival, session.pace.plain(), session.pace.clip_s(rival) or 0.0)
        for rival in session.rivals
    ]
    beside = [
        _Side(Engine(), mode.settings(settings), session.winner_clip_s, mode)
        for mode in session.modes
    ]
    return [_Side(session.question.cutter, settings, session.winner_clip_s), *beside, *rivals]


def _pair(session: Session, settings: Settings, clips: int, block: int) -> Programme:
    sides = _sides(session, settings)
    for side in sides if block % 2 == 0 else reversed(sides):
        for job in session.question.jobs:
            part = job.reduced(systematic(session.question.clips, clips, block))
            cell = session.cell("confirm", side.subject, side.settings, part, block)
            # What was measured may take three times as long, be the budget ever so short.
            patience_s = max(cell.timeout_s, min(LONGEST_TRIAL_S, 3 * side.clip_s * clips))
            record = yield replace(cell, timeout_s=patience_s)
            if not side.subject.tunable or record is None:
                continue
            if side.mode is None and _is_unfit(session, record):
                session.judge()
                return
            if has_failed(record):
                session.modes = tuple(mode for mode in session.modes if mode is not side.mode)
                break


def _try_the_runner_up(session: Session, clips: int, block: int) -> Programme:
    """Whether the choice was close is seen under the same conditions."""
    runner_up = session.screening.runner_up
    if runner_up is None or session.left_s < clips * session.winner_clip_s:
        return
    for job in session.question.jobs:
        part = job.reduced(systematic(session.question.clips, clips, block))
        record = yield session.cell("confirm", session.question.cutter, runner_up, part, block)
        if record is not None and _is_unfit(session, record):
            session.judge()
            return


def _is_unfit(session: Session, record: Record) -> bool:
    """Clips of seconds may have left a margin where whole ones do not."""
    room_bytes = session.question.room_bytes
    return has_failed(record) or not leaves_margin(record.peak_need_bytes, room_bytes)


def _round_s(session: Session, settings: Settings) -> float:
    """Wall seconds a clip of all that takes part, together: of another mode as many fewer than of re-encoding
    as it has less to do."""
    ours = _work(session, session.question.cutter, settings)
    modes = sum(_work(session, Engine(), mode.settings(settings)) for mode in session.modes)
    rivals_s = sum(session.pace.clip_s(rival) or 0.0 for rival in session.rivals)
    return session.winner_clip_s * (1 + modes / ours) + rivals_s


def _work(session: Session, subject: Cuts, settings: Settings) -> float:
    return sum(job_work(subject, job, settings) for job in session.question.jobs)


def _clips_a_pair(session: Session, clip_s: float) -> int:
    """As many clips as let PAIRS pairs fit; a multiple of the winner's concurrency if it can. `clip_s`: of all
    that takes part."""
    fitting = math.floor(session.left_s / (PAIRS * clip_s)) if clip_s else session.question.clips
    fitting = max(1, min(session.question.clips, fitting))
    concurrency = session.winner_concurrency
    if fitting >= session.question.clips:
        return session.question.clips
    return max(fitting - fitting % concurrency, min(concurrency, session.question.clips))


def _pairs_that_fit(session: Session, round_s: float) -> int:
    return max(1, min(_MAX_PAIRS, math.floor(session.left_s / round_s))) if round_s else 1
