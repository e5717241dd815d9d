"""A campaign's folder: nothing in it is ever lost or half written, whatever is killed when."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import stat
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inventing_design import TEMPLATE

from clipkit.errors import CampaignError, OutputError, UsageError
from clipkit.records.outcome import Outcome, Sample
from clipkit.records.store import Store, campaign_named, slug, sweep_up_in
from clipkit.records.table import read_samples


def test_samples_are_stored_in_little_and_read_as_they_were(tmp_path: Path) -> None:
    samples = [
        Sample(
            n / 40 + n % 7 / 9e4, n << 14, 0, n << 9, None, n << 15, None, n / 43, 0.0, 0.0, n, n
        )
        for n in range(400)
    ]
    run_id = "0000-clipkit-0123abcd-b0-a1-0a1b2c"
    record = replace(TEMPLATE, run_id=run_id)
    store = Store.create(tmp_path / "c")
    store.append(Outcome(record, [], samples, {}))
    rows = [asdict(one) for one in samples]
    plain = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), plain, compression="zstd")
    stored = store.folder / "samples" / f"{run_id}.parquet"
    assert stored.stat().st_size < 0.6 * len(plain.getvalue())
    read = read_samples(store.folder, run_id)
    assert list(read.columns) == list(rows[0])
    assert [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in read.to_dict("records")
    ] == rows


class TestWriting:
    def test_two_writers_are_refused(self, tmp_path: Path) -> None:
        with (
            Elsewhere(tmp_path / "c"),
            pytest.raises(CampaignError, match="in use by another clipkit"),
            Store.create(tmp_path / "c").writing(),
        ):
            pytest.fail("two write at once")

    def test_one_of_another_machine_is_known_by_the_lock_on_a_file(self, tmp_path: Path) -> None:
        """On NFS it knows nothing of a lock that this machine has on the folder, nor we of its."""
        store = Store.create(tmp_path / "c")
        with (tmp_path / "c" / ".writing").open("w") as theirs:
            fcntl.flock(theirs, fcntl.LOCK_EX)
            assert store.busy
            with pytest.raises(CampaignError, match="in use by another clipkit"), store.writing():
                pytest.fail("two write at once")
        assert not store.busy
        with store.writing():
            ours = (tmp_path / "c" / ".writing").open("r+")
            with ours, pytest.raises(BlockingIOError):
                fcntl.flock(ours, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert not store.busy
        assert not (tmp_path / "c" / ".writing").exists()

    @pytest.mark.parametrize("told", [errno.ENOSYS, errno.ENOLCK])
    def test_a_disk_that_knows_no_locks_of_files_has_those_of_folders(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: int
    ) -> None:
        flock = fcntl.flock

        def of_folders(descriptor: int, kind: int) -> None:
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(told, os.strerror(told))
            flock(descriptor, kind)

        monkeypatch.setattr(fcntl, "flock", of_folders)
        store = Store.create(tmp_path / "c")
        with store.writing():
            assert store.busy
            with pytest.raises(CampaignError, match="in use by another clipkit"), store.writing():
                pytest.fail("two write at once")
        assert not store.busy

    def test_where_nobody_can_write_nobody_is_kept_from_reading(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A finished campaign on a disk that is mounted read-only is swept again: nothing is left to do."""
        opened = os.open

        def read_only(path: Any, flags: int, *more: Any, **how: Any) -> int:
            if flags & os.O_CREAT:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            return opened(path, flags, *more, **how)

        store = Store.create(tmp_path / "c")
        monkeypatch.setattr(os, "open", read_only)
        with store.writing():
            assert store.busy
        assert not store.busy

    def test_a_lock_that_is_a_link_is_not_followed(self, tmp_path: Path) -> None:
        store = Store.create(tmp_path / "c")
        (tmp_path / "c" / ".writing").symlink_to(tmp_path / "else")
        with pytest.raises(OSError, match="symbolic links"), store.writing():
            pytest.fail("it was followed")
        assert not (tmp_path / "else").exists()

    def test_a_writer_that_was_killed_is_none(self, tmp_path: Path) -> None:
        left = tmp_path / "c" / ".clips-0000-x"
        with Elsewhere(tmp_path / "c"):
            left.mkdir()
        with Store.create(tmp_path / "c").writing():
            assert not left.exists()  # its clips are swept away
        assert not [entry for entry in (tmp_path / "c").iterdir() if entry.name[0] == "."]

    def test_what_was_stored_of_an_attempt_without_a_line_is_swept_away(
        self, tmp_path: Path
    ) -> None:
        """Killed between its samples and its line; what is not named after an attempt stays."""
        store = Store.create(tmp_path / "c")
        run_id = "0007-clipkit-0123abcd-b0-a1-0a1b2c"
        for name in (f"{run_id}.parquet", "mine.parquet"):
            (store.folder / "samples" / name).touch()
        for name in (run_id, "mine"):
            (store.folder / "logs" / name).mkdir()
        with store.writing():
            left = {
                entry.name
                for part in ("samples", "logs")
                for entry in (store.folder / part).iterdir()
            }
        assert left == {"mine.parquet", "mine"}

    def test_what_killed_clipkits_left_in_other_campaigns_is_swept_away_where_nobody_measures(
        self, tmp_path: Path
    ) -> None:
        dead = tmp_path / "dead" / ".clips-0000-x"
        dead.mkdir(parents=True)
        with Elsewhere(tmp_path / "alive"):
            busy = tmp_path / "alive" / ".clips-0000-y"
            busy.mkdir()
            sweep_up_in(tmp_path)
            assert busy.exists()
        assert not dead.exists()

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
