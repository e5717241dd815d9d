"""A server as the subject of trials: a process that serves, and the settings that its environment takes.

The list of words that every backend gives ffmpeg (`same`) follows the settings. The words of the analysis'
sketches (`sketched`) follow fewer: Python's and Rust's seek after the input and leave the threads to ffmpeg,
Node.js' library seeks before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from clipkit.backends.declared import Backend, backends_named
from clipkit.backends.libraries import libraries_of
from clipkit.backends.programs import runtime_of
from clipkit.backends.starting import start_argv
from clipkit.errors import BackendError, UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan.changed import ALWAYS
from clipkit.plan.clips import Clip, Job
from clipkit.plan.command_words import Encoding
from clipkit.plan.drive_file import contract_routes
from clipkit.plan.frames import frames_decoded_from
from clipkit.plan.routes import OF_SETTINGS, OF_THE_PLACE, Routes, fill_in, placeholders
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
_DECIDED = ("DECODER_THREADS", "ARGV")
"""Variables that are not an experiment's to add, besides those that the contract's description tells."""
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
KNOWN = (*ALWAYS, *FOLLOWED, *(name for name in _OF_ITSELF if name not in FOLLOWED))


@dataclass(frozen=True, slots=True)
class Service:
    """How to start a process that serves, and how to talk to it: an argv inside the ceiling, with these
    variables in its environment, in which `{port}`, `{data}` and `{ffmpeg}` are still open. `folder`: where
    it is started, None: in its own data. `inherits`: it also gets our environment, as it does when its user
    starts it."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    routes: Routes
    folder: Path | None = None
    inherits: bool = False


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
        routes = contract_routes()
        own = {"ARGV": self.asked.words, **read_environment(self.asked.environment or "")}
        return Service(self.start, told_by_environment(routes, settings) | own, routes)

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


def told_by_environment(routes: Routes, settings: Settings) -> dict[str, str]:
    """Its variables with the settings filled in. A CRF that is ffmpeg's own is left to ffmpeg, as the
    original leaves it: the variable is not there."""
    values: dict[str, Any] = {name: getattr(settings, name) for name in OF_SETTINGS}
    values |= {name: f"{{{name}}}" for name in OF_THE_PLACE}
    left_out = {"crf"} if settings.crf == Settings().crf else set()
    return {
        name: str(fill_in(text, values))
        for name, text in routes.environment.items()
        if not left_out.intersection(placeholders(text))
    }


def read_environment(text: str) -> dict[str, str]:
    """`UPLOAD_TO=memory KEEP_S=60` as a dict. Raises UsageError for what is none, or what a trial itself
    decides."""
    found = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise UsageError(f"'{word}' is no NAME=VALUE, such as UPLOAD_TO=memory")
        if name in (*contract_routes().environment, *_DECIDED):
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
