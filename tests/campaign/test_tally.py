"""How a sweep stands: counted, timed and kept in its folder, from events that are invented."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from inventing_design import course, laid_out, record

from clipkit.campaign.design import Design, warm_ups
from clipkit.campaign.executor import RunsOn
from clipkit.campaign.grid import Grid
from clipkit.campaign.loop import ClipProgress, TrialEnded, TrialStarted
from clipkit.campaign.random_search import RandomSearch
from clipkit.campaign.standing import read_standing
from clipkit.campaign.strategy import Cell, Strategy
from clipkit.campaign.tally import Tally
from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store

THREE = """
[job]
uploads = "film.mp4"
clips = 4
length_s = 2
[settings]
concurrency = [1, 2, 3]
"""


@pytest.fixture
def design() -> Design:
    return replace(laid_out(THREE), only=(0, 1))


def tally(folder: Path, design: Design, past: tuple[Record, ...] = ()) -> Tally:
    found = Tally(Store.create(folder), design, Grid(course(design, list(past)), 2), past, blocks=2)
    found.begin()
    return found


def ended(watching: Tally, *records: tuple[Cell, Record]) -> None:
    """As the loop does: the strategy is told, then who watches."""
    for cell, stored in records:
        watching(TrialStarted(cell, 0, 0.0))
        if stored.status is not Status.CANCELLED:
            opened(watching.strategy, cell)
            watching.strategy.tell(cell, stored)
        watching(TrialEnded(cell, stored, 0.0))


def opened(strategy: Strategy, cell: Cell) -> None:
    """Ask until it is asked for; those before it stay open."""
    while strategy.ask() not in {cell, None}:
        pass


def test_the_file_tells_what_the_process_knows(tmp_path: Path, design: Design) -> None:
    watching = tally(tmp_path / "trying", design)
    assert read_standing(tmp_path / "trying") == watching.standing
    assert (watching.standing.state, watching.standing.campaign) == ("running", "trying")
    first = design.block(0)[0]
    ended(watching, (first, record(first)))
    assert read_standing(tmp_path / "trying") == watching.standing
    watching.end("finished")
    assert read_standing(tmp_path / "trying").state == "finished"


def test_ends_are_counted_by_what_they_were(tmp_path: Path, design: Design) -> None:
    watching = tally(tmp_path, design)
    one, two, three = design.block(0)
    ended(
        watching,
        (one, record(one)),
        (two, record(two, Status.OOM)),
        (three, record(three, Status.OOM_INFERRED)),
    )
    now = watching.standing
    assert (now.total, now.done, now.ok, now.oom, now.inferred, now.failed) == (6, 3, 1, 1, 1, 0)
    assert "3 of 6 trials, 1 out of memory, 1 inferred" in now.words


def test_what_others_disturbed_did_not_end_well(tmp_path: Path, design: Design) -> None:
    watching = tally(tmp_path, design)
    first = design.block(0)[0]
    ended(watching, (first, record(first, Status.INVALID_NOISE)))
    now = watching.standing
    assert (now.done, now.ok, now.failed, now.disturbed) == (1, 0, 0, 1)
    assert "1 of 6 trials, 1 disturbed" in now.words


def test_warm_ups_and_cancelled_attempts_do_not_count(tmp_path: Path, design: Design) -> None:
    watching = tally(tmp_path, design)
    first = design.block(0)[0]
    (warm,) = warm_ups(design.block(0))
    ended(watching, (warm, record(warm)), (first, record(first, Status.CANCELLED)))
    assert watching.standing.done == 0


def test_what_was_finished_before_counts(tmp_path: Path, design: Design) -> None:
    first, second, _ = design.block(0)
    past = (record(first), record(second, Status.CANCELLED))
    watching = tally(tmp_path, design, past)
    assert watching.standing.done == 1
    assert watching.standing.eta_s == pytest.approx(5 * 4.0)


def test_what_is_of_no_block_that_is_run_here_does_not_count(
    tmp_path: Path, design: Design
) -> None:
    """The experiment asks for less by now, or a folder holds another shard's blocks."""
    past = tuple(record(replace(cell, block=n)) for cell in design.cells for n in range(4))
    standing = tally(tmp_path, design, past).standing
    assert (standing.done, standing.ok, standing.total) == (6, 6, 6)


def test_after_the_last_trial_no_time_is_left(tmp_path: Path, design: Design) -> None:
    watching = tally(tmp_path, design)
    cells = [*design.block(0), *design.block(1)]
    ended(watching, *((cell, record(cell)) for cell in cells[:-1]))
    with watching._looking_ahead.doing():
        time.sleep(
            0.05
        )  # as where it takes long to reckon what is left: it is not done again at once
    ended(watching, (cells[-1], record(cells[-1])))
    assert (watching.standing.done, watching.standing.eta_s) == (6, 0)


def test_what_is_known_to_run_out_takes_no_time(tmp_path: Path, design: Design) -> None:
    one, two, three = design.block(0)
    past = (record(one, wall_s=5.0), record(two, wall_s=5.0), record(three, Status.OOM_INFERRED))
    assert tally(tmp_path, design, past).standing.eta_s == pytest.approx(10.0)


def test_a_search_of_minutes_has_no_total(tmp_path: Path, design: Design) -> None:
    search = RandomSearch(course(design), None, 2.0)
    watching = Tally(Store.create(tmp_path), replace(design, only=None), search, ())
    watching.begin()
    assert (watching.standing.total, watching.standing.eta_s) == (None, 120.0)
    first = design.block(0)[0]
    assert watching.label(first) == f"block 1: {design.words[first.name]}"
    assert watching.standing.words == "0 trials, 2:00 left"


def test_a_shard_says_which_it_is(tmp_path: Path, design: Design) -> None:
    only = replace(design, only=(1,))
    watching = Tally(Store.create(tmp_path), only, Grid(course(only), 2), (), "2/2")
    watching.begin()
    assert watching.standing.words == "0 of 3 trials, shard 2/2"
    assert read_standing(tmp_path).shard == "2/2"


class TestTheBest:
    def test_is_what_is_recommended_for_the_job_and_host_that_ran_last(
        self, tmp_path: Path, design: Design
    ) -> None:
        watching = tally(tmp_path, design)
        one, two, _ = design.block(0)
        ended(watching, (one, record(one, wall_s=8.0)), (two, record(two, wall_s=4.0)))
        watching.end("finished")
        assert watching.standing.best_s_per_clip == pytest.approx(1.0)
        assert watching.standing.best == f"1 s a clip: {design.words[two.name]}"

    def test_of_those_surely_as_fast_is_the_one_with_the_least_memory(
        self, tmp_path: Path, design: Design
    ) -> None:
        """As `recommend` says, not merely the fastest."""
        lean, quick, _ = (replace(cell, block=0) for cell in design.cells)
        past = [
            replace(record(cell, wall_s=wall_s), block=block, peak_anon_bytes=peak)
            for cell, walls, peak in (
                (lean, (4.02, 4.01, 4.00), 20 * MIB),
                (quick, (4.00, 4.01, 4.02), 90 * MIB),
            )
            for block, wall_s in enumerate(3 * walls)
        ]
        watching = tally(tmp_path, design, tuple(past))
        assert watching.standing.best is not None
        assert watching.standing.best.endswith(design.words[lean.name])

    def test_is_nothing_that_failed_or_was_disturbed(self, tmp_path: Path, design: Design) -> None:
        one, two, three = design.block(0)
        past = (record(one, Status.INVALID_NOISE, wall_s=1.0), record(two, Status.OOM))
        watching = tally(tmp_path, design, past)
        assert (watching.standing.best, watching.standing.best_s_per_clip) == (None, None)
        watching = tally(tmp_path, design, (*past, record(three, wall_s=8.0)))
        assert watching.standing.best == f"2 s a clip: {design.words[three.name]}"


def test_a_trial_under_way_is_told_with_its_clips(tmp_path: Path, design: Design) -> None:
    watching = tally(tmp_path, design)
    first = design.block(1)[0]
    watching(TrialStarted(first, 0, 0.0))
    assert watching.standing.now == f"block 2 of 2: {design.words[first.name]}"
    watching(ClipProgress(first, {"event": "clip"}))
    assert watching.standing.clip == "clip 1 of 4"


def test_machines_are_told_of_with_what_they_run_and_how_much_they_did(
    tmp_path: Path, design: Design
) -> None:
    watching = tally(tmp_path, design)
    one, two = RunsOn("one", 2), RunsOn("two", 2)
    ours, theirs = design.block(0), design.block(1)
    watching(TrialStarted(ours[0], 0, 0.0, one))
    watching(TrialStarted(theirs[0], 3, 0.0, two))
    labels = [watching.label(cell) for cell in (ours[0], theirs[0])]
    assert watching.standing.now == f"one: {labels[0]}; two: {labels[1]}"
    opened(watching.strategy, theirs[0])
    watching.strategy.took(ours[0], 8.0)
    watching.strategy.tell(ours[0], record(ours[0]))
    watching(TrialEnded(ours[0], record(ours[0]), 0.0, one))
    stands = read_standing(tmp_path)
    assert stands.machines == {"one": 1, "two": 0}
    assert stands.running == {"two": labels[1]}
    assert stands.eta_s == pytest.approx(3 * 8.0)  # the other block is the longer one
    assert stands.words.startswith("1 of 6 trials, one 1, two 0, 0:24 left")
    lost = record(theirs[0], Status.INVALID_MACHINE)
    watching(TrialEnded(theirs[0], lost, 0.0, two))
    watching(TrialStarted(theirs[0], 6, 0.0, RunsOn("one", 1)))
    stands = read_standing(tmp_path)
    assert stands.machines == {"one": 1, "two": 0}
    assert stands.running == {"one": labels[1]}
    assert stands.eta_s == pytest.approx(5 * 8.0)
    watching.end("cancelled")
    assert read_standing(tmp_path).running == {}
    assert read_standing(tmp_path).machines == {"one": 1, "two": 0}


def test_of_many_machines_a_line_says_how_they_spread(tmp_path: Path, design: Design) -> None:
    watching = tally(tmp_path, design)
    for number in range(5):
        watching(TrialStarted(design.block(0)[0], 0, 0.0, RunsOn(f"machine-{number}", 5)))
    assert ", 5 machines, 0 to 0 each" in watching.standing.words
