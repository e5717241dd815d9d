"""Rows across versions: an older one is read with what it lacks filled in, a newer one is refused.

`schema_version` rises where a column changes its meaning, and then a converter stands here; a column
or setting more leaves it as it is. What an older row lacks is unknown (None), but a setting that did
not exist is at what held before it was declared, where the row's subject follows settings of ours; and
of a user's command its words, which are in the row, tell what it was cut with.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from clipkit.errors import CampaignError, TemplateError
from clipkit.plan.baselines import parse_template
from clipkit.plan.command_words import CommandWords, read_words
from clipkit.plan.subjects import COMMAND, KINDS, OURS
from clipkit.records.columns import columns
from clipkit.records.record import SCHEMA_VERSION
from clipkit.records.status import Status
from clipkit.settings import knobs


def upgraded(row: Mapping[str, Any], command: str | None = None) -> dict[str, Any]:
    """The row with every column of today. `command`: the user's command line that its campaign's
    experiment states, for rows that do not hold it.

    Raises CampaignError for a row of a newer clipkit, with the version to install, and for one that
    lacks what a record always had.
    """
    _refuse_newer(row)
    known = dict(row)
    if known["schema_version"] < 2:  # a sum over CPUs, of which no wall time can be made
        known |= {"schema_version": SCHEMA_VERSION, "throttled_s": None}
    if not known.keys() & {
        "harness_nice",
        "cpu_percent",
    }:  # since then `nice` is a setting, and was the harness's before
        known["harness_nice"] = known.pop("nice", None)
    if "peak_bound_bytes" not in known:
        known["peak_bound_bytes"] = _bound_of_marks(known)
    subject = known.get("subject")
    is_older = "command" not in known  # then its settings say "default" for what was not followed
    if is_older:
        known["command"] = command if subject == COMMAND else None
    for knob in knobs():
        if knob.name not in known:
            known[knob.name] = knob.before if _follows(subject, knob.name) else None
    for column in columns():
        if column.name not in known:
            if not column.nullable:
                raise CampaignError(f"lacks '{column.name}'")
            known[column.name] = None
    if is_older and subject in KINDS:
        _forget_what_is_not_followed(known)
    if "video_encoder" not in row and subject == COMMAND:
        _read_command(known)
    elif "video_encoder" not in row and subject in KINDS and known["mode"] == "encode":
        known["video_encoder"] = OURS.video_encoder
    return known


def _bound_of_marks(row: Mapping[str, Any]) -> int | None:
    """Of marks that stood for the whole run: a lower bound below that of `trial.sampler`."""
    mark, cache = row.get("peak_cgroup_bytes"), row.get("peak_cache_bytes")
    if mark is None or cache is None:
        return None
    return max(0, int(mark - cache - row["reserve_bytes"]))


def _follows(subject: Any, setting: str) -> bool:
    return subject in KINDS and setting in KINDS[subject].levels


def _refuse_newer(row: Mapping[str, Any]) -> None:
    version = row.get("schema_version")
    writer = row.get("clipkit_version", "a newer one")
    if type(version) is not int or version < 1:
        raise CampaignError("lacks its 'schema_version'")
    if (status := row.get("status", Status.OK)) not in {*Status}:
        raise CampaignError(
            f"was written by clipkit {writer} with the status {status!r}, which this clipkit does not "
            "know: install that version or a later one"
        )
    unknown = sorted(row.keys() - {column.name for column in columns()})
    if version > SCHEMA_VERSION or unknown:
        what = f"schema {version}" if version > SCHEMA_VERSION else f"the column '{unknown[0]}'"
        raise CampaignError(
            f"was written by clipkit {writer} with {what}, which this clipkit does not know "
            f"(it reads up to schema {SCHEMA_VERSION}): install that version or a later one, "
            f"pip install 'clipkit>={writer}'"
        )


def _forget_what_is_not_followed(row: dict[str, Any]) -> None:
    """Rows without a `command` column hold defaults where a subject does not follow a setting."""
    known = KINDS[row["subject"]].known
    row |= {knob.name: None for knob in knobs() if knob.name not in known}


def _read_command(row: dict[str, Any]) -> None:
    """What the words of a row's command state, which clipkit did not read when it wrote the row."""
    words = _words_of(row["command"])
    row |= {n: value for n, value in words.settings.items() if n not in KINDS[COMMAND].levels}
    row |= dataclasses.asdict(words.encoding)


def _words_of(command: str | None) -> CommandWords:
    try:
        return read_words(() if command is None else parse_template(command).argv)
    except TemplateError:
        return read_words(())
