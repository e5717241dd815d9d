"""Packs of a few short clips, and what the journals of their runs tell."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

Packs = Callable[..., Path]
SLOW = "ffmpeg -re -ss {start} -t {duration} -i {input} -c copy {output}"
"""Takes as long as its clip lasts, and no CPU."""


def experiment(*uploads: Path, blocks: int = 1, head: str = "", settings: str = "") -> str:
    named = ", ".join(f'"{upload}"' for upload in uploads)
    return (
        f'name = "there"\n[job]\nuploads = [{named}]\nclips = 2\nlength_s = 1\n{head}\n'
        f'[host]\nmemory = "300M"\ncpus = 0.5\n[settings]\n{settings}\n[run]\nblocks = {blocks}\n'
    )


def ends(results: Path) -> list[tuple[int, str]]:
    """Each end in the journal: the trial's number and its status."""
    lines = (results / "journal.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    return [(e["trial"], e["record"]["status"]) for e in told if e["kind"] == "ended"]


def until(true: Callable[[], object], patience_s: float = 60) -> None:
    deadline_s = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
