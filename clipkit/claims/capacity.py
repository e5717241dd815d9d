"""How many clips at once a service leaves room for: by structure, and never as many as ran out (claim C4b)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from clipkit import format as fmt
from clipkit.claims.bodies import LANGUAGES
from clipkit.claims.evidence import Evidence, Runs, side_of, side_status
from clipkit.claims.language_memory import OWN_MEMORY, own_peak_bytes
from clipkit.claims.originals import SERVICE, set_up_alike
from clipkit.claims.parallel import CEILING_BYTES
from clipkit.claims.verdict import Effect, Finding, Side, Variant
from clipkit.records.best import USABLE_FRACTION
from clipkit.records.condition import Condition
from clipkit.records.record import Record
from clipkit.records.status import RAN_OUT, Status

_CLAIMED = (3, 5)
"""So many with Rust where Node.js holds one."""

Family = dict[int, list[tuple[Condition, Variant, Runs]]]
"""Starts of one service with one size of frame, by how many clips they cut at once."""


@dataclass(frozen=True, slots=True)
class Held:
    """How many clips of one size 512 MB hold at once beside a service. `service_bytes` and `clip_bytes`: the
    most that the service and a single clip need; `well`: the most at once that ended well in every start,
    and `ran_out` the fewest that ran out, both as far as they were run. `condition` and `side`: of one clip
    at a time, on the smallest host."""

    service: str
    condition: Condition
    side: Side
    service_bytes: int
    clip_bytes: int
    well: int
    ran_out: int | None

    @property
    def clips(self) -> int:
        room_bytes = USABLE_FRACTION * (self.condition.room_bytes or 0) - self.service_bytes
        held = max(0, math.floor(room_bytes / self.clip_bytes))
        return held if self.ran_out is None else min(held, self.ran_out - 1)

    @property
    def words(self) -> str:
        """`Rust 9 (11 ran out, 10 did not)`."""
        told = [f"{self.ran_out} ran out"] if self.ran_out else []
        if self.well > 1:
            told.append(f"{self.well} ended well")
        seen = f" ({', '.join(told)})" if told else ""
        return f"{LANGUAGES[self.service]} {self.clips}{seen}"


def held_at_once(evidence: Evidence) -> list[Held]:
    """Of each service and size of frame under 512 MB, from all conditions that tell of it: a peak is no
    matter of the CPU, nor of how many clips follow each other."""
    families: dict[tuple[int, str], Family] = {}
    for condition, variants in evidence.conditions():
        if condition.memory_bytes != CEILING_BYTES or condition.reserve_bytes:
            continue
        for service in LANGUAGES:
            for at_once in range(1, condition.clips + 1):
                for variant in set_up_alike(variants, service, at_once):
                    own = families.setdefault((condition.lines, service), {})
                    own.setdefault(at_once, []).append((condition, variant, variants[variant]))
    found = (_held(service, family) for (_, service), family in families.items())
    return [held for held in found if held]


def room_effects(evidence: Evidence) -> Iterator[Effect]:
    """Rust beside Node.js, for each size of frame: how many at once each holds."""
    held: dict[int, dict[str, Held]] = {}
    for own in held_at_once(evidence):
        held.setdefault(own.condition.lines, {})[own.service] = own
    for lines, each in sorted(held.items()):
        node, rust = each.get(SERVICE), each.get("rust")
        if node and rust:
            clip_bytes = max(own.clip_bytes for own in each.values())
            yield Effect(
                condition=rust.condition,
                change=f"at {lines}p",
                before=node.side,
                after=rust.side,
                ratio=None,
                size=None,
                finding=room_finding(node.clips, rust.clips),
                why=f"{', '.join(each[name].words for name in LANGUAGES if name in each)} "
                f"(a clip needs up to {fmt.size(clip_bytes)})",
            )


def room_finding(node: int, rust: int) -> Finding:
    """What so many at once say of `3 to 5 with Rust where Node.js runs 1`."""
    if rust < node:
        return Finding.OPPOSITE
    if node != 1 or rust < _CLAIMED[0]:
        return Finding.LESS
    return Finding.MORE if rust > _CLAIMED[1] else Finding.AS_CLAIMED


def _held(service: str, family: Family) -> Held | None:
    """None where no start with one clip at a time tells what a clip needs."""
    every = tuple(run for own in family.values() for _, _, runs in own for run in runs)
    alone = family.get(1, [])
    clip_bytes = [need for _, _, runs in alone for run in runs if (need := _clip_bytes(run))]
    service_bytes = [
        peak_bytes
        for figure in OWN_MEMORY.values()
        if (peak_bytes := own_peak_bytes(every, figure))
    ]
    if not clip_bytes or not service_bytes:
        return None
    ends = {n: side_status([run for *_, runs in own for run in runs]) for n, own in family.items()}
    ran_out = min((n for n, status in ends.items() if status in RAN_OUT), default=None)
    below = [n for n, status in ends.items() if status is Status.OK and n < (ran_out or n + 1)]
    condition, variant, runs = alone[0]
    return Held(
        service,
        condition,
        side_of(variant, runs),
        max(service_bytes),
        max(clip_bytes),
        max(below, default=0),
        ran_out,
    )


def _clip_bytes(run: Record) -> int | None:
    """Of a start with one clip at a time."""
    own_bytes = run.served.service_clips_peak_bytes
    if run.status is not Status.OK or run.peak_need_bytes is None or own_bytes is None:
        return None
    return run.peak_need_bytes - own_bytes
