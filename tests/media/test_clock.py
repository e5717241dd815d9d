"""Clocks that are set back, leap, wrap or stand still: seen, told, and nothing cut that is not certain."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from clipkit.errors import ClipRangeError
from clipkit.media.probe import probe_upload
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip, spread
from clipkit.plan.frames import span

_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "10")
_TS = (*_X264, "-c:a", "aac", "-f", "mpegts")


def joined(folder: Path, *parts: Path) -> Path:
    path = folder / f"joined{parts[0].suffix}"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def note(upload: Upload) -> str:
    (told,) = (each for each in upload.warnings if "its clock" in each)
    return told


class TestSetBack:
    def test_two_recordings_joined_are_one_film_up_to_where_the_second_begins(
        self, make: Any, tmp_path: Path
    ) -> None:
        part = make("part.ts", *_TS)
        upload = probe_upload(joined(tmp_path, part, part))
        assert "goes back by 1.96 s at 1.9" in note(upload)
        assert 1.85 < upload.end_s < 2.0
        assert upload.seek == "none"  # the same times come again: a seek may land there
        single = probe_upload(part)
        assert upload.frame_times_s == single.frame_times_s[: len(upload.frame_times_s)]
        assert len(upload.frame_times_s) == 49

    def test_a_clip_beyond_is_refused_with_the_reason_and_a_way_out(
        self, make: Any, tmp_path: Path
    ) -> None:
        part = make("part.ts", *_TS)
        upload = probe_upload(joined(tmp_path, part, part))
        assert span(upload, Clip(0.5, 1.0)).frames == 25
        for clip in (Clip(1.5, 0.6), Clip(1.5, 0.5), Clip(3.0, 0.5)):
            with pytest.raises(
                ClipRangeError, match=r"its clock goes back .* joined: .* ffmpeg -i"
            ):
                span(upload, clip)
        assert all(clip.end_s <= upload.end_s for clip in spread(upload, 8, 0.5, seed=4).clips)

    def test_a_clock_set_back_by_a_little_counts_too(self, make: Any, tmp_path: Path) -> None:
        first = make("first.ts", *_TS, "-output_ts_offset", "10")
        second = make("second.ts", *_TS, "-output_ts_offset", "11.8")
        upload = probe_upload(joined(tmp_path, first, second))
        assert "goes back by" in note(upload)
        assert len(upload.frame_times_s) == 49

    def test_parts_that_follow_each_other_are_one_film_though_their_packets_overlap(
        self, make: Any, tmp_path: Path
    ) -> None:
        """The second's decoding begins before its first picture, its sound before the first's has ended."""
        first = make("plain.ts", *_TS[:4], "-bf", "0", *_TS[-4:], "-output_ts_offset", "10")
        second = make("second.ts", *_TS, "-output_ts_offset", "12")
        upload = probe_upload(joined(tmp_path, first, second))
        assert upload.clock_turn is None
        assert len(upload.frame_times_s) == 100
        assert upload.audio[0].heard_s
        assert float(upload.audio[0].heard_s[-1][1]) == pytest.approx(4, abs=0.1)

    @pytest.mark.parametrize("back_ms", [120, 900])
    def test_also_where_the_container_stores_no_times_of_decoding(
        self, make: Any, tmp_path: Path, back_ms: int
    ) -> None:
        """Matroska: ffmpeg makes some up that ascend. A cluster's time is set back, and all after it."""
        whole = bytearray(make("whole.mkv", *_X264, "-g", "25", "-an").read_bytes())
        for cluster in re.finditer(b"\x1f\x43\xb6\x75", bytes(whole)):
            at = whole.index(b"\xe7", cluster.end())
            size = whole[at + 1] & 0x7F
            time_ms = int.from_bytes(whole[at + 2 : at + 2 + size], "big")
            if time_ms:
                whole[at + 2 : at + 2 + size] = (time_ms - back_ms).to_bytes(
                    size, "big", signed=True
                )
        path = tmp_path / "back.mkv"
        path.write_bytes(whole)
        upload = probe_upload(path)
        assert "its clock goes back by" in note(upload)
        assert 0.9 < float(upload.end_s) < 1.0
        assert len(upload.frame_times_s) == round(upload.end_s * 25)

    def test_also_of_a_flash_video(self, make: Any, tmp_path: Path) -> None:
        part = make("part.flv", *_X264, "-c:a", "aac")
        tags = part.read_bytes()
        path = tmp_path / "joined.flv"
        path.write_bytes(tags + tags[13:])  # its header of 9 bytes, and a length of 0 in 4
        assert "goes back" in note(probe_upload(path))


class TestLeaps:
    def test_a_leap_of_pictures_and_sound_together_ends_what_is_cut(
        self, make: Any, tmp_path: Path
    ) -> None:
        first = make("first.ts", *_TS, "-output_ts_offset", "10")
        second = make("second.ts", *_TS, "-output_ts_offset", "700")
        upload = probe_upload(joined(tmp_path, first, second))
        assert "leaps by 11 min" in note(upload) or "leaps by 688" in note(upload)
        assert upload.end_s < 2

    def test_a_slide_that_stands_while_sound_goes_on_is_none(self, make: Any) -> None:
        slides = ("-f", "lavfi", "-i", "testsrc2=size=64x64:rate=1/15:duration=60")
        sound = ("-f", "lavfi", "-i", "sine=duration=60:sample_rate=8000")
        upload = probe_upload(make("slides.ts", *_TS, source=(*slides, *sound)))
        assert upload.clock_turn is None
        silent = probe_upload(make("silent.ts", *_X264, "-f", "mpegts", source=slides))
        assert silent.clock_turn is None
        for film in (upload, silent):
            assert len(film.frame_times_s) == 4
            found = span(film, Clip(20.0, 5.0))
            assert (found.held, found.frames) == (True, 1)


def test_a_clock_that_wraps_goes_on(make: Any) -> None:
    """33 bits of 90 kHz are 26.5 h."""
    upload = probe_upload(make("wraps.ts", *_TS, "-output_ts_offset", "95442.5"))
    assert upload.clock_turn is None
    assert len(upload.frame_times_s) == 50
    steps = {round(later - at, 4) for at, later in pairwise(upload.frame_times_s)}
    assert steps == {0.04}


class TestRepeats:
    _DOUBLED = "setts=ts='if(eq(mod(N,10),9),PREV_OUTPTS,PTS)'"

    def test_a_frame_on_the_time_of_the_one_before_is_a_tick_later(self, make: Any) -> None:
        plain = make("plain.mkv", *_X264[:4], "-bf", "0", "-an")
        path = make("doubled.mkv", "-c", "copy", "-bsf:v", self._DOUBLED, source=("-i", plain))
        upload = probe_upload(path)
        assert (upload.repeats, len(upload.frame_times_s)) == (5, 50)
        assert upload.frame_times_s[8:11] == (0.32, 0.321, 0.4)
        assert any("5 frames have the time of the one before" in w for w in upload.warnings)

    def test_the_two_fields_of_a_picture_are_one_frame(self, make: Any) -> None:
        fields = ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-an")
        upload = probe_upload(make("fields.ts", *fields))
        assert (upload.repeats, len(upload.frame_times_s)) == (0, 50)


def test_a_recording_may_end_at_the_time_at_which_the_next_begins(
    make: Any, tmp_path: Path
) -> None:
    """Both pictures come out of the decoder, though it can only start at the second."""
    coding = ("-c:v", "mpeg2video", "-bf", "0", "-g", "12", "-an")
    first = make("first.ts", *coding)
    second = make("second.ts", *coding, "-output_ts_offset", "2")
    path = tmp_path / "joined.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    upload = probe_upload(path)
    assert (upload.repeats, len(upload.frame_times_s)) == (1, 100)


def test_the_end_of_a_film_is_that_of_its_last_packet(make: Any) -> None:
    """Of a screen at rest few frames tell how long the last one stays; sound may go on."""
    rest = ("-vf", "select='lt(n,5)+gt(n,48)'", "-fps_mode", "vfr")
    still = probe_upload(make("rest.mp4", *_X264[:4], "-bf", "0", *rest, "-an"))
    assert (still.video_end_s, still.end_s) == (2, 2)
    longer = ("-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:duration=1", "-f", "lavfi")
    film = probe_upload(
        make("longer.mp4", *_X264, "-c:a", "aac", source=(*longer, "-i", "sine=duration=3"))
    )
    assert film.video_end_s == 1
    assert float(film.end_s) == pytest.approx(3, abs=0.03)
    late = ("-itsoffset", "1.3", *longer, "-i", "sine=duration=3")
    sound_first = probe_upload(make("late.mp4", *_X264, "-c:a", "aac", source=late))
    assert sound_first.frame_times_s[0] == pytest.approx(1.3, abs=0.03)
    with pytest.raises(ClipRangeError, match="before the first picture"):
        span(sound_first, Clip(0.2, 0.8))
