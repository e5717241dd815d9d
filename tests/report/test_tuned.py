"""What the notebooks on campaigns show of a tuning: its own answer, on its own host."""

import shutil
from dataclasses import fields, replace
from pathlib import Path

import papermill
import pytest
from stored_campaigns import RESULTS
from test_measure import ASKED

from clipkit.errors import CampaignError, NotebookError, UsageError
from clipkit.report.exhibits import grid_charts
from clipkit.report.notebooks import about, explore, measure, optimum, place
from clipkit.report.notebooks.tuned import open_on_its_host
from clipkit.resources import folder
from clipkit.settings import load_settings
from clipkit.tuning.recommendation import read_recommendation

TUNING = RESULTS / "reference-tune"
CONFIRMED_S = 4.26
"""About what a clip of its confirming runs takes: without the quota it took a third."""
EXPLORED = explore.Asked(**dict.fromkeys(f.name for f in fields(explore.Asked)) | dict.fromkeys(("preset", "memory", "cpus", "upload", "clip_s", "cell"), "") | {"campaign": str(TUNING)})  # fmt: skip
OPTIMUM = optimum.Asked(campaign=str(TUNING), memory="", cpus="0", preset="", out="")


def test_of_a_tuning_only_what_ran_on_its_host_is_shown():
    found = explore.open_narrowed(EXPLORED)
    assert set(found.cells["cpu_quota"]) == {0.5}
    assert found.shown
    assert read_recommendation(TUNING).verdict.split(" ")[0] in about.about_campaign(found).markup


def test_what_is_recommended_is_what_the_tuning_recommends_with_its_confirmed_times():
    known = read_recommendation(TUNING)
    found = explore.open_narrowed(EXPLORED).tuned()
    best = found.cells[found.cells["best"] == "recommended"]
    assert len(best)
    for name in ("concurrency", "encoder_threads", "decoder_threads"):
        assert set(best[name]) == {getattr(known.settings, name)}
    confirmed = best[best["clips"] > 1]
    assert confirmed["s_per_clip"].mean() == pytest.approx(CONFIRMED_S, rel=0.1)
    (front,) = grid_charts.fronts(found).shown
    assert "★ recommended" in str(front.table.rows)


def test_a_level_that_the_tuning_did_not_run_is_refused():
    with pytest.raises(UsageError, match="128 MB"):
        explore.open_narrowed(replace(EXPLORED, memory="128M"))
    with pytest.raises(CampaignError, match="128 MB"):
        optimum.find_optima(replace(OPTIMUM, memory="128M"))


def test_the_optimum_of_a_tuning_is_its_own_verdict_and_file(tmp_path: Path):
    known = read_recommendation(TUNING)
    found = optimum.find_optima(replace(OPTIMUM, out=str(tmp_path)))
    assert known.verdict[:20] in optimum.the_optimum(found).markup
    shown = [optimum.its_figures(found), optimum.as_good(found), optimum.to_copy(found)]
    said = "".join(part._repr_html_() for part in shown)
    assert "as long with the slowest" not in said
    assert load_settings(tmp_path / "clipkit.toml") == known.settings


def test_a_sweep_is_opened_as_it_is():
    assert set(open_on_its_host(RESULTS / "reference-grid").cells["cpu_quota"]) == {2.0}


@pytest.mark.parametrize(
    "other",
    [
        {"memory": "128M"},
        {"cpus": 2.0},
        {"host": "512M-2cpu"},
        {"reserve": "64M"},
        {"video": "mine.mp4"},
        {"budget_minutes": 3.0},
    ],
)
def test_a_finished_campaign_that_measured_something_else_is_refused(other: dict[str, object]):
    with pytest.raises(NotebookError, match=f"{next(iter(other))} = .* contradicts the campaign"):
        measure.given_or_measured(replace(ASKED, campaign=str(TUNING), **other))


def test_what_agrees_with_the_campaign_is_no_contradiction():
    asked = replace(ASKED, campaign=str(TUNING), memory="512M", cpus=0.5)
    assert measure.given_or_measured(asked).recommendation == read_recommendation(TUNING)


def test_what_counts_as_not_asked_is_what_the_notebook_holds():
    declared = papermill.inspect_notebook(folder("notebooks") / "1-measure.ipynb")
    held = {name: declared[name]["default"] for name in measure._UNASKED}
    assert {name: repr(value).replace("'", '"') for name, value in measure._UNASKED.items()} == held


def test_pictures_of_an_earlier_run_are_forgotten_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    figures = tmp_path / "figures" / "2-explore"
    figures.mkdir(parents=True)
    for name in ("scaling-6.svg", "scaling-6.png", "scaling-6-phone.svg", "mine.png", "notes.txt"):
        (figures / name).touch()
    monkeypatch.setattr(place, "figures", lambda: figures)
    place.forget_pictures()
    assert sorted(path.name for path in figures.iterdir()) == ["mine.png", "notes.txt"]
    shutil.rmtree(figures)
    place.forget_pictures()
