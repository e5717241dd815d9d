"""Invented machines whose truth is known: how repeats stray, a campaign's table, a machine to tune.

Fitted to the campaigns in git (`statistics.py --fit`): the spread by CPU quota, neighbours that correlate by
0.47. Further kinds are worse than anything measured: heavy tails (Student's t with 3 degrees of freedom),
one run of twenty that takes 1.3 times as long, and neighbours that have nothing in common. Works with
the clipkit that is imported, an older one too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from inventing_records import TEMPLATE
from numpy.typing import NDArray

from clipkit.records.table import table_of
from clipkit.settings import Settings

Values = NDArray[np.float64]

SPREAD = {0.5: 0.090, 1.0: 0.065, 2.0: 0.060}
"""Standard deviation of a run's time on logarithms, by CPU quota."""
NEIGHBOURS = 0.47
KINDS = ("fitted", "heavy tails", "spikes", "independent")
"""All but the last drift: neighbours have something in common."""


def strays(chance: np.random.Generator, kind: str, shape: tuple[int, ...]) -> Values:
    """How far runs one after the other (along the last axis) stray, in standard deviations of a calm run."""
    found: Values = chance.standard_normal(shape)
    if kind == "heavy tails":
        found = chance.standard_t(3, shape) / math.sqrt(3)
    if kind != "independent":
        for at in range(1, shape[-1]):
            found[..., at] *= math.sqrt(1 - NEIGHBOURS**2)
            found[..., at] += NEIGHBOURS * found[..., at - 1]
    return found


def spikes(chance: np.random.Generator, kind: str, shape: tuple[int, ...]) -> Values:
    """What is added to the logarithms: one run of twenty takes 1.3 times as long."""
    hit = chance.random(shape) < (0.05 if kind == "spikes" else 0.0)
    added: Values = np.where(hit, math.log(1.3), 0.0)
    return added


def log_times(
    chance: np.random.Generator, kind: str, log_sd: float, shape: tuple[int, ...]
) -> Values:
    """Runs one after the other along the last axis."""
    return log_sd * strays(chance, kind, shape) + spikes(chance, kind, shape)


def pairs_of(runs: Values) -> tuple[list[float], list[float]]:
    """Runs one after the other as pairs of two sides that take turns in being first; in seconds."""
    walls_s = np.exp(runs).reshape(-1, 2)
    walls_s[1::2] = walls_s[1::2, ::-1]
    return walls_s[:, 0].tolist(), walls_s[:, 1].tolist()


def campaign_table(cells: int, blocks: int, quotas: Sequence[float] = (2.0,)) -> pd.DataFrame:
    """A campaign of so many settings on each host; all its times are 1 s."""
    records = []
    for quota in quotas:
        for cell in range(cells):
            for block in range(blocks):
                records.append(
                    replace(
                        TEMPLATE, cell=f"{quota}-{cell}", block=block, run_id=f"{quota}-{cell}-{block}",
                        phase="grid", host=f"{quota:g}cpu", cpu_quota=quota, reserve_bytes=0,
                        peak_anon_bytes=(cell + 1) << 20, peak_kernel_bytes=0, wall_s=1.0,
                        settings=Settings(concurrency=cell + 1).used,
                    )
                )  # fmt: skip
    return table_of(records)


def campaign_times(
    chance: np.random.Generator, kind: str, truth: Values, blocks: int, log_sd: float
) -> Values:
    """Logarithms of seconds, a row a cell and a column a block, as a machine would measure them that runs
    each block's cells in a random order."""
    count = len(truth)
    runs = log_times(chance, kind, log_sd, (1, count * blocks))[0].reshape(blocks, count)
    found: Values = np.array([row[chance.permutation(count)] for row in runs]).T + truth[:, None]
    return found


class Chance:
    """Stands in a machine for `random.Random`: each call is the next run's stray, of one kind."""

    def __init__(self, seed: int, kind: str) -> None:
        self._chance = np.random.default_rng(seed)
        self._kind, self._before = kind, 0.0

    def gauss(self, _: float, log_sd: float) -> float:
        """The next run's."""
        stray = float(strays(self._chance, self._kind, (1, 1))[0, 0])
        if self._kind != "independent":
            stray = NEIGHBOURS * self._before + math.sqrt(1 - NEIGHBOURS**2) * stray
        self._before = stray
        return log_sd * stray + float(spikes(self._chance, self._kind, (1,))[0])


def tuned_machine(seed: int, kind: str, factors: dict[Settings, float]) -> Any:
    """A machine of two cores for `surface.tune`; a clip of 12 s takes 4.3 s of half a core. `factors`: how
    much longer than the fastest each of the settings takes, whatever the quota."""
    import surface  # noqa: PLC0415 - of the clipkit that is examined

    class Invented(surface.Machine):  # type: ignore[misc]
        """`wall_s`: by the factor alone; `noise` by the quota of the trial's host."""

        def clip_cpu_s(self, cell: Any, clip: Any) -> float:
            """CPU seconds of one clip."""
            decoded = cell.subject.frames_decoded(cell.job, clip, cell.settings) or 0
            frames = clip.duration_s * surface.FPS
            # From the key frame on: one in 10 s; encoding a frame costs as much as decoding two.
            near = min(decoded, frames + 10 * surface.FPS)
            hardness = 1 + self.contrast * math.sin(clip.start_s + seed)
            own_s = 2.15 * (near + 2 * frames) / (425 + 2 * 300) * hardness
            if cell.subject.tunable:
                return own_s * factors[cell.settings]
            seeks_late = decoded > 1000
            return own_s * 1.2 + (decoded * self.decode_frame_s if seeks_late else 0.0)

        def wall_s(self, cell: Any) -> float:
            """As if the quota were always used whole."""
            capacity = min(self.cores, cell.host.cpus or self.cores)
            return sum(self.clip_cpu_s(cell, clip) for clip in cell.job.clips) / capacity

        def run(self, cell: Any) -> Any:
            """What the trial would have measured."""
            self.noise = SPREAD.get(cell.host.cpus, SPREAD[2.0])
            return super().run(cell)

    machine = Invented(seed=seed, contrast=0.15)
    machine.random = Chance(seed, kind)
    return machine
