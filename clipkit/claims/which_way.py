"""Tune, rewrite or a larger plan (claim C11): what each way brings beyond the one before it, at what cost, and
a rule to decide by. A table and no verdict: what a week of work is worth is the reader's to say. Pure.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate
from clipkit.claims.bodies import LANGUAGES
from clipkit.claims.evidence import Evidence, Runs, gather_runs, split
from clipkit.claims.languages import language_pairs
from clipkit.claims.originals import PRESET, SERVICE, originals, set_up_alike
from clipkit.claims.plan_figures import (
    best_of_picture,
    mean_s_per_clip,
    of_picture,
    priced_plans,
)
from clipkit.claims.rules import MATTERS
from clipkit.claims.verdict import Variant
from clipkit.claims.words import and_listed, ratio_words
from clipkit.records.condition import Condition
from clipkit.records.status import is_finished
from clipkit.tables import Table

STATED = "stated by the analysis, not measured"
EFFORT = {"python": f"3 to 5 days ({STATED})", "rust": f"2 to 3 weeks ({STATED})"}
A_SETTING = "a setting"
_LEAST = f"{(MATTERS - 1) * 100:.0f} %"
UNKNOWN = (
    "what your own service takes: measure it instead of ours",
    "effort: it is stated by the analysis, and depends on who does the work",
    "films of other content, codec and frame size than those measured, and other lengths of clips",
    "how fast your provider's core is: ratios carry over to it, seconds and USD do not",
    "what a rewrite costs later: maintenance, mistakes, and who can read it",
)


@dataclass(frozen=True, slots=True)
class Gain:
    """How many times as fast it is at one place. `ratio` None: nothing better than before was found there."""

    where: str
    ratio: Estimate | None

    @property
    def words(self) -> str:
        told = ratio_words(self.ratio) if self.ratio else "nothing better was found"
        return f"{told} at {self.where}"


@dataclass(frozen=True, slots=True)
class Way:
    """`beyond`: what it is compared with; `room`: what it says of memory; `costs`: work, or money."""

    what: str
    beyond: str
    gains: tuple[Gain, ...]
    room: str
    costs: str

    @property
    def words(self) -> str:
        return "; ".join(gain.words for gain in self.gains) or "not measured"

    @property
    def brings(self) -> str:
        """In short, by whole intervals: whether it is worth a deployment."""
        known = [gain.ratio.interval for gain in self.gains if gain.ratio and gain.ratio.interval]
        if not self.gains:
            return "not measured"
        if any(low > MATTERS for low, _ in known):
            where = [gain.where for gain in self.gains if _is_above(gain)]
            return "faster" if len(where) == len(self.gains) else f"faster at {and_listed(where)}"
        if all(high < MATTERS for _, high in known):
            return f"less than {_LEAST}"
        return f"not decided whether {_LEAST}"


def _is_above(gain: Gain) -> bool:
    return bool(gain.ratio and gain.ratio.interval and gain.ratio.interval[0] > MATTERS)


@dataclass(frozen=True, slots=True)
class WhichWay:
    """`today`: what a clip takes now, by place; `ways` in the order in which to try them."""

    today: tuple[str, ...]
    ways: tuple[Way, ...]

    def table(self) -> Table:
        heads = ("way", "beyond", "times as fast (95 %)", "brings", "memory", "costs")
        today = "; ".join(self.today) or "not measured"
        first = ("today", "–", today, "–", "–", "–")
        rows = (
            (way.what, way.beyond, way.words, way.brings, way.room or "–", way.costs)
            for way in self.ways
        )
        caption = f"brings: by whole intervals, whether {_LEAST} or more"
        return Table(heads, (first, *rows), caption, whole=True)

    def rule(self) -> tuple[str, ...]:
        """To decide by, in sentences: the cheap first, each only for what it brings beyond the one before."""
        return tuple(_rule(self.ways))

    def lines(self) -> list[str]:
        """For a terminal."""
        told = [
            f"WAY {way.what}, beyond {way.beyond}: {way.brings}; {way.words}; {way.costs}"
            for way in self.ways
        ]
        return [*told, *(f"RULE {n}. {line}" for n, line in enumerate(self.rule(), start=1))]

    def markdown(self) -> str:
        """The table, the rule and what is unknown, for a page; it ends with a line feed."""
        rule = (f"{n}. {line}" for n, line in enumerate(self.rule(), start=1))
        unknown = (f"- {words}" for words in UNKNOWN)
        said = ("A rule to decide by:", "", *rule, "", "What remains unknown:", "", *unknown, "")
        return "\n".join([self.table().markdown(), *said])

    def to_json(self) -> dict[str, Any]:
        return {
            "today": list(self.today),
            "ways": [
                {
                    "what": way.what,
                    "beyond": way.beyond,
                    "brings": way.brings,
                    "costs": way.costs,
                    "memory": way.room or None,
                    "gains": [
                        {
                            "where": gain.where,
                            "ratio": gain.ratio and gain.ratio.value,
                            "ratio_ci95": gain.ratio and gain.ratio.interval,
                        }
                        for gain in way.gains
                    ],
                }
                for way in self.ways
            ],
            "rule": list(self.rule()),
            "unknown": list(UNKNOWN),
        }


def which_way(*tables: pd.DataFrame) -> WhichWay:
    """Of campaigns' tables, as `verdicts` takes them; each way from what they hold of it."""
    evidence = gather_runs(tables)
    served = [own for own in evidence if any(_originals(own))]
    ways = [_seeking(evidence), _tuning(served or evidence)]
    ways += [_language(evidence, name) for name in LANGUAGES if name != SERVICE]
    ways += _plans(evidence)
    return WhichWay(tuple(_today(served)), tuple(ways))


# -- each way -----------------------------------------------------------------------------


def _today(served: Sequence[Evidence]) -> Iterator[str]:
    for own in served:
        for condition, _, runs in _originals(own):
            yield f"{fmt.seconds(mean_s_per_clip(runs).value)} a clip at {place_words(condition)}"


def _seeking(evidence: Sequence[Evidence]) -> Way:
    """The original's command line seeking before the input in place of after it, no service beside."""
    gains = [
        Gain(place_words(condition), own.speedup(variants[sketch], variants[fluent]))
        for own in evidence
        for condition, variants in own.conditions()
        for sketch in variants
        if sketch.subject == "sketch" and sketch.settings.preset == PRESET
        for fluent in originals(variants)
        if fluent.service is None
    ]
    what = "seek before the input, where it comes after it today"
    return Way(what, "today", tuple(gains), "", A_SETTING)


def _tuning(evidence: Sequence[Evidence]) -> Way:
    gains, room = [], []
    for own in evidence:
        for condition, original, runs in _originals(own):
            variants = own.runs[condition]
            if len(of_picture(variants, original)) == 1:
                continue  # nothing else was tried there
            best = best_of_picture(own, variants, original)
            better = None if best == original else own.speedup(runs, variants[best])
            gains.append(Gain(place_words(condition), better))
            if better:
                room.append(f"{best.settings.concurrency} at once at {place_words(condition)}")
    what = "settings tuned, the picture the same"
    return Way(what, "today", tuple(gains), "; ".join(room), A_SETTING)


def _language(evidence: Sequence[Evidence], name: str) -> Way:
    """Beside Node.js with Node.js' best settings there: what is left to gain once it is tuned. By the wall time
    for each CPU second of ffmpeg, which is all that an orchestrator can change."""
    gains, own_bytes, other_bytes = [], [], []
    for own in evidence:
        for condition, original, _ in _originals(own):
            variants = own.runs[condition]
            best = best_of_picture(own, variants, original)
            for before, after in language_pairs(variants):
                if before == best and after.service == name:
                    parts = split(variants[before], variants[after])
                    if parts:
                        gains.append(Gain(place_words(condition), parts.rest))
                    other_bytes += _own_bytes(variants[before])
                    own_bytes += _own_bytes(variants[after])
    room = ""
    if own_bytes and other_bytes:
        mine, theirs = statistics.median(own_bytes), statistics.median(other_bytes)
        room = f"the service {fmt.size(mine)} instead of {fmt.size(theirs)} while it cuts"
    what = f"{LANGUAGES[name]} in place of {LANGUAGES[SERVICE]}, at equal work of ffmpeg"
    return Way(what, "tuned", tuple(gains), room, EFFORT[name])


def _plans(evidence: Sequence[Evidence]) -> Iterator[Way]:
    """Each larger plan beside the next smaller one, both tuned."""
    for own in evidence:
        for plans in priced_plans(own):
            if plans[0].original.variant.service not in (SERVICE, None):
                continue
            for smaller, larger in itertools.pairwise(plans):
                before, after = smaller.best, larger.best
                ratio = own.speedup(before.runs, after.runs)
                price = after.usd_per_month / before.usd_per_month
                limit = fmt.memory(larger.best.condition.memory_bytes)
                yield Way(
                    f"{larger.host} in place of {smaller.host}",
                    "tuned",
                    (Gain(place_words(after.condition), ratio),) if ratio else (),
                    f"{limit} in all",
                    f"{after.usd_per_month:g} instead of {before.usd_per_month:g} USD a month, "
                    f"{fmt.ratio(price)}",
                )


def _originals(own: Evidence) -> Iterator[tuple[Condition, Variant, Runs]]:
    """Node.js as the original has it, wherever it ended well and its time counts."""
    for condition, variants in own.conditions():
        for variant in set_up_alike(variants, SERVICE):
            runs = variants[variant]
            if all(is_finished(run) and run.wall_s for run in runs):
                yield condition, variant, runs


def _own_bytes(runs: Runs) -> list[int]:
    """Of a service's own memory while clips are cut, its ffmpegs not counted."""
    peaks = (run.served.service_clips_peak_bytes for run in runs)
    return [peak for peak in peaks if peak is not None]


def place_words(condition: Condition) -> str:
    """`0.5 CPU, 512 MB, 720p`: what tells a place from others of its campaigns."""
    return f"{fmt.cpus(condition.cpus)}, {fmt.memory(condition.memory_bytes)}, {condition.lines}p"


# -- the rule -----------------------------------------------------------------------------


def _rule(ways: Sequence[Way]) -> Iterator[str]:
    seek, tuned, *others = ways
    rewrites = [way for way in others if STATED in way.costs]
    plans = [way for way in others if way not in rewrites]
    yield "Measure today's command on your host and your film, with `clipkit tune`: the steps below are of ours."
    yield f"If it seeks after the input, let it seek before. Here: {seek.words}."
    yield f"Then take the settings that tuning finds, where they bring {_LEAST} or more. Here: {tuned.words}."
    said = "; ".join(f"{way.what}: {way.brings}" for way in rewrites)
    yield (
        "Rewrite only for what that brings beyond, or where the memory that it saves is room for one more clip at "
        f"once and a CPU is idle to cut it. Here: {said}."
    )
    said = "; ".join(f"{way.what}: {way.words} at {way.costs}" for way in plans) or "not measured"
    yield (
        "Pay for a larger plan where the smaller one does not carry your load in time, which `clipkit plans` "
        f"tells. Here: {said}."
    )
