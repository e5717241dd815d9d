"""Clips by one ffmpeg or each by its own as a factor of a campaign: measured, gone on with and reported like any."""

from __future__ import annotations

import json
from pathlib import Path

from running import clipkit

EXPERIMENT = """
[job]
uploads = "{upload}"
clips = 8
length_s = 0.5
[host]
memory = "512M"
[settings]
together = ["never", "gop"]
[run]
blocks = 2
"""


def test_it_is_a_factor_like_others(small: Path, tmp_path: Path) -> None:
    path, folder = tmp_path / "trying.toml", tmp_path / "results" / "trying"
    path.write_text(EXPERIMENT.format(upload=small))
    ran = clipkit("sweep", path, cwd=tmp_path)
    assert ran.code == 0, ran.err
    runs = [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]
    assert sorted((run["together"], run["status"]) for run in runs) == [
        *[("gop", "ok")] * 2,
        *[("never", "ok")] * 2,
    ]
    clips = [json.loads(line) for line in (folder / "clips.jsonl").read_text().splitlines()]
    of = {run["run_id"]: run["together"] for run in runs}
    decoded = {way: [c for c in clips if of[c["run_id"]] == way] for way in ("never", "gop")}
    assert [c["bytes"] for c in decoded["never"]] == [c["bytes"] for c in decoded["gop"]]
    never, gop = (sum(c["frames_decoded"] for c in decoded[way]) for way in ("never", "gop"))
    assert gop < never
    again = clipkit("sweep", path, cwd=tmp_path)
    assert again.code == 0, again.err
    assert len((folder / "runs.jsonl").read_text().splitlines()) == 4
    reported = clipkit("report", folder, cwd=tmp_path)
    assert reported.code == 0, reported.err
    assert "together" in Path(reported.out.strip()).read_text("utf-8")
