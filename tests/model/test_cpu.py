"""What a clip costs in CPU seconds, in proportion to the frames that it decodes and encodes."""

from __future__ import annotations

import pytest

from clipkit.model.cpu import ENCODED_FRAME, work


def test_a_frame_encoded_costs_as_much_as_two_decoded() -> None:
    assert ENCODED_FRAME == 2
    assert work(decoded=100, encoded=0) == 100
    assert work(decoded=0, encoded=50) == 100
    assert work(decoded=425, encoded=300) == 1025


def test_the_measured_seek_after_the_input_costs_what_the_model_says() -> None:
    """347 against 44.5 CPU seconds, for 12 clips: 91,800 and 5,100 frames decoded, 3,600 encoded."""
    assert work(91_800, 3_600) / work(5_100, 3_600) == pytest.approx(347 / 44.5, rel=0.1)
