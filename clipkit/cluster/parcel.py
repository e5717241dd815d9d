"""What travels to a cluster's machines, and who makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from clipkit.trial.asked import Trial


@dataclass(frozen=True, slots=True)
class Parcel:
    """What travels to be run by a Python there: a zip application, and the words to start it with."""

    content: bytes
    words: tuple[str, ...] = ()


class Packer(Protocol):
    """Makes what travels."""

    def look(self) -> Parcel:
        """Tells whether the machine can hold the plan: its one line is a `Ready`."""
        ...

    def block(self, trials: Sequence[Trial]) -> Parcel:
        """Runs these, one after the other, warm-ups first; prints of each that it began and how it ended."""
        ...
