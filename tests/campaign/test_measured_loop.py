"""The one loop, really measuring: every attempt is stored, whatever becomes of it."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clipkit.campaign.executor import Here
from clipkit.campaign.loop import ClipProgress, Event, Loop, TrialEnded, TrialStarted
from clipkit.campaign.strategy import Cell, Progress
from clipkit.ceiling.base import Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import Cancelled
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subjects import Engine
from clipkit.records.folder import CLIPS, RUNS
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store
from clipkit.settings import Settings

CLIP = (Clip(0.5, 0.4),)


def cell(upload: Path, **settings: Any) -> Cell:
    host = Host("none", None, None)
    job = Job(probe_upload(upload), CLIP)
    return Cell("screen", Engine(), Settings(**settings), job, host, 0, 0, 60.0)


class Once:
    """A strategy that asks for each of its cells once."""

    def __init__(self, cells: list[Cell]) -> None:
        self.cells = cells
        self.told: list[Record] = []

    def ask(self) -> Cell | None:
        return self.cells[len(self.told)] if len(self.told) < len(self.cells) else None

    def tell(self, cell: Cell, record: Record) -> None:
        assert record.cell == cell.name
        self.told.append(record)

    def progress(self) -> Progress:
        return Progress(len(self.told), len(self.cells), None)


def measure(
    folder: Path,
    cells: list[Cell],
    watch: Any = lambda _: None,
    mechanism: Mechanism | None = Mechanism.NONE,
) -> Once:
    strategy = Once(cells)
    store = Store.create(folder)
    here = Here(lambda limits: open_ceiling(limits, mechanism), store.folder, True)
    with store.writing():
        Loop(store, here, watch).run(strategy)
    return strategy


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


class TestRuns:
    def test_every_attempt_is_a_line_with_samples_and_clips(
        self, small: Path, tmp_path: Path
    ) -> None:
        told = measure(tmp_path / "c", [cell(small), cell(small, crf=30)]).told
        assert [Record.from_row(row) for row in rows(tmp_path / "c" / RUNS)] == told
        assert [record.order for record in told] == [0, 1]
        clips = rows(tmp_path / "c" / CLIPS)
        assert [row["run_id"] for row in clips] == [record.run_id for record in told]
        for record in told:
            samples = pd.read_parquet(tmp_path / "c" / "samples" / f"{record.run_id}.parquet")
            assert samples["t_s"].is_monotonic_increasing
            assert samples["anon_bytes"].max() == record.peak_anon_bytes
            assert (tmp_path / "c" / "logs" / record.run_id / "engine.log").exists()

    def test_a_second_run_only_appends(self, small: Path, tmp_path: Path) -> None:
        measure(tmp_path / "c", [cell(small)])
        before = (tmp_path / "c" / RUNS).read_bytes()
        measure(tmp_path / "c", [cell(small)])
        after = (tmp_path / "c" / RUNS).read_bytes()
        assert after.startswith(before)
        assert len(rows(tmp_path / "c" / RUNS)) == 2
        run_ids = [row["run_id"] for row in rows(tmp_path / "c" / RUNS)]
        assert len(set(run_ids)) == 2
        assert len(list((tmp_path / "c" / "samples").iterdir())) == 2

    @pytest.mark.parametrize("torn", [b'{"run_id": "x", "wa', b"\x00\xff"])
    def test_a_line_that_a_kill_left_unfinished_is_mended(
        self, torn: bytes, small: Path, tmp_path: Path
    ) -> None:
        measure(tmp_path / "c", [cell(small)])
        file = tmp_path / "c" / RUNS
        whole = file.read_bytes()
        file.write_bytes(whole + torn)
        measure(tmp_path / "c", [cell(small)])
        assert file.read_bytes().startswith(whole)
        assert len(rows(file)) == 2

    def test_events_tell_of_each_trial_in_order(self, small: Path, tmp_path: Path) -> None:
        events: list[Event] = []
        measure(tmp_path / "c", [cell(small)], events.append)
        kinds = [type(event) for event in events if not isinstance(event, ClipProgress)]
        assert kinds == [TrialStarted, TrialEnded]
        inside = [event.event["event"] for event in events if isinstance(event, ClipProgress)]
        assert inside[-1] == "clip"

    def test_an_interrupt_keeps_what_was_finished(self, small: Path, tmp_path: Path) -> None:
        interrupted: list[Event] = []

        def interrupt(event: Event) -> None:
            second = isinstance(event, ClipProgress) and event.cell.settings.crf == 30
            if second and not interrupted:
                interrupted.append(event)
                signal.raise_signal(signal.SIGINT)

        with pytest.raises(Cancelled, match="what was finished is kept"):
            measure(
                tmp_path / "c", [cell(small), cell(small, crf=30), cell(small, crf=40)], interrupt
            )
        ends = [row["status"] for row in rows(tmp_path / "c" / RUNS)]
        assert ends == ["ok", "cancelled"]

    @pytest.mark.usefixtures("real_ceiling")
    def test_an_interrupt_right_after_memory_ran_out_stops_it_and_the_end_counts(
        self, slow: Path, tmp_path: Path
    ) -> None:
        def interrupt(event: Event) -> None:
            if isinstance(event, ClipProgress) and event.event.get("status") == "killed":
                signal.raise_signal(signal.SIGINT)

        small_host = Host("small", 64 * MIB, None)
        hungry = [
            replace(cell(slow, preset="slower", crf=crf), host=small_host) for crf in (23, 30)
        ]
        with pytest.raises(Cancelled, match="what was finished is kept"):
            measure(tmp_path / "c", hungry, interrupt, None)
        assert [row["status"] for row in rows(tmp_path / "c" / RUNS)] == ["oom"]

    def test_a_failure_is_a_row(self, small: Path, tmp_path: Path) -> None:
        wrong = Cell(
            "screen",
            Engine(),
            Settings(),
            Job(probe_upload(small), CLIP),
            Host("n", None, None),
            0,
            0,
            1e-9,
        )
        assert measure(tmp_path / "c", [wrong]).told[0].status is Status.TIMEOUT
        assert rows(tmp_path / "c" / RUNS)[0]["status"] == "timeout"


def test_cells_of_the_same_levels_have_the_same_name(small: Path) -> None:
    assert cell(small).name == cell(small).name
    assert cell(small).name != cell(small, crf=30).name
    assert cell(small).name.startswith("clipkit-")
