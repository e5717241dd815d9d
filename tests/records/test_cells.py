import json
import math
import time
from dataclasses import replace
from pathlib import Path

import inventing_sweep
import pandas as pd
import pytest
from inventing_sweep import OPTIMUM, TIES, Sweep

from clipkit.hosts import parse_size
from clipkit.records.best import RECOMMENDED, TIED, ranked
from clipkit.records.cells import cells_of, noise_of_repeats, repeats_of, without_time
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.table import read_table
from clipkit.settings import Settings


def loaded(folder: Path, records: list[Record]) -> pd.DataFrame:
    lines = "".join(json.dumps(record.to_row()) + "\n" for record in records)
    (folder / "runs.jsonl").write_text(lines, "utf-8")
    return read_table(folder)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return read_table(inventing_sweep.write(tmp_path_factory.mktemp("sweep") / "campaign"))


def run(cell: str, block: int, wall_s: float | None, status: Status = Status.OK) -> Record:
    """Each cell with levels of its own: those of equal levels are one, whatever they are called."""
    started = inventing_sweep.records(Sweep(blocks=1, spoilt=False))[0]
    return replace(
        started,
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
    standing = ranked(found, noise_of_repeats(sweep))
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


def test_the_noise_is_pooled_and_free_of_the_machines_drift(sweep: pd.DataFrame):
    noise = noise_of_repeats(sweep)
    assert noise is not None
    # 210 runs of 70 cells in 3 blocks: 210 - 70 - 2.
    assert noise.freedom == 138
    assert noise.log_sd == pytest.approx(inventing_sweep.NOISE_LOG_SD, rel=0.12)


def test_drift_alone_is_no_noise(tmp_path: Path):
    records = [
        run(cell, block, base_s * (1 + 0.1 * block))
        for cell, base_s in (("a", 1.0), ("b", 2.0), ("c", 5.0))
        for block in range(3)
    ]
    noise = noise_of_repeats(loaded(tmp_path, records))
    assert noise is not None
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
    assert width["a"] / width["b"] == pytest.approx(math.sqrt(2))


def test_nothing_repeated_has_no_interval(tmp_path: Path):
    data = loaded(tmp_path, [run("a", 0, 1.0), run("b", 0, 2.0)])
    assert noise_of_repeats(data) is None
    found = cells_of(data)
    assert found["wall_low_s"].isna().all()
    assert ranked(found, None)["best"].tolist() == [RECOMMENDED, ""]


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
    standing = ranked(found, noise_of_repeats(data))["best"]
    assert dict(zip(found["cell"], standing, strict=True)) == {"a": "", "b": RECOMMENDED}


def test_a_campaign_without_records_has_no_cells(sweep: pd.DataFrame):
    nothing = cells_of(sweep.iloc[:0])
    assert nothing.empty
    assert list(nothing.columns) == list(cells_of(sweep).columns)
    assert ranked(nothing, None).empty
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
