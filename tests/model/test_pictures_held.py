"""Pictures held by x264 and the decoder: by the settings, as x264's own rules have it."""

from __future__ import annotations

import pytest

from clipkit.model.held import encoder_of, encoder_threads_alone, frames_held
from clipkit.settings import Settings


def test_looking_ahead_counts_only_where_the_tree_of_blocks_is_kept() -> None:
    with_tree = frames_held(Settings(preset="medium", encoder_threads=1), 2)
    without = frames_held(Settings(preset="medium", encoder_threads=1, mbtree=False), 2)
    assert (with_tree.waiting, without.waiting) == (41, 4)


def test_a_tree_without_looking_ahead_is_none() -> None:
    assert not encoder_of(Settings(preset="veryfast", lookahead=0, mbtree=True)).mbtree


def test_a_second_thread_looks_ahead_in_step_with_the_b_frames() -> None:
    one, two = (frames_held(Settings(preset="veryfast", encoder_threads=n), 2) for n in (1, 2))
    assert two.waiting - one.waiting == 1 + 4
    assert two.references - one.references == 1


def test_b_frames_that_refer_to_b_frames_keep_four() -> None:
    kept = [
        frames_held(Settings(preset="veryfast", bframes=n, refs=1, encoder_threads=1), 2).references
        for n in (0, 1, 2, 3)
    ]
    assert kept == [1 + 1, 2 + 1, 4 + 1, 4 + 1]


@pytest.mark.parametrize(
    ("cores", "lines", "threads"), [(2, 1080, 3), (32, 1080, 34), (32, 240, 7)]
)
def test_x264_left_alone_takes_half_as_many_again_as_there_are_cores_up_to_two_rows_each(
    cores: int, lines: int, threads: int
) -> None:
    alone = Settings(preset="ultrafast", encoder_threads=0, decoder_threads=1)
    told = Settings(preset="ultrafast", encoder_threads=threads, decoder_threads=1)
    assert frames_held(alone, cores, lines) == frames_held(told, cores)
    assert encoder_threads_alone(1) == 1
