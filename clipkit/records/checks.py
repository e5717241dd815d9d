"""What the lines and documents of a campaign must hold before anybody counts with them.

Whoever made the campaign may have been a stranger, a broken disk, or another programme: a text where a time
belongs, a truth value that Python takes for a number, a size below zero. None of these is a record.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from functools import cache
from types import NoneType
from typing import Any

from clipkit.documents import misfit
from clipkit.errors import CampaignError
from clipkit.records.columns import columns
from clipkit.settings import knobs

_LARGEST, _MOST_COUNTED = 2**63 - 1, 1_000_000
_COUNTED = {
    "clips",
    "block",
    "order",
    "attempt",
    "width",
    "height",
    *(knob.name for knob in knobs()),
}
"""What whoever reads a record may count up to."""
_DIFFERENCES = ("_fraction", "_cpu_s", "_lag_s", "_code", "harness_nice")
"""Ends the names of differences of counters or clocks, which may fall short of nothing, of what a
process ended with, a signal's number below zero, and of a priority."""
_LONGEST_NAME, _SHORTEST_S = 200, 1e-6

CLIP: dict[str, Any] = {
    "run_id": str,
    "number": int,
    "start_s": float,
    "duration_s": float,
    "status": str,
    "error": str | None,
    "change": str | None,
    "wall_s": float | None,
    "cpu_s": float | None,
    "peak_rss_bytes": int | None,
    "frames_decoded": int | None,
    "frames_kept": int | None,
    "encoded_frames": int | None,
    "mode": str | None,
    "bytes": int | None,
    "argv": tuple[str, ...],
}
"""The columns of `clips.jsonl`, which `trial.run` writes."""

_UPLOAD: dict[str, Any] = {
    "path": str,
    "sha256": str,
    "codec": str,
    "width": int,
    "height": int,
    "fps": float,
    "duration_s": float,
}
_MACHINE: dict[str, Any] = {
    "host_id": str,
    "cpu": str | None,
    "system": str | None,
    "ceiling": str | None,
    "cores": int | None,
    "memory_bytes": int | None,
    "usable_memory_bytes": int | None,
    "ffmpeg": list[dict[str, str | bool]],
}
"""What others read of an upload's and of a machine's facts; there are more."""


def check_row(row: Mapping[str, Any]) -> None:
    """Of a line of `runs.jsonl`, in whatever version. Raises CampaignError for what no record holds."""
    for name, kinds, nullable in _kinds():
        value = row.get(name)
        if value is None:
            if name in row and not nullable:
                raise CampaignError(f"has no '{name}'")
        elif type(value) not in kinds or not _is_measurable(value, name, least_of(name)):
            raise CampaignError(f"holds {name} = {str(value)[:40]!r}, which it cannot be")
    if "run_id" in row and not _names_a_file(row["run_id"]):
        raise CampaignError(f"is of a run '{str(row['run_id'])[:40]}': no run is called that")
    try:
        datetime.datetime.fromisoformat(row.get("started_utc") or "2000-01-01")
    except ValueError:
        raise CampaignError(f"started at {row['started_utc'][:40]!r}, which is no time") from None


def check_clip(clip: Mapping[str, Any]) -> None:
    """Of a line of `clips.jsonl`. Raises CampaignError."""
    _check(clip, CLIP)
    for name, value in clip.items():
        if name in CLIP and type(value) in (int, float) and not _is_measurable(value, name):
            raise CampaignError(f"holds {name} = {value}, which it cannot be")


def check_uploads(document: Mapping[str, Any]) -> None:
    """Of `uploads.json`: the films' facts by their names. Raises CampaignError."""
    for name, facts in document.items():
        if not isinstance(facts, dict):
            raise CampaignError(f"tells no facts of the upload '{name[:40]}'")
        _check(facts, _UPLOAD)
        if facts.get("fps", 1) <= 0 or facts.get("duration_s", 0) < 0:
            raise CampaignError(f"tells of the upload '{name[:40]}' what no film is like")


def check_environment(document: Mapping[str, Any]) -> None:
    """Of `environment.json`: one machine's facts, or those of several. Raises CampaignError."""
    _check(document, _MACHINE)
    several = document.get("machines", {})
    if not isinstance(several, dict):
        raise CampaignError("holds machines that are no object")
    for facts in several.values():
        if not isinstance(facts, dict):
            raise CampaignError("holds a machine that is no object")
        _check(facts, _MACHINE)


def _check(document: Mapping[str, Any], hints: Mapping[str, Any]) -> None:
    for name, hint in hints.items():
        if name in document and (told := misfit(document[name], hint, f"'{name}'")):
            raise CampaignError(f"cannot be right: {told}")


@cache
def _kinds() -> tuple[tuple[str, frozenset[type], bool], ...]:
    """Of each column its name, what JSON may have there, and whether it may be unknown."""
    json_types: dict[Any, set[type]] = {int: {int}, float: {int, float}, bool: {bool}, str: {str}}
    return tuple(
        (each.name, frozenset(json_types.get(each.kind, {list})), each.nullable)
        for each in columns()
    )


def _is_measurable(value: Any, name: str, least: float = 0) -> bool:
    if isinstance(value, list):
        return all(type(each) in (int, float) and _is_measurable(each, name) for each in value)
    if isinstance(value, str | bool | NoneType):
        return True
    if isinstance(value, int):
        return (value >= least or may_be_negative(name)) and abs(value) <= most_of(name)
    return math.isfinite(value) and (value >= least or may_be_negative(name))


def may_be_negative(name: str) -> bool:
    """Of a column: what is told of services is made of two clocks, theirs and ours."""
    return name.endswith(_DIFFERENCES) or name.startswith("service_")


def least_of(name: str) -> float:
    """What no other number of that column is below: nothing is cut in no time."""
    return _SHORTEST_S if name == "wall_s" else 0


def most_of(name: str) -> int:
    """The largest whole number that the column of that name may hold."""
    return _MOST_COUNTED if name in _COUNTED else _LARGEST


def _names_a_file(run_id: str) -> bool:
    """Its samples and logs lie under its name."""
    return (
        run_id not in ("", ".", "..")
        and len(run_id) <= _LONGEST_NAME
        and not {"/", "\0"} & {*run_id}
    )
