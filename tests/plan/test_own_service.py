"""What starts a user's own server: found, or told why not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import own_servers
import pytest

from clipkit.errors import UsageError
from clipkit.plan.drive_file import routes_of
from clipkit.plan.own_service import OwnServer


def argv(start: str, folder: Path) -> tuple[str, ...]:
    routes = routes_of(tomllib.loads(own_servers.IS_ASKED), "drive.toml")
    return OwnServer("mine", start, folder, routes).argv()


def test_a_program_of_the_folder_is_found_there(tmp_path: Path) -> None:
    script = tmp_path / "serve"
    script.write_text("#!/bin/sh\n", "utf-8")
    script.chmod(0o755)
    assert argv("./serve 'a b'", tmp_path) == (str(script), "a b")


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("", "the command is empty"),
        ("nodde server.js", "there is no program 'nodde'"),
        ("./plain.js", "'./plain.js' is a file but no program: name what runs it"),
        ("plain.js", "such as 'node plain.js'"),
        ("PORT=3000 node server.js", r"no shell reads it: give PORT in \[environment\]"),
        ("sh -c : && sh x", "no shell reads it, so '&&' means nothing"),
        ("sh x > log", "no shell reads it, so '>' means nothing"),
    ],
)
def test_what_cannot_be_started_is_told_with_what_to_do(
    tmp_path: Path, start: str, said: str
) -> None:
    (tmp_path / "plain.js").write_text("", "utf-8")
    with pytest.raises(UsageError, match=said):
        argv(start, tmp_path)
