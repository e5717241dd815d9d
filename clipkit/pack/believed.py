"""From a payload that is signed to a record, clips and samples of the plan's own: who has the pack can sign what
no trial measured, and what is kept must be what every reader takes. Pure."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clipkit.documents import misfit
from clipkit.errors import CampaignError
from clipkit.pack.arrived import Payload
from clipkit.pack.kept import Packed
from clipkit.records.checks import check_clip, check_row
from clipkit.records.outcome import Outcome, Sample
from clipkit.records.record import Record
from clipkit.records.versions import upgraded

_MOST_SAMPLES = 1 << 17
"""A day and a half of one a second."""
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Ended:
    """What the end of a trial holds."""

    record: dict[str, Any]
    clips: tuple[dict[str, Any], ...]
    samples: dict[str, tuple[int | float | None, ...]]


def believed_outcome(payload: Payload, packed: Packed) -> Outcome:
    """Of the end of a trial. Raises CampaignError, in words, for what is none of that pack's plan."""
    known = {declared.name for declared in dataclasses.fields(_Ended)}
    document = {name: value for name, value in payload.document.items() if name in known}
    if told := misfit(document, _Ended):
        raise CampaignError(told)
    row = document["record"]
    try:
        check_row(row)
        record = Record.from_row(upgraded(row))
    except CampaignError as error:
        raise CampaignError(f"its record {error}") from None
    _check_planned(record, payload.trial, packed)
    for clip in document["clips"]:
        _check_clip(clip, record)
    return Outcome(record, document["clips"], _samples(document["samples"]), {})


def _check_planned(record: Record, number: int, packed: Packed) -> None:
    """That it is the trial of that number."""
    if not 1 <= number <= len(packed.trials):
        raise CampaignError(f"the plan has {len(packed.trials)} trials")
    planned = packed.trials[number - 1]
    films = {facts.get("sha256") for facts in packed.uploads.values()}
    asked = (packed.campaign, planned.cell, planned.block)
    if (record.campaign, record.cell, record.block) != asked or record.upload_sha256 not in films:
        raise CampaignError("its record is of another trial than the plan's")


def _check_clip(clip: Mapping[str, Any], record: Record) -> None:
    try:
        check_clip(clip)
    except CampaignError as error:
        raise CampaignError(f"one of its clips {error}") from None
    if clip.get("run_id") != record.run_id:
        raise CampaignError("one of its clips is of another trial")


def _samples(columns: Mapping[str, typing.Sequence[int | float | None]]) -> list[Sample]:
    fields = dataclasses.fields(Sample)
    lengths = {len(values) for values in columns.values()} or {0}
    if not columns.keys() <= {field.name for field in fields} or len(lengths) > 1:
        raise CampaignError("its samples are no table of samples")
    length = lengths.pop()
    if length > _MOST_SAMPLES or (length and None in columns.get("t_s", (None,))):
        raise CampaignError("its samples are more than there can be, or of no time")
    for name, values in columns.items():
        if not all(_can_be_read(value, name) for value in values):
            raise CampaignError(f"its samples hold {name} that cannot be")
    whole = {field.name: columns.get(field.name) or (None,) * length for field in fields}
    return [Sample(*row) for row in zip(*whole.values(), strict=True)]


def _can_be_read(value: float | None, name: str) -> bool:
    if value is None:
        return True
    if name.endswith("_bytes"):
        return type(value) is int and 0 <= value <= _LARGEST
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value <= _LARGEST
