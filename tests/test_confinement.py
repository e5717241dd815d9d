"""Whoever decodes an upload of a stranger's may open that, its own folder and the system, and no more."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from confining import needs_landlock
from running import clipkit
from talk import chain, engine

from clipkit.ceiling.base import Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.confinement import Confinement
from clipkit.ffmpeg_builds import FfmpegBuild, find_build
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.task import OUTPUT, Run, Task
from clipkit.settings import Settings
from clipkit.trial.cut import Order, cut_order

ONE = ("--count", 1, "--length", 0.4)


def shell(words: str, *reads: Path, writes: Path | None = None) -> subprocess.CompletedProcess[str]:
    confinement = Confinement([*map(str, reads)], [str(writes)] if writes else [])
    done, confined = confinement.start(
        lambda: subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False)
    )
    assert confined
    return done


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """An upload, and another user's beside it."""
    for name in ("mine", "theirs"):
        (tmp_path / name).write_text(name)
    return tmp_path / "mine", tmp_path / "theirs"


@needs_landlock
class TestFiles:
    def test_what_may_be_read_is_read_and_its_neighbour_is_not(
        self, two: tuple[Path, Path]
    ) -> None:
        mine, theirs = two
        assert shell(f"cat {mine}", mine).stdout == "mine"
        for other in (theirs, mine.parent, Path("/etc/passwd"), Path.home()):
            told = shell(f"{'ls' if other.is_dir() else 'cat'} {other}", mine)
            assert told.returncode != 0
            assert "Permission denied" in told.stderr
            assert told.stdout == ""

    def test_a_link_is_no_way_out(self, two: tuple[Path, Path], tmp_path: Path) -> None:
        mine, theirs = two
        (work := tmp_path / "work").mkdir()
        told = shell(f"ln -s {theirs} {work}/link; cat {work}/link", mine, writes=work)
        assert "Permission denied" in told.stderr
        assert told.stdout == ""

    def test_only_the_own_folder_is_written(self, two: tuple[Path, Path], tmp_path: Path) -> None:
        mine, _ = two
        (work := tmp_path / "work").mkdir()
        kept = f"echo a >{work}/a && mkdir {work}/b && mv {work}/a {work}/b/c && cat {work}/b/c"
        assert shell(kept, mine, writes=work).stdout == "a\n"
        for act in (f"echo x >{mine}", f"rm {mine}", f"mv {mine} {work}/x", f"touch {tmp_path}/x"):
            assert shell(act, mine, writes=work).returncode != 0
        assert mine.read_text() == "mine"
        assert not (tmp_path / "x").exists()

    def test_we_ourselves_are_held_to_nothing_and_errors_are_ours(
        self, two: tuple[Path, Path]
    ) -> None:
        mine, theirs = two
        assert shell(f"cat {theirs}", mine).returncode != 0
        assert theirs.read_text() == "theirs"
        with pytest.raises(FileNotFoundError):
            Confinement([str(mine)]).start(lambda: subprocess.run(["no-such"], check=False))

    def test_what_is_not_there_may_be_named(self, tmp_path: Path) -> None:
        assert shell("true", tmp_path / "gone").returncode == 0


@needs_landlock
def test_nobody_is_called_by_the_network() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        call = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        argv = [sys.executable, "-I", "-c", call]
        places = [sys.prefix, sys.base_prefix]
        subprocess.run(argv, check=True)
        done, _ = Confinement(places).start(
            lambda: subprocess.run(argv, capture_output=True, text=True, check=False)
        )
    assert "PermissionError" in done.stderr


class TestTasks:
    @needs_landlock
    def test_a_tasks_processes_read_what_it_says(
        self, two: tuple[Path, Path], tmp_path: Path
    ) -> None:
        mine, theirs = two
        copying = [
            chain(n, (Run(("cp", str(film), OUTPUT)),)) for n, film in enumerate((mine, theirs), 1)
        ]
        asked: list[Task] = [replace(task, reads=(str(mine),)) for task in copying]
        with engine(tmp_path) as running:
            own, other = running.run(asked)
        assert (own["status"], own["confined"]) == ("ok", True)
        assert (other["status"], other["confined"]) == ("failed", True)
        assert "Permission denied" in other["error"]

    def test_one_that_says_nothing_reads_what_it_likes(
        self, two: tuple[Path, Path], tmp_path: Path
    ) -> None:
        """The user's own command."""
        with engine(tmp_path) as running:
            (clip,) = running.run([chain(1, (Run(("cp", str(two[1]), OUTPUT)),))])
        assert (clip["status"], clip["confined"]) == ("ok", False)


@needs_landlock
class TestBuilds:
    def test_an_ffmpeg_that_was_taken_over_finds_nothing_else(
        self, small: Path, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        """As if a decoder had been taken over: it does its work, and tries to read another's film too."""
        (theirs := tmp_path / "theirs").write_text("secret")
        loot = tmp_path / "loot"
        wrapped = tmp_path / "ffmpeg"
        wrapped.write_text(f'#!/bin/sh\ncp {theirs} {loot}\nexec {each_build.path} "$@"\n')
        wrapped.chmod(0o755)
        parts = (str(wrapped), each_build.path)
        held = FfmpegBuild(
            "path", str(wrapped), "1", each_build.encoders, each_build.filters, parts
        )
        free = FfmpegBuild("path", str(wrapped), "1", each_build.encoders, each_build.filters)
        for build, found in ((held, False), (free, True)):
            _cut_by(build, small, tmp_path / f"out-{found}")
            assert loot.exists() is found

    def test_clips_are_cut_so_and_the_manifest_says_it(
        self, small: Path, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        for number, words in enumerate((("--mode", "snap"), ("--poster",))):
            out = tmp_path / str(number)
            ran = clipkit(
                *("cut", small, "--out", out, *ONE, *words, "--json"),
                *("--ffmpeg", each_build.choice),
            )
            assert (ran.code, ran.err) == (0, "")
            assert ran.json["confined"] is True

    def test_one_that_does_not_start_so_runs_without_and_the_manifest_says_it(
        self, small: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        (hidden := tmp_path / "hidden").mkdir()
        shutil.copy(build.path, hidden / "ffmpeg")
        script = tmp_path / "ffmpeg"
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(hidden / "ffmpeg"))} "$@"\n')
        script.chmod(0o755)
        assert find_build(str(script)).parts is None
        ran = clipkit("cut", small, "--out", tmp_path / "out", *ONE, "--ffmpeg", script, "--json")
        assert (ran.code, ran.err) == (0, "")
        assert ran.json["confined"] is False

    def test_one_with_libraries_of_its_own_reads_these(self, tmp_path: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("no C compiler here")
        (own := tmp_path / "own").mkdir()
        (tmp_path / "lib.c").write_text('const char *said(void) { return "ffmpeg version 7"; }\n')
        (tmp_path / "main.c").write_text(
            "#include <stdio.h>\nconst char *said(void);\nint main(void) { puts(said()); return 0; }\n"
        )
        library, program = own / "libsaid.so", tmp_path / "ffmpeg"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-o", library, tmp_path / "lib.c"], check=True
        )
        linked = (f"-L{own}", f"-Wl,-rpath,{own}", "-lsaid")
        subprocess.run([compiler, "-o", program, tmp_path / "main.c", *linked], check=True)
        parts = find_build(str(program)).parts
        assert parts is not None
        assert parts[0] == str(program)
        assert str(library) in parts


def _cut_by(build: FfmpegBuild, film: Path, out: Path) -> None:
    job = Job(probe_upload(film), (Clip(0.0, 0.4),))
    order = Order(job, Settings(), build, Host("test", None, None), 0, out, 60.0)
    with open_ceiling(Limits(None, None), Mechanism.NONE) as ceiling:
        manifest = cut_order(order, ceiling, lambda _event: None)
    assert manifest["status"] == "ok"
    assert manifest["confined"] is (build.parts is not None)
