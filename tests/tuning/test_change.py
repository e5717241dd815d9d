"""What to change in the user's own words, whole, and in steps for people."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from clipkit.media.formats import GUARD
from clipkit.plan.baselines import parse_template
from clipkit.plan.command_words import read_words
from clipkit.tuning.change import Change


def change(text: str, **settings: Any) -> Change:
    template = parse_template(text)
    return Change.of(template, replace(read_words(template.argv).asked(), **settings))


@pytest.mark.parametrize(
    ("text", "settings", "steps"),
    [
        (
            "ffmpeg -i {input} -ss {start} -to {end} -preset veryfast {output}",
            {"seek": "input", "decoder_threads": 1, "concurrency": 2},
            (
                "move -ss START before -i",
                "write -t DURATION for -to END",
                "add -threads 1 before -i",
                "run 2 at once",
            ),
        ),
        (
            "ffmpeg -threads 4 -ss {start} -i {input} -threads 4 -preset fast {output}",
            {"decoder_threads": 0, "encoder_threads": 1, "filter_threads": 1, "preset": "medium"},
            (
                "add -filter_threads 1",
                "leave out -threads 4 before -i",
                "-threads 1 instead of -threads 4 before the output",
                "-preset medium instead of -preset fast before the output",
            ),
        ),
        (
            "ffmpeg -ss {start} -i {input} -t {duration} {output}",
            {"seek": "output", "lookahead": 5},
            ("move -ss START behind -i", "add -x264-params rc-lookahead=5 before the output"),
        ),
        ("ffmpeg -ss {start} -i {input} -an {output}", {}, ("nothing to change",)),
        ("cut.sh {input} {start} {output}", {"concurrency": 3}, ("run 3 at once",)),
    ],
)
def test_it_is_told_step_by_step(text: str, settings: dict[str, Any], steps: tuple[str, ...]):
    found = change(text, **settings)
    assert found.words == steps
    assert found.is_none == (steps == ("nothing to change",))


def test_how_many_ran_at_once_before_counts():
    now = change("ffmpeg -ss {start} -i {input} {output}", concurrency=2)
    assert not now.is_none
    assert replace(now, was_at_once=2).words == ("nothing to change",)
    assert replace(now, was_at_once=2).is_none
    assert replace(now, commands_at_once=1, was_at_once=2).words == ("run 1 at once",)


def test_machines_get_both_commands_whole():
    found = change("ffmpeg -i {input} -ss {start} {output}", seek="input", concurrency=2)
    told = json.loads(json.dumps(found.to_json()))
    assert told == {
        "from": ["ffmpeg", "-i", "{input}", "-ss", "{start}", "{output}"],
        "to": ["ffmpeg", "-ss", "{start}", "-i", "{input}", "{output}"],
        "guarded": ["ffmpeg", "-ss", "{start}", *GUARD, "-i", "file:{input}", "{output}"],
        "commands_at_once": 2,
    }
    assert Change.from_json(told) == found
