"""Clips that share decoded pictures are, cut by one ffmpeg, byte for byte what they are alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requirements
import shared_media
from running import clipkit

KINDS = {
    "android_rot180_vfr.mp4": "turned",
    "webcam_vfr.mov": "at a changing rate",
    "hevc_open_gop_1080p.mp4": "HEVC, open groups",
    "chrome_vp9_no_duration_vfr.webm": "VP9 in Matroska",
    "multi_audio_mp3_ac3.mp4": "its sound encoded anew",
    "sar_2x1.mp4": "pixels that are not square",
    "h264_10bits.mp4": "10 bit",
    "edts.mp4": "an edit list of its own",
}
WORDS = {
    "as they are": (),
    "framed": ("--crop", "9:16", "--scale-height", "120", "--preset", "superfast"),
    "without sound": ("--audio", "none", "--encoder-threads", "2", "--ffmpeg", "system"),
    "two at once": ("--concurrency", "2", "--audio", "aac"),
}


def cut(film: Path, listed: Path, out: Path, *words: str) -> dict[str, Any]:
    told: dict[str, Any] = clipkit(
        "cut", film, "--clips", listed, "--out", out, "--json", *words
    ).json
    return told


def listed(folder: Path, *clips: tuple[float, float]) -> Path:
    path = folder / "clips.csv"
    path.write_text("\n".join(["start_s,duration_s", *(f"{a:.3f},{b:.3f}" for a, b in clips), ""]))
    return path


def same_files(alone: dict[str, Any], together: dict[str, Any]) -> None:
    assert [clip["status"] for clip in together["clips"]] == ["ok"] * len(alone["clips"])
    for one, other in zip(alone["clips"], together["clips"], strict=True):
        assert Path(one["file"]).read_bytes() == Path(other["file"]).read_bytes()
        what = ("frames", "encoded_frames", "first_pts_s", "last_pts_s", "bytes", "changes")
        assert [one[name] for name in what] == [other[name] for name in what]


@pytest.mark.parametrize("name", KINDS, ids=KINDS.values())
@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_they_are_the_same_files(tmp_path: Path, name: str, words: tuple[str, ...]) -> None:
    """Overlapping ones, two alike, one of a fraction of a second, and to the end of the pictures."""
    if not shared_media.present():
        requirements.missing("media", shared_media.WHY_NOT)
    film = shared_media.FOLDER / name
    end_s = clipkit("probe", film, "--json").json["duration_s"]
    step_s = min(end_s, 6.0) / 5.2
    near = [(step_s * (n + 0.4), step_s * 0.9) for n in range(3)]
    clips = listed(
        tmp_path, *near, near[1], (near[1][0] + 0.001, 0.01), (end_s * 0.88, end_s * 0.119)
    )
    alone = cut(film, clips, tmp_path / "alone", *words)
    together = cut(film, clips, tmp_path / "together", "--together", "gop", *words)
    same_files(alone, together)
    assert all(clip["cut_with"] == [] for clip in alone["clips"])
    assert sum(bool(clip["cut_with"]) for clip in together["clips"]) >= 2


def test_the_manifest_says_with_which_and_what_that_cost(small: Path, tmp_path: Path) -> None:
    clips = listed(tmp_path, (1.2, 0.3), (3.2, 0.3), (1.3, 0.4))
    told = cut(small, clips, tmp_path / "out", "--together", "gop")
    first, second, third = told["clips"]
    assert [clip["cut_with"] for clip in told["clips"]] == [["clip-003.mp4"], [], ["clip-001.mp4"]]
    outputs = {clip["file"] for clip in (first, third)}
    assert outputs < set(first["argv"]) == set(third["argv"])
    assert second["argv"].count(second["file"]) == 1
    assert first["peak_rss_bytes"] == third["peak_rss_bytes"]
    assert third["cpu_s"] == pytest.approx(first["cpu_s"] * third["frames"] / first["frames"])
    assert told["cpu_s"] >= sum(clip["cpu_s"] for clip in told["clips"]) - 0.02


def test_a_host_that_has_room_for_one_clip_alone_gets_each_alone(
    small: Path, tmp_path: Path
) -> None:
    clips = listed(tmp_path, (1.2, 0.3), (1.3, 0.4))
    words = ("--together", "gop", "--memory", "33M", "--ceiling", "none")
    told = cut(small, clips, tmp_path / "out", *words)
    assert told["status"] == "ok"
    assert [clip["cut_with"] for clip in told["clips"]] == [[], []]


@pytest.mark.parametrize("words", [("--mode", "smart"), ("--mode", "auto"), ("--poster",)], ids=str)
def test_other_modes_and_posters_go_each_alone(
    small: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    clips = listed(tmp_path, (1.2, 0.3), (1.3, 0.4))
    alone = cut(small, clips, tmp_path / "alone", *words)
    told = cut(small, clips, tmp_path / "out", "--together", "gop", *words)
    same_files(alone, told)
    assert [clip["cut_with"] for clip in told["clips"]] == [[], []]


def test_what_a_damaged_upload_complains_of_has_each_cut_alone(tmp_path: Path) -> None:
    if not shared_media.present():
        requirements.missing("media", shared_media.WHY_NOT)
    clips = listed(tmp_path, (1.0, 1.0), (1.5, 1.0))
    film = shared_media.FOLDER / "corrupted.mp4"
    alone = clipkit("cut", film, "--clips", clips, "--out", tmp_path / "a", "--json").json
    words = ("--together", "gop", "--json")
    told = clipkit("cut", film, "--clips", clips, "--out", tmp_path / "b", *words).json
    for one, other in zip(alone["clips"], told["clips"], strict=True):
        assert (one["status"], one["bytes"]) == (other["status"], other["bytes"])
        assert other["cut_with"] == []
        assert any(change.startswith("cut alone: ") for change in other["changes"])
