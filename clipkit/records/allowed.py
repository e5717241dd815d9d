"""Whether clips of a campaign may hold pictures that are not shown, by what its experiment asked for. Writes nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clipkit.plan.auto import ALLOW
from clipkit.plan.modes import may_hide
from clipkit.records.folder import read_experiment

_LEAVE, _MODE = "hidden_preroll", "mode"


def hiding_is_allowed(folder: Path) -> bool:
    """Whether `hidden_preroll` is "allow" in all that is measured of what could hide: under `[settings]`, or in a
    variant that says otherwise, and not left out by `[[exclude]]`: of its rules those count that name nothing but
    settings whose levels the file lists, and `variant`. Where both are asked for, to see the difference, that is no
    leave yet. An experiment without a mode that could hide (a tuning names what it re-encodes with) says
    it all the same. Raises CampaignError for an experiment that cannot be read."""
    asked = list(_asked(read_experiment(folder)))
    hiding = [leave for mode, leave in asked if may_hide(mode, ALLOW)]
    told = hiding or [leave for _, leave in asked]
    return bool(told) and all(leave == ALLOW for leave in told)


def _asked(experiment: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Mode and leave of every variant, as far as something of them is measured."""
    everywhere, rules = experiment.get("settings", {}), experiment.get("exclude", [])
    for variant in experiment.get("variants") or [{}]:
        levels = {
            name: level if isinstance(level, list) else [level]
            for name, level in {_MODE: None, _LEAVE: None, **everywhere, **variant}.items()
        }
        for mode, leave in itertools.product(levels[_MODE], levels[_LEAVE]):
            found = {**levels, "variant": [variant.get("name")], _MODE: [mode], _LEAVE: [leave]}
            if _is_measured(found, rules):
                yield mode, leave


def _is_measured(found: Mapping[str, list[Any]], rules: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the rules together leave some of the cells that have these levels. Of any other factor (what is under
    `[job]`, a host, a setting at its default) it is not known here which levels there are: such a rule leaves some."""
    known = [rule for rule in rules if rule and rule.keys() <= found.keys()]
    names = sorted(set().union(*known))
    cells = (
        dict(zip(names, levels, strict=True))
        for levels in itertools.product(*(found[name] for name in names))
    )
    return any(not any(_matches(rule, cell) for rule in known) for cell in cells)


def _matches(rule: Mapping[str, Any], cell: Mapping[str, Any]) -> bool:
    return all(cell[name] in _listed(levels) for name, levels in rule.items())


def _listed(levels: Any) -> list[Any]:
    return levels if isinstance(levels, list) else [levels]
