"""The folder that clips are for: what lies in it, who else writes into it, and what becomes of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import COMMAND, clipkit, ffmpegs_in, finish, processes_with, start, until

ONE = ("--count", 1, "--length", 0.4)
ENDLESS = ("--count", 2, "--length", 2, "--preset", "placebo", "--concurrency", 2)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


@contextlib.contextmanager
def waiting(folder: Path) -> Iterator[None]:
    """The cut into that folder has begun, and does not end meanwhile."""
    (ffmpeg,) = until(lambda: ffmpegs_in(folder))
    os.kill(ffmpeg, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(ffmpeg, signal.SIGCONT)


class TestWhatAnotherCutLeft:
    def test_is_not_touched_unless_it_may_be_replaced(self, small: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        assert clipkit("cut", small, "--out", out, "--count", 3, "--length", 0.4).code == 0
        before = contents(out)
        told = clipkit("cut", small, "--out", out, *ONE, "--json")
        assert (told.code, told.out) == (1, "")
        assert "holds clip-001.mp4 and 3 more of another cut" in told.complaint
        assert "--overwrite" in told.complaint
        assert contents(out) == before

    @pytest.mark.parametrize("left", ["clip-004.mp4", "clip-0012.mp4", "clip-001.jpg"])
    def test_is_also_a_single_clip_of_a_cut_that_was_killed(
        self, left: str, small: Path, tmp_path: Path
    ) -> None:
        (tmp_path / left).write_text("a clip")
        told = clipkit("cut", small, "--out", tmp_path, *ONE)
        assert told.code == 1
        assert f"holds {left} of another cut" in told.complaint
        assert contents(tmp_path) == {left: b"a clip"}

    def test_does_not_stay_beside_what_replaces_it(self, small: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        assert clipkit("cut", small, "--out", out, "--count", 3, "--length", 0.4).code == 0
        (out / "clip-003.jpg").write_text("its poster")
        for mine in ("clip-intro.mp4", "mine.txt", "clip-01.mp4"):
            (out / mine).write_text("mine")
        ran = clipkit("cut", small, "--out", out, *ONE, "--overwrite", "--json")
        assert (ran.code, ran.err) == (0, "")
        theirs = ["clip-01.mp4", "clip-intro.mp4", "mine.txt"]
        assert names(out) == sorted(["clip-001.mp4", "manifest.json", *theirs])
        assert json.loads((out / "manifest.json").read_text()) == ran.json
        (clip,) = ran.json["clips"]
        assert clip["file"] == clip["argv"][-1] == str(out / "clip-001.mp4")
        assert clip["bytes"] == (out / "clip-001.mp4").stat().st_size

    def test_stays_where_what_was_to_replace_it_fails(self, small: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        assert clipkit("cut", small, "--out", out, *ONE).code == 0
        before = contents(out)
        words = ("--overwrite", "--preset", "placebo", "--timeout", 0.01)
        assert clipkit("cut", small, "--out", out, *ONE, *words).code == 1
        assert contents(out) == before

    def test_stays_where_the_cut_is_killed_and_no_manifest_ever_lies(
        self, small: Path, slow: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        assert clipkit("cut", small, "--out", out, *ONE).code == 0
        before = contents(out)
        with start("cut", slow, "--out", out, *ENDLESS, "--overwrite") as process:
            until(lambda: len(ffmpegs_in(out)) == 2)
            process.kill()
            process.wait()
            until(lambda: not ffmpegs_in(out))
        left = set(names(out)) - before.keys()
        assert len(left) == 1
        assert clipkit("cut", small, "--out", out, *ONE).code == 1  # and this start sweeps up
        assert contents(out) == before


class TestWhatNoCutWrote:
    def test_a_manifest_of_something_else_is_never_replaced(
        self, small: Path, tmp_path: Path
    ) -> None:
        for theirs in ('{"name": "a web app"}', "no JSON", "[" * 100_000, "[1]"):
            (tmp_path / "manifest.json").write_text(theirs)
            for more in ((), ("--overwrite",)):
                told = clipkit("cut", small, "--out", tmp_path, *ONE, *more)
                assert told.code == 1
                assert "manifest.json was written by no cut" in told.complaint
            assert (tmp_path / "manifest.json").read_text() == theirs

    @pytest.mark.parametrize("name", ["clip-001.mp4", "clip-007.mp4", "manifest.json"])
    @pytest.mark.parametrize("kind", ["link", "link to nowhere", "folder", "pipe"])
    def test_nor_what_is_no_file(self, name: str, kind: str, small: Path, tmp_path: Path) -> None:
        secret, out = tmp_path / "secret", tmp_path / "out"
        secret.write_text("secret")
        out.mkdir()
        made = out / name
        if kind == "folder":
            made.mkdir()
        elif kind == "pipe":
            os.mkfifo(made)
        else:
            made.symlink_to(secret if kind == "link" else tmp_path / "nowhere")
        for more in ((), ("--overwrite",)):
            told = clipkit("cut", small, "--out", out, *ONE, *more)
            assert told.code == 1
            assert f"{name} was written by no cut" in told.complaint
        assert names(out) == [name]
        assert names(tmp_path) == ["out", "secret"]
        assert secret.read_text() == "secret"

    def test_names_that_unfinished_files_once_had_lead_nowhere(
        self, small: Path, tmp_path: Path
    ) -> None:
        secret, out = tmp_path / "secret", tmp_path / "out"
        secret.write_text("secret")
        out.mkdir()
        for name in (".manifest.json.part", ".clipkit-work-1-x", ".clipkit-work-part"):
            (out / name).symlink_to(secret)
        assert clipkit("cut", small, "--out", out, *ONE).code == 0
        assert secret.read_text() == "secret"
        assert names(out) == [".manifest.json.part", "clip-001.mp4", "manifest.json"]

    def test_a_file_that_comes_to_be_there_meanwhile_is_kept(
        self, slow: Path, tmp_path: Path
    ) -> None:
        """A link too, which a rename would replace and a write follow."""
        secret, out = tmp_path / "secret", tmp_path / "out"
        secret.write_text("secret")
        with start("cut", slow, "--out", out, "--count", 2, "--length", 1, "--json") as process:
            with waiting(out):
                (out / "clip-001.mp4").symlink_to(secret)
                (out / "clip-002.mp4").write_text("mine")
            ran = finish(process)
        assert (ran.code, ran.out) == (1, "")
        assert "cannot be put into place: File exists" in ran.complaint
        assert names(out) == ["clip-001.mp4", "clip-002.mp4"]
        assert (out / "clip-001.mp4").is_symlink()
        assert (out / "clip-002.mp4").read_text() == "mine"
        assert secret.read_text() == "secret"


class TestTwoAtOnce:
    def test_the_second_is_refused_and_the_first_goes_on(
        self, small: Path, slow: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "new" / "out"
        with start("cut", slow, "--out", out, "--count", 2, "--length", 1) as process:
            (link := tmp_path / "link").symlink_to(out)
            with waiting(out):
                for folder in (out, link):
                    for more in ((), ("--overwrite",)):
                        told = clipkit("cut", small, "--out", folder, *ONE, *more)
                        assert told.code == 1
                        assert f"another clipkit is cutting into {folder}" in told.complaint
            assert finish(process).code == 0
        assert names(out) == ["clip-001.mp4", "clip-002.mp4", "manifest.json"]

    def test_also_from_another_container_where_process_numbers_are_others(
        self, small: Path, slow: Path, tmp_path: Path
    ) -> None:
        """Its unfinished files are no orphans, though no process here has the number of theirs."""
        apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
        if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
            pytest.skip(
                "no process numbers of one's own can be had here (unshare --pid: root alone)"
            )
        out = tmp_path / "out"
        words = [*COMMAND, "cut", str(slow), "--out", str(out), "--count", "2", "--length", "1"]
        with subprocess.Popen([*apart, *words], stdout=subprocess.DEVNULL) as process:
            with waiting(out):
                told = clipkit("cut", small, "--out", out, *ONE)
            assert (told.code, len(told.err.splitlines())) == (1, 1)
            assert process.wait(120) == 0
        assert names(out) == ["clip-001.mp4", "clip-002.mp4", "manifest.json"]

    def test_of_several_that_begin_together_one_cuts_and_the_others_say_so(
        self, small: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        words = [*COMMAND, "cut", str(small), "--out", str(out), "--count", "1", "--length", "1"]
        several = [
            subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
            for _ in range(3)
        ]
        told = [process.communicate(timeout=120)[1] for process in several]
        assert sorted(process.returncode for process in several) == [0, 1, 1]
        refusals = [text for text in told if text]
        assert len(refusals) == 2
        assert all("is cutting into" in text or "of another cut" in text for text in refusals)
        assert names(out) == ["clip-001.mp4", "manifest.json"]


class TestGone:
    def test_a_folder_removed_during_a_cut_is_told_as_that(
        self, slow: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "made" / "out"
        with start("cut", slow, "--out", out, *ENDLESS) as process:
            (ffmpeg, _) = until(lambda: len(found := ffmpegs_in(out)) == 2 and found)
            shutil.rmtree(out)
            for pid in processes_with(str(out)):
                if pid != process.pid:
                    os.kill(pid, signal.SIGSEGV)  # or it would go on into files that nobody sees
            ran = finish(process)
        assert ffmpeg
        assert ran.code == 1
        assert "was removed while it was cutting" in ran.complaint
        assert "killed" not in ran.complaint
        assert not (tmp_path / "made").exists()

    def test_so_is_the_folder_of_the_unfinished_clips(self, slow: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        words = ("--count", 2, "--length", 1, "--preset", "medium")
        with start("cut", slow, "--out", out, *words) as process:
            until(lambda: ffmpegs_in(out))
            (work,) = out.glob(".clipkit-work-*")
            shutil.rmtree(work)
            ran = finish(process)
        assert ran.code == 1
        assert "was removed while it was cutting" in ran.complaint
        assert not out.exists()


def test_a_link_to_a_folder_is_that_folder(small: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    assert clipkit("cut", small, "--out", tmp_path / "link", *ONE).code == 0
    assert names(tmp_path / "there") == ["clip-001.mp4", "manifest.json"]
    (tmp_path / "broken").symlink_to("nowhere")
    told = clipkit("cut", small, "--out", tmp_path / "broken", *ONE)
    assert told.code == 1
    assert f"cannot write into {tmp_path / 'broken'}" in told.complaint
    assert not (tmp_path / "nowhere").exists()
