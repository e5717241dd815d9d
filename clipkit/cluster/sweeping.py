"""A sweep on a cluster: what may be measured so, what travels, and the machines in the campaign's folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from clipkit import files
from clipkit.campaign.environment import joined_environments
from clipkit.campaign.executor import Executor
from clipkit.campaign.loop import trial_of
from clipkit.campaign.strategy import AsksInBlocks
from clipkit.campaign.sweep import Planned
from clipkit.cluster.dask import Dask
from clipkit.cluster.packing import packing
from clipkit.errors import UsageError
from clipkit.pack.plan import check_subjects
from clipkit.records import folder as folders
from clipkit.records.store import Store
from clipkit.trial.asked import Identity, Trial


@dataclass(frozen=True, slots=True)
class OnCluster:
    """`address`: of the scheduler; `ceiling`: the one that the user forces; `say`: tells what machines do in a line."""

    address: str
    ceiling: str | None
    accept_noise: bool
    say: Callable[[str], None]


@contextmanager
def on_cluster(asked: OnCluster, planned: Planned) -> Iterator[Callable[[Store], Executor]]:
    """What makes the executor for the campaign's store. Raises UsageError for what cannot be measured so."""
    if not isinstance(planned.strategy(planned.design, [], 0.0), AsksInBlocks):
        raise UsageError(
            f"--dask: strategy '{planned.experiment.strategy}' has no blocks to share out: only the strategy 'grid' "
            "can be measured on a cluster"
        )
    check_subjects(planned.design.cells)
    every = [_trial(planned, number) for number in range(len(planned.design.cells))]
    with packing(every, asked.ceiling, asked.accept_noise) as packed:
        for film in packed.films:
            if film.packed is None:
                asked.say(
                    f"{film.upload.name} is too large to travel: each machine has to have it at "
                    f"{film.upload.path.resolve()}"
                )
        yield lambda store: Dask(
            asked.address, packed, asked.say, lambda facts: _describe(store, facts)
        )


def _describe(store: Store, facts: Mapping[str, Any]) -> None:
    is_described = files.has_entry(store.folder, folders.ENVIRONMENT)
    earlier = [folders.read_environment_file(store.folder)] if is_described else []
    store.describe(environment=joined_environments(*earlier, facts))


def _trial(planned: Planned, number: int) -> Trial:
    """One of each cell: by these a machine is asked whether it can hold them."""
    cell = planned.design.cells[number]
    return trial_of(cell, Identity("", cell.name, 0, number, 1, cell.phase))
