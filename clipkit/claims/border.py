"""On what a claim depends, in words: which levels say what, and between which the border lies. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from clipkit.claims.verdict import Finding, LevelFinding, Reading
from clipkit.claims.words import and_listed

Named = Mapping[Finding, str]
"""What a finding means of a claim, where that has words of its own."""


def depends_on(
    shown: Sequence[Reading], predicted: Mapping[str, str], named: Named | None = None
) -> str | None:
    """`the host's CPU: less than claimed up to 1 CPU, as claimed at 2 CPU; the border lies between 1 CPU
    and 2 CPU`. Several factors where the conditions cannot tell them apart. `predicted`: factor -> where a
    law puts the border. None where nothing is shown."""
    if not shown:
        return None
    said = [
        _reading_words(reading, predicted.get(reading.factor, ""), named or {}) for reading in shown
    ]
    if len(said) == 1:
        return said[0]
    return f"{', or '.join(said)} (the conditions measured do not tell these apart)"


def _reading_words(reading: Reading, predicted: str, named: Named) -> str:
    decided = [level for level in reading.levels if level.holds is not None]
    if any(level.value is None for level in decided):
        told = _unordered(decided, named)
    else:
        told = [
            f"{named.get(own[0].finding, own[0].finding)} {_at(own, decided)}"
            for own in _runs(decided, _finding)
        ]
    border = _border(decided)
    nothing = [level.words for level in reading.levels if level.holds is None]
    parts = [f"{reading.factor}: {', '.join(told)}"]
    if border:
        parts.append(f"{border} ({predicted})" if predicted else border)
    if nothing:
        parts.append(f"{and_listed(nothing)} decided nothing")
    return "; ".join(parts)


def _unordered(levels: Sequence[LevelFinding], named: Named) -> list[str]:
    findings = sorted({level.finding for level in levels}, key=str)
    return [
        f"{named.get(finding, finding)} with {and_listed(level.words for level in levels if level.finding is finding)}"
        for finding in findings
    ]


def _at(own: Sequence[LevelFinding], decided: Sequence[LevelFinding]) -> str:
    """`at 2 CPU`, `up to 1 CPU`, `from 1 CPU on`, `at 12 s to 30 s`."""
    first, last = own[0], own[-1]
    if first is last:
        return f"at {first.words}"
    if first is decided[0]:
        return f"up to {last.words}"
    if last is decided[-1]:
        return f"from {first.words} on"
    return f"at {first.words} to {last.words}"


def _border(decided: Sequence[LevelFinding]) -> str:
    """An interval: nothing is known of what lies between two levels. Empty where the levels have no order,
    or where they alternate."""
    sides = _runs(decided, _side)
    if len(sides) != 2 or any(level.value is None for level in decided):
        return ""
    return f"the border lies between {sides[0][-1].words} and {sides[1][0].words}"


def _finding(level: LevelFinding) -> object:
    return level.finding


def _side(level: LevelFinding) -> object:
    return level.holds


def _runs(
    levels: Sequence[LevelFinding], key: Callable[[LevelFinding], object]
) -> list[list[LevelFinding]]:
    return [list(own) for _, own in groupby(levels, key)]
