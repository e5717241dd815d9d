"""Machines of one campaign that disagree about a ratio of two cells: there the campaign's mean says nothing of either. Pure."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scipy import stats

from clipkit import format as fmt
from clipkit.analysis.interaction import holm
from clipkit.analysis.shared_cells import words_of_cells
from clipkit.analysis.statistics import Estimate, paired_ratio
from clipkit.records.best import RECOMMENDED
from clipkit.records.campaign import Campaign
from clipkit.records.condition import Condition
from clipkit.records.evidence import evidence, finished_rows
from clipkit.records.identity import plain
from clipkit.records.usual_noise import usual_neighbour_noise

_LEVEL = 0.05
_FEWEST = 2
"""Blocks in which one machine ran both cells: one may be chance."""
_ALIKE = math.log(1.05)
"""Machines that differ by less are of one mind, however sure that is."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How many times the seconds of `beside` the cell `cell` takes, on each of two machines (by `host_id`), from blocks
    that one machine ran whole; both cells in words."""

    cell: str
    beside: str
    ratios: tuple[tuple[str, Estimate], tuple[str, Estimate]]

    @property
    def words(self) -> str:
        told = [
            f"{fmt.ratio(ratio.value)} on {host_id}{fmt.interval(ratio.interval, fmt.ratio)}, {ratio.n} blocks"
            for host_id, ratio in self.ratios
        ]
        return (
            f"machines disagree on how many times the seconds of {self.beside} {self.cell} takes: {'; '.join(told)}: "
            "the mean is neither's, so look at each machine alone"
        )


_Asked = tuple[str, str, str, str]
"""A cell, what it is beside, two machines."""
_Times = Mapping[str, Mapping[str, Mapping[int, float]]]
"""Seconds by cell, machine and block."""


def disagreeing_machines(campaign: Campaign) -> tuple[Disagreement, ...]:
    """Of each host and job every cell beside the one that is recommended there (else the first), in neighbours: where
    two machines differ by more than 5 % and chance, with all that is asked taken into account (Holm)."""
    times = _times(campaign)
    ratios: dict[_Asked, tuple[Estimate, Estimate]] = {}
    for beside, cell, cpus in _pairs(campaign):
        own = dict(_on_each(times.get(cell, {}), times.get(beside, {}), cpus))
        for one, other in itertools.combinations(sorted(own), 2):
            ratios[cell, beside, one, other] = own[one], own[other]
    adjusted = holm({asked: _chance(*both) for asked, both in ratios.items()})
    words, rows = words_of_cells(campaign.cells), _rows(campaign)
    return tuple(
        Disagreement(
            words(rows[asked[0]]), words(rows[asked[1]]), ((asked[2], one), (asked[3], other))
        )
        for asked, (one, other) in ratios.items()
        if adjusted[asked] < _LEVEL and abs(math.log(one.value / other.value)) > _ALIKE
    )


def _rows(campaign: Campaign) -> dict[str, dict[Any, Any]]:
    return {str(row["cell"]): row for row in campaign.cells.to_dict("records")}


def _times(campaign: Campaign) -> _Times:
    """Of the attempts that count; empty where one machine measured all."""
    rows = evidence(campaign.table)
    rows = rows[finished_rows(rows)]
    found: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    if rows["host_id"].nunique() > 1:
        told = rows[["cell", "host_id", "block", "wall_s"]].itertuples(index=False, name=None)
        for cell, host_id, block, wall_s in told:
            found[str(cell)][str(host_id)][int(block)] = float(wall_s)
    return found


def _pairs(campaign: Campaign) -> Iterator[tuple[str, str, float | None]]:
    """Of each condition what the others are set beside, each of these, and the CPU quota there."""
    if campaign.table["host_id"].nunique() < 2:
        return
    conditions: dict[Condition, list[dict[Any, Any]]] = defaultdict(list)
    for row in _rows(campaign).values():
        if plain(row["wall_s"]) is not None:
            conditions[Condition.of(row)].append(row)
    for cells in conditions.values():
        first = next((row for row in cells if row["best"] == RECOMMENDED), cells[0])
        for row in cells:
            if row is not first:
                yield str(first["cell"]), str(row["cell"]), plain(first["cpu_quota"])


def _on_each(
    cell: Mapping[str, Mapping[int, float]],
    beside: Mapping[str, Mapping[int, float]],
    cpus: float | None,
) -> Iterator[tuple[str, Estimate]]:
    """Of each machine the ratio in the blocks in which it ran both."""
    for host_id in cell.keys() & beside.keys():
        blocks = sorted(cell[host_id].keys() & beside[host_id].keys())
        if len(blocks) >= _FEWEST:
            own, other = ([side[host_id][block] for block in blocks] for side in (cell, beside))
            yield host_id, paired_ratio(own, other, usual_neighbour_noise(cpus))


def _chance(one: Estimate, other: Estimate) -> float:
    """How probable such a difference of two ratios is by noise alone."""
    error = math.hypot(one.log_error or 0.0, other.log_error or 0.0)
    freedom = (one.freedom or 1) + (other.freedom or 1)
    return float(2 * stats.t.sf(abs(math.log(one.value / other.value)) / error, freedom))
