"""Packs of a few short clips, and what the journals of their runs tell."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from clipkit.campaign.experiment_file import parse_experiment
from clipkit.campaign.sweep import plan_sweep
from clipkit.pack.making import ToPack, make_pack
from clipkit.pack.there.planned import Promise

Packs = Callable[..., Path]
SLOW = "ffmpeg -re -ss {start} -t {duration} -i {input} -c copy {output}"
"""Takes as long as its clip lasts, and no CPU."""


def experiment(*uploads: Path, blocks: int = 1, head: str = "", settings: str = "") -> str:
    named = ", ".join(f'"{upload}"' for upload in uploads)
    return (
        f'name = "there"\n[job]\nuploads = [{named}]\nclips = 2\nlength_s = 1\n{head}\n'
        f'[host]\nmemory = "300M"\ncpus = 0.5\n[settings]\n{settings}\n[run]\nblocks = {blocks}\n'
    )


def promising(small: Path, folder: Path, blocks: int = 3) -> Path:
    """A pack that promises clipkit's engine to be as fast as today's way."""
    head = "[subject]\nname = ['clipkit', 'fluent']"
    text = experiment(small, blocks=blocks, head=head, settings="encoder_threads = 1")
    planned = plan_sweep(parse_experiment(text, folder / "there.toml"))
    names = {cell.name: cell.subject.name for cell in planned.design.cells}

    def promised(numbers: Mapping[str, int]) -> Promise:
        by_subject = {names[cell]: number for cell, number in numbers.items()}
        return Promise(1.0, 0.95, 1.05, (by_subject["fluent"],), (by_subject["clipkit"],), 0.2, 0.2)

    path = folder / "pack.pyz"
    make_pack(ToPack(planned, "300M-0.5cpu", "there", path, promised=promised))
    return path


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
