"""Files of a folder that may be a stranger's: no link in it is followed, and nothing waits for a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clipkit import files


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("a secret")
    return outside / "secret"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder" / "logs").mkdir(parents=True)
    return tmp_path / "folder"


class TestReading:
    def test_a_link_is_not_followed(self, folder: Path, secret: Path) -> None:
        (folder / "logs" / "x.log").symlink_to(secret)
        with pytest.raises(OSError, match="it is a link, which is not followed"):
            files.read_file(folder, "logs/x.log", 100)
        assert not files.has_file(folder, "logs/x.log")
        assert files.has_entry(folder, "logs/x.log")
        assert files.files_in(folder, "logs") == []

    def test_nor_is_one_on_the_way(self, folder: Path, secret: Path) -> None:
        (folder / "samples").symlink_to(secret.parent)
        with pytest.raises(OSError, match="it is a link"):
            files.read_file(folder, "samples/secret", 100)
        assert not files.has_file(folder, "samples/secret")
        assert files.files_in(folder, "samples") == []
        assert (files.folders_in(folder), files.folders_in(folder, "samples")) == (["logs"], [])

    def test_the_folder_itself_may_be_named_by_one(self, folder: Path, tmp_path: Path) -> None:
        (folder / "runs").write_text("here")
        (tmp_path / "also").symlink_to(folder)
        assert files.read_file(tmp_path / "also", "runs", 100) == b"here"

    def test_a_pipe_is_refused_and_not_waited_for(self, folder: Path) -> None:
        os.mkfifo(folder / "runs.jsonl")
        with pytest.raises(OSError, match="it is no file that holds anything"):
            files.read_file(folder, "runs.jsonl", 100)

    def test_so_is_a_file_that_is_too_large_before_it_is_read(self, folder: Path) -> None:
        with (folder / "huge").open("wb") as file:
            file.truncate(1 << 42)
        with pytest.raises(OSError, match="it is larger than"):
            files.read_file(folder, "huge", 1 << 20)
        assert files.read_end(folder, "huge", 3) == b"\0\0\0"

    @pytest.mark.parametrize(
        "name", ["../outside/secret", "", ".", "logs/../x", "/etc/passwd", "a\0b"]
    )
    def test_a_name_that_leads_out_is_none(self, name: str, folder: Path) -> None:
        with pytest.raises(OSError, match="no name of a file in it"):
            files.read_file(folder, name, 100)
        with pytest.raises(OSError, match="no name of a file in it"):
            files.write_file(folder, name, b"")


class TestWriting:
    def test_a_link_is_replaced_and_what_it_leads_to_stays(
        self, folder: Path, secret: Path
    ) -> None:
        (folder / "report.html").symlink_to(secret)
        written = files.write_file(folder, "report.html", b"the report")
        assert secret.read_text() == "a secret"
        assert (written.is_symlink(), written.read_bytes()) == (False, b"the report")

    def test_nothing_is_written_through_a_folder_that_is_one(
        self, folder: Path, secret: Path
    ) -> None:
        (folder / "figures").symlink_to(secret.parent)
        with pytest.raises(OSError, match="it is a link, which is not followed"):
            files.write_file(folder, "figures/1-measure/bars.svg", b"")
        with pytest.raises(OSError, match="it is a link, which is not followed"):
            files.make_folder(folder, "figures")
        assert [each.name for each in secret.parent.iterdir()] == ["secret"]

    def test_nor_is_anything_appended_through_one(self, folder: Path, secret: Path) -> None:
        (folder / "runs.jsonl").symlink_to(secret)
        with (
            pytest.raises(OSError, match="it is a link"),
            files.appending(folder, "runs.jsonl"),
        ):
            pytest.fail("it was opened")
        assert secret.read_text() == "a secret"

    def test_what_cannot_be_put_in_place_leaves_nothing(self, folder: Path) -> None:
        (folder / "taken").mkdir()
        with pytest.raises(OSError, match="directory"):
            files.write_file(folder, "taken", b"")
        assert sorted(each.name for each in folder.iterdir()) == ["logs", "taken"]

    def test_a_link_is_removed_and_not_what_it_leads_to(self, folder: Path, secret: Path) -> None:
        (folder / "runs.parquet").symlink_to(secret)
        files.remove_file(folder, "runs.parquet")
        files.remove_file(folder, "runs.parquet")
        assert secret.exists() and not (folder / "runs.parquet").is_symlink()

    def test_file_and_folder_are_on_the_disk_when_it_returns(self, folder: Path) -> None:
        """As the kernel sees it: fsync of the part, rename, fsync of the folder."""
        program = (
            "import os, pathlib, sys\n"
            "from clipkit import files\n"
            "calls = []\n"
            "sys.addaudithook(lambda name, _: calls.append('rename') if name == 'os.rename' else None)\n"
            "fsync = os.fsync\n"
            "os.fsync = lambda d: (calls.append('folder' if os.path.isdir(f'/proc/self/fd/{d}')"
            " else 'file'), fsync(d))\n"
            "files.write_file(pathlib.Path(sys.argv[1]), 'a', b'x')\n"
            "print(*calls)\n"
        )
        ran = subprocess.run(
            [sys.executable, "-P", "-c", program, folder],
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout.split() == ["file", "rename", "folder"]

    def test_what_a_killed_writer_left_is_tidied_up_and_what_one_writes_now_is_not(
        self, folder: Path
    ) -> None:
        program = (
            "import fcntl, pathlib, sys, time\n"
            "parts = [pathlib.Path(sys.argv[1], f'.clipkit-{n}.part').open('wb') for n in 'ab']\n"
            "fcntl.flock(parts[0], fcntl.LOCK_EX)\n"
            "parts[1].close()\n"
            "print('writing', flush=True)\n"
            "time.sleep(100)\n"
        )
        writer = subprocess.Popen(
            [sys.executable, "-P", "-c", program, folder], stdout=subprocess.PIPE
        )
        try:
            assert writer.stdout and writer.stdout.readline() == b"writing\n"
            files.remove_unfinished(folder)
            assert files.files_in(folder) == [".clipkit-a.part"]
        finally:
            writer.kill()
            writer.communicate()
        files.remove_unfinished(folder)
        assert files.files_in(folder) == []
