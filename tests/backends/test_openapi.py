"""`openapi.yaml`: valid, whole, and true of each service, which schemathesis tries to refute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from running_service import Service
from schemathesis import GenerationMode, openapi
from schemathesis.checks import negative_data_rejection
from test_routes import ID, ROUTES

REPOSITORY = Path(__file__).resolve().parents[2]
FILE = REPOSITORY / "experiments" / "backends" / "openapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
METHODS = {"get", "head", "post", "put", "patch", "delete"}
SCHEMA = openapi.from_dict(DOCUMENT)
OPERATIONS = [
    (path, method.upper())
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if method in METHODS
]


def test_it_is_a_valid_document() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_it_knows_every_route_with_every_method() -> None:
    told = {path: {m.upper() for m in item if m in METHODS} for path, item in _paths()}
    assert told == ROUTES


def _paths() -> list[tuple[str, Any]]:
    filled = {"{upload}": ID, "{job}": ID, "{number}": "1"}
    found = []
    for path, item in DOCUMENT["paths"].items():
        for name, value in filled.items():
            path = path.replace(name, value)  # noqa: PLW2901
        found.append((path, item))
    return found


def _takes_something(path: str, method: str) -> bool:
    item = DOCUMENT["paths"][path]
    told = {**item, **item[method.lower()]}
    return "parameters" in told or "requestBody" in told


CASES = [
    pytest.param(path, method, mode, id=f"{mode} {method} {path}")
    for path, method in OPERATIONS
    for mode in GenerationMode
    if mode.is_positive or _takes_something(path, method)
]


@pytest.mark.parametrize(("path", "method", "mode"), CASES)
def test_no_request_refutes_it(
    shared: Service, path: str, method: str, mode: GenerationMode
) -> None:
    """Every answer has a status, a type and a shape that the document tells of, to requests that fit it and
    to those that do not."""
    base = f"http://127.0.0.1:{shared.port}"
    # In a form everything is a string: what breaks the schema before it is written fits it afterwards.
    but = [negative_data_rejection] if path == "/uploads" else []

    @given(data=st.data())
    @settings(
        max_examples=20,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def try_it(data: st.DataObject) -> None:
        case = data.draw(SCHEMA[path][method].as_strategy(mode))
        case.call_and_validate(base_url=base, excluded_checks=but)

    try_it()
