"""Which pictures of a clip mode `smart` copies: from a closed group's first to the last that needs none beyond."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest
from inventing_uploads import upload

from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip
from clipkit.plan.frames import span
from clipkit.plan.seams import Seams, frames_decoded_beside, seams

_TICKS = 512


def film(order: list[int], closed: list[int], **facts: Any) -> Upload:
    """25 frames a second; `order`: in which the numbered pictures are decoded, `closed`: at which places."""
    return upload(
        frames=len(set(order)),
        decoding_ticks=tuple(number * _TICKS for number in order),
        access_places=tuple(closed),
        closed_places=tuple(closed),
        **facts,
    )


def pyramids(groups: int) -> list[int]:
    """Groups of nine: the first, then fours of P, B that others refer to, b, b."""
    fours = (0, 4, 2, 1, 3, 8, 6, 5, 7)
    return list(chain.from_iterable((9 * g + n for n in fours) for g in range(groups)))


GROUPS = film(pyramids(4), [0, 9, 18, 27])


def copied(film: Upload, first: int, last: int) -> Seams | str:
    """Of the clip that shows the pictures of these numbers."""
    return seams(film, span(film, Clip(first / 25, (last - first + 1) / 25)))


@pytest.mark.parametrize(
    ("first", "last", "right"),
    [
        (9, 17, Seams(9, 18)),
        (9, 21, Seams(9, 19)),  # the picture behind is decoded before those left
        (8, 22, Seams(9, 23)),  # all of its four is there
        (1, 35, Seams(9, 36)),
        (0, 3, Seams(0, 1)),
        (18, 18, Seams(18, 19)),
    ],
)
def test_copied_is_from_a_closed_group_to_the_last_picture_that_needs_none_beyond(
    first: int, last: int, right: Seams
) -> None:
    assert copied(GROUPS, first, last) == right


def test_without_reordering_all_up_to_the_end_is_copied() -> None:
    assert copied(film(list(range(50)), [0, 25]), 20, 40) == Seams(25, 41)


def test_leading_pictures_of_an_open_group_stay_with_it() -> None:
    order = [0, 2, 1, 5, 3, 4, 7, 6]
    assert copied(film(order, [0]), 0, 7) == Seams(0, 8)
    assert copied(film(order, [0]), 0, 4) == Seams(0, 3)


def test_a_clip_without_a_closed_group_has_none() -> None:
    for first, last in ((1, 8), (28, 35)):
        assert "closed group" in str(copied(GROUPS, first, last))


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"set_turns": (5,)}, "parameter sets"),
        ({"set_turns": (12,)}, "parameter sets"),
        ({"damaged_places": (12,)}, "damaged"),
        ({"seek": "none"}, "relied upon"),
        ({"untimed": 1}, "time of its own"),
        ({"repeats": 1}, "time of its own"),
        ({"container": "avi"}, "time of its own"),
    ],
)
def test_nor_has_one_whose_pictures_would_not_be_right(facts: dict[str, Any], why: str) -> None:
    assert why in str(copied(film(pyramids(2), [0, 9], **facts), 5, 17))


def test_what_is_wrong_elsewhere_does_not_matter() -> None:
    elsewhere = film(pyramids(4), [0, 9, 18, 27], set_turns=(2, 8, 30), damaged_places=(1, 33))
    assert copied(elsewhere, 8, 23) == Seams(9, 23)


def test_pictures_that_the_upload_hides_are_not_copied_as_if_it_showed_them() -> None:
    ticks = [n * _TICKS for n in pyramids(2)]
    ticks[10] += 1  # the list of the upload shows another picture then
    hidden = upload(frames=18, decoding_ticks=tuple(ticks), closed_places=(0, 9))
    assert "not those" in str(copied(hidden, 5, 17))


class TestFramesDecoded:
    """For what stands beside the copied pictures, from the key frame before each stretch."""

    def test_up_to_the_seam_and_no_further(self):
        found = seams(GROUPS, span(GROUPS, Clip(4 / 25, 23 / 25)))
        assert isinstance(found, Seams)
        counted = frames_decoded_beside(GROUPS, span(GROUPS, Clip(4 / 25, 23 / 25)), found)
        before = found.copied  # the first key frame is the film's first
        behind = 27 - 18 if found.behind < 27 else 0
        assert counted == before + behind

    def test_none_where_all_is_copied(self):
        frames = span(GROUPS, Clip(0, 36 / 25))
        found = seams(GROUPS, frames)
        assert isinstance(found, Seams)
        assert (found.copied, found.behind) == (0, 36)
        assert frames_decoded_beside(GROUPS, frames, found) == 0
