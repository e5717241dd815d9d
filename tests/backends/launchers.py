"""Programs to give as FFMPEG: each records the argv of a clip, does something, becomes the real one."""

from __future__ import annotations

from dataclasses import dataclass
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

HELD = "while [ -e {folder}/hold ]; do sleep 0.01; done"
"""Waits as long as the launcher is held, then cuts."""


@dataclass(frozen=True)
class Launcher:
    folder: Path

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
        (self.folder / "hold").touch()

    def release(self) -> None:
        (self.folder / "hold").unlink()

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
