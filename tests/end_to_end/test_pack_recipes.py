"""What the recipes start, in a group of its own as a container would be, with nothing but Python and ffmpeg; and
what comes home of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from recipe_files import RECIPES, commands, write_ssh

from clipkit.ceiling.base import Ceiling
from clipkit.format import MIB

TRIALS = 2


@pytest.fixture
def packs(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a pack under each name by which a recipe starts it."""
    monkeypatch.setenv("CLIPKIT_DATA", str(tmp_path / "data"))
    folder = tmp_path / "packs"
    folder.mkdir()
    (tmp_path / "trying.toml").write_text(
        f"name = 'trying'\n[job]\nuploads = '{small}'\nclips = 1\nlength_s = 1\n[host]\nname = 'render-starter'\n"
        f"[run]\nblocks = {TRIALS}\n"
    )
    clipkit(tmp_path, "pack", "trying.toml", "--host", "render-starter", "-o", folder / "pack.pyz")
    shutil.copy(folder / "pack.pyz", folder / "1.pyz")
    return folder


def clipkit(folder: Path, *words: object) -> str:
    argv = [sys.executable, "-m", "clipkit", *map(str, words)]
    ran = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def bare(folder: Path) -> dict[str, str]:
    """The environment of a container that holds Python and ffmpeg alone."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(Path(sys.base_prefix, "bin", "python3"))
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("no ffmpeg on the PATH, as a host has one")
    for name, program in (("ffmpeg", ffmpeg), ("sh", "/bin/sh")):
        (programs / name).symlink_to(program)
    return {"PATH": str(programs), "HOME": str(folder), "JOB_COMPLETION_INDEX": "0"}


@pytest.mark.parametrize("recipe", list(commands()))
def test_what_a_recipe_starts_runs_in_a_container_and_its_log_comes_home(
    recipe: str, packs: Path, tmp_path: Path, real_ceiling: Callable[..., Ceiling]
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    argv = [
        word.replace("/packs/", f"{packs}/").replace("/var/tmp/clipkit", str(there / "results"))
        for word in commands()[recipe]
    ]
    group = real_ceiling(memory_bytes=400 * MIB)
    ran = subprocess.run(
        group.wrap(argv),
        cwd=there,
        env=bare(there),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    (tmp_path / "pack.log").write_text(ran.stdout)
    home = json.loads(clipkit(tmp_path, "unpack", "pack.log", "--results", "home", "--json"))
    assert (home["trials"], home["left"], home["refused"]) == (TRIALS, [], [])
    (first, _) = (Path(home["campaign"]) / "runs.jsonl").read_text().splitlines()
    assert json.loads(first)["enforced_memory_bytes"] == 400 * MIB


def test_over_ssh_its_folder_comes_home_and_the_same_command_goes_on(
    packs: Path, tmp_path: Path
) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    (there / "me@there").mkdir(parents=True)
    here.mkdir()
    environment = bare(there)
    write_ssh(Path(environment["PATH"]), there)
    environment["PATH"] += os.pathsep + "/usr/bin:/bin"
    words = ["sh", RECIPES / "ssh.sh", "me@there", packs / "pack.pyz"]
    ran = [
        subprocess.run(
            words,
            cwd=here,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        for _ in range(2)
    ]
    assert [each.returncode for each in ran] == [0, 0], ran[0].stderr + ran[1].stderr
    home = json.loads(
        clipkit(tmp_path, "unpack", here / "me@there" / "pack", "--results", "home", "--json")
    )
    assert (home["trials"], home["left"], home["refused"]) == (TRIALS, [], [])
