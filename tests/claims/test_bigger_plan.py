"""Whether a larger plan is worth its price (claim C10), on invented services with known times and prices."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from inventing_plans import PRO, STANDARD, STARTER, of_plans, repeated, served, written

from clipkit.claims import Finding, Outcome, Verdict, verdicts
from clipkit.claims.evidence import gather_runs
from clipkit.claims.plan_figures import PlanFigures, priced_plans
from clipkit.hosts import Host
from clipkit.model.prices import usd_when_busy
from clipkit.records.record import Record
from clipkit.records.table import read_table
from clipkit.settings import Settings


def c10(folder: Path, trials: list[Record], blocks: int = 5) -> Verdict:
    found = verdicts(read_table(written(folder / "plans", trials, blocks)))
    return next(verdict for verdict in found if verdict.id == "C10")


def figures(folder: Path, trials: list[Record]) -> tuple[PlanFigures, ...]:
    (evidence,) = gather_runs([read_table(written(folder / "plans", trials))])
    (plans,) = priced_plans(evidence)
    return plans


def at(usd: float, cpus: float, wall_s: float) -> Record:
    return served(host=Host(f"plan-{usd:g}", 2**31, cpus, usd_per_month=usd), wall_s=wall_s)


def test_twice_as_fast_at_more_than_three_times_the_price_is_not_worth_it(tmp_path: Path):
    found = c10(tmp_path, of_plans())
    assert (found.outcome, found.finding) == (Outcome.REFUTED, Finding.LESS)
    first, second = [effect for effect in found.effects if effect.judged]
    assert first.change == "render-starter, 1 at once to render-standard, 1 at once"
    assert second.change == "render-standard, 1 at once to render-pro, 3 at once"
    assert first.ratio.value == pytest.approx(2.0 / (25 / 7), rel=0.02)
    assert second.ratio.value == pytest.approx(2.0 / (85 / 25), rel=0.02)
    assert first.why.startswith("2.0")
    assert "at 3.6x the price" in first.why
    assert re.search(r"1,000 clips 0\.014\d instead of 0\.00[78]\d* USD", first.why)


def test_as_much_faster_as_dearer_is_worth_it(tmp_path: Path):
    found = c10(tmp_path, [at(5, 0.5, 12.0), at(10, 1.0, 6.0), at(20, 2.0, 2.9)])
    assert found.outcome is Outcome.CONFIRMED


def test_what_is_shown_beside_is_not_judged_nor_shown_twice(tmp_path: Path):
    found = c10(tmp_path, of_plans())
    beside = [effect.change for effect in found.effects if not effect.judged]
    assert beside == [
        "render-standard, 1 at once to render-pro, 1 at once",
        "render-starter, 1 at once to render-pro, 3 at once",
    ]


def test_a_plan_without_a_price_and_a_single_one_are_not_judged(tmp_path: Path):
    custom = replace(STANDARD, name="own", usd_per_month=None)
    free = replace(STANDARD, name="free", usd_per_month=0.0)
    trials = [served(), served(host=custom, wall_s=6.0), served(host=free, wall_s=6.0)]
    found = c10(tmp_path, trials)
    assert found.outcome is Outcome.NOT_MEASURED
    assert found.found == "needs experiments/plans.toml"


def test_each_plans_best_keeps_the_originals_picture(tmp_path: Path):
    quick = [served(settings=Settings(preset="superfast", concurrency=2), host=PRO, wall_s=1.0)]
    plans = figures(tmp_path, [*of_plans(), *quick])
    assert [plan.host for plan in plans] == [STARTER.name, STANDARD.name, PRO.name]
    assert [plan.best.variant.settings.concurrency for plan in plans] == [1, 1, 3]


def test_settings_that_leave_no_margin_of_memory_are_not_a_plans_best(tmp_path: Path):
    full = [
        replace(t, peak_anon_bytes=2**32 - 2**20)
        if t.host == PRO.name and t.settings.concurrency == 3
        else t
        for t in of_plans()
    ]
    assert figures(tmp_path, full)[-1].best.variant.settings.concurrency == 1


def test_a_plan_on_which_the_original_ran_out_of_memory_is_left_out(tmp_path: Path):
    died = [
        replace(t, status="oom", wall_s=None) if t.host == STARTER.name else t for t in of_plans()
    ]
    assert [plan.host for plan in figures(tmp_path, died)] == [STANDARD.name, PRO.name]


def test_what_a_clip_costs_and_how_many_are_in_time(tmp_path: Path):
    smaller, middle, larger = figures(tmp_path, of_plans())
    assert smaller.best.usd_busy.value == pytest.approx(usd_when_busy(7, 3.0), rel=0.02)
    assert smaller.best.usd_busy.low < usd_when_busy(7, 3.0) < smaller.best.usd_busy.high
    day_and_night = 86_400 / 3.0
    assert 0.7 * day_and_night < smaller.best.clips_a_day < day_and_night
    assert smaller.best.clips_a_day * 2 < middle.best.clips_a_day < larger.best.clips_a_day


def test_services_are_judged_each_by_itself(tmp_path: Path):
    rust = [replace(t, served=replace(t.served, service="rust")) for t in of_plans()]
    found = c10(tmp_path, [*of_plans(), *rust])
    assert len([effect for effect in found.effects if effect.judged]) == 4


def test_blocks_of_two_do_not_decide_what_is_close(tmp_path: Path):
    close = [at(5, 0.5, 12.0), at(10, 1.0, 6.35)]
    assert c10(tmp_path, close, blocks=2).outcome is Outcome.NOT_DECIDED
    assert repeated(close)
