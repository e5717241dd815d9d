"""The strategies that an experiment's `[run]` may name, each with the keys of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from clipkit.campaign import edge, grid, random_search, starts
from clipkit.campaign.course import Course
from clipkit.campaign.design import Design
from clipkit.campaign.strategy import Cell, Strategy
from clipkit.keys import Reader, number_between, whole_number

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StrategyKind:
    """`keys`: of `[run]`, each with its reader and default; of `one_needed` one has to be given.
    `make` makes the strategy; `cells` tells what it will run at most, in its order. `in_blocks`: it
    runs whole blocks, so a campaign can be measured in shards. `clips_at_once`: its jobs have as many
    clips as run at once."""

    keys: Mapping[str, tuple[Reader, Any]]
    make: Callable[[Course, Options], Strategy]
    cells: Callable[[Design, Options], list[Cell]]
    in_blocks: bool = False
    clips_at_once: bool = False
    one_needed: tuple[str, ...] = ()


DEFAULT_STRATEGY = "grid"

STRATEGIES: dict[str, StrategyKind] = {
    "grid": StrategyKind(
        keys={"blocks": (whole_number(1, 1000), 3)},
        make=grid.make_grid,
        cells=grid.grid_cells,
        in_blocks=True,
    ),
    "random": StrategyKind(
        keys={
            "trials": (whole_number(1, 100_000), None),
            "minutes": (number_between(0.01, 10_080), None),
        },
        make=random_search.make_random,
        cells=random_search.random_cells,
        one_needed=("trials", "minutes"),
    ),
    "edge": StrategyKind(
        keys={"blocks": (whole_number(1, 1000), 3)},
        make=edge.make_edge,
        cells=edge.edge_cells,
        clips_at_once=True,
    ),
    "starts": StrategyKind(
        keys={"starts": (whole_number(1, 1000), 3)},
        make=starts.make_starts,
        cells=starts.starts_cells,
    ),
}
