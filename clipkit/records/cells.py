"""One row a cell: its repeats as a mean with an interval from the noise of its host."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clipkit.records.condition import JOB, PLACE
from clipkit.records.evidence import counted_rows, evidence, finished_rows, tried
from clipkit.records.identity import WHICH, plain
from clipkit.records.need import may_be_hidden, needs_of
from clipkit.records.noise import Noise
from clipkit.records.repeats import Codes, Values, group_means, repeats_by_host
from clipkit.records.status import INVALID, Status, rank
from clipkit.settings import knobs


def columns_of_a_cell() -> list[str]:
    """The columns that a cell's runs have in common."""
    settings = (knob.name for knob in knobs())
    return [
        *("cell", "subject", *WHICH, "command", *PLACE, *settings, *JOB),
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

    The times are those of `records.repeats`: `log_sd` and `freedom` are the noise of a run of the cell,
    `host_log_sd` and `host_freedom` that of any run on its host, `seen_log_sd` and `seen_freedom` the same as
    its repeats alone say (NaN and 0: there are none).
    """
    rows = tried(table)
    codes, names = pd.factorize(rows["cell"])
    grouped = rows.iloc[_first_of_each(codes)][columns_of_a_cell()].reset_index(drop=True)
    count = len(names)
    grouped["status"] = rows["status"].to_numpy()[_worth_telling(codes, rows["status"])]
    finished = finished_rows(rows).to_numpy()
    counted = counted_rows(rows).to_numpy()
    disturbed = (rows["status"] == str(Status.INVALID_NOISE)).to_numpy(dtype=bool)
    invalid = rows["status"].isin([str(status) for status in INVALID]).to_numpy(dtype=bool)
    grouped["runs"] = np.bincount(codes[finished], minlength=count)
    grouped["failures"] = np.bincount(codes[counted & ~finished], minlength=count)
    grouped["disturbed"] = np.bincount(codes[disturbed], minlength=count)

    runs = grouped["runs"].to_numpy()
    said = repeats_by_host(rows[finished], codes[finished].astype(np.intp), grouped)
    grouped["log_sd"] = [noise.log_sd for noise in said.noises]
    grouped["freedom"] = [noise.freedom for noise in said.noises]
    grouped["host_log_sd"] = [noise.log_sd for noise in said.host_noises]
    grouped["host_freedom"] = [noise.freedom for noise in said.host_noises]
    grouped["seen_log_sd"] = [noise.log_sd if noise else np.nan for noise in said.seen]
    grouped["seen_freedom"] = [noise.freedom if noise else 0 for noise in said.seen]
    wall_s = np.exp(said.log_means)
    wall_s[without_time(grouped).to_numpy(dtype=bool)] = np.nan
    halves = np.array([noise.half_width for noise in said.noises], dtype=float)
    factor = np.exp(halves / np.sqrt(np.where(runs > 0, runs, np.nan)))
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
    grouped["cpu_s"] = group_means(codes[finished], ffmpeg_s + orchestrator_s, count)
    own_s = group_means(codes[finished], orchestrator_s, count)
    grouped["orchestrator_fraction"] = own_s / grouped["cpu_s"].where(grouped["cpu_s"] > 0)
    for column in ("throttled_s", "output_bytes"):
        grouped[column] = group_means(codes[finished], _floats(ran[column]), count)
    grouped["run_ids"] = _lists(codes[~invalid], rows["run_id"][~invalid], count)
    return grouped


def _hidden(grouped: pd.DataFrame) -> list[bool]:
    room = grouped["memory_limit_bytes"] - grouped["reserve_bytes"]
    both = zip(grouped["peak_need_bytes"], room, strict=True)
    return [may_be_hidden(plain(need), plain(free)) for need, free in both]


def without_time(grouped: pd.DataFrame) -> pd.Series[bool]:
    """Which of the cells failed, were inferred to, or were not measured."""
    return grouped["status"] != str(Status.OK)


def host_noise_of(cells: pd.DataFrame) -> dict[str, Noise]:
    """How runs of one cell differ, by host, as its repeats say; only where there are such."""
    repeated = cells[cells["seen_freedom"] > 0].drop_duplicates("host")
    columns = repeated[["host", "seen_log_sd", "seen_freedom"]]
    return {
        str(host): Noise(float(log_sd), int(freedom))
        for host, log_sd, freedom in columns.itertuples(index=False, name=None)
    }


def repeats_of(table: pd.DataFrame) -> pd.DataFrame:
    """Every finished run that counts: `cell`, `host`, `block`, `run_id`, `wall_s` and `ratio`, its time to
    the mean of its cell. Cells that were not repeated are left out."""
    rows = evidence(table)
    ran = rows[finished_rows(rows)]
    counts = ran.groupby("cell")["run_id"].transform("size")
    ran = ran[counts > 1]
    codes, names = pd.factorize(ran["cell"])
    logs = np.log(_floats(ran["wall_s"]))
    away = logs - group_means(codes, logs, len(names))[codes] if len(ran) else logs
    columns = ran[["cell", "host", "block", "run_id", "wall_s"]].reset_index(drop=True)
    return columns.assign(ratio=np.exp(away))


def _first_of_each(codes: Codes) -> Codes:
    """Where each cell appears first; cells are numbered in that order."""
    return np.unique(codes, return_index=True)[1]


def _worth_telling(codes: Codes, status: pd.Series[str]) -> Codes:
    """The row whose status stands for its cell."""
    ranks = status.map({str(each): rank(each) for each in Status}).to_numpy(dtype=int)
    order = np.lexsort((np.arange(len(codes)), ranks, codes))
    return order[np.unique(codes[order], return_index=True)[1]]


def _floats(column: pd.Series[float]) -> Values:
    return np.asarray(column.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)


def _lists(codes: Codes, names: pd.Series[str], count: int) -> list[list[str]]:
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=count))
    parts = np.split(names.to_numpy(dtype=object)[order], ends)
    return [part.tolist() for part in parts[:count]]
