"""What cuts the job in a trial: clipkit's engine, a baseline, or the user's own command."""

from __future__ import annotations

from dataclasses import dataclass

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan import baselines, encode
from clipkit.plan.baselines import Template
from clipkit.plan.clips import Clip, Job, span
from clipkit.plan.task import Task
from clipkit.settings import Settings

ENGINE = "clipkit"


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
        words = self.template.argv
        if "-ss" not in words or "-i" not in words:
            return None
        return "input" if words.index("-ss") < words.index("-i") else "output"

    def frames_decoded(self, job: Job, clip: Clip, settings: Settings) -> int | None:
        """How many frames must be decoded to reach the clip's last one, by where decoding starts."""
        frames, times = span(job.upload, clip), job.upload.frame_times_s
        seek = self.seek(settings)
        if seek is None:
            return None
        if seek == "output":
            return frames.last + 1
        keys = [t for t in job.upload.key_frame_times_s if t <= frames.first_s]
        return frames.last - (times.index(keys[-1]) if keys else 0) + 1


def from_template(template: Template) -> Subject:
    return Subject(template.name, template)
