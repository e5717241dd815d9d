"""Clips as they are asked for: times in decimals, spread over what a film shows, listed in a CSV."""

from __future__ import annotations

import math
import os
import threading
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from inventing_uploads import upload

from clipkit.errors import ClipListError, ClipRangeError
from clipkit.plan.clips import Clip, read_csv, spread
from clipkit.plan.frames import span


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

    @pytest.mark.parametrize("seed", [None, 3])
    def test_where_the_pictures_start_late_every_clip_lies_within_them(
        self, seed: int | None
    ) -> None:
        film = upload([2.5 + n / 25 for n in range(100)])
        clips = spread(film, 8, 1.0, seed).clips
        assert all(clip.start_s >= 2.5 and clip.end_s <= 6.5 for clip in clips)
        assert len({clip.start_s for clip in clips}) == 8
        with pytest.raises(ClipRangeError, match=r"begins at 2\.500 s and ends at 6\.500 s"):
            spread(film, 8, 4.1)

    def test_the_last_picture_is_shown_to_the_end_of_its_packet(self) -> None:
        """And not for the mean time between frames: a screen at rest has few of them."""
        film = upload([0.0, 0.04, 0.08, 39.9], fps=0.1, video_end_s=Fraction(40))
        assert spread(film, 3, 40.0).clips == (Clip(0.0, 40.0),) * 3
        with pytest.raises(ClipRangeError):
            spread(film, 1, 40.01)

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
