"""The design and its strategy on uploads that exist only as facts: no ffmpeg runs here."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from inventing_records import TEMPLATE
from inventing_uploads import upload

from clipkit.campaign.course import Course, done_of, needs_as_much
from clipkit.campaign.design import Design, design_of
from clipkit.campaign.experiment_file import parse_experiment
from clipkit.campaign.grid import Grid
from clipkit.campaign.strategy import WARMUP, Cell, Inferred
from clipkit.errors import CampaignError, ExperimentError
from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.records.status import Status

FILM = upload()
CORES = 2
BLOCKS = 3

EXPERIMENT = """
[job]
uploads = "film.mp4"
clips = 4
length_s = 2
[host]
memory = ["512M", "128M"]
cpus = 2
[settings]
preset = ["ultrafast", "veryfast"]
concurrency = { from = 1, to = 4 }
encoder_threads = [1, 2]
[run]
blocks = 3
seed = 5
"""


def laid_out(text: str = EXPERIMENT) -> Design:
    return design_of(parse_experiment(text, Path("/x/file.toml")), {"film.mp4": FILM})


def record(cell: Cell, status: Status = Status.OK, attempt: int = 1) -> Record:
    return replace(TEMPLATE, cell=cell.name, block=cell.block, status=status, attempt=attempt)


def grid(
    past: list[Record] | None = None, design: Design | None = None, blocks: int = BLOCKS
) -> Grid:
    """A grid whose clock stands still."""
    return Grid(Course(design or laid_out(), past or [], CORES, lambda: 0.0), blocks)


Machine = Callable[[Cell], Status]


def roomy(_: Cell) -> Status:
    return Status.OK


def too_small(cell: Cell) -> Status:
    """A machine that runs out under 128 MB from three clips of `veryfast` at once on."""
    tight = cell.host.memory_bytes == 128 * MIB and cell.settings.preset == "veryfast"
    return Status.OOM if tight and cell.settings.concurrency >= 3 else Status.OK


def run(grid: Grid, machine: Machine = roomy, at_most: int = 10_000) -> list[Record]:
    """What a campaign would store."""
    stored: list[Record] = []
    while len(stored) < at_most and (asked := grid.ask()) is not None:
        cell = asked.cell if isinstance(asked, Inferred) else asked
        end = Status.OOM_INFERRED if isinstance(asked, Inferred) else machine(cell)
        told = record(cell, end)
        grid.tell(cell, told)
        if isinstance(asked, Inferred) or asked.phase != WARMUP:
            stored.append(told)
    return stored


class TestDesign:
    def test_every_combination_is_a_cell(self) -> None:
        cells = laid_out().cells
        assert len(cells) == len({cell.name for cell in cells}) == 2 * 2 * 4 * 2
        assert grid().progress().total == 3 * len(cells)

    def test_words_tell_cells_apart(self) -> None:
        words = laid_out().words
        assert len(set(words.values())) == len(words)
        assert "512M-2cpu, veryfast, concurrency 3, encoder threads 2" in words.values()

    def test_each_block_holds_every_cell_once_in_an_order_of_its_own(self) -> None:
        orders = [[cell.name for cell in laid_out().block(n)] for n in range(3)]
        assert len({tuple(order) for order in orders}) == 3
        assert {tuple(sorted(order)) for order in orders} == {
            tuple(sorted(cell.name for cell in laid_out().cells))
        }
        assert orders == [[cell.name for cell in laid_out().block(n)] for n in range(3)]

    def test_the_order_follows_the_seed(self) -> None:
        other = laid_out(EXPERIMENT.replace("seed = 5", "seed = 6"))
        assert [c.name for c in other.block(0)] != [c.name for c in laid_out().block(0)]

    def test_a_variants_name_tells_what_it_fixes_and_the_rest_is_told(self) -> None:
        text = (
            '[job]\nuploads = "film.mp4"\nlength_s = 2\n[settings]\npreset = ["ultrafast", "slow"]\n'
            '[[variants]]\nname = "one"\n[[variants]]\nname = "two"\nconcurrency = 2'
        )
        assert set(laid_out(text).words.values()) == {"one", "one, slow", "two", "two, slow"}

    def test_what_a_subject_ignores_makes_no_cell(self) -> None:
        text = '[job]\nuploads = "film.mp4"\nlength_s = 2\n[subject]\nname = ["sketch", "fluent"]\n'
        threads = "[settings]\nencoder_threads = [1, 2, 4]"
        found = Counter(cell.subject.name for cell in laid_out(text + threads).cells)
        assert found == {"sketch": 1, "fluent": 3}

    def test_clips_that_do_not_fit_are_told(self) -> None:
        with pytest.raises(ExperimentError, match=r"\[job\] length_s: .*film\.mp4"):
            laid_out(EXPERIMENT.replace("length_s = 2", "length_s = 21"))


class TestGrid:
    def test_every_cell_and_block_once_after_one_warm_up_a_block(self) -> None:
        whole = grid()
        asked = []
        while (cell := whole.ask()) is not None:
            assert isinstance(cell, Cell)
            asked.append(cell)
            whole.tell(cell, record(cell))
        warm = [cell.phase == WARMUP for cell in asked]
        assert [n for n, is_warm in enumerate(warm) if is_warm] == [0, 33, 66]
        assert all(len(cell.job.clips) == 1 for cell in asked if cell.phase == WARMUP)
        ran = Counter((cell.name, cell.block) for cell in asked if cell.phase != WARMUP)
        assert set(ran.values()) == {1}
        assert len(ran) == grid().progress().total

    @pytest.mark.parametrize("seed", range(5))
    def test_killed_anywhere_and_resumed_nothing_is_lost_or_repeated(self, seed: int) -> None:
        chance = random.Random(seed)
        stored: list[Record] = []
        for _ in range(5):
            stored += run(grid(stored), too_small, chance.randrange(20))
        stored += run(grid(stored), too_small)
        done = Counter((entry.cell, entry.block) for entry in stored)
        assert set(done.values()) == {1}
        assert len(done) == grid().progress().total

    def test_a_cancelled_attempt_is_run_again(self) -> None:
        cell = laid_out().block(0)[0]
        stored = run(grid([record(cell, Status.CANCELLED)]))
        assert (cell.name, 0) in {(entry.cell, entry.block) for entry in stored}

    def test_more_levels_and_blocks_are_only_added(self) -> None:
        stored = run(grid([]))
        wider = laid_out(EXPERIMENT.replace("to = 4", "to = 5").replace("blocks = 3", "blocks = 4"))
        added = run(grid(stored, wider, blocks=4))
        assert len(added) == 4 * len(wider.cells) - len(stored)

    def test_cells_may_be_asked_for_while_others_are_open(self) -> None:
        whole, opened = grid(), []
        while (asked := whole.ask()) is not None:
            opened.append(asked)
        names = [(cell.name, cell.block) for cell in opened if cell.phase != WARMUP]
        assert len(set(names)) == len(names) == whole.progress().total
        assert whole.progress().done == 0
        for cell in reversed(opened):
            whole.tell(cell, record(cell))
        assert whole.progress().done == whole.progress().total
        assert whole.ask() is None

    def test_what_was_not_asked_for_cannot_be_told(self) -> None:
        with pytest.raises(CampaignError, match="not asked for"):
            grid().tell(laid_out().cells[0], record(laid_out().cells[0]))

    def test_attempts_that_others_disturbed_are_used_up_some_time(self) -> None:
        cell = laid_out().cells[0]
        spoilt = [record(cell, Status.INVALID_NOISE, attempt) for attempt in (1, 2, 3)]
        assert not done_of(spoilt[:2])
        assert done_of(spoilt) == {(cell.name, 0)}


class TestInference:
    def test_what_needs_more_than_one_that_ran_out_is_not_run(self) -> None:
        stored = run(grid([]), too_small)
        cells = {cell.name: cell for cell in laid_out().cells}
        ends = {status: [e for e in stored if e.status is status] for status in Status}
        assert ends[Status.OOM_INFERRED]
        for entry in ends[Status.OOM_INFERRED]:
            assert too_small(cells[entry.cell]) is Status.OOM
            order = stored.index(entry)
            assert any(e.status is Status.OOM for e in stored[:order])
        assert len(ends[Status.OOM]) + len(ends[Status.OOM_INFERRED]) == 4 * 3

    def test_nothing_is_inferred_from_one_that_fits_at_other_times(self) -> None:
        smaller, larger = self.pair()
        later = grid([record(smaller, Status.OOM), record(smaller)])
        assert larger.name not in self.inferred(later)
        later = grid([record(smaller, Status.OOM)])
        assert larger.name in self.inferred(later)

    def test_nothing_is_inferred_against_one_that_needs_as_much_and_fits(self) -> None:
        smaller, larger = self.pair()
        later = grid([record(smaller, Status.OOM), record(larger)])
        assert larger.name not in self.inferred(later)

    @staticmethod
    def pair() -> tuple[Cell, Cell]:
        tight = [c for c in laid_out().cells if c.host.memory_bytes == 128 * MIB]
        alike = [c for c in tight if c.settings.encoder_threads == 1]
        by_concurrency = {(c.settings.preset, c.settings.concurrency): c for c in alike}
        return by_concurrency["veryfast", 3], by_concurrency["veryfast", 4]

    @staticmethod
    def inferred(grid: Grid) -> set[str]:
        return {entry.cell for entry in run(grid) if entry.status is Status.OOM_INFERRED}

    def test_more_of_anything_that_holds_frames_needs_as_much(self) -> None:
        for text in ("concurrency = 2", "encoder_threads = 2", "preset = 'veryfast'", "refs = 3"):
            more = laid_out(f"[job]\nuploads = 'film.mp4'\nlength_s = 2\n[settings]\n{text}").cells[
                0
            ]
            less = laid_out("[job]\nuploads = 'film.mp4'\nlength_s = 2").cells[0]
            assert needs_as_much(more, less, CORES)
            assert not needs_as_much(less, more, CORES)

    def test_what_may_need_less_is_run(self) -> None:
        base = "[job]\nuploads = 'film.mp4'\nlength_s = 2\n[settings]\npreset = 'veryfast'\n"
        plain = laid_out(base).cells[0]
        assert not needs_as_much(laid_out(f"{base}mbtree = false").cells[0], plain, CORES)

    def test_threads_left_to_ffmpeg_are_as_many_as_it_takes(self) -> None:
        base = "[job]\nuploads = 'film.mp4'\nlength_s = 2\n[settings]\nencoder_threads = "
        auto, two = laid_out(f"{base}0").cells[0], laid_out(f"{base}2").cells[0]
        assert needs_as_much(auto, two, cores=2)
        assert not needs_as_much(auto, two, cores=1)

    def test_other_pictures_or_hosts_are_not_compared(self) -> None:
        less, other = laid_out().cells[0], upload(width=640, height=360, sha256="1" * 64)
        assert not needs_as_much(replace(less, job=replace(less.job, upload=other)), less, CORES)
        one_cpu = replace(less.host, cpus=1.0)
        assert not needs_as_much(replace(less, host=one_cpu), less, CORES)
        roomier = replace(less.host, memory_bytes=1024 * MIB)
        assert not needs_as_much(replace(less, host=roomier), less, CORES)
        assert needs_as_much(replace(less, reserve_bytes=64 * MIB), less, CORES)
