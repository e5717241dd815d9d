"""The words that a server gave ffmpeg for a clip, as a command line that `clipkit tune` takes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from clipkit.errors import TemplateError
from clipkit.plan.baselines import Template, parse_template
from clipkit.plan.clips import Clip
from clipkit.plan.ffmpeg_times import is_time

_SEEK, _LENGTH, _END = "-ss", "-t", "-to"


def template_from(argv: Sequence[str], clip: Clip) -> str | None:
    """With placeholders in the place of this clip's times and files; None where it is no command that cuts
    one clip from one file into another."""
    if (
        argv.count("-i") != 1
        or _SEEK not in argv
        or not argv
        or argv[-1].startswith(("-", "pipe:"))
    ):
        return None
    words = ["ffmpeg", *argv[:-1], "{output}"]
    for place, word in enumerate(argv[:-1]):
        at = place + 2  # the next one, behind the program's name
        if word == "-i":
            words[at] = "{input}"
        elif word == _SEEK and is_time(argv[place + 1], clip.start_s):
            words[at] = "{start}"
        elif word in (_LENGTH, _END) and is_time(argv[place + 1], clip.duration_s):
            words[at] = "{duration}"
        elif word == _END and is_time(argv[place + 1], clip.end_s):
            words[at] = "{end}"
    found = Template("command", tuple(words))
    if not {"{start}", "{input}"} <= set(words) or not {"{duration}", "{end}"} & set(words):
        return None
    try:
        parse_template(found.text)
    except TemplateError:
        return None
    return found.text
