"""On what a claim depends: which factor tells confirmed from refuted, and between which levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from clipkit import format as fmt
from clipkit.claims.verdict import Effect, Finding


@dataclass(frozen=True, slots=True)
class Level:
    """Where an effect stands in one factor. `value` None: levels without an order."""

    value: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Factor:
    """`first`: where it tells anything, it is told before the others."""

    name: str
    level: Callable[[Effect], Level]
    first: bool = False


def _unlimited(value: float | None) -> float:
    return float("inf") if value is None else value


PLACE = (
    Factor(
        "the host's memory",
        lambda e: Level(_unlimited(e.condition.room_bytes), fmt.size(e.condition.room_bytes)),
    ),
    Factor(
        "the host's CPU", lambda e: Level(_unlimited(e.condition.cpus), fmt.cpus(e.condition.cpus))
    ),
    Factor("the frame size", lambda e: Level(e.condition.lines, f"{e.condition.lines}p")),
    Factor("the clips' length", lambda e: Level(e.condition.clip_s, f"{e.condition.clip_s:g} s")),
    Factor(
        "the upload's length",
        lambda e: Level(e.condition.upload_s, fmt.clock(e.condition.upload_s)),
    ),
)
"""What every condition has."""

COMPARED = Factor(
    "what it is compared with",
    lambda e: Level(None, e.before.variant.subject if e.before else "nothing"),
    first=True,
)
WHO = Factor("who cuts", lambda e: Level(None, e.after.variant.subject))
AT_ONCE = Factor(
    "how many at once",
    lambda e: Level(e.at_once, f"{e.at_once} at once"),
)


def depends_on(effects: Sequence[Effect], factors: Sequence[Factor] = PLACE) -> str | None:
    """In words, for effects of which some confirm and some refute: the factor that separates them
    cleanly and its border, several where the conditions cannot tell them apart; else factor by
    factor; else the conditions themselves. None where nothing differs."""
    decided = [e for e in effects if e.finding is not Finding.UNDECIDED]
    if len({effect.finding for effect in decided}) < 2:
        return None
    return _separated(decided, factors) or _nested(decided, factors) or _listed(decided)


def _separated(effects: Sequence[Effect], factors: Sequence[Factor]) -> str | None:
    found = [
        f"{factor.name}: {border}" for factor in factors if (border := _border(effects, factor))
    ]
    if len(found) > 1:
        return f"{', or '.join(found)} (the conditions measured do not tell these apart)"
    return found[0] if found else None


def _border(effects: Sequence[Effect], factor: Factor) -> str | None:
    """`refuted up to 0.5 CPU, confirmed from 1 CPU on`; None where a level holds both findings, or
    where the levels alternate."""
    sides = {
        finding: {factor.level(e) for e in effects if e.finding is finding}
        for finding in (Finding.CONFIRMED, Finding.REFUTED)
    }
    first, second = sides
    if sides[first] & sides[second]:
        return None
    ranges = {finding: _range(levels) for finding, levels in sides.items()}
    low, high = sorted((first, second), key=lambda finding: ranges[finding])
    if any(level.value is None for levels in sides.values() for level in levels):
        return ", ".join(f"{f} with {_words(sides[f])}" for f in (low, high))
    if ranges[low][1] >= ranges[high][0]:
        return None
    below, above = sides[low], sides[high]
    lower = "at" if len(below) == 1 else "up to"
    upper = "at" if len(above) == 1 else "from"
    on = "" if len(above) == 1 else " on"
    return (
        f"{low} {lower} {max(below, key=_value).words}, "
        f"{high} {upper} {min(above, key=_value).words}{on}"
    )


def _nested(effects: Sequence[Effect], factors: Sequence[Factor]) -> str | None:
    """By the factor most of whose effects lie at levels of one finding; what is left at the others
    by the next factor."""
    best: tuple[tuple[bool, int], Factor, dict[Level, list[Effect]]] | None = None
    for factor in factors:
        levels: dict[Level, list[Effect]] = {}
        for effect in effects:
            levels.setdefault(factor.level(effect), []).append(effect)
        settled = factor.first, sum(len(own) for own in levels.values() if _single(own))
        if len(levels) > 1 and settled[1] and (best is None or settled > best[0]):
            best = settled, factor, levels
    if best is None:
        return None
    _, factor, levels = best
    ordered = sorted(levels, key=lambda one: (_value(one), one.words))
    said = []
    for finding, group in groupby(ordered, lambda level: _settled(levels[level])):
        own = list(group)
        if finding:
            said.append(f"{finding} {_at(own)}")
        else:
            said += [
                f"{_at([one])} it depends on {depends_on(levels[one], factors)}" for one in own
            ]
    return f"{factor.name}: {'; '.join(said)}"


def _at(levels: Sequence[Level]) -> str:
    """`at 0.5 CPU`, `at 0.5 CPU to 1 CPU`, `with sketch`."""
    if levels[0].value is None:
        return f"with {_words(set(levels))}"
    ends = dict.fromkeys([levels[0].words, levels[-1].words])
    return f"at {' to '.join(ends)}"


def _settled(effects: Sequence[Effect]) -> Finding | None:
    """The finding of them all; None where they differ."""
    return effects[0].finding if _single(effects) else None


def _listed(effects: Sequence[Effect]) -> str:
    return "; ".join(
        f"{finding} at {' and at '.join(_places(effects, finding))}"
        for finding in (Finding.CONFIRMED, Finding.REFUTED)
    )


def _places(effects: Sequence[Effect], finding: Finding) -> list[str]:
    places = [f"{e.condition.words} ({e.change})" for e in effects if e.finding is finding]
    return list(dict.fromkeys(places))


def _single(effects: Sequence[Effect]) -> bool:
    return len({effect.finding for effect in effects}) == 1


def _range(levels: set[Level]) -> tuple[float, float]:
    return min(map(_value, levels)), max(map(_value, levels))


def _value(level: Level) -> float:
    return 0.0 if level.value is None else level.value


def _words(levels: set[Level]) -> str:
    return " and ".join(sorted(level.words for level in levels))
