"""A backend as the subject of trials: a process that serves, and the settings that its environment takes.

The list of words that every backend gives ffmpeg (`same`) follows the settings. The words of the analysis'
sketches (`sketched`) follow fewer: Python's and Rust's seek after the input and leave the threads to ffmpeg,
Node.js' library seeks before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from clipkit.backends.declared import Backend, backends_named
from clipkit.backends.libraries import libraries_of
from clipkit.backends.programs import runtime_of
from clipkit.backends.starting import start_argv
from clipkit.errors import BackendError, UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan.changed import ALWAYS
from clipkit.plan.clips import Clip, Job, frames_decoded_from
from clipkit.plan.command_words import Encoding
from clipkit.settings import Settings, UsedSettings

SERVICE = "service"
SAME, SKETCHED = "same", "sketched"
WORDS = (SAME, SKETCHED)
"""Which words for ffmpeg: the contract's `ARGV`."""

FOLLOWED = ("seek", "preset", "crf", "encoder_threads")
"""The settings that the list of all backends follows, besides those of every command line."""

_SKETCHED_FOLLOW = {"node": ("preset", "crf", "encoder_threads")}
_SKETCHED_SEEK = {"node": "input"}
_OF_ITSELF = {
    "mode": "encode",
    "seek": "output",
    "encoder_threads": 0,
    "decoder_threads": 0,
    "filter_threads": 0,
    "audio": "copy",
}
"""What a service does where it is not told, or does not listen."""
DECIDED = (
    *("BIND", "PORT", "DATA_DIR", "FFMPEG"),
    *("MAX_CONCURRENT", "SEEK", "PRESET", "CRF", "ENCODER_THREADS", "DECODER_THREADS", "ARGV"),
)
"""Variables of a service's environment that are not an experiment's to add."""
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
KNOWN = (*ALWAYS, *FOLLOWED, *(name for name in _OF_ITSELF if name not in FOLLOWED))


@dataclass(frozen=True, slots=True)
class Service:
    """How to start a process that serves: an argv inside the ceiling, with these variables in its
    environment. Its first line on stdout says that it listens, and where."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Which:
    """Which backend, which of its words for ffmpeg, and what else its environment tells it (`NAME=VALUE`,
    spaces between), such as a switch for what is found in the wild."""

    backend: str
    words: str = SAME
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class BackendService:
    """One of `experiments/backends`. `start` is what starts it, `versions` what its language and its
    libraries are."""

    asked: Which
    start: tuple[str, ...]
    versions: str = field(default="", compare=False)
    name: str = SERVICE
    command: str | None = None
    line: str = ""
    tunable: bool = False

    @property
    def which(self) -> Mapping[str, str]:
        own = {"service": self.asked.backend, "service_argv": self.asked.words}
        further = self.asked.environment
        return own | ({"service_environment": further} if further else {})

    def service(self, settings: Settings, build: FfmpegBuild) -> Service:  # noqa: ARG002
        """The build is the launcher's, which comes before it."""
        environment = {
            "MAX_CONCURRENT": str(settings.concurrency),
            "SEEK": settings.seek,
            "PRESET": settings.preset,
            "ENCODER_THREADS": str(settings.encoder_threads),
            "ARGV": self.asked.words,
            **read_environment(self.asked.environment or ""),
        }
        if settings.crf != Settings().crf:
            environment["CRF"] = str(settings.crf)
        return Service(self.start, environment)

    def used(self, settings: Settings) -> UsedSettings:
        own: dict[str, Any] = dict(_OF_ITSELF)
        if self.asked.words == SKETCHED:
            own["seek"] = _SKETCHED_SEEK.get(self.asked.backend, own["seek"])
        return UsedSettings.of(own | {name: getattr(settings, name) for name in self._follows})

    def encoding(self, settings: Settings) -> Encoding:  # noqa: ARG002 (its words decide)
        return Encoding(video_encoder="libx264")

    def seek(self, settings: Settings) -> str | None:
        side: str | None = self.used(settings).seek
        return side

    def frames_decoded(self, job: Job, clip: Clip, settings: Settings) -> int | None:
        return frames_decoded_from(job, clip, str(self.seek(settings)))

    @property
    def _follows(self) -> tuple[str, ...]:
        if self.asked.words == SAME:
            return (*ALWAYS, *FOLLOWED)
        return (*ALWAYS, *_SKETCHED_FOLLOW.get(self.asked.backend, ("preset", "crf")))


def backend_service(which: Which) -> BackendService:
    """The backend, ready to be started.

    Raises UsageError where none has that name, or it is not built, with what to type.
    """
    return BackendService(which, *_found(which.backend))


def read_environment(text: str) -> dict[str, str]:
    """`UPLOAD_TO=memory KEEP_S=60` as a dict. Raises UsageError for what is none, or what a trial itself
    decides."""
    found = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise UsageError(f"'{word}' is no NAME=VALUE, such as UPLOAD_TO=memory")
        if name in DECIDED:
            raise UsageError(
                f"{name} is not free: a trial decides it, by its settings or by itself"
            )
        found[name] = value
    return found


@cache
def _found(name: str) -> tuple[tuple[str, ...], str]:
    """Its sources are hashed and its runtime asked for its version once, not for each cell."""
    try:
        (backend,) = backends_named([name])
        return start_argv(backend), _versions(backend)
    except BackendError as error:
        raise UsageError(str(error)) from None


def _versions(backend: Backend) -> str:
    libraries = [f"{name} {version}" for name, version in libraries_of(backend).items()]
    return "; ".join([runtime_of(backend) or backend.name, ", ".join(libraries)])
