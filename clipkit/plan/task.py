"""A task: what the engine is told to do. Stdlib only: the engine reads it inside the host."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

# Stands in an argv for the file to write. A NUL can be in no file's name, so no upload can forge it.
OUTPUT = "\0output\0"
_SCRATCH = re.compile("\0scratch:([A-Za-z0-9][A-Za-z0-9._-]*)\0")
_BESIDE = re.compile("\0beside:([A-Za-z0-9][A-Za-z0-9._-]*)\0")


def scratch(name: str) -> str:
    """Stands in an argv for a file of the task's own, which is gone when the clip ends."""
    placeholder = f"\0scratch:{name}\0"
    if not _SCRATCH.fullmatch(placeholder):
        raise ValueError(f"'{name}' is no plain name for a scratch file")
    return placeholder


POSTER = scratch("poster.jpg")
"""Stands in an argv for the clip's poster."""


def output_beside(name: str) -> str:
    """Stands in an argv for another clip that the same process writes, in the folder of OUTPUT."""
    return f"\0beside:{name}\0"


def filled(word: str, output: str, scratch_folder: str) -> str:
    """A word of an argv with real files in the places of OUTPUT, of clips beside it, and of scratch files."""
    word = _SCRATCH.sub(lambda found: f"{scratch_folder}/{found[1]}", word)
    word = _BESIDE.sub(lambda found: posixpath.join(posixpath.dirname(output), found[1]), word)
    return word.replace(OUTPUT, output)


@dataclass(frozen=True, slots=True)
class Run:
    """A step that is a process."""

    argv: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Where placeholders may stand."""
        return self.argv


@dataclass(frozen=True, slots=True)
class Patch:
    """A step that the engine does itself: a named act on a file (`clipkit.engine.patches`). `apart`: in a process of
    its own, held to the same as an ffmpeg, since it reads an upload."""

    name: str
    arguments: Mapping[str, str | int | float]
    apart: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(value for value in self.arguments.values() if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class Check:
    """A step that is a process which looks at what the steps before have made, and fails where it is `wrong`,
    in words. Not `always`: only where one of these complained."""

    argv: tuple[str, ...]
    wrong: str
    always: bool

    @property
    def words(self) -> tuple[str, ...]:
        return self.argv


Step = Run | Patch | Check


@dataclass(frozen=True, slots=True)
class Expected:
    """What a right output of one attempt is, where another attempt's is otherwise; each as in `Task`."""

    frames_stored: int | None
    size: tuple[int, int] | None
    damage: str | None
    hides: Hides | None

    @classmethod
    def of(cls, task: Task) -> Expected:
        return cls(task.frames_stored, task.size, task.damage, task.hides)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Expected:
        size, hides = document["size"], document["hides"]
        known = {"size": size and tuple(size), "hides": hides and Hides(**hides)}
        return cls(**{**document, **known})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to make a clip: a chain of steps, done in order, which leave the clip at OUTPUT.

    `change` says how what it makes, or the way to it, differs from what was asked; None: it does not. Behind
    it the engine says why the attempt before did not do. `rung`: the higher, the less memory it needs.
    `encoded_frames`: how many of the clip's pictures are encoded anew, not copied; None: unknown. `mode`: how
    it cuts, where the settings leave that open. `needs_bytes`: the memory that it takes, where that is more than the
    task's; `expected`: what its output is, where that is not what the task says. `cut_with`: the numbers of the other
    clips that its one process makes, each told of as a task of its own.
    """

    steps: tuple[Step, ...]
    change: str | None = None
    rung: int = 0
    encoded_frames: int | None = None
    mode: str | None = None
    needs_bytes: int | None = None
    expected: Expected | None = None
    cut_with: tuple[int, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """What the event of a clip tells of the attempt that made it."""
        return {
            "encoded_frames": self.encoded_frames,
            "mode": self.mode,
            "cut_with": self.cut_with,
            "by_engine": not any(isinstance(step, Run) for step in self.steps),
        }

    @property
    def uses_scratch(self) -> bool:
        return any(_SCRATCH.search(word) for step in self.steps for word in step.words)


@dataclass(frozen=True, slots=True)
class Heard:
    """Of a clip's sound: from when to when, in seconds, and how far off either may be."""

    from_s: float
    to_s: float
    slack_s: float


@dataclass(frozen=True, slots=True)
class Hides:
    """How long at most a right output shows pictures, and has sound, to who ignores its edit lists and so
    sees and hears what these hide. In seconds."""

    pictures_s: float
    sound_s: float


@dataclass(frozen=True, slots=True)
class Timing:
    """When a right output shows its frames, from 0 on: `runs` are numbers of frames, and for how many
    ticks each of these stands. A tick is a fraction of a second, its two numbers. `heard` None: the
    sound's times are not judged.
    """

    tick_s: tuple[int, int]
    runs: tuple[tuple[int, int], ...]
    heard: Heard | None = None

    @property
    def frames(self) -> int:
        return sum(frames for frames, _ in self.runs)

    def shown_s(self) -> Iterator[float]:
        """When each frame is shown, and at last when the clip ends."""
        ticks, (numerator, denominator) = 0, self.tick_s
        for frames, lasts in self.runs:
            for _ in range(frames):
                yield ticks * numerator / denominator
                ticks += lasts
        yield ticks * numerator / denominator

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Timing:
        runs = tuple((frames, lasts) for frames, lasts in document["runs"])
        heard = document["heard"] and Heard(**document["heard"])
        numerator, denominator = document["tick_s"]
        return cls((numerator, denominator), runs, heard)


@dataclass(frozen=True, slots=True)
class Task:
    """One clip to make. The attempts are tried in order until one gives a right output: one that failed is
    followed by the next of its rung, one that memory ran out for by the first of a higher one.

    `frames_stored` is how many frames a right output holds, `frames_shown` how many of them its
    edit list shows, `size` its pixels in width and height, `timing` when it shows its frames; None:
    recorded, not judged. Where the numbers of frames are None nothing at all is judged (a baseline).
    `predicted_bytes` is the memory that one attempt takes at most; None: unknown.
    `max_output_bytes` bounds every file that the attempt writes. `poster`: the name of the picture that it
    leaves as POSTER beside the clip; None: it makes none. `damage`: a pattern for what an ffmpeg that ends
    well says where the clip is not right all the same. `reads`: what of the disk its processes may read,
    besides their own folder and the system's programmes; None: they are not held to anything. `hides`: of
    an output that hides some of what it holds; None: how long that lasts is not judged.
    """

    number: int
    output: str
    attempts: tuple[Attempt, ...]
    frames_stored: int | None
    frames_shown: int | None
    predicted_bytes: int | None
    max_output_bytes: int
    size: tuple[int, int] | None = None
    poster: str | None = None
    timing: Timing | None = None
    damage: str | None = None
    reads: tuple[str, ...] | None = None
    hides: Hides | None = None

    @property
    def judged(self) -> bool:
        return (self.frames_stored, self.frames_shown, self.timing) != (None, None, None)

    def of(self, attempt: Attempt) -> Task:
        """With what is expected of that attempt."""
        told = attempt.expected
        if told is None:
            return self
        return replace(
            self,
            frames_stored=told.frames_stored,
            size=told.size,
            damage=told.damage,
            hides=told.hides,
        )

    def to_json(self) -> dict[str, Any]:
        attempts = [
            {**asdict(attempt), "steps": [_step_to_json(step) for step in attempt.steps]}
            for attempt in self.attempts
        ]
        return {**asdict(self), "attempts": attempts}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Task:
        attempts = tuple(
            Attempt(
                **{
                    **entry,
                    "steps": tuple(map(_step_from_json, entry["steps"])),
                    "expected": entry["expected"] and Expected.from_json(entry["expected"]),
                    "cut_with": tuple(entry["cut_with"]),
                }
            )
            for entry in document["attempts"]
        )
        size = document["size"] and tuple(document["size"])
        timing = document["timing"] and Timing.from_json(document["timing"])
        reads = document["reads"] if document["reads"] is None else tuple(document["reads"])
        hides = document["hides"] and Hides(**document["hides"])
        read = {
            "attempts": attempts,
            "size": size,
            "timing": timing,
            "reads": reads,
            "hides": hides,
        }
        return cls(**{**document, **read})


def _step_to_json(step: Step) -> dict[str, Any]:
    if isinstance(step, Run):
        return {"run": list(step.argv)}
    if isinstance(step, Check):
        return {"check": list(step.argv), "wrong": step.wrong, "always": step.always}
    return {"patch": step.name, "arguments": dict(step.arguments), "apart": step.apart}


def _step_from_json(document: dict[str, Any]) -> Step:
    if "run" in document:
        return Run(tuple(document["run"]))
    if "check" in document:
        return Check(tuple(document["check"]), document["wrong"], document["always"])
    return Patch(document["patch"], document["arguments"], document["apart"])
