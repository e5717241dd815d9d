"""A part of a ceiling that is made of control groups: groups inside those."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from clipkit.ceiling import groups
from clipkit.ceiling.base import Part, Usage


class GroupReadings(Protocol):
    """The files that say what is inside a group, or inside those of one name in several hierarchies."""

    def usage(self) -> Usage: ...

    def close(self) -> None: ...


class GroupPart(Part):
    """`folders` are its groups; `beside` those of the ceiling that are not divided, which a process
    that comes from outside has to enter too."""

    def __init__(
        self, folders: Sequence[Path], beside: Sequence[Path], readings: GroupReadings
    ) -> None:
        self.folders = tuple(folders)
        self._beside = tuple(beside)
        self._readings = readings
        self._last: Usage | None = None

    @property
    def entrances(self) -> Sequence[Path]:
        return [folder / "cgroup.procs" for folder in self.folders]

    def wrap(self, argv: Sequence[str]) -> list[str]:
        beside = [folder / "cgroup.procs" for folder in self._beside]
        return groups.enter_argv([*beside, *self.entrances], argv)

    def usage(self) -> Usage:
        return self._last or self._readings.usage()

    def close(self) -> None:
        """Of a part in which nothing runs any more. May be called twice."""
        if self._last is None:
            self._last = self._readings.usage()
            self._readings.close()
        for folder in self.folders:
            groups.remove(folder)
