"""A server's words for ffmpeg as a command line for `clipkit tune`."""

from __future__ import annotations

import pytest

from clipkit.plan.clips import Clip
from clipkit.plan.own_words import template_from

CLIP = Clip(65.5, 12.0)


@pytest.mark.parametrize(
    ("line", "template"),
    [
        (
            "-ss 65.5 -i /d/film -y -t 12 -c:v libx264 out.mp4",
            "ffmpeg -ss {start} -i {input} -y -t {duration} -c:v libx264 {output}",
        ),
        (
            "-i f -ss 00:01:05.500 -to 00:01:17.5 -c copy o.mp4",
            "ffmpeg -i {input} -ss {start} -to {end} -c copy {output}",
        ),
        (
            "-ss 65.500000 -to 77.5 -i f -preset fast o.mp4",
            "ffmpeg -ss {start} -to {end} -i {input} -preset fast {output}",
        ),
    ],
)
def test_times_and_files_become_placeholders(line: str, template: str) -> None:
    assert template_from(line.split(), CLIP) == template


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-i f -c copy o.mp4",
        "-ss 3 -i f -t 12 o.mp4",
        "-ss 65.5 -i f o.mp4",
        "-ss 65.5 -i f -i g -t 12 o.mp4",
        "-ss 65.5 -i f -t 12 -f mp4 pipe:1",
        "-ss 65.5 -i f -t 12 -",
    ],
)
def test_what_cuts_no_clip_into_a_file_is_no_template(line: str) -> None:
    assert template_from(line.split(), CLIP) is None
