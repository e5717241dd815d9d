"""What one calibration of an upload foretells of its other jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = REPOSITORY / "experiments" / "benchmarks" / "half_a_core"

_FORETOLD = """
import json, sys
from foretelling import CONSTANTS, Foretold
from running import Sat, Took
asked = json.load(sys.stdin)
def took(terms):
    cpu_s = sum(CONSTANTS[name] * asked["truth"].get(name, 1) * n for name, n in terms.items())
    return Took(cpu_s / asked["cores"], cpu_s)
sat = [Sat(terms, took(terms)) for terms in asked["sat"]]
found = Foretold.by(sat)
print(json.dumps([[found.wall(t).cpu_s, took(t).cpu_s, found.wall(t).wall_s, took(t).wall_s]
                  for t in asked["others"]]))
"""
_DECODED = {"start": 4.0, "h264": 200.0}
_SAT: list[dict[str, float]] = [
    _DECODED,
    {**_DECODED, "clip": 4.0},
    *(
        {**_DECODED, "clip": 4.0, preset: 100.0, "refs": 100.0 * refs}
        for preset, refs in (("ultrafast", 0), ("veryfast", 0), ("medium", 2))
    ),
]


def foretold(truth: dict[str, float], cores: float, others: list[dict[str, float]]) -> Any:
    asked = {"truth": truth, "cores": cores, "sat": _SAT, "others": others}
    ran = subprocess.run(
        [sys.executable, "-c", _FORETOLD],
        cwd=SCRIPTS,
        env={"PYTHONPATH": f"{SCRIPTS}:{REPOSITORY}"},
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout)


def test_decoding_and_encoding_are_told_apart_and_a_preset_between_follows_its_neighbours() -> None:
    """A film whose pictures are thrice as hard to decode and half as hard to encode."""
    presets = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow")
    truth = {"h264": 3.0, **dict.fromkeys(presets, 0.5)}
    others = [
        {"start": 3.0, "clip": 3.0, "h264": 400.0, "ultrafast": 20.0},
        {"start": 3.0, "clip": 3.0, "h264": 100.0, "superfast": 90.0},
        {"start": 3.0, "clip": 3.0, "h264": 100.0, "faster": 90.0},
    ]
    for predicted, cpu_s, *_ in foretold(truth, 0.5, others):
        assert predicted == pytest.approx(cpu_s, rel=0.08)


def test_what_of_the_quota_is_left_unused_is_learnt_too() -> None:
    others = [{"start": 3.0, "clip": 3.0, "h264": 100.0, "veryfast": 200.0}]
    [[_, _, wall_s, took_s]] = foretold({}, 0.45, others)
    assert wall_s == pytest.approx(took_s, rel=0.05)
    assert wall_s > 1.05 * took_s * 0.45 / 0.5


_FRAMED = """
import sys
from pathlib import Path
from cells import drawn
from inventing_uploads import upload
for n in range(40):
    film = upload(path=Path(f"{n}.mp4"), width=320, height=240, coded_width=320, coded_height=240)
    for _, settings in drawn(film, 2):
        print(settings.scale_height, settings.crop)
"""


def test_a_framing_that_is_drawn_makes_a_picture_smaller() -> None:
    paths = (SCRIPTS, REPOSITORY, REPOSITORY / "tests")
    ran = subprocess.run(
        [sys.executable, "-c", _FRAMED],
        cwd=SCRIPTS,
        env={"PYTHONPATH": ":".join(map(str, paths))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line.split()[0] for line in ran.stdout.splitlines()} == {"None", "180", "120"}


def test_a_record_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    argv = [sys.executable, SCRIPTS, "--stored", tmp_path / "none.jsonl"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "--into writes one" in ran.stderr
