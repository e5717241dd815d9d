"""The tidy table of a campaign: one row per attempt, from `runs.jsonl`. Changes no record."""

from __future__ import annotations

import io
import json
import types
import typing
from enum import StrEnum
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet

from clipkit.errors import CampaignError
from clipkit.records.record import Record, columns
from clipkit.settings import Settings

_BLOCK_BYTES = 1 << 22
"""What one core parses at a time; no line may be longer, and a record is a few kB."""

_ARROW = {
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    str: pa.string(),
    tuple[float, ...]: pa.list_(pa.float64()),
}
# pandas' own nullable types: a missing integer stays a missing integer, not a float.
_PANDAS = {
    pa.int64(): pd.Int64Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): pd.StringDtype(),
}


def load(campaign: Path) -> pd.DataFrame:
    """Every attempt of the campaign, in the order they ended, with the columns of `Record`.

    Unknown is NA. The torn last line of a killed run is ignored. Raises CampaignError where there
    is no `runs.jsonl`, or where another line of it is broken.
    """
    table: pd.DataFrame = _read(campaign).to_pandas(types_mapper=_PANDAS.get)
    table["started_utc"] = pd.to_datetime(table["started_utc"], utc=True, format="ISO8601")
    return table


def samples(campaign: Path, run_id: str) -> pd.DataFrame:
    """Memory and CPU over time of one attempt. Raises CampaignError where none were kept."""
    path = campaign / "samples" / f"{run_id}.parquet"
    if path.parent != campaign / "samples" or not path.is_file():
        raise CampaignError(f"{campaign} holds no samples of run '{run_id}': no {path.name}")
    try:
        sampled = pyarrow.parquet.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise CampaignError(f"{path} cannot be read: {error}") from None
    frame: pd.DataFrame = sampled.to_pandas(types_mapper=_PANDAS.get)
    return frame


def to_parquet(campaign: Path) -> Path:
    """Write the table to `runs.parquet` in the campaign's folder, in one step."""
    path = campaign / "runs.parquet"
    unfinished = path.with_suffix(".parquet.part")
    pyarrow.parquet.write_table(_read(campaign), unfinished)
    return unfinished.replace(path)


def _read(campaign: Path) -> pa.Table:
    path = campaign / "runs.jsonl"
    try:
        lines = path.read_bytes()
    except FileNotFoundError:
        raise CampaignError(f"{campaign} is no campaign: it has no runs.jsonl") from None
    except OSError as error:
        raise CampaignError(f"cannot read {path}: {error.strerror}") from None
    lines = _without_torn_end(lines)
    if not lines.strip():
        return _schema().empty_table()
    try:
        return pyarrow.json.read_json(
            io.BytesIO(lines),
            read_options=pyarrow.json.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pyarrow.json.ParseOptions(explicit_schema=_schema()),
        )
    except pa.ArrowInvalid as error:
        raise CampaignError(f"{path}, {_broken_line(lines) or error}") from None


def _without_torn_end(lines: bytes) -> bytes:
    """A run killed while it wrote leaves half a line, without its line feed."""
    end = lines.rfind(b"\n") + 1
    return lines if end == len(lines) or _is_object(lines[end:]) else lines[:end]


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _broken_line(lines: bytes) -> str | None:
    """Which line is at fault, in words: the fast reader does not say."""
    for number, line in enumerate(lines.splitlines(), start=1):
        if line.strip() and not _is_object(line):
            start = line[:60].decode("utf-8", "replace")
            return f"line {number} is no record: {start!r}; delete it and measure that trial again"
    return None


def _schema() -> pa.Schema:
    """The columns of `runs.jsonl` with the types that `Record` and `Settings` declare."""
    hints: dict[str, Any] = typing.get_type_hints(Record) | typing.get_type_hints(Settings)
    hints["schema_version"] = int
    return pa.schema([(name, _arrow_type(hints[name])) for name in columns()])


def _arrow_type(hint: Any) -> pa.DataType:
    if isinstance(hint, types.UnionType):
        hint = next(kind for kind in typing.get_args(hint) if kind is not types.NoneType)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        hint = str
    return _ARROW[hint]
