"""A command line with other settings put in, as a subject of trials."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan import baselines
from clipkit.plan.baselines import Template
from clipkit.plan.changed_words import changed_argv, followed
from clipkit.plan.clips import Clip, Job
from clipkit.plan.command_words import CommandWords, Encoding, read_words
from clipkit.plan.task import Task
from clipkit.settings import Settings, UsedSettings

CHANGED = "changed"
ALWAYS = ("concurrency", "ffmpeg")
"""What the engine decides for every command line: how many at once, and by which ffmpeg."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A command line with other settings put in: the user's own words, or an original's, but for what
    differs (`plan.changed_words`). It follows what these words leave open to it."""

    template: Template
    name: str = CHANGED
    tunable: bool = True

    @property
    def command(self) -> str:
        return self.template.text

    @property
    def which(self) -> Mapping[str, str]:
        return {}

    @property
    def line(self) -> str:
        return self.template.text

    def rewritten(self, settings: Settings) -> Template:
        """Raises TemplateError where the seek of its words cannot be moved."""
        return dataclasses.replace(self.template, argv=changed_argv(self.template, settings))

    def tasks(self, job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
        return baselines.template_tasks(job, self.rewritten(settings), build)

    def used(self, settings: Settings) -> UsedSettings:
        """What its words state then; of what it follows also what they leave to ffmpeg, as asked."""
        follows = (*ALWAYS, *followed(read_words(self.template.argv)))
        asked = {name: getattr(settings, name) for name in follows}
        return self._words(settings).settings.changed_to(**asked)

    def encoding(self, settings: Settings) -> Encoding:
        return self._words(settings).encoding

    def seek(self, settings: Settings) -> str | None:
        return self._words(settings).seek

    def frames_decoded(self, job: Job, clip: Clip, settings: Settings) -> int | None:
        return self._words(settings).frames_decoded(job, clip)

    def _words(self, settings: Settings) -> CommandWords:
        return read_words(self.rewritten(settings).argv)
