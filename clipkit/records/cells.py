"""One row a cell: its repeats as a mean with an interval from the noise of the whole table."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.records.condition import JOB, PLACE
from clipkit.records.evidence import counted_rows, evidence, finished_rows, tried
from clipkit.records.identity import plain
from clipkit.records.need import may_be_hidden, needs_of
from clipkit.records.noise import Noise
from clipkit.records.status import Status, rank
from clipkit.settings import knobs

_FITS = 50
"""Rounds of the fit of blocks; where every block has every cell, the first is exact."""

Codes = NDArray[np.intp]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Fit:
    """Logarithms of the finished runs' wall times, without what is common to a block.

    `codes` is each run's cell as a number; `fitted` counts the parameters taken for the blocks.
    """

    codes: Codes
    logs: Values
    fitted: int


def columns_of_a_cell() -> list[str]:
    """The columns that a cell's runs have in common."""
    settings = (knob.name for knob in knobs())
    return [
        *("cell", "subject", "command", *PLACE, *settings, *JOB),
        *("clip_starts_s", "ceiling", "ffmpeg_version"),
    ]


def cells_of(table: pd.DataFrame) -> pd.DataFrame:
    """A campaign's table (`records.table`), one row a cell, in the order they were first tried.

    Besides `columns_of_a_cell()`: `status` (`records.status.status_of_all`), `runs` (that finished), `failures`
    (attempts that count and did not), `disturbed` (attempts that others spoilt), `wall_s` (geometric
    mean), `wall_low_s` and `wall_high_s` (95 %), the same for a clip as `s_per_clip`,
    `s_per_clip_low`, `s_per_clip_high`, `peak_anon_bytes` (highest), `peak_need_bytes`
    (`records.need`), both the highest of all attempts that count, `need_hidden` (the ceiling may hide
    it), `orchestrator_fraction` (of all CPU), and as means `cpu_s`, `throttled_s`,
    `output_bytes`; `run_ids` (list). Unknown is NaN or NA, as are the times of what failed.

    Two or three repeats say little of their own noise, so every interval is drawn from the noise
    of all cells together (`noise_of_repeats`). What a block has in common, since the machine drifts
    and machines differ, is taken out first: of a cell that one block lacks, the mean is as if it had
    been there.
    """
    rows = tried(table)
    codes, names = pd.factorize(rows["cell"])
    grouped = rows.iloc[_first_of_each(codes)][columns_of_a_cell()].reset_index(drop=True)
    count = len(names)
    grouped["status"] = rows["status"].to_numpy()[_worth_telling(codes, rows["status"])]
    finished = finished_rows(rows).to_numpy()
    counted = counted_rows(rows).to_numpy()
    disturbed = (rows["status"] == str(Status.INVALID_NOISE)).to_numpy(dtype=bool)
    grouped["runs"] = np.bincount(codes[finished], minlength=count)
    grouped["failures"] = np.bincount(codes[counted & ~finished], minlength=count)
    grouped["disturbed"] = np.bincount(codes[disturbed], minlength=count)

    fit, runs = _fit(rows), grouped["runs"].to_numpy()
    wall_s, noise = np.exp(_mean(fit.codes, fit.logs, count)), _noise(fit)
    wall_s[without_time(grouped).to_numpy(dtype=bool)] = np.nan
    factor = np.full(count, np.nan)
    if noise is not None:
        factor[runs > 0] = np.exp(noise.half_width / np.sqrt(runs[runs > 0]))
    clips = grouped["clips"].to_numpy(dtype=float)
    for end, bound_s in (("", wall_s), ("_low", wall_s / factor), ("_high", wall_s * factor)):
        grouped[f"wall{end}_s"], grouped[f"s_per_clip{end}"] = bound_s, bound_s / clips
    for name, needs in (
        ("peak_anon_bytes", rows["peak_anon_bytes"]),
        ("peak_need_bytes", needs_of(rows)),
    ):
        peaks = needs[counted].groupby(codes[counted]).max()
        grouped[name] = peaks.reindex(range(count)).astype("Int64")
    grouped["need_hidden"] = _hidden(grouped)
    ran = rows[finished]
    ffmpeg_s, orchestrator_s = _floats(ran["ffmpeg_cpu_s"]), _floats(ran["orchestrator_cpu_s"])
    grouped["cpu_s"] = _mean(codes[finished], ffmpeg_s + orchestrator_s, count)
    own_s = _mean(codes[finished], orchestrator_s, count)
    grouped["orchestrator_fraction"] = own_s / grouped["cpu_s"].where(grouped["cpu_s"] > 0)
    for column in ("throttled_s", "output_bytes"):
        grouped[column] = _mean(codes[finished], _floats(ran[column]), count)
    grouped["run_ids"] = _lists(codes[~disturbed], rows["run_id"][~disturbed], count)
    return grouped


def _hidden(grouped: pd.DataFrame) -> list[bool]:
    room = grouped["memory_limit_bytes"] - grouped["reserve_bytes"]
    both = zip(grouped["peak_need_bytes"], room, strict=True)
    return [may_be_hidden(plain(need), plain(free)) for need, free in both]


def without_time(grouped: pd.DataFrame) -> pd.Series[bool]:
    """Which of the cells failed, were inferred to, or were disturbed in every attempt."""
    return grouped["status"] != str(Status.OK)


def noise_of_repeats(table: pd.DataFrame) -> Noise | None:
    """How repeats of one cell differ, over all cells; None where nothing was repeated."""
    return _noise(_fit(evidence(table)))


def repeats_of(table: pd.DataFrame) -> pd.DataFrame:
    """Every finished run that counts: `cell`, `block`, `run_id`, `wall_s` and `ratio`, its time to
    the mean of its cell. Cells that were not repeated are left out."""
    rows = evidence(table)
    ran = rows[finished_rows(rows)]
    counts = ran.groupby("cell")["run_id"].transform("size")
    ran = ran[counts > 1]
    codes, names = pd.factorize(ran["cell"])
    logs = np.log(_floats(ran["wall_s"]))
    away = logs - _mean(codes, logs, len(names))[codes] if len(ran) else logs
    columns = ran[["cell", "block", "run_id", "wall_s"]].reset_index(drop=True)
    return columns.assign(ratio=np.exp(away))


def _fit(rows: pd.DataFrame) -> _Fit:
    """Take out what the runs of one block have in common, where enough is left to tell noise from.

    A two-way layout on logarithms, fitted by turns: blocks from what the cells leave, and so on.
    """
    codes, names = pd.factorize(rows["cell"])
    finished = finished_rows(rows).to_numpy()
    ran = rows[finished]
    codes, logs = codes[finished].astype(np.intp), np.log(_floats(ran["wall_s"]))
    # A block of one machine: what another one adds to all alike is taken out as a block's drift is.
    inside = ran.groupby(["phase", "host_id", "block"], sort=False)
    blocks, labels = inside.ngroup().to_numpy().astype(np.intp), range(inside.ngroups)
    repeated = np.bincount(codes, minlength=len(names))[codes] > 1
    freedom = int(repeated.sum()) - len(np.unique(codes[repeated]))
    fitted = len(np.unique(blocks[repeated])) - 1
    if fitted < 1 or freedom < 2 * fitted:
        return _Fit(codes, logs, 0)
    effects = np.zeros(len(labels))
    for _ in range(_FITS):
        left = logs - effects[blocks]
        step = _mean(blocks, left - _mean(codes, left, len(names))[codes], len(labels))
        effects += step
        if np.abs(step).max() < 1e-12:
            break
    return _Fit(codes, logs - effects[blocks], fitted)


def _noise(fit: _Fit) -> Noise | None:
    counts = np.bincount(fit.codes)
    freedom = int(counts.sum()) - int((counts > 0).sum()) - fit.fitted
    if freedom <= 0:
        return None
    away = fit.logs - _mean(fit.codes, fit.logs, len(counts))[fit.codes]
    return Noise(math.sqrt(float((away**2).sum()) / freedom), freedom)


def _first_of_each(codes: Codes) -> Codes:
    """Where each cell appears first; cells are numbered in that order."""
    return np.unique(codes, return_index=True)[1]


def _worth_telling(codes: Codes, status: pd.Series[str]) -> Codes:
    """The row whose status stands for its cell."""
    ranks = status.map({str(each): rank(each) for each in Status}).to_numpy(dtype=int)
    order = np.lexsort((np.arange(len(codes)), ranks, codes))
    return order[np.unique(codes[order], return_index=True)[1]]


def _mean(codes: Codes, values: Values, count: int) -> Values:
    """The mean of each group; NaN for one without values, those unknown left out."""
    known = ~np.isnan(values)
    sums = np.bincount(codes[known], weights=values[known], minlength=count)
    counts = np.bincount(codes[known], minlength=count)
    means: Values = sums / np.where(counts > 0, counts, np.nan)
    return means


def _floats(column: pd.Series[float]) -> Values:
    return np.asarray(column.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)


def _lists(codes: Codes, names: pd.Series[str], count: int) -> list[list[str]]:
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=count))
    parts = np.split(names.to_numpy(dtype=object)[order], ends)
    return [part.tolist() for part in parts[:count]]
