"""For a hostile upload nothing is opened but it, and nothing is connected to: under strace."""

from __future__ import annotations

import subprocess
from pathlib import Path

import hostile
import opened
import pytest
import requirements


@pytest.fixture(autouse=True)
def strace(tmp_path: Path) -> None:
    try:
        works = (
            subprocess.run(["strace", "-o", tmp_path / "none", "true"], check=False).returncode == 0
        )
    except OSError:
        works = False
    if not works:
        requirements.missing("strace", "strace is not there or may not trace")


@pytest.mark.parametrize(
    ("name", "command", "code"),
    [
        ("playlist_before_packets", "cut", 0),  # to the bundled build it is what it is to clipkit
        ("sixty_million_samples", "cut", 1),
        ("concatenation", "tune", 1),
    ],
)
def test_only_the_upload_is_opened(name: str, command: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "upload").mkdir()
    upload = hostile.BY_NAME[name].make(tmp_path / "upload")
    out = tmp_path / "out"
    seen = opened.trace(opened.commands(upload, out, "bundled")[command], tmp_path, (upload, out))
    assert set(seen.others) <= set(opened.OF_THE_MACHINE)
    assert seen.reached == ()
    assert seen.code == code


def test_what_is_opened_besides_is_seen(tmp_path: Path) -> None:
    """The output folder is left out of what is allowed: then it is told."""
    upload = hostile.film(tmp_path / "film.mp4")
    out = tmp_path / "elsewhere"
    seen = opened.trace(opened.commands(upload, out, "bundled")["cut"], tmp_path, (upload,))
    assert seen.code == 0
    assert any(path.startswith(str(out)) for path in seen.others)
