"""Two campaigns side by side: first what differs between them, then the cells that they share."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.differences import (
    Difference,
    Opened,
    differences,
    hashable,
    known,
    size_words,
)
from clipkit.analysis.factors import levels_of
from clipkit.analysis.statistics import Estimate, Noise, geometric_mean, pool
from clipkit.records.cells import cells as cells_of
from clipkit.records.cells import noise
from clipkit.records.evidence import evidence, settings_words, varying
from clipkit.settings import knobs
from clipkit.tables import Table

# What makes a cell besides its ffmpeg. A user's own command is told by the cell's name alone.
_LEVELS = (
    "subject",
    "upload_sha256",
    "clip_s",
    "clips",
    "clip_starts_s",
    "memory_limit_bytes",
    "cpu_quota",
    "reserve_bytes",
    *(knob.name for knob in knobs() if knob.name != "ffmpeg"),
)
_OWN_COMMAND = "command"
# In a notebook, a longer table is folded.
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Pair:
    """A cell that both campaigns ran. `ratio`: wall time in B over wall time in A, None where one
    never finished; `cell` is its name in A. The peaks are the highest, of anonymous memory."""

    cell: str
    words: str
    a_status: str
    b_status: str
    a_wall_s: Estimate | None
    b_wall_s: Estimate | None
    a_peak_anon_bytes: int | None
    b_peak_anon_bytes: int | None
    ratio: Estimate | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Campaign B against campaign A. `overall` is the geometric mean of the cells' ratios.

    The intervals know the noise of the repeats and how the cells differ, not what else changed
    between the two campaigns: that is what `differences` is for.
    """

    a: Path
    b: Path
    differences: tuple[Difference, ...]
    pairs: tuple[Pair, ...]
    only_a: int
    only_b: int
    overall: Estimate | None

    @property
    def why_not(self) -> str | None:
        """Why no time can be compared, in words; None where it can."""
        if self.overall is not None:
            return None
        if self.pairs:
            return "not comparable because no cell finished in both"
        reasons = [d for d in self.differences if d.decides]
        told = "; ".join(f"the {d.what} differs: {d.a} in A, {d.b} in B" for d in reasons)
        return f"not comparable because {told or 'they have no settings in common'}"

    @property
    def verdict(self) -> str:
        """The comparison in a sentence."""
        if self.overall is None:
            return self.why_not or ""
        shared = sum(pair.ratio is not None for pair in self.pairs)
        cells = "1 cell" if shared == 1 else f"{shared} cells"
        told = f"B takes {fmt.ratio(self.overall.value)} the time of A over {cells} in common"
        if self.overall.interval is None:
            return f"{told} (no interval: nothing was repeated)"
        low, high = self.overall.interval
        close = ", so they are not told apart" if low <= 1 <= high else ""
        return f"{told} (95 %: {fmt.ratio(low)} to {fmt.ratio(high)}){close}"

    @property
    def unlike(self) -> Table:
        """What differs, as a table."""
        rows = tuple((d.what, d.a, d.b) for d in self.differences)
        nothing = ("nothing that was recorded", "", "")
        return Table(("differs", "A", "B"), rows or (nothing,))

    @property
    def cells(self) -> Table:
        """Every cell in common, as a table."""
        heads = ("cell", "A", "B", "B / A", "95 % interval", "n", "peak memory A", "peak memory B")
        return Table(heads, tuple(map(_row, self.pairs)), "B / A: below 1x, B is faster")

    def lines(self) -> list[str]:
        """For a terminal: what differs comes before any ratio."""
        named = [f"A  {fmt.near(self.a)}", f"B  {fmt.near(self.b)}"]
        cells = ["", *self.cells.lines()] if self.pairs else []
        # Why there is nothing to compare is an error, which the command tells.
        verdict = [] if self.why_not else [self.verdict]
        return [*named, "", *self.unlike.lines(), *cells, "", *self._left_out(), *verdict]

    def to_json(self) -> dict[str, Any]:
        """For machines: every field, and the verdict."""
        return dataclasses.asdict(self) | {"why_not": self.why_not, "verdict": self.verdict}

    def _left_out(self) -> list[str]:
        if not (self.only_a or self.only_b):
            return []
        return [f"not compared: {self.only_a} cells only in A, {self.only_b} only in B"]

    def _repr_html_(self) -> str:
        names = Table(("", "campaign"), (("A", fmt.near(self.a)), ("B", fmt.near(self.b))))
        # The sentences hold words of the records, so they go through a table as well.
        said = Table(("verdict",), tuple((line,) for line in (self.verdict, *self._left_out())))
        cells = self.cells._repr_html_()
        shown = "".join(table._repr_html_() for table in (names, self.unlike, said))
        is_open = " open" if len(self.pairs) <= _SHOWN else ""
        summary = f"<summary>{len(self.pairs)} cells in common</summary>"
        folded = f"<details{is_open}>{summary}{cells}</details>" if self.pairs else ""
        return shown + folded


def compare(a: Opened, b: Opened) -> Comparison:
    """B against A, over the cells that both ran: of the same name, or alike but for the ffmpeg."""
    ours, theirs = _cells(a), _cells(b)
    matched = _matched(ours, theirs)
    spreads = [spread for side in (a, b) if (spread := noise(side.table))]
    spread = pool(*spreads) if spreads else None
    shared = ours.loc[list(matched)]
    words = _cell_words(shared)
    pairs = tuple(
        _pair(words, cell, theirs.loc[matched[cell["cell"]]].to_dict(), spread)
        for cell in _in_order(shared)
    )
    ratios = [pair.ratio for pair in pairs if pair.ratio]
    return Comparison(
        a=a.folder,
        b=b.folder,
        differences=tuple(differences(a, b)),
        pairs=pairs,
        only_a=len(ours) - len(matched),
        only_b=len(theirs) - len(matched),
        overall=_overall(ratios),
    )


def _cells(side: Opened) -> pd.DataFrame:
    """One row a cell, by its name, with where its clips start."""
    starts = evidence(side.table).drop_duplicates("cell").set_index("cell")["clip_starts_s"]
    return cells_of(side.table).set_index("cell", drop=False).join(starts)


def _matched(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict[str, str]:
    """A's cell -> B's."""
    matched = {name: name for name in ours.index if name in theirs.index}
    others = _by_levels(theirs.drop(index=list(matched)))
    for levels, names in _by_levels(ours.drop(index=list(matched))).items():
        alike = others.get(levels, [])
        if len(names) == len(alike) == 1:  # where ffmpeg is a factor, nobody knows which to which
            matched[names[0]] = alike[0]
    return matched


def _by_levels(cells: pd.DataFrame) -> dict[tuple[object, ...], list[str]]:
    found: dict[tuple[object, ...], list[str]] = {}
    for name, *levels in cells[["cell", *_LEVELS]].itertuples(index=False, name=None):
        if levels[0] != _OWN_COMMAND:
            found.setdefault(tuple(map(hashable, levels)), []).append(name)
    return found


def _in_order(cells: pd.DataFrame) -> list[dict[Any, Any]]:
    """By the levels in the order of their declaration, or ascending."""
    places = {
        column: {level: place for place, level in enumerate(levels_of(column, cells[column]))}
        for column in _LEVELS
        if column != "clip_starts_s"
    }
    return sorted(
        cells.to_dict("records"),
        key=lambda cell: [places[column][known(cell[column])] for column in places],
    )


def _cell_words(rows: pd.DataFrame) -> Callable[[Mapping[Any, Any]], str]:
    """How to tell the shared cells apart: by what varies between them."""
    settings = varying(rows)
    places: dict[str, Callable[[Mapping[Any, Any]], str]] = {
        "subject": lambda row: str(row["subject"]),
        "upload_sha256": lambda row: f"upload {row['upload_sha256'][:8]}",
        "clip_s": lambda row: f"clips of {row['clip_s']:g} s",
        "clips": lambda row: f"{row['clips']} clips",
        "memory_limit_bytes": lambda row: size_words(row["memory_limit_bytes"]),
        "cpu_quota": lambda row: fmt.cpus(known(row["cpu_quota"])),
        "reserve_bytes": lambda row: f"reserve {fmt.size(row['reserve_bytes'])}",
    }
    vary = [name for name in places if rows[name].nunique(dropna=False) > 1]

    def words(row: Mapping[Any, Any]) -> str:
        told = [places[name](row) for name in vary]
        if settings and row["subject"] == "clipkit":
            told.append(settings_words(row, settings))
        return ", ".join(told) or str(row["subject"])

    return words


def _pair(
    words: Callable[[Mapping[Any, Any]], str],
    a: Mapping[Any, Any],
    b: Mapping[Any, Any],
    spread: Noise | None,
) -> Pair:
    return Pair(
        cell=str(a["cell"]),
        words=words(a),
        a_status=str(a["status"]),
        b_status=str(b["status"]),
        a_wall_s=_wall_s(a),
        b_wall_s=_wall_s(b),
        a_peak_anon_bytes=known(a["peak_anon_bytes"]),
        b_peak_anon_bytes=known(b["peak_anon_bytes"]),
        ratio=_ratio(b, a, spread) if a["runs"] and b["runs"] else None,
    )


def _wall_s(cell: Mapping[Any, Any]) -> Estimate | None:
    if not cell["runs"]:
        return None
    bounds = known(cell["wall_low_s"]), known(cell["wall_high_s"])
    return Estimate(float(cell["wall_s"]), *bounds, n=int(cell["runs"]))


def _ratio(over: Mapping[Any, Any], under: Mapping[Any, Any], spread: Noise | None) -> Estimate:
    """Of two independent means, with the noise of all repeats of both campaigns.

    No interval where nothing was repeated.
    """
    value, n = float(over["wall_s"] / under["wall_s"]), int(min(over["runs"], under["runs"]))
    if spread is None:
        return Estimate(value, None, None, n)
    factor = math.exp(spread.half_width * math.sqrt(1 / over["runs"] + 1 / under["runs"]))
    return Estimate(value, value / factor, value * factor, n)


def _overall(ratios: Sequence[Estimate]) -> Estimate | None:
    """The mean over the cells; its interval tells how much it depends on which cells were shared."""
    if len(ratios) > 1:
        return geometric_mean([ratio.value for ratio in ratios])
    return ratios[0] if ratios else None


def _row(pair: Pair) -> tuple[str, ...]:
    ratio = pair.ratio
    interval = ratio.interval if ratio else None
    counts = [side.n if side else 0 for side in (pair.a_wall_s, pair.b_wall_s)]
    return (
        pair.words,
        fmt.seconds(pair.a_wall_s.value) if pair.a_wall_s else pair.a_status,
        fmt.seconds(pair.b_wall_s.value) if pair.b_wall_s else pair.b_status,
        fmt.ratio(ratio.value) if ratio else "–",
        " – ".join(map(fmt.ratio, interval)) if interval else "–",
        f"{counts[0]} and {counts[1]}",
        fmt.size(pair.a_peak_anon_bytes),
        fmt.size(pair.b_peak_anon_bytes),
    )
