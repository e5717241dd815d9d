"""Two campaigns side by side: first what differs between them, then the cells that they share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.differences import Difference, differences
from clipkit.analysis.drift import Drift, drift_between
from clipkit.analysis.machines import disagreeing_machines
from clipkit.analysis.quiet import disturbed_words, not_measured_words
from clipkit.analysis.shared_cells import in_order, words_of_cells
from clipkit.analysis.statistics import Estimate, mean_of_ratios, quotient
from clipkit.records.campaign import Campaign
from clipkit.records.identity import Levels, levels_of_cell, plain, without
from clipkit.records.status import Status
from clipkit.tables import Table

_HOST = ("memory_limit_bytes", "cpu_quota", "reserve_bytes")
# In a notebook, a longer table is folded.
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Pair:
    """A cell that both campaigns ran. `ratio`: wall time in B over wall time in A, None where one
    failed in any run or was not measured; `cell` is its name in A; `a_ended` and `b_ended` say how it
    ended, in how many of its runs where only some failed. The peaks are the highest, of anonymous
    memory."""

    cell: str
    words: str
    a_status: str
    b_status: str
    a_ended: str
    b_ended: str
    a_wall_s: Estimate | None
    b_wall_s: Estimate | None
    a_peak_anon_bytes: int | None
    b_peak_anon_bytes: int | None
    ratio: Estimate | None

    def __repr__(self) -> str:
        ratio = fmt.ratio(self.ratio.value if self.ratio else None)
        return fmt.brief(self, self.words, f"A {self.a_ended}, B {self.b_ended}", f"B / A {ratio}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Campaign B against campaign A. `overall` is the geometric mean of the cells' ratios.

    The intervals know the noise of the repeats, how the cells differ and, where both sessions have
    canaries, how the machine drifted; not what else changed between the two campaigns: that is what
    `differences` is for. `disturbed`: what others did to runs that count, in words; `disagreeing`: machines of one
    of them that do not find the same ratio of two cells, in words.
    """

    a: Path
    b: Path
    differences: tuple[Difference, ...]
    pairs: tuple[Pair, ...]
    only_a: int
    only_b: int
    overall: Estimate | None
    drift: Drift
    disturbed: tuple[str, ...]
    disagreeing: tuple[str, ...]

    @property
    def why_not(self) -> str | None:
        """Why no time can be compared, in words; None where it can."""
        if self.overall is not None:
            return None
        if self.pairs:
            return "; ".join(
                ["not comparable because no cell finished in every run in both", *self.disturbed]
            )
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
        host = next((d for d in self.differences if d.what == "host"), None)
        a, b = (f"A on {host.a}", f"B on {host.b}") if host else ("A", "B")
        told = f"{b} takes {fmt.ratio(self.overall.value)} the time of {a} over {cells} in common"
        bounds = self.overall.interval
        close = ", so they are not told apart" if bounds and bounds[0] <= 1 <= bounds[1] else ""
        told += f"{fmt.interval(bounds, fmt.ratio)}{close}"
        beside = [self.drift.words] if self.drift.words else []
        return "; ".join([told, *beside, *self.disturbed])

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

    def __repr__(self) -> str:
        return fmt.brief(self, f"A {self.a.name}", f"B {self.b.name}", self.verdict)

    def lines(self) -> list[str]:
        """For a terminal: what differs comes before any ratio."""
        named = [f"A  {fmt.near(self.a)}", f"B  {fmt.near(self.b)}"]
        cells = ["", *self.cells.lines()] if self.pairs else []
        # Why there is nothing to compare is an error, which the command tells.
        verdict = [] if self.why_not else [self.verdict]
        said = [*self._left_out(), *self.disagreeing, *verdict]
        return [*named, "", *self.unlike.lines(), *cells, "", *said]

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
        lines = (self.verdict, *self.disagreeing, *self._left_out())
        said = Table(("verdict",), tuple((line,) for line in lines))
        cells = self.cells.whole_html()
        shown = "".join(table._repr_html_() for table in (names, self.unlike, said))
        is_open = " open" if len(self.pairs) <= _SHOWN else ""
        summary = f"<summary>{len(self.pairs)} cells in common</summary>"
        folded = f"<details{is_open}>{summary}{cells}</details>" if self.pairs else ""
        return shown + folded


def compare_campaigns(a: Campaign, b: Campaign) -> Comparison:
    """B against A, over the cells that both ran: of the same levels, or alike but for the ffmpeg; where
    each has one host, and another, alike but for that."""
    ours, theirs = _by_name(a), _by_name(b)
    matched = _matched(ours, theirs)
    drift, shared = drift_between(a, b), ours.loc[list(matched)]
    words = words_of_cells(shared)
    pairs = tuple(
        _pair(words, cell, theirs.loc[matched[cell["cell"]]].to_dict(), drift)
        for cell in in_order(shared)
    )
    return Comparison(
        a=a.folder,
        b=b.folder,
        differences=tuple(differences(a, b)),
        pairs=pairs,
        only_a=len(ours) - len(matched),
        only_b=len(theirs) - len(matched),
        overall=_overall(pairs, drift),
        drift=drift,
        disturbed=tuple(
            words
            for side, name in ((a, "A"), (b, "B"))
            for words in (disturbed_words(side, name), not_measured_words(side, name))
            if words
        ),
        disagreeing=tuple(
            f"{name}: {found.words}"
            for side, name in ((a, "A"), (b, "B"))
            for found in disagreeing_machines(side)
        ),
    )


def _by_name(side: Campaign) -> pd.DataFrame:
    return side.cells.set_index("cell", drop=False)


def _matched(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict[str, str]:
    """A's cell -> B's, by their levels: names are as old as the clipkit that gave them."""
    unlike = _HOST if _are_of_two_hosts(ours, theirs) else ()
    return _matched_but_for(ours, theirs, unlike)


def _are_of_two_hosts(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    """Whether each was measured on one host, and not on the same."""
    places = [
        {tuple(map(plain, row)) for row in side[list(_HOST)].to_numpy()} for side in (ours, theirs)
    ]
    return all(len(each) == 1 for each in places) and places[0] != places[1]


def _matched_but_for(
    ours: pd.DataFrame, theirs: pd.DataFrame, unlike: Sequence[str]
) -> dict[str, str]:
    by_levels = _by_levels(theirs, *unlike)
    matched = {
        names[0]: by_levels[levels][0]
        for levels, names in _by_levels(ours, *unlike).items()
        if levels in by_levels
    }
    others = _by_levels(theirs.drop(index=list(matched.values())), "ffmpeg", *unlike)
    for levels, names in _by_levels(ours.drop(index=list(matched)), "ffmpeg", *unlike).items():
        alike = others.get(levels, [])
        if len(names) == len(alike) == 1:  # where ffmpeg is a factor, nobody knows which to which
            matched[names[0]] = alike[0]
    return matched


def _by_levels(cells: pd.DataFrame, *but: str) -> dict[Levels, list[str]]:
    found: dict[Levels, list[str]] = {}
    for row in cells.to_dict("records"):
        found.setdefault(without(levels_of_cell(row), *but), []).append(str(row["cell"]))
    return found


def _pair(
    words: Callable[[Mapping[Any, Any]], str],
    a: Mapping[Any, Any],
    b: Mapping[Any, Any],
    drift: Drift,
) -> Pair:
    a_wall_s, b_wall_s = _wall_s(a), _wall_s(b)
    return Pair(
        cell=str(a["cell"]),
        words=words(a),
        a_status=str(a["status"]),
        b_status=str(b["status"]),
        a_wall_s=a_wall_s,
        b_wall_s=b_wall_s,
        a_ended=_ended(a),
        b_ended=_ended(b),
        a_peak_anon_bytes=plain(a["peak_anon_bytes"]),
        b_peak_anon_bytes=plain(b["peak_anon_bytes"]),
        ratio=drift.widened(quotient(b_wall_s, a_wall_s)) if a_wall_s and b_wall_s else None,
    )


def _ended(cell: Mapping[Any, Any]) -> str:
    """How a cell ended; in how many of its runs, where only some failed."""
    words, failed, runs = Status(cell["status"]).words, int(cell["failures"]), int(cell["runs"])
    return f"{words} in {failed} of {runs + failed} runs" if failed and runs else words


def _wall_s(cell: Mapping[Any, Any]) -> Estimate | None:
    """None where it failed once: its good runs were luck."""
    if plain(cell["wall_s"]) is None:
        return None
    bounds = plain(cell["wall_low_s"]), plain(cell["wall_high_s"])
    return Estimate(float(cell["wall_s"]), *bounds, n=int(cell["runs"]))


def _overall(pairs: Sequence[Pair], drift: Drift) -> Estimate | None:
    ratios = [
        quotient(pair.b_wall_s, pair.a_wall_s) for pair in pairs if pair.b_wall_s and pair.a_wall_s
    ]
    return drift.widened(mean_of_ratios(ratios)) if ratios else None


def _row(pair: Pair) -> tuple[str, ...]:
    ratio = pair.ratio
    interval = ratio.interval if ratio else None
    counts = [side.n if side else 0 for side in (pair.a_wall_s, pair.b_wall_s)]
    return (
        pair.words,
        fmt.seconds(pair.a_wall_s.value) if pair.a_wall_s else pair.a_ended,
        fmt.seconds(pair.b_wall_s.value) if pair.b_wall_s else pair.b_ended,
        fmt.ratio(ratio.value) if ratio else "–",
        " – ".join(map(fmt.ratio, interval)) if interval else "–",
        f"{counts[0]} and {counts[1]}",
        fmt.size(pair.a_peak_anon_bytes),
        fmt.size(pair.b_peak_anon_bytes),
    )
