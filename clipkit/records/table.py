"""The tidy table of a campaign: one row per attempt, from `runs.jsonl`. Changes no record."""

from __future__ import annotations

import dataclasses
import io
import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import pyarrow.parquet

from clipkit import files
from clipkit.errors import CampaignError, OutputError
from clipkit.records import folder as folders
from clipkit.records.checks import CLIP, least_of, may_be_negative, most_of
from clipkit.records.columns import columns
from clipkit.records.identity import unified
from clipkit.records.outcome import Sample
from clipkit.records.record import SCHEMA_VERSION, Record
from clipkit.records.served import OF_SERVICES
from clipkit.records.status import Status

_BLOCK_BYTES = 1 << 22
"""What one core parses at a time; no line may be longer, and a record is a few kB."""

_ROWS_AT_A_TIME = 500

_FORMER_SAMPLES = {"throttled_s": "throttled_cpu_s"}
"""What columns of samples were called before: the same figures."""

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
_CLIPS = {
    name: next((_PANDAS[kind] for of, kind in _ARROW.items() if hint in (of, of | None)), object)
    for name, hint in CLIP.items()
}
_MOST_SAMPLES_BYTES, _MOST_SAMPLES, _MOST_SAMPLED = 1 << 26, 2_000_000, 64
"""Of one attempt, in how many columns: ten readings a second for two days."""

_ALWAYS_KNOWN = {each.name for each in columns() if not each.nullable}

_INNER = re.compile(rb"[\[{,:]\s*\{|[\[{,]\s*\[")
"""What no line of a record holds outside a text: Arrow's parser falls over where such is nested deeply."""


def read_table(campaign: Path) -> pd.DataFrame:
    """Every attempt of the campaign, in the order they ended, with the columns of `Record`, and one
    name for each cell (`records.identity`).

    Unknown is NA. The torn last line of a killed run is ignored. Raises CampaignError where there
    is no `runs.jsonl`, or where another line of it is broken.
    """
    read = _read(campaign)
    try:
        return _tidy(read)
    except ValueError as error:
        list(folders.read_rows(campaign))  # says which line is at fault
        raise CampaignError(f"{campaign / folders.RUNS} cannot be read: {error}") from None


def table_of(records: Iterable[Record]) -> pd.DataFrame:
    """The same of records at hand."""
    return _tidy(_from_rows(record.to_row() for record in records))


def read_samples(campaign: Path, run_id: str) -> pd.DataFrame:
    """Memory and CPU over time of one attempt. Raises CampaignError where none were kept."""
    path = campaign / folders.SAMPLES / f"{run_id}.parquet"
    if not has_samples(campaign, run_id):
        raise CampaignError(f"{campaign} holds no samples of run '{run_id}': no {path.name}")
    try:
        content = files.read_file(campaign, _samples_name(run_id), _MOST_SAMPLES_BYTES)
        return _sampled(content)
    except OSError as error:
        raise CampaignError(f"{path} cannot be read: {error.strerror or error}") from None
    except (pa.ArrowException, ValueError, RecursionError) as error:
        raise CampaignError(f"{path} cannot be read: {error}") from None


def _sampled(content: bytes) -> pd.DataFrame:
    """Numbers alone, and not more of them than anybody samples: a few bytes may declare billions."""
    stored = pyarrow.parquet.ParquetFile(io.BytesIO(content))
    if stored.metadata.num_rows > _MOST_SAMPLES or len(stored.schema_arrow) > _MOST_SAMPLED:
        raise ValueError("it declares more samples than any attempt has")
    for each in stored.schema_arrow:
        of = each.type  # of nulls alone where nothing was measured
        if not any(
            is_of(of) for is_of in (pa.types.is_integer, pa.types.is_floating, pa.types.is_null)
        ):
            raise ValueError(f"its column {each.name[:40]!r} holds no numbers")
    if "t_s" not in stored.schema_arrow.names:
        raise ValueError("it has no column 't_s'")
    frame: pd.DataFrame = stored.read(use_threads=False).to_pandas(
        types_mapper=_PANDAS.get, ignore_metadata=True
    )
    return frame.rename(columns=_FORMER_SAMPLES)


def has_samples(campaign: Path, run_id: str) -> bool:
    """Whether its own folder holds them, and not by a link."""
    return files.has_file(campaign, _samples_name(run_id))


def _samples_name(run_id: str) -> str:
    return f"{folders.SAMPLES}/{run_id}.parquet"


def read_all_samples(campaign: Path, run_ids: Iterable[str]) -> pd.DataFrame:
    """The samples of these attempts as far as they were kept, with a column `run_id`."""
    names = [declared.name for declared in dataclasses.fields(Sample)]
    empty = pd.DataFrame({name: pd.array([], dtype=pd.Float64Dtype()) for name in names})
    empty.insert(0, "run_id", pd.Series([], dtype=pd.StringDtype()))
    found = []
    for run_id in run_ids:
        if has_samples(campaign, run_id):
            of_one = read_samples(campaign, run_id)
            of_one.insert(0, "run_id", pd.Series(run_id, of_one.index, pd.StringDtype()))
            found.append(of_one)
    return pd.concat(found, ignore_index=True) if found else empty


def read_clips(campaign: Path, run_ids: Iterable[str]) -> pd.DataFrame:
    """The lines of `clips.jsonl` of these attempts, in their order: what became of each clip."""
    kept = folders.clips_by_run(campaign)
    rows = [clip for run_id in run_ids for clip in kept.get(run_id, ())]
    known = {
        name: pd.Series([row.get(name) for row in rows], dtype=_CLIPS[name]) for name in _CLIPS
    }
    return pd.DataFrame(known)


def write_parquet(campaign: Path) -> Path:
    """Write the table to `runs.parquet` in the campaign's folder, in one step. Raises OutputError."""
    written = io.BytesIO()
    pyarrow.parquet.write_table(_read(campaign), written)
    try:
        return files.write_file(campaign, folders.TABLE, written.getvalue())
    except OSError as error:
        raise OutputError(f"cannot write {campaign / folders.TABLE}: {error.strerror}") from None


def _tidy(read: pa.Table) -> pd.DataFrame:
    table: pd.DataFrame = read.to_pandas(types_mapper=_PANDAS.get)
    table["started_utc"] = pd.to_datetime(table["started_utc"], utc=True, format="ISO8601")
    return unified(table)


def _read(campaign: Path) -> pa.Table:
    folders.require(campaign)
    path = campaign / folders.RUNS
    try:
        whole = files.read_file(campaign, folders.RUNS, folders.MOST_BYTES)
    except OSError as error:
        raise CampaignError(f"cannot read {path}: {error.strerror}") from None
    lines = folders.without_torn_end(whole)
    if not lines or lines.isspace():
        return _schema().empty_table()
    if _INNER.search(lines):
        return _from_rows(folders.read_rows(campaign))
    try:
        read = pyarrow.json.read_json(
            io.BytesIO(lines),
            read_options=pyarrow.json.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=_schema(), unexpected_field_behavior="error"
            ),
        )
    except pa.ArrowException as error:
        list(folders.read_rows(campaign))  # says which line is at fault
        raise CampaignError(f"{path} cannot be read: {error}") from None
    if _is_of_today(read, lines) and _is_measurable(read):
        return read
    return _from_rows(folders.read_rows(campaign))


def _is_measurable(read: pa.Table) -> bool:
    """Whether all of it is what a record holds: what is not, `records.checks` tells line by line."""
    for name, column in zip(read.column_names, read.columns, strict=True):
        if name in _ALWAYS_KNOWN and column.null_count:
            return False
        if pa.types.is_list(column.type):
            column = pc.list_flatten(column)  # noqa: PLW2901 (its values)
        if pa.types.is_floating(column.type) and pc.all(pc.is_finite(column)).as_py() is False:
            return False
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            least, most = pc.min(column).as_py(), pc.max(column).as_py()
            if least is not None and least < least_of(name) and not may_be_negative(name):
                return False
            if pa.types.is_integer(column.type) and most is not None and most > most_of(name):
                return False
    runs = pc.unique(read.column("run_id"))
    return not pc.any(pc.match_substring_regex(runs, r"^\.{0,2}$|[/\x00]|^.{201,}")).as_py()


def _is_of_today(read: pa.Table, lines: bytes) -> bool:
    """Whether every row had every column of today and a status of today, so that nothing is to be
    filled in or refused.

    What is null may have been left out, as what only services have is. Inside a text a quotation mark is
    escaped, so a column's name cannot be mistaken.
    """
    if read.column("schema_version").null_count or any(
        version != SCHEMA_VERSION for version in read.column("schema_version").unique().to_pylist()
    ):
        return False
    if not {*read.column("status").unique().to_pylist()} <= {*Status}:
        return False
    known = (name for name in read.column_names if name not in OF_SERVICES)
    lacking = (name for name in known if read.column(name).null_count)
    return all(lines.count(f'"{name}":'.encode()) == read.num_rows for name in lacking)


def _from_rows(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Some at a time: as dicts they take many times the memory that they take in columns."""
    schema, left = _schema(), iter(rows)
    parts = [schema.empty_table()]
    try:
        while some := list(itertools.islice(left, _ROWS_AT_A_TIME)):
            parts.append(pa.Table.from_pylist(some, schema))
        return pa.concat_tables(parts)
    except (pa.ArrowException, OverflowError) as error:
        raise CampaignError(f"a record holds a value of the wrong type: {error}") from None


def _schema() -> pa.Schema:
    return pa.schema([(column.name, _ARROW[column.kind]) for column in columns()])
