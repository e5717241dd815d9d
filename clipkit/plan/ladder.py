"""What a clip gives up, and in which order, where it does not fit the memory that its host leaves. Pure.

First what costs the least time for each MB that it frees, as `experiments/benchmarks/memory_model ladder` measures
it (`results/memory/ladder.txt`): B-frames save CPU where they are left out, and further references save most, but
free nothing while there are B-frames; looking ahead costs next to none, or a little. All three pay in bytes of
the clip. Threads take CPU too, but they are what makes one clip quick, and they come last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from clipkit import format as fmt
from clipkit.errors import CeilingError
from clipkit.media.avc import Avc
from clipkit.model.held import (
    beside_copies,
    decoder_threads_alone,
    encoder_of,
    encoder_threads_alone,
)
from clipkit.plan.auto import SMART
from clipkit.plan.task import Attempt, Task
from clipkit.settings import Settings

_SHORTEST_LOOKAHEAD = 10
"""Half of less is not worth having: then none."""


@dataclass(frozen=True, slots=True)
class Rung:
    """Settings, and how they differ from what was asked; `beside_copies`: and how pictures do that are encoded to go
    with copied ones, whose B-frames the upload decides."""

    settings: Settings
    change: str | None = None
    beside_copies: str | None = None

    def change_of(self, mode: str | None) -> str | None:
        """None: that of the settings."""
        return self.beside_copies if (mode or self.settings.mode) == SMART else self.change


@dataclass(frozen=True, slots=True)
class Room:
    """What there is for clips, `for_clips_bytes` of a host's `memory_bytes`."""

    memory_bytes: int
    for_clips_bytes: int

    @property
    def words(self) -> str:
        return f"{fmt.size(self.memory_bytes)} leave {fmt.size(max(0, self.for_clips_bytes))}"


def rungs(settings: Settings, cores: int, avc: Avc | None = None) -> list[Rung]:
    """The settings as asked for, and then less and less; `cores`: what ffmpeg sees, `avc`: how the upload is
    coded."""
    asked, found = settings, [Rung(settings)]
    for lower in _lowered(settings, cores):
        beside = _change(beside_copies(asked, avc), beside_copies(lower, avc), cores)
        found.append(Rung(lower, _change(asked, lower, cores), beside or None))
    return found


def _lowered(settings: Settings, cores: int) -> Iterator[Settings]:
    """Each is what the one before it is, but for one step more."""
    if encoder_of(settings).bframes:
        settings = replace(settings, bframes=0)
        yield settings
    if encoder_of(settings).refs > 1:
        settings = replace(settings, refs=1)
        yield settings
    while (told := encoder_of(settings)).mbtree:
        half = told.lookahead // 2
        if half >= _SHORTEST_LOOKAHEAD:
            settings = replace(settings, lookahead=half)
        else:
            settings = replace(settings, lookahead=0, mbtree=False)
        yield settings
    while (threads := settings.decoder_threads or decoder_threads_alone(cores)) > 1:
        settings = replace(settings, decoder_threads=_half(threads))
        yield settings
    while (threads := settings.encoder_threads or encoder_threads_alone(cores)) > 1:
        settings = replace(settings, encoder_threads=_half(threads))
        yield settings


def _half(threads: int) -> int:
    return (threads + 1) // 2


def _change(asked: Settings, lower: Settings, cores: int) -> str:
    was, told = encoder_of(asked), encoder_of(lower)
    alone = (decoder_threads_alone(cores), encoder_threads_alone(cores))
    pairs = (
        ("B-frames", was.bframes, told.bframes),
        ("references", was.refs, told.refs),
        ("lookahead", was.lookahead, told.lookahead),
        (
            "decoder threads",
            asked.decoder_threads or alone[0],
            lower.decoder_threads or alone[0],
        ),
        (
            "encoder threads",
            asked.encoder_threads or alone[1],
            lower.encoder_threads or alone[1],
        ),
    )
    return ", ".join(
        f"{what} {before} to {after}" for what, before, after in pairs if before != after
    )


Ladder = Sequence[tuple[Rung, Sequence[Task]]]


def tasks_that_fit(
    ladder: Ladder, room: Room | None, instead: Callable[[], Ladder] | None = None
) -> list[Task]:
    """One task a clip, out of those of every rung: on the highest that fits the room alone, the lower ones
    behind it for a process that dies all the same. None: whatever room it needs. `instead`: another ladder for
    the clips that do not fit on this one.

    Raises CeilingError where a clip does not fit on the lowest: it is not begun, since on many hosts all that
    runs there would die with it.
    """
    found = []
    for place in range(len(ladder[0][1])):
        try:
            found.append(_on_the_ladder(_of(ladder, place), room))
        except CeilingError:
            if instead is None:
                raise
            found.append(_on_the_ladder(_of(instead(), place), room))
    return found


def _of(ladder: Ladder, place: int) -> list[tuple[Rung, Task]]:
    return [(rung, tasks[place]) for rung, tasks in ladder]


def _on_the_ladder(ladder: Sequence[tuple[Rung, Task]], room: Room | None) -> Task:
    asked = ladder[0][1]
    lower = [pair for pair in ladder if room is None or _need(pair[1]) <= room.for_clips_bytes]
    if not lower:
        raise CeilingError(_too_small(ladder, room))
    why = (
        None
        if lower[0][1] is asked or room is None
        else f"{room.words}, one clip needs {_needs(asked)}"
    )
    attempts: list[Attempt] = []
    least_bytes = None
    number = 0
    for rung, task in lower:
        dearest_bytes = max(_need(task), *(each.needs_bytes or 0 for each in task.attempts))
        if least_bytes is not None and dearest_bytes >= least_bytes:
            continue  # what it gives up frees nothing here
        fitting = [
            each
            for each in task.attempts
            if room is None or (each.needs_bytes or 0) <= room.for_clips_bytes
            if not attempts or each.encoded_frames != 0  # a copy is no other on a lower rung
        ]
        new = [each for each in fitting if all(each.steps != told.steps for told in attempts)]
        if attempts and new[:1] != fitting[:1]:  # it begins with what was tried, word for word
            if rung is not lower[-1][0]:
                continue
            fitting = new  # the last resort
        least_bytes = dearest_bytes
        attempts += [replace(each, rung=number, change=_words(rung, why, each)) for each in fitting]
        number += any(each.encoded_frames != 0 for each in fitting)
    return replace(lower[0][1], attempts=tuple(attempts))


def _words(rung: Rung, why: str | None, attempt: Attempt) -> str | None:
    if attempt.encoded_frames == 0:  # a copy gives up nothing
        return attempt.change
    given_up = rung.change_of(attempt.mode)
    stepped = f"{given_up}: {why}" if given_up and why else given_up
    return "; ".join(words for words in (attempt.change, stepped) if words) or None


def _too_small(ladder: Sequence[tuple[Rung, Task]], room: Room | None) -> str:
    least, task = min(ladder, key=lambda pair: _need(pair[1]))
    change = least.change_of(task.attempts[0].mode)
    given_up = f" with {change}" if change else ""
    assert room is not None  # noqa: S101 (without one everything fits)
    enough = room.memory_bytes + _need(task) - room.for_clips_bytes
    return (
        f"too little memory: {room.words} for clips, and one needs {_needs(task)}{given_up}: take a host of {fmt.size(enough)}, "
        "reserve less, or make the clips smaller with --scale-height"
    )


def _need(task: Task) -> int:
    return task.predicted_bytes or 0


def _needs(task: Task) -> str:
    return fmt.size(_need(task))
