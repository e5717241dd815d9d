"""What of a campaign is run again: what is invalid, what the user wants repeated, what timed out under a lower
limit than now. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from clipkit.records.record import Record
from clipkit.records.status import INVALID, TELLING, Status


def done_of(records: Iterable[Record]) -> set[tuple[str, int]]:
    """Cell and block of what need not be run again: it ended by itself. What is invalid each time is
    tried again by the next session."""
    return {(record.cell, record.block) for record in records if record.status in TELLING}


def still_standing(
    past: Iterable[Record], timeout_s: float, retried: Collection[str] = ()
) -> list[Record]:
    """The records of an earlier session without those that are to be repeated: `retried` are the ends that
    the user named, `timeout_s` is the time limit now."""
    return [
        record
        for record in past
        if record.status not in retried
        and not (record.status is Status.TIMEOUT and (record.timeout_s or timeout_s) < timeout_s)
    ]


def unmeasured_of(records: Iterable[Record]) -> list[Record]:
    """The last attempt of each cell and block of which every one is invalid."""
    known = list(records)
    done = done_of(known)
    spoilt = {(r.cell, r.block): r for r in known if r.status in INVALID}
    return [record for key, record in spoilt.items() if key not in done]


def unmeasured_words(spoilt: Sequence[Record], total: int) -> str | None:
    """That these of so many trials were not measured, why, and what to do; None: all were."""
    if not spoilt:
        return None
    noisy = [record for record in spoilt if record.status is Status.INVALID_NOISE]
    broken = [record for record in spoilt if record.status is Status.INVALID_MACHINE]
    told, remedies = [], []
    if noisy:
        told.append(f"others disturbed every attempt (such as: {_commonest(noisy)})")
        remedies.append(
            "sweep again when the machine is quiet, which repeats these alone, or take them as they are "
            "with --accept-noise"
        )
    if broken:
        several = f" of {len(broken)} of them" if noisy else ""
        told.append(f"the machine failed in each attempt{several} (such as: {_commonest(broken)})")
        remedies.insert(0, "mend that and sweep again, which repeats these alone")
    why, remedy = " and ".join(told), "; ".join(remedies)
    return f"{len(spoilt)} of {total} trials were not measured, because {why}: {remedy}"


def _commonest(records: Sequence[Record]) -> str | None:
    return Counter(record.error for record in records).most_common(1)[0][0]
