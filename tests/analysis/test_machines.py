"""Machines of one campaign that do not find the same ratio of two cells are named, and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import inventing_sweep
import pytest
from inventing_sweep import Sweep, on

from clipkit.analysis.compare import compare_campaigns
from clipkit.analysis.machines import disagreeing_machines
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.record import Record
from clipkit.report.pages.sweep_page import sweep_first_screen

SMALL = Sweep(
    factors={"preset": ("ultrafast", "veryfast"), "concurrency": (1, 2)},
    hosts=(on("512M"),),
    blocks=8,
    spoilt=False,
    noise_log_sd=0.05,
)


@pytest.fixture
def of_two(tmp_path: Path) -> Callable[..., Campaign]:
    """of_two(change): odd blocks by a machine `two`, each of its records changed."""

    def made(change: Callable[[Record], Record], sweep: Sweep = SMALL, name: str = "c") -> Campaign:
        rows = [
            change(replace(record, host_id="two")) if record.block % 2 else record
            for record in inventing_sweep.records(sweep)
        ]
        return open_campaign(inventing_sweep.write(tmp_path / name, sweep, rows))

    return made


def slower(factor: float, *presets: str) -> Callable[[Record], Record]:
    def changed(record: Record) -> Record:
        is_meant = not presets or record.settings.preset in presets
        return replace(record, wall_s=(record.wall_s or 0) * factor) if is_meant else record

    return changed


def test_a_preset_that_takes_longer_on_one_machine_alone_is_told_with_both_ratios(of_two):
    campaign = of_two(slower(1.5, "veryfast"))
    found = disagreeing_machines(campaign)
    assert len(found) == 2  # at one and at two at once
    for each in found:
        assert "veryfast" in each.cell and "ultrafast" in each.beside
        (one, here), (two, there) = each.ratios
        assert (one, two) == ("invented", "two")
        assert there.value / here.value == pytest.approx(1.5, rel=0.15)
        assert here.n == there.n == 4
        assert here.interval and here.interval[0] < here.value < here.interval[1]
        assert "machines disagree on how many times" in each.words and "4 blocks" in each.words
        assert "on invented" in each.words and "on two" in each.words


def test_a_machine_that_is_slower_as_a_whole_is_of_the_same_mind(of_two):
    assert disagreeing_machines(of_two(slower(2.0))) == ()


def test_noise_alone_makes_no_machines_disagree(of_two):
    told = [
        disagreeing_machines(of_two(slower(1.0), replace(SMALL, seed=seed), f"c{seed}"))
        for seed in range(6)
    ]
    assert sum(map(bool, told)) <= 1


def test_blocks_that_no_machine_ran_whole_say_nothing(of_two):
    """As where a machine was lost: of each block one machine has the one preset, another one the other."""

    def shared(record: Record) -> Record:
        is_first = record.settings.preset == "ultrafast"
        return replace(slower(1.5, "veryfast")(record), host_id="two" if is_first else "three")

    assert disagreeing_machines(of_two(shared)) == ()


def test_it_is_said_in_a_comparison_and_in_the_report(of_two):
    campaign = of_two(slower(1.5, "veryfast"))
    other = of_two(slower(1.0), name="other")
    compared = compare_campaigns(campaign, other)
    told = [line for line in compared.lines() if line.startswith("A: machines disagree")]
    assert len(told) == 2 and list(compared.disagreeing) == told
    assert compared.to_json()["disagreeing"] == compared.disagreeing
    assert "A: machines disagree" in compared._repr_html_()
    shown = sweep_first_screen(campaign.folder, campaign.folder)
    assert sum("machines disagree" in line for line in shown["unmeasured"]) == 2
