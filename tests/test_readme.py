"""What the README tells a newcomer to type is what the commands understand."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import papermill
import pytest

from clipkit import cli
from clipkit.report import resources

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)
    for block in BLOCKS
    for line in block.replace("\\\n", " ").splitlines()
]


def ids(words: list[str]) -> str:
    return " ".join(words[:2])


@pytest.mark.parametrize("words", [w for w in COMMANDS if w[0] == "clipkit"], ids=ids)
def test_every_clipkit_command_of_the_readme_is_understood(words: list[str]) -> None:
    assert cli.parse(words[1:]).handler


@pytest.mark.parametrize("words", [w for w in COMMANDS if w[0] == "papermill"], ids=ids)
def test_every_papermill_command_of_the_readme_names_a_notebook_and_its_parameters(
    words: list[str],
) -> None:
    notebook = resources.folder("notebooks") / Path(words[1]).name
    known = papermill.inspect_notebook(str(notebook))
    given = [words[at + 1] for at, word in enumerate(words) if word == "-p"]
    assert given
    assert set(given) <= set(known)


def test_each_of_the_two_first_commands_sets_up_everything_by_itself() -> None:
    first, second = (" ".join(words) for words in COMMANDS[:2])
    assert first.startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert first.endswith("&& .venv/bin/clipkit tune")
    assert second.startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert second.endswith("&& .venv/bin/pytest")


def test_the_dev_extra_holds_what_the_test_command_needs() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert any(entry.startswith("pytest") for entry in project["dependencies"])
    assert {"mypy", "ruff"} <= {
        re.split(r"[><=]", entry)[0] for entry in project["optional-dependencies"]["dev"]
    }
