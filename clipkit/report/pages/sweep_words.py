"""What a sweep found, as a person would say it: the first line of its page, and the table of the best."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from clipkit import format as fmt
from clipkit.claims import Outcome, Verdict, tally_words, verdict_words
from clipkit.records.best import margin_words
from clipkit.records.condition import Condition
from clipkit.records.settings_words import how_words
from clipkit.tables import Table
from clipkit.tuning.best import Optimum

_IN_A_SENTENCE = 3
"""So many hosts and jobs have a sentence each; of more it tells the most common settings."""


def headline(found: Sequence[Optimum]) -> str:
    """The best settings of each host and job in a sentence or few: what is fastest, what a clip takes,
    and what that brings against clipkit's defaults."""
    leading = [own[0] for own in by_condition(found)]
    common = _common([each.condition for each in leading])
    answers: dict[str, list[Optimum]] = {}  # what several have in common is said once
    for each in leading:
        answers.setdefault(_said_settings(each), []).append(each)
    if len(answers) <= _IN_A_SENTENCE:
        return " ".join(_sentence(words, own, common) for words, own in answers.items())
    most, own = max(answers.items(), key=lambda answer: len(answer[1]))
    return (
        f"{_sentence(most, own, common)} For the other {len(leading) - len(own)} of "
        f"{len(leading)} combinations of host and job it is other settings: see the table."
    )


def _sentence(words: str, own: Sequence[Optimum], common: set[str]) -> str:
    """`On 512 MB and 2 CPU, 2 clips at once with 1 encoder thread each is fastest: 3.4 s a clip …`."""
    tied = any(each.ties for each in own)
    surely = "as fast as any" if tied else "fastest"
    if not all(each.decided for each in own):
        surely = "ahead, which is not decided"
    times = _span([each.best.s_per_clip for each in own], fmt.seconds)
    peaks = _span([each.best.peak_need_bytes or 0 for each in own], fmt.size)
    return (
        f"On {_where(own, common)}, {words} is {surely}: {times} a clip"
        f"{_against_defaults(own)}, with {peaks} of memory."
    )


def _where(own: Sequence[Optimum], common: set[str]) -> str:
    """The hosts and jobs, in words: one by its memory and CPU, several by what tells them apart."""
    if len(own) == 1:
        condition = own[0].condition
        others = _condition_words(condition, common | {"memory", "cpus"}, nothing="")
        place = f"{fmt.memory(condition.memory_bytes)} and {fmt.cpus(condition.cpus)}"
        return f"{place} ({others})" if others else place
    told: dict[str, dict[str, None]] = {"memory": {}, "cpus": {}}
    for each in own:
        for name, words in _parts(each.condition).items():
            if words and (name in told or name not in common):
                told.setdefault(name, {})[words] = None
    if math.prod(map(len, told.values())) != len(own):  # not each of these with each of those
        places = "; ".join(_condition_words(each.condition, common) for each in own)
        return f"{len(own)} hosts and jobs ({places})"
    memory, cpus, *further = [_listed(list(levels), "or") for levels in told.values()]
    kept = f" ({', '.join(further)})" if further else ""
    return f"{memory} and {cpus}{kept}"


def _against_defaults(own: Sequence[Optimum]) -> str:
    """What it brings against clipkit's defaults, as far as they were measured."""
    ratios = [each.default.value for each in own if each.default is not None]
    if len(ratios) < len(own):
        return ""
    return f", {_span(ratios, fmt.bare_ratio)} times as fast as clipkit's defaults"


def _span(values: Sequence[float], words: Callable[[float], str]) -> str:
    """The least and the most, or one of them where they read alike."""
    return " to ".join(dict.fromkeys(map(words, (min(values), max(values)))))


def _listed(words: Sequence[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _said_settings(each: Optimum) -> str:
    """`2 clips at once with 1 encoder thread each, ultrafast`."""
    at_once, _, others = each.how.partition(" at once, ")
    clips = "clip" if at_once == "1" else "clips"
    return f"{at_once} {clips} at once with {others} ({each.encoding.removesuffix(', CRF 23')})"


def claims_headline(judged: Sequence[Verdict]) -> str:
    """How the claims came out, and which hold, where they are few."""
    holds = [verdict.claim for verdict in judged if verdict.outcome is Outcome.CONFIRMED]
    which = f" What holds: {'; '.join(holds)}." if 0 < len(holds) <= _IN_A_SENTENCE else ""
    return f"{tally_words(judged)}.{which}"


def claims_in_words(judged: Sequence[Verdict]) -> Table:
    """Each claim, whether it holds, and what it brings or costs; those that were not measured last, in a
    row for each experiment that they need."""
    rows: list[tuple[str, str, str]] = []
    waiting: dict[str, list[Verdict]] = {}
    for verdict in judged:
        if verdict.outcome is Outcome.NOT_MEASURED:
            waiting.setdefault(verdict.found, []).append(verdict)
        else:
            rows.append((f"{verdict.id}: {verdict.claim}", _outcome_words(verdict), verdict.found))
    for needs, open_ones in waiting.items():
        named = "; ".join(f"{one.id}: {one.claim}" for one in open_ones)
        ids = ", ".join(one.id for one in open_ones)
        rows.append((ids, Outcome.NOT_MEASURED.value, f"{needs}. {named}"))
    heads = ("the claim", "holds?", "what it brings or costs (95 % interval)")
    return Table(heads, tuple(rows), whole=True)


def _outcome_words(verdict: Verdict) -> str:
    return f"depends on {verdict.depends_on}" if verdict.depends_on else verdict_words(verdict)


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
            f"{each.encoding.removesuffix(', CRF 23')}, {each.how}",
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
    return Table(("for", "settings", "a clip", "peak", "not told apart"), rows, caption)


def _common(conditions: Sequence[Condition]) -> set[str]:
    """Which parts of a condition's words need not be said: all have them alike."""
    parts = [_parts(condition) for condition in conditions]
    return {name for name in parts[0] if len({own[name] for own in parts}) == 1} if parts else set()


def _condition_words(condition: Condition, common: set[str], nothing: str | None = None) -> str:
    """What tells this host and job from the others; its memory and CPU where nothing does, or
    `nothing`."""
    parts = _parts(condition)
    told = [words for name, words in parts.items() if name not in common and words]
    return ", ".join(told or ([parts["memory"], parts["cpus"]] if nothing is None else [nothing]))


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


def _ties_words(each: Optimum) -> str:
    """The first two, and how many more."""
    told = [how_words(tie.settings) for tie in each.ties[:2]]
    more = len(each.ties) - len(told)
    return "; ".join([*told, f"{more} more"] if more else told) or "none"
