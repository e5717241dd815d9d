"""How a server is talked to: its requests, with placeholders, and where its answers say what. Pure.

`plan.drive_file` reads it from a file; `trial.conversation` does the talking.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from clipkit.plan.clips import Clip

PLACEHOLDER = re.compile(r"\{(\w+)\}")

OF_A_CLIP = ("start_s", "duration_s", "end_s", "number")
OF_THE_PLACE = ("port", "data", "ffmpeg")
OF_SETTINGS = ("concurrency", "seek", "preset", "crf", "encoder_threads", "decoder_threads")
"""Placeholders of the environment that are filled in by what is measured."""
_LEGAL = "/%:@!$&'()*+,;=~"
"""What stands for itself in a path (RFC 3986, section 3.3), and what is quoted already."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1", "0.0.0.0")  # noqa: S104 (names in an address, bound by nobody)


class AnswerError(Exception):
    """An answer that does not hold what the description says. The message says which key of it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it is sent. `film` is its body where there is no `part`, else that part of a form."""

    method: str
    path: str
    json: Any = None
    form: Mapping[str, str] = field(default_factory=dict)
    film: Path | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """A request with placeholders. `takes_film`: the upload goes with it, as the part of a form or else as
    its body. `id`: where in the answer the name is by which it is asked for later."""

    table: str
    method: str
    path: str
    json: Any = None
    form: Mapping[str, str] = field(default_factory=dict)
    part: str | None = None
    takes_film: bool = False
    id: str | None = None

    @property
    def uses(self) -> set[str]:
        return {*placeholders(self.path), *placeholders(self.json), *placeholders(dict(self.form))}

    def filled(self, values: Mapping[str, Any], film: Path) -> Sent:
        return Sent(
            method=self.method,
            path=filled_path(self.path, values),
            json=fill_in(self.json, values),
            form={name: _text(fill_in(text, values)) for name, text in self.form.items()},
            film=film if self.takes_film else None,
            part=self.part,
        )


@dataclass(frozen=True, slots=True)
class Poll:
    """How the end of a job is asked for."""

    path: str
    status: str
    done: tuple[str, ...]
    failed: tuple[str, ...]
    error: str | None
    created_s: str | None


@dataclass(frozen=True, slots=True)
class ClipKeys:
    """Where an answer tells of each clip: `list` is where they are, the others are keys of an entry of
    it, or of the whole answer where there is no list. None: it does not tell."""

    list: str | None = None
    number: str | None = None
    status: str | None = None
    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    error: str | None = None
    bytes: str | None = None
    url: str | None = None
    started_s: str | None = None
    ended_s: str | None = None


@dataclass(frozen=True, slots=True)
class Routes:
    """`file`: where it was described, for what is said of it. `port`: where it listens whatever it is told.
    `answers_clip`: the answer to an order is the clip itself. `at_once`: so many orders are open at a time.
    `is_theirs`: a user wrote it, who wants to know which key of it an answer does not match."""

    file: str
    order: Asking
    name: str | None = None
    port: int | None = None
    ready: str | None = None
    health: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    upload: Asking | None = None
    clip: Any = None
    answers_clip: bool = False
    at_once: int | None = None
    poll: Poll | None = None
    clips: ClipKeys = ClipKeys()
    fetch: str | None = None
    delete_job: str | None = None
    delete_upload: str | None = None
    is_theirs: bool = True

    @property
    def is_per_clip(self) -> bool:
        """Whether each clip is ordered by itself, and not the whole job."""
        return "clips" not in self.order.uses

    @property
    def tells_times(self) -> bool:
        """Whether the server says itself when each of its ffmpegs began and ended."""
        created_s = self.poll and self.poll.created_s
        return None not in (created_s, self.clips.started_s, self.clips.ended_s)

    @property
    def can_fetch(self) -> bool:
        return self.answers_clip or self.fetch is not None

    @property
    def follows(self) -> tuple[str, ...]:
        """The settings that it can be told. How many clips are cut at once the client decides where each is
        ordered by itself and its answer waited for."""
        told = {name for text in self.environment.values() for name in placeholders(text)}
        if self.is_per_clip and self.poll is None and self.at_once is None:
            told.add("concurrency")
        return tuple(name for name in OF_SETTINGS if name in told)

    def wanted(self, clip: Clip, number: int) -> dict[str, Any]:
        """What the placeholders of a clip stand for."""
        times = {"start_s": clip.start_s, "duration_s": clip.duration_s, "end_s": clip.end_s}
        return {**times, "number": number}

    def list_of(self, clips: tuple[Clip, ...]) -> list[Any]:
        """What `{clips}` stands for."""
        return [fill_in(self.clip, self.wanted(c, n)) for n, c in enumerate(clips, start=1)]


def placeholders(template: Any) -> Iterator[str]:
    """The names of those in a text, or in any text of a table or list."""
    if isinstance(template, str):
        yield from PLACEHOLDER.findall(template)
    elif isinstance(template, Mapping):
        for value in template.values():
            yield from placeholders(value)
    elif isinstance(template, list):
        for value in template:
            yield from placeholders(value)


def fill_in(template: Any, values: Mapping[str, Any]) -> Any:
    """A text that is nothing but a placeholder becomes what it stands for, also a number or a list; one
    within other text is written out there."""
    if isinstance(template, str):
        if whole := PLACEHOLDER.fullmatch(template):
            return values[whole[1]]
        return PLACEHOLDER.sub(lambda found: _text(values[found[1]]), template)
    if isinstance(template, Mapping):
        return {name: fill_in(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [fill_in(value, values) for value in template]
    return template


def filled_path(template: str, values: Mapping[str, Any]) -> str:
    """Each value as one part of the path, but for `{url}`, which is a path itself. Raises AnswerError for
    what no answer has told."""

    def part(found: re.Match[str]) -> str:
        name = found[1]
        if values.get(name) is None:
            raise AnswerError(f"no answer told what {{{name}}} is")
        text = _text(values[name])
        return own_path(text) if name == "url" else quote(text, safe="")

    return PLACEHOLDER.sub(part, template)


def own_path(url: str) -> str:
    """The path of an address at the server itself; nobody else is ever asked. Raises AnswerError."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise AnswerError(f"{url[:80]!r} is no address") from None
    if host is not None and host not in _LOOPBACK:
        raise AnswerError(f"{url[:80]!r} is not at the server itself: only loopback is asked")
    path = "/" + quote(parts.path.lstrip("/"), safe=_LEGAL)
    return f"{path}?{quote(parts.query, safe=_LEGAL + '?')}" if parts.query else path


def find_in(document: Any, key: str) -> Any:
    """What an answer holds at `a.b.0` or, as a JSON pointer, `/a/b/0`; all of it for an empty key.

    Raises AnswerError, naming what there is instead.
    """
    pointer = key.startswith("/")
    steps = key[1:].split("/") if pointer else key.split(".") if key else []
    found = document
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~") if pointer else step
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (KeyError, IndexError, ValueError, TypeError):
            raise AnswerError(f"no '{name}' in the answer; it has {_shape(found)}") from None
    return found


def status_word(value: Any) -> str:
    """A status as text: `true` of JSON is the word true."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def shown(value: Any) -> str:
    """As JSON writes it, cut short."""
    return json.dumps(value)[:80]


def _shape(found: Any) -> str:
    if isinstance(found, Mapping):
        return f"the keys {', '.join(map(str, found))}"[:200] if found else "no key at all"
    if isinstance(found, list):
        return f"{len(found)} entries"
    return f"{found!r}"[:80]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value)
