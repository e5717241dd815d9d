"""The rule of the same picture on invented figures, and its words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clipkit.media.picture import ClipPicture, Picture, PictureCheck, pooled_picture
from clipkit.media.quality import Quality
from clipkit.media.vmaf import Unscored

QUALITY = Quality(90.0, 85.0, 87.0, frames=100, model="vmaf_v0.6.1", libvmaf="3.0.0")
PICTURE = Picture(1_100_000, 1_000_000, QUALITY)


def like(
    video_bytes: float = 1.0, vmaf: float | None = 90.0, sound_bytes: int = 100_000
) -> Picture:
    size = round(1_000_000 * video_bytes)
    quality = None if vmaf is None else replace(QUALITY, mean=vmaf)
    return Picture(size + sound_bytes, size, quality, None if quality else "a black picture")


@pytest.mark.parametrize(
    ("picture", "same"),
    [
        (like(1.019, 90.4), True),
        (like(1 / 1.019, 89.6), True),
        (like(1.03), False),
        (like(0.97), False),
        (like(1.0, 90.6), False),
        (like(1.0, 89.4), False),
        (like(1.0, None), True),
        (like(1.03, None), False),
        (like(1.0, sound_bytes=0), True),
    ],
)
def test_bytes_of_video_within_two_percent_and_vmaf_within_half_a_point(
    picture: Picture, same: bool
) -> None:
    assert PictureCheck(picture, PICTURE).same == same
    assert PictureCheck(PICTURE, picture).same == same


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (like(3.09, 94.2), "files 2.9 times as large, VMAF 94.2 instead of 90.0"),
        (like(0.45, 82.4), "files 50 % smaller, VMAF 82.4 instead of 90.0"),
        (like(1.22), "files 20 % larger, VMAF 90.0 instead of 90.0"),
        (like(), "the same picture: files of the same size, VMAF 90.0 instead of 90.0"),
        (
            like(sound_bytes=320_000),
            "the same picture: files 20 % larger for their sound, VMAF 90.0 instead of 90.0",
        ),
        (
            like(vmaf=None),
            "the same picture: files of the same size, "
            "by their size alone (VMAF not scored: a black picture)",
        ),
    ],
)
def test_words_say_what_differs(picture: Picture, words: str) -> None:
    assert PictureCheck(picture, PICTURE).words == words


def test_json_holds_what_was_decided_and_by_what() -> None:
    told = PictureCheck(like(2.0, None), PICTURE).to_json()
    assert (told["same"], told["video_bytes_ratio"], told["vmaf_difference"]) == (False, 2.0, None)
    assert told["picture"]["not_scored"] == "a black picture"
    assert told["instead_of"]["quality"]["model"] == "vmaf_v0.6.1"


def test_clips_are_pooled_by_their_frames_and_keep_their_worst() -> None:
    longer = replace(QUALITY, mean=96.0, p5=80.0, worst_second=82.0, frames=300)
    clips = [
        ClipPicture(200, 150, QUALITY),
        ClipPicture(20, 10, Unscored("a black picture")),
        ClipPicture(400, 300, longer),
    ]
    pooled = pooled_picture(clips)
    assert (pooled.size_bytes, pooled.video_bytes) == (620, 460)
    assert pooled.quality == replace(QUALITY, mean=94.5, p5=80.0, worst_second=82.0, frames=400)


def test_where_no_clip_is_scored_the_first_ones_reason_is_told() -> None:
    clips = [ClipPicture(20, 10, Unscored(why)) for why in ("a black picture", "a still picture")]
    pooled = pooled_picture(clips)
    assert (pooled.vmaf, pooled.why) == (None, "a black picture")
