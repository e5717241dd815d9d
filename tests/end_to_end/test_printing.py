"""A campaign whose answer or progress nobody takes goes on to its end, or ends in one line; its records are whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clipkit.records.folder import read_records
from clipkit.records.status import Status

EXPERIMENT = """
[job]
uploads = ["{}"]
clips = 1
length_s = 0.4
[settings]
preset = ["ultrafast", "superfast"]
[run]
blocks = 1
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    """A folder with an experiment of two trials."""
    folder = tmp_path_factory.mktemp("printing")
    (folder / "e.toml").write_text(EXPERIMENT.format(small))
    return folder


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    command = f'set -o pipefail; clipkit() {{ {sys.executable} -P -m clipkit "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.parametrize(
    ("where", "code", "told"),
    [
        (">&-", 1, "cannot write to stdout: it is closed"),
        (">/dev/full", 1, "cannot write to stdout: No space left on device"),
        ("| true", 1, "its work is done, but nobody read all of what it said"),
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        ("<&- >&- 2>&-", 1, ""),
        (">/dev/full 2>/dev/full", 1, ""),
    ],
)
def test_its_records_are_whole_and_it_does_not_end_in_silence(
    where: str, code: int, told: str, swept: Path
) -> None:
    name = f"c{abs(hash(where))}"
    ran = shell(swept, f"clipkit sweep e.toml --results . --as {name} {where}")
    assert (ran.returncode, "Traceback" in ran.stderr) == (code, False), ran.stderr
    assert told in ran.stderr
    assert not told or ran.stderr.strip().splitlines()[-1] == f"clipkit: {told}"
    records = read_records(swept / name)
    assert [record.status for record in records] == [Status.OK, Status.OK]
    texts = [path.read_bytes() for path in (swept / name).glob("*.json*")]
    assert not any(b"trials" in text and b"clipkit: " in text for text in texts)


def test_who_only_looks_and_has_enough_is_left_alone(tmp_path: Path) -> None:
    ran = shell(tmp_path, "clipkit hosts | true")
    assert (ran.returncode, ran.stderr) == (1, "")


@pytest.mark.parametrize("words", ["hosts", "hosts --json", "doctor"])
def test_an_answer_that_cannot_be_written_is_told_in_one_line(words: str, tmp_path: Path) -> None:
    ran = shell(tmp_path, f"clipkit {words} >/dev/full")
    assert ran.returncode == 1
    assert ran.stderr == "clipkit: cannot write to stdout: No space left on device\n"


@pytest.mark.parametrize("files", [8, 12, 16, 24])
def test_too_few_files_that_may_be_open_are_one_line(files: int, swept: Path) -> None:
    line = f"ulimit -n {files}; clipkit sweep e.toml --results . --as few{files}"
    ran = shell(swept, line)
    last = ran.stderr.strip().splitlines()[-1:]
    if ran.returncode == 0:
        assert len(read_records(swept / f"few{files}")) == 2
    elif "clipkit: " in "".join(last):
        assert (ran.returncode, "Traceback" in ran.stderr) == (1, False), ran.stderr
    else:  # Python itself could not begin
        assert files < 12, ran.stderr


def test_a_name_that_is_too_long_and_a_folder_that_is_none_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("x" * 300, "file/below", "/proc/nowhere", "\udcff" * 200):
        argv = [sys.executable, "-P", "-m", "clipkit", "merge", place, "--results", place]
        ran = subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False)
        assert ran.returncode == 1, ran.stderr
        assert len(ran.stderr.splitlines()) == 1
        assert ran.stderr.startswith(b"clipkit: ")


def test_a_terminal_is_sent_nothing_that_it_would_obey(tmp_path: Path) -> None:
    """Through a real one: what a name holds is shown, and not done."""
    name = "film\x1b]0;owned\x07\x1b[31m.mp4"
    (tmp_path / name).write_bytes(b"no film")
    master, slave = os.openpty()
    argv = [sys.executable, "-P", "-m", "clipkit", "probe", name]
    subprocess.run(argv, cwd=tmp_path, stdout=slave, stderr=slave, stdin=slave, check=False)
    os.close(slave)
    shown = b""
    while b"\n" not in shown:
        shown += os.read(master, 4096)
    os.close(master)
    assert b"film" in shown and b"\x1b" not in shown and b"\x07" not in shown
