"""One row a cell: its repeats as a mean with an interval from the noise of the whole table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.statistics import Noise
from clipkit.records.evidence import evidence
from clipkit.records.record import Status
from clipkit.settings import knobs

PLACE = ("host", "memory_limit_bytes", "cpu_quota", "reserve_bytes", "usd_per_month")
JOB = ("upload_sha256", "width", "height", "fps", "codec", "upload_s", "clips", "clip_s")
ALIKE = (*PLACE, *JOB)
"""Only what has these in common is compared: one host, one job."""
SOURCE = ("ceiling", "ffmpeg_version", "host_id")

BEST, TIE = "best", "tie"

_FITS = 50
"""Rounds of the fit of blocks; where every block has every cell, the first is exact."""

_RANKS = {str(Status.OOM): 0, str(Status.OK): 2, str(Status.OOM_INFERRED): 3}
"""Which of its runs' ends stands for a cell, the lowest; any other failure comes second."""

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


def identity() -> list[str]:
    """The columns that a cell's runs have in common."""
    return ["cell", "subject", *PLACE, *(knob.name for knob in knobs()), *JOB, *SOURCE]


def cells(table: pd.DataFrame) -> pd.DataFrame:
    """The table of `analysis.table.load`, one row a cell, in the order they were first tried.

    Besides `identity()`: `status` (what failed once has failed, its good runs were luck: running out
    of memory before other failures; inferred only where no run says otherwise), `runs` (that
    finished), `failures` (attempts that were run and did not), `wall_s` (geometric mean), `wall_low_s` and `wall_high_s` (95 %), the same for a clip
    as `s_per_clip`, `s_per_clip_low`, `s_per_clip_high`, `peak_anon_bytes` (highest), `peak_need_bytes` (with shared and
    kernel memory),
    `orchestrator_fraction` (of all CPU), and as means `cpu_s`, `throttled_s`, `output_bytes`;
    `run_ids` (list). Unknown is NaN or NA, as are the times of what failed.

    Two or three repeats say little of their own noise, so every interval is drawn from the noise
    of all cells together (`noise`). What a block has in common, since the machine drifts, is taken
    out first: of a cell that one block lacks, the mean is as if it had been there.
    """
    rows = evidence(table)
    codes, names = pd.factorize(rows["cell"])
    grouped = rows.iloc[_first_of_each(codes)][identity()].reset_index(drop=True)
    count = len(names)
    grouped["status"] = rows["status"].to_numpy()[_worth_telling(codes, rows["status"])]
    finished = _finished(rows)
    grouped["runs"] = np.bincount(codes[finished], minlength=count)
    failed = ~finished & (rows["status"] != str(Status.OOM_INFERRED)).to_numpy(dtype=bool)
    grouped["failures"] = np.bincount(codes[failed], minlength=count)

    fit, runs = _fit(rows), grouped["runs"].to_numpy()
    wall_s, spread = np.exp(_mean(fit.codes, fit.logs, count)), _noise(fit)
    wall_s[failed_once(grouped).to_numpy(dtype=bool)] = np.nan
    factor = np.full(count, np.nan)
    if spread is not None:
        factor[runs > 0] = np.exp(spread.half_width / np.sqrt(runs[runs > 0]))
    clips = grouped["clips"].to_numpy(dtype=float)
    for end, bound_s in (("", wall_s), ("_low", wall_s / factor), ("_high", wall_s * factor)):
        grouped[f"wall{end}_s"], grouped[f"s_per_clip{end}"] = bound_s, bound_s / clips
    peaks = rows["peak_anon_bytes"].groupby(codes).max()
    grouped["peak_anon_bytes"] = peaks.reset_index(drop=True).astype("Int64")
    others = rows["peak_shmem_bytes"].fillna(0) + rows["peak_kernel_bytes"].fillna(0)
    needs = (rows["peak_anon_bytes"] + others).groupby(codes).max()
    grouped["peak_need_bytes"] = needs.reset_index(drop=True).astype("Int64")
    ran = rows[finished]
    ffmpeg_s, orchestrator_s = _floats(ran["ffmpeg_cpu_s"]), _floats(ran["orchestrator_cpu_s"])
    grouped["cpu_s"] = _mean(codes[finished], ffmpeg_s + orchestrator_s, count)
    own_s = _mean(codes[finished], orchestrator_s, count)
    grouped["orchestrator_fraction"] = own_s / grouped["cpu_s"].where(grouped["cpu_s"] > 0)
    for column in ("throttled_s", "output_bytes"):
        grouped[column] = _mean(codes[finished], _floats(ran[column]), count)
    grouped["run_ids"] = _lists(codes, rows["run_id"], count)
    return grouped


def failed_once(grouped: pd.DataFrame) -> pd.Series[bool]:
    """Which of the cells failed in any run that was tried, or were inferred to."""
    return grouped["status"] != str(Status.OK)


def noise(table: pd.DataFrame) -> Noise | None:
    """How repeats of one cell differ, over all cells; None where nothing was repeated."""
    return _noise(_fit(evidence(table)))


def standing(grouped: pd.DataFrame, spread: Noise | None, by: Sequence[str]) -> pd.Series[str]:
    """For each of the cells: `best` (the fastest among those alike in `by`), `tie`, or nothing.

    A tie: the 95 % interval of its time as a ratio to the best's includes 1.
    """
    found = pd.Series("", index=grouped.index, dtype="str")
    finished = grouped[grouped["wall_s"].notna()]
    keys = [finished[name] for name in by] or [pd.Series(0, index=finished.index)]
    groups = finished.groupby(keys, dropna=False, sort=False)["s_per_clip"]
    best = groups.transform("idxmin")
    if spread is not None and len(finished):
        logs, runs = np.log(finished["s_per_clip"]), finished["runs"]
        behind = logs - logs.loc[best].to_numpy()
        half = spread.half_width * np.sqrt(1 / runs + 1 / runs.loc[best].to_numpy())
        found[behind[behind <= half].index] = TIE
    found[best.unique()] = BEST
    return found


def repeats(table: pd.DataFrame) -> pd.DataFrame:
    """Every finished run that counts: `cell`, `block`, `run_id`, `wall_s` and `ratio`, its time to
    the mean of its cell. Cells that were not repeated are left out."""
    rows = evidence(table)
    ran = rows[_finished(rows)]
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
    finished = _finished(rows)
    ran = rows[finished]
    codes, logs = codes[finished].astype(np.intp), np.log(_floats(ran["wall_s"]))
    blocks, labels = pd.factorize(ran["phase"].astype("str") + " " + ran["block"].astype("str"))
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


def _finished(rows: pd.DataFrame) -> NDArray[np.bool_]:
    ok = (rows["status"] == str(Status.OK)).to_numpy(dtype=bool)
    return ok & rows["wall_s"].notna().to_numpy(dtype=bool)


def _first_of_each(codes: Codes) -> Codes:
    """Where each cell appears first; cells are numbered in that order."""
    return np.unique(codes, return_index=True)[1]


def _worth_telling(codes: Codes, status: pd.Series[str]) -> Codes:
    """The row whose status stands for its cell."""
    rank = status.map(_RANKS).fillna(1).to_numpy(dtype=int)
    order = np.lexsort((np.arange(len(codes)), rank, codes))
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
