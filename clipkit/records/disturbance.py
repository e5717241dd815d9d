"""Whether others disturbed a trial: by what lies outside it, never by its own time. Pure.

The thresholds stand here and nowhere else. Pressure is recorded too and decides nothing: the kernel
counts the job's own threads that wait for its quota in it.
"""

from __future__ import annotations

from typing import Protocol

from clipkit import format as fmt

STOLEN = 0.10
"""Of all cores' time gone to other virtual machines: the job then had a tenth less than it was given."""

OTHERS = 0.25
"""Of all cores' time used by others: also where a core is left for the job, they take its caches and
its memory's bandwidth; two busy processes beside a sweep on two cores made it 30 % slower."""

OTHERS_IN_THE_WAY = 0.10
"""The same where job and others together fill the machine, so that they wait for each other."""

FREE_CORES = 0.1
"""So much of a core left over, and the machine is not full."""

SPEED = 1.25
"""How many times longer the same work takes after the trial than before it, or the other way round:
the trial ran at neither speed. Repeats differ by 6 to 9 %."""


class Surroundings(Protocol):
    """What was recorded around a trial; None: cannot be known."""

    @property
    def steal_fraction(self) -> float | None: ...
    @property
    def other_cpu_fraction(self) -> float | None: ...
    @property
    def canary_before_s(self) -> float | None: ...
    @property
    def canary_after_s(self) -> float | None: ...


def disturbance(around: Surroundings, cpu_quota: float | None, cores: int) -> str | None:
    """What disturbed a trial under that quota on a machine of so many cores, in words; None: nothing
    that is known of."""
    steal, others = around.steal_fraction, around.other_cpu_fraction
    if steal is not None and steal > STOLEN:
        return f"{fmt.percent(steal)} of the CPU went to other machines"
    if others is not None and others > others_bearable(others, cpu_quota, cores):
        full = "" if others > OTHERS else ", which left the job no core of its own"
        return f"others used {fmt.percent(others)} of the machine{full}"
    return changed_speed(around)


def changed_speed(around: Surroundings) -> str | None:
    """How much faster or slower the machine was after the trial than before it, in words; None: as
    fast, or not known."""
    before_s, after_s = around.canary_before_s, around.canary_after_s
    if not (before_s and after_s) or max(before_s, after_s) <= SPEED * min(before_s, after_s):
        return None
    how, times = "slower" if after_s > before_s else "faster", max(before_s, after_s)
    times /= min(before_s, after_s)
    return f"the machine was {times:.1f} times {how} after the trial than before it"


def others_bearable(others: float, cpu_quota: float | None, cores: int) -> float:
    """The share of all cores' time beyond which others disturb a job under that quota, where they use
    `others`."""
    quota = cores if cpu_quota is None else min(cpu_quota, cores)
    full = quota + others * cores > cores - FREE_CORES
    return OTHERS_IN_THE_WAY if full else OTHERS
