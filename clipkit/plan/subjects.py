"""Who cuts the job in a trial: clipkit's engine, a baseline, moviepy, the user's own command, as it is
or changed.

A subject answers for itself what it runs, which settings it follows and which of them name its cells;
nobody else asks who it is. To add one: a class (or a `Template` with its `_Conduct`), an entry in
KINDS, its tests.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from clipkit.errors import TemplateError, UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.legal import legal_are
from clipkit.plan import baselines, modes
from clipkit.plan.baselines import Template
from clipkit.plan.changed import ALWAYS, CHANGED, Changed
from clipkit.plan.changed_words import BY_X264, THREADS
from clipkit.plan.clips import Clip, Job, frames_decoded_from
from clipkit.plan.command_words import CommandWords, Encoding, read_words
from clipkit.plan.task import Task
from clipkit.settings import Settings, UsedSettings, knobs

ENGINE = "clipkit"
COMMAND = "command"
OURS = Encoding(video_encoder="libx264")
"""What every subject of ours encodes with, unless it copies."""


class Subject(Protocol):
    """What every subject tells of itself, whether it is tasks for the engine or a process that serves."""

    @property
    def name(self) -> str:
        """As in experiments and records: one of KINDS."""
        ...

    @property
    def command(self) -> str | None:
        """The command line, the user's own or the one that it changes, which names its cells; None: it
        is another subject."""
        ...

    @property
    def line(self) -> str:
        """Its command line with placeholders, for people; empty where the plan writes one a clip."""
        ...

    @property
    def tunable(self) -> bool:
        """Whether a tuner chooses its settings."""
        ...

    def used(self, settings: Settings) -> UsedSettings:
        """The settings as it really uses them, for its record; None: unknown, or not followed."""
        ...

    def encoding(self, settings: Settings) -> Encoding:
        """What else its record tells of how it encodes."""
        ...

    def seek(self, settings: Settings) -> str | None:
        """Which side of the input its seek is on; None where that is not known."""
        ...

    def frames_decoded(self, job: Job, clip: Clip, settings: Settings) -> int | None:
        """How many frames must be decoded to reach the clip's last one; None where not known."""
        ...


@runtime_checkable
class Cuts(Subject, Protocol):
    """A subject that is tasks for the engine, which starts its processes and is its orchestrator."""

    def tasks(self, job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]: ...


@dataclass(frozen=True, slots=True)
class Service:
    """How to start a process that serves: an argv inside the ceiling, with these variables added to
    its environment. Its first line on stdout says that it listens, and where."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


@runtime_checkable
class Serves(Subject, Protocol):
    """A subject that is a process of its own, started inside the ceiling and driven from outside
    (`trial.talk`); its ffmpegs are its children, and what they use is told apart from its own."""

    def service(self, settings: Settings, build: FfmpegBuild) -> Service: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """clipkit's own engine: it follows every setting that its mode does."""

    name: str = ENGINE
    command: str | None = None
    line: str = ""
    tunable: bool = True

    def tasks(self, job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
        return modes.tasks(job, settings, build)

    def used(self, settings: Settings) -> UsedSettings:
        return modes.settings_followed(settings)

    def encoding(self, settings: Settings) -> Encoding:
        return OURS if modes.decodes(settings) else Encoding()

    def seek(self, settings: Settings) -> str | None:
        return settings.seek

    def frames_decoded(self, job: Job, clip: Clip, settings: Settings) -> int | None:
        if not modes.decodes(settings):
            return 0
        return frames_decoded_from(job, clip, settings.seek)


@dataclass(frozen=True, slots=True)
class _Conduct:
    """What a baseline does of its own accord, and which of the settings it follows."""

    seek: str
    audio: str
    follows: tuple[str, ...]
    reads_ahead: bool = False


_CONDUCT = {
    "sketch": _Conduct("output", "copy", ("preset", "crf")),
    "fluent": _Conduct("input", "copy", ("preset", "crf", "encoder_threads")),
    # It also decodes when it opens the film, as many frames as its pipe takes.
    "moviepy": _Conduct("input", "aac", ("preset", "crf", "encoder_threads"), reads_ahead=True),
}
_OF_ITSELF = {"mode": "encode", "encoder_threads": 0, "decoder_threads": 0, "filter_threads": 0}
"""What our baselines do where they are not told: threads are left to ffmpeg."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One command line for each clip: a baseline's of ours, or the user's own."""

    template: Template

    @property
    def name(self) -> str:
        return self.template.name

    @property
    def command(self) -> str | None:
        return self.template.text if self.template.theirs else None

    @property
    def line(self) -> str:
        return self.template.text

    @property
    def tunable(self) -> bool:
        return False

    @property
    def _words(self) -> CommandWords:
        return read_words(self.template.argv)

    def tasks(self, job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:  # noqa: ARG002
        return baselines.template_tasks(job, self.template, build)

    def used(self, settings: Settings) -> UsedSettings:
        """Of a command of the user's what its words state; ffmpeg decides the rest."""
        followed = {name: getattr(settings, name) for name in KINDS[self.name].levels}
        if self.template.theirs:
            return self._words.settings.changed_to(**followed)
        conduct = _CONDUCT[self.name]
        own = {**_OF_ITSELF, "audio": conduct.audio, "seek": conduct.seek}
        return UsedSettings.of({**own, **followed})

    def encoding(self, settings: Settings) -> Encoding:  # noqa: ARG002 (its words decide)
        return self._words.encoding if self.template.theirs else OURS

    def seek(self, settings: Settings) -> str | None:  # noqa: ARG002 (its words decide)
        return self._words.seek if self.template.theirs else _CONDUCT[self.name].seek

    def frames_decoded(self, job: Job, clip: Clip, settings: Settings) -> int | None:  # noqa: ARG002
        if self.template.theirs:
            return self._words.frames_decoded(job, clip)
        conduct = _CONDUCT[self.name]
        return None if conduct.reads_ahead else frames_decoded_from(job, clip, conduct.seek)


@dataclass(frozen=True, slots=True)
class Kind:
    """`levels`: the settings that tell one of its cells from another; the rest it does not follow.
    `known`: those that its records hold, the other ones are null there. `make` takes the settings and
    the user's command line, where there is one."""

    levels: tuple[str, ...]
    known: tuple[str, ...]
    make: Callable[[Settings, str | None], Subject]


def _baseline(name: str, make: Callable[[Settings, str | None], Subject]) -> Kind:
    levels = (*_CONDUCT[name].follows, *ALWAYS)
    return Kind(levels, (*levels, *_OF_ITSELF, "seek", "audio"), make)


def _original(name: str) -> Kind:
    def make(settings: Settings, _command: str | None) -> Subject:
        return CommandLine(
            next(t for t in baselines.original_templates(settings) if t.name == name)
        )

    return _baseline(name, make)


def _moviepy(settings: Settings, _command: str | None) -> Subject:
    if importlib.util.find_spec("moviepy") is None:
        raise UsageError(
            "the subject 'moviepy' is not installed: pip install 'clipkit[compare]', "
            "or leave the subject out"
        )
    return CommandLine(baselines.moviepy_template(settings))


def _theirs(_settings: Settings, command: str | None) -> Subject:
    if command is None:
        raise TemplateError("the subject 'command' needs a command: give its template")
    return CommandLine(baselines.parse_template(command, f"the command '{command}'"))


def _changed(_settings: Settings, command: str | None) -> Subject:
    if command is None:
        raise TemplateError("the subject 'changed' needs a command to change: give its template")
    return Changed(baselines.parse_template(command, f"the command '{command}'"))


_EVERY = tuple(knob.name for knob in knobs())
_READ = tuple(name for name in _EVERY if name not in (*ALWAYS, "hdr"))
"""What the words of a command may state."""

KINDS: dict[str, Kind] = {
    ENGINE: Kind(_EVERY, _EVERY, lambda _settings, _command: Engine()),
    "sketch": _original("sketch"),
    "fluent": _original("fluent"),
    "moviepy": _baseline("moviepy", _moviepy),
    COMMAND: Kind(ALWAYS, (*ALWAYS, *_READ), _theirs),
    CHANGED: Kind((*ALWAYS, "seek", *THREADS, *BY_X264), (*ALWAYS, *_READ), _changed),
}
OF_A_COMMAND = frozenset((COMMAND, CHANGED))
"""Names of the subjects that need a command line to be given."""
TUNABLE = (ENGINE, CHANGED)
"""Names of the subjects whose settings a tuner chooses: what is recommended is one of these."""


def subject_named(name: str, settings: Settings, command: str | None = None) -> Subject:
    """The subject of that name, with `settings` in its command line where it follows them.

    Raises TemplateError for a name that is none of KINDS, or `command` without a right one;
    UsageError where moviepy is not installed.
    """
    if name not in KINDS:
        raise TemplateError(f"unknown subject '{name}'; {legal_are(KINDS)}")
    return KINDS[name].make(settings, command)
