"""The opened campaign: what it holds, and narrower views of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from inventing_sweep import Sweep, on, write
from stored_campaigns import NAMES, RESULTS

from clipkit.errors import CampaignError, HostError, UsageError
from clipkit.records.best import RECOMMENDED
from clipkit.records.campaign import (
    USABLE,
    Campaign,
    machines_of,
    open_campaign,
    usable_bytes_of,
)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return open_campaign(write(tmp_path_factory.mktemp("swept") / "trying"))


def best(campaign: Campaign) -> set[str]:
    return set(campaign.cells[campaign.cells["best"] == RECOMMENDED]["cell"])


@pytest.mark.parametrize("name", NAMES)
def test_a_campaign_in_git_is_opened_whole(name: str):
    found = open_campaign(RESULTS / name)
    assert (found.name, found.shown, found.chosen) == (name, (), {})
    assert set(found.cells["cell"]) == set(found.table["cell"])
    assert set(found.cells["upload"]) <= set(found.uploads)
    assert list(found.machines) == list(found.table["host_id"].unique())
    assert (found.cells["host_log_sd"] > 0.03).all()


def test_a_part_has_only_the_cells_asked_for_and_says_so(swept: Campaign):
    part = swept.part(memory="96M", preset=["ultrafast", "veryfast"])
    assert set(part.cells["memory_limit_bytes"]) == {96 * 2**20}
    assert set(part.cells["preset"]) == {"ultrafast", "veryfast"}
    assert set(part.table["cell"]) == set(part.cells["cell"])
    assert part.shown == ("only 96 MB", "only ultrafast or veryfast")
    assert part.part(concurrency=2).shown[-1] == "only concurrency 2"
    assert swept.shown == ()


def test_what_is_best_is_told_anew_among_the_cells_of_a_part(swept: Campaign):
    part = swept.part(memory="512M", preset="medium")
    assert not best(swept) & set(part.cells["cell"])
    (recommended,) = best(part)
    assert part.cells.set_index("cell").loc[recommended, "leads"]


def test_what_could_be_held_there_is_told_with_the_machine_and_counts_in_every_view(
    swept: Campaign, tmp_path: Path
):
    """One that was written before it was measured does not tell."""
    assert usable_bytes_of(swept.environment) is None
    assert swept.cells["roomy"].any()
    told = write(tmp_path / "trying")
    facts = json.loads((told / "environment.json").read_text("utf-8"))
    (told / "environment.json").write_text(json.dumps(facts | {USABLE: 2**20}), "utf-8")
    found = open_campaign(told)
    assert usable_bytes_of(found.environment) == 2**20
    for view in (found, found.part(memory="512M")):
        known = view.cells["peak_need_bytes"].notna()
        assert not view.cells.loc[known, "roomy"].any()


def test_and_stays_what_it_is_among_them_all_where_each_part_is_shown(swept: Campaign):
    parts = swept.each(["memory_limit_bytes", "preset"])
    assert len(parts) == 9
    assert set().union(*map(best, parts)) == best(swept)
    assert sum(len(part.cells) for part in parts) == len(swept.cells)
    assert {part.shown for part in parts} >= {("only 96 MB", "only ultrafast")}


def test_the_noise_of_a_part_is_that_of_the_whole(swept: Campaign):
    part = swept.part(memory="96M", preset="veryfast").cells
    whole = swept.cells.set_index("cell").loc[part["cell"]]
    for name in ("log_sd", "freedom", "host_log_sd", "host_freedom"):
        assert part[name].tolist() == whole[name].tolist()


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"memory": "64M"}, "no cell has 64 MB; there are: 96 MB, 256 MB, 512 MB"),
        ({"concurrency": 9}, "no cell has concurrency 9; there are: 1, 2, 3, 4"),
        ({"lookahead": 3}, "no cell has lookahead 3; there are: default"),
        ({"gpu": 1}, "no column 'gpu'; what varies here: host, memory, preset, concurrency, "),
        ({"wall_s": 1}, "no column 'wall_s'"),
    ],
)
def test_a_part_that_is_none_is_refused_with_what_there_is(
    swept: Campaign, wanted: dict[str, object], told: str
):
    with pytest.raises(UsageError) as caught:
        swept.part(**wanted)
    assert told in str(caught.value)


def test_what_is_left_out_can_be_asked_for_as_none(swept: Campaign):
    assert len(swept.part(lookahead=None).cells) == len(swept.cells)


def test_what_was_cut_by_settings_that_can_be_chosen_is_a_part_where_there_is_more(tmp_path: Path):
    both = Sweep(subjects=("clipkit", "fluent"), hosts=(on("512M"),), spoilt=False)
    mixed = open_campaign(write(tmp_path / "mixed", both))
    assert set(mixed.tuned().cells["subject"]) == {"clipkit"}
    alone = open_campaign(write(tmp_path / "alone", Sweep(hosts=(on("512M"),), spoilt=False)))
    assert alone.tuned() is alone


def test_one_attempt_is_found_with_its_clips_and_samples(swept: Campaign):
    run_id = swept.table["run_id"].iloc[0]
    assert swept.record(run_id).run_id == run_id
    with pytest.raises(CampaignError, match="has no run 'none'"):
        swept.record("none")


@pytest.mark.parametrize("name", NAMES)
def test_clips_and_samples_are_tables_of_the_attempts_that_are_shown(name: str):
    whole = open_campaign(RESULTS / name)
    lines = (RESULTS / name / "clips.jsonl").read_text("utf-8").splitlines()
    assert len(whole.clips) == len(lines) > 0
    assert whole.clips.iloc[0].dropna().to_dict() == {
        key: value for key, value in json.loads(lines[0]).items() if value is not None
    }
    kept = {path.stem for path in (RESULTS / name / "samples").glob("*.parquet")}
    assert set(whole.samples["run_id"]) == kept & set(whole.table["run_id"])
    cell = whole.table.set_index("run_id").loc[whole.samples["run_id"].iloc[0], "cell"]
    part = whole.part(cell=cell)
    runs = set(part.table["run_id"])
    assert set(part.clips["run_id"]) <= runs and len(part.clips) < len(whole.clips)
    assert set(part.samples["run_id"]) == runs & kept
    assert list(part.samples.columns) == list(whole.samples.columns)
    peaks = whole.samples.groupby("run_id")["anon_bytes"].max()
    stated = whole.table.set_index("run_id")["peak_anon_bytes"]
    assert (peaks <= stated[peaks.index]).all()


def test_clips_and_samples_are_empty_where_nothing_was_kept(tmp_path: Path):
    folder = write(tmp_path / "bare")
    (folder / "clips.jsonl").unlink()
    shutil.rmtree(folder / "samples")
    bare = open_campaign(folder)
    assert (len(bare.clips), len(bare.samples)) == (0, 0)
    assert {"run_id", "start_s", "status", "argv"} <= set(bare.clips.columns)
    assert {"run_id", "t_s", "anon_bytes", "cpu_s"} <= set(bare.samples.columns)


def test_levels_may_be_numbers_text_or_any_kind_of_list(swept: Campaign):
    for several in (["1", 2], (1, 2.0), {1, 2}, pd.Series([1, 2]), range(1, 3)):
        assert set(swept.part(concurrency=several).cells["concurrency"]) == {1, 2}
    for memory in ("256M", 256 * 2**20, str(256 * 2**20), ["256 MB", "256M"]):
        assert set(swept.part(memory=memory).cells["memory_limit_bytes"]) == {256 * 2**20}


def test_a_size_whose_unit_was_forgotten_is_refused(swept: Campaign):
    with pytest.raises(HostError, match="did you mean 256M"):
        swept.part(memory=256)
    with pytest.raises(UsageError, match="concurrency = 'two' is no number"):
        swept.part(concurrency="two")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_of_a_campaign_is_short(name: str):
    found = open_campaign(RESULTS / name)
    assert repr(found).startswith(f"<Campaign {name}, {len(found.cells)} cells in ")
    part = found.part(preset=list(found.cells["preset"].unique()))
    assert "only" in repr(part)
    assert len(repr(part)) < 300


def test_the_machine_that_measured_last_stands_for_all():
    one = {"host_id": "one", "cpu": "A"}
    assert machines_of(one) == {"one": one}
    several = {"host_id": "two", "machines": {"one": one, "two": {"host_id": "two"}}}
    assert list(machines_of(several)) == ["one", "two"]
    assert list(machines_of({})) == ["unknown"]


def test_what_is_missing_or_broken_is_told(tmp_path: Path):
    folder = write(tmp_path / "trying")
    (folder / "uploads.json").write_text("[]", "utf-8")
    with pytest.raises(CampaignError, match=r"uploads\.json holds no JSON object"):
        open_campaign(folder)
    (folder / "uploads.json").write_text(json.dumps({}), "utf-8")
    assert set(open_campaign(folder).cells["upload"].str.len()) == {8}
    with pytest.raises(CampaignError, match="is no campaign: there is no such folder"):
        open_campaign(tmp_path / "none")
