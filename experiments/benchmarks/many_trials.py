"""What keeping a large campaign costs its client: milliseconds a trial, its memory, and how soon the table is there.

    PYTHONPATH=tests python experiments/benchmarks/many_trials.py

Real are the design, the grid, the loop, the leases of a cluster's machines, the store and its syncs, the tally and its
file, and the table as whoever opens the campaign reads it; invented is what 50 machines tell, at once. So nothing is
measured here but clipkit's own work. Each size has a process of its own, as each campaign has its client: one that held
others before it would hold some of theirs too.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from inventing_design import laid_out, record

from clipkit.campaign.course import Course
from clipkit.campaign.executor import Blocks
from clipkit.campaign.grid import Grid
from clipkit.campaign.loop import Loop
from clipkit.campaign.tally import Tally
from clipkit.cluster.leases import Leases, Worker
from clipkit.format import MIB
from clipkit.records.outcome import Outcome
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store
from clipkit.records.table import read_table
from clipkit.trial.asked import Trial

WORKERS = 50
SIZES = ((20, 50), (200, 50), (10_000, 1))
"""Cells and blocks."""
MOST_MS, MOST_TIMES, MOST_MB, TABLE_S = 5.0, 2.0, 300, 2.0
MEMORY = ["2G", "1G", "512M", "256M"]
EXPERIMENT = """
[job]
uploads = "film.mp4"
clips = 4
length_s = 2
[host]
memory = {memory}
[settings]
crf = {{ from = 1, to = {crfs} }}
lookahead = {{ from = 1, to = {lookaheads} }}
[run]
blocks = 1
"""


@dataclass(slots=True)
class Simulated:
    """Each machine tells of one trial at a time, in turn with the others. `records`: of each cell what is told."""

    records: Mapping[str, Record]
    warm_up: Record
    told: int = 0

    def run(self, blocks: Blocks) -> None:
        leases = Leases(blocks, lambda trial, _worker, _why: self._outcome(trial))
        for number in range(WORKERS):
            leases.joined(Worker(f"tcp://{number}", "1", f"machine-{number}"))
        while True:
            while leases.grant(0.0):
                pass
            if not leases.open:
                return
            for lease in list(leases.open.values()):
                run_id = next(iter(lease.trials), None)
                if run_id is None:
                    leases.over(lease.id)
                else:
                    outcome = self._outcome(lease.trials[run_id])
                    leases.began(lease, run_id)
                    leases.ended(lease, run_id, outcome)

    def _outcome(self, trial: Trial) -> Outcome:
        """One in ten runs out of memory, so that what is known of that is looked through."""
        self.told += 1
        told = trial.identity
        one = replace(
            self.records.get(told.cell, self.warm_up),
            status=Status.OOM if self.told % 10 == 0 else Status.OK,
            run_id=told.run_id,
            block=told.block,
            order=told.order,
        )
        clips = [{"run_id": told.run_id, "number": number, "wall_s": 1.0} for number in range(4)]
        return Outcome(one, clips, [], {})


def measured(folder: Path, cells: int, blocks: int) -> tuple[float, float]:
    """Milliseconds a trial, and seconds until the table is there."""
    crfs = min(cells // len(MEMORY), 50)
    design = laid_out(
        EXPERIMENT.format(memory=MEMORY, crfs=crfs, lookaheads=cells // len(MEMORY) // crfs)
    )
    assert len(design.cells) == cells  # noqa: S101 (a figure of another campaign is none)
    store = Store.create(folder)
    told = Simulated({cell.name: record(cell) for cell in design.cells}, record(design.cells[0]))
    began_s = time.perf_counter()
    with store.writing():
        grid = Grid(Course(design, [], 2, time.monotonic), blocks)
        tally = Tally(store, design, grid, [], blocks=blocks)
        Loop(store, told, tally).run(grid)
        tally.end("finished")
    ran_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    found = len(read_table(folder))
    assert found == cells * blocks  # noqa: S101
    return 1000 * ran_s / found, time.perf_counter() - began_s


def alone(cells: int, blocks: int) -> tuple[float, float, float]:
    """The same, and the megabytes that the process held at most."""
    with tempfile.TemporaryDirectory() as temporary:
        each_ms, table_s = measured(Path(temporary) / "many", cells, blocks)
    return each_ms, table_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB


def main() -> None:
    found: dict[int, float] = {}
    good = True
    for cells, blocks in SIZES:
        with get_context("spawn").Pool(1) as client:
            each_ms, table_s, held_mb = client.apply(alone, (cells, blocks))
        trials = cells * blocks
        found.setdefault(trials, each_ms)
        print(
            f"{cells} cells, {blocks} blocks, {WORKERS} machines: {each_ms:.2f} ms a trial (at most {MOST_MS:g}), "
            f"{held_mb:.0f} MB (at most {MOST_MB}), table {table_s:.2f} s (at most {TABLE_S:g})"
        )
        good &= each_ms < MOST_MS and held_mb < MOST_MB and table_s < TABLE_S
    few, many = found[min(found)], found[max(found)]
    print(f"ten times as many trials: {many / few:.2f} times as long each (at most {MOST_TIMES:g})")
    sys.exit(not good or many / few > MOST_TIMES)


if __name__ == "__main__":
    main()
