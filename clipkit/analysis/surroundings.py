"""What went on around a campaign's runs, to set beside another's. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from clipkit import format as fmt
from clipkit.analysis.quiet import around_of, canaries_s
from clipkit.records.campaign import Campaign
from clipkit.records.evidence import tried
from clipkit.records.status import Status

# Below these two campaigns are alike: the noise of quiet ones differs by as much.
_USUAL, _WORST, _SPEED = 0.05, 0.15, 0.05


@dataclass(frozen=True, slots=True)
class Noisiness:
    """Of the attempts of a campaign: median and largest share of the machine that others used, median
    share stolen, median seconds of the canary (None: unknown), and how many attempts did not count."""

    others: float | None
    others_worst: float | None
    steal: float | None
    canary_s: float | None
    disturbed: int

    @property
    def words(self) -> str:
        """`others used 55 % of the machine (at most 61 %), 0.0 % stolen, canary 12.6 ms`."""
        told = []
        if self.others is not None and self.others_worst is not None:
            told.append(
                f"others used {fmt.percent(self.others)} of the machine "
                f"(at most {fmt.percent(self.others_worst)})"
            )
        if self.steal is not None:
            told.append(f"{fmt.percent(self.steal)} stolen")
        if self.canary_s is not None:
            told.append(f"canary {self.canary_s * 1000:.1f} ms")
        if self.disturbed:
            told.append(f"{self.disturbed} attempts disturbed")
        return ", ".join(told) or "not recorded"

    def unlike(self, other: Noisiness) -> bool:
        """Whether they differ by more than quiet campaigns do. What one did not record tells nothing."""
        return (
            _apart(self.others, other.others, _USUAL)
            or _apart(self.others_worst, other.others_worst, _WORST)
            or _apart(self.steal, other.steal, _USUAL)
            or _times_apart(self.canary_s, other.canary_s)
            or bool(self.disturbed) != bool(other.disturbed)
        )


def surroundings(side: Campaign) -> Noisiness:
    """Of every attempt that was run to its end, whether it counts or was disturbed."""
    rows = tried(side.table)
    around = around_of(rows)
    others = [own.other_cpu_fraction for own in around if own.other_cpu_fraction is not None]
    return Noisiness(
        others=_median(others),
        others_worst=max(others, default=None),
        steal=_median([own.steal_fraction for own in around if own.steal_fraction is not None]),
        canary_s=_median(canaries_s(around)),
        disturbed=int((rows["status"] == str(Status.INVALID_NOISE)).sum()),
    )


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _apart(one: float | None, other: float | None, alike: float) -> bool:
    return one is not None and other is not None and abs(one - other) > alike


def _times_apart(one: float | None, other: float | None) -> bool:
    return bool(one and other) and max(one or 0, other or 0) > (1 + _SPEED) * min(
        one or 0, other or 0
    )
