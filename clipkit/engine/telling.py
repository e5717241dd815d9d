"""What the engine tells of a clip when it has ended. Stdlib only."""

from __future__ import annotations

from typing import Any

from clipkit.engine.disk import NO_SPACE
from clipkit.engine.work import Work


def clip_event(work: Work, status: str, error: str | None, **found: Any) -> dict[str, Any]:
    """Of clips that one process made, each has that process's time and peak, and its part of the CPU."""
    return {
        "event": "clip",
        "number": work.task.number,
        "status": status,
        "error": error,
        "change": work.change,
        "argv": work.argv(work.unfinished),
        "wall_s": work.wall_s,
        "cpu_s": work.cpu_s,
        "peak_rss_bytes": work.peak_rss_bytes,
        "no_space": error == NO_SPACE,
        "frames": None,
        "file": None,
        "poster": None,
        "bytes": None,
        "confined": not work.unconfined,
        **work.current.facts,
        **found,
    }
