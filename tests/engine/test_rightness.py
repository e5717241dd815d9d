"""A finished clip is compared with its plan: how many frames, when each is shown, when it is heard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from talk import encoding, engine, task

from clipkit.engine.mp4 import SoundTrack, VideoTrack, read_tracks
from clipkit.engine.rightness import why_wrong
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan.task import Heard, Task, Timing

_TICK_S = 1 / 12800
_SOUND = SoundTrack(0.0, 0.12, 1024 / 48000)
_HEARD = Heard(0.0, 0.12, 0.021)


def video(*shown_s: float, end_s: float = 0.12) -> VideoTrack:
    return VideoTrack(len(shown_s), shown_s, end_s, _TICK_S, _TICK_S, 160, 90)


def planned(**changes: Any) -> Task:
    """Three frames at 25 a second."""
    timing = Timing((1, 12800), ((3, 512),))
    plain = replace(task(1, ["true"], frames=3), timing=timing)
    return replace(plain, **changes)


def test_the_frames_at_their_times_are_right() -> None:
    assert why_wrong(planned(), video(0.0, 0.04, 0.08), None) is None
    a_tick_off = video(0.0, 0.04 + _TICK_S, 0.08 - _TICK_S, end_s=0.12 + _TICK_S)
    assert why_wrong(planned(), a_tick_off, None) is None


@pytest.mark.parametrize(
    ("shown_s", "end_s", "complaint"),
    [
        ((0.0, 0.04), 0.12, "2 frames instead of 3"),
        ((0.0, 0.04, 0.0401), 0.12, "frame 3 of 3 is shown at 0.040100 s instead of 0.080000"),
        ((0.001, 0.04, 0.08), 0.12, "frame 1 of 3 is shown at 0.001000 s instead of 0.000000"),
        ((0.0, 0.04, 0.08), 0.48, "its pictures end at 0.4800 s instead of 0.1200"),
    ],
)
def test_what_is_wrong_is_told_with_both_times(
    shown_s: tuple[float, ...], end_s: float, complaint: str
) -> None:
    assert why_wrong(planned(), video(*shown_s, end_s=end_s), None) == complaint


@pytest.mark.parametrize(
    ("sound", "complaint"),
    [
        (_SOUND, None),
        (replace(_SOUND, from_s=0.02, to_s=0.1), None),  # a frame of sound less at either end
        (replace(_SOUND, from_s=0.03), "its sound starts at 0.0300 s instead of 0.0000"),
        (replace(_SOUND, to_s=0.09), "its sound ends at 0.0900 s instead of 0.1200"),
        (replace(_SOUND, to_s=3.0), "its sound ends at 3.0000 s instead of 0.1200"),
        (None, "it has no sound, the upload has some from 0.0000 to 0.1200 s"),
    ],
)
def test_sound_covers_what_the_pictures_do_to_within_a_frame_of_it(
    sound: SoundTrack | None, complaint: str | None
) -> None:
    asked = planned(timing=replace(planned().timing, heard=_HEARD))  # type: ignore[type-var]
    assert why_wrong(asked, video(0.0, 0.04, 0.08), sound) == complaint


def test_pictures_squeezed_to_a_tick_each_are_no_clip(
    build: FfmpegBuild, small: Path, tmp_path: Path
) -> None:
    """As many frames as there should be, the first at 0 s: their times give them away."""
    squeezed = ("-vf", "setpts='if(lt(N,40),PTS,40/25/TB+N)'", "-fps_mode", "passthrough")
    words = encoding(build.path, small, *squeezed, "-enc_time_base", "1/12800")
    right = Timing((1, 25), ((100, 1),))
    with engine(tmp_path) as running:
        (clip,) = running.run([replace(task(1, words, frames=100), timing=right)])
    assert clip["status"] == "failed"
    assert "frame 41 of 100 is shown at" in clip["error"]


def test_sound_is_read_from_the_boxes_as_a_player_hears_it(make: Any) -> None:
    """The encoder's delay is skipped by an edit, a late start is an empty one."""
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
    _, plain = read_tracks(make("plain.mp4", *coding))
    assert plain
    assert (plain.from_s, plain.to_s) == pytest.approx((0.0, 2.0), abs=2e-3)
    source = ("-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:duration=2", "-itsoffset", "0.5")
    late = make("late.mp4", *coding, source=(*source, "-f", "lavfi", "-i", "sine=duration=1"))
    _, sound = read_tracks(late)
    assert sound
    assert (sound.from_s, sound.to_s) == pytest.approx((0.5, 1.5), abs=0.025)
    assert read_tracks(make("mute.mp4", *coding[:4], "-an"))[1] is None
