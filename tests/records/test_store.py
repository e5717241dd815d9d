"""A campaign's folder: nothing in it is ever lost or half written, whatever is killed when."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clipkit.campaign.executor import Here
from clipkit.campaign.loop import ClipProgress, Event, Loop, TrialEnded, TrialStarted
from clipkit.campaign.strategy import Cell, Progress
from clipkit.ceiling.base import Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import CampaignError, Cancelled, OutputError, UsageError
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subjects import Engine
from clipkit.records.folder import CLIPS, RUNS
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store, campaign_named, slug
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


def measure(folder: Path, cells: list[Cell], watch: Any = lambda _: None) -> Once:
    strategy = Once(cells)
    store = Store.create(folder)
    here = Here(lambda limits: open_ceiling(limits, Mechanism.NONE), store.folder)
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

    @pytest.mark.parametrize("torn", [b'{"run_id": "x", "wa', b"\x00\xff", b"{}"])
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


class TestCells:
    def test_the_same_levels_have_the_same_name(self, small: Path) -> None:
        assert cell(small).name == cell(small).name
        assert cell(small).name != cell(small, crf=30).name
        assert cell(small).name.startswith("clipkit-")


class TestWriting:
    def test_two_writers_are_refused(self, tmp_path: Path) -> None:
        with (
            Elsewhere(tmp_path / "c"),
            pytest.raises(CampaignError, match="in use by another clipkit"),
            Store.create(tmp_path / "c").writing(),
        ):
            pytest.fail("two write at once")

    def test_a_writer_that_was_killed_is_none(self, tmp_path: Path) -> None:
        left = tmp_path / "c" / ".clips-0000-x"
        with Elsewhere(tmp_path / "c"):
            left.mkdir()
        with Store.create(tmp_path / "c").writing():
            assert not left.exists()  # its clips are swept away
        assert not [entry for entry in (tmp_path / "c").iterdir() if entry.name[0] == "."]

    def test_a_file_is_written_whole_or_not_at_all(self, tmp_path: Path) -> None:
        store = Store.create(tmp_path / "c")
        store.describe(environment={"cores": 2})
        assert json.loads((tmp_path / "c" / "environment.json").read_text()) == {"cores": 2}
        (tmp_path / "c" / "folder").mkdir()
        with pytest.raises(OutputError, match=r"cannot write .*folder"):
            store.write("folder", "text")
        assert sorted(p.name for p in (tmp_path / "c").iterdir()) == [
            "environment.json",
            "folder",
            "logs",
            "samples",
        ]

    def test_a_folder_that_cannot_be_made_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(OutputError, match="cannot write into"):
            Store.create(tmp_path / "file" / "c")


class TestSlug:
    @pytest.mark.parametrize(
        ("text", "safe"),
        [
            ("My Film (final).mp4", "my-film-final-mp4"),
            ("../../etc/passwd", "etc-passwd"),
            ("影片 🎬", "upload"),
            ("", "upload"),
            ("a" * 300, "a" * 40),
            ("--rm -rf", "rm-rf"),
        ],
    )
    def test_a_name_of_an_upload_is_a_safe_part_of_a_folders(self, text: str, safe: str) -> None:
        assert slug(text) == safe


class Elsewhere:
    """Another process that writes the campaign, and is killed in the end."""

    def __init__(self, folder: Path) -> None:
        program = (
            "import pathlib, sys, time\n"
            "from clipkit.records.store import Store\n"
            "with Store.create(pathlib.Path(sys.argv[1])).writing():\n"
            "    print('writing', flush=True)\n"
            "    time.sleep(100)\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE
        )

    def __enter__(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == b"writing\n"

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.mark.parametrize("name", ["grid-512", "Night_2.b", "x" * 100])
def test_a_campaigns_own_name_is_kept_to_the_letter(name: str) -> None:
    assert campaign_named(name) == name


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "two words", "x" * 101, "ä"])
def test_what_cannot_name_a_folder_here_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a campaign"):
        campaign_named(name)
