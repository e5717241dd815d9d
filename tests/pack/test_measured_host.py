"""A real host held against this machine: by the same commands, else by the canary; `tune` plays it so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stored_campaigns import RESULTS, copied, rows_of

from clipkit.cli import main
from clipkit.errors import CampaignError
from clipkit.format import MIB
from clipkit.hosts import custom, find_host
from clipkit.pack.hold_against import cpus_given, held_against_here
from clipkit.pack.measured_host import (
    MeasuredHost,
    host_as_measured,
    keep_measured_host,
    measured_hosts,
)
from clipkit.records.folder import read_records
from clipkit.records.record import Record
from clipkit.trial.machine import host_id
from clipkit.tuning.words import host_line

STARTER, SLOWER = "render-starter", 1.25
STARTED = MeasuredHost(
    STARTER,
    "2026-11-01T00:00:00+00:00",
    "there",
    "here",
    None,
    0.35,
    0.8,
    "commands",
    5,
    0.02,
    None,
    0,
)
THERE = {
    "host": STARTER,
    "host_id": "f00000000000",
    "memory_limit_bytes": 512 * MIB,
    "cpu_quota": 0.5,
    "enforced_memory_bytes": 457 * MIB,
    "enforced_cpus": 0.35,
    "ffmpeg_cpu_s": 0.34,
    "orchestrator_cpu_s": 0.0,
    "wall_s": 1.0,
}
Campaigns = Callable[..., Path]


@pytest.fixture
def campaigns(tmp_path: Path) -> Campaigns:
    """A campaign of a slower host, beside one of this machine; the same commands, from other folders."""

    def made(is_here_too: bool = True, slower: float = SLOWER, **there: Any) -> Path:
        if is_here_too:
            copied("quick-wins", tmp_path / "here", lambda row: row | {"host_id": host_id()})
        folder = copied("quick-wins", tmp_path / "there", lambda row: row | THERE | there)
        clips = [json.loads(line) for line in (folder / "clips.jsonl").read_text().splitlines()]
        for clip in clips:
            if clip["cpu_s"] and clip["argv"]:
                clip["cpu_s"] *= slower
                clip["argv"][0] = "/usr/bin/ffmpeg"
                clip["argv"][-1] = f"/there/{clip['number']}.mp4"
        (folder / "clips.jsonl").write_text("".join(f"{json.dumps(clip)}\n" for clip in clips))
        return folder

    return made


def told(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    return int(ended.value.code or 0), capsys.readouterr().out


def some_record(**altered: Any) -> Record:
    record = next(r for r in read_records(RESULTS / "reference-grid") if r.status == "ok")
    return replace(
        record, **{"orchestrator_cpu_s": 0.0, "harness_cpu_s": 0.0, "wall_s": 10.0} | altered
    )


def test_its_core_is_known_by_the_commands_that_both_ran(campaigns: Campaigns) -> None:
    found = held_against_here(campaigns())
    assert found.core == pytest.approx(1 / SLOWER, rel=0.01)
    assert found.core_by == "ffmpeg's CPU seconds"
    assert found.core_pairs > 10
    assert found.core_log_sd < 0.01
    assert (found.memory_bytes, found.cpus) == (457 * MIB, 0.35)
    assert found.noise_freedom > 0


def test_where_none_was_run_here_the_canary_tells(campaigns: Campaigns) -> None:
    found = held_against_here(campaigns(False, canary_before_s=1.0, canary_after_s=1.0))
    assert found.core_by.startswith("the canary")
    assert 0.0001 < found.core < 0.5  # a second there for some hundredths here
    assert found.core_log_sd == 0.1


def test_a_host_that_says_nothing_of_its_memory_has_what_the_plan_says(
    campaigns: Campaigns,
) -> None:
    found = held_against_here(campaigns(enforced_memory_bytes=None))
    assert found.memory_bytes is None
    assert "unknown, the plan's word stands" in "".join(found.lines())
    assert found.played(find_host(STARTER)).memory_bytes == 512 * MIB


def test_commands_of_another_ffmpeg_are_not_held_against_each_other(campaigns: Campaigns) -> None:
    folder = campaigns(ffmpeg_version="5.1.9", canary_before_s=0.01, canary_after_s=0.01)
    assert held_against_here(folder).core_by.startswith("the canary")


def test_without_either_it_says_what_is_missing(campaigns: Campaigns) -> None:
    folder = campaigns(False, canary_before_s=None, canary_after_s=None)
    with pytest.raises(
        CampaignError, match="no command that this machine has run too, and no canary"
    ):
        held_against_here(folder)


def test_what_this_machine_measured_calibrates_nothing(campaigns: Campaigns) -> None:
    with pytest.raises(CampaignError, match="was measured on this machine"):
        held_against_here(campaigns(host_id=host_id()))


def test_a_campaign_of_several_hosts_is_refused() -> None:
    with pytest.raises(CampaignError, match="measured 3 hosts"):
        held_against_here(RESULTS / "reference-grid")


@pytest.mark.parametrize(
    ("altered", "cpus"),
    [
        ({"enforced_cpus": 0.35, "ffmpeg_cpu_s": 3.4}, 0.35),
        ({"enforced_cpus": 0.5, "ffmpeg_cpu_s": 3.5}, 0.35),  # nothing there says 0.35
        ({"enforced_cpus": None, "ffmpeg_cpu_s": 4.9}, 0.5),
        ({"enforced_cpus": 2.0, "ffmpeg_cpu_s": 4.9}, 0.5),  # the machine's cores
        ({"enforced_cpus": None, "ffmpeg_cpu_s": 3.0, "harness_cpu_s": 0.5}, 0.35),
        ({"enforced_cpus": 0.5, "ffmpeg_cpu_s": 0.35, "wall_s": 1.0}, 0.5),  # too short to tell
    ],
)
def test_cores_are_what_it_says_unless_an_encoder_got_less(
    altered: dict[str, Any], cpus: float
) -> None:
    assert cpus_given(find_host(STARTER), [some_record(**altered)]) == pytest.approx(cpus)


@pytest.mark.parametrize(
    ("settings", "encoder", "cpus"),
    [
        ({"cpu_percent": 50}, "libx264", 0.5),
        ({"cpu_percent": 100}, "libx264", 0.25),
        ({"mode": "copy"}, None, 0.5),
        ({"mode": None}, None, 0.5),  # a command of one's own that copies
        ({"mode": None, "cpu_percent": None}, "libx264", 0.25),
    ],
)
def test_who_did_not_want_all_of_its_quota_does_not_tell_what_was_given(
    settings: dict[str, Any], encoder: str | None, cpus: float
) -> None:
    record = some_record(enforced_cpus=0.5, ffmpeg_cpu_s=2.5, video_encoder=encoder)
    record = replace(record, settings=record.settings.changed_to(**settings))
    assert cpus_given(find_host(STARTER), [record]) == pytest.approx(cpus)


def test_stolen_time_counts_where_more_than_a_core_is_told() -> None:
    plan = replace(find_host(STARTER), cpus=2.0)
    record = some_record(enforced_cpus=2.0, ffmpeg_cpu_s=11.0, steal_fraction=0.3)
    assert cpus_given(plan, [record]) == pytest.approx(1.1)
    calm = replace(record, steal_fraction=0.0)  # one thread uses no more
    assert cpus_given(plan, [calm]) == 2.0


def test_it_is_kept_with_its_date_and_tune_plays_it_and_says_so(
    campaigns: Campaigns, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = find_host(STARTER)
    assert host_as_measured(plan) == plan
    folder = campaigns()
    code, out = told(capsys, "hosts", "--calibrate", folder)
    assert code == 0
    assert "0.28 CPU" in out
    (kept,) = (data_folder / "hosts").iterdir()
    date = max(row["started_utc"] for row in rows_of(folder))[:10]
    assert kept.name == f"{STARTER}-{date}.json"
    played = host_as_measured(plan)
    assert (played.name, played.memory_bytes, played.cpus) == (STARTER, 457 * MIB, 0.28)
    assert played.usd_per_month == plan.usd_per_month
    assert "measured there on" in host_line(played, "cgroup1", 0)
    assert "of a core that does 0.8 of what one does here" in host_line(played, "cgroup1", 0)
    code, out = told(capsys, "hosts")
    assert "measured there on" in out
    code, out = told(capsys, "hosts", "--json")
    assert [each["host"] for each in json.loads(out)["measured"]] == [STARTER]


def test_the_latest_counts_and_what_was_held_against_another_machine_does_not(
    campaigns: Campaigns, data_folder: Path
) -> None:
    found = held_against_here(campaigns())
    keep_measured_host(replace(found, measured_utc="2026-01-01T00:00:00+00:00", cpus=0.1))
    keep_measured_host(replace(found, measured_utc="2026-02-01T00:00:00+00:00", cpus=0.2))
    assert [each.cpus for each in measured_hosts()] == [0.2]
    keep_measured_host(replace(found, measured_utc="2026-03-01T00:00:00+00:00", here="another"))
    assert [each.cpus for each in measured_hosts()] == [0.2]
    (data_folder / "hosts" / f"{STARTER}-2027-01-01.json").write_text("{")
    assert [each.cpus for each in measured_hosts()] == [0.2]


def test_a_custom_host_is_played_as_it_is_asked_for(campaigns: Campaigns) -> None:
    keep_measured_host(held_against_here(campaigns()))
    asked = custom(find_host(STARTER), 512 * MIB, None)
    assert host_as_measured(asked) == asked


@pytest.mark.parametrize(
    ("cpus", "core", "is_unlike"),
    [
        (0.35, 0.5, False),
        (0.8, 1.2, False),
        (2.0, 0.95, False),
        (2.0, 0.5, True),
        (1.0, 1.5, True),
        (None, 1.0, False),
        (None, 0.7, True),
    ],
)
def test_where_cores_are_several_and_unlike_ours_it_says_what_that_leaves_open(
    cpus: float | None, core: float, is_unlike: bool
) -> None:
    found = replace(STARTED, cpus=cpus, core=core)
    assert ("clips at once share such cores is not shown here" in found.words) is is_unlike
