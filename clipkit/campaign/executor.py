"""Who runs a trial and hands back what came of it: here, on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from clipkit.ceiling.base import Ceiling, Limits
from clipkit.records.outcome import Outcome
from clipkit.trial.asked import Trial
from clipkit.trial.run import run_trial

Watch = Callable[[dict[str, Any]], None]


class Executor(Protocol):
    """To add one: a module with a class of this shape, whoever starts it, its tests. One measurement at
    a time per machine; the outcome is data alone, wherever it was measured."""

    def run(self, trial: Trial, watch: Watch) -> Outcome:
        """Run the trial to its end; `watch` is told each of its events as they come.

        An interrupt ends it with the status `cancelled`. Raises CeilingError where no ceiling stands,
        OutputError where there is no room.
        """
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """On this machine. While a trial runs, its clips lie in `folder`. With `accept_noise` a trial counts
    also where others disturbed it."""

    open_ceiling: Callable[[Limits], Ceiling]
    folder: Path
    accept_noise: bool = False

    def run(self, trial: Trial, watch: Watch) -> Outcome:
        accepted = replace(trial, accept_noise=trial.accept_noise or self.accept_noise)
        return run_trial(accepted, self.open_ceiling, self.folder, watch)
