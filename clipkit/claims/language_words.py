"""What was measured of the languages, in sentences. Pure; every figure in them comes from records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from clipkit import format as fmt
from clipkit.analysis.equivalence import MARGIN, is_equivalent
from clipkit.analysis.pooling import pool_all
from clipkit.analysis.statistics import Estimate
from clipkit.claims.bodies import LANGUAGES
from clipkit.claims.languages import GAINS
from clipkit.claims.parallel import CEILING_BYTES
from clipkit.claims.verdict import Effect
from clipkit.claims.words import (
    Told,
    and_listed,
    bound_of_rewrite,
    ends_words,
    ratio_words,
    times_words,
    upper_limit,
)
from clipkit.records.best import margin_words

_NOT_OF_THE_LANGUAGE = "as sketched (other words for ffmpeg: no effect of the language)"


def alike_words(ratio: Estimate, what: str = "as fast") -> str:
    """`1.01x (1.00 to 1.02), as fast: within 5 %`; without the claim where it is not shown."""
    shown = f", {what}: within {100 * (MARGIN - 1):.0f} %" if is_equivalent(ratio) else ""
    return f"{ratio_words(ratio)}{shown}"


def starts_words(effects: Iterable[Effect]) -> str:
    """`5 starts of each`: of a service, behind one figure."""
    counts = sorted({effect.ratio.n for effect in effects if effect.ratio})
    if not counts:
        return "no start of both"
    least, most = counts[0], counts[-1]
    return f"{least if least == most else f'{least} to {most}'} starts of each"


def language_times(told: Told) -> str:
    """How fast a language is in place of Node.js; then what is left at equal work of ffmpeg; beside it the
    other languages, and rows as sketched."""
    return "; ".join(
        [
            f"{_name(told.judged[0])} in place of Node.js {'; '.join(times_words(told))}",
            starts_words(told.applying),
            *_at_equal_work(told.applying),
            *ends_words(told),
            *_others(told.effects),
        ]
    )


def _name(effect: Effect) -> str:
    service = str(effect.after.variant.service)
    return LANGUAGES.get(service, service)


def _at_equal_work(effects: Sequence[Effect]) -> list[str]:
    rest = pool_all([effect.split.rest for effect in effects if effect.split])
    work = pool_all([effect.split.work for effect in effects if effect.split])
    if not rest or not work:
        return []
    return [
        f"at equal work of ffmpeg {alike_words(rest.estimate)} (its own CPU seconds, of the same words: "
        f"{ratio_words(work.estimate)})"
    ]


def _others(effects: Sequence[Effect]) -> list[str]:
    """Each change that is shown beside, but for other seeks: at equal work of ffmpeg where both gave it the
    same words."""
    same: dict[str, list[Effect]] = {}
    sketched: dict[str, list[Effect]] = {}
    for effect in effects:
        if effect.judged or not effect.split:
            continue
        if effect.after.variant.is_sketched:
            sketched.setdefault(effect.change, []).append(effect)
        elif effect.after.variant.settings.seek == "input":
            same.setdefault(effect.change, []).append(effect)
    said = [
        f"{change}: {alike_words(pooled.estimate)}"
        for change, own in same.items()
        if (pooled := pool_all([e.split.rest for e in own if e.split]))
    ]
    told = [f"beside it, at equal work of ffmpeg: {', '.join(said)}"] if said else []
    times = [
        f"{_name(e)} {ratio_words(e.ratio)}" for own in sketched.values() for e in own if e.ratio
    ]
    return [*told, *([f"{_NOT_OF_THE_LANGUAGE}: {and_listed(times)}"] if times else [])]


def parallel_gain(told: Told) -> str:
    """What three at once bring in Python, against what they bring in the others."""
    said = [f"three at once in Python: {'; '.join(times_words(told))}", *ends_words(told)]
    applying = {effect.condition for effect in told.applying}
    for effect in told.effects:
        if not effect.judged and effect.condition in applying and effect.ratio:
            where = f" at {effect.condition.words}"
            ratio = effect.ratio
            words = alike_words(ratio, "as much") if effect.change == GAINS else ratio_words(ratio)
            said.append(f"{effect.change}{where}: {words}")
    return "; ".join([*said, starts_words(told.applying)])


def less_memory(told: Told) -> str:
    """`at rest Rust needs 95 % less (95 to 96): 0.9 MB instead of 18 MB to 19 MB`."""
    return _by_moment(told, _less, "Rust")


def more_memory(told: Told) -> str:
    """`at rest Python needs 1.83x (1.81 to 1.85) as much: 34 MB instead of 19 MB`."""
    return _by_moment(told, lambda known: f"{ratio_words(known)} as much", "Python")


def _by_moment(told: Told, words: Callable[[Estimate], str], name: str) -> str:
    said = []
    moments: dict[str, list[Effect]] = {}
    for effect in told.applying:
        moments.setdefault(effect.change, []).append(effect)
    for moment, own in moments.items():
        pooled = pool_all([effect.ratio for effect in own if effect.ratio])
        if pooled:
            sizes = f"{_sizes(e.after.peak_bytes for e in own)} instead of " + _sizes(
                e.before.peak_bytes for e in own if e.before
            )
            said.append(f"{moment} {name} needs {words(pooled.estimate)}: {sizes}")
    return "; ".join([*said, starts_words(told.applying), *ends_words(told)])


def _less(node_over_own: Estimate) -> str:
    ends = [
        f"{100 * (1 - 1 / value):.0f}"
        for value in (node_over_own.value, *(node_over_own.interval or ()))
    ]
    return f"{ends[0]} % less" + (f" ({ends[1]} to {ends[2]})" if len(ends) > 1 else "")


def _sizes(peaks: Iterable[int | None]) -> str:
    """`4.9 MB to 8.5 MB`: the most of all starts, by condition."""
    known = sorted(peak for peak in peaks if peak is not None)
    if not known:
        return "unknown"
    return " to ".join(dict.fromkeys(fmt.size(end) for end in (known[0], known[-1])))


def room_at_once(told: Told) -> str:
    """`at 720p Node.js 8, Python 8, Rust 9 (a clip needs up to 49 MB)`."""
    said = [f"{effect.change} {effect.why}" for effect in told.judged]
    held = f"with {margin_words()} to spare {fmt.size(CEILING_BYTES)} hold at once, the service included, "
    return "; ".join([f"{held}{', '.join(said)}", *([told.why] if told.why else [])])


def bound_by_service(told: Told) -> str:
    """Of services each by itself: the highest limit of all conditions, and what it is made of."""
    if not any(effect.is_served for effect in told.effects):
        return bound_of_rewrite(told)
    said = []
    for service, name in LANGUAGES.items():
        own = [e for e in told.applying if e.after.variant.service == service and e.ratio]
        if own:
            said.append(_bound_words(max(own, key=upper_limit), name))
    known = f"a service that costs nothing would be at most {', '.join(said)}"
    return "; ".join([known, *ends_words(told)])


def _bound_words(effect: Effect, name: str) -> str:
    """`3.1 % (2.8 to 3.4) faster than Node.js (0.5 CPU, …; 5 starts)`."""
    starts = fmt.counted(effect.ratio.n if effect.ratio else 0, "start")
    of = effect.overhead
    shares = (
        f"; its own CPU is {_share(of.own_cpu)} of all, no ffmpeg ran for {_share(of.gaps)} of the time"
        if of
        else ""
    )
    return f"{_faster(effect)} faster than {name} ({effect.condition.words}{shares}; {starts})"


def _faster(effect: Effect) -> str:
    """`3.1 % (2.8 to 3.4)`."""
    ratio = effect.ratio
    if ratio is None or ratio.interval is None:
        return f"{upper_limit(effect) * 100 - 100:.1f} %"
    low, high = (f"{end * 100 - 100:.1f}" for end in ratio.interval)
    return f"{ratio.value * 100 - 100:.1f} % ({low} to {high})"


def _share(fraction: float) -> str:
    return f"{100 * fraction:.2f} %"
