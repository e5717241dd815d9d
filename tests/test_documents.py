"""JSON and TOML that anybody may have written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest

from clipkit.documents import misfit, parse_json, parse_toml


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NaN", "NaN is no number"),
        ('{"wall_s": -Infinity}', "-Infinity is no number"),
        ('{"wall_s": 1e400}', "1e400 is no number"),
        ("[" * 100_000, "nested deeper than 32"),
        ("[" * 40 + "]" * 40, "nested deeper than 32"),
        ('{"a":' * 100_000, "nested deeper than 32"),
        ("{", "it is no JSON"),
        (b'{"a": "\xff"}', "no text in UTF-8"),
        ("9" * 5000, "4300 digits"),
    ],
)
def test_json_that_no_file_of_ours_holds_is_told_in_words(text: str | bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_json(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = " + "[" * 100_000, "nested"),
        (".".join("a" * 5000) + " = 1", "nested"),
        ("a = [", "at end of document"),
        (b"a = '\xff'", "no text in UTF-8"),
    ],
)
def test_so_is_toml(text: str | bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_toml(text)


def test_half_a_pair_of_surrogates_is_a_mark_that_can_be_written() -> None:
    assert parse_json(r'{"\ud800": ["\udfff x", "\ud83c\udfac"]}') == {"?": ["? x", "🎬"]}


class Kind(StrEnum):
    ONE = "one"


@dataclass
class Inner:
    number: int


@dataclass
class Outer:
    text: str
    inner: Inner | None = None
    several: tuple[Inner, ...] = ()
    pair: tuple[float, float] | None = None
    kind: Kind = Kind.ONE
    free: dict[str, Any] | None = None


def test_what_fits_its_declaration_has_nothing_said_of_it() -> None:
    whole = {"text": "a", "inner": {"number": 1}, "several": [{"number": 2}], "pair": [1, 2.5]}
    assert misfit(whole | {"kind": "one", "free": {"a": [1]}}, Outer) is None
    assert misfit({"text": ""}, Outer) is None


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "lacks 'text'"),
        ({"text": 1}, "'text' is 1, no text"),
        ({"text": "a", "more": 1}, "unknown ''more''"),
        ({"text": "a", "inner": {"number": True}}, "'number' is True, no whole number"),
        ({"text": "a", "inner": {"number": 1.0}}, "'number' is 1.0, no whole number"),
        ({"text": "a", "several": [{"number": "2"}]}, "'number' is '2', no whole number"),
        ({"text": "a", "several": {}}, "'several' is an object, no list"),
        ({"text": "a", "pair": [1]}, "'pair' holds 1 values, not 2"),
        ({"text": "a", "pair": [1, float("inf")]}, "is inf, no number"),
        ({"text": "a", "pair": [1, 10**400]}, "no number"),
        ({"text": "a", "kind": "two"}, "'kind' is 'two', no word that is known there"),
        ([], "it is [], no object"),
    ],
)
def test_what_does_not_is_named(document: Any, told: str) -> None:
    assert told in str(misfit(document, Outer))
