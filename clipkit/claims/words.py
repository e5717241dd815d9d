"""What was measured of a claim, in sentences. Pure; every figure in them comes from records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate
from clipkit.claims.verdict import Effect, Finding, Fit
from clipkit.records.best import margin_words
from clipkit.records.own_engine import own_engine_words
from clipkit.records.status import Status

_TEN = 10.0


def ratio_words(estimate: Estimate) -> str:
    """`1.32x (1.22 to 1.44)`."""
    value = fmt.ratio(estimate.value)
    if estimate.interval is None:
        return f"{value} (one run)"
    low, high = map(fmt.bare_ratio, estimate.interval)
    return f"{value} ({low} to {high})"


def range_of_speedups(effects: Sequence[Effect]) -> str:
    """From the smallest to the largest effect, each with its place; then what did not finish."""
    own = _judged(effects)
    return "; ".join(
        [_span(own, "as fast"), *_tenfold(own), *_failed(own), *_shown_beside(effects)]
    )


def _judged(effects: Sequence[Effect]) -> list[Effect]:
    return [effect for effect in effects if effect.judged]


def _shown_beside(effects: Sequence[Effect]) -> list[str]:
    """What the claim does not speak of, in short: `8 threads: 0.89x`."""
    others: dict[str, list[float]] = {}
    for effect in effects:
        if not effect.judged and effect.speedup:
            others.setdefault(effect.change, []).append(effect.speedup.value)
    return [
        f"{change}: {' to '.join(dict.fromkeys(fmt.ratio(end) for end in (min(own), max(own))))}"
        for change, own in others.items()
    ]


def bound_of_rewrite(effects: Sequence[Effect]) -> str:
    known = [effect for effect in effects if effect.speedup]
    if not known:
        return "; ".join(_failed(effects)) or "the orchestrator's CPU is not known"
    most = max(known, key=_upper)
    said = f"an orchestrator that costs nothing would be at most {_gain(most)} faster"
    needs = [
        (effect.before.peak_bytes - effect.after.peak_bytes, effect.before.peak_bytes)
        for effect in effects
        if effect.before and effect.before.peak_bytes and effect.after.peak_bytes
    ]
    if needs:
        said += f"; {own_engine_words(*max(needs))}"
    return said


def _gain(effect: Effect) -> str:
    return f"{_upper(effect) * 100 - 100:.1f} % ({effect.condition.words})"


def _upper(effect: Effect) -> float:
    """The highest that a gain may be; its middle where it has no interval."""
    speedup = effect.speedup
    return (speedup.high or speedup.value) if speedup else 1.0


def peaks_at_once(effects: Sequence[Effect]) -> str:
    """The most at once that fitted, by its peak memory; then what ran out, of other presets too."""
    well = [e for e in _judged(effects) if e.after.status is Status.OK and e.after.peak_bytes]
    said = []
    if well:
        most = max(well, key=lambda effect: (effect.at_once, effect.after.peak_bytes or 0))
        room = fmt.size(most.condition.room_bytes)
        said.append(
            f"{most.at_once} at once peaked at {fmt.size(most.after.peak_bytes)} of {room} at most "
            f"({most.condition.lines}p, {most.after.variant.subject})"
        )
    own = _judged(effects)
    others = [
        f"{change}: {words}"
        for change in dict.fromkeys(e.change for e in effects if not e.judged)
        for words in _failed([e for e in effects if e.change == change])
    ]
    return "; ".join([*said, *_failed(own), *others])


def how_many_fit(fits: Iterable[Fit]) -> list[str]:
    """`with 10 % to spare 512 MB hold 8 of 720p and 4 of 1080p at once (fluent, …; extrapolated)`."""
    alike: dict[tuple[str, str, int, bool], list[str]] = {}
    for fit in fits:
        key = (fit.subject, fit.preset, fit.room_bytes, fit.extrapolated)
        alike.setdefault(key, []).append(f"{fit.clips} of {fit.lines}p")
    return [
        f"with {margin_words()} to spare {fmt.size(room)} hold {and_listed(sizes)} at once "
        f"({subject}, {preset}; {'extrapolated' if extrapolated else 'measured'})"
        for (subject, preset, room, extrapolated), sizes in alike.items()
    ]


def times_and_sizes(effects: Sequence[Effect]) -> str:
    sizes = sorted((e.size.value, e.condition.words) for e in effects if e.size)
    said = [_span(effects, "as fast")]
    if sizes:
        smallest, largest = sizes[0][0], sizes[-1][0]
        said.append(
            f"its files, at the same CRF, are {_fraction(smallest)} to {_fraction(largest)} as large"
            if _fraction(smallest) != _fraction(largest)
            else f"its files, at the same CRF, are {_fraction(smallest)} as large"
        )
    return "; ".join([*said, *_failed(effects)])


def price_of_ease(effects: Sequence[Effect]) -> str:
    said = [_span(effects, "as fast"), *_memory(effects)]
    return "; ".join([*said, *_failed(effects)])


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
    known = [effect for effect in effects if effect.speedup]
    if not known:
        return "no time can be compared"
    least, most = min(known, key=_middle), max(known, key=_middle)
    if least is most:
        return f"{_at(least)} {what}"
    return f"from {_at(least)} to {_at(most)} {what}"


def _at(effect: Effect) -> str:
    known = effect.speedup
    return f"{ratio_words(known) if known else '–'} at {effect.condition.words}"


def _tenfold(effects: Sequence[Effect]) -> list[str]:
    """Worth a word, since the analysis rules it out."""
    ten = [e for e in effects if e.speedup and e.speedup.interval and e.speedup.interval[0] > _TEN]
    return [f"more than 10x: {_at(max(ten, key=_middle))}"] if ten else []


def _memory(effects: Sequence[Effect]) -> list[str]:
    both = [
        (e.after.peak_bytes / e.before.peak_bytes, e)
        for e in effects
        if e.before and e.before.peak_bytes and e.after.peak_bytes and e.after.status is Status.OK
    ]
    if not both:
        return []
    _, most = max(both, key=lambda pair: pair[0])
    before = most.before.peak_bytes if most.before else None
    return [f"at up to {fmt.size(most.after.peak_bytes)} of memory instead of {fmt.size(before)}"]


def _failed(effects: Sequence[Effect]) -> list[str]:
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
    return effect.speedup.value if effect.speedup else 0.0


def _fraction(ratio: float) -> str:
    return f"{ratio:.2f} times"


def counted_findings(effects: Sequence[Effect]) -> str:
    """`confirmed 4, refuted 2, undecided 1 of 7`."""
    shown = [
        f"{finding} {number}"
        for finding in Finding
        if (number := sum(effect.finding is finding for effect in effects))
    ]
    return f"{', '.join(shown)} of {len(effects)}" if shown else "–"
