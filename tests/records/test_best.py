"""The one definition of best, tied and recommended, on invented cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from inventing_records import TEMPLATE
from stored_campaigns import RESULTS, SWEEPS

from clipkit.format import MIB
from clipkit.records.best import (
    RECOMMENDED,
    TIED,
    leaves_margin,
    margin_words,
    ranked,
    real_room_bytes,
)
from clipkit.records.campaign import open_campaign
from clipkit.records.cells import cells_of
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.table import table_of
from clipkit.settings import Settings
from clipkit.tuning.optimum import optima


@dataclass(frozen=True)
class Tried:
    """A cell: how long each of its runs took, and its peak; None: it ran out of memory."""

    name: str
    walls_s: Sequence[float | None]
    peak_mb: int | None = 50
    subject: str = "clipkit"
    settings: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)

    def records(self) -> list[Record]:
        known = replace(
            TEMPLATE,
            cell=self.name,
            phase="grid",
            subject=self.subject,
            settings=Settings().used.changed_to(**self.settings),
            peak_anon_bytes=None if self.peak_mb is None else self.peak_mb * MIB,
            peak_kernel_bytes=0,
            memory_limit_bytes=200 * MIB,
            reserve_bytes=0,
        )
        return [
            replace(
                known,
                block=block,
                run_id=f"{self.name}-{block}",
                wall_s=wall_s,
                status=Status.OOM if wall_s is None else Status.OK,
                **self.changes,
            )
            for block, wall_s in enumerate(self.walls_s)
        ]


def standing(*tried: Tried) -> pd.DataFrame:
    table = table_of(record for each in tried for record in each.records())
    return ranked(cells_of(table)).set_index("cell")


def at_once(count: int, walls_s: Sequence[float | None], peak_mb: int | None = 50) -> Tried:
    return Tried(str(count), walls_s, peak_mb, settings={"concurrency": count})


STEADY = (10.0, 10.1, 9.9)
"""Repeats that differ by a percent; what a block has in common is no noise, so cells differ in it."""


def times(factor: float, turned: int = 0, repeats: int = 1) -> list[float]:
    return [factor * wall_s for wall_s in (*STEADY[turned:], *STEADY[:turned])] * repeats


def test_of_those_surely_as_fast_the_one_with_the_least_memory_is_recommended():
    found = standing(
        at_once(1, times(1.005, 1, repeats=8), 40),
        at_once(2, times(1.0, repeats=8), 60),
        at_once(3, times(1.5, repeats=8), 20),
    )
    assert found["standing"].to_dict() == {"1": RECOMMENDED, "2": TIED, "3": ""}
    assert found["fastest"].to_dict() == {"1": False, "2": True, "3": False}
    assert found["leads"].all()
    assert (found["best"] == found["standing"]).all()

    assert found["decided"].all()


def test_a_tie_that_may_well_be_slower_is_not_recommended_for_its_memory():
    found = standing(at_once(1, times(1.05), 10), at_once(2, times(1.0), 60))
    assert found["standing"].to_dict() == {"1": TIED, "2": RECOMMENDED}
    assert not found["decided"].any()
    assert found["unseen"]["2"] > 1.05


def test_what_the_noise_tells_apart_is_no_tie_however_lean():
    found = standing(at_once(1, times(1.2), 10), at_once(2, times(1.0), 60))
    assert found["standing"].to_dict() == {"1": "", "2": RECOMMENDED}
    assert found["decided"].all()
    assert found["shortfall"]["1"] > 0.15 > found["shortfall"]["2"]


def test_without_repeats_the_usual_noise_decides_what_is_tied():
    found = standing(at_once(1, [10.0], 60), at_once(2, [10.2], 10), at_once(3, [20.0], 50))
    assert found["standing"].to_dict() == {"1": RECOMMENDED, "2": TIED, "3": ""}
    assert not found["decided"].any()


def test_the_fastest_of_many_alike_is_said_to_be_flattered():
    chance = np.random.default_rng(2)
    found = standing(
        *(at_once(n, list(10 * np.exp(chance.normal(0, 0.05, 3)))) for n in range(1, 30))
    )
    assert found["flattered"][found["fastest"]].item() > 0.02
    assert found["flattered"].mean() == pytest.approx(0, abs=0.01)


def test_an_unknown_peak_is_taken_last():
    found = standing(at_once(1, times(1.005, 1), None), at_once(2, times(1.0), 60))
    assert found["standing"].to_dict() == {"1": TIED, "2": RECOMMENDED}


def test_what_failed_once_is_never_best():
    found = standing(at_once(1, [5.0, None, 5.0]), at_once(2, times(1.0)))
    assert found["standing"].to_dict() == {"1": "", "2": RECOMMENDED}
    assert not found["contends"]["1"]


def test_the_fastest_that_leaves_no_margin_is_passed_over():
    """Of 200 MB, 180 may be needed."""
    found = standing(at_once(1, times(1.5), 100), at_once(2, times(1.0), 181))
    assert found["standing"].to_dict() == {"1": RECOMMENDED, "2": ""}
    assert found["roomy"].to_dict() == {"1": True, "2": False}
    assert found["contends"].to_dict() == {"1": True, "2": False}


def test_where_nothing_leaves_a_margin_all_contend():
    found = standing(at_once(1, times(1.5), 190), at_once(2, times(1.0), 195))
    assert found["standing"].to_dict() == {"1": "", "2": RECOMMENDED}
    assert found["contends"].all()
    assert not found["roomy"].any()


@pytest.mark.parametrize(
    ("peak", "room", "leaves"),
    [(90, 100, True), (91, 100, False), (None, 100, True), (99, None, True), (None, None, True)],
)
def test_a_tenth_of_the_room_is_the_margin(peak: int | None, room: int | None, leaves: bool):
    assert leaves_margin(peak, room) is leaves
    assert margin_words() == "10 %"


@pytest.mark.parametrize(
    ("room", "usable", "real"),
    [(100, None, 100), (None, 50, None), (100, 98, 100), (100, 97, 97), (100, 120, 100)],
)
def test_what_could_be_held_counts_where_it_is_less_than_the_label(
    room: int | None, usable: int | None, real: int | None
):
    assert real_room_bytes(room, usable) == real


def test_the_margin_is_one_of_what_could_be_held():
    """Of 200 MB 150 could be: 135 may be needed."""
    tried = [at_once(1, times(1.5), 100), at_once(2, times(1.0), 140)]
    cells = cells_of(table_of([record for each in tried for record in each.records()]))
    for usable, roomy in ((None, [True, True]), (150 * MIB, [True, False])):
        found = ranked(cells, usable_bytes=usable).sort_values("concurrency")
        assert found["roomy"].tolist() == roomy
        assert found["standing"].tolist() == (
            ["", RECOMMENDED] if all(roomy) else [RECOMMENDED, ""]
        )


def test_kernel_memory_counts_against_the_margin():
    heavy = Tried("heavy", STEADY, 170, changes={"peak_kernel_bytes": 20 * MIB})
    found = standing(heavy, at_once(2, times(2.0), 100))
    assert found["standing"].to_dict() == {"heavy": "", "2": RECOMMENDED}


def test_each_picture_has_a_recommended_one_and_the_fastest_of_them_leads():
    quick = Tried("quick", STEADY)
    slow = Tried("slow", times(2.0), settings={"preset": "medium"})
    found = standing(quick, slow)
    assert found["standing"].to_dict() == {"quick": RECOMMENDED, "slow": RECOMMENDED}
    assert found["leads"].to_dict() == {"quick": True, "slow": False}
    assert found["best"].to_dict() == {"quick": RECOMMENDED, "slow": ""}


def test_each_host_and_job_has_a_best_of_its_own():
    one = Tried("one", STEADY)
    other = Tried("other", times(9.0), changes={"cpu_quota": 1.0})
    third = Tried("third", times(9.0), changes={"clip_s": 30.0})
    found = standing(one, other, third)
    assert set(found["best"]) == {RECOMMENDED}


@pytest.mark.parametrize(
    "faster",
    [
        Tried("faster", times(0.1), 20, subject="fluent"),
        Tried("faster", times(0.1), 20, settings={"mode": "snap"}),
    ],
    ids=["a baseline", "a mode that is not exact"],
)
def test_what_nobody_can_choose_never_leads_where_the_engine_was_measured(faster: Tried):
    found = standing(faster, Tried("ours", STEADY))
    assert found["best"].to_dict() == {"faster": "", "ours": RECOMMENDED}


def test_nothing_stands_where_nothing_finished():
    found = standing(at_once(1, [None, None]))
    assert found["standing"].to_dict() == {"1": ""}
    assert not found[["contends", "fastest", "leads"]].any().any()
    empty = standing()
    assert len(empty) == 0
    assert {"standing", "leads", "best"} <= set(empty.columns)


@pytest.mark.parametrize("name", SWEEPS)
def test_whoever_asks_for_a_best_of_a_campaign_in_git_gets_the_same_one(name: str):
    """`recommend` and what every chart marks."""
    campaign = open_campaign(RESULTS / name)
    leading = [found for found in optima(campaign) if found.fastest]
    marked = campaign.cells[campaign.cells["best"] == RECOMMENDED]
    ours = marked[marked["subject"] == "clipkit"]
    assert {found.best.cell for found in leading} == set(ours["cell"])
    tied = campaign.cells[(campaign.cells["best"] == TIED)]
    assert {tie.cell for found in leading for tie in found.ties} == set(
        tied[tied["subject"] == "clipkit"]["cell"]
    )
