"""What is no record is refused, with its file and line, by every reader."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inventing_records import TEMPLATE
from stored_campaigns import RESULTS, copied

from clipkit.errors import CampaignError
from clipkit.records.campaign import open_campaign
from clipkit.records.folder import clips_by_run, clips_of, read_records
from clipkit.records.outcome import Outcome
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.records.store import Store
from clipkit.records.table import read_samples, read_table
from clipkit.tuning.recommendation import read_recommendation

ROW = TEMPLATE.to_row() | {"run_id": "run-1", "cell": "clipkit-1", "wall_s": 5.5}
CLIP = json.loads((RESULTS / "quick-wins" / "clips.jsonl").read_text().splitlines()[0])

READERS: list[Callable[[Path], Any]] = [read_records, read_table]


def written(folder: Path, name: str, *lines: Any) -> Path:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / name).write_text("".join(f"{text}\n" for text in texts), "utf-8")
    return folder


def with_text(row: dict[str, Any], name: str, text: str) -> str:
    """The row as JSON, with the value written as no Python would."""
    return json.dumps(row | {name: "HERE"}).replace('"HERE"', text)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wall_s", '"fast"'),
        ("wall_s", "1e400"),
        ("wall_s", "NaN"),
        ("wall_s", "Infinity"),
        ("wall_s", "-1"),
        ("wall_s", "0"),
        ("wall_s", "true"),
        ("wall_s", "[1]"),
        ("wall_s", '{"a": 1}'),
        ("clips", "1.5"),
        ("clips", "true"),
        ("clips", "1000000000"),
        ("clips", "9" * 30),
        ("cell", "null"),
        ("error", "3"),
        ("mbtree", "1"),
        ("clip_wall_s", '[1, "2"]'),
        ("clip_wall_s", "[1, -2]"),
        ("clip_wall_s", "3"),
        ("run_id", '"../../secret"'),
        ("run_id", '".."'),
        ("started_utc", '"yesterday"'),
        ("peak_anon_bytes", "-5"),
        ("width", "[" * 50_000 + "]" * 50_000),
        ("width", '{"a":' * 50_000 + "1" + "}" * 50_000),
    ],
)
def test_a_record_that_is_none_is_named_with_file_and_line(
    read: Callable[[Path], Any], name: str, text: str, tmp_path: Path
) -> None:
    folder = written(tmp_path, "runs.jsonl", ROW, with_text(ROW, name, text))
    with pytest.raises(CampaignError, match=r"runs\.jsonl, line 2 .*"):
        read(folder)


@pytest.mark.parametrize("read", READERS)
def test_a_share_may_fall_short_of_nothing_and_a_name_may_be_anything(
    read: Callable[[Path], Any], tmp_path: Path
) -> None:
    odd = {"host": "<script>$x$ \x1b[31m", "other_cpu_fraction": -0.01, "error": "{input} [[1"}
    folder = written(tmp_path, "runs.jsonl", ROW | odd)
    assert len(read(folder)) == 1


@pytest.mark.parametrize("read", READERS)
def test_a_signal_and_a_priority_may_be_below_zero(read: Any, tmp_path: Path) -> None:
    """Of a server that SIGTERM ended: its campaign could not be read again."""
    service = {**dataclasses.asdict(Served()), "service": "tiny", "service_exit_code": -15}
    written(tmp_path, "runs.jsonl", ROW | service | {"harness_nice": -5})
    assert len(read(tmp_path)) == 1
    written(tmp_path, "runs.jsonl", ROW | {"block": -1})
    with pytest.raises(CampaignError, match="block"):
        read(tmp_path)


@pytest.mark.parametrize("read", READERS)
def test_what_is_whole_is_kept_without_its_line_feed(
    read: Callable[[Path], Any], tmp_path: Path
) -> None:
    whole = json.dumps(ROW) + "\n" + json.dumps(ROW | {"run_id": "run-2"})
    (tmp_path / "runs.jsonl").write_text(whole)
    assert len(read(tmp_path)) == 2
    (tmp_path / "runs.jsonl").write_text(whole[:-1])
    assert len(read(tmp_path)) == 1


EVERY = sorted(path.parent for path in RESULTS.glob("*/runs.jsonl"))


@pytest.mark.parametrize("folder", EVERY, ids=lambda folder: folder.name)
def test_every_campaign_in_git_holds_what_it_must(folder: Path) -> None:
    records = read_records(folder)
    assert len(records) == len(read_table(folder)) > 0
    assert {*clips_by_run(folder)} <= {record.run_id for record in records}
    assert open_campaign(folder).uploads


class TestClips:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("number", '"1"'),
            ("wall_s", "NaN"),
            ("cpu_s", "-3"),
            ("argv", '"ffmpeg -i"'),
            ("argv", "[1]"),
            ("status", "null"),
        ],
    )
    def test_a_clip_that_is_none_is_named(self, name: str, text: str, tmp_path: Path) -> None:
        written(tmp_path, "clips.jsonl", CLIP, with_text(CLIP, name, text), CLIP)
        with pytest.raises(CampaignError, match=r"clips\.jsonl, line 2 .*delete it"):
            clips_by_run(tmp_path)
        with pytest.raises(CampaignError, match=r"clips\.jsonl, line 2 .*delete it"):
            list(clips_of(tmp_path, CLIP["run_id"]))

    def test_the_last_one_is_kept_without_its_line_feed_if_it_is_whole(
        self, tmp_path: Path
    ) -> None:
        text = json.dumps(CLIP) + "\n" + json.dumps(CLIP)
        for end, kept in ((None, 2), (-1, 1), (-100, 1)):
            (tmp_path / "clips.jsonl").write_text(text[:end])
            assert len(clips_by_run(tmp_path)[CLIP["run_id"]]) == kept


class TestDocuments:
    @pytest.mark.parametrize(
        ("name", "change", "told"),
        [
            ("uploads.json", {"film.mp4": 3}, "tells no facts of the upload 'film.mp4'"),
            ("uploads.json", {"film.mp4": {"width": "wide"}}, "'width' is 'wide', no whole number"),
            ("uploads.json", {"film.mp4": {"fps": 0}}, "what no film is like"),
            ("environment.json", {"cores": "two"}, "'cores' is 'two'"),
            ("environment.json", {"usable_memory_bytes": "all"}, "'usable_memory_bytes' is 'all'"),
            ("environment.json", {"ffmpeg": [3]}, "'ffmpeg' is 3, no object"),
            ("environment.json", {"machines": {"a": 3}}, "a machine that is no object"),
        ],
    )
    def test_facts_of_another_type_are_told(
        self, name: str, change: dict[str, Any], told: str, tmp_path: Path
    ) -> None:
        folder = copied("reference-tune", tmp_path / "c")
        (folder / name).write_text(json.dumps(change))
        with pytest.raises(CampaignError, match=rf"{name} .*{told}"):
            open_campaign(folder)

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"verdict": 5}, "'verdict' is 5, no text"),
            ({"host": {"name": "x", "memory_bytes": "1", "cpus": 1}}, "'memory_bytes' is '1'"),
            ({"baselines": [{"name": "fluent"}]}, "lacks 'command'"),
            ({"settings": {"preset": "fastest"}}, "preset = 'fastest' is not legal"),
            ({"settings": 3}, "'settings' is 3, no object"),
            ({"measured_job": {}}, "cannot be read"),
            ({"why": "since"}, "'why' is 'since', no list"),
            (
                {"quality": {"table": {"heads": ["a"], "rows": [[1]], "caption": "", "notes": []}}},
                "",
            ),
        ],
    )
    def test_so_are_those_of_a_recommendation(
        self, change: dict[str, Any], told: str, tmp_path: Path
    ) -> None:
        folder = copied("reference-tune", tmp_path / "c")
        file = folder / "recommendation.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | change))
        with pytest.raises(CampaignError, match=r"recommendation\.json cannot be read: ") as caught:
            read_recommendation(folder)
        assert told in str(caught.value)

    @pytest.mark.parametrize("name", ["runs.jsonl", "uploads.json", "environment.json"])
    def test_a_link_in_the_place_of_a_file_is_said_to_be_one(
        self, name: str, tmp_path: Path
    ) -> None:
        folder = copied("reference-tune", tmp_path / "c")
        (folder / name).rename(tmp_path / name)
        (folder / name).symlink_to(tmp_path / name)
        with pytest.raises(CampaignError, match=rf"{name}.*it is a link, which is not followed"):
            open_campaign(folder)


class TestSamples:
    def stored(self, folder: Path, table: pa.Table, **options: Any) -> Path:
        (folder / "samples").mkdir()
        pq.write_table(table, folder / "samples" / "run-1.parquet", **options)
        return folder

    def test_a_few_bytes_that_declare_millions_are_refused_at_once(self, tmp_path: Path) -> None:
        many = pa.table({"t_s": pa.DictionaryArray.from_arrays([0] * 3_000_000, [1.5])})
        folder = self.stored(tmp_path, many, compression="zstd")
        assert (folder / "samples" / "run-1.parquet").stat().st_size < 1 << 20
        with pytest.raises(CampaignError, match=r"run-1\.parquet .*more samples than any attempt"):
            read_samples(folder, "run-1")

    @pytest.mark.parametrize(
        ("table", "told"),
        [
            ({"t_s": ["<script>"]}, "'t_s' holds no numbers"),
            ({"t_s": [[1.0]]}, "'t_s' holds no numbers"),
            ({"anon_bytes": [1]}, "no column 't_s'"),
            ({"t_s": [1.0]} | {f"c{n}": [1] for n in range(100)}, "more samples than any attempt"),
        ],
    )
    def test_what_is_no_table_of_numbers_is_refused(
        self, table: dict[str, Any], told: str, tmp_path: Path
    ) -> None:
        with pytest.raises(CampaignError, match=told):
            read_samples(self.stored(tmp_path, pa.table(table)), "run-1")

    def test_a_broken_one_is_told(self, tmp_path: Path) -> None:
        folder = self.stored(tmp_path, pa.table({"t_s": [1.0]}))
        path = folder / "samples" / "run-1.parquet"
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(CampaignError, match=r"run-1\.parquet cannot be read"):
            read_samples(folder, "run-1")

    def test_those_of_a_link_were_not_kept(self, tmp_path: Path) -> None:
        (tmp_path / "samples").mkdir()
        frame = pd.DataFrame({"t_s": [0.0]})
        frame.to_parquet(tmp_path / "elsewhere.parquet")
        (tmp_path / "samples" / "run-1.parquet").symlink_to(tmp_path / "elsewhere.parquet")
        with pytest.raises(CampaignError, match="holds no samples"):
            read_samples(tmp_path, "run-1")


def test_what_no_json_holds_is_unknown_when_it_is_written(tmp_path: Path) -> None:
    """Or the campaign could not be read again."""
    record = Record.from_row(ROW | {"vmaf": float("nan"), "error": None})
    Store.create(tmp_path / "c").append(Outcome(record, [CLIP | {"cpu_s": float("inf")}], [], {}))
    (read,) = read_records(tmp_path / "c")
    assert read.vmaf is None
    assert clips_by_run(tmp_path / "c")[CLIP["run_id"]][0]["cpu_s"] is None


def test_a_hostile_file_never_ends_the_process(tmp_path: Path) -> None:
    """Arrow's parser calls itself for every level: of enough of them the stack is full."""
    deep = with_text(ROW, "error", "[ " * 1_000_000)
    folder = written(tmp_path, "runs.jsonl", ROW, deep[: (1 << 22) - 100], ROW)
    program = (
        "import pathlib, sys\n"
        "from clipkit.records.table import read_table\n"
        "read_table(pathlib.Path(sys.argv[1]))"
    )
    argv = [sys.executable, "-P", "-c", program, str(folder)]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "line 2 is no record" in ran.stderr
