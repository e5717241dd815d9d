"""The whole difference between the user's own words and what is recommended. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clipkit.plan.baselines import Template
from clipkit.plan.changed_words import changed_argv
from clipkit.plan.command_words import the_files
from clipkit.plan.ffmpeg_words import Option, take_apart
from clipkit.plan.guarded_words import guarded_argv
from clipkit.settings import Settings

_WHERE = ("", " before -i", " before the output")
"""Where an option stands that counts everywhere, for the film, for the clip."""
_FOR_PEOPLE = {"{start}": "START", "{duration}": "DURATION", "{end}": "END"}


@dataclass(frozen=True, slots=True)
class Change:
    """`from_argv` and `to_argv` hold the placeholders of a template. `commands_at_once`: how many
    such commands run at the same time, `was_at_once`: before."""

    from_argv: tuple[str, ...]
    to_argv: tuple[str, ...]
    commands_at_once: int
    was_at_once: int = 1

    @classmethod
    def of(cls, template: Template, settings: Settings, was_at_once: int = 1) -> Change:
        """Raises TemplateError where the words cannot be changed so."""
        argv = changed_argv(template, settings)
        return cls(template.argv, argv, settings.concurrency, was_at_once)

    @property
    def is_none(self) -> bool:
        return self.from_argv == self.to_argv and self.commands_at_once == self.was_at_once

    @property
    def words(self) -> tuple[str, ...]:
        """What to do, step by step, for people."""
        steps = [*_steps(self.from_argv, self.to_argv)]
        if self.commands_at_once != self.was_at_once:
            steps.append(f"run {self.commands_at_once} at once")
        return tuple(steps) or ("nothing to change",)

    @property
    def guarded_argv(self) -> tuple[str, ...]:
        """`to_argv` for uploads of strangers: it opens nothing but the upload."""
        return guarded_argv(self.to_argv)

    def to_json(self) -> dict[str, Any]:
        return {
            "from": list(self.from_argv),
            "to": list(self.to_argv),
            "guarded": list(self.guarded_argv),
            "commands_at_once": self.commands_at_once,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any], was_at_once: int = 1) -> Change:
        """The inverse of `to_json`."""
        before, after = tuple(document["from"]), tuple(document["to"])
        return cls(before, after, document["commands_at_once"], was_at_once)


def _steps(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    old, new = _sides(before), _sides(after)
    named = set()
    for start, goal, where in ((2, 1, "before"), (1, 2, "behind")):
        if "ss" in old[start] and "ss" in new[goal] and "ss" not in new[start]:
            named.add("ss")
            yield f"move {_told(new[goal]['ss'])} {where} -i"
    if "to" in old[2] and "to" not in new[2] and "t" in new[2]:
        named |= {"to", "t"}
        yield f"write {_told(new[2]['t'])} for {_told(old[2]['to'])}"
    for side, where in enumerate(_WHERE):
        for name in dict.fromkeys((*old[side], *new[side])):
            was, now = old[side].get(name), new[side].get(name)
            if name in named or (was and now and was.text == now.text):
                continue
            if was is None and now is not None:
                yield f"add {_told(now)}{where}"
            elif now is None and was is not None:
                yield f"leave out {_told(was)}{where}"
            elif was is not None and now is not None:
                yield f"{_told(now)} instead of {_told(was)}{where}"


def _sides(argv: Sequence[str]) -> tuple[dict[str, Option], ...]:
    """The options for everything, for the film, for the clip, by what they are called there."""
    words = take_apart(argv)
    film, clip = (None, None) if words is None else the_files(words)
    if words is None or film is None or clip is None:
        return {}, {}, {}
    sides = (words.everywhere, film.options, clip.options)
    return tuple({_named(option): option for option in options} for options in sides)


def _named(option: Option) -> str:
    return option.text.split(" ", 1)[0].removeprefix("-")


def _told(option: Option) -> str:
    text = option.text
    for placeholder, word in _FOR_PEOPLE.items():
        text = text.replace(placeholder, word)
    return text
