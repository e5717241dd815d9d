"""Clips that start around an access point, of every container, clock and coding, in every mode that copies.

Judged by the oracle of `experiments/benchmarks/fuzz`, which reads the boxes itself; its `starts.py` prints
the same for all films, modes and builds.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import starts
from copied import WAYS
from counted import FILMS
from delivered import Clip
from oracle import REFUSED, RIGHT, Oracle
from running import clipkit
from table import Order, Row, ask

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan.modes import MODES

EXACT = [mode for mode in WAYS if mode in MODES and mode != "auto"]
COPYING = [mode for mode in EXACT if WAYS[mode].copies]
# Each clock, container, coding and kind of sound once; the others are in the script.
BUNDLED = [
    "1/25",
    "1/30, open",
    "1/600 MOV",
    "1/1000 Matroska",
    "1/24000 at 24000/1001",
    "closed HEVC",
    "open HEVC, Matroska",
    "GOP of 50 s",
    "pictures held",
    "AAC at 8 kHz",
]
BOTH = ["open H.264", "1/90000 TS"]


def assert_right(row: Row, may_refuse: bool = False) -> None:
    assert not row.left, row
    if may_refuse and not row.cut_in:
        assert {one.outcome for one in row.verdicts} == {REFUSED}, row
        return
    # A smart cut of a clip that no access point lies in is an encode, and says so.
    whole = {"encode"} if row.mode == "smart" else set()
    assert {row.mode} <= set(row.cut_in) <= {row.mode} | whole, row
    asked = zip(row.order.clips, row.verdicts, strict=True)
    assert [(clip, verdict) for clip, verdict in asked if verdict.outcome != RIGHT] == []


@pytest.mark.parametrize("mode", COPYING)
@pytest.mark.parametrize("name", BUNDLED)
def test_clips_around_an_access_point_are_the_uploads(name: str, mode: str, tmp_path: Path) -> None:
    oracle = Oracle(FILMS[name].make(tmp_path))
    row = ask(starts.around(FILMS[name], oracle), "bundled", oracle, mode)
    # What joins what it encodes to what it copies may know one coding alone.
    assert_right(row, may_refuse=FILMS[name].hevc and not WAYS[mode].exact)


@pytest.mark.parametrize("mode", COPYING)
@pytest.mark.parametrize("name", BOTH)
def test_either_ffmpeg_copies_the_same_pictures(
    name: str, mode: str, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    oracle = Oracle(FILMS[name].make(tmp_path))
    assert_right(ask(starts.around(FILMS[name], oracle), each_build.choice, oracle, mode))


@pytest.mark.parametrize("mode", COPYING)
@pytest.mark.parametrize("first", EXACT)
def test_a_clip_of_a_clip_is_right(first: str, mode: str, tmp_path: Path) -> None:
    """From before the access point inside it: what a copy hides is needed again, and hidden again."""
    film = FILMS["closed H.264, 1/12800"].make(tmp_path)
    listed = tmp_path / "once.csv"
    listed.write_text("start_s,duration_s\n2.12,1.9\n")
    out = tmp_path / "once"
    made = clipkit("cut", film, "--out", out, "--clips", listed, "--mode", first, "--json")
    assert made.code == 0, made.err
    clips = (("0", "0.5"), ("0.12", "0.7"), ("0.41", "1.2"), ("1.2", "0.6"), ("1.5", "0.4"))
    upload = Path(made.json["clips"][0]["file"])
    assert_right(ask(Order(upload, clips), "bundled", mode=mode))


@pytest.mark.skipif("copy" not in EXACT, reason="no mode has to keep every bit of sound")
def test_the_first_50_ms_of_a_copys_sound_are_the_uploads(tmp_path: Path) -> None:
    film = FILMS["closed H.264, 1/12800"].make(tmp_path)
    listed = tmp_path / "clips.csv"
    listed.write_text("start_s,duration_s\n2.12,1\n3.28,1\n")
    out = tmp_path / "out"
    ran = clipkit("cut", film, "--out", out, "--clips", listed, "--mode", "copy", "--json")
    assert ran.code == 0, ran.err
    heard = Oracle(film).films[0].sound
    assert heard is not None
    for entry in ran.json["clips"]:
        clip = Clip(Path(entry["file"])).film.sound
        assert clip is not None
        at = round((Fraction(str(entry["start_s"])) - Fraction(heard.at)) * heard.rate)
        first = round(0.05 * heard.rate)
        assert np.array_equal(clip.samples[:first], heard.samples[at : at + first])
        assert np.abs(clip.samples[:first]).max() > 0.01


@pytest.mark.skipif("copy" not in EXACT, reason="no mode hides anything")
def test_the_manifest_tells_what_a_copy_hides(tmp_path: Path) -> None:
    """From the access point at 1.6 s to the start, and what has to be decoded behind the end."""
    film = FILMS["closed H.264, 1/12800"].make(tmp_path)
    listed = tmp_path / "clips.csv"
    listed.write_text("start_s,duration_s\n2.12,1.18\n3.2,1.0\n")
    out = tmp_path / "out"
    ran = clipkit("cut", film, "--out", out, "--clips", listed, "--mode", "copy", "--json")
    hides, begins_there = ran.json["clips"]
    assert hides["hidden_preroll_s"] == pytest.approx(0.52)
    assert begins_there["hidden_preroll_s"] == begins_there["hidden_preroll_bytes"] == 0
    for entry in (hides, begins_there):
        clip = Clip(Path(entry["file"]))
        held = clip.video.stored
        start = held.edits[0].start
        end = start * held.tick + clip.video.end
        before = [one for one in held.samples if one.shown < start]
        behind = [one for one in held.samples if one.shown * held.tick >= end - clip.movie.tick / 2]
        assert entry["hidden_preroll_bytes"] == sum(one.size for one in before)
        assert entry["hidden_tail_bytes"] == sum(one.size for one in behind)
        assert bool(behind) == (entry["hidden_tail_s"] > 0)


def test_films_count_their_pictures(tmp_path: Path) -> None:
    (film,) = Oracle(FILMS["1/1000 Matroska"].make(tmp_path)).films
    assert [starts.number_of(one.grey) for one in film.pictures] == list(range(120))
