"""Not measured: disturbed. What others disturbed counts nowhere, whatever a verdict once said of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import invented
import inventing_sweep
import nbformat
import pytest
from matplotlib.figure import Figure

import clipkit
from clipkit.analysis.factors import cell_words
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.status import Status
from clipkit.report.charts import heat_drawing, memory_over_time, outcomes, scaling
from clipkit.report.charts.heat_points import heat_points
from clipkit.report.charts.job_time import draw_job_times, job_time_points
from clipkit.report.charts.paired_runs import pair_points
from clipkit.report.charts.pareto_drawing import draw_points
from clipkit.report.charts.pareto_points import cell_fronts, settings_tried_points
from clipkit.report.exhibits import campaign_charts, grid_charts, tuning_sections
from clipkit.report.pages.report import write_report
from clipkit.report.pages.sweep_page import sweep_first_screen
from clipkit.resources import reference

WORDS = "not measured: disturbed"


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference tuning, had others disturbed each of its attempts."""
    folder = tmp_path_factory.mktemp("disturbed") / "reference-tune"
    shutil.copytree(reference("reference-tune"), folder)
    rows = [json.loads(line) for line in (folder / "runs.jsonl").read_text("utf-8").splitlines()]
    for row in rows:
        if row["status"] == "ok":
            row["status"] = "invalid_noise"
    (folder / "runs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


def test_neither_bars_nor_pairs_nor_memory_show_what_does_not_count(disturbed: Path) -> None:
    campaign = clipkit.load(disturbed)
    known = campaign.recommendation
    assert known is not None
    bars = job_time_points(campaign.table, known)
    assert {(bar.wall_s, bar.time_words, bar.run_words) for bar in bars} == {
        (None, WORDS, "no attempt counts")
    }
    drawn = draw_job_times(bars, Figure().subplots())
    assert "pairs" not in "".join(text.get_text() for text in drawn.texts)
    assert pair_points(campaign.table, known) == []
    assert {point.status for point in settings_tried_points(campaign.table, known)} == {
        Status.INVALID_NOISE
    }
    traces = memory_over_time.memory_traces(campaign.folder, campaign.table, known)
    assert {(trace.words, trace.t_s) for trace in traces} == {(WORDS, ())}


def test_the_verdict_is_shown_with_the_word_that_nothing_of_it_counts(disturbed: Path) -> None:
    campaign = clipkit.load(disturbed)
    known = campaign.recommendation
    assert known is not None
    markup = tuning_sections.verdict_section(campaign, known).markup
    assert f"No attempt of this verdict counts ({WORDS})" in markup
    assert markup.index("No attempt") < markup.index(known.verdict[:20])
    assert "No attempt of this verdict counts" in campaign._repr_html_()


def test_the_page_and_the_notebook_say_so_plainly(disturbed: Path) -> None:
    text = write_report(disturbed).read_text("utf-8")
    first = text[text.index('<header class="first">') : text.index("</header>")]
    assert f"No attempt of this verdict counts ({WORDS})" in first
    assert first.index("No attempt") < first.index("<h1>")
    executed = nbformat.read(disturbed / "notebooks" / "1-measure.ipynb", as_version=4)
    shown = json.dumps(executed.cells)
    assert f"No attempt of this verdict counts ({WORDS})" in shown
    assert "confirmed in" not in shown


def test_of_one_disturbed_baseline_the_others_keep_their_figures(tmp_path: Path) -> None:
    records = [
        replace(record, status=Status.INVALID_NOISE) if record.subject == "sketch" else record
        for record in (*invented.screening(), *invented.confirming())
    ]
    known = invented.recommendation()
    campaign = open_campaign(invented.write(tmp_path / "c", records, known))
    sketch, fluent, recommended = job_time_points(campaign.table, known)
    assert (sketch.wall_s, sketch.ended, sketch.speedup) == (None, WORDS, None)
    assert fluent.speedup_words == "1.39x as long  [1.33 – 1.46], 3 pairs"
    assert recommended.run_words == "confirmed in 3 pairs"
    warning = tuning_sections.verdict_warning(campaign, known)
    assert warning.startswith(f"No attempt of sketch counts ({WORDS})")


def test_without_a_confirming_attempt_that_counts_the_prediction_is_shown(tmp_path: Path) -> None:
    records = [
        replace(record, status=Status.INVALID_NOISE) if record.phase == "confirm" else record
        for record in (*invented.screening(), *invented.confirming())
    ]
    known = invented.recommendation()
    campaign = open_campaign(invented.write(tmp_path / "c", records, known))
    *_, recommended = job_time_points(campaign.table, known)
    assert recommended.wall_s == known.predicted_wall_s
    assert recommended.run_words == "predicted, not confirmed"


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A sweep of which every attempt at `veryfast` was disturbed."""
    rows = [
        replace(row, status=Status.INVALID_NOISE)
        if row.settings.preset == "veryfast" and row.wall_s
        else row
        for row in inventing_sweep.records()
    ]
    folder = tmp_path_factory.mktemp("sweep") / "campaign"
    return open_campaign(inventing_sweep.write(folder, rows=rows))


def texts(figure: Figure) -> str:
    said = [text.get_text() for ax in figure.axes for text in ax.texts]
    for legend in [*figure.legends, *(ax.get_legend() for ax in figure.axes)]:
        said += [text.get_text() for text in legend.get_texts()] if legend else []
    return "\n".join(said)


def test_the_page_of_a_sweep_says_how_many_trials_were_not_measured(swept: Campaign) -> None:
    attempts = swept.table[swept.table["status"] == "invalid_noise"]
    spoilt = attempts[["cell", "block"]].drop_duplicates()
    said = sweep_first_screen(swept.folder, swept.folder)["unmeasured"]
    (sentence,) = [line for line in said if "trials were not measured" in line]
    assert sentence.startswith(f"{len(spoilt)} of ")
    assert sentence.endswith("sweep again when the machine is quiet")


def test_every_chart_of_a_sweep_has_a_look_for_it(swept: Campaign) -> None:
    figure = Figure()
    heat_drawing.draw_heat_maps(heat_points(swept.cells), figure)
    assert "disturbed\n" in texts(figure)
    assert WORDS in texts(figure)
    figure = Figure()
    outcomes.draw_outcomes(outcomes.outcome_points(swept.cells), figure)
    assert WORDS in texts(figure)
    figure = Figure()
    scaling.draw_scalings(scaling.scaling_points(swept.cells), figure)
    assert WORDS in texts(figure)
    ax = Figure().subplots()
    draw_points(cell_fronts(swept.cells, cell_words(swept.cells))[0].points, ax)
    assert WORDS in ax.get_legend_handles_labels()[1]


def test_every_table_of_a_sweep_says_so(swept: Campaign) -> None:
    assert WORDS in str(campaign_charts.overview(swept).table.rows)
    for exhibits in (grid_charts.heat_maps(swept), grid_charts.fronts(swept)):
        assert WORDS in str([exhibit.table.rows for exhibit in exhibits.shown])
