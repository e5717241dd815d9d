"""What the engine does to a copied clip, and what it does not take for right."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import av
import pytest
from making import Make
from talk import task

from clipkit.engine.mp4 import Hidden, SoundTrack, VideoTrack, read_tracks, read_video_track
from clipkit.engine.patches import PatchError, apply_patch
from clipkit.engine.rightness import why_wrong
from clipkit.plan.task import Hides, Timing

X264 = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "10", "-c:a", "aac")
FAST = ("-movflags", "+faststart")


@pytest.fixture
def clip(make: Make, tmp_path: Path) -> Path:
    """Two seconds at 25 frames a second, five access points."""
    return Path(shutil.copy(make("film.mp4", *X264, *FAST), tmp_path / "clip.mp4"))


def sought(path: Path) -> list[int]:
    """The numbers of those that may be sought, as other demuxers see it."""
    with av.open(str(path)) as container:
        index = container.streams.video[0].index_entries
        return [number for number, entry in enumerate(index, 1) if entry.is_keyframe]


class TestEndAt:
    def test_pictures_and_sound_end_there_and_every_header_says_so(self, clip: Path) -> None:
        apply_patch("end_at", {"file": str(clip), "end_s": 1.2, "seek_to": ""})
        video, sound = read_tracks(clip)
        assert video.frames_shown == 30
        assert video.end_s == pytest.approx(1.2, abs=1e-3)
        assert video.ends_s[:2] == pytest.approx((1.2, 1.2), abs=1e-3)
        assert sound
        assert sound.to_s == pytest.approx(1.2, abs=1e-3)
        assert video.hidden.behind_bytes > 0

    @pytest.mark.parametrize("kept", ["1", "1 21", "1 11 21 31"])
    def test_only_what_may_be_sought_is_marked_so(self, clip: Path, kept: str) -> None:
        before = read_tracks(clip)
        assert sought(clip) == [1, 11, 21, 31, 41]
        apply_patch("end_at", {"file": str(clip), "end_s": 2.0, "seek_to": kept})
        assert sought(clip) == [int(number) for number in kept.split()]
        assert read_tracks(clip)[0].shown_s == before[0].shown_s

    def test_a_file_without_room_is_refused(self, make: Make, tmp_path: Path) -> None:
        """One number less is four bytes, for which there is a box behind the index, or not."""
        clip = Path(shutil.copy(make("late.mp4", *X264), tmp_path / "late.mp4"))
        with pytest.raises(PatchError, match="cannot be ended"):
            apply_patch("end_at", {"file": str(clip), "end_s": 2.0, "seek_to": "1 11 21 31"})
        assert read_video_track(clip).frames_shown == 50


class TestWhatIsHidden:
    HIDES = Hides(pictures_s=0.01, sound_s=0.05)
    SOUND = SoundTrack(0.0, 0.12, 0.02, early_s=0.04)

    def why(self, hidden: Hidden, sound: SoundTrack = SOUND, ends_s: float = 0.12) -> str | None:
        asked = replace(
            task(1, ["true"], frames=3), timing=Timing((1, 25), ((3, 1),)), hides=self.HIDES
        )
        shown_s = (0.0, 0.04, 0.08)
        tick_s = 1e-6
        video = VideoTrack(3, shown_s, 0.12, tick_s, tick_s, 160, 90, hidden, (0.12, ends_s))
        return why_wrong(asked, video, sound)

    def test_a_few_milliseconds_are_right(self) -> None:
        assert self.why(Hidden(before_s=0.004, behind_s=0.005)) is None

    def test_more_at_both_ends_together_is_not(self) -> None:
        told = self.why(Hidden(before_s=0.006, behind_s=0.005))
        assert told == "what it hides would be seen for 0.0110 s"

    def test_nor_is_more_sound_than_its_codec_needs(self) -> None:
        told = self.why(Hidden(), replace(self.SOUND, early_s=0.2))
        assert told == "what it hides would be heard for 0.2000 s"

    def test_nor_is_a_header_that_says_another_end(self) -> None:
        told = self.why(Hidden(), ends_s=0.16)
        assert told == "one of its headers ends it at 0.160000 s, its edit list at 0.120000"
