"""The optimum of invented sweeps whose fastest settings are known beforehand."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import inventing_sweep
import pytest
from inventing_sweep import OPTIMUM, PRESETS, TIES, Film, Sweep, on, records, write

from clipkit import settings
from clipkit.errors import CampaignError
from clipkit.format import MIB
from clipkit.plan.baselines import parse_template
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.usual_noise import usual_noise
from clipkit.tuning.config import Config, read_config
from clipkit.tuning.optimum import Choice, optima, optimum

SMALL = Sweep(
    factors={"preset": ("ultrafast",), "concurrency": (1, 2), "encoder_threads": (1, 2)},
    hosts=(on("512M"),),
    spoilt=False,
)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return open_campaign(write(tmp_path_factory.mktemp("swept") / "invented-sweep"))


def loaded(folder: Path, sweep: Sweep, **changes: object) -> Campaign:
    rows = [replace(record, **changes) for record in records(sweep)]
    return open_campaign(write(folder / "campaign", sweep, rows))


@pytest.mark.parametrize("memory", ["512M", "256M"])
def test_the_known_optimum_of_each_ceiling_is_found_or_a_tie_that_needs_less_memory(swept, memory):
    found = optimum(swept, memory=memory)
    level = [found.best, *found.ties]
    assert {threads_of(choice) for choice in level} == {OPTIMUM[memory], *TIES[memory]}
    assert found.best.peak_anon_bytes == min(choice.peak_anon_bytes for choice in level)
    assert found.settings.preset == "ultrafast"
    assert found.fastest
    assert found.tighter is None


def test_the_fastest_is_passed_over_and_named_where_it_leaves_hardly_any_memory(swept):
    found = optimum(swept, memory="96M")
    assert found.tighter is not None
    assert threads_of(found.tighter) == OPTIMUM["96M"]
    assert found.tighter.peak_anon_bytes > 0.9 * 96 * MIB > found.best.peak_anon_bytes


def threads_of(choice: Choice) -> tuple[int, int]:
    return choice.settings.concurrency, choice.settings.encoder_threads


def test_an_encoding_that_does_not_fit_at_all_is_told(swept):
    found = optima(swept, memory="96M")
    assert [each.settings.preset for each in found] == ["ultrafast", "veryfast"]
    assert any("medium, CRF 23: none of its 12 settings" in said for said in found[0].unmeasured)


def test_each_preset_has_its_own_optimum_and_the_fastest_comes_first(swept):
    found = optima(swept, memory="512M")
    assert [each.settings.preset for each in found] == list(PRESETS)
    assert [each.fastest for each in found] == [True, False, False]
    assert [each.cells for each in found] == [12, 12, 12]


def test_a_preset_that_is_asked_for_is_not_traded_for_a_faster_one(swept):
    found = optimum(swept, memory="512M", preset="medium")
    assert (found.settings.preset, found.fastest) == ("medium", True)


def test_settings_that_ran_out_of_memory_are_counted_and_never_chosen(swept):
    (found, *_) = optima(swept, memory="96M")
    assert found.oom_cells > 0
    assert found.failed_cells == 0
    assert found.best.peak_anon_bytes <= 0.9 * 96 * MIB
    assert found.headroom_bytes == 96 * MIB - found.best.peak_need_bytes


def test_a_cell_that_failed_once_is_not_chosen(tmp_path):
    rows = records(SMALL)
    fastest = min(rows, key=lambda row: row.wall_s).cell
    spoilt = [
        replace(row, status=Status.FAILED, wall_s=None)
        if row.cell == fastest and row.block == 1
        else row
        for row in rows
    ]
    found = optimum(open_campaign(write(tmp_path / "campaign", SMALL, spoilt)))
    assert found.best.cell != fastest
    assert found.failed_cells == 1
    assert any("1 cells failed" in said for said in found.unmeasured)


def test_a_cell_that_others_disturbed_in_every_block_is_not_chosen_and_that_is_said(tmp_path):
    rows = records(SMALL)
    fastest = min(rows, key=lambda row: row.wall_s).cell
    spoilt = [
        replace(row, status=Status.INVALID_NOISE) if row.cell == fastest else row for row in rows
    ]
    found = optimum(open_campaign(write(tmp_path / "campaign", SMALL, spoilt)))
    assert found.best.cell != fastest
    assert (found.disturbed_cells, found.failed_cells, found.oom_cells) == (1, 0, 0)
    assert "1 cells, not measured: disturbed: they might have been faster" in found.unmeasured


def test_where_others_disturbed_everything_nothing_is_recommended(tmp_path):
    spoilt = loaded(tmp_path, SMALL, status=Status.INVALID_NOISE)
    with pytest.raises(CampaignError, match="nothing that matches finished"):
        optimum(spoilt)


def test_a_mode_whose_clips_are_not_exact_is_never_chosen_however_fast(tmp_path):
    rows = [
        replace(row, cell=f"{row.cell}-snap", settings=row.settings.changed_to(mode="snap"))
        for row in records(SMALL)
    ]
    quick = [replace(row, wall_s=row.wall_s / 50, run_id=f"{row.run_id}-snap") for row in rows]
    (found,) = optima(open_campaign(write(tmp_path / "campaign", SMALL, [*records(SMALL), *quick])))
    assert (found.settings.mode, found.fastest) == ("encode", True)
    with pytest.raises(CampaignError, match=r"only compared .*: no settings can be recommended"):
        optimum(open_campaign(write(tmp_path / "snaps", SMALL, quick)))


def test_several_hosts_are_no_single_optimum_and_the_error_names_them(swept):
    assert len(optima(swept)) == 8
    with pytest.raises(CampaignError, match=r"several hosts or jobs, choose one: .*96 MB.*512 MB"):
        optimum(swept)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"memory": "64M"}, "no cell has 64 MB; there are: 96 MB, 256 MB, 512 MB"),
        ({"preset": "slow"}, "no cell has slow; there are: ultrafast, veryfast, medium"),
        ({"subject": "fluent"}, "no cell has fluent; there are: clipkit"),
        ({"cpus": 0.5}, "no cell has 0.5 CPU; there are: 2 CPU"),
    ],
)
def test_a_filter_that_nothing_matches_is_an_error_that_names_what_there_is(swept, wanted, words):
    with pytest.raises(CampaignError, match=words):
        optimum(swept, **wanted)


def test_uploads_and_lengths_of_clips_have_an_optimum_each(tmp_path):
    films = (Film(), Film("large.mp4", 1920, 1080))
    table = loaded(tmp_path, replace(SMALL, films=films, clip_s=(2.0, 4.0)))
    found = optima(table)
    assert {(o.condition.height, o.condition.clip_s) for o in found} == {
        (720, 2.0),
        (720, 4.0),
        (1080, 2.0),
        (1080, 4.0),
    }
    assert optimum(table, upload=films[1].name, clip_s=4.0).condition.height == 1080


def test_how_much_longer_the_defaults_take_has_an_interval_that_knows_of_the_choice(swept):
    found = optimum(swept, memory="512M")
    assert found.default.value == pytest.approx(2.0, rel=0.05)
    assert found.default.low < found.default.value < found.default.high


def test_without_repeats_the_intervals_are_the_usual_ones_and_that_is_said(tmp_path):
    found = optimum(loaded(tmp_path, replace(SMALL, blocks=1)))
    assert found.best.wall.log_half_width == pytest.approx(usual_noise(2.0).half_width)
    assert any("1 runs say little" in said for said in found.unmeasured)
    assert any("nothing was repeated" in said for said in found.unmeasured)


def test_what_is_not_decided_says_so_and_what_could_not_be_seen(tmp_path):
    noisy = replace(SMALL, noise_log_sd=0.08, seed=3)
    found = optimum(loaded(tmp_path, noisy))
    assert not found.decided
    assert found.ties
    assert found.unseen > 1.05
    assert f"not decided: {found.how}" in found.sentence
    assert "could not be seen" in found.sentence


def test_what_is_decided_is_called_the_fastest(tmp_path):
    found = optimum(loaded(tmp_path, replace(SMALL, blocks=8)))
    assert found.decided
    assert found.best == found.ahead
    assert f"fastest with {found.how}" in found.sentence


def test_a_busy_machine_is_told(tmp_path):
    found = optimum(loaded(tmp_path, SMALL, other_cpu_fraction=0.4))
    assert any("others used up to 40 %" in said for said in found.unmeasured)


def test_where_nothing_leaves_a_margin_the_fastest_is_given_and_that_is_said(tmp_path):
    tight = loaded(tmp_path, SMALL, memory_limit_bytes=512 * MIB, peak_anon_bytes=500 * MIB)
    found = optimum(tight)
    assert found.best.peak_anon_bytes == 500 * MIB
    assert found.headroom_bytes == 512 * MIB - found.best.peak_need_bytes <= 12 * MIB
    assert any("the ceiling may hide the need" in said for said in found.unmeasured)
    assert any("nothing leaves 10 %" in said for said in found.unmeasured)


def test_the_reserve_is_not_part_of_the_room(tmp_path):
    found = optimum(loaded(tmp_path, replace(SMALL, reserve_bytes=100 * MIB)))
    assert found.headroom_bytes == 412 * MIB - found.best.peak_need_bytes


def test_the_toml_holds_the_settings_and_says_where_they_come_from(swept, tmp_path):
    found = optimum(swept, memory="256M")
    path = tmp_path / "clipkit.toml"
    path.write_text(found.to_toml(), "utf-8")
    assert settings.load_settings(path) == found.settings
    assert tomllib.loads(found.to_toml()).keys() == {"settings"}
    assert "# campaign invented-sweep\n# 256M-2cpu: 256 MB, 2 CPU; 4 clips" in found.to_toml()


def changed(rows: list[Record], command: str, **settings: object) -> list[Record]:
    """As a command with these settings put in would be measured, twice as fast."""
    return [
        replace(
            row,
            subject="changed",
            command=command,
            cell=f"{row.cell}-changed",
            run_id=f"{row.run_id}-changed",
            wall_s=row.wall_s / 2,
            settings=row.settings.changed_to(hdr=None, **settings),
        )
        for row in rows
    ]


def test_the_best_of_a_changed_command_is_told_with_that_command(tmp_path):
    text = "ffmpeg -ss {start} -i {input} -preset veryfast {output}"
    rows = [*records(SMALL), *changed(records(SMALL), text, preset="veryfast")]
    fastest, ours = optima(open_campaign(write(tmp_path / "campaign", SMALL, rows)))
    assert (fastest.command, ours.command) == (text, None)
    assert fastest.fastest
    assert not ours.fastest
    path = tmp_path / "clipkit.toml"
    path.write_text(fastest.to_toml(), "utf-8")
    assert read_config(path) == Config(fastest.settings, parse_template(text))


def test_of_a_command_by_another_encoder_no_settings_could_say_what_it_does(tmp_path):
    text = "ffmpeg -ss {start} -i {input} -c:v libx265 {output}"
    rows = [*records(SMALL), *changed(records(SMALL), text, preset=None, crf=None)]
    (found,) = optima(open_campaign(write(tmp_path / "campaign", SMALL, rows)))
    assert found.command is None


def test_the_json_is_json(swept):
    document = json.loads(json.dumps(optimum(swept, memory="512M").to_json()))
    assert document["best"]["settings"]["preset"] == "ultrafast"
    assert document["condition"]["memory_bytes"] == 512 * MIB


def test_the_front_holds_what_nothing_beats_in_time_and_memory(swept):
    found = optimum(swept, memory="512M")
    assert found.best.on_front
    assert inventing_sweep.NOISE_LOG_SD < found.best.wall.log_half_width < 0.05
