"""How a sweep stands: counted, timed and kept in its folder, from events that are invented."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from inventing_records import TEMPLATE
from inventing_uploads import upload

from clipkit.campaign.course import Course
from clipkit.campaign.design import Design, design_of
from clipkit.campaign.experiment_file import parse_experiment
from clipkit.campaign.grid import Grid
from clipkit.campaign.loop import ClipProgress, TrialEnded, TrialStarted
from clipkit.campaign.standing import read_standing
from clipkit.campaign.strategy import WARMUP, Cell
from clipkit.campaign.tally import Tally
from clipkit.errors import CampaignError
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store

EXPERIMENT = """
[job]
uploads = "film.mp4"
clips = 4
length_s = 2
[settings]
concurrency = [1, 2, 3]
[run]
blocks = 2
"""


BLOCKS = 2


@pytest.fixture
def laid_out() -> Design:
    return design_of(parse_experiment(EXPERIMENT, Path("/x/file.toml")), {"film.mp4": upload()})


def record(cell: Cell, status: Status = Status.OK, wall_s: float | None = 4.0) -> Record:
    return replace(
        TEMPLATE,
        cell=cell.name,
        block=cell.block,
        status=status,
        wall_s=wall_s,
        clips=4,
        settings=cell.subject.used(cell.settings),
    )


class Clock:
    """Seconds that pass when they are told to."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def tally(folder: Path, laid_out: Design, past: tuple[Record, ...] = ()) -> Tally:
    grid = Grid(Course(laid_out, past, 2, Clock()), BLOCKS)
    found = Tally(Store.create(folder), laid_out, grid, past, None, BLOCKS)
    found.begin()
    return found


def ended(watching: Tally, *records: tuple[Cell, Record]) -> None:
    for cell, stored in records:
        watching(TrialStarted(cell, 0, 0.0))
        watching(TrialEnded(cell, stored, 0.0))


def test_the_file_tells_what_the_process_knows(tmp_path: Path, laid_out: Design) -> None:
    watching = tally(tmp_path / "trying", laid_out)
    assert read_standing(tmp_path / "trying") == watching.standing
    assert (watching.standing.state, watching.standing.campaign) == ("running", "trying")
    first = laid_out.block(0)[0]
    ended(watching, (first, record(first)))
    assert read_standing(tmp_path / "trying") == watching.standing
    watching.end("finished")
    assert read_standing(tmp_path / "trying").state == "finished"


def test_ends_are_counted_by_what_they_were(tmp_path: Path, laid_out: Design) -> None:
    watching = tally(tmp_path, laid_out)
    one, two, three = laid_out.block(0)
    ended(
        watching,
        (one, record(one)),
        (two, record(two, Status.OOM, None)),
        (three, record(three, Status.OOM_INFERRED, None)),
    )
    now = watching.standing
    assert (now.total, now.done, now.ok, now.oom, now.inferred, now.failed) == (6, 3, 1, 1, 1, 0)
    assert "3 of 6 trials, 1 out of memory, 1 inferred" in now.words


def test_what_others_disturbed_did_not_end_well(tmp_path: Path, laid_out: Design) -> None:
    watching = tally(tmp_path, laid_out)
    first = laid_out.block(0)[0]
    ended(watching, (first, record(first, Status.INVALID_NOISE)))
    assert (watching.standing.ok, watching.standing.failed) == (0, 1)


def test_warm_ups_and_cancelled_attempts_do_not_count(tmp_path: Path, laid_out: Design) -> None:
    watching = tally(tmp_path, laid_out)
    first = laid_out.block(0)[0]
    warm = replace(first, phase=WARMUP)
    ended(watching, (warm, record(warm)), (first, record(first, Status.CANCELLED, None)))
    assert watching.standing.done == 0


def test_what_was_finished_before_counts(tmp_path: Path, laid_out: Design) -> None:
    first, second, _ = laid_out.block(0)
    past = (record(first), record(second, Status.CANCELLED, None))
    watching = tally(tmp_path, laid_out, past)
    assert watching.standing.done == 1
    assert watching.standing.eta_s == pytest.approx(5 * 4.0)


def test_the_rest_takes_as_long_as_the_same_cells_took(tmp_path: Path, laid_out: Design) -> None:
    slow, quick, other = laid_out.block(0)
    past = (record(slow, wall_s=30.0), record(quick, wall_s=10.0), record(other, wall_s=2.0))
    assert tally(tmp_path, laid_out, past).standing.eta_s == pytest.approx(42.0)


def test_what_is_known_to_run_out_takes_no_time(tmp_path: Path, laid_out: Design) -> None:
    one, two, three = laid_out.block(0)
    past = (record(one, wall_s=5.0), record(two, wall_s=5.0))
    inferred = record(three, Status.OOM_INFERRED, None)
    assert tally(tmp_path, laid_out, (*past, inferred)).standing.eta_s == pytest.approx(10.0)


def test_the_best_is_the_fastest_of_the_same_job(tmp_path: Path, laid_out: Design) -> None:
    watching = tally(tmp_path, laid_out)
    one, two, _ = laid_out.block(0)
    ended(watching, (one, record(one, wall_s=8.0)), (two, record(two, wall_s=4.0)))
    assert watching.standing.best_s_per_clip == pytest.approx(1.0)
    assert watching.standing.best == f"1 s a clip: {laid_out.words[two.name]}"


def test_a_trial_under_way_is_told_with_its_clips(tmp_path: Path, laid_out: Design) -> None:
    watching = tally(tmp_path, laid_out)
    first = laid_out.block(1)[0]
    watching(TrialStarted(first, 0, 0.0))
    assert watching.standing.now == f"block 2 of 2: {laid_out.words[first.name]}"
    watching(ClipProgress(first, {"event": "clip"}))
    assert watching.standing.clip == "clip 1 of 4"


def test_a_folder_without_a_sweep_is_told(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="no sweep has been started there"):
        read_standing(tmp_path)
    (tmp_path / "progress.json").write_text("{}")
    with pytest.raises(CampaignError, match="cannot be read"):
        read_standing(tmp_path)
