"""A user's own server as the subject of trials: started by a command line, talked to as it is described."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clipkit.errors import UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan.clips import Clip, Job
from clipkit.plan.command_words import Encoding
from clipkit.plan.frames import frames_decoded_from
from clipkit.plan.routes import Routes
from clipkit.plan.services import SERVICE, Service, told_by_environment
from clipkit.settings import Settings, UsedSettings

_OF_A_SHELL = ("&&", "||", "|", "&", ";", "<", ">", ">>", "2>", "2>&1")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=")
OWN = "own"
"""Whose words for ffmpeg: the server's own."""


@dataclass(frozen=True, slots=True)
class OwnServer:
    """`start` is a command line, split as a shell would and never given to one, run in `folder`."""

    name: str
    start: str
    folder: Path
    routes: Routes

    def argv(self) -> tuple[str, ...]:
        """With the program's path made absolute. Raises UsageError."""
        if not self.folder.is_dir():
            raise UsageError(f"the folder to start the server in, {self.folder}, is none")
        program, *rest = start_words(self.start)
        in_folder = self.folder / program if "/" in program else program
        found = shutil.which(str(in_folder))
        if found is None:
            raise UsageError(f"cannot start '{self.start}': {_why_none(program, self.folder)}")
        return (found, *rest)


@dataclass(frozen=True, slots=True)
class OwnService:
    """Which settings it follows its description says; the rest is its own affair, and unknown."""

    server: OwnServer
    start: tuple[str, ...]
    name: str = SERVICE
    command: str | None = None
    line: str = ""
    tunable: bool = False

    @property
    def versions(self) -> str:
        return self.server.start

    @property
    def which(self) -> Mapping[str, str]:
        return {"service": self.server.name, "service_argv": OWN}

    def service(self, settings: Settings, build: FfmpegBuild) -> Service:  # noqa: ARG002
        """The build is the launcher's, which comes first on its PATH."""
        routes = self.server.routes
        told = told_by_environment(routes, settings)
        return Service(self.start, told, routes, folder=self.server.folder, inherits=True)

    def used(self, settings: Settings) -> UsedSettings:
        followed = ("ffmpeg", *self.server.routes.follows)
        return UsedSettings.of({name: getattr(settings, name) for name in followed})

    def encoding(self, settings: Settings) -> Encoding:  # noqa: ARG002 (its words decide)
        return Encoding()

    def seek(self, settings: Settings) -> str | None:
        side: str | None = self.used(settings).seek
        return side

    def frames_decoded(self, job: Job, clip: Clip, settings: Settings) -> int | None:
        side = self.seek(settings)
        return None if side is None else frames_decoded_from(job, clip, side)


def own_service(server: OwnServer) -> OwnService:
    """Ready to be started. Raises UsageError."""
    return OwnService(server, server.argv())


def start_words(start: str) -> list[str]:
    """Raises UsageError for what is no command line, or means something to a shell alone."""
    try:
        words = shlex.split(start)
    except ValueError as error:
        raise UsageError(f"'{start}' cannot be split into words: {error}") from None
    if not words:
        raise UsageError("the command is empty: give what starts it, such as 'node server.js'")
    if of_a_shell := [word for word in words if word in _OF_A_SHELL]:
        raise UsageError(
            f"cannot start '{start}': no shell reads it, so '{of_a_shell[0]}' means nothing; put it into a "
            "script, or into sh -c '…'"
        )
    return words


def _why_none(program: str, folder: Path) -> str:
    if assigned := _ASSIGNMENT.match(program):
        return f"no shell reads it: give {assigned[1]} in [environment]"
    if (folder / program).is_file():
        return f"'{program}' is a file but no program: name what runs it, such as 'node {program}'"
    return f"there is no program '{program}'"
