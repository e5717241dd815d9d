"""What of a campaign is run again, of records that are invented, and by `clipkit sweep` itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from inventing_design import PLAIN, laid_out, record
from running import clipkit

from clipkit.campaign.again import done_of, still_standing, unmeasured_of, unmeasured_words
from clipkit.campaign.strategy import Cell
from clipkit.records.campaign import open_campaign
from clipkit.records.status import Status

MACHINE, NOISE = Status.INVALID_MACHINE, Status.INVALID_NOISE


@pytest.fixture
def cell() -> Cell:
    (only,) = laid_out(PLAIN).cells
    return only


def test_what_the_machine_spoilt_is_run_again_however_often(cell: Cell) -> None:
    spoilt = [record(cell, MACHINE, attempt) for attempt in range(1, 9)]
    assert not done_of(spoilt)
    assert unmeasured_of(spoilt) == [spoilt[-1]]
    assert unmeasured_of([*spoilt, record(cell, attempt=9)]) == []


def test_what_timed_out_is_run_again_once_the_limit_is_higher(cell: Cell) -> None:
    late = replace(record(cell, Status.TIMEOUT), timeout_s=60.0)
    assert still_standing([late], 60.0) == still_standing([late], 30.0) == [late]
    assert still_standing([late], 61.0) == []


def test_of_what_an_older_clipkit_ran_the_limit_is_not_known(cell: Cell) -> None:
    late = record(cell, Status.TIMEOUT)
    assert late.timeout_s is None
    assert still_standing([late], 1e6) == [late]


@pytest.mark.parametrize("end", [Status.FAILED, Status.TIMEOUT])
def test_what_the_user_wants_repeated_is_only_what_ended_so(cell: Cell, end: Status) -> None:
    ended = [record(replace(cell, block=n), each) for n, each in enumerate(Status)]
    kept = still_standing(ended, 60.0, (str(end),))
    assert [entry.status for entry in ended if entry not in kept] == [end]


def test_what_was_not_measured_is_told_with_its_reason_and_what_to_do(cell: Cell) -> None:
    broken = replace(record(cell, MACHINE), error="the engine was killed")
    noisy = replace(record(replace(cell, block=1), NOISE), error="others used 60 %")
    assert unmeasured_words([], 3) is None
    assert unmeasured_words([broken], 3) == (
        "1 of 3 trials were not measured, because the machine failed in each attempt "
        "(such as: the engine was killed): mend that and sweep again, which repeats these alone"
    )
    both = str(unmeasured_words([broken, noisy], 3))
    assert both.startswith("2 of 3 trials were not measured, because others disturbed")
    assert "the machine failed in each attempt of 1 of them" in both
    assert "--accept-noise" in both


class TestASweep:
    @pytest.fixture
    def experiment(self, slow: Path, tmp_path: Path) -> Path:
        path = tmp_path / "trying.toml"
        path.write_text(
            f"[job]\nuploads = '{slow}'\nclips = 1\nlength_s = 1\n"
            "[settings]\npreset = ['ultrafast', 'slower']\n[run]\nblocks = 1\ntimeout_s = 0.4\n"
        )
        return path

    def test_that_timed_out_goes_on_with_a_higher_limit_or_on_request(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "results" / "trying"

        def ends(preset: str) -> list[str]:
            """Of its attempts, in their order; beside others' load some may be no measurement."""
            lines = (folder / "runs.jsonl").read_text().splitlines()
            rows = [row for row in map(json.loads, lines) if row["preset"] == preset]
            ended = [row["status"] for row in sorted(rows, key=lambda row: row["attempt"])]
            return [status for status in ended if not status.startswith("invalid")]

        clipkit("sweep", experiment, cwd=tmp_path)
        before = {preset: ends(preset) for preset in ("ultrafast", "slower")}
        assert before["slower"] == ["timeout"]
        same = clipkit("sweep", experiment, "--json", cwd=tmp_path)
        assert {preset: ends(preset) for preset in before} == before

        asked = clipkit("sweep", experiment, "--retry", "timeout", "--json", cwd=tmp_path)
        assert ends("slower") == ["timeout", "timeout"], asked.err
        experiment.write_text(experiment.read_text().replace("0.4", "250"))
        higher = clipkit("sweep", experiment, "--json", cwd=tmp_path)
        assert higher.code == 0, (higher.err, same.err)
        assert (higher.json["total"], higher.json["ok"]) == (2, 2)
        assert ends("slower") == ["timeout", "timeout", "ok"]
        # What was repeated is kept, and counts no more.
        cells = open_campaign(folder).cells
        assert cells["status"].tolist() == ["ok", "ok"]

    def test_only_what_can_be_repeated_can_be_asked_for(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        ran = clipkit("sweep", experiment, "--retry", "ok", cwd=tmp_path)
        assert ran.code == 2
        assert "failed, timeout" in ran.complaint
