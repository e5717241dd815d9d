import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import inventing_sweep
import numpy as np
import pandas as pd
import pytest
from inventing_sweep import OPTIMUM, TIES, Sweep

from clipkit.hosts import parse_size
from clipkit.records.best import RECOMMENDED, TIED, ranked
from clipkit.records.cells import cells_of, host_noise_of, repeats_of, without_time
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.table import read_table
from clipkit.records.usual_noise import CELL_FREEDOM, usual_noise
from clipkit.settings import Settings


def loaded(folder: Path, records: list[Record]) -> pd.DataFrame:
    lines = "".join(json.dumps(record.to_row()) + "\n" for record in records)
    (folder / "runs.jsonl").write_text(lines, "utf-8")
    return read_table(folder)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return read_table(inventing_sweep.write(tmp_path_factory.mktemp("sweep") / "campaign"))


STARTED = inventing_sweep.records(Sweep(blocks=1, spoilt=False))[0]


def run(cell: str, block: int, wall_s: float | None, status: Status = Status.OK) -> Record:
    """Each cell with levels of its own: those of equal levels are one, whatever they are called."""
    return replace(
        STARTED,
        cell=cell,
        block=block,
        run_id=f"{cell}-{block}",
        wall_s=wall_s,
        status=status,
        settings=Settings(concurrency=1 + ord(cell) - ord("a")).used,
    )


def test_each_cell_is_one_row_with_its_runs(sweep: pd.DataFrame):
    found = cells_of(sweep)
    assert len(found) == found["cell"].nunique() == 3 * 3 * 4 * 3
    timed = found[found["status"] == "ok"]
    assert set(timed["runs"]) == {3}
    assert timed["run_ids"].map(len).eq(3).all()
    assert (timed["s_per_clip"] * 4 == timed["wall_s"]).all()


def test_disturbed_and_cancelled_attempts_are_in_no_cell(sweep: pd.DataFrame):
    spoilt = set(sweep[sweep["status"].isin(["invalid_noise", "cancelled"])]["run_id"])
    assert len(spoilt) == 2
    counted = {run_id for run_ids in cells_of(sweep)["run_ids"] for run_id in run_ids}
    assert not spoilt & counted


def test_the_known_optimum_and_its_ties_are_found_for_each_ceiling(sweep: pd.DataFrame):
    found = cells_of(sweep)
    standing = ranked(found)
    for memory, settings in OPTIMUM.items():
        here = found["memory_limit_bytes"] == parse_size(memory)

        def where(word: str, here: pd.Series = here) -> set[tuple[int, int]]:
            rows = standing[here & (standing["best"] == word)]
            return set(zip(rows["concurrency"], rows["encoder_threads"], strict=True))

        quickest = standing.loc[standing[here]["s_per_clip"].idxmin()]
        assert (quickest["concurrency"], quickest["encoder_threads"]) == settings
        if not quickest["roomy"]:  # what is the fastest there leaves no margin of memory
            assert (memory, where(RECOMMENDED)) == ("96M", {(2, 1)})
        else:
            assert where(RECOMMENDED) | where(TIED) == {settings} | TIES[memory]


def test_the_noise_is_that_of_each_host_and_free_of_the_machines_drift(sweep: pd.DataFrame):
    noises = host_noise_of(cells_of(sweep))
    # 35 cells have room there, in 3 blocks: 35 x 2 - 2.
    assert noises["512M-2cpu"].freedom == 35 * 2 - 2
    for noise in noises.values():
        assert noise.log_sd == pytest.approx(inventing_sweep.NOISE_LOG_SD, rel=0.35)


def test_drift_alone_is_no_noise(tmp_path: Path):
    records = [
        run(cell, block, base_s * (1 + 0.1 * block))
        for cell, base_s in (("a", 1.0), ("b", 2.0), ("c", 5.0))
        for block in range(3)
    ]
    (noise,) = host_noise_of(cells_of(loaded(tmp_path, records))).values()
    assert noise.log_sd == pytest.approx(0, abs=1e-9)


def test_a_cell_that_a_slow_block_lacks_is_not_taken_for_faster(tmp_path: Path):
    records = [run(cell, block, 1.0 + block) for cell in "abcd" for block in range(2)]
    found = cells_of(loaded(tmp_path, records[:-1])).set_index("cell")  # d lacks block 1
    assert found["wall_s"]["d"] == pytest.approx(found["wall_s"]["a"], rel=1e-6)


def test_the_interval_shrinks_with_the_runs_of_the_cell(tmp_path: Path):
    walls = {"a": (1.0, 1.1), "b": (2.0, 2.1, 1.9, 2.0)}
    records = [
        replace(run(cell, 0, wall_s), run_id=f"{cell}-{n}")
        for cell, several in walls.items()
        for n, wall_s in enumerate(several)
    ]
    found = cells_of(loaded(tmp_path, records)).set_index("cell")
    width = (found["wall_high_s"] / found["wall_low_s"]).map(math.log)
    assert width["a"] / width["b"] > math.sqrt(2) * 0.9


def test_what_was_not_repeated_has_the_interval_that_is_usual_on_such_a_host(tmp_path: Path):
    found = cells_of(loaded(tmp_path, [run("a", 0, 1.0), run("b", 0, 2.0)]))
    assert host_noise_of(found) == {}
    half = usual_noise(2.0).half_width
    assert (found["wall_high_s"] / found["wall_s"]).map(math.log).tolist() == [
        pytest.approx(half),
        pytest.approx(half),
    ]
    assert ranked(found)["best"].tolist() == [RECOMMENDED, ""]


def test_a_restless_cell_has_a_wider_interval_than_a_steady_one_of_as_many_runs(tmp_path: Path):
    walls = {"a": (1.0, 1.001, 0.999), "b": (1.0, 1.3, 0.8)}
    found = cells_of(of_walls(tmp_path, walls)).set_index("cell")
    assert found["log_sd"]["a"] < found["host_log_sd"]["a"] < found["log_sd"]["b"]
    assert (found["freedom"] > found["host_freedom"].clip(upper=CELL_FREEDOM) - 1).all()


def test_a_host_of_half_a_core_does_not_share_the_noise_of_two(tmp_path: Path):
    noisy = {"a": (1.0, 1.2, 0.9), "b": (2.0, 2.1, 1.6)}
    quiet = {"c": (1.0, 1.01, 0.99), "d": (2.0, 2.01, 2.02)}
    small = {"host": "small", "cpu_quota": 0.5}
    rows = [*_runs(noisy, **small), *_runs(quiet)]
    found = cells_of(loaded(tmp_path, rows)).set_index("cell")
    assert found["host_log_sd"]["a"] > 2 * found["host_log_sd"]["c"]


def test_twenty_repeated_cells_need_nothing_from_other_campaigns(tmp_path: Path):
    def host_log_sd(cells: int) -> float:
        chance = np.random.default_rng(cells)
        names = [chr(ord("a") + number) for number in range(cells)]
        walls = {name: np.exp(chance.normal(0, 0.01, 3)).tolist() for name in names}
        folder = tmp_path / str(cells)
        folder.mkdir()
        return float(cells_of(of_walls(folder, walls))["host_log_sd"].iloc[0])

    assert host_log_sd(20) == pytest.approx(0.01, rel=0.3)
    assert host_log_sd(5) > 0.02


def test_from_six_runs_on_one_that_took_twice_as_long_hardly_moves_the_mean(tmp_path: Path):
    steady = (1.0, 1.01, 0.99, 1.0, 1.02)
    (few, many) = (tmp_path / name for name in ("few", "many"))
    few.mkdir()
    many.mkdir()
    five = cells_of(of_walls(few, {"a": (*steady[:4], 2.0)}))["wall_s"].iloc[0]
    six = cells_of(of_walls(many, {"a": (*steady, 2.0)}))["wall_s"].iloc[0]
    assert five > 1.13
    assert six == pytest.approx(1.0075, abs=0.002)


def of_walls(folder: Path, walls: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    return loaded(folder, list(_runs(walls)))


def _runs(walls: Mapping[str, Sequence[float]], **changes: Any) -> Iterator[Record]:
    """All in one block, so that they are repeats and nothing else."""
    for cell, several in walls.items():
        for number, wall_s in enumerate(several):
            yield replace(run(cell, 0, wall_s), run_id=f"{cell}-{number}", **changes)


@pytest.mark.parametrize(
    ("statuses", "told", "runs", "failures"),
    [
        ((Status.OOM_INFERRED, Status.OOM), "oom", 0, 1),
        ((Status.TIMEOUT, Status.FAILED), "timeout", 0, 2),
        ((Status.OOM, Status.OK), "oom", 1, 1),
        ((Status.OK, Status.FAILED, Status.OOM), "oom", 1, 2),
        ((Status.OK, Status.OOM_INFERRED), "ok", 1, 0),
        ((Status.OOM_INFERRED, Status.OOM_INFERRED), "oom_inferred", 0, 0),
        ((Status.INVALID_NOISE, Status.OK), "ok", 1, 0),
        ((Status.OK, Status.INVALID_NOISE), "ok", 1, 0),
        ((Status.OK, Status.CANCELLED), "ok", 1, 0),
        ((Status.FAILED, Status.INVALID_NOISE), "failed", 0, 1),
        ((Status.INVALID_NOISE, Status.INVALID_NOISE), "invalid_noise", 0, 0),
        ((Status.INVALID_NOISE, Status.OOM_INFERRED), "oom_inferred", 0, 0),
    ],
)
def test_a_cells_status_is_what_is_worth_telling(
    tmp_path: Path, statuses: tuple[Status, ...], told: str, runs: int, failures: int
):
    records = [
        run("a", block, 1.0 if status is Status.OK else None, status)
        for block, status in enumerate(statuses)
    ]
    (found,) = cells_of(loaded(tmp_path, records)).to_dict("records")
    assert (found["status"], found["runs"], found["failures"]) == (told, runs, failures)
    assert math.isnan(found["wall_s"]) == (told != "ok")


def test_a_cell_that_failed_once_is_neither_the_fastest_nor_a_tie(tmp_path: Path):
    lucky = [run("a", 0, 1.0), run("a", 1, None, Status.OOM), run("a", 2, 1.0)]
    data = loaded(tmp_path, [*lucky, *(run("b", block, 1.01) for block in range(3))])
    found = cells_of(data)
    assert without_time(found).tolist() == [True, False]
    standing = ranked(found)["best"]
    assert dict(zip(found["cell"], standing, strict=True)) == {"a": "", "b": RECOMMENDED}


def test_a_campaign_without_records_has_no_cells(sweep: pd.DataFrame):
    nothing = cells_of(sweep.iloc[:0])
    assert nothing.empty
    assert list(nothing.columns) == list(cells_of(sweep).columns)
    assert ranked(nothing).empty
    assert repeats_of(sweep.iloc[:0]).empty


def test_repeats_are_ratios_to_the_mean_of_their_cell(tmp_path: Path):
    records = [run("a", 0, 1.0), run("a", 1, 4.0), run("b", 0, 3.0)]
    found = repeats_of(loaded(tmp_path, records))
    assert found["ratio"].tolist() == pytest.approx([0.5, 2.0])


def test_a_hundred_thousand_rows_are_grouped_at_once(sweep: pd.DataFrame):
    copies = [sweep.assign(cell=sweep["cell"] + str(number)) for number in range(310)]
    many = pd.concat(copies, ignore_index=True)
    began_s = time.process_time()
    assert len(cells_of(many)) == 310 * 108
    # About 0.6 s alone; a loop over the cells would take half a minute.
    assert time.process_time() - began_s < 4
