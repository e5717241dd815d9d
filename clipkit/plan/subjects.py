"""Who cuts the job in a trial: clipkit's engine, a baseline, moviepy, a backend that serves, the user's
own command, as it is or changed.

A subject answers for itself what it runs, which settings it follows and which of them name its cells;
nobody else asks who it is. To add one: a class (or a `Template` with its `_Conduct`), an entry in
KINDS, its tests.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clipkit.errors import TemplateError, UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.legal import legal_are
from clipkit.plan import baselines, modes
from clipkit.plan.baselines import Template
from clipkit.plan.changed import ALWAYS, CHANGED, Changed
from clipkit.plan.changed_words import BY_X264, THREADS
from clipkit.plan.clips import Clip, Job
from clipkit.plan.command_words import CommandWords, Encoding, read_words
from clipkit.plan.frames import frames_decoded_from
from clipkit.plan.own_service import OwnServer, own_service
from clipkit.plan.services import FOLLOWED, KNOWN, SERVICE, Which, backend_service
from clipkit.plan.subject import Cuts, Serves
from clipkit.plan.task import Task
from clipkit.plan.together import in_groups
from clipkit.settings import Settings, UsedSettings, knobs

ENGINE = "clipkit"
COMMAND = "command"
OURS = Encoding(video_encoder="libx264")
"""What every subject of ours encodes with, unless it copies."""


@dataclass(frozen=True, slots=True)
class Engine:
    """clipkit's own engine: it follows every setting that its mode does."""

    name: str = ENGINE
    command: str | None = None
    line: str = ""
    tunable: bool = True

    @property
    def which(self) -> Mapping[str, str]:
        return {}

    def tasks(self, job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
        return in_groups(job, settings, build, modes.tasks(job, settings, build))

    def used(self, settings: Settings) -> UsedSettings:
        return modes.settings_followed(settings)

    def encoding(self, settings: Settings) -> Encoding:
        return OURS if modes.decodes(settings) else Encoding()

    def seek(self, settings: Settings) -> str | None:
        return settings.seek

    def frames_decoded(self, job: Job, clip: Clip, settings: Settings) -> int | None:
        return modes.frames_decoded(job, clip, settings)


@dataclass(frozen=True, slots=True)
class _Conduct:
    """What a baseline does of its own accord, and which of the settings it follows."""

    seek: str
    audio: str
    follows: tuple[str, ...]
    reads_ahead: bool = False


_PICTURE = ("preset", "crf", "crop", "scale_height")
_CONDUCT = {
    "sketch": _Conduct("output", "copy", _PICTURE),
    "fluent": _Conduct("input", "copy", (*_PICTURE, "encoder_threads")),
    # It also decodes when it opens the film, as many frames as its pipe takes.
    "moviepy": _Conduct("input", "aac", (*_PICTURE, "encoder_threads"), reads_ahead=True),
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
    def which(self) -> Mapping[str, str]:
        return {}

    @property
    def line(self) -> str:
        return self.template.text

    @property
    def tunable(self) -> bool:
        return False

    @property
    def _words(self) -> CommandWords:
        return read_words(self.template.argv)

    def tasks(self, job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
        """Raises FfmpegError for a crop outside the picture: ffmpeg would move it."""
        if not self.template.theirs:
            job.upload.framing(settings.crop, settings.scale_height)
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
class Given:
    """What besides its name says who a subject is: the user's command line, which service, or the user's
    own server."""

    command: str | None = None
    which: Which | OwnServer | None = None


_Make = Callable[[Settings, Given], Cuts | Serves]


@dataclass(frozen=True, slots=True)
class Kind:
    """`levels`: the settings that tell one of its cells from another; the rest it does not follow.
    `known`: those that its records hold, the other ones are null there."""

    levels: tuple[str, ...]
    known: tuple[str, ...]
    make: _Make


def _baseline(name: str, make: _Make) -> Kind:
    levels = (*_CONDUCT[name].follows, *ALWAYS)
    return Kind(levels, (*levels, *_OF_ITSELF, "seek", "audio"), make)


def _original(name: str) -> Kind:
    def make(settings: Settings, _given: Given) -> Cuts | Serves:
        return CommandLine(
            next(t for t in baselines.original_templates(settings) if t.name == name)
        )

    return _baseline(name, make)


def _moviepy(settings: Settings, _given: Given) -> Cuts | Serves:
    if importlib.util.find_spec("moviepy") is None:
        raise UsageError(
            "the subject 'moviepy' is not installed: pip install 'clipkit[compare]', "
            "or leave the subject out"
        )
    return CommandLine(baselines.moviepy_template(settings))


def _theirs(_settings: Settings, given: Given) -> Cuts | Serves:
    if given.command is None:
        raise TemplateError("the subject 'command' needs a command: give its template")
    return CommandLine(baselines.parse_template(given.command, f"the command '{given.command}'"))


def _changed(_settings: Settings, given: Given) -> Cuts | Serves:
    if given.command is None:
        raise TemplateError("the subject 'changed' needs a command to change: give its template")
    return Changed(baselines.parse_template(given.command, f"the command '{given.command}'"))


def _service(_settings: Settings, given: Given) -> Cuts | Serves:
    if given.which is None:
        raise UsageError("the subject 'service' needs to know which: name a backend")
    if isinstance(given.which, OwnServer):
        return own_service(given.which)
    return backend_service(given.which)


_EVERY = tuple(knob.name for knob in knobs())
_UNSAID = ("hdr", "scaler", "hidden_preroll", "together", *modes.MANNERS)
_READ = tuple(name for name in _EVERY if name not in (*ALWAYS, *_UNSAID))
"""What the words of a command may state."""

KINDS: dict[str, Kind] = {
    ENGINE: Kind(_EVERY, _EVERY, lambda _settings, _given: Engine()),
    "sketch": _original("sketch"),
    "fluent": _original("fluent"),
    "moviepy": _baseline("moviepy", _moviepy),
    SERVICE: Kind((*ALWAYS, *FOLLOWED), KNOWN, _service),
    COMMAND: Kind(ALWAYS, (*ALWAYS, *_READ), _theirs),
    CHANGED: Kind((*ALWAYS, "seek", *THREADS, *BY_X264), (*ALWAYS, *_READ), _changed),
}
OF_A_COMMAND = frozenset((COMMAND, CHANGED))
"""Names of the subjects that need a command line to be given."""
TUNABLE = (ENGINE, CHANGED)
"""Names of the subjects whose settings a tuner chooses: what is recommended is one of these."""


def subject_named(
    name: str,
    settings: Settings,
    command: str | None = None,
    which: Which | OwnServer | None = None,
) -> Cuts | Serves:
    """The subject of that name, with `settings` in its command line where it follows them.

    Raises TemplateError for a name that is none of KINDS, or `command` without a right one;
    UsageError where moviepy is not installed, or a service is unknown or not built.
    """
    if name not in KINDS:
        raise TemplateError(f"unknown subject '{name}'; {legal_are(KINDS)}")
    return KINDS[name].make(settings, Given(command, which))
