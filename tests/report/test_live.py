"""Watching a campaign that runs elsewhere: the output keeps up, and to stop watching stops nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import inventing_sweep
import pytest
from inventing_sweep import Film, Sweep, on
from kernels import kernel
from running import processes_with, until

from clipkit import attach, sweep
from clipkit.records.campaign import open_campaign
from clipkit.report.exhibits.glance import heat_map_at_a_glance
from clipkit.report.notebooks import live

LONG = {
    "name": "long",
    "job": {"uploads": ["my.mp4"], "clips": 2, "length_s": 1},
    "settings": {"concurrency": [1, 2], "encoder_threads": [1, 2]},
    "run": {"blocks": 500},
}
SHORT = LONG | {"name": "short", "run": {"blocks": 2}}


@pytest.fixture
def here(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "my.mp4").symlink_to(small)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for pid in processes_with(str(tmp_path)):
        os.kill(pid, signal.SIGKILL)


def test_outside_a_notebook_it_prints_lines_until_the_end(here: Path):
    sweep(SHORT, background=True)
    code = "from clipkit import attach; attach('results/short').watch()"
    printed = subprocess.check_output(
        [sys.executable, "-P", "-c", code], text=True, timeout=60, cwd=here
    )
    lines = printed.splitlines()
    assert "8 of 8 trials, finished, best " in lines[-1]
    assert len(lines) == len(set(lines))


def test_in_a_notebook_one_output_keeps_up_with_words_and_a_chart_to_the_end(here: Path):
    with kernel(here) as notebook:
        notebook.run(
            "from clipkit import sweep\n"
            f"handle = sweep({SHORT | {'run': {'blocks': 12}}!r}, background=True)"
        )
        cell = notebook.run("handle.watch()")
    assert len(cell.shown()) == 1
    updates = cell.shown("update_display_data")
    words = [re.findall(r"<p>(.*?)</p>", page)[0] for page in updates]
    assert len(set(words)) >= 2
    assert words[-1].startswith("48 of 48 trials, finished, best ")
    assert "data:image/svg+xml" in updates[-1]
    assert "width:100.0%" in updates[-1]


def test_to_interrupt_the_cell_stops_the_watching_alone(here: Path):
    with kernel(here) as notebook:
        notebook.run(f"from clipkit import sweep\nhandle = sweep({LONG!r}, background=True)")
        cell = notebook.begin("handle.watch()")
        notebook.listen(cell, lambda cell: len(cell.shown("update_display_data")) >= 2)
        notebook.interrupt()
        notebook.listen(cell, lambda cell: cell.idle)
        assert cell.error is None
        last = cell.shown("update_display_data")[-1]
        assert "No longer watching. The campaign goes on." in last
        assert "attach(&#x27;results/long&#x27;).cancel()" in last
        handle = attach(here / "results" / "long")
        done = handle.standing().done
        until(lambda: handle.standing().done > done)
        page = notebook.run("handle").shown("execute_result")[0]
        assert ">running<" in page
        assert notebook.run("handle.cancel(); print(handle.running)").printed == "False\n"


def test_to_interrupt_a_foreground_sweep_stops_the_campaign(here: Path):
    with kernel(here) as notebook:
        cell = notebook.begin(f"from clipkit import sweep\nsweep({LONG!r})")
        notebook.listen(cell, lambda cell: "block 1" in cell.printed)
        notebook.interrupt()
        notebook.listen(cell, lambda cell: cell.idle)
        assert cell.error == "KeyboardInterrupt"
        assert "clipkit: interrupted" in cell.printed
    handle = attach("results/long")
    assert not handle.running
    assert handle.standing().state == "cancelled"


def test_a_moment_is_shown_escaped(tmp_path: Path):
    standing = {
        "campaign": "hostile", "state": "failed", "pid": 1, "total": 4, "done": 1, "ok": 1,
        "oom": 0, "inferred": 0, "failed": 0, "elapsed_s": 1.0, "eta_s": None, "now": None,
        "clip": None, "best": "<b>best</b>", "best_s_per_clip": 1.0,
        "error": "<script>alert(1)</script>", "updated_utc": "2025-01-01T00:00:00+00:00",
    }  # fmt: skip
    (tmp_path / "progress.json").write_text(json.dumps(standing), "utf-8")
    seen = live.view(tmp_path, lambda _now: "")
    assert seen.fraction == 0.25
    page = seen._repr_html_()
    assert "&lt;b&gt;best&lt;/b&gt;" in page
    assert "<script" not in page


def test_the_heat_map_at_a_glance_shows_the_job_that_was_tried_last(tmp_path: Path):
    films = (Film(), Film("other.mp4"))
    several = Sweep(hosts=(on("512M"), on("96M")), films=films, clip_s=(2.0, 4.0))
    drawn = heat_map_at_a_glance(open_campaign(inventing_sweep.write(tmp_path / "many", several)))
    assert drawn is not None
    assert "72 cells" in drawn.alt  # 36 settings on two hosts


def test_where_there_is_nothing_to_compare_there_is_no_heat_map(tmp_path: Path):
    one = Sweep(factors={"preset": ("ultrafast",)}, hosts=(on("512M"),), spoilt=False)
    assert heat_map_at_a_glance(open_campaign(inventing_sweep.write(tmp_path / "one", one))) is None
    too_large = Sweep(factors={"concurrency": (3, 4)}, hosts=(on("40M"),), spoilt=False)
    assert (
        heat_map_at_a_glance(open_campaign(inventing_sweep.write(tmp_path / "two", too_large)))
        is None
    )
