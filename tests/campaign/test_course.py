"""What is done, what is known to run out, and how long the rest takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inventing_design import (
    CORES,
    PLAIN,
    Clock,
    course,
    laid_out,
    record,
    run,
    too_small,
)
from inventing_uploads import upload

from clipkit.campaign.again import done_of, unmeasured_of
from clipkit.campaign.course import needs_as_much
from clipkit.campaign.grid import Grid
from clipkit.campaign.strategy import Cell
from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.records.status import Status


def grid(past: list[Record] | None = None) -> Grid:
    return Grid(course(laid_out(), past), 3)


def one(text: str = "") -> Cell:
    (cell,) = laid_out(PLAIN + text).cells
    return cell


class TestDone:
    @pytest.mark.parametrize("end", [Status.OK, Status.OOM, Status.TIMEOUT, Status.FAILED])
    def test_an_attempt_that_ended_by_itself_is_not_repeated(self, end: Status) -> None:
        cell = one()
        assert done_of([record(cell, end)]) == {(cell.name, 0)}

    def test_what_others_disturbed_is_run_again_however_often(self) -> None:
        cell, other = one(), replace(one(), block=1)
        spoilt = [record(cell, Status.INVALID_NOISE, attempt) for attempt in range(1, 9)]
        assert not done_of(spoilt)
        assert unmeasured_of([*spoilt, record(other, Status.INVALID_NOISE), record(other)]) == [
            spoilt[-1]
        ]

    def test_one_that_the_user_cut_short_is_run_again_however_often(self) -> None:
        assert not done_of([record(one(), Status.CANCELLED, n) for n in range(1, 9)])

    def test_each_block_for_itself(self) -> None:
        cell = one()
        assert done_of([record(replace(cell, block=4))]) == {(cell.name, 4)}


class TestInference:
    def test_what_needs_more_than_one_that_ran_out_is_not_run(self) -> None:
        stored = run(grid(), too_small)
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
        assert larger.name not in self.inferred([record(smaller, Status.OOM), record(smaller)])
        assert larger.name in self.inferred([record(smaller, Status.OOM)])

    def test_nothing_is_inferred_against_one_that_needs_as_much_and_fits(self) -> None:
        smaller, larger = self.pair()
        assert larger.name not in self.inferred([record(smaller, Status.OOM), record(larger)])

    @staticmethod
    def pair() -> tuple[Cell, Cell]:
        tight = [c for c in laid_out().cells if c.host.memory_bytes == 128 * MIB]
        alike = [c for c in tight if c.settings.encoder_threads == 1]
        by_concurrency = {(c.settings.preset, c.settings.concurrency): c for c in alike}
        return by_concurrency["veryfast", 3], by_concurrency["veryfast", 4]

    @staticmethod
    def inferred(past: list[Record]) -> set[str]:
        return {entry.cell for entry in run(grid(past)) if entry.status is Status.OOM_INFERRED}


class TestNeed:
    @pytest.mark.parametrize(
        "text", ["concurrency = 2", "encoder_threads = 2", "preset = 'veryfast'", "refs = 3"]
    )
    def test_more_of_anything_that_holds_frames_needs_as_much(self, text: str) -> None:
        more, less = one(f"[settings]\n{text}"), one()
        assert needs_as_much(more, less, CORES)
        assert not needs_as_much(less, more, CORES)

    def test_what_may_need_less_is_run(self) -> None:
        base = "[settings]\npreset = 'veryfast'\n"
        assert not needs_as_much(one(f"{base}mbtree = false"), one(base), CORES)

    def test_threads_left_to_ffmpeg_are_as_many_as_it_takes(self) -> None:
        auto, two = (one(f"[settings]\nencoder_threads = {n}") for n in (0, 2))
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

    def test_a_baseline_says_nothing_of_our_engine(self) -> None:
        ours, theirs = laid_out(PLAIN + "[subject]\nname = ['clipkit', 'fluent']").cells
        assert not needs_as_much(ours, theirs, CORES)
        assert not needs_as_much(theirs, ours, CORES)
        more = laid_out(PLAIN + "[subject]\nname = 'fluent'\n[settings]\nconcurrency = 2").cells[0]
        assert needs_as_much(more, theirs, CORES)

    def test_a_mode_that_holds_other_frames_is_not_compared(self) -> None:
        exact, snapped = laid_out(PLAIN + "[settings]\nmode = ['encode', 'snap']").cells
        assert not needs_as_much(exact, snapped, CORES)
        assert not needs_as_much(snapped, exact, CORES)


class TestTime:
    def test_nothing_is_known_before_anything_was_run(self) -> None:
        assert course(laid_out()).left_s(laid_out().cells) is None

    def test_the_rest_takes_as_long_as_the_same_cells_took_or_as_the_mean_cell(self) -> None:
        slow, quick, *others = laid_out().cells
        known = course(laid_out(), [record(slow, wall_s=30.0), record(quick, wall_s=10.0)])
        assert known.left_s([slow]) == pytest.approx(30.0)
        assert known.left_s([slow, quick, others[0]]) == pytest.approx(60.0)

    def test_what_is_known_to_run_out_takes_no_time(self) -> None:
        slow, ran_out, *_ = laid_out().cells
        inferred = record(ran_out, Status.OOM_INFERRED)
        known = course(laid_out(), [record(slow, wall_s=30.0), inferred])
        assert known.left_s([slow, ran_out]) == pytest.approx(30.0)

    def test_what_takes_long_is_told_by_the_clock_and_not_by_the_record(self) -> None:
        clock = Clock()
        known, cell = course(laid_out(), clock=clock), laid_out().cells[0]
        known.opened(cell)
        assert known.is_open
        clock.now_s += 9
        known.told(cell, record(cell, wall_s=1.0))
        assert not known.is_open
        assert known.left_s([cell]) == pytest.approx(9.0)
