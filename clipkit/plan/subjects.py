"""What cuts the job in a trial: clipkit's engine, a baseline, moviepy, or the user's own command."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from clipkit.errors import TemplateError, UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan import baselines, encode
from clipkit.plan.baselines import Template
from clipkit.plan.clips import Clip, Job, span
from clipkit.plan.task import Task
from clipkit.settings import Settings

ENGINE = "clipkit"
COMMAND = "command"


@dataclass(frozen=True, slots=True)
class _Conduct:
    """What a baseline does of its own accord, and which of the settings it follows."""

    seek: str
    audio: str
    follows: tuple[str, ...]


_CONDUCT = {
    "sketch": _Conduct("output", "copy", ("preset", "crf")),
    "fluent": _Conduct("input", "copy", ("preset", "crf", "encoder_threads")),
    "moviepy": _Conduct("input", "aac", ("preset", "crf", "encoder_threads")),
}
NAMES = (ENGINE, *_CONDUCT, COMMAND)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who cuts. `template` None: clipkit's engine, by its settings."""

    name: str = ENGINE
    template: Template | None = None

    def tasks(self, job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
        if self.template is None:
            return encode.tasks(job, settings, build)
        return baselines.tasks(job, self.template, build)

    def seek(self, settings: Settings) -> str | None:
        """Which side of the input the seek is on; None where a user's command does not tell."""
        if self.template is None:
            return settings.seek
        if not self.template.theirs:
            return _CONDUCT[self.template.name].seek
        words = self.template.argv
        if "-ss" not in words or "-i" not in words:
            return None
        return "input" if words.index("-ss") < words.index("-i") else "output"

    def frames_decoded(self, job: Job, clip: Clip, settings: Settings) -> int | None:
        """How many frames must be decoded to reach the clip's last one, by where decoding starts.

        None where that is not known: moviepy also decodes when it opens the film, as many frames as
        its pipe takes.
        """
        frames, times = span(job.upload, clip), job.upload.frame_times_s
        seek = self.seek(settings)
        if seek is None or self.name == "moviepy":
            return None
        if seek == "output":
            return frames.last + 1
        keys = [t for t in job.upload.key_frame_times_s if t <= frames.first_s]
        return frames.last - (times.index(keys[-1]) if keys else 0) + 1


def from_template(template: Template) -> Subject:
    return Subject(template.name, template)


def named(name: str, settings: Settings, command: str | None = None) -> Subject:
    """The subject of that name, with `settings` in its command line where it follows them.

    Raises TemplateError for a name that is none of NAMES, or `command` without a right one;
    UsageError where moviepy is not installed.
    """
    if name == ENGINE:
        return Subject()
    if name == COMMAND and command is not None:
        return from_template(baselines.parse(command, f"the command '{command}'"))
    if name == COMMAND:
        raise TemplateError("the subject 'command' needs a command: give its template")
    if name == "moviepy":
        return from_template(_moviepy(settings))
    for template in baselines.original(settings):
        if template.name == name:
            return from_template(template)
    raise TemplateError(f"there is no subject '{name}': legal are {', '.join(NAMES)}")


def _moviepy(settings: Settings) -> Template:
    if importlib.util.find_spec("moviepy") is None:
        raise UsageError(
            "the subject 'moviepy' is not installed: pip install 'clipkit[compare]', "
            "or leave the subject out"
        )
    return baselines.moviepy(settings)


def told(subject: Subject, settings: Settings) -> Settings:
    """The settings as `subject` really uses them, for its record: what it ignores is at its default,
    and threads that it leaves to ffmpeg are 0.

    So two cells that do the same have the same settings. Of a command of the user's only the side
    of its seek is known, from its words; where they do not tell, the default stands.
    """
    if subject.template is None:
        return settings
    conduct = _CONDUCT.get(subject.name) or _Conduct(
        seek=subject.seek(settings) or Settings().seek, audio=Settings().audio, follows=()
    )
    followed = {name: getattr(settings, name) for name in conduct.follows}
    left_to_ffmpeg = {"encoder_threads": 0, "decoder_threads": 0, "filter_threads": 0}
    return Settings(
        seek=conduct.seek,
        audio=conduct.audio,
        concurrency=settings.concurrency,
        ffmpeg=settings.ffmpeg,
        **left_to_ffmpeg | followed,
    )
