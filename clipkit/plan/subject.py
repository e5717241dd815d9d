"""What a subject of trials tells of itself: the protocols that those of `plan.subjects` implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.upload import Upload
from clipkit.model.cpu import ENCODED_FRAME, encoded_frame
from clipkit.plan.clips import Clip, Job
from clipkit.plan.command_words import Encoding
from clipkit.plan.services import Service
from clipkit.plan.task import Task
from clipkit.settings import Settings, UsedSettings


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
    def which(self) -> Mapping[str, str]:
        """Which of its name it is, by column: of a service, the backend and its words for ffmpeg. It names
        its cells."""
        return {}

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


def frame_cost(
    subject: Subject, upload: Upload, settings: Settings, whole: float = ENCODED_FRAME
) -> float:
    """What encoding a frame costs, in decoded ones (`model.cpu`), as far as the subject is known to crop
    or to scale it; `whole`: of a picture as it is. Raises FfmpegError for a crop outside the picture."""
    used = subject.used(settings)
    return encoded_frame(upload.framing(used.crop, used.scale_height), whole)


@runtime_checkable
class Cuts(Subject, Protocol):
    """A subject that is tasks for the engine, which starts its processes and is its orchestrator."""

    def tasks(self, job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]: ...


@runtime_checkable
class Serves(Subject, Protocol):
    """A subject that is a process of its own, started inside the ceiling and driven from outside
    (`trial.drive`); its ffmpegs are its children, and what they use is told apart from its own."""

    @property
    def versions(self) -> str:
        """Of its language and its libraries."""
        ...

    def service(self, settings: Settings, build: FfmpegBuild) -> Service: ...
