"""The CRF that matches today's picture, on invented presets whose right answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from clipkit.media.picture import Picture
from clipkit.media.quality import Quality
from clipkit.tuning.crf_search import CRFS, Matched, crf_for, match_crfs

QUALITY = Quality(90.0, 85.0, 87.0, frames=250, model="vmaf_v0.6.1", libvmaf="3.0.0")


def picture(video_bytes: float, vmaf: float | None) -> Picture:
    quality = None if vmaf is None else replace(QUALITY, mean=vmaf)
    size = round(video_bytes)
    return Picture(size + 100_000, size, quality, None if quality else "a still picture")


def preset(at_23_bytes: float, vmaf_at_23: float) -> Callable[[int], Picture]:
    """A step of CRF takes an eighth of the bytes, and more VMAF the higher it is."""

    def cut(crf: int) -> Picture:
        loss = (crf - 23) * 1.0 + (crf - 23) ** 2 * 0.03
        return picture(at_23_bytes * math.exp(-(crf - 23) / 8), vmaf_at_23 - loss)

    return cut


TODAY = picture(1_000_000, 90.0)


def matched(found: tuple[Matched, ...]) -> dict[str, int]:
    return {match.by: match.crf for match in found}


class TestCrfFor:
    def test_between_two_that_were_measured(self) -> None:
        assert crf_for({23: 10.0, 28: 5.0}, 7.5) == 25.5

    def test_on_a_straight_line_it_is_exact_wherever_the_target_lies(self) -> None:
        line = {crf: 100.0 - 2 * crf for crf in CRFS}
        for crf in (10.0, 18.0, 20.4, 29.7, 33.0, 40.0):
            assert crf_for(line, 100.0 - 2 * crf) == pytest.approx(crf)

    def test_never_beyond_what_x264_takes(self) -> None:
        assert crf_for({23: 10.0, 28: 9.9}, 0.0) == 51
        assert crf_for({23: 10.0, 28: 9.9}, 100.0) == 0

    def test_what_rises_is_noise(self) -> None:
        """At 28 a little better than at 23: the line falls from there on alone."""
        assert crf_for({23: 90.0, 28: 90.2, 33: 80.0}, 85.0) == 30.5
        assert crf_for({23: 90.0, 28: 90.2}, 95.0) == 28

    def test_one_point_is_no_line(self) -> None:
        with pytest.raises(ValueError, match="two points"):
            crf_for({23: 10.0}, 5.0)


class TestMatch:
    def test_a_faster_preset_at_equal_bytes_and_at_equal_vmaf(self) -> None:
        found = match_crfs(TODAY, preset(3_000_000, 94.0))
        assert matched(found) == {"bytes": 32, "vmaf": 26}
        by_bytes, by_vmaf = found
        assert by_bytes.picture.video_bytes <= 1_020_000
        assert by_vmaf.picture.vmaf is not None
        assert by_vmaf.picture.vmaf >= 89.5

    def test_files_are_no_larger_though_the_nearest_crf_would_make_them_so(self) -> None:
        cut = preset(1_000_000 * math.exp(2.3 / 8), 92.0)  # equal at 25.3
        found = match_crfs(TODAY, cut)
        assert matched(found)["bytes"] == 26

    def test_a_slower_preset_spends_the_bytes_or_saves_them(self) -> None:
        found = match_crfs(TODAY, preset(900_000, 90.3))
        assert matched(found) == {"bytes": 22, "vmaf": 23}

    def test_beyond_the_range_it_goes_on_by_what_it_cut(self) -> None:
        found = match_crfs(TODAY, preset(6_000_000, 98.0))
        assert matched(found)["bytes"] == 38

    def test_nothing_is_cut_twice_and_no_more_than_is_needed(self) -> None:
        cuts: list[int] = []
        cut = preset(3_000_000, 94.0)

        def counting(crf: int) -> Picture:
            cuts.append(crf)
            return cut(crf)

        match_crfs(TODAY, counting)
        assert len(cuts) == len(set(cuts)) <= 6
        assert 18 not in cuts  # both answers lie above 23

    def test_without_vmaf_only_bytes_are_matched(self) -> None:
        unscored = picture(1_000_000, None)
        cut = preset(3_000_000, 94.0)
        found = match_crfs(unscored, lambda crf: replace(cut(crf), quality=None, why="still"))
        assert matched(found) == {"bytes": 32}

    def test_what_no_crf_gives_is_left_out(self) -> None:
        """Its files never come down to today's."""
        flat = match_crfs(TODAY, lambda crf: picture(5_000_000 - crf, 95.0 - crf / 100))
        assert "bytes" not in matched(flat)
