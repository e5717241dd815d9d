import cProfile
import dataclasses
import json
import pstats
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from inventing_records import TEMPLATE

from clipkit.errors import CampaignError
from clipkit.records.columns import columns
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.table import read_samples, read_table, write_parquet
from clipkit.settings import Settings

RECORD = replace(
    TEMPLATE,
    run_id="run-1",
    settings=Settings(lookahead=0, mbtree=False).used,
    usd_per_month=None,
    clip_starts_s=(0.0, 47.5),
    wall_s=5.5,
    peak_anon_bytes=123_456_789_012,
)
OUT_OF_MEMORY = replace(RECORD, run_id="run-2", status=Status.OOM, wall_s=None)


def line(record: Record) -> str:
    return json.dumps(record.to_row()) + "\n"


def campaign(folder: Path, text: str) -> Path:
    (folder / "runs.jsonl").write_text(text, "utf-8")
    return folder


def test_every_column_of_the_record_is_a_column_of_the_table(tmp_path: Path) -> None:
    loaded = read_table(campaign(tmp_path, line(RECORD)))
    assert list(loaded.columns) == [column.name for column in columns()]
    written = json.loads(line(RECORD))
    for name, value in loaded.iloc[0].items():
        if name in ("clip_starts_s", "clip_wall_s", "clip_cpu_s"):
            assert list(value) == written[name]
        elif written.get(name) is None:
            assert pd.isna(value), name
        elif name != "started_utc":
            assert value == written[name], name


def test_unknown_is_missing_and_integers_stay_integers(tmp_path: Path) -> None:
    loaded = read_table(campaign(tmp_path, line(RECORD) + line(OUT_OF_MEMORY)))
    assert loaded["wall_s"].isna().tolist() == [False, True]
    assert loaded["peak_anon_bytes"].dtype == "Int64"
    assert loaded["peak_anon_bytes"][0] == 123_456_789_012
    assert loaded["mbtree"].dtype == "boolean"
    assert loaded["status"].tolist() == ["ok", "oom"]
    assert str(loaded["started_utc"].dt.tz) == "UTC"


def test_a_whole_number_in_a_column_of_fractions_is_a_fraction(tmp_path: Path) -> None:
    whole = line(replace(RECORD, cpu_quota=2))
    assert read_table(campaign(tmp_path, whole))["cpu_quota"].dtype == "Float64"


@pytest.mark.parametrize("cut", [1, 100, -2])
def test_the_torn_last_line_of_a_killed_run_is_ignored(tmp_path: Path, cut: int) -> None:
    torn = line(RECORD) + line(OUT_OF_MEMORY)[:cut]
    assert read_table(campaign(tmp_path, torn))["run_id"].tolist() == ["run-1"]


def test_a_last_line_that_lacks_only_its_line_feed_is_kept(tmp_path: Path) -> None:
    whole = (line(RECORD) + line(OUT_OF_MEMORY)).rstrip("\n")
    assert len(read_table(campaign(tmp_path, whole))) == 2


@pytest.mark.parametrize("broken", ['{"run_id": "x\n', "nonsense\n", "3\n", "\x00\x00\n"])
def test_another_broken_line_is_named(tmp_path: Path, broken: str) -> None:
    text = line(RECORD) + broken + line(OUT_OF_MEMORY)
    with pytest.raises(CampaignError, match=r"runs\.jsonl, line 2 is no record"):
        read_table(campaign(tmp_path, text))


def test_a_value_of_the_wrong_type_is_refused(tmp_path: Path) -> None:
    row = RECORD.to_row() | {"wall_s": "fast"}
    with pytest.raises(CampaignError, match="wall_s"):
        read_table(campaign(tmp_path, json.dumps(row) + "\n"))


def test_a_folder_without_records_is_no_campaign(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="is no campaign"):
        read_table(tmp_path)


def test_a_campaign_that_has_just_begun_is_an_empty_table(tmp_path: Path) -> None:
    loaded = read_table(campaign(tmp_path, ""))
    assert loaded.empty
    assert list(loaded.columns) == [column.name for column in columns()]


def test_the_parquet_file_holds_the_same_table(tmp_path: Path) -> None:
    folder = campaign(tmp_path, line(RECORD) + line(OUT_OF_MEMORY))
    path = write_parquet(folder)
    assert path == folder / "runs.parquet"
    stored = pd.read_parquet(path)
    assert list(stored.columns) == [column.name for column in columns()]
    assert stored["run_id"].tolist() == ["run-1", "run-2"]
    assert [p.name for p in folder.iterdir() if p.suffix == ".part"] == []


def test_samples_are_read_by_their_run(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    written = pd.DataFrame({"t_s": [0.0, 0.1], "anon_bytes": pd.array([1, None], dtype="Int64")})
    written.to_parquet(tmp_path / "samples" / "run-1.parquet")
    read = read_samples(tmp_path, "run-1")
    assert read["anon_bytes"].isna().tolist() == [False, True]


@pytest.mark.parametrize("run_id", ["run-2", "../runs", ""])
def test_samples_that_were_not_kept_are_an_error(tmp_path: Path, run_id: str) -> None:
    (tmp_path / "samples").mkdir()
    (tmp_path / "runs.parquet").write_bytes(b"")
    with pytest.raises(CampaignError, match="no samples"):
        read_samples(tmp_path, run_id)


def test_many_attempts_are_read_by_columns_not_one_by_one(tmp_path: Path) -> None:
    """A hundred thousand load in some 5 s of CPU so: what Python itself does is not more for more of them."""
    rows = "".join(line(dataclasses.replace(RECORD, run_id=f"run-{n}")) for n in range(100))
    calls = []
    for times in (1, 30):
        folder = tmp_path / str(times)
        folder.mkdir()
        campaign(folder, rows * times)
        read_table(folder)  # what is imported and compiled once
        profile = cProfile.Profile()
        table = profile.runcall(read_table, folder)
        assert len(table) == 100 * times
        calls.append(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]
    assert calls[1] < 1.2 * calls[0]
