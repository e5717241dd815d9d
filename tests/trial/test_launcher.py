"""The launcher in front of ffmpeg: the same process, the same words, and a note of them."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from running import until

from clipkit.trial.launcher import Launcher

HOSTILE = ("a b", "$(touch gone)", "it's", "line\nbreak", "", "-n", "\\0", "ü")


def launcher(
    folder: Path, program: str = "/bin/echo", entrances: tuple[Path, ...] = ()
) -> Launcher:
    made = Launcher(folder / "a 'quoted' folder", program, entrances)
    made.write()
    return made


def test_the_program_gets_the_words_as_they_are_and_they_are_noted(tmp_path: Path) -> None:
    echoing = launcher(tmp_path, "/usr/bin/printf")
    argv = [str(echoing.path), "%s|", *HOSTILE]
    said = subprocess.run(argv, capture_output=True, check=True).stdout.decode()
    assert said == "".join(f"{word}|" for word in HOSTILE)
    assert [launch.argv for launch in echoing.launches()] == [("%s|", *HOSTILE)]


def test_it_becomes_the_program_in_the_same_process(tmp_path: Path) -> None:
    sleeping = launcher(tmp_path, "/bin/sleep")
    before_s = time.time()
    with subprocess.Popen([str(sleeping.path), "60"], process_group=0) as process:
        known = until(sleeping.launches)
        assert sleeping.pids() == {process.pid}
        assert before_s - 0.1 < known[0].started_s < time.time() + 0.1
        comm = Path(f"/proc/{process.pid}/comm")
        until(lambda: comm.read_text("ascii").strip() == "sleep")
        assert os.getpgid(process.pid) == process.pid
        process.terminate()
    assert process.returncode == -15


def test_the_ends_of_the_program_are_its_own(tmp_path: Path) -> None:
    failing = launcher(tmp_path, "/bin/false")
    assert subprocess.run([str(failing.path)], check=False).returncode == 1


def test_where_it_cannot_enter_nothing_is_started(tmp_path: Path) -> None:
    shut = launcher(tmp_path, "/bin/echo", (tmp_path / "nowhere" / "cgroup.procs",))
    ran = subprocess.run([str(shut.path), "hello"], capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (126, b"")
    assert shut.launches() == []


@pytest.mark.parametrize(
    ("words", "reads"), [(("-version",), False), (("-ss", "1", "-i", "film", "out"), True)]
)
def test_only_what_reads_a_file_is_for_a_clip(
    tmp_path: Path, words: tuple[str, ...], reads: bool
) -> None:
    told = launcher(tmp_path)
    subprocess.run([str(told.path), *words], capture_output=True, check=True)
    (launch,) = told.launches()
    assert launch.reads_a_file is reads
