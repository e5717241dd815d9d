"""What was measured of memory, in sentences. Pure; every figure in them comes from records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clipkit import format as fmt
from clipkit.claims.verdict import Effect, Finding, Fit
from clipkit.claims.words import (
    Told,
    and_listed,
    ends_words,
    not_applying_words,
    times_words,
    unfinished_words,
)
from clipkit.records.best import USABLE_FRACTION, margin_words
from clipkit.records.status import Status


def peaks_at_once(told: Told) -> str:
    """The most at once that fitted, by its peak memory, and what that leaves; then what ran out."""
    well = [e for e in told.applying if e.finding is Finding.OPPOSITE and e.after.peak_bytes]
    return "; ".join(
        [
            *_most_that_fitted(well),
            *_close(told.applying),
            *_ran_out(told.applying),
            *_ends_unsaid(told),
        ]
    )


def _most_that_fitted(well: Sequence[Effect]) -> list[str]:
    if not well:
        return []
    most = max(well, key=lambda effect: (effect.at_once, effect.after.peak_bytes or 0))
    room_bytes, peak_bytes = most.condition.room_bytes, most.after.peak_bytes or 0
    said = (
        f"{most.at_once} at once peaked at {fmt.size(peak_bytes)} of {fmt.size(room_bytes)} at most "
        f"({most.condition.lines}p, {most.change})"
    )
    if room_bytes is not None and most.is_served:
        said += ", the service itself included"
    elif room_bytes is not None and not most.condition.reserve_bytes:
        left = USABLE_FRACTION * room_bytes - peak_bytes
        said += f", which leaves {fmt.size(left)} for the server, whose memory is not in these runs"
    return [said]


def _close(effects: Sequence[Effect]) -> list[str]:
    """Ended well, but with too little to spare."""
    close = [e for e in effects if e.finding is Finding.NOT_DECIDED and e.after.status is Status.OK]
    return [
        f"{change}: {why} at {and_listed(dict.fromkeys(own))}"
        for why in dict.fromkeys(effect.why for effect in close)
        for change, own in _by_change([e for e in close if e.why == why]).items()
    ]


def _ran_out(effects: Sequence[Effect]) -> list[str]:
    out = [e for e in effects if e.after.status is not Status.OK]
    return [
        f"{change}: {words}"
        for change in _by_change(out)
        for words in unfinished_words([e for e in out if e.change == change])
    ]


def _by_change(effects: Sequence[Effect]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for effect in effects:
        found.setdefault(effect.change, []).append(f"{effect.condition.lines}p")
    return found


def _ends_unsaid(told: Told) -> list[str]:
    return [*not_applying_words(told), *([told.why] if told.why else [])]


def how_many_fit(fits: Iterable[Fit]) -> list[str]:
    """`with 10 % to spare 512 MB hold 8 of 720p and 4 of 1080p at once (fluent, …; extrapolated)`."""
    alike: dict[tuple[str, str, int, bool], list[str]] = {}
    for fit in fits:
        key = (fit.subject, fit.preset, fit.room_bytes, fit.extrapolated)
        alike.setdefault(key, []).append(f"{fit.clips} of {fit.lines}p")
    return [
        f"with {margin_words()} to spare {fmt.size(room)} hold {and_listed(sizes)} at once "
        f"({subject}, {preset}, no server beside; {'extrapolated' if extrapolated else 'measured'})"
        for (subject, preset, room, extrapolated), sizes in alike.items()
    ]


def price_of_ease(told: Told) -> str:
    return "; ".join([*times_words(told), *_memory(told.applying), *ends_words(told)])


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
