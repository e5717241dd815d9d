"""Tune, rewrite or a larger plan: the notebook's pieces on campaigns that hold what they need, and on those
that do not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from extents import measured
from inventing_plans import of_plans, served, written
from matplotlib.figure import Figure
from stored_campaigns import RESULTS

from clipkit.claims.evidence import gather_runs
from clipkit.errors import CampaignError, UsageError
from clipkit.hosts import catalogue
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.report.charts.plan_prices import draw_plans, drawn_hows, plan_bars, plans_finding
from clipkit.report.charts.services_side import services_beside, side_by_side_finding
from clipkit.report.exhibits import claim_exhibits, question_exhibits
from clipkit.report.exhibits.exhibit import Exhibit, Section
from clipkit.report.notebooks.question import Asked, Question, about_campaigns, open_question
from clipkit.settings import Settings
from clipkit.tuning.offers import Load
from clipkit.tuning.which_plan import which_plan

PLANS = list(catalogue().values())
EVERY = sorted(path.parent.name for path in RESULTS.glob("*/runs.jsonl"))
"""Every campaign in git, of whatever kind."""
MISSING = {
    "services": "No service was measured here",
    "parts": "were not measured next to each other",
    "edge": "No edge was searched for here",
    "measured": "Nothing was measured on two plans of known price",
}


def asked(campaign: str | Path = "", **changes: object) -> Asked:
    usual = Asked(
        campaign=str(campaign),
        clips_per_day=1000.0,
        longest_wait_min=5.0,
        clips_per_job=12,
        lines=0,
        clip_s=0.0,
    )
    return replace(usual, **changes)


def shown(question: Question) -> dict[str, str]:
    """Every piece of the notebook, as a page has it."""
    campaigns = question.campaigns
    pieces = {
        "about": about_campaigns(question),
        "ways": question_exhibits.each_way(campaigns),
        "rule": question_exhibits.rule_to_decide_by(campaigns),
        "services": question_exhibits.services_side_by_side(campaigns),
        "parts": question_exhibits.what_comes_from_where(campaigns),
        "edge": question_exhibits.until_memory_runs_out(campaigns),
        "plans": question_exhibits.plans_for_load(campaigns, question.load, PLANS),
        "measured": question_exhibits.measured_plans(campaigns),
        "verdicts": claim_exhibits.verdicts_table(question.verdicts),
        "unknown": question_exhibits.unknown_to_us(),
    }
    return {name: piece._repr_html_() for name, piece in pieces.items()}


def services() -> list[Record]:
    three = Settings(concurrency=3)
    return [
        *(served(name, wall_s=12.0) for name in ("node", "python", "rust")),
        *(served(name, settings=three, wall_s=12.2) for name in ("node", "python", "rust")),
        served("rust", words="sketched", wall_s=50.0, clips=1),
    ]


# -- what campaigns do not hold ------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_every_campaign_in_git_shows_what_it_holds_and_says_what_it_lacks(name: str):
    found = shown(open_question(asked(RESULTS / name)))
    campaign = open_campaign(RESULTS / name)
    has_services = campaign.table["service"].notna().any()
    for piece, sentence in MISSING.items():
        if not has_services:
            assert sentence in found[piece], piece
            assert found[piece].count("<p>") == 1
    assert "data:image/svg" in found["plans"] or "<p>No plan" in found["plans"]
    assert name in found["about"]


def test_all_of_them_together_answer_too():
    words = ", ".join(str(RESULTS / name) for name in EVERY)
    question = open_question(asked(words))
    assert len(question.campaigns) == len(EVERY)
    assert "the machine differs" in shown(question)["plans"]


def test_a_campaign_of_which_nothing_finished_is_no_traceback(tmp_path: Path):
    died = [replace(trial, status=Status.OOM, wall_s=None, error="killed") for trial in services()]
    found = shown(open_question(asked(written(tmp_path / "died", died))))
    assert "No plan" in found["plans"]
    assert "no time" in found["services"]


def test_what_is_no_campaign_is_refused_and_a_load_that_is_none(tmp_path: Path):
    with pytest.raises(CampaignError):
        open_question(asked(tmp_path / "nothing"))
    with pytest.raises(UsageError):
        open_question(asked(RESULTS / "quick-wins", clips_per_day=0.0))


def test_without_a_campaign_those_that_come_along_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    names = [campaign.name for campaign in open_question(asked()).campaigns]
    assert "quick-wins" in names
    own = written(tmp_path / "results" / "plans", of_plans())
    (mine,) = [each for each in open_question(asked()).campaigns if each.name == "plans"]
    assert mine.folder == own.resolve()


# -- services ------------------------------------------------------------------------------------


def opened(folder: Path, trials: list[Record]) -> Campaign:
    return open_campaign(written(folder, trials))


def test_services_are_set_beside_nodejs_told_the_same(tmp_path: Path):
    rows = services_beside(gather_runs([opened(tmp_path / "languages", services()).table]))
    told = [(row.how, row.service, row.ratio is not None) for row in rows]
    assert (
        told
        == [
            ("one at a time", "node", False),
            ("one at a time", "python", True),
            ("one at a time", "rust", True),
            ("3 at once", "node", False),
            ("3 at once", "python", True),
            ("3 at once", "rust", True),
            ("as sketched, one at a time", "rust", False),
        ]
        or told[0][0] == "as sketched, one at a time"
    )
    rust = next(row for row in rows if (row.service, row.how) == ("rust", "one at a time"))
    assert rust.ratio.value == pytest.approx(1.0, rel=0.02)
    assert rust.rest_bytes == 4 * 2**20
    assert rust.cutting_bytes == 8 * 2**20
    assert rust.cpu_fraction == pytest.approx(0.1 / 5.9)
    assert rust.health_worst_s == 0.01


def test_the_title_says_the_finding(tmp_path: Path):
    rows = services_beside(gather_runs([opened(tmp_path / "languages", services()).table]))
    said = side_by_side_finding(rows)
    assert said.startswith("At equal settings Python is ")
    assert re.search(r"Rust is [\d.]+x( to [\d.]+x)? as fast as Node\.js", said)
    assert "Rust 8.0 MB" in said


def test_services_that_nothing_is_beside_have_a_table_and_no_chart(tmp_path: Path):
    alone = question_exhibits.services_side_by_side([opened(tmp_path / "plans", of_plans())])
    assert isinstance(alone, Section)
    assert "nothing to compare" in alone.markup
    assert "<table>" in alone.markup


# -- plans ---------------------------------------------------------------------------------------

LOAD = Load(clips_per_day=1000, longest_wait_s=300, lines=720, clip_s=12.0)


def test_of_all_ways_those_of_nodejs_are_drawn(tmp_path: Path):
    trials = [
        *of_plans(),
        *(replace(t, served=replace(t.served, service="rust")) for t in of_plans()),
    ]
    found = which_plan([opened(tmp_path / "plans", trials)], LOAD, PLANS, ())
    assert drawn_hows(found) == ["node, the original's settings", "node, tuned"]
    bars = plan_bars(found)
    assert [bar.usd_per_month for bar in bars] == sorted(bar.usd_per_month for bar in bars)
    assert all(bar.usd_per_month > 0 for bar in bars)


def test_plans_that_were_only_estimated_are_marked(tmp_path: Path):
    found = which_plan([opened(tmp_path / "plans", of_plans())], LOAD, PLANS, ())
    bars = plan_bars(found)
    figure = Figure(figsize=(10, 8))
    draw_plans(bars, found, figure)
    marked = {label.get_text().endswith(" *") for label in figure.axes[0].get_yticklabels()}
    assert marked == {True, False} == {bar.measured for bar in bars}
    for label in figure.axes[0].get_yticklabels():
        of_plan = [bar for bar in bars if label.get_text().startswith(f"{bar.plan}, ")]
        assert label.get_text().endswith(" *") == any(not bar.measured for bar in of_plan)
    told = " ".join(" ".join(text.get_text() for text in figure.texts).split())
    assert "; *: estimated from CPU seconds, not measured" in told


def test_commands_are_drawn_where_no_service_was_measured():
    found = which_plan([open_campaign(RESULTS / "quick-wins")], LOAD, PLANS, ())
    assert drawn_hows(found) == ["original, seeking before the input", "tuned"]


def test_the_title_names_the_cheapest_plan_for_each_way(tmp_path: Path):
    campaigns = [opened(tmp_path / "plans", of_plans())]
    said = plans_finding(plan_bars(which_plan(campaigns, LOAD, PLANS, ())))
    assert "The cheapest plan that carries the load: " in said
    assert " USD a month (the original's settings and tuned)" in said
    hasty = replace(LOAD, longest_wait_s=1.0)
    said = plans_finding(plan_bars(which_plan(campaigns, hasty, PLANS, ())))
    assert said.endswith("none of these (the original's settings and tuned)")


def test_each_measured_plan_is_told_as_it_is_and_at_its_best(tmp_path: Path):
    told = question_exhibits.measured_plans([opened(tmp_path / "plans", of_plans())]).markup
    assert told.count("<tr>") == 7
    assert "best: ultrafast, 3 at once, " in told
    assert "95 % of jobs of 12 clips ready within 10 minutes" in told


def test_plans_are_an_exhibit_whose_table_holds_what_is_drawn(tmp_path: Path):
    campaigns = [opened(tmp_path / "plans", of_plans())]
    exhibit = question_exhibits.plans_for_load(campaigns, LOAD, PLANS)
    assert isinstance(exhibit, Exhibit)
    assert {row[0] for row in exhibit.table.rows} >= {
        "render-starter",
        "render-standard",
        "render-pro",
    }


# -- pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_no_words_of_a_stored_campaigns_charts_leave_them_or_lie_on_others(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    question = open_question(asked(RESULTS / name))
    with measured(monkeypatch) as seen:
        question_exhibits.services_side_by_side(question.campaigns)
        question_exhibits.plans_for_load(question.campaigns, question.load, PLANS)
    assert seen.charts in (0, 2, 4)
    assert seen.faults == []


@pytest.mark.parametrize("trials", [of_plans(), services()], ids=["plans", "languages"])
def test_no_words_of_the_services_charts_leave_them_or_lie_on_others(
    trials: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    question = open_question(asked(written(tmp_path / "own", trials)))
    with measured(monkeypatch) as seen:
        shown(question)
    assert seen.charts >= 2
    assert seen.faults == []
