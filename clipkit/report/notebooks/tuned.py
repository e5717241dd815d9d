"""A tuning's campaign as the notebooks on campaigns show it: what ran on its own host, and what it
recommends. What it was screened with elsewhere, without the host's quota, is no answer for that host."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from clipkit.plan.subjects import TUNABLE
from clipkit.records.best import RECOMMENDED, TIED
from clipkit.records.campaign import Campaign, has_level, open_campaign
from clipkit.records.evidence import has_settings
from clipkit.records.folder import is_tuning
from clipkit.settings import to_table
from clipkit.tuning.recommendation import Recommendation, read_recommendation


@dataclass(frozen=True, eq=False)
class TunedCampaign(Campaign):
    """Of its cells, the recommended ones are those that the tuning recommends: it has confirmed them."""

    known: Recommendation | None = None

    def part(self, **wanted: Any) -> Self:
        narrowed = super().part(**wanted)
        return dataclasses.replace(narrowed, cells=self._standing(narrowed.cells))

    def _standing(self, cells: pd.DataFrame) -> pd.DataFrame:
        """With what is recommended and tied by the tuning's own word."""
        if self.known is None:
            return cells
        ours = cells["subject"].isin(TUNABLE)
        chosen = ours & has_settings(cells, to_table(self.known.settings))
        tied = pd.Series(False, index=cells.index)
        for tie in self.known.ties:
            tied |= ours & has_settings(cells, tie.settings)
        best = np.where(chosen, RECOMMENDED, np.where(tied, TIED, ""))
        return cells.assign(best=best, standing=best, leads=chosen)


def open_on_its_host(folder: Path) -> Campaign:
    """The campaign; of a tuning what ran on the host that it answers for, all of it where nothing did.

    Raises CampaignError where it cannot be read.
    """
    whole = open_campaign(folder)
    if not is_tuning(folder):
        return whole
    known = read_recommendation(folder)
    values = {field.name: getattr(whole, field.name) for field in dataclasses.fields(whole)}
    tuned = TunedCampaign(**values, known=known)
    memory, cpus = known.host.memory_bytes, known.host.cpus
    there = has_level(whole.cells, "memory_limit_bytes", [memory])
    if not (there & has_level(whole.cells, "cpu_quota", [cpus])).any():
        return tuned.part()
    return tuned.part(memory=memory, cpus=cpus)
