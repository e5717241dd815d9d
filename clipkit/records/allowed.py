"""Whether clips of a campaign may hold pictures that are not shown, by what its experiment asked for. Writes nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clipkit.plan.auto import ALLOW
from clipkit.plan.modes import may_hide
from clipkit.records.folder import read_experiment

_LEAVE, _MODE = "hidden_preroll", "mode"


def hiding_is_allowed(folder: Path) -> bool:
    """Whether `hidden_preroll` is "allow" in all that is measured of what could hide: under `[settings]`, or in a
    variant that says otherwise, and left out by no `[[exclude]]`. Where both are asked for, to see the difference,
    that is no leave yet. An experiment without a mode that could hide (a tuning names what it re-encodes with) says
    it all the same. Raises CampaignError for an experiment that cannot be read."""
    asked = list(_asked(read_experiment(folder)))
    hiding = [leave for mode, leave in asked if may_hide(mode, ALLOW)]
    told = hiding or [leave for _, leave in asked]
    return bool(told) and all(leave == ALLOW for leave in told)


def _asked(experiment: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Mode and leave of every variant, as far as something of them is measured."""
    everywhere = experiment.get("settings", {})
    for variant in experiment.get("variants") or [{}]:
        levels = {
            name: level if isinstance(level, list) else [level]
            for name, level in {_MODE: None, _LEAVE: None, **everywhere, **variant}.items()
        }
        for mode, leave in itertools.product(levels[_MODE], levels[_LEAVE]):
            found = {**levels, "variant": [variant.get("name")], _MODE: [mode], _LEAVE: [leave]}
            if not any(_leaves_out(rule, found) for rule in experiment.get("exclude", [])):
                yield mode, leave


def _leaves_out(rule: Mapping[str, Any], found: Mapping[str, list[Any]]) -> bool:
    """Whether a rule leaves out every cell that has these levels. Of a factor that is not a setting it is not
    known which levels there are: then some are left."""
    return bool(rule) and all(
        name in found and all(level in _listed(levels) for level in found[name])
        for name, levels in rule.items()
    )


def _listed(levels: Any) -> list[Any]:
    return levels if isinstance(levels, list) else [levels]
