"""What the verdicts look like: figures against points, tables against records, on invented times."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tuning"))

from inventing_claims import ORIGINAL, Place, cut, ran_out, table
from inventing_services import serve

from clipkit.claims import Finding, Outcome, telling, verdicts
from clipkit.format import MIB
from clipkit.records.status import Status
from clipkit.report.charts import claims_forest as forest
from clipkit.report.charts import forest_drawing
from clipkit.report.charts import memory_at_once as at_once
from clipkit.report.exhibits import claim_exhibits as shown
from clipkit.report.pages.sweep_words import claims_in_words
from clipkit.settings import Settings

LARGE = Place(lines=1080)
TRIALS = [
    cut(),
    cut(settings=replace(ORIGINAL, concurrency=3), wall_s=40.0, peak_anon_bytes=148 * MIB),
    cut(settings=replace(ORIGINAL, concurrency=2), wall_s=50.0, peak_anon_bytes=100 * MIB),
    cut(place=LARGE),
    ran_out(cut(settings=replace(ORIGINAL, concurrency=3), place=LARGE)),
    cut("clipkit", Settings(concurrency=3), wall_s=30.0),
]


@pytest.fixture(scope="module")
def judged() -> shown.Verdicts:
    return verdicts(table(TRIALS))


def test_a_page_begins_with_what_was_judged_and_names_the_others_together(judged):
    rows = claims_in_words(judged).rows
    unknown = [verdict.id for verdict in judged if verdict.outcome is Outcome.NOT_MEASURED]
    assert len(rows) < len(judged)
    last = [row for row in rows if row[1] == "not measured yet"]
    assert rows[-len(last) :] == tuple(last)
    assert sorted(", ".join(row[0] for row in last).split(", ")) == sorted(unknown)
    of_languages = next(row[2] for row in last if row[0].startswith("C3, "))
    assert of_languages.startswith("needs experiments/languages.toml. C3: a Rust orchestrator is ")


def test_the_summary_has_a_row_for_every_claim(judged):
    summary = shown.verdicts_table(judged)
    assert [row[0] for row in summary.rows] == [verdict.id for verdict in judged]
    assert {row[0].rstrip("abc") for row in summary.rows} == {f"C{n}" for n in range(1, 14)}
    told = {row[0]: row[2] for row in summary.rows}
    assert told["C6"] == "confirmed"
    assert told["C2"] == "depends"
    assert told["C3"] == "not measured yet"
    depends = next(row[4] for row in summary.rows if row[0] == "C2")
    assert depends.startswith(
        "preset and frame size: they do not fit with ultrafast at 1080p, they fit with ultrafast at 720p"
    )


def test_the_summary_is_open_though_it_is_long(judged):
    assert "<details" not in shown.verdicts_table(judged)._repr_html_()


def test_the_readmes_table_has_a_row_for_every_claim_and_no_stray_bars(judged):
    lines = shown.verdicts_markdown(judged).splitlines()
    assert len(lines) == 2 + len(judged)
    assert {line.count("|") for line in lines} == {5}


def test_a_panel_shows_what_is_judged_first_and_what_ran_out_without_a_time(judged):
    panel = next(p for p in forest.forest_panels(judged) if p.title.startswith("C6"))
    assert [name for name, _ in panel.groups] == ["3 at once", "2 at once"]
    three, two = (lines for _, lines in panel.groups)
    assert [line.judged for line in (*three, *two)] == [True, True, False]
    assert [(line.ratio is None, line.finding) for line in three] == [
        (False, Finding.AS_CLAIMED),
        (True, Finding.DOES_NOT_APPLY),
    ]
    assert three[1].words == "ran out of memory"


def test_a_panel_begins_with_what_several_conditions_say_together():
    places = [Place(lines=lines) for lines in (720, 1080)]
    three = replace(ORIGINAL, concurrency=3)
    trials = [
        trial
        for at in places
        for trial in (cut(place=at), cut(settings=three, place=at, wall_s=40.0))
    ]
    panels = forest.forest_panels(verdicts(table(trials)))
    panel = next(p for p in panels if p.title == "C6  confirmed")
    assert [name for name, _ in panel.groups] == ["conditions together", "3 at once"]
    ((line,), alone) = (lines for _, lines in panel.groups)
    assert line.label == "all conditions"
    assert line.ratio == pytest.approx(1.5, rel=0.01)
    assert line.finding is Finding.AS_CLAIMED
    assert len(alone) == 2


def test_the_columns_of_the_forest_hold_every_panel_in_order(judged):
    panels = forest.forest_panels(judged)
    left, right = forest_drawing.forest_columns(panels, 980)
    assert left + right == panels
    assert forest_drawing.forest_columns(panels, 360) == [panels]


def test_the_bars_have_the_highest_peaks_what_ran_out_and_what_would_fit(judged):
    verdict = next(v for v in judged if v.id == "C2")
    fluent = [bar for bar in at_once.at_once_bars(verdict) if bar.subject == "fluent"]
    assert [(b.lines, b.at_once, b.extrapolated) for b in fluent] == [
        (720, 1, False),
        (720, 2, False),
        (720, 3, False),
        (720, 9, True),
        (1080, 1, False),
        (1080, 3, False),
    ]
    assert [b.peak_bytes and b.peak_bytes // MIB for b in fluent][:3] == [60, 102, 150]
    assert fluent[-1].peak_bytes is None


@pytest.mark.filterwarnings("error")
def test_the_bars_are_of_the_largest_ceiling_alone_and_find_room():
    three = replace(ORIGINAL, concurrency=3)
    small = Place(memory_mb=96)
    rows = table([
        cut(),
        cut(settings=three, peak_anon_bytes=400 * MIB),
        cut(place=small),
        cut(settings=three, place=small, peak_anon_bytes=80 * MIB),
    ])  # fmt: skip
    found = verdicts(rows)
    verdict = next(v for v in found if v.id == "C2")
    assert at_once.largest_room_bytes(verdict) == 512 * MIB
    assert [bar.at_once for bar in at_once.at_once_bars(verdict)] == [1, 3]
    assert shown.memory_at_once(found).picture.png


@pytest.mark.filterwarnings("error")
def test_an_unknown_peak_and_a_timeout_did_not_run_out_of_memory():
    two, three = (replace(ORIGINAL, concurrency=n) for n in (2, 3))
    late = replace(cut(settings=three), status=Status.TIMEOUT, wall_s=None, peak_anon_bytes=None)
    found = verdicts(table([cut(peak_anon_bytes=0), cut(settings=two, peak_anon_bytes=None), late]))
    bars = at_once.at_once_bars(next(v for v in found if v.id == "C2"))
    assert [bar.lacks for bar in bars if bar.peak_bytes is None] == ["unknown", "timeout"]
    assert [row[4] for row in shown.memory_at_once(found).table.rows] == [
        "measured",
        "unknown",
        "timed out",
    ]


def test_the_exhibits_are_drawn(judged):
    for exhibit, name in (
        (shown.every_effect(judged), "claims"),
        (shown.memory_at_once(judged), "at-once"),
    ):
        assert exhibit.picture.svg.startswith(b"<?xml")
        assert exhibit.picture.name == name
        assert exhibit.table.rows


def test_where_nothing_was_measured_the_exhibits_say_so():
    empty = verdicts(table([cut("clipkit", place=Place(memory_mb=2048))]))
    assert shown.every_effect(empty).table.rows == ()
    assert shown.memory_at_once(empty).table.rows == ()


def test_what_all_verdicts_lack_is_said_once(judged):
    markup = shown.limits_of_claims(judged)._repr_html_()
    assert markup.count("other films") == 1


def test_claims_in_lines_and_as_json_tell_the_same(judged):
    lines = telling.verdict_lines_of(judged)
    assert len(lines) == len(judged) + 1
    assert lines[-1].startswith("Of 13 claims, 17 with their parts, ")
    told = {each["id"]: each for each in map(telling.verdict_json, judged)}
    assert told["C6"]["outcome"] == "confirmed"
    assert told["C6"]["ratio"] == pytest.approx(1.5, rel=0.01)
    assert str(told["C6"]["found"]) in next(line for line in lines if line.startswith("C6 "))
    assert told["C3"]["ratio"] is None


def test_services_stand_in_panels_of_their_own_on_both_sides_of_the_edge():
    many = [replace(ORIGINAL, concurrency=n) for n in (1, 2, 4, 8)]
    fitted = [serve("node", settings, clips=settings.concurrency) for settings in many]
    lost = [ran_out(serve("node", replace(ORIGINAL, concurrency=n), clips=n)) for n in (9, 10)]
    command = [replace(trial, cpu_quota=2.0, host="512M-2cpu") for trial in TRIALS[:2]]
    verdict = next(v for v in verdicts(table([*command, *fitted, *lost])) if v.id == "C2")
    bars = at_once.at_once_bars(verdict)
    served = [bar for bar in bars if bar.served]
    assert [(bar.panel, bar.at_once, bar.status) for bar in served] == [
        ("720p, services", 8, Status.OK),
        ("720p, services", 9, Status.OOM),
    ]
    assert {bar.panel for bar in bars} == {"720p", "720p, services"}
    assert at_once.panel_rows(bars) == 1
    assert at_once.panel_rows(bars, 1) == 2


def test_a_services_memory_is_told_by_moment_and_by_how_many_it_cut():
    three = replace(ORIGINAL, concurrency=3)
    trials = [serve(name, settings) for name in ("node", "rust") for settings in (ORIGINAL, three)]
    panel = next(p for p in forest.forest_panels(verdicts(table(trials))) if p.title[:3] == "C4a")
    labels = {name: [line.label for line in lines] for name, lines in panel.groups}
    assert labels["at rest"] == ["2 CPU, 720p, 12 s", "2 CPU, 720p, 12 s, 3 at once"]
    assert panel.x_label == "Node.js' memory over Rust's"
