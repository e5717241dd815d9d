"""Where else clips could be cut, not measured: read from `elsewhere.toml`, each with source and date."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from clipkit.model.prices import CLIPS

NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """`usd_per_minute` of output, or of a month's storage, as `says` tells; None: not confirmed."""

    name: str
    what: str
    kind: str
    usd_per_minute: float | None
    says: str
    source: str
    checked: str

    def usd_per_1000_clips(self, clip_s: float) -> float | None:
        if self.usd_per_minute is None:
            return None
        return self.usd_per_minute * clip_s / 60 * CLIPS

    def to_json(self, clip_s: float) -> dict[str, Any]:
        return {
            "name": self.name,
            "what": self.what,
            "kind": self.kind,
            "measured": False,
            "usd_per_1000_clips": self.usd_per_1000_clips(clip_s),
            "says": self.says,
            "source": self.source,
            "checked": self.checked,
        }


@cache
def places_elsewhere() -> tuple[Elsewhere, ...]:
    """In the file's order."""
    text = resources.files("clipkit").joinpath("elsewhere.toml").read_text("utf-8")
    return tuple(
        Elsewhere(
            name=name,
            what=entry["what"],
            kind=entry["kind"],
            usd_per_minute=entry.get("usd_per_minute"),
            says=entry["says"],
            source=entry["source"],
            checked=entry["checked"],
        )
        for name, entry in tomllib.loads(text).items()
    )
