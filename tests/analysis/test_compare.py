"""Comparing two campaigns: what differs is told first, unlike runs are never mixed."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import inventing_sweep
import pytest
from inventing_sweep import Film, Sweep, on
from running import clipkit
from stored_campaigns import NAMES, RESULTS

from clipkit.analysis.compare import Comparison, compare_campaigns
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.usual_noise import usual_noise

SMALL = Sweep(
    factors={"preset": ("ultrafast", "veryfast"), "concurrency": (1, 2)},
    hosts=(on("512M"),),
    spoilt=False,
)


@pytest.fixture
def campaign(tmp_path: Path) -> Callable[..., Campaign]:
    """campaign("a", sweep, change): an invented one, each of its records changed."""

    def made(
        name: str,
        sweep: Sweep = SMALL,
        change: Callable[[Record], Record] = lambda r: r,
        **where: Any,
    ) -> Campaign:
        rows = [change(record) for record in inventing_sweep.records(sweep)]
        folder = inventing_sweep.write(tmp_path / name, sweep, rows)
        machine = folder / "environment.json"
        machine.write_text(json.dumps(json.loads(machine.read_text("utf-8")) | where), "utf-8")
        return open_campaign(folder)

    return made


def slower(factor: float) -> Callable[[Record], Record]:
    return lambda r: replace(r, wall_s=None if r.wall_s is None else r.wall_s * factor)


def told(comparison: Comparison) -> dict[str, tuple[str, str]]:
    return {d.what: (d.a, d.b) for d in comparison.differences}


def test_a_slower_machine_is_found_by_as_much_as_it_is_slower(campaign):
    later = replace(SMALL, seed=8)
    found = compare_campaigns(campaign("a"), campaign("b", later, slower(1.25)))
    assert len(found.pairs) == 4
    assert found.overall is not None
    low, high = found.overall.interval
    assert low < 1.25 < high
    assert high / low < 1.1
    for pair in found.pairs:
        low, high = pair.ratio.interval
        assert low < pair.ratio.value < high
        assert pair.ratio.value == pytest.approx(1.25, rel=0.05)
        assert pair.ratio.n == 3
    assert "B takes 1.2" in found.verdict
    assert "the time of A over 4 cells in common" in found.verdict


def test_a_ratio_s_interval_holds_the_truth_as_often_as_it_says(campaign):
    right = trials = 0
    for seed in range(12):
        a = campaign(f"a{seed}", replace(SMALL, seed=100 + seed))
        b = campaign(f"b{seed}", replace(SMALL, seed=200 + seed))
        for pair in compare_campaigns(a, b).pairs:
            low, high = pair.ratio.interval
            right, trials = right + (low <= 1 <= high), trials + 1
    assert trials == 48
    assert right >= 40, f"{right} of {trials}"


def test_two_runs_of_the_same_are_not_told_apart(campaign):
    found = compare_campaigns(campaign("a"), campaign("b", replace(SMALL, seed=8)))
    assert found.differences == ()
    assert found.verdict.endswith("so they are not told apart")


def test_everything_else_that_changed_is_told_before_any_ratio(campaign):
    def elsewhere(record: Record) -> Record:
        return replace(
            record,
            ceiling="cgroup2",
            ffmpeg_version="5.1.9",
            clipkit_version="0.2.0",
            host_id="other",
            host="cheap-plan",
        )

    found = compare_campaigns(
        campaign("a"), campaign("b", SMALL, elsewhere, cpu="Another CPU", system="Linux 9")
    )
    assert list(told(found)) == ["host", "ceiling", "ffmpeg", "clipkit", "machine", "system"]
    assert told(found)["ffmpeg"] == ("ffmpeg version invented", "5.1.9")
    assert told(found)["ceiling"] == ("cgroup1", "cgroup2")
    assert "Another CPU" in told(found)["machine"][1]
    assert told(found)["host"][1] == "cheap-plan (512 MB, 2 CPU)"
    assert len(found.pairs) == 4
    shown = "\n".join(found.lines())
    assert shown.index("5.1.9") < shown.index("B / A") < shown.index(found.verdict)
    page = found._repr_html_()
    assert page.index("5.1.9") < page.index("the time of A") < page.index("B / A")


def test_cells_that_differ_by_their_ffmpeg_alone_are_compared(campaign):
    def by_system(record: Record) -> Record:
        settings = record.settings.changed_to(ffmpeg="system")
        return replace(slower(2)(record), settings=settings, cell=f"{record.cell}-system")

    found = compare_campaigns(campaign("a"), campaign("b", SMALL, by_system))
    assert len(found.pairs) == 4
    assert found.overall.value == pytest.approx(2)


def test_a_user_s_own_command_is_compared_by_its_words(campaign):
    commands = replace(SMALL, subjects=("command",))
    a = campaign("a", commands)
    assert len(compare_campaigns(a, campaign("b", commands)).pairs) == 1
    other = campaign("c", commands, lambda r: replace(r, command="other {input} {output}"))
    assert (
        compare_campaigns(a, other).why_not
        == "not comparable because they have no settings in common"
    )


def test_two_hosts_are_compared_with_each_other_and_named(campaign):
    """Which plan? Each campaign has one host: the ratio is what the other plan brings."""
    smaller = replace(SMALL, hosts=(on("256M"),))
    found = compare_campaigns(campaign("a"), campaign("b", smaller, slower(3)))
    assert len(found.pairs) == 4
    assert found.overall.value == pytest.approx(3)
    assert found.verdict.startswith(
        "B on 256M-2cpu (256 MB, 2 CPU) takes 3.0x the time of A on 512M-2cpu"
    )
    assert "host" in {difference.what for difference in found.differences}


@pytest.mark.parametrize(
    ("sweep", "why"),
    [
        (replace(SMALL, films=(Film("other.mp4"),)), "the upload differs: sample.mp4 ("),
        (replace(SMALL, clip_s=(4.0,)), "the job differs: 4 clips of 2 s (the first at 0 s) in A"),
        (
            replace(SMALL, hosts=(on("256M"), on("128M"))),
            "the host differs: 512M-2cpu (512 MB, 2 CPU) in A",
        ),
    ],
    ids=["upload", "job", "host"],
)
def test_unlike_runs_are_not_mixed(campaign, sweep, why):
    other = campaign("b", sweep)
    found = compare_campaigns(campaign("a"), other)
    assert found.pairs == ()
    assert found.overall is None
    assert found.why_not.startswith("not comparable because ")
    assert why in found.why_not
    assert (found.only_a, found.only_b) == (4, len(other.cells))
    assert found.differences
    assert found.verdict == found.why_not
    assert "not comparable because" in found._repr_html_()


def test_only_what_both_have_is_compared_and_the_rest_counted(campaign):
    more = replace(SMALL, hosts=(on("512M"), on("256M")), films=(Film(), Film("other.mp4")))
    found = compare_campaigns(campaign("a"), campaign("b", more))
    assert len(found.pairs) == 4
    assert (found.only_a, found.only_b) == (0, 12)
    assert "not compared: 0 cells only in A, 12 only in B" in found.lines()


def test_a_cell_that_ran_out_of_memory_on_one_side_has_no_ratio_and_says_so(campaign):
    def died(record: Record) -> Record:
        if record.settings.concurrency == 2:
            return replace(record, status=Status.OOM, error="killed", wall_s=None)
        return record

    found = compare_campaigns(campaign("a"), campaign("b", SMALL, died))
    without = [pair for pair in found.pairs if pair.ratio is None]
    assert len(without) == 2
    assert {(pair.a_status, pair.b_status) for pair in without} == {("ok", "oom")}
    assert "over 2 cells in common" in found.verdict
    everywhere = campaign("c", SMALL, lambda r: replace(r, status=Status.OOM, wall_s=None))
    assert compare_campaigns(campaign("d"), everywhere).why_not == (
        "not comparable because no cell finished in every run in both"
    )


def test_without_repeats_the_interval_is_the_usual_one_of_such_hosts(campaign):
    once = replace(SMALL, blocks=1, factors={"preset": ("ultrafast",)})
    found = compare_campaigns(campaign("a", once), campaign("b", once, slower(1.5)))
    (pair,) = found.pairs
    assert pair.ratio.value == pytest.approx(1.5)
    assert pair.ratio.log_half_width == pytest.approx(usual_noise(2.0).half_width * math.sqrt(2))
    assert found.overall == pair.ratio


def test_cells_are_listed_by_their_levels_and_a_long_list_is_folded(campaign):
    found = compare_campaigns(campaign("a"), campaign("b"))
    assert [pair.words for pair in found.pairs] == [
        "ultrafast, concurrency 1",
        "ultrafast, concurrency 2",
        "veryfast, concurrency 1",
        "veryfast, concurrency 2",
    ]
    assert "<details open>" in found._repr_html_()
    large = Sweep()
    assert (
        "<details>" in compare_campaigns(campaign("c", large), campaign("d", large))._repr_html_()
    )


def test_words_of_strangers_are_escaped(campaign):
    hostile = campaign("<b>bold</b>", replace(SMALL, films=(Film("<script>.mp4"),)))
    page = compare_campaigns(hostile, campaign("b"))._repr_html_()
    assert "<script>" not in page
    assert "<b>bold" not in page


def test_the_command_compares_too(campaign):
    a, b = campaign("a"), campaign("b", SMALL, slower(1.1))
    ran = clipkit("compare", a.folder, b.folder)
    assert ran.code == 0
    assert ran.out.splitlines() == compare_campaigns(a, b).lines()
    ran = clipkit("compare", a.folder, b.folder, "--json")
    assert ran.json == json.loads(json.dumps(compare_campaigns(a, b).to_json(), default=str))


def test_the_command_fails_where_nothing_can_be_compared_and_says_what_differs(campaign, tmp_path):
    a, b = campaign("a"), campaign("b", replace(SMALL, films=(Film("other.mp4"),)))
    ran = clipkit("compare", a.folder, b.folder)
    assert ran.code == 1
    assert "upload" in ran.out
    assert ran.complaint.startswith("clipkit: not comparable because the upload differs")
    ran = clipkit("compare", a.folder, b.folder, "--json")
    assert (ran.code, ran.out) == (1, "")
    ran = clipkit("compare", a.folder, tmp_path / "nowhere")
    assert ran.code == 1
    assert "is no campaign" in ran.complaint


def test_the_object_for_machines_is_json(campaign):
    found = compare_campaigns(campaign("a"), campaign("b", SMALL, slower(1.1)))
    document = json.loads(json.dumps(found.to_json(), default=str))
    assert document["overall"]["value"] == pytest.approx(1.1)
    assert document["verdict"] == found.verdict
    assert Path(document["a"]).is_absolute()
    assert {pair["cell"] for pair in document["pairs"]} == {pair.cell for pair in found.pairs}
    assert math.isfinite(document["pairs"][0]["ratio"]["low"])
    assert set(document) >= {field.name for field in dataclasses.fields(Comparison)}


@pytest.mark.parametrize("name", NAMES)
class TestACampaignInGitWithItself:
    def test_every_ratio_is_one_and_nothing_differs(self, name: str):
        ran = clipkit("compare", RESULTS / name, RESULTS / name, "--json")
        assert ran.code == 0, ran.err
        assert ran.json["differences"] == []
        assert (ran.json["only_a"], ran.json["only_b"]) == (0, 0)
        ratios = [pair["ratio"] for pair in ran.json["pairs"] if pair["ratio"]]
        assert ratios
        assert {ratio["value"] for ratio in ratios} == {1.0}
        assert ran.json["overall"]["value"] == pytest.approx(1.0)
        assert "not told apart" in ran.json["verdict"]

    def test_what_did_not_end_well_has_no_ratio_and_says_why(self, name: str):
        pairs = compare_campaigns(*(open_campaign(RESULTS / name) for _ in "ab")).pairs
        for pair in pairs:
            assert pair.a_ended == pair.b_ended
            assert (pair.ratio is None) == (pair.a_status != "ok")

    def test_the_command_ends_well(self, name: str):
        ran = clipkit("compare", RESULTS / name, RESULTS / name)
        assert ran.code == 0, ran.err
        assert "B takes 1.00x the time of A" in ran.out


def test_a_cell_that_failed_in_some_of_its_runs_is_told_as_such():
    """For 512 MB it ended well once, and ran out of memory twice."""
    ran = clipkit("compare", RESULTS / "reference-grid", RESULTS / "reference-grid")
    (line,) = [line for line in ran.out.splitlines() if " of 3 runs" in line]
    assert line.startswith("512 MB, veryfast, concurrency 4, encoder threads 4 ")
    assert line.count("ran out of memory in 2 of 3 runs") == 2
    assert line.count("–") == 2


def test_cells_of_each_subject_are_told_apart_by_the_settings_that_it_follows():
    pairs = compare_campaigns(*(open_campaign(RESULTS / "quick-wins") for _ in "ab")).pairs
    words = [pair.words for pair in pairs]
    assert len(set(words)) == len(words) == 89
    ours = next(told for told in words if told.startswith("clipkit, "))
    assert ours.endswith("0.5 CPU, concurrency 2")
    assert any(told.endswith("ultrafast, concurrency 3, encoder threads 4") for told in words)
