"""Two shards of one experiment, measured apart and copied into one folder: nothing collides, and machines that
disagree are named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from running import clipkit

from clipkit.records.campaign import open_campaign

EXPERIMENT = """
[job]
uploads = "{upload}"
clips = 1
length_s = 0.5
[settings]
preset = ["ultrafast", "superfast"]
[run]
blocks = 2
"""


def test_they_are_one_campaign(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "trying.toml"
    path.write_text(EXPERIMENT.format(upload=small))
    for shard in ("1/2", "2/2"):
        words = ("--shard", shard, "--results", shard[0])
        assert clipkit("sweep", path, *words, cwd=tmp_path).code == 0
    one, other = tmp_path / "1" / "trying", tmp_path / "2" / "trying"

    def names(folder: Path) -> set[str]:
        return {entry.name for part in ("samples", "logs") for entry in (folder / part).iterdir()}

    # Of each of two trials a log and its samples, and of one that a busy machine had run again.
    assert min(len(names(one)), len(names(other))) >= 4
    assert not names(one) & names(other)

    together = tmp_path / "together" / "trying"
    shutil.copytree(one, together)
    shutil.copytree(other, together, dirs_exist_ok=True)
    for name in ("runs.jsonl", "clips.jsonl"):
        (together / name).write_bytes((one / name).read_bytes() + (other / name).read_bytes())
    assert names(together) == names(one) | names(other)
    table = open_campaign(together).table
    assert table["run_id"].is_unique
    assert len(table.groupby(["cell", "block"])) == 4

    # The whole is gone on with as if it had been measured here, and has nothing left to run.
    done = clipkit("sweep", path, "--results", "together", "--json", cwd=tmp_path)
    assert (done.code, done.json["ran"], done.json["ok"]) == (0, 0, 4)
    merged = clipkit("merge", one, other, "--results", "merged", "--json", cwd=tmp_path)
    assert merged.json["trials"] == len(table)
    rows = [json.loads(line) for line in (together / "runs.jsonl").read_text().splitlines()]
    assert {row["run_id"] for row in rows} == set(
        open_campaign(merged.json["campaign"]).table["run_id"]
    )


def test_machines_that_disagree_are_named_where_this_one_only_goes_on(
    small: Path, tmp_path: Path
) -> None:
    """Without a cluster too: the folder may be of several machines all the same, or is made of theirs."""
    path, runs = tmp_path / "trying.toml", tmp_path / "results/trying/runs.jsonl"
    one_block = EXPERIMENT.format(upload=small).replace("blocks = 2", "blocks = 1")
    path.write_text(one_block)
    first = clipkit("sweep", path, "--accept-noise", "--json", cwd=tmp_path)
    assert (first.json["ok"], first.json["machines_disagree"]) == (2, [])

    rows = (json.loads(line) for line in runs.read_text().splitlines())
    fast, slow = {
        row["cell"]: row for row in rows if row["phase"] == "grid" and row["status"] == "ok"
    }.values()

    def of(block: int, row: dict[str, Any], wall_s: float) -> str:
        """Of odd blocks as if another machine had run them."""
        host_id = "another" if block % 2 else row["host_id"]
        name = f"{row['cell']}-{block}"
        changed = {"run_id": name, "block": block, "host_id": host_id, "wall_s": wall_s}
        return json.dumps(row | changed) + "\n"

    runs.write_text(
        "".join(
            of(block, fast, 1.0) + of(block, slow, 3.0 if block % 2 else 1.5) for block in range(8)
        )
    )
    path.write_text(one_block.replace("blocks = 1", "blocks = 8"))
    done = clipkit("sweep", path, "--json", cwd=tmp_path)
    assert (done.code, done.json["ran"], done.json["ok"]) == (0, 0, 16)
    (told,) = done.json["machines_disagree"]
    assert "on another" in told and f"on {fast['host_id']}" in told
    assert told in clipkit("sweep", path, cwd=tmp_path).out.splitlines()

    # So they are where each machine's own part is merged with the other's.
    parts = [tmp_path / which / "trying" for which in ("one", "other")]
    lines = runs.read_text().splitlines(keepends=True)
    for part, is_another in zip(parts, (False, True), strict=True):
        shutil.copytree(runs.parent, part)
        own = [line for line in lines if ('"another"' in line) is is_another]
        (part / "runs.jsonl").write_text("".join(own))
    merged = clipkit("merge", *parts, "--results", "merged", "--json", cwd=tmp_path)
    assert (merged.json["trials"], merged.json["machines_disagree"]) == (16, [told])
    again = clipkit("merge", *parts, "--results", "merged", cwd=tmp_path)
    assert told in again.out.splitlines()
    alone = clipkit("merge", parts[0], "--results", "alone", "--json", cwd=tmp_path)
    assert alone.json["machines_disagree"] == []
