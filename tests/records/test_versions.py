"""Rows of other clipkits: an older one is read with what it lacks filled in, a newer one is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from inventing_records import TEMPLATE
from stored_campaigns import NAMES, RESULTS, copied, rows_of

from clipkit.errors import CampaignError
from clipkit.plan.subjects import KINDS
from clipkit.records.columns import columns
from clipkit.records.folder import read_records
from clipkit.records.record import SCHEMA_VERSION, Record
from clipkit.records.served import OF_SERVICES
from clipkit.records.table import read_table
from clipkit.records.versions import upgraded
from clipkit.settings import knobs

ESSENTIAL = [column.name for column in columns() if not column.nullable]
KNOWN_OTHERWISE = {"video_encoder", *(knob.name for knob in knobs())}
UNKNOWN = {column.name for column in columns() if column.nullable} - KNOWN_OTHERWISE


def row(**changes: Any) -> dict[str, Any]:
    return json.loads(json.dumps(TEMPLATE.to_row())) | changes


def lacking(*names: str, **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in row(**changes).items() if name not in names}


def refusal(entry: dict[str, Any]) -> str:
    with pytest.raises(CampaignError) as caught:
        upgraded(entry)
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
class TestCampaignsInGit:
    def test_every_row_is_read(self, name: str):
        records = read_records(RESULTS / name)
        assert len(records) == len(rows_of(RESULTS / name)) == len(read_table(RESULTS / name))

    def test_nothing_that_they_hold_is_changed_but_what_their_subject_does_not_follow(
        self, name: str
    ):
        for old, record in zip(rows_of(RESULTS / name), read_records(RESULTS / name), strict=True):
            new = json.loads(json.dumps(record.to_row()))
            changed = {column for column in old if new[column] != old[column]}
            known = KINDS[record.subject].known
            converted = {"schema_version", "throttled_s"} if old["schema_version"] == 1 else set()
            assert changed <= {knob.name for knob in knobs()} - set(known) | converted
            assert all(new[column] is None for column in changed - {"schema_version"})

    def test_the_table_says_the_same_as_the_records(self, name: str):
        table = read_table(RESULTS / name)
        for entry, record in zip(
            table.to_dict("records"), read_records(RESULTS / name), strict=True
        ):
            told = Record.from_row(
                {column: _plain(value) for column, value in entry.items()}
                | {"started_utc": record.started_utc}
            )
            assert told == record


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    return None if value is None or str(value) in ("nan", "<NA>", "NaT") else value


class TestAnOlderRow:
    @pytest.mark.parametrize("knob", knobs(), ids=lambda knob: knob.name)
    def test_a_setting_that_did_not_exist_is_at_what_held_before_it(self, knob: Any):
        assert upgraded(lacking(knob.name))[knob.name] == knob.before

    def test_where_its_subject_does_not_follow_it_nothing_is_known(self):
        for setting in ("lookahead", "seek", "hdr"):
            assert upgraded(lacking(setting, subject="fluent"))[setting] is None
        assert upgraded(lacking("encoder_threads", subject="fluent"))["encoder_threads"] == 1
        assert upgraded(lacking("preset", subject="a later one"))["preset"] is None

    @pytest.mark.parametrize("name", sorted(UNKNOWN))
    def test_what_may_be_unknown_is_unknown(self, name: str):
        assert upgraded(lacking(name))[name] is None

    @pytest.mark.parametrize("name", [n for n in ESSENTIAL if n != "schema_version"])
    def test_one_that_lacks_what_a_record_always_had_is_none(self, name: str):
        assert refusal(lacking(name)) == f"lacks '{name}'"

    def test_the_harness_own_priority_keeps_its_value_though_a_setting_has_its_name_now(self):
        old = upgraded(lacking("harness_nice", "cpu_percent", "ionice", nice=5))
        assert (old["harness_nice"], old["nice"]) == (5, 0)

    def test_what_was_held_back_is_unknown_where_it_was_a_sum_over_cpus(self):
        assert upgraded(row(schema_version=1, throttled_s=9.0))["throttled_s"] is None
        assert upgraded(row(throttled_s=9.0))["throttled_s"] == 9.0

    def test_the_kernels_mark_less_page_cache_and_reserve_bounds_its_need(self):
        marks = {"peak_cgroup_bytes": 90, "peak_cache_bytes": 20, "reserve_bytes": 30}
        assert upgraded(lacking("peak_bound_bytes", **marks))["peak_bound_bytes"] == 40
        assert upgraded(row(peak_bound_bytes=None, **marks))["peak_bound_bytes"] is None

    def test_one_that_has_everything_is_left_as_it_is(self):
        assert upgraded(row()) == row() | dict.fromkeys(OF_SERVICES)

    def test_before_commands_were_kept_the_experiment_tells_the_users(self):
        told = "nice {ffmpeg} -ss {start} -i {input} -t {duration} {output}"
        old = upgraded(lacking("command", "video_encoder", subject="command"), told)
        assert (old["command"], old["seek"], old["preset"]) == (told, "input", None)
        assert upgraded(lacking("command", subject="fluent"), told)["command"] is None
        unknown = upgraded(lacking("command", "video_encoder", subject="command"))
        assert (unknown["command"], unknown["seek"]) == (None, None)

    def test_of_a_users_command_its_words_tell_what_clipkit_did_not_read_then(self):
        told = "ffmpeg -i {input} -ss {start} -c:v libx265 -preset fast -b:v 2M -vf hflip {output}"
        nothing = {knob.name: None for knob in knobs()} | {"concurrency": 2, "ffmpeg": "system"}
        old = upgraded(lacking("video_encoder", subject="command", command=told, **nothing))
        assert (old["seek"], old["preset"], old["crf"]) == ("output", "fast", None)
        assert (old["concurrency"], old["ffmpeg"]) == (2, "system")
        assert (old["video_encoder"], old["bitrate_bps"], old["filters"]) == (
            "libx265",
            2_000_000,
            "hflip",
        )
        broken = upgraded(lacking("video_encoder", subject="command", command="ffmpeg '{input}"))
        assert (broken["preset"], broken["video_encoder"]) == (None, None)

    def test_ours_encoded_by_x264_where_they_encoded(self):
        for subject in ("clipkit", "fluent", "sketch", "moviepy"):
            assert upgraded(lacking("video_encoder", subject=subject))["video_encoder"] == "libx264"
        copied = upgraded(lacking("video_encoder", mode="snap"))
        assert copied["video_encoder"] is None


class TestANewerRow:
    def test_one_of_a_newer_schema_is_refused_with_the_version_to_install(self):
        told = refusal(row(schema_version=SCHEMA_VERSION + 1, clipkit_version="0.9.0"))
        assert f"written by clipkit 0.9.0 with schema {SCHEMA_VERSION + 1}" in told
        assert "pip install 'clipkit>=0.9.0'" in told

    def test_so_is_one_with_a_column_that_nobody_knows(self):
        told = refusal(row(gpu_s=1.0, clipkit_version="0.9.0"))
        assert "with the column 'gpu_s'" in told
        assert "pip install 'clipkit>=0.9.0'" in told

    @pytest.mark.parametrize("version", [None, "1", 1.0, True, 0, -3])
    def test_one_whose_schema_is_no_number_is_none(self, version: Any):
        assert "schema_version" in refusal(row(schema_version=version))

    @pytest.mark.parametrize("read", [read_records, read_table], ids=["records", "table"])
    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (
                {"schema_version": SCHEMA_VERSION + 1, "clipkit_version": "0.9.0"},
                "pip install 'clipkit>=0.9.0'",
            ),
            ({"gpu_s": 1.0, "clipkit_version": "0.9.0"}, "the column 'gpu_s'"),
            ({"status": ...}, "lacks 'status'"),
            (
                {"status": "melted", "clipkit_version": "0.9.0"},
                "clipkit 0.9.0 with the status 'melted'",
            ),
            ({"schema_version": ...}, "lacks its 'schema_version'"),
        ],
        ids=["schema", "column", "status", "other status", "no schema"],
    )
    def test_file_and_line_are_named_whoever_reads(
        self, tmp_path: Path, read: Any, change: dict[str, Any], told: str
    ):
        def changed(entry: dict[str, Any]) -> dict[str, Any]:
            if entry["order"] != 4:
                return entry
            return {name: v for name, v in (entry | change).items() if v is not ...}

        folder = copied("reference-tune", tmp_path / "copy", changed)
        with pytest.raises(CampaignError) as caught:
            read(folder)
        assert str(caught.value).startswith(f"{folder / 'runs.jsonl'}, line 5 ")
        assert told in str(caught.value)


class TestMixed:
    def test_rows_of_several_ages_are_one_table(self, tmp_path: Path):
        """As after a resume by a newer clipkit."""
        folder = copied("reference-grid", tmp_path / "copy")
        before = read_records(folder)
        lines = (folder / "runs.jsonl").read_text("utf-8").splitlines()
        newer = [json.dumps(record.to_row()) for record in before[100:]]
        (folder / "runs.jsonl").write_text("\n".join([*lines[:100], *newer]) + "\n", "utf-8")
        assert read_records(folder) == before
        assert read_table(folder).equals(read_table(RESULTS / "reference-grid"))
