"""Who ended a process before its work was done: a memory ceiling, by the kernel or by clipkit's own
watchdog, or somebody outside. In words; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from clipkit.ceiling.base import Mechanism, Usage
from clipkit.trial.talk import Told


@dataclass(frozen=True, slots=True)
class Blame:
    """`oom_kills`: how many processes the ceiling has killed."""

    mechanism: Mechanism
    oom_kills: int

    def words(self, how: str) -> str:
        """Of one that was killed; `how` it ended: `signal 9`."""
        if self.oom_kills:
            return f"killed at the memory ceiling by {at_the_ceiling(self.mechanism)} ({how})"
        return f"killed from outside, with {how}"

    def told(self, told: Told) -> Told:
        """Of clips that were killed the engine knows only how their process ended."""
        return replace(told, clips=[self._told(event) for event in told.clips])

    def _told(self, event: dict[str, Any]) -> dict[str, Any]:
        killed = event["status"] == "killed"
        return event | {"error": self.words(event["error"])} if killed else event


def with_kills_around(before: Usage, after: Usage, told: Told, engine_end: str | None) -> Usage:
    """Where the job has no group of its own, a kill in the one around it is its own if it lost a process."""
    lost = engine_end is not None or any(event["status"] == "killed" for event in told.clips)
    around = after.oom_kills_around - before.oom_kills_around
    return replace(after, oom_kills=around) if lost and not after.oom_kills else after


def at_the_ceiling(mechanism: Mechanism) -> str:
    """Who kills there."""
    return "clipkit's watchdog" if mechanism is Mechanism.WATCHDOG else "the kernel"
