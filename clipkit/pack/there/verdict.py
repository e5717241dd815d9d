"""Whether what was promised at home holds here: pairs, their ratio, and an answer in words. Pure."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clipkit import format as fmt
from clipkit.pack.there.planned import Promise
from clipkit.records.disturbance import FREE_CORES
from clipkit.records.status import FAILURES, Status, status_of_all

COLUMNS = (
    "status",
    "wall_s",
    "ffmpeg_cpu_s",
    "orchestrator_cpu_s",
    "throttled_s",
    "steal_fraction",
    "other_cpu_fraction",
    "cores_allowed",
)
"""Of a record: what is read of it here."""

SAME_RATE = 0.10
"""By how much the CPU of a pair's two trials may differ."""

_FREE = 0.05
"""Of its time: who was held back and stolen from for less got the CPU that it wanted."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One side of a pair: all its trials of one block. Seconds; None: unknown. `withheld_s`: for which it stood
    still, by the quota or for other machines; `crowded`: others filled the cores beside it, so that it may have waited for them."""

    wall_s: float
    cpu_s: float | None
    withheld_s: float | None
    crowded: bool = False

    @property
    def rate(self) -> float | None:
        """CPU seconds a second."""
        return None if self.cpu_s is None else self.cpu_s / self.wall_s

    @property
    def supply(self) -> float | None:
        """CPU seconds a second in which it wanted any: what idles of its own accord was not kept from it."""
        if self.cpu_s is None:
            return None
        wanted_s = self.wall_s if self.withheld_s is None else self.cpu_s + self.withheld_s
        return self.cpu_s / max(1e-9, min(self.wall_s, wanted_s))

    @property
    def got_what_it_wanted(self) -> bool:
        known = self.withheld_s is not None and not self.crowded
        return known and (self.withheld_s or 0.0) < _FREE * self.wall_s


@dataclass(frozen=True, slots=True)
class Here:
    """`cpus`: of this host, None: unknown. `steal_is_ours`: what the machine says of steal is said of us, and not
    of a node with many containers."""

    cpus: float | None
    steal_is_ours: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """`block`: from 0. `why_not` says why it is no pair."""

    block: int
    rival: Ran
    own: Ran
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Failures:
    """Of so many `blocks` in which both sides were run: how a side failed, once for each block in which it did."""

    blocks: int = 0
    rival: tuple[Status, ...] = ()
    own: tuple[Status, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`ratio`, `low`, `high`: of what was measured here; None where too little was. `holds` None: not decided."""

    holds: bool | None
    ratio: float | None
    low: float | None
    high: float | None
    pairs: int
    sentence: str
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        return [f"VERDICT  {self.sentence}", *(f"         {note}" for note in self.notes)]


def ran(records: Sequence[Mapping[str, Any]], here: Here) -> Ran | None:
    """One side from its trials' records; None unless all of them ended well."""
    if not records or any(r["status"] != "ok" or not r["wall_s"] for r in records):
        return None
    cpus = [_sum([r["ffmpeg_cpu_s"], r["orchestrator_cpu_s"]]) for r in records]
    withheld = [_withheld_s(record, here) for record in records]
    crowded = any(map(_is_crowded, records))
    return Ran(sum(r["wall_s"] for r in records), _sum(cpus), _sum(withheld), crowded)


def _is_crowded(record: Mapping[str, Any]) -> bool:
    others, cores, used_s = (
        record[name] for name in ("other_cpu_fraction", "cores_allowed", "ffmpeg_cpu_s")
    )
    if others is None or cores is None or used_s is None:
        return False
    return bool(others * cores + used_s / record["wall_s"] > cores - FREE_CORES)


def _withheld_s(record: Mapping[str, Any], here: Here) -> float | None:
    steal, cores = record["steal_fraction"], record["cores_allowed"]
    if not here.steal_is_ours:
        return _seconds_of(record["throttled_s"])
    stolen_s = None if steal is None or cores is None else steal * cores * record["wall_s"]
    return _sum([record["throttled_s"] or 0.0, stolen_s])


def _seconds_of(value: Any) -> float | None:
    return None if value is None else float(value)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def pairs_of(
    records: Sequence[tuple[int, int, Mapping[str, Any]]], promise: Promise, here: Here
) -> list[Pair]:
    """From the valid end of each trial: its cell, its block, its record. Blocks of which one side is missing
    are none."""
    found = []
    for block, rivals, owns in _blocks(records, promise):
        rival, own = ran(rivals, here), ran(owns, here)
        if rival and own:
            found.append(Pair(block, rival, own, why_no_pair(rival, own, promise, here)))
    return found


def failures_of(
    records: Sequence[tuple[int, int, Mapping[str, Any]]], promise: Promise
) -> Failures:
    """Of the same records."""
    blocks = [(rivals, owns) for _, rivals, owns in _blocks(records, promise)]
    rival = (_failed(rivals) for rivals, _ in blocks)
    own = (_failed(owns) for _, owns in blocks)
    return Failures(len(blocks), tuple(filter(None, rival)), tuple(filter(None, own)))


def _failed(records: Sequence[Mapping[str, Any]]) -> Status | None:
    end = status_of_all(Status(record["status"]) for record in records)
    return end if end in FAILURES else None


def _blocks(
    records: Sequence[tuple[int, int, Mapping[str, Any]]], promise: Promise
) -> Iterator[tuple[int, list[Any], list[Any]]]:
    """Each block of which both sides are whole."""
    sides: dict[int, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for cell, block, record in records:
        for side, cells in enumerate((promise.rival, promise.own)):
            if cell in cells:
                sides[block][side].append(record)
    for block, (rivals, owns) in sorted(sides.items()):
        if (len(rivals), len(owns)) == (len(promise.rival), len(promise.own)):
            yield block, rivals, owns


def why_no_pair(rival: Ran, own: Ran, promise: Promise, here: Here) -> str | None:
    """Two trials that were given the CPU at different rates are none, as where burst credits ran out between
    them. Who idled of its own accord was kept from nothing: then it got as much whenever it wanted any, or it
    had the less of it and nothing was withheld."""
    if rival.rate is None or own.rate is None:
        return None
    expected = _expected(rival, own, promise, here)
    less = min((rival, own), key=lambda side: side.rate or 0.0)
    apart = _apart(rival.rate, own.rate * expected)
    supplied = _apart(rival.supply or 0.0, (own.supply or 0.0) * expected)
    if less.got_what_it_wanted or min(apart, supplied) <= 1 + SAME_RATE:
        return None
    return (
        f"one got {rival.rate:.2f} and the other {own.rate:.2f} CPU seconds a second, as where burst credits "
        "run out"
    )


def _apart(one: float, other: float) -> float:
    return max(one, other) / max(1e-9, min(one, other))


def _expected(rival: Ran, own: Ran, promise: Promise, here: Here) -> float:
    """How many times the CPU of the other one the rival takes of its own accord, as at home: where nobody tells
    what was withheld."""
    known = promise.rival_rate, promise.own_rate
    if None not in (rival.withheld_s, own.withheld_s) or known[0] is None or known[1] is None:
        return 1.0
    cpus = here.cpus or math.inf
    return min(known[0], cpus) / min(known[1], cpus)


def verdict_of(
    pairs: Sequence[Pair],
    promise: Promise,
    quantiles: Mapping[int, float],
    failures: Failures = Failures(),
) -> Verdict:
    """What fails here where today's command never does is no gain, however fast it is when it does not."""
    good = [pair for pair in pairs if pair.why_not is None]
    notes = tuple(f"pair {p.block + 1} does not count: {p.why_not}" for p in pairs if p.why_not)
    promised = f"promised {_times(promise.ratio)}"
    told = _failure_words(failures)
    if failures.own and not failures.rival:
        sentence = f"{promised}; here {told[0]}, and today's in none: it does not hold"
        return Verdict(False, None, None, None, len(good), sentence, notes)
    notes += tuple(told)
    if len(good) < 2:
        sentence = (
            f"{promised}; here only {fmt.counted(len(good), 'pair')} can be compared: not decided"
        )
        return Verdict(None, None, None, None, len(good), sentence, notes)
    logs = [math.log(pair.rival.wall_s / pair.own.wall_s) for pair in good]
    middle = statistics.fmean(logs)
    half = quantiles[len(logs)] * statistics.stdev(logs) / math.sqrt(len(logs))
    ratio, low, high = (math.exp(middle + by) for by in (0.0, -half, half))
    rival_s, own_s = (
        math.exp(statistics.fmean(math.log(side.wall_s) for side in sides))
        for sides in ([p.rival for p in good], [p.own for p in good])
    )
    holds = whether_it_holds(promise, low, high)
    words = {True: "it holds", False: "it does not hold", None: "not decided"}[holds]
    more = ", and more than that" if holds and low > (promise.high or promise.ratio) else ""
    if promise.is_none and holds is None:
        at_home = "{:.2f} to {:.2f}".format(*promise.between)
        promised = f"nothing was promised, since home did not tell the two apart ({at_home})"
        words = "faster here" if low > 1 else "slower here" if high < 1 else words
    sentence = (
        f"{promised}; here {fmt.seconds(own_s)} instead of {fmt.seconds(rival_s)} "
        f"({low:.2f} to {high:.2f}): {words}{more}"
    )
    return Verdict(holds, ratio, low, high, len(good), sentence, notes)


def _failure_words(failures: Failures) -> list[str]:
    sides = {"the recommended command": failures.own, "today's command": failures.rival}
    return [
        f"{who} {_ends_words(ends)} in {len(ends)} of {fmt.counted(failures.blocks, 'block')}"
        for who, ends in sides.items()
        if ends
    ]


def _ends_words(ends: Sequence[Status]) -> str:
    return " or ".join(status.words for status in dict.fromkeys(ends))


def whether_it_holds(promise: Promise, low: float, high: float) -> bool | None:
    """Not where all of the interval here lies below the promised one; not decided where it leaves open whether
    anything is gained at all that was promised to be, and where nothing was."""
    promised_low, _ = promise.between
    if high < promised_low:
        return False
    return None if promised_low > 1 >= low or promise.is_none else True


def _times(value: float) -> str:
    return f"{value:.2f} times"
