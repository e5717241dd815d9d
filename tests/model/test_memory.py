"""What a clip needs of memory, from the settings it is asked for or was cut with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from inventing_uploads import upload

from clipkit.model.held import frames_held
from clipkit.model.memory import (
    ACCOUNTED,
    MARGIN,
    Pictures,
    bound_bytes,
    build_bytes,
    clip_anon_bytes,
    encoding_bytes,
)
from clipkit.settings import Settings, UsedSettings, knobs


def test_settings_used_hold_as_many_frames_as_the_ones_asked_for() -> None:
    asked = Settings(preset="veryfast", encoder_threads=2, lookahead=5, bframes=0)
    assert frames_held(asked.used, 2) == frames_held(asked, 2)


def test_what_is_unknown_counts_as_at_its_default() -> None:
    known = UsedSettings.of({"preset": "fast"})
    assert frames_held(known, 2) == frames_held(Settings(preset="fast"), 2)


def test_no_frame_held_depends_on_a_setting_that_is_not_accounted_for() -> None:
    """Cells are compared by their frames only where all of these agree."""
    other: dict[str, Any] = {
        knob.name: knob.choices[-1] for knob in knobs() if len(knob.choices) > 1
    }
    ranges = [knob for knob in knobs() if knob.high is not None]
    other |= {knob.name: knob.low if knob.default == knob.high else knob.high for knob in ranges}
    other |= {"filter_threads": 4, "ffmpeg": "system"}
    other |= {"crop": "1:1", "scale_height": 480}
    for name in {knob.name for knob in knobs()} - set(ACCOUNTED):
        changed = replace(Settings(), **{name: other[name]})
        assert changed != Settings()
        assert frames_held(changed, 2) == frames_held(Settings(), 2)


def test_a_copy_needs_less_than_any_encoder() -> None:
    film = upload(coded_width=3840, coded_height=2160)
    copied, encoded = (clip_anon_bytes(film, Settings(mode=m)) for m in ("snap", "encode"))
    assert copied < encoded / 2


POINTS = Path(__file__).parents[2] / "results" / "memory" / "points.jsonl"


def errors(part: str, ffmpeg: str = "bundled", path: Path = POINTS) -> dict[tuple[str, int], float]:
    """By upload and place, how much too high the model is for each of the measured clips, as a fraction."""
    found = {}
    for place, line in enumerate(path.read_text("utf-8").splitlines()):
        row = json.loads(line)
        settings = Settings(**row["settings"])
        if (row["part"], settings.ffmpeg) == (part, ffmpeg):
            pictures = Pictures(**row["pictures"])
            held = frames_held(settings, row["cores"], pictures.encoded_height)
            predicted = encoding_bytes(pictures, held, row["frames"]) + build_bytes(settings)
            found[row["upload"], place] = predicted / row["anon_bytes"] - 1
    return found


class TestMeasured:
    def test_on_uploads_that_it_has_not_seen_it_is_off_by_five_percent_on_average(self) -> None:
        unseen = errors("check")
        assert len({upload for upload, _ in unseen}) >= 30
        assert not {upload for upload, _ in unseen} & {upload for upload, _ in errors("fit")}
        assert fmean(map(abs, unseen.values())) < 0.05

    def test_with_its_margin_it_is_too_low_nowhere(self) -> None:
        for found in (errors("check"), errors("fit"), errors("fit", "system")):
            assert all((1 + error) * (1 + MARGIN) >= 1 for error in found.values())

    def test_by_zimg_no_clip_but_of_vp9_needs_more_than_the_margin_leaves(
        self,
    ) -> None:
        found = {
            ffmpeg: errors("zimg", ffmpeg, POINTS.with_name("zimg.jsonl"))
            for ffmpeg in ("bundled", "system")
        }
        assert all(len({upload for upload, _ in each}) >= 8 for each in found.values())
        for each in found.values():
            others = {key: error for key, error in each.items() if not key[0].startswith("vp9")}
            assert all((1 + error) * (1 + MARGIN) >= 1 for error in others.values())
        assert fmean(map(abs, found["bundled"].values())) < 0.07

    def test_zimg_needs_hardly_more_than_swscale(self) -> None:
        rows = map(json.loads, POINTS.with_name("zimg.jsonl").read_text("utf-8").splitlines())
        more = [row["anon_bytes"] / row["swscale_bytes"] - 1 for row in rows]
        assert abs(fmean(more)) < 0.02
        assert max(more) < 0.08

    def test_its_bound_is_margin_and_kernel_above_it(self) -> None:
        assert bound_bytes(100_000_000) > 100_000_000 * (1 + MARGIN)


def test_a_shorter_clip_than_x264_looks_ahead_needs_less() -> None:
    film, slow = upload(), Settings(preset="medium")
    needs = [clip_anon_bytes(film, slow, frames) for frames in (1, 10, 40, 100, 1000)]
    assert needs == sorted(needs)
    assert needs[0] < needs[1] < needs[3] == needs[4] == clip_anon_bytes(film, slow)


def test_what_the_decoder_has_to_keep_counts() -> None:
    least, most = (clip_anon_bytes(upload(pictures_kept=n), Settings()) for n in (1, 16))
    assert most - least > 14 * 1280 * 720 * 1.5
