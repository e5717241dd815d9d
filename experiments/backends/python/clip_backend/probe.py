"""Whether there is an ffmpeg that runs, and which: asked once, at start."""

from __future__ import annotations

from clip_backend.config import ConfigError
from clip_backend.pipes import Tail
from clip_backend.program import Program
from clip_backend.runner import EndedBy, Run

_TIMEOUT_S = 5.0
_UNKNOWN = "unknown"


class _Head:
    """The first bytes of what it says."""

    def __init__(self, most_bytes: int = 4096) -> None:
        self.kept = b""
        self._most_bytes = most_bytes

    def take(self, block: bytes) -> None:
        self.kept = (self.kept + block)[: self._most_bytes]


async def ffmpeg_version(program: Program, run: Run) -> str:
    """Raises ConfigError where `-version` does not end well in time."""
    head, ffmpeg = _Head(), program.words[-1]
    try:
        ending = await run.to_its_end([*program.words, "-version"], _TIMEOUT_S, head, Tail())
    except OSError as error:
        raise ConfigError("FFMPEG", f"{ffmpeg!r} cannot be run: {error.strerror}") from None
    if ending is None or ending.by is EndedBy.CANCEL:
        return _UNKNOWN
    if ending.by is EndedBy.TIMEOUT:
        raise ConfigError("FFMPEG", f"{ffmpeg!r} did not tell its version in {_TIMEOUT_S:g} s")
    if ending.exit_code != 0:
        raise ConfigError("FFMPEG", f"{ffmpeg!r} -version ended with {ending.exit_code}")
    words = head.kept.decode("utf-8", "replace").split(maxsplit=3)
    return words[2] if words[:2] == ["ffmpeg", "version"] and len(words) > 2 else _UNKNOWN
