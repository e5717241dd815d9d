"""How many threads a clip gets where nobody says a number."""

from __future__ import annotations

import pytest

from clipkit.plan.threads import threads_of, with_threads
from clipkit.settings import Settings

OPEN = Settings(encoder_threads=0, decoder_threads=0, filter_threads=0)


@pytest.mark.parametrize(
    ("cpus", "at_once", "threads"),
    [
        (0.1, 1, 1),
        (0.5, 3, 1),
        (1, 1, 1),
        (1.5, 1, 2),
        (2, 1, 2),
        (2, 2, 1),
        (4, 3, 2),
        (64, 1, 16),
    ],
)
def test_it_is_the_clips_share_of_the_cpu_rounded_up_and_one_at_least(
    cpus: float, at_once: int, threads: int
) -> None:
    assert threads_of(cpus, at_once) == threads


def test_what_is_asked_for_is_kept_to_the_letter() -> None:
    asked = Settings(encoder_threads=8, decoder_threads=0, filter_threads=3)
    assert with_threads(asked, 2, clips=5) == Settings(
        encoder_threads=8, decoder_threads=2, filter_threads=3
    )
    assert with_threads(Settings(), 8, clips=1) == Settings()


def test_no_more_clips_share_it_than_there_are() -> None:
    several = Settings(concurrency=4, encoder_threads=0)
    assert with_threads(several, 4, clips=12).encoder_threads == 1
    assert with_threads(several, 4, clips=2).encoder_threads == 2
