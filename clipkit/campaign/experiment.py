"""An experiment: factors and their levels, and the combinations that they make. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit.hosts import Host
from clipkit.plan.own_service import OwnServer
from clipkit.plan.services import SERVICE
from clipkit.settings import Settings, knobs

Levels = dict[str, Any]

OF_A_SERVICE = ("service", "argv", "environment")
"""The factors that other subjects do not have: there they are None."""


@dataclass(frozen=True, slots=True)
class Place:
    """A host, and what of its memory is kept for the user's own server."""

    host: Host
    reserve_bytes: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """`factors`: name -> levels, in the file's order of tables; every combination is a cell.

    The names are `upload`, `clips`, `length_s`, `subject`, those of `OF_A_SERVICE`, `place` (`Place`) and
    every setting. `clips` None: as many as run at once.
    `variants`: further combinations that fix some factors, each with a name; without any, one that
    fixes none. `excluded`: a cell that has one of the listed levels of every factor
    in such a rule is left out. `options` are the strategy's own keys of `[run]`; `rest_s` and `jobs`: see
    `campaign.strategy.Cell`. `server`: what the service of that name is, where it is the user's own.
    """

    name: str
    path: Path
    text: str
    factors: dict[str, tuple[Any, ...]]
    variants: tuple[tuple[str | None, Levels], ...]
    excluded: tuple[dict[str, tuple[Any, ...]], ...]
    clips_seed: int | None
    command: str | None
    strategy: str
    options: Mapping[str, Any]
    seed: int
    timeout_s: float
    rest_s: float
    jobs: int = 1
    server: OwnServer | None = None

    def combinations(self) -> Iterator[Levels]:
        """Every combination of levels that is not excluded; among them `variant`, its name, and
        `fixed`, the factors that it fixes."""
        for name, fixed in self.variants:
            levels = {**self.factors, **{factor: (level,) for factor, level in fixed.items()}}
            for combined in itertools.product(*levels.values()):
                chosen = dict(zip(levels, combined, strict=True))
                found = {"variant": name, "fixed": frozenset(fixed), **chosen}
                if found["subject"] != SERVICE:
                    found |= dict.fromkeys(OF_A_SERVICE)
                if not any(rule_matches(rule, found) for rule in self.excluded):
                    yield found

    @property
    def varying(self) -> list[str]:
        """The factors with more than one level."""
        levels = {factor: set(known) for factor, known in self.factors.items()}
        for _, fixed in self.variants:
            for factor, level in fixed.items():
                levels[factor].add(level)
        return [factor for factor, known in levels.items() if len(known) > 1]


def rule_matches(rule: Mapping[str, tuple[Any, ...]], found: Levels) -> bool:
    """Whether a combination has one of the listed levels of every factor in the rule."""
    place: Place = found["place"]
    shown = found | {
        "host": place.host.name,
        "memory": place.host.memory_bytes,
        "cpus": place.host.cpus,
        "reserve": place.reserve_bytes,
    }
    return all(shown[factor] in levels for factor, levels in rule.items())


def settings_of(levels: Levels) -> Settings:
    """The settings among a combination's levels."""
    return Settings(**{knob.name: levels[knob.name] for knob in knobs()})
