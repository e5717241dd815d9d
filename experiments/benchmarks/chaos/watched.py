"""One command with all that it has started: which of its processes is what, and what is left of them."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_MARK = "CHAOS_MARK"  # what is named after clipkit, it does not hand on to servers
_LOOK_S = 0.02

TARGETS: Mapping[str, Callable[[list[bytes]], bool]] = {
    "cli": lambda words: b"clipkit" in words and not any(b"engine" in word for word in words),
    "supervisor": lambda words: any(b"background=True" in word for word in words),
    "papermill": lambda words: b"papermill" in words,
    "kernel": lambda words: any(b"ipykernel" in word for word in words),
    "engine": lambda words: any(b"clipkit.engine" in word for word in words),
    "ffmpeg": lambda words: b"-i" in words and b"ffmpeg" in words[0],
    "server": lambda words: words[-2:][0].endswith(b"server.py"),
    "describe": lambda words: any(b"clipkit.media.describe" in word for word in words),
}
"""By their command lines. `group` is all of them."""


@dataclass
class Command:
    """`clipkit WORDS`, or another argv; each process that it starts inherits its mark."""

    argv: Sequence[str]
    folder: Path
    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """What it says goes into a file: nobody has to read it while something is done to it."""
        (self.folder / "tmp").mkdir(exist_ok=True)
        environment = os.environ | {
            _MARK: self.mark,
            "TMPDIR": str(self.folder / "tmp"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "CLIPKIT_ACCEPT_NOISE": "1",
        }
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                self.argv,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                text=True,
                start_new_session=True,
            )

    @property
    def said(self) -> Path:
        return self.folder / f"said-{self.mark}.txt"

    @property
    def last_line(self) -> str:
        lines = self.said.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def ended(self, patience_s: float) -> int | None:
        """Its exit code; None: it has not ended by then."""
        assert self.process is not None
        try:
            return self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return None

    def found(self, target: str) -> list[int]:
        """The processes of that kind that live now."""
        living = self.living()
        if target == "group":
            return sorted(living)
        return sorted(pid for pid, words in living.items() if TARGETS[target](words))

    def await_(self, target: str, patience_s: float) -> list[int]:
        """Until there are such; none where the command has ended or the time is over."""
        assert self.process is not None
        deadline_s = time.monotonic() + patience_s
        while time.monotonic() < deadline_s and self.process.poll() is None:
            if pids := self.found(target):
                return pids
            time.sleep(_LOOK_S)
        return []

    def living(self) -> dict[int, list[bytes]]:
        """Every process that bears its mark, no zombie, with its command line."""
        found: dict[int, list[bytes]] = {}
        wanted = f"{_MARK}={self.mark}".encode()
        for name in os.listdir("/proc"):  # noqa: PTH208
            if not name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if wanted in Path("/proc", name, "environ").read_bytes().split(b"\0"):
                    words = Path("/proc", name, "cmdline").read_bytes().split(b"\0")
                    if words[0]:
                        found[int(name)] = words
        return found

    def orphans(self, patience_s: float) -> list[str]:
        """What still lives after the command has ended; each has so long to end by itself."""
        deadline_s = time.monotonic() + patience_s
        while (left := self.living()) and time.monotonic() < deadline_s:
            time.sleep(_LOOK_S)
        return [f"{pid}: {b' '.join(words)[:120].decode()}" for pid, words in left.items()]

    def clean_up(self) -> None:
        for pid in self.living():
            send(pid, signal.SIGKILL)
        if self.process:
            self.process.wait()


def send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def clipkit_words(*words: object) -> list[str]:
    return [sys.executable, "-P", "-m", "clipkit", *map(str, words)]
