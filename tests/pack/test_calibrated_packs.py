"""A tuning, its pack, what came home of that, `hosts --calibrate`, and all of it again."""

from __future__ import annotations

import hashlib
import json
import shutil
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from container import on_this_machine
from stored_campaigns import RESULTS, copied

from clipkit import hosts
from clipkit.cli import main
from clipkit.errors import CampaignError
from clipkit.format import MIB
from clipkit.hosts import Host, find_host
from clipkit.pack.hold_against import held_against_here
from clipkit.pack.kept import packed_in
from clipkit.pack.measured_host import MeasuredHost, host_as_measured, keep_measured_host
from clipkit.records.folder import read_records
from clipkit.trial.machine import host_id
from clipkit.tuning.packing import pairs_experiment
from clipkit.tuning.recommendation import read_recommendation

STARTER = "render-starter"
OWN = RESULTS / "tune-own-command"


def calibrated() -> Host:
    """The plan as it is played once it was held against the host itself."""
    measured = MeasuredHost(
        host=STARTER,
        measured_utc="2026-11-26T18:00:00+00:00",
        campaign="there",
        here=host_id(),
        memory_bytes=457 * MIB,
        cpus=0.35,
        core=0.8,
        core_by="ffmpeg's CPU seconds",
        core_pairs=12,
        core_log_sd=0.01,
        log_sd=0.05,
        noise_freedom=10,
    )
    keep_measured_host(measured)
    found = host_as_measured(find_host(STARTER))
    assert (found.memory_bytes, found.cpus) == (457 * MIB, 0.28)
    return found


def tuned_for(host: Host, film: Path, folder: Path) -> Path:
    """A stored tuning, as if it had been made of that film for that host."""
    shutil.copytree(OWN, folder)
    found = read_recommendation(OWN).to_json()
    sha256 = hashlib.sha256(film.read_bytes()).hexdigest()
    found |= {"host": asdict(host), "upload": found["upload"] | {"sha256": sha256}}
    (folder / "recommendation.json").write_text(json.dumps(found))
    text = (folder / "experiment.toml").read_text()
    text = text.replace("/clipkit/.cache/samples-1/big-buck-bunny-1280x720-600s.mp4", str(film))
    text = text.replace("clips = 12\nlength_s = 12", "clips = 2\nlength_s = 1")
    (folder / "experiment.toml").write_text(text)
    return folder


def clipkit(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    return int(ended.value.code or 0)


def packed(film: Path, folder: Path, *more: object) -> tuple[int, Path]:
    """The user's own command again: only the pack is made."""
    template = read_recommendation(OWN).command
    out = folder.parent / f"{folder.name}.pyz"
    words = ("tune", film, "--command", template, "--as", folder.name, "--results", folder.parent)
    words += ("--count", 2, "--length", 1)
    return clipkit(*words, *more, "--pack", "-o", out), out


def test_a_tuning_for_a_plan_is_packed_again_after_the_plan_was_calibrated(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tuned_for(find_host(STARTER), small, tmp_path / "before")
    assert packed(small, before, "--host", STARTER)[0] == 0
    calibrated()
    code, out = packed(small, before, "--host", STARTER)
    assert code == 0, capsys.readouterr().err
    assert packed_in(out).host == STARTER
    assert packed(small, before, "--host", "render-standard")[0] == 2
    assert "was tuned for another host" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--count", 3), "--count"),
        (("--length", 0.5), "--length"),
        (("--reserve", "50M"), "--reserve"),
        (("--hidden-preroll", "allow"), "--hidden-preroll"),
    ],
)
def test_a_tuning_that_answered_something_else_is_not_packed_as_its_answer(
    small: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    named: str,
) -> None:
    tuned = tuned_for(find_host(STARTER), small, tmp_path / "tuned")
    code, out = packed(small, tuned, "--host", STARTER, *more)
    assert (code, out.exists()) == (2, False)
    assert f"was tuned for another {named}: " in capsys.readouterr().err


def test_where_no_file_can_be_written_is_told_before_anything_is_measured(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "none" / "f.pyz"
    assert clipkit("tune", small, "--results", tmp_path, "--pack", "-o", out) == 1
    assert f"there is no folder {out.parent}" in capsys.readouterr().err
    assert clipkit("tune", small, "--results", tmp_path, "--pack", "-o", tmp_path) == 1
    assert "it is a folder" in capsys.readouterr().err
    assert clipkit("tune", small, small, "--pack", "-o", tmp_path / "f.pyz") == 2
    assert "--pack is for one VIDEO" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_tuning_of_a_calibrated_plan_comes_home_as_the_plan_and_calibrates_it_again(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = tuned_for(calibrated(), small, tmp_path / "after")
    assert read_recommendation(after).host.as_measured
    code, out = packed(small, after, "--host", STARTER)
    assert code == 0, capsys.readouterr().err
    there = tmp_path / "kept"
    # This machine has more in use than such a host has.
    words = ["--yes", "--may-kill", "--results", str(there), "--memory", "457M", "--cpus", "0.35"]
    ran = on_this_machine(out, *words)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert clipkit("unpack", there, "--results", tmp_path) == 0
    home = tmp_path / "after-there"
    assert {record.host for record in read_records(home)} == {STARTER}
    capsys.readouterr()
    assert clipkit("hosts", "--calibrate", home, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["host"], found["memory_bytes"]) == (STARTER, 457 * MIB)
    shutil.rmtree(after)  # and a tuning that was made before goes by the same name
    before = tuned_for(find_host(STARTER), small, tmp_path / "after")
    assert packed(small, before, "--host", STARTER)[0] == 0


@pytest.mark.parametrize(
    ("host", "named"),
    [
        (find_host(STARTER), {"name": STARTER}),
        (replace(find_host(STARTER), cpus=0.28, as_measured="measured there"), {"name": STARTER}),
        (replace(find_host(STARTER), cpus=0.28), {"memory": str(512 * MIB), "cpus": 0.28}),
        (hosts.custom(find_host(STARTER), None, 2.0), {"memory": str(512 * MIB), "cpus": 2.0}),
    ],
)
def test_a_plan_goes_by_its_name_and_nothing_else_does(host: Host, named: dict[str, Any]) -> None:
    found = replace(read_recommendation(OWN), host=host)
    tuned = {"job": {"uploads": ["sample"], "clips": 2, "length_s": 1}, "settings": {}}
    text = pairs_experiment(found, found.baselines[0], tuned, "there")
    assert tomllib.loads(text)["host"] == named


def test_a_host_that_is_no_plan_cannot_be_calibrated_and_no_option_is_advised_that_is_not_there(
    tmp_path: Path,
) -> None:
    with pytest.raises(CampaignError) as refused:
        held_against_here(one_host(tmp_path / "there"))
    assert "was measured on '512M-2cpu', which is no plan of `clipkit hosts`" in str(refused.value)
    assert "--memory" not in str(refused.value)


def one_host(folder: Path) -> Path:
    """A stored campaign of a host that somebody made up, as if another machine had measured it."""
    return copied("tune-own-command", folder, lambda row: row | {"host_id": "f00000000000"})
