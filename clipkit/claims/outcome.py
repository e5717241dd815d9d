"""From what conditions say together to an outcome. Pure.

"Depends" is true only where a division is shown. Else all conditions are one, and their mean decides;
not where most levels decide nothing, and not where two of them contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clipkit.claims.verdict import Effect, Finding, LevelFinding, Outcome, Reading


@dataclass(frozen=True, slots=True)
class Concluded:
    """`why`: what kept it from being decided; empty where it is."""

    outcome: Outcome
    finding: Finding | None
    why: str = ""


def outcome_of(
    judged: Sequence[Effect],
    together: LevelFinding | None,
    readings: Sequence[Reading],
    shown: Sequence[Reading],
) -> Concluded:
    """`judged`: what the claim speaks of; `together`: those to which it applies, as one (None: none);
    `readings`: the same by each factor; `shown`: those of these by which a division is shown."""
    if not judged:
        return Concluded(Outcome.NOT_MEASURED, None)
    if together is None:
        return Concluded(Outcome.DOES_NOT_APPLY, Finding.DOES_NOT_APPLY)
    if shown:
        return Concluded(Outcome.DEPENDS, None)
    if against := _contradiction(readings):
        return Concluded(Outcome.NOT_DECIDED, Finding.NOT_DECIDED, against)
    if together.holds is None:
        return Concluded(Outcome.NOT_DECIDED, Finding.NOT_DECIDED, together.why)
    if readings and _mostly_undecided(readings[0]):
        why = f"most levels of {readings[0].factor} decide nothing"
        return Concluded(Outcome.NOT_DECIDED, Finding.NOT_DECIDED, why)
    outcome = Outcome.CONFIRMED if together.holds else Outcome.REFUTED
    return Concluded(outcome, together.finding)


def _mostly_undecided(reading: Reading) -> bool:
    undecided = sum(level.holds is None for level in reading.levels)
    return 2 * undecided > len(reading.levels)


def _contradiction(readings: Sequence[Reading]) -> str:
    for reading in readings:
        if {True, False} <= {level.holds for level in reading.levels}:
            return f"it differs by {reading.factor}, which noise alone may do"
    return ""
