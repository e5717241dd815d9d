"""The search for the edge, on machines whose edge is known."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from inventing_design import Machine, course, laid_out, record, run

from clipkit.campaign.edge import Edge, edge_cells, next_rank
from clipkit.campaign.experiment_file import parse_experiment
from clipkit.campaign.strategies import STRATEGIES
from clipkit.campaign.strategy import Cell, Progress
from clipkit.errors import ExperimentError
from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.records.status import Status

RUNS = 3
EXPERIMENT = """
[job]
uploads = "film.mp4"
length_s = 2
[host]
memory = ["512M", "128M"]
[settings]
preset = ["ultrafast", "veryfast"]
concurrency = { from = 1, to = 20 }
[run]
strategy = "edge"
"""


def search(past: list[Record] | None = None, text: str = EXPERIMENT, runs: int = RUNS) -> Edge:
    return Edge(course(laid_out(text), past), runs)


def edge_of(cell: Cell) -> int:
    """Clips at once that this machine's memory holds."""
    clip = 40 if cell.settings.preset == "ultrafast" else 150
    assert cell.host.memory_bytes is not None
    return int(cell.host.memory_bytes // MIB // clip)


def sharp(cell: Cell) -> Status:
    return Status.OK if cell.settings.concurrency <= edge_of(cell) else Status.OOM


def ran(stored: list[Record], memory_mb: int, preset: str) -> list[tuple[int, Status]]:
    """Concurrency and end, in the order they were run."""
    return [
        (entry.settings.concurrency, entry.status)
        for entry in stored
        if entry.memory_limit_bytes == memory_mb * MIB and entry.settings.preset == preset
    ]


@pytest.mark.parametrize("edge", range(40))
def test_the_highest_that_survives_is_found_and_nothing_twice_as_far_is_tried(edge: int) -> None:
    ended: dict[int, list[bool]] = {}
    while (rank := next_rank(32, ended, RUNS)) is not None:
        ended.setdefault(rank, []).append(rank <= edge)
    assert max((rank for rank, ends in ended.items() if all(ends)), default=0) == min(edge, 32)
    assert max(ended) <= max(1, 2 * edge)
    assert len(ended) <= 11
    repeated = {rank for rank, ends in ended.items() if len(ends) == RUNS}
    assert repeated == {min(edge, 32), min(edge, 32) + 1} - {0, 33}
    assert all(len(ends) in (1, RUNS) for ends in ended.values())


def test_each_combination_of_the_other_factors_has_an_edge_of_its_own() -> None:
    stored = run(search(), sharp)
    assert ran(stored, 512, "veryfast") == [
        (1, Status.OK),
        (2, Status.OK),
        (4, Status.OOM),
        (3, Status.OK),
        *[(3, Status.OK)] * (RUNS - 1),
        *[(4, Status.OOM)] * (RUNS - 1),
    ]
    assert ran(stored, 128, "veryfast") == [(1, Status.OOM)] * RUNS
    assert max(n for n, end in ran(stored, 512, "ultrafast") if end is Status.OK) == 12
    assert max(n for n, end in ran(stored, 128, "ultrafast") if end is Status.OK) == 3
    assert {entry.status for entry in stored} == {Status.OK, Status.OOM}  # nothing was inferred


def test_where_a_repeat_runs_out_the_edge_lies_lower() -> None:
    seen: Counter[int] = Counter()

    def luck(cell: Cell) -> Status:
        at_once = cell.settings.concurrency
        seen[at_once] += 1
        return Status.OOM if at_once > 12 or (at_once == 12 and seen[12] == 2) else Status.OK

    text = EXPERIMENT.replace('["512M", "128M"]', '"512M"').replace(', "veryfast"', "")
    stored = ran(run(search(text=text), luck), 512, "ultrafast")
    ends = {n: [end for known, end in stored if known == n] for n, _ in stored}
    assert ends[12] == [Status.OK, Status.OOM, Status.OK]
    assert ends[11] == [Status.OK] * RUNS
    assert stored[-1] == (12, Status.OK)


@pytest.mark.parametrize("end", [Status.TIMEOUT, Status.FAILED])
def test_what_hangs_or_fails_has_not_survived_either(end: Status) -> None:
    def hangs(cell: Cell) -> Status:
        return Status.OK if cell.settings.concurrency < 3 else end

    stored = run(search(), hangs)
    assert max(n for n, found in ran(stored, 512, "ultrafast") if found is Status.OK) == 2
    assert ran(stored, 512, "ultrafast").count((3, end)) == RUNS


@pytest.mark.parametrize("machine", [sharp, lambda _: Status.OK])
def test_killed_anywhere_and_resumed_it_searches_as_if_it_had_not_been(machine: Machine) -> None:
    chance = random.Random(1)
    stored: list[Record] = []
    for _ in range(6):
        stored += run(search(stored), machine, at_most=chance.randrange(1, 9))
    stored += run(search(stored), machine)
    whole = run(search(), machine)
    assert [(r.cell, r.block, r.status) for r in stored] == [
        (r.cell, r.block, r.status) for r in whole
    ]
    assert run(search(stored), machine) == []
    assert {r.cell for r in run(search(stored, runs=RUNS + 1), machine)} < {r.cell for r in whole}


def test_one_attempt_counts_however_others_disturb_it() -> None:
    asked = search().ask()
    assert isinstance(asked, Cell)
    assert (asked.attempts, asked.last_counts) == (1, True)


def test_lines_are_searched_beside_each_other_but_none_at_two_places() -> None:
    strategy, open_cells = search(), []
    while (asked := strategy.ask()) is not None:
        assert isinstance(asked, Cell)
        open_cells.append(asked)
    assert len(open_cells) == 4
    assert {cell.settings.concurrency for cell in open_cells} == {1}
    assert strategy.progress() == Progress(0, None, None)
    for cell in open_cells:
        strategy.tell(cell, record(cell))
    assert strategy.ask() is not None


def test_how_many_there_are_is_known_at_the_end() -> None:
    strategy = search()
    stored = run(strategy, sharp)
    assert strategy.progress() == Progress(len(stored), len(stored), 0.0)


def test_what_it_may_run_is_known_beforehand() -> None:
    cells = edge_cells(laid_out(EXPERIMENT), {"blocks": RUNS})
    assert len(cells) == len({(cell.name, cell.block) for cell in cells})
    for machine in (sharp, lambda _: Status.OK, lambda _: Status.OOM):
        assert len(run(search(), machine)) <= len(cells)
    assert len(cells) <= 4 * 14


def test_a_job_has_as_many_clips_as_run_at_once() -> None:
    design = laid_out(EXPERIMENT)
    assert {(len(cell.job.clips), cell.settings.concurrency) for cell in design.cells} == {
        (n, n) for n in range(1, 21)
    }
    with pytest.raises(ExperimentError, match=r"\[job\] clips: with the strategy 'edge' as many"):
        parse_experiment(
            EXPERIMENT.replace("length_s", "clips = 4\nlength_s"), Path("/x/file.toml")
        )


def test_it_has_no_blocks_to_share_out() -> None:
    assert not STRATEGIES["edge"].in_blocks


def test_a_line_on_which_the_machine_failed_is_left_to_the_next_session() -> None:
    failing = {("ultrafast", 512 * MIB)}

    def machine(cell: Cell) -> Status:
        broken = (cell.settings.preset, cell.host.memory_bytes) in failing
        return Status.INVALID_MACHINE if broken else sharp(cell)

    stored = run(search(), machine, at_most=500)
    assert ran(stored, 512, "ultrafast") == [(1, Status.INVALID_MACHINE)]
    assert len(ran(stored, 512, "veryfast")) > 2 * RUNS
    again = run(search(past=stored), sharp, at_most=500)
    assert {entry.memory_limit_bytes for entry in again} == {512 * MIB}
    assert ran(again, 512, "ultrafast") == ran(run(search(), sharp), 512, "ultrafast")
