"""Times of a copied clip: what is hidden before its start and behind its end runs fast. Pure.

A copy begins with the pictures from the access point on, which an edit list hides. Some players ignore
the list. So each hidden picture gets about a tick of a fine clock, in the order of showing: whoever
shows them shows them for some milliseconds, and the clip is in step with its sound. The words are those
of ffmpeg's expressions, for its filter `setts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, inf

from clipkit.errors import ModeRefused

_TICKS_PER_S = 1_000_000
_FINER = 10
# 31 bits hold the least offset between decoding and showing that such a clock must know, some minutes.
_MOST_TICKS_PER_S = 20_000_000
MOST_HIDDEN_S = Fraction(1, 100)
# Times of decoding may lie closer to each other than those of showing: so many ticks before these.
_DECODED_BEFORE = 32
_EARLIEST = 16
_MOST_RUNS = 40
_JUST_UNDER = 0.01


@dataclass(frozen=True, slots=True)
class Run:
    """Hidden pictures alike in their distance: from `from_s` on one every `every_s`, at tick `tick` the first
    and at `last_tick` the last."""

    from_s: Fraction
    every_s: Fraction
    tick: int
    last_tick: int


@dataclass(frozen=True, slots=True)
class Squeeze:
    """How times of the upload become a clip's, in ticks. `zero_s` and `end_s`: from when to when it is shown,
    by the clock that ffmpeg reads; before `hidden_until_s` and behind `shown_until_s` pictures are hidden.
    `runs`: of those before, the first one first. `behind`: of those behind, from `end_tick` on,
    which is when the clip is over."""

    ticks_per_s: int
    zero_s: Fraction
    end_s: Fraction
    hidden_until_s: Fraction
    shown_until_s: Fraction
    runs: tuple[Run, ...]
    behind: Run | None
    end_tick: int

    def pts(self) -> str:
        """The expression for when a packet is shown."""
        return self._mapped("PTS")

    def dts(self) -> str:
        """When it is decoded: ascending, and never after it is shown."""
        return f"max(PREV_OUTDTS+1,{self._mapped('DTS')}-{_DECODED_BEFORE})"

    def duration(self, packets: int) -> str:
        """That of the last one ends with the clip; the others' end with the next."""
        return f"if(eq(N,{packets - 1}),{self.end_tick}-{self.dts()},DURATION)"

    def shown(self, times_s: Sequence[float]) -> list[int]:
        """When what the upload shows at these times is shown: what `pts` says, in numbers."""
        zero_s, hidden_s = float(self.zero_s), float(self.hidden_until_s) if self.runs else -inf
        shown_s = float(self.shown_until_s) if self.behind else inf
        runs = [_in_numbers(run) for run in self.runs]
        behind = _in_numbers(self.behind) if self.behind else None
        found = []
        for at_s in times_s:
            run = behind if at_s > shown_s else None
            if at_s < hidden_s:
                run = next((each for each in reversed(runs) if at_s >= each[0]), runs[0])
            if run is None:
                found.append(max(0, round((at_s - zero_s) * self.ticks_per_s)))
            else:
                _, from_s, every_s, tick, last_tick = run
                found.append(min(last_tick, tick + floor((at_s - from_s) / every_s + _JUST_UNDER)))
        return found

    def _mapped(self, time: str) -> str:
        at = f"{time}*TB"
        shown = f"max(0,round(({at}-{_number(self.zero_s)})*{self.ticks_per_s}))"
        words = shown
        if self.behind:
            words = f"if(gt({at},{_number(self.shown_until_s)}),{_in_run(self.behind, at)},{shown})"
        if not self.runs:
            return words
        return f"if(lt({at},{_number(self.hidden_until_s)}),{self._hidden(at)},{words})"

    def _hidden(self, at: str) -> str:
        first, *others = self.runs
        words = f"max({first.tick - _EARLIEST},{_in_run(first, at)})"
        for run in others:
            begun = f"gte({at},{_number(run.from_s - run.every_s / 4)})"
            words = f"if({begun},{_in_run(run, at)},{words})"
        return words


def _in_run(run: Run, at: str) -> str:
    """Times of decoding fall between runs too."""
    return f"min({run.last_tick},{run.tick}+{_floor(at, run.from_s, run.every_s)})"


def _in_numbers(run: Run) -> tuple[float, float, float, int, int]:
    """From when on a time is in it, then the run's own."""
    from_s, every_s = float(run.from_s), float(run.every_s)
    return from_s - every_s / 4, from_s, every_s, run.tick, run.last_tick


def _floor(at: str, from_s: Fraction, every_s: Fraction) -> str:
    """Just under a whole number of distances is a whole number: times are rounded to ticks."""
    return f"floor(({at}-{_number(from_s)})/{_number(every_s)}+{_JUST_UNDER})"


def _number(number: Fraction) -> str:
    """In parentheses, for its sign."""
    return f"({float(number):.15g})"


def clock_for(time_base: Fraction) -> int:
    """Ticks a second in which every time of the upload is whole, about a million; a million where none is."""
    own = time_base.denominator
    return own * ceil(_TICKS_PER_S / own) if own <= _MOST_TICKS_PER_S else _TICKS_PER_S


def run_behind(
    ticks: Sequence[int], time_base: Fraction, end_tick: int, ticks_per_s: int
) -> Run | None:
    """The run of what would be shown at these ticks of the upload, which ascend, from `end_tick` on. Raises
    ModeRefused where their distances are too unlike."""
    if not ticks:
        return None
    if _takes(ticks) > int(MOST_HIDDEN_S * ticks_per_s) // 2:
        raise ModeRefused(
            f"{len(ticks)} pictures behind a clip would have to be hidden, too unevenly spaced to be hidden "
            "briefly: use --mode encode"
        )
    return _run(ticks, time_base, end_tick)


def runs_of(
    ticks: Sequence[int], time_base: Fraction, ticks_per_s: int
) -> tuple[tuple[Run, ...], int]:
    """Runs that together last as briefly as they must, and their clock: finer where it has to be.

    `ticks` are of the upload, and ascend. Raises ModeRefused where their distances are too unlike.
    """
    for clock in (ticks_per_s, ticks_per_s * _FINER):
        most = int(MOST_HIDDEN_S * clock) - 2 * _DECODED_BEFORE
        parts = _parted(ticks, most) if clock <= _MOST_TICKS_PER_S else None
        if parts is not None:
            return _numbered(parts, time_base), clock
    raise ModeRefused(
        f"{len(ticks)} pictures before a clip would have to be hidden, too unevenly spaced to be hidden "
        "briefly: use --mode encode"
    )


def _parted(ticks: Sequence[int], most: int) -> list[Sequence[int]] | None:
    """Parted where that shortens them most, until they take at most that many ticks of the clip."""
    parts = [ticks] if ticks else []
    takes = [_takes(part) for part in parts]
    while sum(takes) > most:
        worst = max(range(len(parts)), key=takes.__getitem__)
        pieces = _pieces(parts[worst])
        if len(pieces) < 2 or len(parts) >= _MOST_RUNS:
            return None
        parts[worst : worst + 1] = pieces
        takes[worst : worst + 1] = map(_takes, pieces)
    return parts


def _pieces(part: Sequence[int]) -> list[Sequence[int]]:
    """The closest two with all beside them that are about as close, and what is left on either side."""
    gaps = [later - earlier for earlier, later in pairwise(part)]
    low = high = min(range(len(gaps)), key=gaps.__getitem__, default=0)
    while low and gaps[low - 1] <= 2 * gaps[low]:
        low -= 1
    while high + 1 < len(gaps) and gaps[high + 1] <= 2 * gaps[high]:
        high += 1
    pieces = (part[:low], part[low : high + 2], part[high + 2 :])
    return [piece for piece in pieces if piece]


def _takes(part: Sequence[int]) -> int:
    return (part[-1] - part[0]) // _every(part) + 1


def _every(part: Sequence[int]) -> int:
    return min((later - earlier for earlier, later in pairwise(part)), default=1)


def _run(part: Sequence[int], time_base: Fraction, tick: int) -> Run:
    last_tick = tick + _takes(part) - 1
    return Run(part[0] * time_base, _every(part) * time_base, tick, last_tick)


def _numbered(parts: Sequence[Sequence[int]], time_base: Fraction) -> tuple[Run, ...]:
    """The last one ends a tick before the clip."""
    runs: list[Run] = []
    tick = 0
    for part in reversed(parts):
        tick -= _takes(part)
        runs.append(_run(part, time_base, tick))
    return tuple(reversed(runs))
