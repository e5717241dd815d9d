"""What must be the same of all that is in one campaign: each ffmpeg's version, each host's ceiling.

Machines and clipkits may differ: each record names its own, and what a machine adds to all alike is
taken out as a block's is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from clipkit.records.record import Record

Means = Mapping[tuple[str, str], set[str]]
"""`("ffmpeg", "bundled")`: its versions; `("ceiling", "512M-2cpu")`: what held that host's limits."""


def means_of(records: Iterable[Record]) -> Means:
    """With what these were measured."""
    found = defaultdict[tuple[str, str], set[str]](set)
    for record in records:
        if record.settings.ffmpeg is not None:
            found["ffmpeg", record.settings.ffmpeg].add(record.ffmpeg_version)
        found["ceiling", record.host].add(record.ceiling)
    return found


def unlike(one: Means, other: Means) -> str | None:
    """What was done by other means in the one than in the other, in words: `another ffmpeg (…)`."""
    for key in sorted(one.keys() & other.keys()):
        if one[key] != other[key]:
            return f"another {key[0]} ({', '.join(sorted(one[key] - other[key] or one[key]))})"
    return None
