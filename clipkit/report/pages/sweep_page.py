"""The first screen of a sweep's report: the best settings for each ceiling, a heat map, the limits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.quiet import not_measured_words
from clipkit.claims import verdicts
from clipkit.errors import CampaignError
from clipkit.records.best import margin_words
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.condition import Condition
from clipkit.records.folder import FIGURES
from clipkit.records.settings_words import how_words
from clipkit.records.status import Status
from clipkit.report.notebooks.which_campaign import left_to_run
from clipkit.report.pages import page
from clipkit.tables import Table
from clipkit.tuning.best import Optimum
from clipkit.tuning.optimum import optima

_IN_A_SENTENCE = 4
"""So many hosts and jobs have their best settings in the headline; of more it tells the most common."""


def sweep_first_screen(folder: Path) -> dict[str, Any]:
    """What the template `sweep` shows; the heat map is the one that the notebook has just drawn.

    Raises CampaignError where the folder's files cannot be read.
    """
    campaign = open_campaign(folder)
    table = campaign.table
    found, why_none = _optima(campaign)
    verdict = headline(found) if found else f"No settings can be recommended: {why_none}."
    left = left_to_run(folder)
    return {
        "name": campaign.name,
        "hosts": _hosts(table),
        "unfinished": left,
        "verdict": verdict,
        "verdict_px": 22 if len(verdict) < 240 else 18 if len(verdict) < 400 else 15,
        "charts": [_chart(path) for path in drawn_heat_maps(folder)[:1]],
        "best": best_table(found),
        "counted": _counted(campaign),
        "measured_on": list(_measured_on(campaign)),
        "unmeasured": _unmeasured(campaign, found, left),
    }


def headline(found: Sequence[Optimum]) -> str:
    """The best settings of each host and job in a sentence, with their ties."""
    conditions = by_condition(found)
    common = _common([own[0].condition for own in conditions])
    answers: dict[str, list[str]] = {}  # what several have in common is said once
    for own in conditions:
        answers.setdefault(_best_words(own[0]), []).append(
            _condition_words(own[0].condition, common)
        )
    if len(answers) <= _IN_A_SENTENCE:
        return ". ".join(f"{' and '.join(own)}: {answer}" for answer, own in answers.items()) + "."
    good: Counter[str] = Counter()
    for own in conditions:
        good.update({_settings(own[0]), *(_tied(own[0]))})
    (words, count), *_ = good.most_common(1)
    return (
        f"{words}: recommended, or within the noise of the fastest, for {count} of {len(conditions)} "
        "combinations of host and job; the table tells the others."
    )


def has_optimum(folder: Path) -> bool:
    """Whether anything finished that could be recommended. Raises CampaignError for no campaign."""
    return bool(_optima(open_campaign(folder))[0])


def claims_sentence(folder: Path) -> str:
    """How many of the claims were confirmed, refuted, or depend on what, with their names."""
    names: dict[str, list[str]] = {}
    for verdict in verdicts(open_campaign(folder).table):
        names.setdefault(str(verdict.outcome), []).append(verdict.id)
    told = (f"{outcome}: {', '.join(own)}" for outcome, own in names.items())
    return f"The claims put to the test: {'; '.join(told)}. What each says and rests on is below."


def by_condition(found: Sequence[Optimum]) -> list[list[Optimum]]:
    """The optima of each host and job together, the one to show first."""
    conditions: dict[Condition, list[Optimum]] = {}
    for each in found:
        conditions.setdefault(each.condition, []).append(each)
    ordered = sorted(conditions, key=lambda condition: condition.size)
    return [sorted(conditions[one], key=lambda each: not each.fastest) for one in ordered]


def best_table(found: Sequence[Optimum]) -> Table:
    """The recommended settings of each host and job, whatever the picture."""
    leading = [own[0] for own in by_condition(found)]
    common = _common([each.condition for each in leading])
    rows = tuple(
        (
            _condition_words(each.condition, common),
            _settings(each),
            fmt.seconds(each.best.s_per_clip),
            fmt.size(each.best.peak_need_bytes),
            _ties_words(each),
        )
        for each in leading
    )
    margin = margin_words()
    caption = (
        f"Of what leaves {margin} of the memory free, the settings that are expected to lose the least "
        "time, and of those surely as fast the ones that need the least memory; not told apart: what the "
        "runs cannot tell from the fastest. Peak: the largest of the runs."
    )
    return Table(("for", "best settings", "a clip", "peak", "not told apart"), rows, caption)


def drawn_heat_maps(campaign: Path) -> list[Path]:
    """The heat maps that `2-explore` has drawn, in their order."""
    found = (campaign / FIGURES / "2-explore").glob("heat*.svg")
    return sorted(found, key=lambda path: [int(n) for n in re.findall(r"\d+", path.stem)])


def _optima(campaign: Campaign) -> tuple[tuple[Optimum, ...], str]:
    try:
        return optima(campaign), ""
    except CampaignError as error:
        return (), str(error)


def _best_words(each: Optimum) -> str:
    bounds = each.best.wall.interval
    clips = each.condition.clips
    within = fmt.interval((bounds[0] / clips, bounds[1] / clips) if bounds else None)
    ties = {0: "", 1: ", 1 tie"}.get(len(each.ties), f", {len(each.ties)} ties")
    time = fmt.seconds(each.best.s_per_clip)
    peak = each.best.peak_words
    doubt = "" if each.decided else ", not decided"
    return f"{_settings(each)}: {time} a clip{within}, peak {peak}{ties}{doubt}"


def _settings(each: Optimum) -> str:
    return f"{each.encoding.removesuffix(', CRF 23')}, {each.how}"


def _ties_words(each: Optimum) -> str:
    """The first two, and how many more."""
    told = [how_words(tie.settings) for tie in each.ties[:2]]
    more = len(each.ties) - len(told)
    return "; ".join([*told, f"{more} more"] if more else told) or "none"


def _tied(each: Optimum) -> Iterator[str]:
    encoding = each.encoding.removesuffix(", CRF 23")
    yield from (f"{encoding}, {how_words(tie.settings)}" for tie in each.ties)


def _common(conditions: Sequence[Condition]) -> set[str]:
    """Which parts of a condition's words need not be said: all have them alike."""
    parts = [_parts(condition) for condition in conditions]
    return {name for name in parts[0] if len({own[name] for own in parts}) == 1} if parts else set()


def _condition_words(condition: Condition, common: set[str]) -> str:
    """What tells this host and job from the others; its memory and CPU where nothing does."""
    parts = _parts(condition)
    told = [words for name, words in parts.items() if name not in common and words]
    return ", ".join(told or [parts["memory"], parts["cpus"]])


def _parts(condition: Condition) -> dict[str, str]:
    return {
        "memory": "no limit"
        if condition.memory_bytes is None
        else fmt.size(condition.memory_bytes),
        "cpus": fmt.cpus(condition.cpus),
        "reserve": f"{fmt.size(condition.reserve_bytes)} reserve"
        if condition.reserve_bytes
        else "",
        "upload": f"{min(condition.width, condition.height)}p",
        "length": f"film of {fmt.clock(condition.upload_s)}",
        "clips": f"{condition.clips} clips",
        "clip": f"clips of {condition.clip_s:g} s",
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


def _counted(campaign: Campaign) -> str:
    """How many attempts there are, and how they ended."""
    ends = campaign.table["status"].value_counts()
    cells, blocks = campaign.table["cell"].nunique(), campaign.table["block"].nunique()
    words = {
        Status.OK: "finished",
        Status.OOM: "ran out of memory",
        Status.OOM_INFERRED: "not run, since a smaller one ran out",
        Status.TIMEOUT: "timed out",
        Status.FAILED: "failed",
        Status.CANCELLED: "interrupted, which does not count",
        Status.INVALID_NOISE: "disturbed by others, which does not count",
    }
    told = [f"{ends[status]} {text}" for status, text in words.items() if ends.get(status, 0)]
    return f"{cells} cells in {blocks} blocks: {', '.join(told)}."


def _chart(path: Path) -> page.Chart:
    return page.Chart(
        page.picture_uri(path), "Heat map of wall time a clip, in numbers in its table"
    )


def _measured_on(campaign: Campaign) -> Iterator[str]:
    for machine in campaign.machines.values():
        parts = [machine.get("cpu"), f"{machine.get('cores')} cores", machine.get("system")]
        versions = [build["version"] for build in machine.get("ffmpeg", [])]
        yield ", ".join(str(part) for part in [*parts, *versions] if part)
        yield f"ceiling enforced by {machine.get('ceiling')}"
    for name, facts in campaign.uploads.items():
        yield (
            f"{name}: {facts['width']}x{facts['height']} at {facts['fps']:.3g} fps, "
            f"{facts['codec']}, {fmt.clock(facts['duration_s'])}"
        )


def _unmeasured(campaign: Campaign, found: Sequence[Optimum], left: str | None) -> list[str]:
    """What all of it does not show, each said once."""
    said = [f"the rest of the sweep: it holds {left} so far"] if left else []
    if disturbed := not_measured_words(campaign):
        said.append(disturbed)
    return list(dict.fromkeys([*said, *(line for each in found for line in each.unmeasured)]))
