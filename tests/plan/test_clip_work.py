"""What a clip takes, in frames: by what its subject decodes and encodes of it."""

from __future__ import annotations

import pytest
from inventing_uploads import upload

from clipkit.media.avc import Avc
from clipkit.model.cpu import COPIED_CLIP, ENCODED_FRAME
from clipkit.plan.baselines import original_templates, parse_template
from clipkit.plan.clip_work import clip_work
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subjects import CommandLine, Engine
from clipkit.settings import Settings

_GROUPS = tuple(range(0, 500, 50))
FILM = upload(
    decoding_ticks=tuple(range(0, 500 * 512, 512)),
    access_places=_GROUPS,
    closed_places=_GROUPS,
    avc=Avc(100, frames_only=True, reorder_depth=0, numbers=(0,)),
)
# From the 30th picture of its group on, 100 of them.
CLIP = Clip(80 / 25, 100 / 25)
JOB = Job(FILM, (CLIP,))


def of_ours(**settings: object) -> float:
    return clip_work(Engine(), JOB, CLIP, Settings(**settings))  # type: ignore[arg-type]


def test_all_of_a_clip_is_encoded_and_what_lies_before_it_decoded():
    assert of_ours() == 130 + ENCODED_FRAME * 100
    assert of_ours(seek="output") == 180 + ENCODED_FRAME * 100


def test_of_a_smart_clip_what_is_encoded_counts():
    assert of_ours(mode="smart") == 50 + ENCODED_FRAME * 20
    assert of_ours(mode="auto") == of_ours(mode="smart")


def test_a_copy_takes_next_to_nothing_and_not_nothing():
    assert of_ours(mode="copy") == of_ours(mode="auto", hidden_preroll="allow") == COPIED_CLIP


def test_a_clip_that_decodes_nothing_more_than_others_do_is_no_copy():
    inside = Clip(100 / 25, 40 / 25)
    job, together = Job(FILM, (CLIP, inside)), Settings(together="gop")
    assert clip_work(Engine(), job, inside, together) == ENCODED_FRAME * 40
    assert clip_work(Engine(), job, CLIP, together) == 130 + ENCODED_FRAME * 100


@pytest.mark.parametrize(("place", "decoded"), [(0, 180), (1, 130)])
def test_of_a_baseline_all_is_encoded(place: int, decoded: int):
    subject = CommandLine(original_templates(Settings())[place])
    found = clip_work(subject, JOB, CLIP, Settings())
    assert found == decoded + ENCODED_FRAME * 100


def test_what_a_command_does_not_tell_is_as_many_as_it_shows_or_as_is_said():
    odd = CommandLine(parse_template("ffmpeg -i {input} -vf trim=start={start}:end={end} {output}"))
    assert odd.frames_decoded(JOB, CLIP, Settings()) is None
    assert clip_work(odd, JOB, CLIP, Settings()) == 100 + ENCODED_FRAME * 100
    assert clip_work(odd, JOB, CLIP, Settings(), unknown=500) == 500 + ENCODED_FRAME * 100
