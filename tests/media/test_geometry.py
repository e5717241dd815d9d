"""Crop and height as numbers: the largest part of a shape in the middle, never enlarged, even sizes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction

import pytest

from clipkit.errors import FfmpegError
from clipkit.media.geometry import Framing, Shape, framed
from clipkit.settings import Settings

HD, UPRIGHT, ODD = Shape(1920, 1080), Shape(1080, 1920), Shape(159, 89)
PAL = Shape(720, 576, Fraction(64, 45))
"""16:9 on the screen."""


def numbers(found: Framing) -> tuple[int, ...]:
    return (found.x, found.y, found.part_width, found.part_height, found.width, found.height)


@pytest.mark.parametrize(
    ("of", "crop", "scale_height", "expected"),
    [
        (HD, None, None, (0, 0, 1920, 1080, 1920, 1080)),
        (HD, None, 480, (0, 0, 1920, 1080, 854, 480)),
        (HD, None, 1080, (0, 0, 1920, 1080, 1920, 1080)),
        (HD, None, 2160, (0, 0, 1920, 1080, 1920, 1080)),
        (HD, None, 481, (0, 0, 1920, 1080, 854, 480)),
        (HD, "9:16", None, (656, 0, 608, 1080, 608, 1080)),
        (HD, "9:16", 480, (656, 0, 608, 1080, 270, 480)),
        (HD, "1:1", 720, (420, 0, 1080, 1080, 720, 720)),
        (HD, "16:9", None, (0, 0, 1920, 1080, 1920, 1080)),
        (HD, "32:18", None, (0, 0, 1920, 1080, 1920, 1080)),
        (HD, "239:100", None, (0, 138, 1920, 804, 1920, 804)),
        (HD, "608:1080:656:0", 480, (656, 0, 608, 1080, 270, 480)),
        (HD, "101:99:31:17", None, (31, 17, 100, 98, 100, 98)),
        (UPRIGHT, "16:9", None, (0, 656, 1080, 608, 1080, 608)),
        (UPRIGHT, None, 480, (0, 0, 1080, 1920, 270, 480)),
        (ODD, None, None, (0, 0, 158, 88, 158, 88)),
        (ODD, None, 89, (0, 0, 158, 88, 158, 88)),
        (ODD, "1:1", None, (34, 0, 88, 88, 88, 88)),
        (PAL, None, 288, (0, 0, 720, 576, 360, 288)),
        (PAL, "1:1", None, (156, 0, 406, 576, 406, 576)),
        (PAL, "16:9", None, (0, 0, 720, 576, 720, 576)),
        (PAL, "720:576:0:0", None, (0, 0, 720, 576, 720, 576)),
    ],
)
def test_the_numbers_of(
    of: Shape, crop: str | None, scale_height: int | None, expected: tuple[int, ...]
) -> None:
    assert numbers(framed(of, crop, scale_height, "film.mp4")) == expected


@pytest.mark.parametrize(
    "crop", ["1921:1080:0:0", "1920:1080:1:0", "100:100:0:981", "100:100:99999:0", "2:2:1919:0"]
)
def test_a_part_outside_is_refused_with_the_size_of_the_picture(crop: str) -> None:
    with pytest.raises(FfmpegError) as told:
        framed(HD, crop, None, "/films/film.mp4")
    assert str(told.value).startswith(
        f"crop = '{crop}' reaches outside the picture of /films/film.mp4, which is 1920x1080 as shown"
    )
    assert told.value.exit_code == 1


def test_a_part_too_small_for_4_2_0_is_refused() -> None:
    with pytest.raises(FfmpegError, match="too small"):
        framed(HD, "1:100:0:0", None, "film.mp4")


def drawn(seed: int, count: int) -> Iterator[tuple[Shape, str | None, int | None]]:
    chance = random.Random(seed)
    aspects = [Fraction(1), Fraction(1), Fraction(64, 45), Fraction(12, 11), Fraction(8, 9)]
    for _ in range(count):
        of = Shape(chance.randint(16, 4500), chance.randint(16, 4500), chance.choice(aspects))
        ratio = f"{chance.randint(1, 40)}:{chance.randint(1, 40)}"
        x, y = chance.randint(0, of.width - 2), chance.randint(0, of.height - 2)
        box = f"{chance.randint(2, of.width - x)}:{chance.randint(2, of.height - y)}:{x}:{y}"
        yield of, chance.choice([None, ratio, box]), chance.choice([None, chance.randint(16, 5000)])


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_asked_the_part_lies_inside_and_nothing_is_enlarged(seed: int) -> None:
    for of, crop, scale_height in drawn(seed, 500):
        Settings(crop=crop, scale_height=scale_height)  # is legal
        found = framed(of, crop, scale_height, "film.mp4")
        x, y, part_width, part_height, width, height = numbers(found)
        assert 0 <= x <= x + part_width <= of.width
        assert 0 <= y <= y + part_height <= of.height
        assert {size % 2 for size in (part_width, part_height, width, height)} == {0}
        assert 2 <= width <= part_width
        assert 2 <= height <= part_height
        assert height in (part_height, (scale_height or 0) // 2 * 2)
        # the shape stays, to within half of the pixels by which sizes are even
        assert abs(width - part_width * height / part_height) <= 1 or width == 2


@pytest.mark.parametrize("seed", range(8))
def test_a_ratio_is_the_shape_as_seen_and_no_larger_part_has_it(seed: int) -> None:
    for of, crop, _ in drawn(seed, 500):
        if crop is None or crop.count(":") != 1:
            continue
        found = framed(of, crop, None, "film.mp4")
        wide, high = map(int, crop.split(":"))
        pixels = Fraction(wide, high) / of.pixel_aspect
        whole = of.width // 2 * 2, of.height // 2 * 2
        part = found.part_width, found.part_height
        assert part[0] == whole[0] or part[1] == whole[1]
        # each side is as near to the ratio of the other as an even number can be
        exact = (
            min(Fraction(whole[0]), whole[1] * pixels),
            min(Fraction(whole[1]), whole[0] / pixels),
        )
        assert all(
            abs(side - ideal) <= 1 or side == 2 for side, ideal in zip(part, exact, strict=True)
        )
        for place, side, all_of_it in zip(
            (found.x, found.y), part, (of.width, of.height), strict=True
        ):
            assert abs(2 * place + side - all_of_it) <= 3  # in the middle, but for an even place


def test_what_is_as_it_is_needs_no_filter() -> None:
    assert framed(HD, None, None, "").filters() == []
    assert framed(HD, "16:9", 1080, "").filters() == []
    assert framed(ODD, None, None, "").filters() == ["crop=158:88:0:0:exact=1"]


def test_a_scaled_picture_keeps_the_shape_of_its_pixels() -> None:
    assert framed(PAL, "1:1", 288, "").filters() == [
        "crop=406:576:156:0:exact=1",
        "scale=204:288:flags=bicubic",
        "setsar=64/45:max=65535",
    ]
