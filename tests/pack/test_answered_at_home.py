"""The answer to a promise over all that came home: a host that forgets gives it over its last life alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from container import start_container
from packed_campaigns import GRID, Run, packed_run, write_log
from small_packs import ends, promising, until

from clipkit.ceiling.base import Ceiling
from clipkit.cli import main
from clipkit.errors import CampaignError
from clipkit.format import MIB
from clipkit.pack.home import Unpacked
from clipkit.pack.kept import PackedTrial, Promised, find_packed, keep_packed
from clipkit.pack.there.planned import Promise
from clipkit.pack.there.verdict import Here, failures_of, pairs_of, verdict_of
from clipkit.pack.unpack import unpack_logs
from clipkit.records.folder import read_records
from clipkit.records.noise import t_quantile

PAIRS = 5
PROMISE = Promise(1.42, 1.36, 1.48, (0,), (1,), 0.5, 0.5)
FIRST, SECOND = "00000001", "00000002"


@pytest.fixture
def run(data_folder: Path) -> Run:
    """Ten trials, today's way and the recommended one in turn."""
    today, own, *_ = [r for r in read_records(GRID) if r.status == "ok"]
    records = [
        dataclasses.replace(
            record,
            run_id=f"{number:04d}-{record.cell}-b{number // 2}-a1-abcdef",
            block=number // 2,
            wall_s=wall_s + number / 10,
            ffmpeg_cpu_s=wall_s / 2,
            orchestrator_cpu_s=0.1,
            throttled_s=wall_s / 2,
            steal_fraction=0.0,
        )
        for number in range(2 * PAIRS)
        for record, wall_s in ([(today, 59.0)] if number % 2 == 0 else [(own, 41.0)])
    ]
    trials = tuple(PackedTrial(r.cell, r.block, r.cell) for r in records)
    promised = Promised(PROMISE, (today.cell, own.cell))
    return Run(packed_run(trials=trials, promised=promised).packed, tuple(records))


def taken_home(run: Run, folder: Path, *lines: str) -> Unpacked:
    home = unpack_logs([write_log(folder / "a.log", lines)], folder / "home")
    assert home.refused == ()
    return home.unpacked[0]


def test_pairs_of_two_lives_are_answered_together_as_one_life_would_have(
    run: Run, tmp_path: Path
) -> None:
    first, second = run.log(range(1, 8)), run.log(range(8, 11), SECOND)
    part = taken_home(run, tmp_path, *first)
    assert part.verdict
    assert (part.verdict.pairs, part.go_on) == (3, "--done 1-7")
    whole = taken_home(run, tmp_path, *second)
    assert whole.verdict
    ended = [(n % 2, r.block, r.to_row()) for n, r in enumerate(run.records)]
    here = Here(None, steal_is_ours=False)
    pairs, failures = pairs_of(ended, PROMISE, here), failures_of(ended, PROMISE)
    quantiles = {n: t_quantile(n) for n in range(2, PAIRS + 1)}
    assert whole.verdict == verdict_of(pairs, PROMISE, quantiles, failures)
    assert (whole.verdict.pairs, whole.verdict.holds) == (PAIRS, True)
    assert any(line == f"VERDICT  {whole.verdict.sentence}" for line in whole.lines())


def test_it_has_a_key_of_its_own_beside_those_of_the_contract(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = unpacked_json(capsys, write_log(tmp_path / "a.log", run.log(range(1, 11))), tmp_path)
    assert told.keys() >= {"campaign", "trials", "left", "refused", "verdict"}
    assert (told["verdict"]["holds"], told["verdict"]["pairs"]) == (True, PAIRS)
    assert told["verdict"]["sentence"].startswith("promised 1.42 times; here ")


@pytest.mark.parametrize("lost", [1, 2])
def test_what_was_lost_in_two_lives_has_failed_as_over_a_folder_that_lasts(
    run: Run, tmp_path: Path, lost: int
) -> None:
    lines = run.ended(1)
    for life in (FIRST, SECOND)[:lost]:
        lines += run.began(2, life)
    lines += run.where("00000003", started_utc="2031-01-01T00:00:00.000+00:00")
    verdict = taken_home(run, tmp_path, *lines).verdict
    assert verdict
    assert verdict.holds is (False if lost == 2 else None)
    assert ("the recommended command failed in 1 of 1 block" in verdict.sentence) is (lost == 2)


def test_a_machines_own_word_of_steal_counts_where_the_host_is_the_whole_machine(
    run: Run, tmp_path: Path
) -> None:
    """There who was stolen from is no pair with who was not; of a node with many containers it says nothing of us."""
    alike = {"throttled_s": 0.0, "cores_allowed": 1, "other_cpu_fraction": 0.0}
    stolen = {**alike, "steal_fraction": 0.2, "ffmpeg_cpu_s": 30.0}
    calm = {**alike, "steal_fraction": 0.0, "ffmpeg_cpu_s": 40.9}
    found = []
    for place, steal_is_ours in (("ours", True), ("theirs", False)):
        folder = tmp_path / place
        folder.mkdir()
        lines = run.where(steal_is_ours=steal_is_ours)
        for number in (1, 2, 3, 4):
            lines += run.ended(number, **(stolen if number % 2 else calm))
        verdict = taken_home(run, folder, *lines).verdict
        assert verdict
        found.append(len(verdict.notes))
    assert found == [2, 0]


def test_a_pack_of_a_clipkit_that_kept_no_promise_has_no_answer(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = keep_packed(run.packed)
    old = json.loads(path.read_text())
    del old["promised"]
    path.write_text(json.dumps(old))
    told = unpacked_json(capsys, write_log(tmp_path / "a.log", run.log(range(1, 11))), tmp_path)
    assert (told["trials"], told["verdict"]) == (10, None)


def test_what_was_promised_is_kept_and_is_of_the_packs_own_cells(run: Run) -> None:
    assert find_packed(run.packed.pack) == run.packed
    promised = run.packed.promised
    assert promised
    for wrong in (
        Promised(promised.promise, promised.cells[:1]),
        Promised(dataclasses.replace(PROMISE, own=(2,)), promised.cells),
    ):
        keep_packed(dataclasses.replace(run.packed, promised=wrong))
        with pytest.raises(CampaignError, match="its promise is of other cells than its own"):
            find_packed(run.packed.pack)


def unpacked_json(
    capsys: pytest.CaptureFixture[str], log: Path, folder: Path, *more: Path
) -> dict[str, Any]:
    words = map(str, (log, *more, "--results", folder / "home"))
    with pytest.raises(SystemExit):
        main(["unpack", *words, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_killed_where_nothing_lasts_all_its_lives_are_answered_at_home(
    small: Path,
    real_ceiling: Callable[..., Ceiling],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pack = promising(small, tmp_path, blocks=4)
    ceiling = real_ceiling(memory_bytes=512 * MIB, cpus=0.3)
    container = start_container(ceiling, tmp_path, pack, "--yes", "--results", "first")
    journal = tmp_path / "first" / "journal.jsonl"
    until(lambda: journal.exists() and len(ends(tmp_path / "first")) >= 4)
    container.kill()
    log = tmp_path / "first" / "printed.log"
    part = unpacked_json(capsys, log, tmp_path)
    assert part["left"]
    ceiling = real_ceiling(memory_bytes=512 * MIB, cpus=0.3)
    words = (pack, "--yes", "--results", "second", *part["go_on"].split())
    ran = start_container(ceiling, tmp_path, *words).ended()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    there = ran.stdout.partition("VERDICT")[2]
    done = part["go_on"].removeprefix("--done ")
    assert f"without trials {done}, which --done names: clipkit unpack tells it at home" in there
    second = write_log(tmp_path / "second.log", ran.stdout.splitlines())
    whole = unpacked_json(capsys, second, tmp_path, log)
    assert (whole["trials"], whole["left"]) == (8, [])
    verdict = whole["verdict"]
    assert verdict["pairs"] + len(verdict["notes"]) == 4
    assert "; here " in verdict["sentence"]
