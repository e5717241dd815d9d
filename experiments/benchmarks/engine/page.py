"""Writes the tables of results/ENGINE.md anew, from results/engine.jsonl, which `engine` measures into.

    python experiments/benchmarks/engine/page.py

The sentences between them are written by hand; `tests/experiments/test_engine_page.py` compares the tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from clipkit import format as fmt
from clipkit import resources
from clipkit.analysis.statistics import Estimate, mean, paired_ratio
from clipkit.report.exhibits.services_page import with_blocks
from clipkit.tables import Table

PAGE, RUNS = "ENGINE.md", "engine.jsonl"
_WHO = {
    "sketch": "`sketch`: seeks after the input, one at a time",
    "fluent": "`fluent`: seeks before the input, one at a time",
    "xargs-2": "`xargs -P 2`, one thread each",
    "xargs-3": "`xargs -P 3`, one thread each",
    "xargs-4": "`xargs -P 4`, one thread each",
    "smartcut": "smartcut 1.7",
    "floor": "stream copy from the key frame before: not exact",
    "encode": "clipkit, `encode`, 2 at once",
    "smart": "clipkit, `smart`, 2 at once",
    "copy": "clipkit, `copy`, 2 at once",
}
_BESIDE = ("sketch", "fluent")
_HEADS = (
    "who",
    "s",
    *(f"as fast as `{name}`" for name in _BESIDE),
    "CPU s",
    "memory",
    "files",
    "clips",
)
Runs = dict[str, list[dict[str, Any]]]


def engine_blocks(results: Path) -> dict[str, str]:
    """Name of a block on the page -> its table."""
    rows = [json.loads(line) for line in (results / RUNS).read_text("utf-8").splitlines()]
    cases: dict[str, Runs] = {}
    for row in rows:
        cases.setdefault(row["case"], {}).setdefault(row["subject"], []).append(row)
    return {f"the engine, {case}": _table(runs) for case, runs in cases.items()}


def _table(runs: Runs) -> str:
    return Table(
        _HEADS, tuple(tuple(_cells(name, runs)) for name in _WHO if name in runs)
    ).markdown()


def _cells(name: str, runs: Runs) -> Iterator[str]:
    own = runs[name]
    partly = any(run["clips_asked"] < _asked(runs) for run in own)
    yield f"{_WHO[name]}{' (one clip alone)' if partly else ''}"
    yield _told(mean([run["wall_s"] for run in own]), fmt.seconds)
    for other in _BESIDE:
        yield _ratio(runs.get(other, []), own) if other != name else ""
    yield _mean(own, "cpu_s", fmt.seconds)
    peaks = [run["peak_anon_bytes"] for run in own if run["peak_anon_bytes"] is not None]
    yield fmt.size(max(peaks, default=None))
    yield _mean(own, "output_bytes", lambda value: fmt.size(round(value)))
    fewest = min(run["clips"] for run in own)
    yield f"{fewest} of {_asked(runs)}"


def _asked(runs: Runs) -> int:
    return max(int(run["clips_asked"]) for own in runs.values() for run in own)


def _ratio(slower: Sequence[dict[str, Any]], own: Sequence[dict[str, Any]]) -> str:
    """By pairs of the same round, where all of both were cut whole."""
    theirs = {run["round"]: run for run in slower}
    pairs = [(theirs[run["round"]], run) for run in own if run["round"] in theirs]
    if len(pairs) < 2 or any(a["clips_asked"] != b["clips_asked"] for a, b in pairs):
        return "unknown"
    return _told(
        paired_ratio([a["wall_s"] for a, _ in pairs], [b["wall_s"] for _, b in pairs]), fmt.ratio
    )


def _mean(runs: Sequence[dict[str, Any]], column: str, form: Callable[[float], str]) -> str:
    known = [run[column] for run in runs if run[column] is not None]
    return form(sum(known) / len(known)) if known else "unknown"


def _told(estimate: Estimate, form: Callable[[float], str]) -> str:
    return f"{form(estimate.value)}{fmt.interval(estimate.interval, form)}"


def main() -> None:
    results = resources.folder("results")
    page = results / PAGE
    page.write_text(with_blocks(page.read_text("utf-8"), engine_blocks(results)), "utf-8")


if __name__ == "__main__":
    main()
