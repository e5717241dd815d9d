"""What a clip needs of memory, from the settings it is asked for or was cut with."""

from __future__ import annotations

from dataclasses import replace

from inventing_uploads import upload

from clipkit.model.held import frames_held
from clipkit.model.memory import ACCOUNTED, clip_anon_bytes
from clipkit.settings import Settings, UsedSettings, knobs


def test_settings_used_hold_as_many_frames_as_the_ones_asked_for() -> None:
    asked = Settings(preset="veryfast", encoder_threads=2, lookahead=5, bframes=0)
    assert frames_held(asked.used, 2) == frames_held(asked, 2)


def test_what_is_unknown_counts_as_at_its_default() -> None:
    known = UsedSettings.of({"preset": "fast"})
    assert frames_held(known, 2) == frames_held(Settings(preset="fast"), 2)


def test_no_frame_held_depends_on_a_setting_that_is_not_accounted_for() -> None:
    """Cells are compared by their frames only where all of these agree."""
    other = {knob.name: knob.choices[-1] for knob in knobs() if len(knob.choices) > 1}
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
