"""Whether what a pack promised holds, over all that came home of it: a host that forgets knows its last life alone.
Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from clipkit.pack.arrived import Payload
from clipkit.pack.kept import Packed
from clipkit.pack.left import Left
from clipkit.pack.there.parts import Kind
from clipkit.pack.there.verdict import Here, Verdict, failures_of, pairs_of, verdict_of
from clipkit.records.noise import t_quantile
from clipkit.records.record import Record
from clipkit.records.status import COUNTS, Status


def verdict_at_home(
    packed: Packed, payloads: Sequence[Payload], records: Sequence[Record], left: Sequence[Left]
) -> Verdict | None:
    """None where nothing was promised, or by a pack of a clipkit that kept no promise. `records`: of the campaign, in
    the order in which they count; what was lost twice has failed, as over a folder that lasts."""
    promised = packed.promised
    if promised is None:
        return None
    ends: dict[tuple[str, int], Mapping[str, Any]] = {
        (each.cell, each.block): {"status": str(Status.FAILED)} for each in left if each.has_failed
    }
    for record in records:
        if record.status in COUNTS:
            ends.setdefault((record.cell, record.block), record.to_row())
    numbers = {cell: number for number, cell in enumerate(promised.cells)}
    keys = ((trial.cell, trial.block) for trial in packed.trials)
    known = [(numbers[key[0]], key[1], ends[key]) for key in keys if key in ends]
    promise = promised.promise
    pairs, failures = pairs_of(known, promise, _here(payloads)), failures_of(known, promise)
    quantiles = {count: t_quantile(count) for count in range(2, len(pairs) + 1)}
    return verdict_of(pairs, promise, quantiles, failures)


def _here(payloads: Sequence[Payload]) -> Here:
    """By the newest start whose word came home; where none did nothing is known. It is signed, and yet may be anything."""
    starts = [payload.document for payload in payloads if payload.kind is Kind.WHERE]
    newest = max(starts, key=lambda told: str(told.get("started_utc")), default={})
    told: Any = newest
    for name in ("found", "cpus", "value"):
        told = told.get(name) if isinstance(told, Mapping) else None
    is_number = type(told) in (int, float) and math.isfinite(told) and told > 0
    return Here(float(told) if is_number else None, newest.get("steal_is_ours") is True)
