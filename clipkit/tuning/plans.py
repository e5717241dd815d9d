"""Several hosts beside each other: what the same job takes on each, what is left of its memory, what it
costs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clipkit import format as fmt
from clipkit.hosts import Host
from clipkit.model.prices import usd_when_busy
from clipkit.tables import Table
from clipkit.tuning.recommendation import Recommendation


@dataclass(frozen=True, slots=True)
class Plan:
    """One host and what was found there; `error` says why nothing was."""

    host: Host
    found: Recommendation | None
    error: str | None = None

    @property
    def wall_s(self) -> float | None:
        """Of the whole job: confirmed, or else predicted."""
        if self.found is None:
            return None
        confirmed_s = self.found.confirmed_wall_s
        return self.found.predicted_wall_s if confirmed_s is None else confirmed_s

    @property
    def usd_per_1000_clips(self) -> float | None:
        """What a host costs that cuts such clips day and night; None where its price is not known."""
        price, wall_s = self.host.usd_per_month, self.wall_s
        if price is None or wall_s is None or self.found is None:
            return None
        clips: int = self.found.measured_job["clips"]
        return usd_when_busy(price, wall_s / clips)

    def to_json(self) -> dict[str, Any]:
        return {
            "wall_s": self.wall_s,
            "headroom_bytes": self.found.headroom_bytes if self.found else None,
            "usd_per_1000_clips": self.usd_per_1000_clips,
            "error": self.error,
        }


def plans_table(plans: Sequence[Plan]) -> Table:
    """A row for each host, in the order given."""
    heads = ("host", "memory", "CPU", "the job", "95 % interval", "headroom", "settings",
             "USD for 1,000 clips")  # fmt: skip
    caption = "price: of a host that does nothing else, day and night"
    return Table(heads, tuple(map(_row, plans)), caption)


def _row(plan: Plan) -> tuple[str, ...]:
    host, found = plan.host, plan.found
    told = (host.name, fmt.memory(host.memory_bytes), fmt.cpus(host.cpus))
    if found is None:
        return (*told, plan.error or "nothing found", "–", "–", "–", "–")
    price = plan.usd_per_1000_clips
    confirmed = "" if found.confirmed_wall_s is not None else " (predicted)"
    bounds = found.confirmed_ci95_s
    return (
        *told,
        fmt.seconds(plan.wall_s) + confirmed,
        f"{fmt.seconds(bounds[0])} to {fmt.seconds(bounds[1])}" if bounds else "–",
        fmt.size(found.headroom_bytes) if found.headroom_bytes is not None else "no limit",
        found.how,
        "–" if price is None else f"{price:.3f}",
    )
