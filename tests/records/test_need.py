"""How much memory a run needed: of readings that each miss something."""

from __future__ import annotations

import dataclasses

import pytest
from inventing_records import TEMPLATE

from clipkit.format import MIB
from clipkit.records.cells import cells_of
from clipkit.records.need import HIDDEN_WORDS, may_be_hidden, need_bytes
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.table import table_of

LIMIT = 500 * MIB


def record(need_mib: int, bound_mib: int | None = None, **changes: object) -> Record:
    """One that needed so much, a tenth of it shared."""
    return dataclasses.replace(
        TEMPLATE,
        peak_anon_bytes=need_mib * MIB * 9 // 10,
        peak_shmem_bytes=need_mib * MIB // 10,
        peak_kernel_bytes=0,
        peak_bound_bytes=None if bound_mib is None else bound_mib * MIB,
        memory_limit_bytes=LIMIT,
        reserve_bytes=0,
        oom_kills=0,
        **changes,
    )


@pytest.mark.parametrize(
    ("parts", "need"),
    [
        ((70, 20, 10, None), 100),
        ((70, None, None, None), 70),
        ((70, 20, 10, 90), 100),
        ((70, 20, 10, 130), 130),
        ((None, 20, 10, 130), None),
    ],
)
def test_what_the_kernel_saw_between_two_samples_counts_where_it_is_more(
    parts: tuple[int | None, int | None, int | None, int | None], need: int | None
) -> None:
    assert need_bytes(*parts) == need


def test_a_cells_need_is_the_highest_of_its_runs_by_the_same_rule() -> None:
    runs = [
        record(100, 90, run_id="a", block=0),
        record(110, 160, run_id="b", block=1),
        record(120, None, run_id="c", block=2),
    ]
    cells = cells_of(table_of(runs))
    assert [run.peak_need_bytes for run in runs] == [100 * MIB, 160 * MIB, 120 * MIB]
    assert cells["peak_need_bytes"].tolist() == [160 * MIB]
    assert cells["peak_anon_bytes"].tolist() == [108 * MIB]
    assert cells["need_hidden"].tolist() == [False]


def test_close_to_the_ceiling_the_need_may_be_hidden() -> None:
    assert may_be_hidden(480, 500)
    assert not may_be_hidden(470, 500)
    assert not may_be_hidden(None, 500)
    assert not may_be_hidden(480, None)
    assert cells_of(table_of([record(480)]))["need_hidden"].tolist() == [True]


def test_a_records_card_says_so() -> None:
    assert record(490).need_is_hidden
    assert HIDDEN_WORDS in record(490)._repr_html_()
    assert HIDDEN_WORDS not in record(300)._repr_html_()


def test_what_ran_out_of_memory_needed_more_than_can_be_seen() -> None:
    killed = dataclasses.replace(record(300), status=Status.OOM, oom_kills=1)
    assert killed.need_is_hidden
    unlimited = dataclasses.replace(record(300), memory_limit_bytes=None)
    assert not unlimited.need_is_hidden
