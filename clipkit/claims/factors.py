"""By what effects may differ: where each stands in a factor. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clipkit import format as fmt
from clipkit.claims.bodies import LANGUAGES
from clipkit.claims.verdict import Effect

MOMENTS = {
    "at rest": "the service at rest",
    "while an upload arrives": "an upload arriving",
    "while clips are cut": "clips being cut",
}
"""When a service's own memory is told, as a change and as a level."""


@dataclass(frozen=True, slots=True)
class Level:
    """Where an effect stands in one factor. `value` None: levels without an order."""

    value: float | None
    words: str

    @property
    def order(self) -> tuple[float, str]:
        return (0.0 if self.value is None else self.value), self.words


@dataclass(frozen=True, slots=True)
class Factor:
    name: str
    level: Callable[[Effect], Level]


def _unlimited(value: float | None) -> float:
    return float("inf") if value is None else value


CPU = Factor(
    "the host's CPU", lambda e: Level(_unlimited(e.condition.cpus), fmt.cpus(e.condition.cpus))
)
LINES = Factor("the frame size", lambda e: Level(e.condition.lines, f"{e.condition.lines}p"))
PLACE = (
    CPU,
    Factor(
        "the host's memory",
        lambda e: Level(_unlimited(e.condition.room_bytes), fmt.size(e.condition.room_bytes)),
    ),
    LINES,
    Factor("the clips' length", lambda e: Level(e.condition.clip_s, f"{e.condition.clip_s:g} s")),
    Factor(
        "the upload's length",
        lambda e: Level(e.condition.upload_s, fmt.clock(e.condition.upload_s)),
    ),
)
"""What every condition has. Of these the CPU is what decides by the law of idle CPU, so it is first."""

SERVICE_OF = Factor(
    "the service",
    lambda e: Level(None, LANGUAGES.get(e.after.variant.service or "", e.after.variant.subject)),
)
MOMENT = Factor("the moment", lambda e: Level(None, MOMENTS.get(e.change, e.change)))
COMPARED = Factor(
    "what it is compared with",
    lambda e: Level(None, e.before.variant.subject if e.before else "nothing"),
)
PICTURE = Factor(
    "preset and frame size",
    lambda e: Level(None, f"{e.after.variant.settings.preset} at {e.condition.lines}p"),
)
THREADS = Factor(
    "encoder threads",
    lambda e: Level(
        e.after.variant.settings.encoder_threads,
        fmt.counted(e.after.variant.settings.encoder_threads, "thread"),
    ),
)
AT_ONCE = Factor("how many at once", lambda e: Level(e.at_once, f"{e.at_once} at once"))
