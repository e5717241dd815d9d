"""What the engine was asked to reach, and whether its runs say that it does. Pure.

"At least N x" is met where the lower 95 % limit of five adjacent pairs or more says so; of fewer it is said how many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import kept
from cases import FLOOR, FLUENT, SKETCH, XARGS
from kept import MEASURING, Run

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate, mean, paired_ratio

PAIRS_ASKED = 5
_NO_SLOWER = 1.05
_FLOORS, _MORE_S = 1.5, 0.3
_BEST = "the best re-encode"
# Ways that re-encode whole clips, ours too.
_REENCODE = (FLUENT, XARGS, "encode")

Sessions = Mapping[str, Sequence[Run]]


@dataclass(frozen=True)
class Goal:
    """`subject` at least `asked` times as fast as `beside` on a job. `asked` None: what it comes to is told."""

    case: str
    subject: str
    beside: str
    asked: float | None

    @property
    def words(self) -> str:
        if self.asked is None:
            return f"`{self.subject}` beside {self._other}"
        if self.asked == 1:
            return f"`{self.subject}` no slower than {self._other}"
        return f"`{self.subject}` {self.asked:g} times as fast as {self._other}"

    @property
    def least(self) -> float | None:
        """What the lower limit has to reach: "no slower" leaves a margin."""
        return 1 / _NO_SLOWER if self.asked == 1 else self.asked

    @property
    def _other(self) -> str:
        return {XARGS: "`xargs` at its best", _BEST: _BEST}.get(self.beside, f"`{self.beside}`")


GOALS: tuple[Goal, ...] = (
    Goal("w1", "copy", SKETCH, 300),
    Goal("w1", "copy", FLOOR, None),
    Goal("w1", "smart", SKETCH, 13),
    Goal("w1", "encode", SKETCH, 12),
    Goal("w1", "encode", XARGS, 1),
    Goal("30s", "smart", _BEST, 3),
    Goal("60s", "smart", _BEST, 5),
    Goal("starter", "smart", FLUENT, 2),
    Goal("starter", "copy", FLUENT, 60),
    Goal("starter-scaled", "encode", FLUENT, None),
    Goal("starter-cropped", "encode", FLUENT, None),
)


def told(goal: Goal, runs: Sequence[Run]) -> tuple[str, str, str]:
    """What was asked, what was found, and the verdict."""
    if goal.beside == FLOOR:
        return _near_the_floor(runs)
    found = found_pairs(goal, runs)
    if not found:
        return goal.words, "", "not measured"
    estimate = paired_ratio([one.wall_s for one, _ in found], [own.wall_s for _, own in found])
    words = f"{fmt.ratio(estimate.value)}{fmt.interval(estimate.interval, fmt.ratio)}"
    return goal.words, words, _verdict(goal.least, estimate)


def found_pairs(goal: Goal, runs: Sequence[Run]) -> list[tuple[Run, Run]]:
    """Of the other that is the best of its kind, and of the goal's own."""
    own = _of(runs, goal.subject)
    kinds = (
        [kind for kind in _REENCODE if kind != goal.subject]
        if goal.beside == _BEST
        else [goal.beside]
    )
    sides = [kept.pairs(_of(runs, kind), own) for kind in kinds]
    known = [side for side in sides if side]
    return min(known, key=lambda side: mean([one.wall_s for one, _ in side]).value, default=[])


def _of(runs: Sequence[Run], kind: str) -> list[Run]:
    return [
        run
        for run in runs
        if run.purpose == MEASURING and (run.subject == kind or run.subject.startswith(f"{kind}-"))
    ]


def _verdict(least: float | None, found: Estimate) -> str:
    if least is None:
        return "told"
    if found.interval is None:
        return "not decided: one pair"
    if found.interval[1] < least:
        return "not met"
    if found.interval[0] < least:
        return "not decided"
    return "met" if found.n >= PAIRS_ASKED else f"met, by {found.n} pairs of {PAIRS_ASKED}"


def _near_the_floor(runs: Sequence[Run]) -> tuple[str, str, str]:
    """Relative to what is allowed beside each floor, so that 1 is just enough."""
    asked = f"`copy` within {_FLOORS:g} stream copies and {_MORE_S:g} s"
    found = kept.pairs(_of(runs, FLOOR), _of(runs, "copy"))
    if not found:
        return asked, "", "not measured"
    allowed = [_FLOORS * floor.wall_s + _MORE_S for floor, _ in found]
    own = [run.wall_s for _, run in found]
    room = paired_ratio(allowed, own)
    said = f"{fmt.seconds(mean(own).value)} of {fmt.seconds(mean(allowed).value)}"
    return asked, said, _verdict(1.0, room)


def rows(sessions: Sessions) -> list[tuple[str, ...]]:
    return [(goal.case, *told(goal, sessions.get(goal.case, ()))) for goal in GOALS]
