"""Who runs trials and tells what came of them: here, on this machine, or wherever else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from clipkit.campaign.alike import Means
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.records.outcome import Outcome
from clipkit.records.store import Store
from clipkit.trial.asked import Trial
from clipkit.trial.run import run_trial

Watch = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class RunsOn:
    """Which of several machines runs a trial, by its name, and how many there are that run something or could."""

    machine: str
    machines: int


class Block(Protocol):
    """Trials that one machine runs one after the other, so that each has those beside it that it is compared
    with. Any number may be taken before what came of them is told."""

    def take(self) -> Trial | None:
        """The next. None where there is none: all have ended, or whether one is tried again depends on
        those that have not."""
        ...

    def began(self, trial: Trial, on: RunsOn | None = None) -> None:
        """It is being run now; `on`: where, if not here."""
        ...

    def heard(self, trial: Trial, event: dict[str, Any]) -> None:
        """What its engine said meanwhile."""
        ...

    def ended(self, trial: Trial, outcome: Outcome) -> None:
        """What came of it is kept. Raises what ends the campaign: CampaignError, Cancelled."""
        ...


class Blocks(Protocol):
    """What is to be measured. Blocks may be open while others are taken."""

    def take(self) -> Block | None:
        """The next. None where nothing is left, or what comes next depends on blocks that are open."""
        ...

    def unlike(self, means: Means) -> str | None:
        """By which other means than these the campaign was measured so far, in words; None: by none."""
        ...


class Executor(Protocol):
    """To add one: a module with a class of this shape, whoever starts it, its tests. One measurement at
    a time per machine; an outcome is data alone, wherever it was measured."""

    def run(self, blocks: Blocks) -> None:
        """Run all of them to their ends, each trial told as it begins and ends.

        An interrupt ends a trial, which is told to be `interrupted`. Raises CeilingError where no ceiling
        stands, OutputError where there is no room.
        """
        ...


def run_in_turn(blocks: Blocks, run: Callable[[Trial, Watch], Outcome]) -> None:
    """Block by block, trial by trial: each is taken when all before it have ended."""
    while (block := blocks.take()) is not None:
        while (trial := block.take()) is not None:
            block.began(trial)
            block.ended(trial, run(trial, _hearing(block, trial)))


def _hearing(block: Block, trial: Trial) -> Watch:
    return lambda event: block.heard(trial, event)


@dataclass(frozen=True, slots=True)
class Here:
    """On this machine. While a trial runs, its clips lie in `folder`. With `accept_noise` a trial counts
    also where others disturbed it."""

    open_ceiling: Callable[[Limits], Ceiling]
    folder: Path
    accept_noise: bool = False

    def run(self, blocks: Blocks) -> None:
        run_in_turn(blocks, self._run_trial)

    def _run_trial(self, trial: Trial, watch: Watch) -> Outcome:
        accepted = replace(trial, accept_noise=trial.accept_noise or self.accept_noise)
        return run_trial(accepted, self.open_ceiling, self.folder, watch)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sweep runs: on this machine, where `open_ceiling` holds each host's limits, or by what `elsewhere` makes
    for its store, which finds and describes the machines itself."""

    open_ceiling: Callable[[Limits], Ceiling]
    accept_noise: bool = False
    elsewhere: Callable[[Store], Executor] | None = None

    def executor(self, store: Store) -> Executor:
        if self.elsewhere:
            return self.elsewhere(store)
        return Here(self.open_ceiling, store.folder, self.accept_noise)
