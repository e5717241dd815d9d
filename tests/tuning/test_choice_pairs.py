"""Pairs of a choice and of what cuts today, on invented trials: their order, their end, their figures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from inventing_records import TEMPLATE
from surface import FLUENT, film

from clipkit.campaign.strategy import Cell
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.picture import Picture, PictureCheck
from clipkit.plan.clips import spread
from clipkit.plan.subjects import Engine
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.tuning.choice_pairs import ChoicePairs
from clipkit.tuning.picture import Way
from clipkit.tuning.quality_answer import QualityChoice
from clipkit.tuning.quality_question import QualityQuestion, may_choose_quality

TODAY = Picture(1_100_000, 1_000_000, None, "a still picture")
FAST = QualityChoice("ultrafast", 32, "bytes", PictureCheck(TODAY, TODAY), 0.5)
SLOW = QualityChoice("medium", 24, "vmaf", PictureCheck(TODAY, TODAY), 1.8)
WALLS_S = {"ultrafast": 4.0, "medium": 20.0, "today": 10.0}

QUESTION = QualityQuestion(
    job=spread(film(), 12, 12.0),
    today=Way(FLUENT, Settings()),
    base=Way(Engine(), Settings(concurrency=3)),
    host=Host("render-starter", 512 * MIB, 0.5),
    reserve_bytes=0,
    build=FfmpegBuild("bundled", "/nonexistent", "9.0", frozenset(), frozenset()),
    folder=Path("/nonexistent"),
)


@dataclass
class Machine:
    """Each trial takes as long as its wall time; `ends`: how those of a preset end, if not well."""

    left_s: float
    ends: dict[str, Status] = field(default_factory=dict)
    ran: list[tuple[str, int]] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)

    def __call__(self, cell: Cell) -> Record:
        name = "today" if cell.subject == FLUENT else cell.settings.preset
        self.ran.append((name, cell.block))
        self.cells.append(cell)
        self.left_s -= WALLS_S[name]
        status = self.ends.get(name, Status.OK)
        wall_s = WALLS_S[name] * (1.1 if cell.block == 1 else 1.0)  # the machine drifts
        return replace(TEMPLATE, status=status, wall_s=wall_s if status is Status.OK else None)

    def pairs(self, *choices: QualityChoice) -> ChoicePairs:
        pairs = ChoicePairs(QUESTION, self, lambda: self.left_s)
        pairs.run(choices)
        return pairs


def test_each_choice_runs_next_to_todays_and_who_is_first_changes() -> None:
    machine = Machine(left_s=100)
    machine.pairs(FAST, SLOW)
    assert machine.ran == [
        ("today", 0),
        ("ultrafast", 0),
        ("today", 0),
        ("medium", 0),
        ("ultrafast", 1),
        ("today", 1),
        ("medium", 1),
        ("today", 1),
    ]


def test_no_pair_begins_that_may_outlast_the_time() -> None:
    machine = Machine(left_s=70)
    pairs = machine.pairs(FAST, SLOW)
    # 14 s and 30 s are gone; then 14 s of the 26 that are left could be the 30 of the other.
    assert [name for name, _ in machine.ran] == ["today", "ultrafast", "today", "medium"]
    assert pairs.time_of(FAST) is not None


def test_a_choice_without_a_pair_was_not_timed() -> None:
    pairs = Machine(left_s=14).pairs(FAST, SLOW)
    assert pairs.time_of(SLOW) is None


def test_drift_over_both_of_a_pair_cancels_in_the_speed() -> None:
    found = Machine(left_s=60).pairs(FAST).time_of(FAST)
    assert found is not None
    assert found.speedup is not None
    assert found.pairs > 1
    assert found.speedup.value == pytest.approx(2.5)
    assert found.wall_s is not None
    assert found.wall_s > 4.0


def test_clips_of_a_pair_are_the_same_and_as_many_as_run_at_once() -> None:
    machine = Machine(left_s=60)
    machine.pairs(FAST)
    first, second, third = machine.cells[:3]
    assert first.job == second.job
    assert len(first.job.clips) == 3
    assert third.job != first.job
    assert {cell.host for cell in machine.cells} == {QUESTION.host}


def test_what_fails_on_the_host_is_told_and_not_tried_again() -> None:
    machine = Machine(left_s=500, ends={"medium": Status.OOM})
    found = machine.pairs(FAST, SLOW).time_of(SLOW)
    assert found is not None
    assert (found.speedup, found.status) == (None, Status.OOM)
    assert [name for name, _ in machine.ran].count("medium") == 1
    assert [name for name, _ in machine.ran].count("ultrafast") == 5


def test_where_todays_fails_the_choice_keeps_its_own_time() -> None:
    machine = Machine(left_s=500, ends={"today": Status.TIMEOUT})
    found = machine.pairs(FAST).time_of(FAST)
    assert found is not None
    assert (found.wall_s, found.today_wall_s, found.speedup, found.status) == (
        4.0,
        None,
        None,
        "ok",
    )
    assert found.error == "nothing to compare with: today's timed out"
    assert len(machine.ran) == 2


def test_a_pair_that_others_disturbed_is_tried_in_the_next_round() -> None:
    machine = Machine(left_s=500, ends={"ultrafast": Status.INVALID_NOISE})
    found = machine.pairs(FAST).time_of(FAST)
    assert found is not None
    assert (found.pairs, found.status) == (0, Status.INVALID_NOISE)
    assert [name for name, _ in machine.ran].count("ultrafast") == 5


def test_what_copies_leaves_no_preset_and_crf_to_choose() -> None:
    assert may_choose_quality(Way(Engine(), Settings()))
    assert not may_choose_quality(Way(Engine(), Settings(mode="snap")))
