import json
import shlex
from pathlib import Path

import invented
import inventing_sweep
import pytest
from inventing_sweep import Film, Sweep

from clipkit.errors import CampaignError, UsageError
from clipkit.format import without_home
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.report.exhibits import campaign_charts, grid_charts
from clipkit.report.exhibits.cell_page import cell_page
from clipkit.tuning.recommendation import Recommendation

EXHIBITS = (
    campaign_charts.overview,
    grid_charts.heat_maps,
    grid_charts.scaling,
    grid_charts.fronts,
    campaign_charts.memory_of_runs,
    campaign_charts.repeats,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return inventing_sweep.write(tmp_path / "campaign")


@pytest.fixture
def swept(folder: Path) -> Campaign:
    return open_campaign(folder)


def test_every_exhibit_of_a_sweep_is_drawn(swept: Campaign):
    for make in EXHIBITS:
        shown = make(swept)
        for exhibit in getattr(shown, "shown", [shown]):
            assert exhibit.picture.alt
            assert exhibit.table.rows
            assert min(len(exhibit.picture.svg), len(exhibit.picture.png)) > 5000
        assert "data:image/svg+xml;base64," in shown._repr_html_()


def test_a_tuning_can_be_explored_too(tmp_path: Path, recommendation: Recommendation):
    records = [*invented.screening(), *invented.confirming()]
    tuned = open_campaign(invented.write(tmp_path / "c", records, recommendation))
    for make in (EXHIBITS[0], *EXHIBITS[3:]):
        assert make(tuned)._repr_html_()


def test_a_campaign_that_has_just_begun_can_be_opened(folder: Path):
    (folder / "runs.jsonl").write_text("")
    begun = open_campaign(folder)
    assert campaign_charts.overview(begun).table.rows
    assert campaign_charts.repeats(begun).picture.svg


@pytest.mark.parametrize("missing", ["runs.jsonl", "environment.json", "uploads.json"])
def test_a_folder_that_lacks_something_is_named(folder: Path, missing: str):
    (folder / missing).unlink()
    with pytest.raises(CampaignError, match=missing):
        open_campaign(folder)


def test_of_several_machines_each_is_named(folder: Path):
    file = folder / "environment.json"
    facts = json.loads(file.read_text("utf-8"))
    machines = {"a": facts | {"cpu": "One"}, "b": facts | {"cpu": "Other"}}
    file.write_text(json.dumps(facts | {"machines": machines}), "utf-8")
    rows = campaign_charts.overview(open_campaign(folder)).table.rows
    (machines,) = (row[1] for row in rows if row[0] == "machine")
    assert [words.split(",")[0] for words in machines.split("; ")] == ["One", "Other"]


def test_cells_are_chosen_by_their_levels(swept: Campaign):
    part = swept.part(memory="256M", preset=["ultrafast", "medium"])
    assert len(part.cells) == 24
    assert set(part.table["cell"]) == set(part.cells["cell"])
    assert part.shown == ("only 256 MB", "only ultrafast or medium")
    assert "only 256 MB" in str(campaign_charts.overview(part).table.rows)


def test_uploads_are_chosen_by_name(tmp_path: Path):
    both = inventing_sweep.write(tmp_path / "c", Sweep(films=(Film("a.mp4"), Film("b.mp4"))))
    part = open_campaign(both).part(upload="b.mp4")
    assert set(part.cells["upload_sha256"]) == {Film("b.mp4").sha256}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"preset": "slow"}, "there are: ultrafast, veryfast, medium"),
        ({"memory": "64M"}, "there are: 96 MB, 256 MB, 512 MB"),
        ({"threads": 1}, "what varies here: host, memory, preset, concurrency, encoder_threads"),
        ({"upload": "other.mp4"}, r"there are: sample\.mp4"),
    ],
)
def test_what_does_not_occur_is_told_with_what_does(swept: Campaign, wanted: dict, said: str):
    with pytest.raises(UsageError, match=said):
        swept.part(**wanted)


def test_memory_shows_the_recommended_the_largest_and_one_that_ran_out(swept: Campaign):
    rows = campaign_charts.memory_of_runs(swept).table.rows
    assert [row[1] for row in rows] == ["recommended", "most memory", "ran out of memory"]
    run_id = rows[2][0]
    assert campaign_charts.memory_of_runs(swept, [run_id]).table.rows[0][0] == run_id
    with pytest.raises(UsageError, match="no run 'x'"):
        campaign_charts.memory_of_runs(swept, ["x"])


def test_a_cell_tells_its_runs_commands_and_logs(swept: Campaign):
    cell = swept.cells.loc[swept.cells["status"] == "ok", "cell"].iloc[0]
    page = cell_page(swept, cell)
    assert len(page.runs.rows) >= 3
    lines = (swept.folder / "clips.jsonl").read_text().splitlines()
    shown = page.runs.rows[min(page.runs.marked)][0]
    argv = [clip["argv"] for line in lines if (clip := json.loads(line))["run_id"] == shown]
    assert [shlex.split(command) for command in page.commands] == argv
    assert page.logs[0][0] == "clip-001.log"
    markup = page._repr_html_()
    assert "&lt;b&gt;invented&lt;/b&gt; &amp; hostile" in markup
    assert "<b>invented" not in markup


def test_nothing_that_a_cell_shows_names_a_home_folder(folder: Path):
    moved = (folder / "clips.jsonl").read_text().replace("/srv/films/", "/home/somebody/films/")
    (folder / "clips.jsonl").write_text(moved)
    swept = open_campaign(folder)
    cell = swept.cells.loc[swept.cells["status"] == "ok", "cell"].iloc[0]
    page = cell_page(swept, cell)
    assert "somebody" not in page._repr_html_()
    assert "-i sample.mp4" in page.commands[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ann/films/a.mp4: no such file", "~/films/a.mp4: no such file"),
        ("cannot read '/Users/ann/a.mp4'", "cannot read '~/a.mp4'"),
        (f"{Path.home()}/b.mp4", "~/b.mp4"),
        ("/srv/home/ann/a.mp4 and /homes/ann", "/srv/home/ann/a.mp4 and /homes/ann"),
    ],
)
def test_home_folders_are_a_tilde(text: str, shown: str):
    assert without_home(text) == shown


def test_a_run_is_found_by_its_name_whatever_became_of_it(swept: Campaign):
    for status in ("oom", "oom_inferred", "cancelled", "invalid_noise"):
        run_id = str(swept.table.loc[swept.table["status"] == status, "run_id"].iloc[0])
        page = cell_page(swept, run_id)
        assert page.runs.rows[min(page.runs.marked)][0] == run_id
        assert page._repr_html_()


def test_a_trial_that_does_not_occur_is_an_error(swept: Campaign):
    with pytest.raises(CampaignError, match=r"no cell and no run '\.\./x'"):
        cell_page(swept, "../x")


def test_only_the_end_of_a_long_log_is_shown_without_control_characters(swept: Campaign):
    run_id = str(swept.table["run_id"].iloc[0])
    log = swept.folder / "logs" / run_id / "clip-001.log"
    log.write_bytes(b"first\n" + b"x" * 100_000 + b"\n\x1b[31mred\x00\nlast\xff\n")
    (_, text), *_ = cell_page(swept, run_id).logs
    assert "first" not in text
    assert "\x1b" not in text
    assert text.endswith("last\N{REPLACEMENT CHARACTER}")
    assert len(text) < 20_000
