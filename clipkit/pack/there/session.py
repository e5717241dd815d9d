"""One life of a pack: its trials one after the other, each told before and after. Stdlib only."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
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
from clipkit.trial.sampler import growth

TRIES = 3
"""An attempt that tells nothing of its cell is repeated up to so many tries in a session."""


@dataclass(slots=True)
class Session:
    """`attempts`: how often each trial was tried before."""

    bench: Bench
    journal: Journal
    attempts: Counter[int] = field(default_factory=Counter)

    def run(self, course: Course, warms_up: bool = True) -> None:
        """All of them. Raises Cancelled after an interrupt, CampaignError where nothing more can be measured."""
        for cell in course.warmed_up() if warms_up else ():
            warm_up_here(self.bench, cell)
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
        began = self._began(base)
        try:
            self.journal.tell(Kind.BEGAN, trial.number, began)
            ended = run_planned(self.bench, trial, base, work)
            self.journal.tell(Kind.ENDED, trial.number, ended.document)
        except BaseException as error:
            kills = growth(began["oom_kills"], self._oom_kills())
            self._tell_abandoned(trial, {**work.row, **base}, _how_abandoned(error, kills))
            raise
        finally:
            drop_samples(self.bench.results, run_id)
        record = ended.document["record"]
        of = len(self.bench.plan.trials)
        self.journal.say(trial_line(trial.number, of, trial.cell.words, record))
        if ended.interrupted:
            raise Cancelled(_ended_early(ended.status, self.bench.results))
        if ended.stop:
            raise CampaignError(ended.stop)
        return ended

    def _tell_abandoned(
        self, trial: PlannedTrial, row: dict[str, Any], how: dict[str, Any]
    ) -> None:
        """That it ended before it was measured, as far as the disk takes it: without an end the next start would
        take it for one that killed the harness."""
        drop_samples(self.bench.results, row["run_id"])
        record = {**row, "ceiling": "ambient", **how}
        document = {"record": record, "clips": [], "samples": thinned(())}
        with contextlib.suppress(OSError):
            self.journal.tell(Kind.ENDED, trial.number, document)

    def _began(self, base: dict[str, Any]) -> dict[str, Any]:
        return {
            "run_id": base["run_id"],
            "attempt": base["attempt"],
            "started_utc": base["started_utc"],
            "oom_kills": self._oom_kills(),
        }

    def _oom_kills(self) -> int | None:
        counters = self.bench.counters
        return counters.held().oom_kills if counters else None


def _ended_early(status: Status, results: Path) -> str:
    """`status`: of the trial under way. Who is ended with what ran out of memory was interrupted by nobody."""
    kept = f"what was finished is kept in {results}"
    if status is Status.OOM:
        return f"ended because that trial ran out of memory, as systemd ends a service then; {kept}: start it again"
    return f"interrupted; {kept}"


def _how_abandoned(error: BaseException, oom_kills: float | None) -> dict[str, Any]:
    """The columns that say it. `oom_kills`: since it began, None: unknown. Who is ended for want of memory may be asked
    to end rather than killed, anywhere in a trial."""
    if oom_kills and oom_kills > 0:
        told = "the kernel killed processes for want of memory, and it ended before it was measured"
        return {"status": str(Status.OOM), "error": told, "oom_kills": int(oom_kills)}
    if isinstance(error, KeyboardInterrupt):
        return {"status": str(Status.CANCELLED), "error": "interrupted before it was measured"}
    told = os_error_words(error) if isinstance(error, OSError) else str(error)
    return {"status": str(Status.INVALID_MACHINE), "error": told or type(error).__name__}
