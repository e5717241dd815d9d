"""Two shards of one experiment, measured apart and copied into one folder: nothing collides."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

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

    assert len(names(one)) == len(names(other)) == 4
    assert not names(one) & names(other)

    together = tmp_path / "together" / "trying"
    shutil.copytree(one, together)
    shutil.copytree(other, together, dirs_exist_ok=True)
    for name in ("runs.jsonl", "clips.jsonl"):
        (together / name).write_bytes((one / name).read_bytes() + (other / name).read_bytes())
    assert names(together) == names(one) | names(other)
    table = open_campaign(together).table
    assert len(table) == len(set(table["run_id"])) == 4
    assert set(table.groupby(["cell", "block"]).size()) == {1}

    # The whole is gone on with as if it had been measured here, and has nothing left to run.
    done = clipkit("sweep", path, "--results", "together", "--json", cwd=tmp_path)
    assert (done.code, done.json["ran"], done.json["ok"]) == (0, 0, 4)
    merged = clipkit("merge", one, other, "--results", "merged", "--json", cwd=tmp_path)
    assert merged.json["trials"] == 4
    rows = [json.loads(line) for line in (together / "runs.jsonl").read_text().splitlines()]
    assert {row["run_id"] for row in rows} == set(
        open_campaign(merged.json["campaign"]).table["run_id"]
    )
