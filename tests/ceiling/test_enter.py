"""The script that becomes the command inside."""

from __future__ import annotations

import subprocess
from pathlib import Path

from clipkit.ceiling.groups import enter_argv


def test_a_group_that_cannot_be_entered_is_one_clear_line() -> None:
    procs = Path("/nonexistent/cgroup.procs")
    ended = subprocess.run(
        enter_argv([procs], ["true"]), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 126
    assert ended.stderr == (
        f"clipkit: cannot enter the ceiling: {procs}: No such file or directory\n"
    )


def test_a_command_that_does_not_exist_ends_as_in_a_shell() -> None:
    ended = subprocess.run(
        enter_argv([], ["/nonexistent/tool"]), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 127
    assert "/nonexistent/tool" in ended.stderr


def test_it_writes_its_own_number_and_passes_arguments_as_they_are(tmp_path: Path) -> None:
    procs = tmp_path / "cgroup.procs"
    argv = enter_argv([procs], ["printf", "%s|", "a b", "--", "$HOME"])
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.communicate()[0] == "a b|--|$HOME|"
    assert procs.read_text() == str(process.pid)
