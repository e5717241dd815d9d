"""What was measured of a claim, in sentences. Pure; every figure in them comes from records."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clipkit import format as fmt
from clipkit.analysis.interaction import LEVEL
from clipkit.analysis.statistics import Estimate
from clipkit.claims.rules import MATTERS
from clipkit.claims.verdict import Effect, Finding, LevelFinding, Reading
from clipkit.model.cpu import cpus_for_gain, most_from_idle
from clipkit.records.own_engine import own_engine_words
from clipkit.records.status import Status

_TEN = 10.0
_LEAST_P = 0.001


def ratio_words(estimate: Estimate) -> str:
    """`1.32x (1.22 to 1.44)`."""
    value = fmt.ratio(estimate.value)
    if estimate.interval is None:
        return f"{value} (one run)"
    low, high = map(fmt.bare_ratio, estimate.interval)
    return f"{value} ({low} to {high})"


def p_words(p: float) -> str:
    """`p = 0.03`, `p < 0.001`."""
    return "p < 0.001" if p < _LEAST_P else f"p = {p:.2g}"


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be told of one claim: all its effects, those to which it applies as one (None: none), by
    which factors a division is shown, and what kept it from being decided."""

    effects: tuple[Effect, ...]
    together: LevelFinding | None
    shown: tuple[Reading, ...]
    why: str

    @property
    def judged(self) -> list[Effect]:
        return [effect for effect in self.effects if effect.judged]

    @property
    def applying(self) -> list[Effect]:
        return [e for e in self.judged if e.finding is not Finding.DOES_NOT_APPLY]


def nothing_found(needs: str | None) -> str:
    """Of a claim on which there is no record."""
    return f"needs {needs}" if needs else "no record speaks of it"


def time_found(told: Told) -> str:
    """What the conditions say together, from the smallest to the largest; where the claim does not apply;
    what did not finish; what is shown beside."""
    return "; ".join(
        [
            *times_words(told),
            *_tenfold(told.applying),
            *ends_words(told),
            *_shown_beside(told.effects),
        ]
    )


def times_words(told: Told) -> list[str]:
    """By the levels that a claim depends on, else of all conditions, with the smallest and the largest."""
    if told.shown:
        levels = [(one, one.pooled.estimate) for one in told.shown[0].levels if one.pooled]
        said = [f"{ratio_words(estimate)} as fast {_where(one)}" for one, estimate in levels]
        return [", ".join(said)] if said else []
    pooled = told.together.pooled if told.together else None
    if pooled is None or pooled.estimate.n == 1:
        return [_span(told.applying, "as fast")] if told.applying else []
    count = pooled.estimate.n
    return [
        f"{ratio_words(pooled.estimate)} as fast over {count} conditions",
        _span(told.applying, ""),
    ]


def _where(level: LevelFinding) -> str:
    return f"{'against' if level.value is None else 'at'} {level.words}"


def ends_words(told: Told) -> list[str]:
    """Whether conditions differ; where it does not apply; what did not finish; why nothing is decided."""
    pooled = told.together.pooled if told.together else None
    said = []
    if pooled and pooled.alike_p is not None and pooled.alike_p < LEVEL and not told.shown:
        said.append(f"conditions differ by more than noise ({p_words(pooled.alike_p)})")
    return [
        *said,
        *not_applying_words(told),
        *unfinished_words(told.applying),
        *([told.why] if told.why else []),
    ]


def not_applying_words(told: Told) -> list[str]:
    """`does not apply to 2 of 3 conditions (0.5 CPU and 1 CPU; 720p): the original leaves no CPU idle`."""
    whys: dict[str, list[Effect]] = {}
    for effect in told.judged:
        if effect.finding is Finding.DOES_NOT_APPLY:
            whys.setdefault(effect.why.partition(": it uses")[0], []).append(effect)
    return [
        f"does not apply to {len(own)} of {len(told.judged)} conditions ({_places(own)}): {why}"
        for why, own in whys.items()
    ]


def _places(effects: Sequence[Effect]) -> str:
    cpus = dict.fromkeys(fmt.cpus(effect.condition.cpus) for effect in effects)
    lines = dict.fromkeys(f"{effect.condition.lines}p" for effect in effects)
    return f"{and_listed(cpus)}; {and_listed(lines)}"


def predicted_border(effects: Sequence[Effect]) -> str:
    """Where the law of idle CPU puts the border: from the cores that one clip of the original uses where it
    has more than it uses. Empty where no host was as large."""
    cores = [
        e.before.cores
        for e in effects
        if e.before
        and e.before.cores
        and e.condition.cpus
        and most_from_idle(e.before.cores, e.condition.cpus) >= MATTERS
    ]
    if not cores:
        return ""
    one = statistics.fmean(cores)
    return (
        f"the law of idle CPU says {cpus_for_gain(MATTERS, one):.2f} CPU, since one clip uses "
        f"{one:.2f} cores"
    )


def _shown_beside(effects: Sequence[Effect]) -> list[str]:
    """What the claim does not speak of, in short: `8 threads: 0.89x`."""
    others: dict[str, list[float]] = {}
    for effect in effects:
        if not effect.judged and effect.ratio:
            others.setdefault(effect.change, []).append(effect.ratio.value)
    return [
        f"{change}: {' to '.join(dict.fromkeys(fmt.ratio(end) for end in (min(own), max(own))))}"
        for change, own in others.items()
    ]


def bound_of_rewrite(told: Told) -> str:
    effects = told.applying
    known = [effect for effect in effects if effect.ratio]
    if not known:
        return "; ".join(unfinished_words(effects)) or "the orchestrator's CPU is not known"
    most = max(known, key=upper_limit)
    said = f"an orchestrator that costs nothing would be at most {_gain(most)} faster"
    needs = [
        (effect.before.peak_bytes - effect.after.peak_bytes, effect.before.peak_bytes)
        for effect in effects
        if effect.before and effect.before.peak_bytes and effect.after.peak_bytes
    ]
    if needs:
        said += f"; {own_engine_words(*max(needs))}"
    return "; ".join([said, *([told.why] if told.why else [])])


def _gain(effect: Effect) -> str:
    return f"{upper_limit(effect) * 100 - 100:.1f} % ({effect.condition.words})"


def upper_limit(effect: Effect) -> float:
    """The highest that a gain may be; its middle where it has no interval."""
    bound = effect.ratio
    return (bound.high or bound.value) if bound else 1.0


def times_and_sizes(told: Told) -> str:
    sizes = sorted(e.size.value for e in told.applying if e.size)
    said = times_words(told)
    if sizes:
        ends = dict.fromkeys(map(_fraction, (sizes[0], sizes[-1])))
        said.append(f"its files, at the same CRF, are {' to '.join(ends)} as large")
    return "; ".join([*said, *ends_words(told)])


def holds_for(effects: Sequence[Effect]) -> str:
    """Hosts, frame sizes, clips' lengths and runs that were measured."""
    if not effects:
        return "nothing"
    places = [effect.condition for effect in effects]
    hosts = dict.fromkeys(place.host for place in places)
    sizes = sorted({place.lines for place in places})
    uploads = sorted({place.upload_s for place in places})
    lengths = sorted({place.clip_s for place in places})
    runs = sum(effect.after.runs for effect in effects)
    return (
        f"{and_listed(hosts)}; {and_listed(f'{lines}p' for lines in sizes)} of "
        f"{and_listed(fmt.clock(length) for length in uploads)}; "
        f"clips of {and_listed(f'{length:g}' for length in lengths)} s; {runs} runs"
    )


def and_listed(items: Iterable[object]) -> str:
    """`4, 12 and 30`."""
    *first, last = [str(item) for item in items]
    return f"{', '.join(first)} and {last}" if first else last


def _span(effects: Sequence[Effect], what: str) -> str:
    known = [effect for effect in effects if effect.ratio]
    if not known:
        return "no time can be compared"
    least, most = min(known, key=_middle), max(known, key=_middle)
    span = _at(least) if least is most else f"from {_at(least)} to {_at(most)}"
    return f"{span} {what}".rstrip()


def _at(effect: Effect) -> str:
    known = effect.ratio
    return f"{ratio_words(known) if known else '–'} at {effect.condition.words}"


def _tenfold(effects: Sequence[Effect]) -> list[str]:
    """Worth a word, since the analysis rules it out."""
    ten = [e for e in effects if e.ratio and e.ratio.interval and e.ratio.interval[0] > _TEN]
    return [f"more than 10x: {_at(max(ten, key=_middle))}"] if ten else []


def unfinished_words(effects: Sequence[Effect]) -> list[str]:
    """Which did not finish, and where."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for effect in effects:
        if effect.after.status is not Status.OK:
            place = f"{effect.condition.lines}p, {effect.condition.clip_s:g} s"
            hosts.setdefault((effect.why, place), []).append(fmt.cpus(effect.condition.cpus))
    return [
        f"{why} at {place} on {and_listed(dict.fromkeys(own))}"
        for (why, place), own in hosts.items()
    ]


def _middle(effect: Effect) -> float:
    return effect.ratio.value if effect.ratio else 0.0


def _fraction(ratio: float) -> str:
    return f"{ratio:.2f} times"
