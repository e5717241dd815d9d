"""Programs to give as FFMPEG: each records the argv of a clip, does something, becomes the real one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from running import until

_SCRIPT = """\
#!/bin/sh
# What cuts no clip (-version, -formats) is the real one at once.
case " $* " in *" -i "*) ;; *) exec {real} "$@" ;; esac
printf '%s\\0' "$@" > {folder}/$$.part
mv {folder}/$$.part {folder}/$$.argv
{body}
exec {real} "$@"
"""

HELD = "[ ! -e {folder}/hold ] || read -r _ < {folder}/hold || :"
"""Waits as long as the launcher is held, then cuts. It starts no other program for that: one between its
fork and its exec would pass for an ffmpeg."""


@dataclass(frozen=True)
class Launcher:
    folder: Path
    _open: list[int] = field(default_factory=list)

    @classmethod
    def made(cls, folder: Path, real: str, body: str = "") -> Launcher:
        folder.mkdir()
        own = cls(folder)
        told = body.replace("{folder}", str(folder)).replace("{real}", real)
        own.path.write_text(_SCRIPT.format(real=real, folder=folder, body=told), "utf-8")
        own.path.chmod(0o755)
        return own

    @property
    def path(self) -> Path:
        return self.folder / "ffmpeg"

    def hold(self) -> None:
        """By a pipe: whoever opens it waits for a writer."""
        os.mkfifo(self.folder / "hold")

    def release(self) -> None:
        """A line for each that waits; the pipe stays open for one that is on its way to it."""
        gate = self.folder / "hold"
        self._open.append(os.open(gate, os.O_RDWR))
        os.write(self._open[-1], b"\n" * 100)
        gate.unlink()

    def close(self) -> None:
        for descriptor in self._open:
            os.close(descriptor)

    def pids(self) -> list[int]:
        """Of the clips, in the order in which they began; ended or not."""
        return [int(file.stem) for file in self._records()]

    def argvs(self) -> list[list[str]]:
        """Of the clips, in the order in which they began, without the program."""
        return [file.read_text("utf-8").split("\0")[:-1] for file in self._records()]

    def starts_s(self) -> list[float]:
        """Where each clip that began was to start."""
        return [float(argv[argv.index("-ss") + 1]) for argv in self.argvs()]

    def began(self, clips: int) -> None:
        until(lambda: len(self._records()) >= clips)

    def _records(self) -> list[Path]:
        return sorted(self.folder.glob("*.argv"), key=lambda file: file.stat().st_mtime_ns)
