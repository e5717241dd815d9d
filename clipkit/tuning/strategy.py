"""How `tune` spends its minutes: screen the candidates, time the baselines, confirm the winner.

Asked for the next trial and told what came of it; it touches no machine and reads no clock but
the one that it is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

from clipkit.campaign.strategy import WARMUP, Cell, Progress
from clipkit.errors import CampaignError
from clipkit.plan.clips import Job
from clipkit.plan.subjects import Cuts, Engine
from clipkit.records.record import Record
from clipkit.records.status import has_failed, is_finished
from clipkit.settings import Settings
from clipkit.tuning.candidates import cores_of
from clipkit.tuning.pace import Pace
from clipkit.tuning.question import Question
from clipkit.tuning.sampling import balanced_pairs, systematic
from clipkit.tuning.screening import Screened, best_of, score

PAIRS = 5
_MAX_PAIRS = 12
_FIRST_ROUND_SHARE = 0.4
_SCREEN_SHARE = 0.22
_SCREEN_ROUNDS = 3
_SLOW_BASELINE_SHARE = 0.5
_RIVALS_SHARE = 0.9
_LEAST_TIMEOUT_S = 30.0
_LONGEST_TRIAL_S = 3600.0

Programme = Generator[Cell, Record | None, None]


@dataclass(slots=True)
class TuneStrategy:
    """`results` holds every trial so far with its cell; `winner` stands after screening."""

    question: Question
    elapsed_s: Callable[[], float]
    results: list[tuple[Cell, Record]] = field(default_factory=list)
    screened: list[Screened] = field(default_factory=list)
    winner: Settings | None = None
    rivals: tuple[Cuts, ...] = ()
    _pace: Pace = field(init=False)
    _programme: Programme = field(init=False)
    _open: Cell | None = None
    _told: Record | None = None

    def __post_init__(self) -> None:
        self._pace = Pace(self.question, self.results)
        self._programme = self._whole()

    def ask(self) -> Cell | None:
        """None also while a cell is open: what comes next depends on it."""
        if self._open is not None:
            return None
        told, self._told = self._told, None
        self._open = next(self._programme, None) if told is None else self._next(told)
        return self._open

    def tell(self, cell: Cell, record: Record) -> None:
        if cell != self._open:
            raise CampaignError("told of a trial that was not asked for")
        self.results.append((cell, record))
        self._open, self._told = None, record

    def progress(self) -> Progress:
        """The budget is what ends it: how many trials that will be is not known."""
        done = sum(cell.phase != WARMUP for cell, _ in self.results)
        return Progress(done, None, self._left_s())

    def _next(self, told: Record) -> Cell | None:
        try:
            return self._programme.send(told)
        except StopIteration:
            return None

    def _whole(self) -> Programme:
        yield from self._warm_up()
        yield from self._screen()
        if self.winner is not None:
            yield from self._time_baselines()
            yield from self._confirm()

    def _left_s(self) -> float:
        return max(0.0, self.question.budget_s - self.elapsed_s())

    # -- screening ---------------------------------------------------------------------------

    def _warm_up(self) -> Programme:
        """One clip of each upload, discarded: the first run of an ffmpeg reads it from disk."""
        for job in self.question.jobs:
            reduced = job.reduced([len(job.clips) // 2])
            yield self._cell(WARMUP, Engine(), self.question.candidates[0], reduced, 0)

    def _screen(self) -> Programme:
        """Every candidate once, the most cautious first; then the contenders again while time for
        it lasts. More clips at once than the job has are the same as all of them at once."""
        clips = self.question.clips
        contenders = [s for s in self.question.candidates if s.concurrency <= clips]
        contenders = contenders or list(self.question.candidates[:1])
        clips = min(clips, self._screening_clips(contenders))
        budget_s, began_s = self.question.budget_s, self.elapsed_s()
        for block in range(_SCREEN_ROUNDS):
            share = _SCREEN_SHARE if block else _FIRST_ROUND_SHARE
            round_began_s = self.elapsed_s()
            for settings in contenders:
                if self.winner and self.elapsed_s() > began_s + share * budget_s:
                    break
                for job in self.question.jobs:
                    reduced = job.reduced(systematic(self.question.clips, clips, block))
                    yield self._cell("screen", Engine(), settings, reduced, block)
                self._judge()
            candidate_s = (self.elapsed_s() - round_began_s) / len(contenders)
            contenders = [entry.settings for entry in self.screened if entry.contends]
            round_s = candidate_s * len(contenders)
            if (
                len(contenders) < 2
                or self.elapsed_s() + round_s > began_s + _SCREEN_SHARE * budget_s
            ):
                break

    def _screening_clips(self, candidates: Sequence[Settings]) -> int:
        """As few as really run each concurrency, in full rounds of one clip a core: with 3 clips on
        2 cores, 2 at once would wait for the third alone, and seem slower than they are."""
        cores, most = cores_of(self.question.host), max(3, *(s.concurrency for s in candidates))
        return cores * math.ceil(most / cores)

    def _judge(self) -> None:
        self.screened = score(self.question, self.results)
        self.winner = best_of(self.screened)

    # -- baselines ---------------------------------------------------------------------------

    def _time_baselines(self) -> Programme:
        """A first pair of clips of each baseline, one clip a trial; then more of those that are too
        slow to take part in the confirming rounds."""
        seek_first = sorted(self.question.baselines, key=self._pace.is_slow)
        for subject in seek_first:
            yield from self._time_clips(subject, self._first_clips(subject))
        self.rivals = self._rivals()
        deadline_s = self.elapsed_s() + _SLOW_BASELINE_SHARE * self._left_s()
        for subject in seek_first:
            if subject not in self.rivals:
                yield from self._time_more(subject, deadline_s)

    def _first_clips(self, subject: Cuts) -> tuple[int, ...]:
        """Two clips evenly around the middle; where even they will hardly fit, the middle one;
        none where that is sure to outlast the budget."""
        pair, middle = balanced_pairs(self.question.clips)[0], self.question.clips // 2
        if not self._pace.is_slow(subject):
            return pair
        if self._pace.expected_s(subject, pair) <= _SLOW_BASELINE_SHARE * self._left_s():
            return pair
        sure = subject.seek(self.question.fixed) == "output"
        return (
            () if sure and self._pace.expected_s(subject, [middle]) > self._left_s() else (middle,)
        )

    def _time_more(self, subject: Cuts, deadline_s: float) -> Programme:
        """Pair after pair while one fits: all cost about the same, as the early clip of a pair saves
        what the late one spends."""
        for pair in balanced_pairs(self.question.clips)[1:]:
            clip_s = self._pace.clip_s(subject)
            if clip_s is None or self.elapsed_s() + len(pair) * clip_s > deadline_s:
                return
            yield from self._time_clips(subject, pair)
            if not is_finished(self.results[-1][1]):
                return

    def _time_clips(self, subject: Cuts, indices: tuple[int, ...]) -> Programme:
        """Until one fails: the record says so, and the tuning goes on."""
        for index in indices:
            for job in self.question.jobs:
                if self._left_s() < self._winner_clip_s():
                    return
                cell = self._cell("baseline", subject, self._pace.plain(), job.reduced([index]), 0)
                record = yield replace(cell, timeout_s=_timeout_s(self._left_s(), _LEAST_TIMEOUT_S))
                if record is None or not is_finished(record):
                    return

    def _rivals(self) -> tuple[Cuts, ...]:
        """The fastest baseline, and each further one while PAIRS rounds that together cover the job
        still fit."""
        timed = [(s, b) for b in self.question.baselines if (s := self._pace.clip_s(b)) is not None]
        timed.sort(key=lambda pair: pair[0])
        round_clips = max(math.ceil(self.question.clips / PAIRS), self._winner_concurrency())
        rivals: list[Cuts] = []
        clip_s = self._winner_clip_s()
        for baseline_s, subject in timed:
            clip_s += baseline_s
            if not rivals or PAIRS * round_clips * clip_s <= _RIVALS_SHARE * self._left_s():
                rivals.append(subject)
        return tuple(rivals)

    # -- confirmation ------------------------------------------------------------------------

    def _confirm(self) -> Programme:
        """Fresh rounds of the winner and its rivals, in turn, each on its part of the job.

        The rounds' parts together cover the whole job where time allows. A winner that fails here
        is replaced by the next best, and rounds with numbers of their own start again.
        """
        block = 0
        while self.winner is not None:
            settings, clips, first = self.winner, self._clips_a_pair(), block
            began_s = self.elapsed_s()
            while self._time_for_another(block - first, began_s):
                yield from self._pair(settings, clips, block)
                block += 1
                if self.winner != settings:
                    break
            else:
                return

    def _pair(self, settings: Settings, clips: int, block: int) -> Programme:
        sides: list[tuple[Cuts, Settings, float]] = [(Engine(), settings, self._winner_clip_s())]
        for rival in self.rivals:
            sides.append((rival, self._pace.plain(), self._pace.clip_s(rival) or 0.0))
        for subject, used, clip_s in sides if block % 2 == 0 else reversed(sides):
            for job in self.question.jobs:
                part = job.reduced(systematic(self.question.clips, clips, block))
                cell = self._cell("confirm", subject, used, part, block)
                # What was measured may take three times as long, be the budget ever so short.
                patience_s = max(cell.timeout_s, min(_LONGEST_TRIAL_S, 3 * clip_s * clips))
                record = yield replace(cell, timeout_s=patience_s)
                if subject.tunable and record is not None and has_failed(record):
                    self._judge()
                    return

    def _clips_a_pair(self) -> int:
        """As many clips as let PAIRS pairs fit; a multiple of the winner's concurrency if it can."""
        clip_s = self._winner_clip_s() + sum(self._pace.clip_s(r) or 0.0 for r in self.rivals)
        fitting = math.floor(self._left_s() / (PAIRS * clip_s)) if clip_s else self.question.clips
        fitting = max(1, min(self.question.clips, fitting))
        concurrency = self._winner_concurrency()
        if fitting >= self.question.clips:
            return self.question.clips
        return max(fitting - fitting % concurrency, min(concurrency, self.question.clips))

    def _winner_clip_s(self) -> float:
        winner = [entry for entry in self.screened if entry.settings == self.winner]
        return winner[0].predicted_wall_s / self.question.clips if winner else 0.0

    def _winner_concurrency(self) -> int:
        return self.winner.concurrency if self.winner else 1

    def _time_for_another(self, pairs: int, began_s: float) -> bool:
        """One at least; more while the budget lasts."""
        if pairs == 0:
            return True
        return pairs < _MAX_PAIRS and (self.elapsed_s() - began_s) / pairs <= self._left_s()

    # -- cells -------------------------------------------------------------------------------

    def _cell(self, phase: str, subject: Cuts, settings: Settings, job: Job, block: int) -> Cell:
        screening = phase in {WARMUP, "screen"}
        return Cell(
            phase=phase,
            subject=subject,
            settings=settings,
            job=job,
            host=self.question.screening_host if screening else self.question.host,
            reserve_bytes=self.question.reserve_bytes,
            block=block,
            timeout_s=_timeout_s(self.question.budget_s, 2 * _LEAST_TIMEOUT_S),
        )


def _timeout_s(time_s: float, least_s: float) -> float:
    return max(least_s, min(_LONGEST_TRIAL_S, time_s))
