"""A task: what the engine is told to do. Stdlib only: the engine reads it inside the host."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# Stands in an argv for the file to write. A NUL can be in no file's name, so no upload can forge it.
OUTPUT = "\0output\0"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to make a clip: a chain of argv, run in order; the last writes the clip.

    `change` says how a fallback differs from what was asked; None for the first attempt.
    """

    steps: tuple[tuple[str, ...], ...]
    change: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One clip to make. The attempts are tried in order until one gives a right output.

    `frames` is how many frames a right output holds; None: recorded, not judged (a baseline).
    `predicted_bytes` is the anonymous memory that one attempt needs; None: unknown.
    `max_output_bytes` bounds every file that the attempt writes.
    """

    number: int
    output: str
    attempts: tuple[Attempt, ...]
    frames: int | None
    predicted_bytes: int | None
    max_output_bytes: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Task:
        attempts = tuple(
            Attempt(tuple(tuple(step) for step in entry["steps"]), entry["change"])
            for entry in document["attempts"]
        )
        return cls(**{**document, "attempts": attempts})
