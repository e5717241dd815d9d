"""How ffmpeg is started, so that it ends with the service however that ends."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from clip_backend.config import ConfigError
from clip_backend.guard import Guard
from clip_backend.runner import Run


@dataclass(frozen=True, slots=True)
class Program:
    """`words` begin its argv."""

    words: tuple[str, ...]
    guard: Guard

    def new_run(self, on_start: Callable[[float], None]) -> Run:
        return Run(self.guard, on_start)


def guarded_program(ffmpeg: str) -> Program:
    """The kernel kills it when the service is killed; its guard ends what it has started.

    util-linux' setpriv asks for the kernel's signal and becomes ffmpeg, so the process is ffmpeg
    itself; Python could ask only between fork and exec, which can deadlock beside threads.
    Raises ConfigError.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ConfigError("PATH", "has no setpriv: install util-linux")
    return Program((setpriv, "--pdeathsig", "KILL", "--", ffmpeg), Guard())
