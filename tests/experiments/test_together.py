"""What is said of clips that one ffmpeg makes is what was measured, and such clips are as those cut alone."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from inventing_uploads import upload

from clipkit import format as fmt
from clipkit.ffmpeg_builds import find_build
from clipkit.media.probe import probe_upload
from clipkit.plan.clips import Clip
from clipkit.settings import Settings

REPOSITORY = Path(__file__).parents[2]
STORED = REPOSITORY / "results" / "together.json"
SCRIPT = REPOSITORY / "experiments" / "benchmarks" / "together.py"
TOGETHER = runpy.run_path(str(SCRIPT))
Cutting = TOGETHER["Cutting"]

Row = dict[str, Any]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With B-frames, a key frame every 2 s, and sound."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    made = ("testsrc2=size=320x180:rate=25:duration=8", "sine=frequency=440:duration=8")
    sources = [word for source in made for word in ("-f", "lavfi", "-i", source)]
    coded = ("-c:v", "libx264", "-g", "50", "-bf", "3", "-c:a", "aac", "-shortest")
    build = find_build("bundled").path
    subprocess.run([build, "-v", "error", *sources, *coded, path], check=True)
    return path


def test_clips_join_only_where_one_begins_to_be_decoded_before_the_end_of_others() -> None:
    clips = [Clip(2.2, 0.5), Clip(8.1, 0.5), Clip(3.0, 1.5), Clip(5.0, 0.5), Clip(4.5, 0.4)]
    groups = Cutting(upload(), Settings()).groups(clips)
    assert [[clip.start_s for clip in group] for group in groups] == [[2.2, 3.0, 4.5, 5.0], [8.1]]


@pytest.mark.parametrize("audio", ["auto", "aac", "none"])
def test_clips_of_one_ffmpeg_are_bit_for_bit_those_cut_alone(
    film: Path, tmp_path: Path, audio: str
) -> None:
    cutting = Cutting(probe_upload(film), Settings(audio=audio))
    clips = [Clip(2.2, 0.9), Clip(3.1, 0.5), Clip(3.6, 1.4)]
    alone, others = ([tmp_path / f"{way}-{n}.mp4" for n in range(3)] for way in ("alone", "other"))
    for clip, path in zip(clips, alone, strict=True):
        subprocess.run(cutting.alone(clip, path), check=True, capture_output=True)
    subprocess.run(cutting.together(clips, others), check=True, capture_output=True)
    assert [path.read_bytes() for path in others] == [path.read_bytes() for path in alone]


def test_of_an_ffmpeg_that_fails_no_memory_is_kept() -> None:
    argv = [find_build("bundled").path, "-v", "quiet", "-i", "/no/such/film", "-f", "null", "-"]
    with pytest.raises(SystemExit, match="ended with"):
        TOGETHER["_peak_anon_bytes"](argv)


def test_what_a_group_spares_is_what_is_said(stored: dict[str, list[Row]], paragraph: str) -> None:
    for job, words in (("end to end", "end to end took"), ("every 4 s", "every 4 s")):
        rows = {
            row["cpus"]: row
            for row in stored["cost"]
            if job in row["clips"] and row["way"] == "groups"
        }
        less = [f"{100 * (1 - rows[cpus]['ratio']):.0f} %" for cpus in (2.0, 0.5)]
        assert f"{words} {less[0]} less CPU at 2 CPU, {less[1]} less at 0.5" in paragraph
        assert all(row["most"] < 1 for row in rows.values())
    [spread] = [row for row in stored["cost"] if "of 12 s" in row["clips"]]
    assert (spread["processes"], spread["rounds"]) == (12, 0)


def test_what_a_group_holds_is_what_is_said(stored: dict[str, list[Row]], paragraph: str) -> None:
    for film_words in {row["film"] for row in stored["memory"]}:
        held = {
            row["clips"]: row["peak_anon_bytes"]
            for row in stored["memory"]
            if row["film"] == film_words
        }
        each = fmt.size((held[8] - held[1]) / 7)
        assert f"{film_words} {fmt.size(held[1])} and {each}" in paragraph


def test_where_clips_are_others_is_what_is_said(
    stored: dict[str, list[Row]], paragraph: str
) -> None:
    rows = stored["same"]
    uploads = {row["upload"] for row in rows}
    clips, files, decoded = (
        sum(row[name] for row in rows) for name in ("clips", "same_files", "same_decoded")
    )
    assert f"of {clips} clips out of {len(uploads)} uploads" in paragraph
    assert f"{files} are the same files" in paragraph
    assert f"{decoded} decode to the same" in paragraph
    other = {row["upload"] for row in rows if row["same_decoded"] < row["clips"]}
    assert other == {"pq_without_primaries.mp4"}


def test_what_is_stored_is_printed(stored: dict[str, list[Row]]) -> None:
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--stored", STORED], capture_output=True, check=True, timeout=120
    )
    lines = ran.stdout.decode().splitlines()
    assert len(lines) == sum(1 + len(stored[part]) for part in ("cost", "memory", "same"))
