"""One life of a pack: its trials one after the other, each told before and after. Stdlib only."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from clipkit.errors import CampaignError, Cancelled, os_error_words
from clipkit.pack.there.course import Course
from clipkit.pack.there.harness import (
    Bench,
    Ended,
    identity_row,
    new_run_id,
    run_planned,
    warm_up_here,
)
from clipkit.pack.there.journal import Journal
from clipkit.pack.there.parts import Kind
from clipkit.pack.there.planned import PlannedTrial
from clipkit.pack.there.samples_kept import drop_samples, thinned
from clipkit.pack.there.telling import trial_line
from clipkit.records.status import Status

TRIES = 3
"""An attempt that tells nothing of its cell is repeated up to so many tries in a session."""


@dataclass(slots=True)
class Session:
    """`attempts`: how often each trial was tried before."""

    bench: Bench
    journal: Journal
    attempts: Counter[int] = field(default_factory=Counter)

    def run(self, course: Course) -> None:
        """All of them. Raises Cancelled after an interrupt, CampaignError where nothing more can be measured."""
        cells = {trial.cell for trial in course.trials if trial.cell.ours}
        if cells:
            warm_up_here(self.bench, min(cells, key=lambda cell: cell.predicted_bytes or 0))
        for trial in course.trials:
            for _ in range(TRIES):
                if self._one(trial).status is not Status.INVALID_MACHINE:
                    break

    def _one(self, trial: PlannedTrial) -> Ended:
        self.attempts[trial.number] += 1
        attempt = self.attempts[trial.number]
        work = self.bench.work(trial.cell)
        run_id = new_run_id(trial, work.row["cell"], attempt)
        base = identity_row(self.bench, trial, run_id, attempt)
        try:
            self.journal.tell(Kind.BEGAN, trial.number, self._began(base))
            ended = run_planned(self.bench, trial, base, work)
            self.journal.tell(Kind.ENDED, trial.number, ended.document)
        except BaseException as error:
            self._tell_abandoned(trial, {**work.row, **base}, error)
            raise
        finally:
            drop_samples(self.bench.results, run_id)
        record = ended.document["record"]
        of = len(self.bench.plan.trials)
        self.journal.say(trial_line(trial.number, of, trial.cell.words, record))
        if ended.status is Status.CANCELLED:
            raise Cancelled(f"interrupted; what was finished is kept in {self.bench.results}")
        if ended.stop:
            raise CampaignError(ended.stop)
        return ended

    def _tell_abandoned(
        self, trial: PlannedTrial, row: dict[str, Any], error: BaseException
    ) -> None:
        """That it ended before it was measured, as far as the disk takes it: without an end the next start would
        take it for one that killed the harness."""
        drop_samples(self.bench.results, row["run_id"])
        status, words = _how_abandoned(error)
        record = {**row, "ceiling": "ambient", "status": str(status), "error": words}
        document = {"record": record, "clips": [], "samples": thinned(())}
        with contextlib.suppress(OSError):
            self.journal.tell(Kind.ENDED, trial.number, document)

    def _began(self, base: dict[str, Any]) -> dict[str, Any]:
        counters = self.bench.counters
        return {
            "run_id": base["run_id"],
            "attempt": base["attempt"],
            "started_utc": base["started_utc"],
            "oom_kills": counters.held().oom_kills if counters else None,
        }


def _how_abandoned(error: BaseException) -> tuple[Status, str]:
    if isinstance(error, KeyboardInterrupt):
        return Status.CANCELLED, "interrupted before it was measured"
    if isinstance(error, OSError):
        return Status.INVALID_MACHINE, os_error_words(error)
    return Status.INVALID_MACHINE, str(error) or type(error).__name__
