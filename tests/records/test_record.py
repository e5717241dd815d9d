"""The record's columns: declared once, stored and documented from the declaration."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

from inventing_records import TEMPLATE

from clipkit.records.columns import columns
from clipkit.records.record import Record
from clipkit.records.served import OF_SERVICES, Served
from clipkit.records.versions import upgraded
from clipkit.settings import knobs

README = Path(__file__).resolve().parents[2] / "results" / "README.md"


def test_a_row_holds_every_column_and_comes_back() -> None:
    served = replace(TEMPLATE, served=Served(service="node", service_argv="same"))
    row = served.to_row()
    assert list(row) == [column.name for column in columns()]
    assert Record.from_row(row) == served


def test_what_only_services_have_is_left_out_of_the_rows_of_others() -> None:
    row = TEMPLATE.to_row()
    assert list(row) == [column.name for column in columns() if column.name not in OF_SERVICES]
    assert Record.from_row(row) == TEMPLATE
    assert set(upgraded(row)) == {column.name for column in columns()}


def test_a_service_is_called_by_its_own_name() -> None:
    assert TEMPLATE.who == "clipkit"
    for served, words in (
        (Served(service="node", service_argv="same"), "node"),
        (Served(service="rust", service_argv="sketched"), "rust as sketched"),
        (
            Served(service="node", service_argv="same", service_environment="UPLOAD_TO=memory"),
            "node, UPLOAD_TO=memory",
        ),
    ):
        assert replace(TEMPLATE, subject="service", served=served).who == words


def test_every_column_is_documented_beside_the_campaigns() -> None:
    lines = README.read_text("utf-8").splitlines()
    documented = [line for line in lines if line.startswith("| `") and line.count("|") == 3]
    expected = [f"| `{column.name}` | {column.meaning} |" for column in columns()]
    assert documented[-len(expected) :] == expected


def test_no_setting_bears_the_name_of_another_column() -> None:
    """`height` is the upload's: a row has one of each name, and so has what an experiment may vary."""
    settings = {knob.name for knob in knobs()}
    others = {field.name for field in dataclasses.fields(Record)} | set(OF_SERVICES)
    keys = {column.key for column in columns() if column.name not in settings}
    assert settings & (others | keys | {"schema_version", "upload", "variant"}) == set()
    assert len({column.name for column in columns()}) == len(columns())
