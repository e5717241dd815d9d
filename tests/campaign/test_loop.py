"""The one loop, with an executor that is told what comes of each trial: nothing is measured here."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from inventing_design import PLAIN, course, laid_out, record, too_small

from clipkit.campaign.course import Course
from clipkit.campaign.design import Design
from clipkit.campaign.executor import Blocks, Watch, run_in_turn
from clipkit.campaign.grid import Grid
from clipkit.campaign.loop import ClipProgress, Event, Loop, TrialEnded, TrialStarted
from clipkit.campaign.strategy import WARMUP
from clipkit.errors import CampaignError, Cancelled
from clipkit.records.outcome import Outcome
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store
from clipkit.trial.asked import Trial

DESIGN = laid_out(PLAIN)
NOISE, MACHINE = Status.INVALID_NOISE, Status.INVALID_MACHINE


@dataclass
class Told:
    """Ends every trial as it is told to, in turn; well where it is told nothing more."""

    ends: Iterator[Status]
    ran: list[Trial] = field(default_factory=list)
    warm_up: Status = Status.OK
    stop: str | None = None
    interrupted_at: Status = Status.CANCELLED

    def run(self, blocks: Blocks) -> None:
        run_in_turn(blocks, self._run_trial)

    def _run_trial(self, trial: Trial, watch: Watch) -> Outcome:
        self.ran.append(trial)
        watch({"event": "clip"})
        warm = trial.identity.phase == WARMUP
        status = self.warm_up if warm else next(self.ends, Status.OK)
        identity = trial.identity
        cell = replace(DESIGN.cells[0], phase=identity.phase, block=identity.block)
        found = replace(record(cell, status), run_id=identity.run_id, attempt=identity.attempt)
        stop = self.stop if status is MACHINE else None
        return Outcome(
            record=found,
            clips=[{"run_id": identity.run_id}],
            samples=[],
            logs={"engine.log": b"said"},
            stop=stop,
            interrupted=status is self.interrupted_at,
        )


@dataclass
class Campaign:
    folder: Path
    design: Design = DESIGN
    events: list[Event] = field(default_factory=list)

    def run(
        self,
        *ends: Status,
        blocks: int = 1,
        warm_up: Status = Status.OK,
        stop: str | None = None,
        interrupted_at: Status = Status.CANCELLED,
    ) -> list[Record]:
        """What it stores; resumed where it was."""
        store = Store.create(self.folder)
        past = store.records()
        strategy = Grid(course(self.design, past), blocks)
        known = Counter((entry.cell, entry.block) for entry in past)
        executor = Told(iter(ends), [], warm_up, stop, interrupted_at)

        def watch(event: Event) -> None:
            self.events.append(event)
            if isinstance(event, TrialEnded) and event.record.status is Status.OK:
                self.done_then = strategy.progress().done

        with store.writing():
            Loop(store, executor, watch, known).run(strategy)
        return store.records()[len(past) :]


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return Campaign(tmp_path / "campaign")


def attempts(stored: list[Record]) -> list[tuple[int, int, Status]]:
    return [(entry.block, entry.attempt, entry.status) for entry in stored]


def test_a_trial_that_others_disturbed_is_repeated_and_every_attempt_kept(campaign: Campaign):
    stored = campaign.run(NOISE, NOISE)
    assert attempts(stored) == [(0, 1, NOISE), (0, 2, NOISE), (0, 3, Status.OK)]


def test_after_three_disturbed_attempts_it_goes_on(campaign: Campaign):
    stored = campaign.run(NOISE, NOISE, NOISE, blocks=2)
    assert attempts(stored) == [*((0, n, NOISE) for n in (1, 2, 3)), (1, 1, Status.OK)]


def test_each_session_tries_three_times_until_there_is_a_valid_end(campaign: Campaign):
    with pytest.raises(Cancelled):
        campaign.run(NOISE, Status.CANCELLED)
    assert attempts(campaign.run(NOISE, NOISE, NOISE)) == [(0, n, NOISE) for n in (3, 4, 5)]
    assert attempts(campaign.run(NOISE)) == [(0, 6, NOISE), (0, 7, Status.OK)]
    assert campaign.run() == []


def test_a_strategy_may_ask_for_fewer_tries(tmp_path: Path):
    once = replace(DESIGN, cells=tuple(replace(cell, attempts=1) for cell in DESIGN.cells))
    stored = Campaign(tmp_path, design=once).run(NOISE)
    assert attempts(stored) == [(0, 1, NOISE)]


def test_where_the_machine_failed_it_is_tried_three_times_whatever_the_strategy_asks(
    tmp_path: Path,
):
    """And the last of them does not count, as that which others disturbed may."""
    last_counts = replace(DESIGN.cells[0], attempts=1, last_counts=True)
    campaign = Campaign(tmp_path, design=replace(DESIGN, cells=(last_counts,)))
    stored = campaign.run(MACHINE, MACHINE, MACHINE, blocks=2)
    assert attempts(stored) == [*((0, n, MACHINE) for n in (1, 2, 3)), (1, 1, Status.OK)]
    assert attempts(campaign.run(MACHINE, blocks=2)) == [(0, 4, MACHINE), (0, 5, Status.OK)]


def test_what_would_spoil_every_other_trial_too_stops_the_campaign_at_once(campaign: Campaign):
    with pytest.raises(CampaignError, match=r"^no space .* make room; what was finished is kept"):
        campaign.run(Status.OK, MACHINE, blocks=3, stop="no space on the disk: make room")
    stored = campaign.run(blocks=3)
    assert attempts(stored) == [(1, 2, Status.OK), (2, 1, Status.OK)]


@pytest.mark.parametrize("end", [Status.OOM, Status.TIMEOUT, Status.FAILED])
def test_a_failure_is_a_result_like_others_and_not_repeated(campaign: Campaign, end: Status):
    assert attempts(campaign.run(end)) == [(0, 1, end)]


def test_an_interrupt_ends_it_and_the_attempt_is_kept_and_run_again(campaign: Campaign):
    with pytest.raises(Cancelled, match="what was finished is kept in"):
        campaign.run(Status.CANCELLED)
    assert attempts(campaign.run()) == [(0, 2, Status.OK)]


def test_an_interrupt_right_after_memory_ran_out_ends_it_and_the_end_counts(campaign: Campaign):
    with pytest.raises(Cancelled, match="what was finished is kept in"):
        campaign.run(Status.OOM, blocks=2, interrupted_at=Status.OOM)
    assert attempts(Store(campaign.folder).records()) == [(0, 1, Status.OOM)]
    assert attempts(campaign.run(blocks=2)) == [(1, 1, Status.OK)]


def test_an_interrupt_before_anything_was_finished_names_no_folder(campaign: Campaign):
    with pytest.raises(Cancelled, match=r"^interrupted before anything was finished$"):
        campaign.run(warm_up=Status.CANCELLED)


def test_who_watches_is_told_of_everything_and_the_strategy_knows_first(campaign: Campaign):
    campaign.run(NOISE)
    told: list[Any] = [type(event) for event in campaign.events]
    assert told == [TrialStarted, ClipProgress, TrialEnded] * 3  # a warm-up, two attempts
    assert campaign.done_then == 1


def test_warm_ups_leave_nothing(campaign: Campaign):
    (stored,) = campaign.run()
    assert stored.phase == "grid"
    assert [entry.name for entry in (campaign.folder / "logs").iterdir()] == [stored.run_id]


def test_no_two_attempts_have_one_name_also_in_different_folders(tmp_path: Path):
    names = [
        entry.run_id
        for folder in ("a", "b", "c")
        for entry in Campaign(tmp_path / folder).run(NOISE, blocks=3)
    ]
    assert len(set(names)) == len(names) == 12


@dataclass
class Elsewhere(Told):
    """Takes every block and all of its trials before the first one ends, and ends them in any order."""

    seed: int = 0
    numbers: list[int] = field(default_factory=list)

    def run(self, blocks: Blocks) -> None:
        chance = random.Random(self.seed)
        taken = list(iter(blocks.take, None))
        open_trials = [(block, trial) for block in taken for trial in iter(block.take, None)]
        self.numbers = [trial.identity.block for _, trial in open_trials]
        while open_trials:
            block, trial = open_trials.pop(chance.randrange(len(open_trials)))
            block.began(trial)
            block.ended(
                trial, self._run_trial(trial, lambda event, b=block, t=trial: b.heard(t, event))
            )
            open_trials += [(block, again) for again in iter(block.take, None)]


@pytest.mark.parametrize("seed", range(3))
def test_blocks_may_be_open_at_once_and_end_in_any_order(tmp_path: Path, seed: int):
    executor = Elsewhere(iter([NOISE, MACHINE]), seed=seed)
    store = Store.create(tmp_path / "campaign")
    with store.writing():
        Loop(store, executor, lambda _event: None).run(Grid(course(DESIGN, []), 4))
    stored = store.records()
    assert executor.numbers == [0, 0, 1, 1, 2, 2, 3, 3]  # a warm-up and a trial each
    assert sorted(entry.block for entry in stored if entry.status is Status.OK) == [0, 1, 2, 3]
    assert Counter(entry.status for entry in stored) == {Status.OK: 4, NOISE: 1, MACHINE: 1}
    orders = [t.identity.order for t in executor.ran if t.identity.phase != WARMUP]
    assert sorted(orders) == [*range(len(stored))]
    for block in range(4):
        ends = [entry for entry in stored if entry.block == block]
        assert [entry.attempt for entry in ends] == [*range(1, len(ends) + 1)]
        assert [entry.status is Status.OK for entry in ends] == [False] * (len(ends) - 1) + [True]


def test_a_trial_takes_as_long_as_it_runs_though_others_were_taken_before_it(tmp_path: Path):
    class Slow(Elsewhere):
        def _run_trial(self, trial: Trial, watch: Watch) -> Outcome:
            time.sleep(0.1)
            return super()._run_trial(trial, watch)

    store = Store.create(tmp_path / "campaign")
    known = Course(DESIGN, [], 2, time.monotonic)
    with store.writing():
        Loop(store, Slow(iter([NOISE])), lambda _event: None).run(Grid(known, 6))
    left_s = known.left_s(DESIGN.block(0))  # a sixth of the blocks was tried twice
    assert left_s is not None
    assert 0.1 <= left_s < 0.4


def test_a_block_ends_where_the_next_one_begins_also_with_cells_that_are_inferred(tmp_path: Path):
    design = laid_out()
    past = [record(cell, too_small(cell)) for cell in design.block(0)]
    executor = Elsewhere(iter([]))
    store = Store.create(tmp_path / "campaign")
    with store.writing():
        Loop(store, executor, lambda _event: None).run(Grid(course(design, past), 3))
    assert executor.numbers == sorted(executor.numbers)
    assert {entry.block for entry in store.records()} == {1, 2}
    assert len(store.records()) == 2 * len(design.cells)


def test_what_is_inferred_is_of_the_machine_that_ran_out_of_memory(tmp_path: Path):
    """Of a cluster's worker, and not of whoever keeps the campaign."""
    design = laid_out()
    past = [replace(record(cell, too_small(cell)), host_id="a worker") for cell in design.block(0)]
    store = Store.create(tmp_path / "campaign")
    with store.writing():
        executor = Elsewhere(iter([]))
        Loop(store, executor, lambda _event: None).run(Grid(course(design, past), 2))
    inferred = [entry for entry in store.records() if entry.status is Status.OOM_INFERRED]
    assert inferred
    assert {entry.host_id for entry in inferred} == {"a worker"}
