"""The hostile uploads are what they say: small, and a film or none as their outcome has it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import av
import hostile
import pytest
from hostile import BY_NAME, HOSTILE, RIGHT


def test_each_has_a_name_of_its_own_and_a_known_outcome() -> None:
    assert len(BY_NAME) == len(HOSTILE) >= 20
    assert {one.outcome for one in HOSTILE} <= {hostile.RIGHT, hostile.REFUSED, hostile.EITHER}


@pytest.mark.parametrize("name", [one.name for one in HOSTILE if one.outcome == RIGHT])
def test_what_is_to_be_cut_is_a_film(name: str, tmp_path: Path) -> None:
    with av.open(f"file:{os.fsdecode(BY_NAME[name].make(tmp_path))}") as container:
        assert len(list(container.decode(container.streams.video[0]))) > 40


@pytest.mark.parametrize(
    ("name", "at_most_bytes"),
    [("sixty_million_samples", 700), ("dense_fragments", 500_000), ("huge_picture", 30_000_000)],
)
def test_what_takes_much_is_small_itself(name: str, at_most_bytes: int, tmp_path: Path) -> None:
    upload = BY_NAME[name].make(tmp_path)
    assert 0 < upload.stat().st_size <= at_most_bytes


def test_the_playlist_is_packets_to_pyav(tmp_path: Path) -> None:
    upload = BY_NAME["playlist_before_packets"].make(tmp_path)
    assert upload.read_bytes().startswith(b"#EXTM3U")
    with av.open(str(upload)) as container:
        assert container.format.name == "mpegts"


def test_a_fifo_is_one_and_a_loop_leads_nowhere(tmp_path: Path) -> None:
    assert stat.S_ISFIFO(BY_NAME["fifo"].make(tmp_path).stat().st_mode)
    with pytest.raises((OSError, RuntimeError)):
        BY_NAME["symlink_loop"].make(tmp_path).resolve(strict=True)
