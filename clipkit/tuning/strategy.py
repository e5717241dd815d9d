"""How `tune` spends its minutes: screen the candidates, time the baselines, confirm the winner.

Asked for the next trial and told what came of it; it touches no machine and reads no clock but
the one that it is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace

from clipkit.campaign.strategy import Cell
from clipkit.errors import CampaignError
from clipkit.plan.clips import Job
from clipkit.plan.subjects import Subject
from clipkit.settings import Settings
from clipkit.trial.record import Record, Status
from clipkit.tuning.question import Question
from clipkit.tuning.sampling import balanced_pairs, systematic
from clipkit.tuning.screening import Screened, best_of, score

PAIRS = 5
_MAX_PAIRS = 12
_SCREEN_SHARE = 0.22
_SLOW_BASELINE_SHARE = 0.5
_RIVALS_SHARE = 0.9
_SCREEN_ROUNDS = 3
_LONGEST_TRIAL_S = 3600.0

Programme = Generator[Cell, Record, None]


@dataclass(slots=True)
class TuneStrategy:
    """`results` holds every trial so far with its cell; `winner` stands after screening."""

    question: Question
    elapsed_s: Callable[[], float]
    results: list[tuple[Cell, Record]] = field(default_factory=list)
    screened: list[Screened] = field(default_factory=list)
    winner: Settings | None = None
    rivals: tuple[Subject, ...] = ()
    _programme: Programme | None = None
    _asked: Cell | None = None
    _told: Record | None = None

    def ask(self) -> Cell | None:
        try:
            if self._programme is None:
                self._programme = self._whole()
                self._asked = next(self._programme)
            elif self._told is not None:
                self._asked = self._programme.send(self._told)
        except StopIteration:
            self._asked = None
        return self._asked

    def tell(self, record: Record) -> None:
        if self._asked is None:
            raise CampaignError("told of a trial that was not asked for")
        self.results.append((self._asked, record))
        self._told = record

    def _whole(self) -> Programme:
        yield from self._warm_up()
        yield from self._screen()
        yield from self._time_baselines()
        yield from self._confirm()

    def _left_s(self) -> float:
        return self.question.budget_s - self.elapsed_s()

    # -- screening ---------------------------------------------------------------------------

    def _warm_up(self) -> Programme:
        """One clip of each upload, discarded: the first run of an ffmpeg reads it from disk."""
        for job in self.question.jobs:
            reduced = job.reduced([len(job.clips) // 2])
            yield self._cell("warmup", Subject(), self.question.candidates[0], reduced, 0)

    def _screen(self) -> Programme:
        """Every candidate once; then the contenders again while time for it lasts."""
        question = self.question
        contenders = list(question.candidates)
        deadline_s = self.elapsed_s() + _SCREEN_SHARE * question.budget_s
        clips = min(question.clips, max(3, *(s.concurrency for s in question.candidates)))
        for block in range(_SCREEN_ROUNDS):
            began_s = self.elapsed_s()
            for settings in contenders:
                for job in question.jobs:
                    if block and self.elapsed_s() > deadline_s:
                        break
                    reduced = job.reduced(systematic(question.clips, clips, block))
                    yield self._cell("screen", Subject(), settings, reduced, block)
            self.screened = score(question, self.results)
            contenders = [entry.settings for entry in self.screened if entry.contends]
            round_s = self.elapsed_s() - began_s
            if self.elapsed_s() + round_s > deadline_s:
                break
        self.winner = best_of(self.screened)

    # -- baselines ---------------------------------------------------------------------------

    def _time_baselines(self) -> Programme:
        """A first pair of clips of each baseline, one clip a trial; then more of those that are too
        slow to take part in the confirming rounds."""
        seek_first = sorted(self.question.baselines, key=self._is_slow)
        for subject in seek_first:
            yield from self._time_clips(subject, self._first_clips(subject))
        self.rivals = self._rivals()
        deadline_s = self.elapsed_s() + _SLOW_BASELINE_SHARE * max(0.0, self._left_s())
        for subject in seek_first:
            if subject not in self.rivals and self.clip_wall_s(subject) is not None:
                yield from self._time_more(subject, deadline_s)

    def _first_clips(self, subject: Subject) -> tuple[int, ...]:
        """Two clips evenly around the middle; where even they will hardly fit, the middle one."""
        pairs = balanced_pairs(self.question.clips)
        if not pairs:
            return (0,)
        share_s = _SLOW_BASELINE_SHARE * max(0.0, self._left_s())
        if self._is_slow(subject) and self._expected_s(subject, pairs[0]) > share_s:
            return (self.question.clips // 2,)
        return pairs[0]

    def _time_more(self, subject: Subject, deadline_s: float) -> Programme:
        """Pair after pair while one fits: all cost about the same, as the early clip of a pair saves
        what the late one spends."""
        for pair in balanced_pairs(self.question.clips)[1:]:
            pair_s = 2 * (self.clip_wall_s(subject) or 0.0)
            if self.elapsed_s() + pair_s > deadline_s:
                return
            yield from self._time_clips(subject, pair)

    def _time_clips(self, subject: Subject, indices: tuple[int, ...]) -> Programme:
        for index in indices:
            for job in self.question.jobs:
                record = yield self._one_clip(subject, job, index)
                if record.status is not Status.OK:
                    return

    def _rivals(self) -> tuple[Subject, ...]:
        """The fastest baseline, and each further one while PAIRS rounds that together cover the job
        still fit."""
        timed = [(s, b) for b in self.question.baselines if (s := self.clip_wall_s(b)) is not None]
        timed.sort(key=lambda pair: pair[0])
        round_clips = max(math.ceil(self.question.clips / PAIRS), self._winner_concurrency())
        rivals: list[Subject] = []
        clip_s = self._winner_clip_s()
        for baseline_s, subject in timed:
            clip_s += baseline_s
            if not rivals or PAIRS * round_clips * clip_s <= _RIVALS_SHARE * self._left_s():
                rivals.append(subject)
        return tuple(rivals)

    def _one_clip(self, subject: Subject, job: Job, index: int) -> Cell:
        cell = self._cell("baseline", subject, self._plain(), job.reduced([index]), 0)
        return replace(cell, timeout_s=max(30.0, min(_LONGEST_TRIAL_S, self._left_s())))

    def _is_slow(self, subject: Subject) -> bool:
        return subject.seek(self.question.fixed) != "input"

    def _expected_s(self, subject: Subject, pair: tuple[int, ...]) -> float:
        """What a pair will take, from the baselines timed so far: time in proportion to the frames
        decoded, of which encoding a clip's own frames takes about half."""
        fast = [b for b in self.question.baselines if not self._is_slow(b)]
        clip_s = self.clip_wall_s(fast[0]) if fast else None
        if clip_s is None:
            return 0.0
        frame_s = clip_s / self._decoded(fast[0], pair[0]) / 2
        return frame_s * sum(self._decoded(subject, index) for index in pair)

    def _decoded(self, subject: Subject, index: int) -> int:
        """Frames to decode for one clip, summed over the uploads; all of them where unknown."""
        return sum(
            subject.frames_decoded(job, job.clips[index], self._plain())
            or len(job.upload.frame_times_s)
            for job in self.question.jobs
        )

    def clip_wall_s(self, subject: Subject) -> float | None:
        """Mean wall seconds a clip, summed over the uploads; None where none finished."""
        walls = [
            record.wall_s / record.clips
            for cell, record in self.results
            if cell.subject == subject and cell.phase == "baseline"
            if record.status is Status.OK and record.wall_s
        ]
        return sum(walls) / len(walls) * len(self.question.jobs) if walls else None

    # -- confirmation ------------------------------------------------------------------------

    def _confirm(self) -> Programme:
        """Fresh rounds of the winner and its rivals, in turn, each on its part of the job.

        The rounds' parts together cover the whole job where time allows. A winner that fails here
        is replaced by the next best and the pairs start again.
        """
        while self.winner is not None:
            settings = self.winner
            clips = self._clips_a_pair()
            began_s, pair = self.elapsed_s(), 0
            while pair < _MAX_PAIRS and self._time_for_another(pair, began_s):
                sides = [(Subject(), settings)]
                sides += [(rival, self._plain()) for rival in self.rivals]
                for subject, used in sides if pair % 2 == 0 else reversed(sides):
                    for job in self.question.jobs:
                        part = job.reduced(systematic(self.question.clips, clips, pair))
                        record = yield self._cell("confirm", subject, used, part, pair)
                        if subject.template is None and record.status is not Status.OK:
                            self._dismiss(settings)
                if self.winner != settings:
                    break
                pair += 1
            if self.winner == settings:
                return

    def _dismiss(self, settings: Settings) -> None:
        self.screened = [entry for entry in self.screened if entry.settings != settings]
        self.winner = best_of(self.screened)

    def _clips_a_pair(self) -> int:
        """As many clips as let PAIRS pairs fit; a multiple of the winner's concurrency if it can."""
        clip_s = self._winner_clip_s() + sum(self.clip_wall_s(r) or 0.0 for r in self.rivals)
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

    def _time_for_another(self, pair: int, began_s: float) -> bool:
        """Two pairs at least; more while the budget lasts."""
        mean_s = (self.elapsed_s() - began_s) / pair if pair else 0.0
        return pair < 2 or mean_s <= self._left_s()

    # -- cells -------------------------------------------------------------------------------

    def _plain(self) -> Settings:
        """What a baseline's record shows: the user's fixed settings, one clip at a time."""
        return replace(self.question.fixed, concurrency=1)

    def _cell(self, phase: str, subject: Subject, settings: Settings, job: Job, block: int) -> Cell:
        screening = phase in {"warmup", "screen"}
        return Cell(
            phase=phase,
            subject=subject,
            settings=settings,
            job=job,
            host=self.question.screening_host if screening else self.question.host,
            reserve_bytes=self.question.reserve_bytes,
            block=block,
            timeout_s=max(60.0, min(_LONGEST_TRIAL_S, self.question.budget_s)),
        )
