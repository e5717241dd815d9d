"""How many cores a job was given while it wanted more, and whether that fell on the way. Pure.

Credits that let a small host run fast for minutes, a quota that is lowered: what was measured before is then not
what is had behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clipkit.records.falling import fall_in
from clipkit.records.outcome import Sample

WINDOW_S = 1.0
"""Ten of the kernel's periods: a quota is seen to a few percent."""
_WANTED_MORE = 0.1
"""Of a window: for so long, all CPUs together, it was held back."""


@dataclass(frozen=True, slots=True)
class Supply:
    """Cores, as the mean over the windows in which it was held back; where that fell, of those before in
    `cores`, of those from then on in `cores_end`. None: it was never held back, or did not fall."""

    cores: float | None = None
    cores_end: float | None = None


def supply_of(samples: Iterable[Sample], start_s: float, end_s: float) -> Supply:
    """Between two times of the samples' clock."""
    found = list(_held_windows(each for each in samples if start_s <= each.t_s <= end_s))
    if not found:
        return Supply()
    fall = fall_in(found)
    if fall is None:
        return Supply(sum(found) / len(found))
    return Supply(fall.before, fall.after)


def _held_windows(samples: Iterable[Sample]) -> Iterator[float]:
    """The cores that were used in each whole window in which more were wanted."""
    opened: Sample | None = None
    for sample in samples:
        opened = opened or sample
        if sample.t_s - opened.t_s < WINDOW_S:
            continue
        elapsed_s, held_s = sample.t_s - opened.t_s, _held_s(opened, sample)
        if opened.cpu_s is not None and sample.cpu_s is not None and held_s is not None:
            used_s = sample.cpu_s - opened.cpu_s
            if held_s >= _WANTED_MORE * elapsed_s and used_s > 0:
                yield used_s / elapsed_s
        opened = sample


def _held_s(before: Sample, after: Sample) -> float | None:
    """For how long it was held back, by a ceiling that does so itself or by the kernel's quota."""
    if before.held_s is not None and after.held_s is not None:
        return after.held_s - before.held_s
    if before.throttled_cpu_s is None or after.throttled_cpu_s is None:
        return None
    return after.throttled_cpu_s - before.throttled_cpu_s
