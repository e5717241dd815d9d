"""A command line told to open nothing but the upload: what is added, and what is left as it was typed."""

from __future__ import annotations

import pytest

from clipkit.media.formats import GUARD
from clipkit.plan.command_words import read_words
from clipkit.plan.guarded_words import guarded_argv

ALL = " ".join(GUARD)


@pytest.mark.parametrize(
    ("typed", "guarded"),
    [
        (
            "ffmpeg -ss {start} -i {input} {output}",
            f"ffmpeg -ss {{start}} {ALL} -i file:{{input}} {{output}}",
        ),
        (
            "nice -n 5 ffmpeg -i music.mp3 -i {input} {output}",
            f"nice -n 5 ffmpeg -i music.mp3 {ALL} -i file:{{input}} {{output}}",
        ),
        (
            "ffmpeg -protocol_whitelist file,pipe -i {input} {output}",
            f"ffmpeg -protocol_whitelist file,pipe {' '.join(GUARD[2:])} -i file:{{input}} {{output}}",
        ),
        ("ffmpeg -i cache:{input} {output}", f"ffmpeg {ALL} -i cache:{{input}} {{output}}"),
        ("cut.sh {ffmpeg} -i {input} {output}", "cut.sh {ffmpeg} -i {input} {output}"),
        ("ffmpeg -i {input} -i {input} {output}", "ffmpeg -i {input} -i {input} {output}"),
    ],
)
def test_the_two_whitelists_stand_before_the_film(typed: str, guarded: str) -> None:
    assert " ".join(guarded_argv(typed.split())) == guarded


def test_once_is_enough() -> None:
    guarded = guarded_argv(["ffmpeg", "-ss", "{start}", "-i", "{input}", "{output}"])
    assert guarded_argv(guarded) == guarded


def test_a_guarded_command_cuts_as_it_did() -> None:
    """Neither option changes a picture: clipkit's own engine can still do the same."""
    typed = ["ffmpeg", "-ss", "{start}", "-i", "{input}", "-preset", "fast", "{output}"]
    assert read_words(guarded_argv(typed)) == read_words(typed)
