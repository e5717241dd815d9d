"""From the short clips of a screening to whole ones, by the frames that each decodes and encodes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from surface import FILM, SKETCH, Machine, question, tune

from clipkit.model.cpu import work
from clipkit.plan.clips import Clip, Job
from clipkit.tuning.whole_clips import whole_clips

SECOND = Job(FILM, (Clip(13.0, 1.0),))
"""Its key frame is at 10 s: 75 frames before its own 25."""


def test_a_clip_is_decoded_from_its_key_frame_by_what_seeks_first_and_from_the_films_start_by_others():
    ours = question()
    assert ours.frames(SECOND, SECOND.clips[0]) == (100, 25)
    theirs = replace(ours, cutter=SKETCH)
    assert theirs.frames(SECOND, SECOND.clips[0]) == (14 * 25, 25)
    assert ours.frames(SECOND, SECOND.clips[0]) == (100, 25)


def test_whole_ones_take_longer_by_the_frames_that_they_decode_and_encode():
    asked = replace(question(), jobs=(Job(FILM, (Clip(13.0, 12.0), Clip(213.0, 12.0))),))
    results = tune(asked, Machine()).session.results
    lengths = {
        c.duration_s for cell, _ in results if cell.phase == "screen" for c in cell.job.clips
    }
    (short_s,) = lengths
    short = work(75 + 25 * short_s, 25 * short_s)
    assert whole_clips(asked, results)[FILM.sha256] == pytest.approx(
        math.log(work(375, 300) / short), abs=0.02
    )
