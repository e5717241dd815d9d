"""What varies between cells, and what goes along with it."""

from dataclasses import replace

import pandas as pd
from inventing_sweep import Sweep, on, records

from clipkit.analysis.factors import cell_words, factors_of
from clipkit.records.cells import cells_of
from clipkit.records.record import Record
from clipkit.records.table import table_of


def cells(rows: list[Record]) -> pd.DataFrame:
    return cells_of(table_of(rows))


def test_factors_are_what_varies_and_companions_go_along():
    sweep = Sweep(factors={"lookahead": (None, 0), "concurrency": (1, 2)}, spoilt=False)
    rows = [
        replace(
            r,
            settings=r.settings.changed_to(mbtree=None if r.settings.lookahead is None else False),
        )
        for r in records(sweep)
    ]
    found = factors_of(cells(rows))
    assert [(f.column, f.along) for f in found] == [
        ("memory_limit_bytes", ()),
        ("concurrency", ()),
        ("lookahead", ("mbtree",)),
    ]
    assert found[2].levels == (0, None)


def test_plans_that_are_no_grid_of_memory_and_cpu_are_hosts():
    plans = (on("512M", 0.5), on("512M", 2), on("2G", 2))
    sweep = Sweep(hosts=plans, factors={"preset": ("medium", "ultrafast")}, spoilt=False)
    found = factors_of(cells(records(sweep)))
    assert [factor.column for factor in found] == ["host", "preset"]
    assert found[1].levels == ("ultrafast", "medium")


def test_what_a_baseline_does_not_follow_is_no_level_of_a_setting():
    """Its decoders are not known to us: that is no second level of `hdr`, but of what it decides."""
    sweep = Sweep(factors={"concurrency": (1,)}, hosts=(on("512M"),), spoilt=False)
    (ours, *_) = records(sweep)
    theirs = replace(
        ours,
        cell="fluent",
        subject="fluent",
        settings=ours.settings.changed_to(hdr=None, seek=None),
    )
    assert [factor.column for factor in factors_of(cells([ours, theirs]))] == ["subject"]


def test_each_cell_is_told_from_the_others_by_what_varies():
    sweep = Sweep(factors={"concurrency": (1, 2)}, hosts=(on("512M"), on("1G")), spoilt=False)
    told = set(cell_words(cells(records(sweep))).values())
    assert told == {
        f"{memory}, concurrency {count}" for memory in ("512 MB", "1 GB") for count in (1, 2)
    }
