"""The first screen of a sweep's report: the best settings for each ceiling, a heat map, the limits."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit import format as fmt
from clipkit.claims import verdicts
from clipkit.errors import CampaignError
from clipkit.records import table as tables
from clipkit.records.record import Status
from clipkit.report.exhibits.study import read_object
from clipkit.report.notebooks import campaigns
from clipkit.report.pages import page
from clipkit.tables import Table
from clipkit.tuning.best import Optimum, Where, how
from clipkit.tuning.candidates import USABLE_FRACTION
from clipkit.tuning.optimum import optima

_IN_A_SENTENCE = 4
"""So many hosts and jobs have their best settings in the headline; of more it tells the most common."""


def first_screen(campaign: Path) -> dict[str, Any]:
    """What the template `sweep` shows; the heat map is the one that the notebook has just drawn.

    Raises CampaignError where the folder's files cannot be read.
    """
    table = tables.load(campaign)
    found, why_none = _optima(table)
    verdict = headline(found) if found else f"No settings can be recommended: {why_none}."
    left = campaigns.unfinished(campaign)
    return {
        "name": campaign.name,
        "hosts": _hosts(table),
        "unfinished": left,
        "verdict": verdict,
        "verdict_px": 22 if len(verdict) < 240 else 18 if len(verdict) < 400 else 15,
        "charts": [_chart(path) for path in heat_maps(campaign)[:1]],
        "best": best_table(found),
        "counted": _counted(table),
        "measured_on": list(_measured_on(campaign)),
        "unmeasured": _unmeasured(found, left),
    }


def headline(found: Sequence[Optimum]) -> str:
    """The best settings of each host and job in a sentence, with their ties."""
    places = by_place(found)
    common = _common([own[0].where for own in places])
    answers: dict[str, list[str]] = {}  # what several have in common is said once
    for own in places:
        answers.setdefault(_best_words(own[0]), []).append(_place(own[0].where, common))
    if len(answers) <= _IN_A_SENTENCE:
        return ". ".join(f"{' and '.join(own)}: {answer}" for answer, own in answers.items()) + "."
    good: Counter[str] = Counter()
    for own in places:
        fastest = own[0]
        good.update({_settings(fastest), *(_tied(fastest))})
    (words, count), *_ = good.most_common(1)
    return (
        f"{words}: the fastest, or within the noise of the fastest, for {count} of {len(places)} "
        "combinations of host and job; the table tells the others."
    )


def has_optimum(campaign: Path) -> bool:
    """Whether anything finished that could be recommended. Raises CampaignError for no campaign."""
    return bool(_optima(tables.load(campaign))[0])


def claims(campaign: Path) -> str:
    """How many of the claims were confirmed, refuted, or depend on what, with their names."""
    names: dict[str, list[str]] = {}
    for verdict in verdicts(tables.load(campaign)):
        names.setdefault(str(verdict.outcome), []).append(verdict.id)
    told = (f"{outcome}: {', '.join(own)}" for outcome, own in names.items())
    return f"The claims put to the test: {'; '.join(told)}. What each says and rests on is below."


def by_place(found: Sequence[Optimum]) -> list[list[Optimum]]:
    """The optima of each host and job together, the fastest encoding first."""
    places: dict[Where, list[Optimum]] = {}
    for each in found:
        places.setdefault(each.where, []).append(each)
    ordered = sorted(places, key=lambda where: (where.memory_bytes or math.inf, where.cpus or 0))
    return [sorted(places[where], key=lambda each: not each.fastest) for where in ordered]


def best_table(found: Sequence[Optimum]) -> Table:
    """The fastest settings of each host and job, whatever the encoding."""
    fastest = [own[0] for own in by_place(found)]
    common = _common([each.where for each in fastest])
    rows = tuple(
        (
            _place(each.where, common),
            _settings(each),
            fmt.seconds(each.best.s_per_clip),
            fmt.size(each.best.peak_anon_bytes),
            _ties_words(each),
        )
        for each in fastest
    )
    margin = fmt.percent(1 - USABLE_FRACTION)
    caption = (
        f"Of what leaves {margin} of the memory free and is within the noise of the fastest, "
        "the settings that need the least; as good: the others of these."
    )
    return Table(("for", "best settings", "a clip", "peak", "as good"), rows, caption)


def heat_maps(campaign: Path) -> list[Path]:
    """The heat maps that `2-explore` has drawn, in their order."""
    found = (campaign / "figures").glob("heat*.svg")
    return sorted(found, key=lambda path: [int(n) for n in re.findall(r"\d+", path.stem)])


def _optima(table: pd.DataFrame) -> tuple[tuple[Optimum, ...], str]:
    try:
        return optima(table), ""
    except CampaignError as error:
        return (), str(error)


def _best_words(each: Optimum) -> str:
    interval = each.best.wall.interval
    clips = each.where.clips
    within = f" (95 %: {interval[0] / clips:.3g} to {interval[1] / clips:.3g})" if interval else ""
    ties = {0: "", 1: ", 1 tie"}.get(len(each.ties), f", {len(each.ties)} ties")
    time = fmt.seconds(each.best.s_per_clip)
    peak = fmt.size(each.best.peak_anon_bytes)
    return f"{_settings(each)}: {time} a clip{within}, peak {peak}{ties}"


def _settings(each: Optimum) -> str:
    return f"{each.encoding.removesuffix(', CRF 23')}, {each.how}"


def _ties_words(each: Optimum) -> str:
    """The first two, and how many more."""
    told = [how(tie.settings) for tie in each.ties[:2]]
    more = len(each.ties) - len(told)
    return "; ".join([*told, f"{more} more"] if more else told) or "none"


def _tied(each: Optimum) -> Iterator[str]:
    encoding = each.encoding.removesuffix(", CRF 23")
    yield from (f"{encoding}, {how(tie.settings)}" for tie in each.ties)


def _common(places: Sequence[Where]) -> set[str]:
    """Which parts of a place's words need not be said: all have them alike."""
    parts = [_parts(place) for place in places]
    return {name for name in parts[0] if len({own[name] for own in parts}) == 1} if parts else set()


def _place(where: Where, common: set[str]) -> str:
    """What tells this host and job from the others; its memory and CPU where nothing does."""
    parts = _parts(where)
    told = [words for name, words in parts.items() if name not in common and words]
    return ", ".join(told or [parts["memory"], parts["cpus"]])


def _parts(where: Where) -> dict[str, str]:
    return {
        "memory": "no limit" if where.memory_bytes is None else fmt.size(where.memory_bytes),
        "cpus": fmt.cpus(where.cpus),
        "reserve": f"{fmt.size(where.reserve_bytes)} reserve" if where.reserve_bytes else "",
        "upload": f"{min(where.width, where.height)}p",
        "length": f"film of {fmt.clock(where.upload_s)}",
        "clips": f"{where.clips} clips",
        "clip": f"clips of {where.clip_s:g} s",
    }


def _hosts(table: pd.DataFrame) -> list[str]:
    columns = ["memory_limit_bytes", "cpu_quota"]
    places = table[columns].drop_duplicates().sort_values(columns)
    return [
        ", ".join(
            (
                "no limit" if pd.isna(memory) else fmt.size(float(memory)),
                fmt.cpus(None if pd.isna(cpus) else float(cpus)),
            )
        )
        for memory, cpus in places.itertuples(index=False, name=None)
    ]


def _counted(table: pd.DataFrame) -> str:
    """How many attempts there are, and how they ended."""
    ends = table["status"].value_counts()
    cells, blocks = table["cell"].nunique(), table["block"].nunique()
    words = {
        Status.OK: "finished",
        Status.OOM: "ran out of memory",
        Status.OOM_INFERRED: "not run, since a smaller one ran out",
        Status.TIMEOUT: "timed out",
        Status.FAILED: "failed",
        Status.CANCELLED: "interrupted and repeated",
        Status.INVALID_NOISE: "spoilt by noise and repeated",
    }
    told = [f"{ends[status]} {text}" for status, text in words.items() if ends.get(status, 0)]
    return f"{cells} cells in {blocks} blocks: {', '.join(told)}."


def _chart(path: Path) -> page.Chart:
    return page.Chart(page.picture(path), "Heat map of wall time a clip, in numbers in its table")


def _measured_on(campaign: Path) -> Iterator[str]:
    environment = read_object(campaign / "environment.json")
    parts = [environment.get("cpu"), f"{environment.get('cores')} cores", environment.get("system")]
    versions = [build["version"] for build in environment.get("ffmpeg", [])]
    yield ", ".join(str(part) for part in [*parts, *versions] if part)
    yield f"ceiling enforced by {environment.get('ceiling')}"
    for name, facts in read_object(campaign / "uploads.json").items():
        yield (
            f"{name}: {facts['width']}x{facts['height']} at {facts['fps']:.3g} fps, "
            f"{facts['codec']}, {fmt.clock(facts['duration_s'])}"
        )


def _unmeasured(found: Sequence[Optimum], left: str | None) -> list[str]:
    """What all of it does not show, each said once."""
    said = [f"the rest of the sweep: it holds {left} so far"] if left else []
    return list(dict.fromkeys([*said, *(line for each in found for line in each.unmeasured)]))
