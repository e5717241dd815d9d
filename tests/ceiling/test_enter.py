"""The script that becomes the command inside."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from clipkit.ceiling.groups import enter_argv, quick_enter_argv


@pytest.fixture(params=[enter_argv, quick_enter_argv])
def entering(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_a_group_that_cannot_be_entered_is_one_clear_line(entering: Any) -> None:
    procs = Path("/nonexistent/cgroup.procs")
    ended = subprocess.run(entering([procs], ["true"]), capture_output=True, text=True, check=False)
    assert ended.returncode == 126
    assert ended.stderr == (
        f"clipkit: cannot enter the ceiling: {procs}: No such file or directory\n"
    )


def test_a_command_that_does_not_exist_ends_as_in_a_shell(entering: Any, tmp_path: Path) -> None:
    procs = tmp_path / "cgroup.procs"
    ended = subprocess.run(
        entering([procs], ["/nonexistent/tool"]), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 127
    assert "/nonexistent/tool" in ended.stderr


def test_it_writes_its_own_number_and_passes_arguments_as_they_are(
    entering: Any, tmp_path: Path
) -> None:
    procs = tmp_path / "cgroup.procs"
    argv = entering([procs], ["printf", "%s|", "a b", "--", "$HOME"])
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.communicate()[0] == "a b|--|$HOME|"
    assert procs.read_text().strip() == str(process.pid)


@pytest.mark.parametrize("name", ["FILM", "npm.config", "BASH_FUNC_x%%"])
def test_the_environment_arrives_as_it_is(
    entering: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "a b\n'c'")
    argv = entering([tmp_path / "cgroup.procs"], ["env", "-0"])
    ran = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert f"{name}=a b\n'c'" in ran.stdout.split("\0")
