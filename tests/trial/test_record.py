"""The record's columns: declared once, stored and documented from the declaration."""

from __future__ import annotations

from pathlib import Path

from inventing_records import TEMPLATE

from clipkit.records.columns import columns
from clipkit.records.record import Record

README = Path(__file__).resolve().parents[2] / "results" / "README.md"


def test_a_row_holds_every_column_and_comes_back() -> None:
    row = TEMPLATE.to_row()
    assert list(row) == [column.name for column in columns()]
    assert Record.from_row(row) == TEMPLATE


def test_every_column_is_documented_beside_the_campaigns() -> None:
    lines = README.read_text("utf-8").splitlines()
    documented = [line for line in lines if line.startswith("| `") and line.count("|") == 3]
    expected = [f"| `{column.name}` | {column.meaning} |" for column in columns()]
    assert documented[-len(expected) :] == expected
