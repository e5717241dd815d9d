"""A clip holds exactly the frames with start <= PTS < start + duration."""

from __future__ import annotations

import math
import os
import random
import threading
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from inventing_uploads import upload

from clipkit.errors import ClipListError, ClipRangeError
from clipkit.plan.clips import Clip, read_csv, span, spread


class TestFrames:
    @pytest.mark.parametrize(
        ("start_s", "duration_s", "first", "frames"),
        [
            (0, 1, 0, 25),
            (0.04, 0.04, 1, 1),
            (0.01, 0.04, 1, 1),
            (0.0, 0.01, 0, 1),
            (5.04, 12, 126, 300),
            (0.04, 0.2, 1, 5),  # in binary 0.04 + 0.2 is more than 0.24
            (0.08, 0.6, 2, 15),  # and 0.08 + 0.6 less than 0.68
            (1.0, 0.999999, 25, 25),
            (1.0, 1.000001, 25, 26),
            (0.999999, 1, 25, 25),
            (1.000001, 1, 26, 25),
            (19.96, 0.04, 499, 1),
            (19.96, 0.08, 499, 1),  # up to a frame's time beyond the end is still the end
        ],
    )
    def test_from_the_first_at_or_after_the_start_to_the_last_before_the_end(
        self, start_s: float, duration_s: float, first: int, frames: int
    ) -> None:
        found = span(upload(500), Clip(start_s, duration_s))
        assert (found.first, found.frames) == (first, frames)

    @pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(24), 60])
    def test_of_any_times_in_milliseconds_as_exact_arithmetic_has_them(
        self, rate: Fraction
    ) -> None:
        exact = [Fraction(n) / rate for n in range(900)]
        film = upload([float(t) for t in exact], fps=float(rate))
        generator = random.Random(5)
        for _ in range(2000):
            start, length = generator.randrange(10_000), generator.randrange(100, 4000)
            clip = Clip(start / 1000, length / 1000)
            low, high = Fraction(start, 1000), Fraction(start + length, 1000)
            wanted = [n for n, t in enumerate(exact) if low <= t < high]
            found = span(film, clip)
            assert list(range(found.first, found.last + 1)) == wanted

    def test_of_a_variable_rate_those_that_are_there(self) -> None:
        film = upload([0.0, 0.1, 0.11, 0.5, 0.52, 2.0, 2.04], fps=3.5, gop_frames=2)
        assert [span(film, Clip(0.1, 0.4)).frames, span(film, Clip(0.1, 0.41)).frames] == [2, 3]
        found = span(film, Clip(0.105, 1.0))
        assert (found.first_s, found.last_s) == (0.11, 0.52)
        assert (found.low_s, found.high_s) == pytest.approx((0.105, 1.26))

    def test_the_bounds_for_ffmpeg_lie_halfway_to_the_frames_outside(self) -> None:
        found = span(upload(500), Clip(1.0, 1.0))
        assert (found.low_s, found.high_s) == pytest.approx((0.98, 1.98))
        whole = span(upload(500), Clip(0.0, 20.0))
        assert (whole.low_s, whole.high_s) == pytest.approx((-0.02, 19.98))

    def test_a_clip_between_two_frames_holds_none_and_is_refused(self) -> None:
        with pytest.raises(ClipRangeError, match=r"clip at 1\.01 s for 0\.02 s .* holds no frame"):
            span(upload(500), Clip(1.01, 0.02))

    @pytest.mark.parametrize(("start_s", "duration_s"), [(19.0, 1.1), (25.0, 1.0), (20.0, 0.02)])
    def test_a_clip_beyond_the_end_is_refused(self, start_s: float, duration_s: float) -> None:
        with pytest.raises(ClipRangeError, match=r"beyond the end .* ends at 20\.000 s"):
            span(upload(500), Clip(start_s, duration_s))

    def test_sound_that_outlasts_the_pictures_is_no_end(self) -> None:
        film = upload(500, duration_s=24.0)
        assert span(film, Clip(19.0, 4.0)).frames == 25
        with pytest.raises(ClipRangeError):
            span(film, Clip(20.5, 1.0))


class TestTimes:
    def test_the_end_is_reckoned_in_decimals(self) -> None:
        assert 0.58 + 1.1 > 1.68
        assert Clip(0.58, 1.1).end_s == 1.68

    @pytest.mark.parametrize("start_s", [-0.001, -math.inf, math.inf, math.nan])
    def test_a_start_that_is_no_time_is_refused(self, start_s: float) -> None:
        with pytest.raises(ClipListError, match="cannot start at"):
            Clip(start_s, 1.0)

    @pytest.mark.parametrize("duration_s", [0.0, -1.0, math.inf, math.nan])
    def test_a_duration_that_is_none_is_refused(self, duration_s: float) -> None:
        with pytest.raises(ClipListError, match="cannot last"):
            Clip(0.0, duration_s)


class TestSpread:
    def test_evenly_and_within_the_video(self) -> None:
        starts = [clip.start_s for clip in spread(upload(500), 4, 2.0).clips]
        assert starts == [2.25, 6.75, 11.25, 15.75]

    def test_a_seed_gives_the_same_starts_again_and_another_gives_others(self) -> None:
        film = upload(500)
        once, again, other = (spread(film, 12, 2.0, seed) for seed in (7, 7, 8))
        assert once == again
        assert once.seed == 7
        assert once.clips != other.clips

    @pytest.mark.parametrize("seed", [None, *range(20)])
    def test_every_clip_fits_and_is_in_order(self, seed: int | None) -> None:
        film = upload(101, fps=29.97)
        clips = spread(film, 12, 3.3, seed).clips
        frames = [span(film, clip).frames for clip in clips]
        starts = [clip.start_s for clip in clips]
        assert min(frames) >= 98
        assert starts == sorted(starts)
        assert all(Decimal(repr(s)).as_tuple().exponent >= -3 for s in starts)  # type: ignore[operator]

    def test_clips_as_long_as_the_video_all_start_at_zero(self) -> None:
        assert [clip.start_s for clip in spread(upload(500), 3, 20.0).clips] == [0.0] * 3

    def test_clips_longer_than_the_video_are_refused(self) -> None:
        with pytest.raises(ClipRangeError, match=r"clips of 20\.1 s do not fit"):
            spread(upload(500), 3, 20.1)

    @pytest.mark.parametrize("count", [0, -1])
    def test_no_clips_are_refused(self, count: int) -> None:
        with pytest.raises(ClipListError, match="give 1 or more"):
            spread(upload(500), count, 1.0)

    @pytest.mark.parametrize("length_s", [0.0, -1.0, math.nan, math.inf])
    def test_a_length_that_is_none_is_refused(self, length_s: float) -> None:
        with pytest.raises(ClipListError, match="cannot last"):
            spread(upload(500), 3, length_s)


class TestCsv:
    def test_its_order_is_the_clips_order(self) -> None:
        lines = ["start_s,duration_s\n", "5.04,12\n", "1e1,0.5\n", "\n", "0,3\n"]
        assert read_csv(lines, "x") == (Clip(5.04, 12), Clip(10, 0.5), Clip(0, 3))

    def test_more_columns_in_any_order_are_no_matter(self) -> None:
        lines = ["name,duration_s,start_s\n", "intro,2,1\n"]
        assert read_csv(lines, "x") == (Clip(1, 2),)

    def test_it_may_be_a_pipe_which_is_read_once(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_text, args=("start_s,duration_s\n1,2\n",))
        writer.start()
        with pipe.open() as lines:
            assert read_csv(lines, "pipe") == (Clip(1, 2),)
        writer.join()

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("", "my.csv: needs the columns start_s,duration_s, has nothing"),
            ("1,2\n3,4\n", "my.csv: needs the columns start_s,duration_s, has 1, 2"),
            ("start_s;duration_s\n1;2\n", "my.csv: needs the columns"),
            ("start_s,duration_s\n", "my.csv lists no clip"),
            ("start_s,duration_s\n1,2\nx,2\n", "my.csv line 3: 'x,2' are not two numbers"),
            ("start_s,duration_s\n1\n", "my.csv line 2:"),
            ("start_s,duration_s\n1,\n", "my.csv line 2:"),
            ("start_s,duration_s\n1,2,5\n", "my.csv line 2: 3 fields where the header names 2"),
            ("start_s,duration_s\n1,2\n\n-1,2\n", "my.csv line 4: a clip cannot start at -1 s"),
            ("start_s,duration_s\n1,0\n", "my.csv line 2: a clip cannot last 0 s"),
            ("start_s,duration_s\nnan,1\n", "my.csv line 2: a clip cannot start at nan s"),
            ("start_s,duration_s\n1,inf\n", "my.csv line 2: a clip cannot last inf s"),
            ("start_s,duration_s\n1,2\n1\0,2\n", "my.csv line 3:"),
            (f"start_s,duration_s\n{'1' * 200_000},2\n", "my.csv, behind line 1: "),
        ],
    )
    def test_what_is_wrong_is_told_with_file_and_line(self, text: str, complaint: str) -> None:
        with pytest.raises(ClipListError) as told:
            read_csv(text.splitlines(keepends=True), "my.csv")
        assert str(told.value).startswith(complaint)
        assert "\n" not in str(told.value)
        assert len(str(told.value)) < 200
