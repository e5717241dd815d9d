"""A claim's effects as one, and by the levels of each factor: alike conditions are pooled first. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from clipkit.analysis.interaction import deviate, gail_simon_p, of_several
from clipkit.analysis.pooling import Pooled, pool_levels
from clipkit.analysis.statistics import Estimate
from clipkit.claims.factors import Factor, Level
from clipkit.claims.rules import Claimed
from clipkit.claims.verdict import DECIDED, Effect, Finding, LevelFinding, Reading

EVERYTHING = Level(None, "all conditions")
_ALL = Factor("nothing", lambda _: EVERYTHING)


def readings_of(
    effects: Sequence[Effect], claimed: Claimed | None, factors: Sequence[Factor]
) -> tuple[Reading, ...]:
    """By each factor that has several levels, in the order of the factors. `claimed` None: a claim that
    is not on time. The effects are those that are judged and to which the claim applies."""
    found = (_reading(effects, claimed, factor) for factor in factors)
    return tuple(reading for reading in found if len(reading.levels) > 1)


def as_one(effects: Sequence[Effect], claimed: Claimed | None) -> LevelFinding:
    """All of them together."""
    return _reading(effects, claimed, _ALL).levels[0]


def divided_p(readings: Sequence[Reading], factors: Sequence[Factor]) -> float | None:
    """Of one claim, by whichever factor: the first was named beforehand, as what the claim turns on."""
    known = {r.factor: r.divided_p for r in readings if r.divided_p is not None}
    first = known.pop(factors[0].name, None)
    return of_several(first, list(known.values()))


def _reading(effects: Sequence[Effect], claimed: Claimed | None, factor: Factor) -> Reading:
    levels: dict[Level, list[Effect]] = {}
    for effect in effects:
        levels.setdefault(factor.level(effect), []).append(effect)
    pooled = pool_levels({level: _ratios(own) for level, own in levels.items()})
    found = tuple(
        _timed(level, levels[level], claimed, pooled.get(level))
        if claimed
        else _untimed(level, levels[level])
        for level in sorted(levels, key=lambda level: level.order)
    )
    return Reading(factor.name, found, gail_simon_p([level.deviate for level in found]))


def _timed(
    level: Level, effects: Sequence[Effect], claimed: Claimed, pooled: Pooled | None
) -> LevelFinding:
    """Where a change that ran out of memory stands beside others that did well, nothing is decided; where
    all did, that is known without error: a peak repeats, as a time does not."""
    died = [e for e in effects if e.ratio is None and e.finding is Finding.OPPOSITE]
    finding, z, why = Finding.NOT_DECIDED, 0.0, ""
    if pooled is not None:
        finding, why = claimed.size_finding(pooled.estimate)
        z = deviate(pooled.estimate, claimed.edge) or 0.0
    if died and claimed.holds(finding) is not False:
        alone = len(died) == len(effects)
        finding, z = (Finding.OPPOSITE, -math.inf) if alone else (Finding.NOT_DECIDED, 0.0)
    holds = claimed.holds(finding)
    return LevelFinding(level.words, level.value, pooled, finding, holds, z, why)


def _untimed(level: Level, effects: Sequence[Effect]) -> LevelFinding:
    """Whether it fits is known without error, where all conditions say the same."""
    decided = {effect.finding for effect in effects if effect.finding in DECIDED}
    few = 2 * sum(effect.finding in DECIDED for effect in effects) < len(effects)
    if len(decided) != 1 or few:
        return LevelFinding(level.words, level.value, None, Finding.NOT_DECIDED, None, 0.0)
    finding = decided.pop()
    holds = finding is Finding.AS_CLAIMED
    z = math.inf if holds else -math.inf
    return LevelFinding(level.words, level.value, None, finding, holds, z)


def _ratios(effects: Sequence[Effect]) -> list[Estimate]:
    return [effect.ratio for effect in effects if effect.ratio]


def shown_readings(
    readings: Mapping[str, tuple[Reading, ...]], adjusted: Mapping[str, float], level: float
) -> dict[str, tuple[Reading, ...]]:
    """Claim -> the factors by which it is shown to be divided, among all claims, and whose levels tell
    one side from the other."""
    return {
        claim: tuple(r for r in own if _tells(r, level))
        for claim, own in readings.items()
        if adjusted.get(claim, 1.0) < level
    }


def _tells(reading: Reading, level: float) -> bool:
    sides = {one.holds for one in reading.levels} - {None}
    return (reading.divided_p or 0.0) < level and len(sides) == 2
