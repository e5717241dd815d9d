"""What had been used at the moments of a visit to a service, and what was used between two of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from clipkit.ceiling.base import Ceiling, Usage
from clipkit.trial.apart import Apart, Share
from clipkit.trial.sampler import growth

ReadFrom = Callable[["Moment"], float | None]


@dataclass(frozen=True, slots=True)
class Moment:
    """What had been used by then. `at_s` by the monotonic clock, `clock_s` since 1970; `harness_s` is the
    CPU of the process that drives and measures; `whole` is of everything inside the ceiling."""

    at_s: float
    clock_s: float
    own: Share
    ffmpeg: Share
    harness_s: float
    whole: Usage


@dataclass(slots=True)
class Moments:
    """By name; those that a visit did not come to are missing, and what needs them is None."""

    ceiling: Ceiling
    apart: Apart
    known: dict[str, Moment] = field(default_factory=dict)

    def note(self, name: str) -> None:
        self.known[name] = Moment(
            at_s=time.monotonic(),
            clock_s=time.time(),
            own=self.apart.service(),
            ffmpeg=self.apart.ffmpeg(),
            harness_s=time.process_time(),
            whole=self.ceiling.usage(),
        )

    def get(self, name: str) -> Moment | None:
        return self.known.get(name)

    def between(self, since: str, until: str, read: ReadFrom) -> float | None:
        """How much more it was at the later moment."""
        one, other = self.known.get(since), self.known.get(until)
        return growth(read(one), read(other)) if one and other else None

    def passed_s(self, since: str, until: str) -> float | None:
        return self.between(since, until, lambda moment: moment.at_s)

    def own_cpu_s(self, since: str, until: str) -> float | None:
        return self.between(since, until, lambda moment: moment.own.cpu_s)

    def in_job(self, read: ReadFrom) -> float | None:
        """From the order to the answer in which the client saw the job's end."""
        return self.between("ordered", "ended", read)
