"""The house: what may import what, how large a room may be, and no name on two doors."""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "clipkit"
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

FLOORS: tuple[tuple[str, ...], ...] = (
    (
        "confinement",
        "documents",
        "errors",
        "files",
        "format",
        "keys",
        "knob",
        "legal",
        "masked",
        "streams",
        "tables",
        "terminal",
    ),
    ("media", "settings", "hosts", "ffmpeg_builds", "resources", "backends"),
    ("model",),
    ("plan",),
    ("records",),
    ("engine",),
    ("ceiling",),
    ("trial",),
    ("campaign",),
    ("analysis",),
    ("pack",),
    ("cluster",),
    ("tuning", "claims"),
    ("report",),
    ("output", "arguments", "given"),
    ("commands", "api"),
    ("cli",),
)
"""The stations in the order in which data passes them: a module imports from its own or an earlier one."""

FLOOR = {station: number for number, floor in enumerate(FLOORS) for station in floor}
APART = {("tuning", "claims"), ("claims", "tuning")}
LINES = 300


def imported(path: Path) -> Iterator[str]:
    """Every module that this one imports, by its whole name, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def of_clipkit(path: Path) -> set[str]:
    return {name for name in imported(path) if name in MODULES and "." in name}


def station_of(module: str) -> str:
    return module.split(".")[1]


def public_functions(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
            yield node.name


HOUSED = {
    name: path
    for name, path in MODULES.items()
    if name not in ("clipkit.__init__", "clipkit.__main__")
}


def test_every_module_has_a_floor() -> None:
    assert {station_of(name) for name in HOUSED} == set(FLOOR)


@pytest.mark.parametrize("module", HOUSED)
def test_nothing_imports_from_a_later_station(module: str) -> None:
    own = FLOOR[station_of(module)]
    later = {
        name
        for name in of_clipkit(HOUSED[module])
        if FLOOR[station_of(name)] > own or (station_of(module), station_of(name)) in APART
    }
    assert later == set()


def test_the_engine_is_of_the_standard_library_alone() -> None:
    """It lives inside the host: what it imports is memory that the job does not have."""
    engine = [path for name, path in MODULES.items() if name.startswith("clipkit.engine")]
    for path in (*engine, MODULES["clipkit.plan.task"], MODULES["clipkit.confinement"]):
        foreign = {
            name
            for name in imported(path)
            if name.split(".")[0] not in sys.stdlib_module_names
            and not name.startswith(("clipkit.engine", "clipkit.confinement", "clipkit.plan"))
        }
        assert foreign <= {"clipkit"}, path
        plan = {name for name in of_clipkit(path) if name.startswith("clipkit.plan.")}
        assert plan <= {"clipkit.plan.task"}, path


@pytest.mark.parametrize("module", MODULES)
def test_no_module_needs_much_scrolling(module: str) -> None:
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= LINES


def test_no_two_modules_have_a_public_function_of_one_name() -> None:
    """But for `main`, and for `api`, which forwards under the same names."""
    found = defaultdict(set)
    for module, path in MODULES.items():
        if module != "clipkit.api":
            for name in public_functions(path):
                found[name].add(module)
    assert {name: where for name, where in found.items() if len(where) > 1 and name != "main"} == {}


def test_no_two_modules_of_tests_have_one_name() -> None:
    """pytest, and the helpers that tests share, import them by their names alone."""
    names = Counter(
        path.name
        for path in Path(__file__).parent.rglob("*.py")
        if path.name not in ("conftest.py", "__init__.py")
    )
    assert [name for name, count in names.items() if count > 1] == []
