"""`clipkit tune` from an upload to a report, really measured under a real ceiling."""

from __future__ import annotations

import html
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
import requirements
from running import clipkit, groups_of

from clipkit import settings
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.hosts import find_host
from clipkit.plan.threads import with_threads
from clipkit.records.columns import columns
from clipkit.records.table import read_samples, read_table

# The least that the strategy can work with: what is tested is that all stations are passed.
BUDGET_MINUTES = 0.5
SHORT = ("--budget", BUDGET_MINUTES, "--no-report", "--json")


def by_the_kernel() -> bool:
    with open_ceiling(Limits.of(find_host("render-starter"))) as ceiling:
        return str(ceiling.mechanism) in {"cgroup1", "cgroup2", "systemd", "ambient"}


@pytest.fixture(scope="module")
def tuned(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("tune")
    words = ["--count", 4, "--length", 1, "--reserve", "40M", "--budget", BUDGET_MINUTES]
    template = "ffmpeg -y -ss {start} -i {input} -t {duration} -preset superfast {output}"
    ran = clipkit("tune", small, *words, "--command", template, "--json", cwd=folder)
    assert ran.code == 0, ran.err
    assert not groups_of(ran.pid)
    answer: dict[str, Any] = ran.json
    return answer


def test_the_answer_names_absolute_files_that_exist(tuned: dict[str, Any]) -> None:
    for name in ("campaign", "report", "config"):
        path = Path(tuned[name])
        assert path.is_absolute()
        assert path.exists()


def test_the_answer_compares_the_users_command_and_both_of_the_originals(
    tuned: dict[str, Any],
) -> None:
    assert set(tuned["baselines"]) == {"command", "sketch", "fluent"}
    for baseline in tuned["baselines"].values():
        assert baseline["status"] == "ok"
        assert baseline["wall_s"] > 0
        assert 1 <= baseline["clips_run"] <= 4
        low, high = baseline["speedup_ci95"]
        assert low <= baseline["speedup"] <= high


def test_a_finished_campaign_is_not_written_into(tuned: dict[str, Any], small: Path) -> None:
    campaign = Path(tuned["campaign"])
    before = (campaign / "runs.jsonl").read_bytes()
    ran = clipkit("tune", small, "--results", campaign.parent, "--as", campaign.name)
    assert ran.code == 1
    assert "--as" in ran.complaint
    assert (campaign / "runs.jsonl").read_bytes() == before


def test_the_job_asked_for_and_the_job_measured_are_told_apart(tuned: dict[str, Any]) -> None:
    assert tuned["job"] == {"clips": 4, "clip_s": 1, "spread": "evenly"}
    assert tuned["measured_job"]["pairs"] >= 2
    assert tuned["measured_job"]["clips_per_pair"] >= 1


def test_the_recommendation_leaves_the_headroom_that_it_says(tuned: dict[str, Any]) -> None:
    found = tuned["recommendation"]
    assert found["confirmed_wall_s"] > 0
    assert found["predicted_wall_s"] > 0
    room = tuned["host"]["memory_bytes"] - 40 * 2**20
    assert found["peak_need_bytes"] >= found["peak_anon_bytes"]
    assert found["headroom_bytes"] == room - found["peak_need_bytes"]


def test_the_memory_that_can_be_held_there_was_measured(tuned: dict[str, Any]) -> None:
    told = json.loads((Path(tuned["campaign"]) / "environment.json").read_text("utf-8"))
    room = tuned["host"]["memory_bytes"] - 40 * 2**20
    if told["ceiling"] not in {"cgroup1", "cgroup2", "systemd"}:
        assert "usable_memory_bytes" not in told
    else:
        assert 0.98 * room < told["usable_memory_bytes"] <= room


def test_the_configuration_cuts(tuned: dict[str, Any], small: Path, tmp_path: Path) -> None:
    ran = clipkit(
        "cut",
        small,
        *("--out", tmp_path / "clips", "--count", 2, "--length", 1),
        *("--config", tuned["config"], "--json"),
    )
    assert ran.code == 0, ran.err
    used = ran.json["settings"]
    asked = settings.load_settings(Path(tuned["config"]))
    assert tuned["recommendation"]["settings"] == settings.to_table(asked)
    # What the user's command leaves to ffmpeg is a share of the CPU in a cut.
    share = with_threads(asked, len(os.sched_getaffinity(0)), 2)
    assert settings.from_mapping(used, "manifest") == share


def test_every_record_was_held_to_the_host_and_has_every_column(tuned: dict[str, Any]) -> None:
    rows = read_table(Path(tuned["campaign"]))
    assert {column.name for column in columns()} <= set(rows.columns)
    assert set(rows["memory_limit_bytes"]) == {512 * 2**20}
    assert set(rows["reserve_bytes"]) == {40 * 2**20}
    full = rows[rows["phase"].isin(["baseline", "confirm"])]
    assert set(full["cpu_quota"]) == {0.5}
    if not by_the_kernel():
        requirements.missing("ceiling", "no ceiling of the kernel's can be set up here")
    assert set(rows["ceiling"]) <= {"cgroup1", "cgroup2", "systemd", "ambient"}
    assert full["throttled_s"].sum() > 0


def test_each_run_kept_its_samples_and_its_clips_argv(tuned: dict[str, Any]) -> None:
    campaign = Path(tuned["campaign"])
    rows = read_table(campaign)
    for run_id in rows["run_id"]:
        assert len(read_samples(campaign, run_id)) >= 2
    clips = [json.loads(line) for line in (campaign / "clips.jsonl").read_text().splitlines()]
    assert {clip["run_id"] for clip in clips} == set(rows["run_id"])
    assert all(clip["argv"] for clip in clips)


def test_the_campaign_says_what_was_asked_where_and_on_what(tuned: dict[str, Any]) -> None:
    campaign = Path(tuned["campaign"])
    experiment = tomllib.loads((campaign / "experiment.toml").read_text())
    assert experiment["job"]["clips"] == 4
    environment = json.loads((campaign / "environment.json").read_text())
    assert environment["cores"] >= 1
    uploads = json.loads((campaign / "uploads.json").read_text())
    assert uploads["small.mp4"]["frames"] == 100


def test_the_report_stands_alone_and_says_the_verdict(tuned: dict[str, Any]) -> None:
    page = Path(tuned["report"]).read_text("utf-8")
    assert tuned["verdict"].split(" (")[0] in html.unescape(page)
    assert "data:image/svg+xml" in page
    for remote in ('src="http', "src='http", 'href="http', "@import", "url(http"):
        assert remote not in page


def test_the_command_is_read_and_the_change_is_its_own_words(tuned: dict[str, Any]) -> None:
    change = tuned["recommendation"]["change"]
    assert change["from"][:3] == ["ffmpeg", "-y", "-ss"]
    assert "superfast" in change["to"]
    assert change["commands_at_once"] == tuned["recommendation"]["settings"]["concurrency"]
    assert tuned["recommendation"]["settings"]["preset"] == "superfast"
    rows = read_table(Path(tuned["campaign"]))
    own = rows[rows["subject"] == "command"]
    assert set(own["preset"]) == {"superfast"}
    assert own["crf"].isna().all()
    assert set(own["seek"]) == {"input"}
    confirmed = rows[rows["phase"] == "confirm"]
    assert set(confirmed["subject"]) == {"command", "changed", "clipkit"}
    assert set(confirmed[confirmed["subject"] == "clipkit"]["mode"]) == {"auto"}
    assert tuned["modes"][0]["mode"] == "encode"
    assert tuned["offer"]
    assert {tuned["baselines"][name]["decided"] for name in tuned["baselines"]} <= {True, False}
    assert tuned["picture"]["same"] is True


def test_the_configuration_keeps_the_command_and_what_it_was_measured_with(
    tuned: dict[str, Any],
) -> None:
    document = tomllib.loads(Path(tuned["config"]).read_text("utf-8"))
    assert "superfast" in document["command"]["template"]
    assert set(document["measured"]) == {"host", "upload", "ffmpeg", "date"}


def test_several_hosts_stand_beside_each_other(small: Path, tmp_path: Path) -> None:
    words = ["--count", 2, "--length", 1, "--budget", 0.7, "--no-report", "--json"]
    hosts = ["--host", "render-starter", "--host", "render-standard"]
    ran = clipkit("tune", small, *words, *hosts, cwd=tmp_path)
    assert ran.code == 0, ran.err
    found = ran.json["hosts"]
    assert [each["host"]["name"] for each in found] == ["render-starter", "render-standard"]
    for each in found:
        assert each["wall_s"] > 0
        assert each["headroom_bytes"] > 0
        assert each["usd_per_1000_clips"] > 0
        assert Path(each["campaign"]).exists()


def test_other_pictures_are_offered_where_they_are_asked_for(small: Path, tmp_path: Path) -> None:
    words = ["--count", 2, "--length", 1, "--budget", 1, "--no-report", "--json"]
    ran = clipkit("tune", small, *words, "--quality", "free", cwd=tmp_path)
    assert ran.code == 0, ran.err
    offered = ran.json["quality"]
    assert offered["today"]["bytes"] > 0
    assert offered["table"]["heads"][:2] == ["preset", "CRF"]
    assert offered["choices"] or offered["not_searched"] or offered["notes"]


class TestCropAndHeight:
    """The user decides them; all that is compared does the same work."""

    def test_by_flags(self, small: Path, tmp_path: Path) -> None:
        asked = ("--crop", "1:1", "--scale-height", 48, "--count", 2, "--length", 1)
        ran = clipkit("tune", small, *asked, *SHORT, cwd=tmp_path)
        assert ran.code == 0, ran.err
        found = ran.json["recommendation"]["settings"]
        assert (found["crop"], found["scale_height"]) == ("1:1", 48)
        table = read_table(Path(ran.json["campaign"]))
        assert set(table["crop"]) == {"1:1"}
        assert set(table["scale_height"]) == {48}
        assert (ran.json["modes"], ran.json["offer"]) == ([], None)
        assert set(table["mode"]) == {"encode"}
        told = settings.load_settings(Path(ran.json["config"]))
        assert (told.crop, told.scale_height) == ("1:1", 48)

    def test_by_the_users_own_words(self, small: Path, tmp_path: Path) -> None:
        words = "ffmpeg -y -ss {start} -i {input} -t {duration} -vf scale=-2:48 {output}"
        asked = ("--command", words, "--count", 2, "--length", 1)
        ran = clipkit("tune", small, *asked, *SHORT, cwd=tmp_path)
        assert ran.code == 0, ran.err
        found = ran.json["recommendation"]
        assert found["settings"]["scale_height"] == 48
        assert "scale=-2:48" in found["change"]["to"]
        table = read_table(Path(ran.json["campaign"]))
        assert set(table["scale_height"]) == {48}
        assert table["crop"].isna().all()
        theirs = table[table["subject"].isin(["command", "changed"])]
        assert set(theirs["filters"]) == {"scale=-2:48"}
        told = json.loads(Path(ran.json["campaign"], "recommendation.json").read_text("utf-8"))
        assert any(line.startswith("clipkit: ") for line in told["do"])  # it makes such clips too
        assert (ran.json["modes"], ran.json["offer"]) == ([], None)
        assert "copied" not in told["verdict"]

    def test_not_by_both(self, small: Path, tmp_path: Path) -> None:
        words = "ffmpeg -ss {start} -i {input} -t {duration} -vf scale=-2:48 {output}"
        ran = clipkit("tune", small, "--command", words, "--scale-height", 48, cwd=tmp_path)
        assert ran.code == 2
        assert "--scale-height beside --command" in ran.complaint

    def test_a_part_outside_the_picture_is_refused_before_anything_runs(
        self, small: Path, tmp_path: Path
    ) -> None:
        ran = clipkit("tune", small, "--crop", "200:50:0:0", *SHORT, cwd=tmp_path)
        assert ran.code == 1
        assert "which is 160x90 as shown" in ran.complaint
        assert not (tmp_path / "results").exists()
