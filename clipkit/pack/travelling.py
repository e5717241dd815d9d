"""Which of clipkit's own modules travel in a pack: those that what runs there imports, and no others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
_ROOTS = (
    "clipkit.pack.there.start",
    "clipkit.pack.there.main",
    "clipkit.pack.there.block",
    "clipkit.engine.__main__",
    "clipkit.ceiling.enter",
)
"""What is started there, be it by name or by path."""


def travelling_modules() -> dict[str, Path]:
    """Each module's place in the archive and on this disk. What a module imports only for type checkers, or only
    when some function is called, does not come along."""
    found: dict[str, Path] = {}
    waiting = [part for root in _ROOTS for part in _with_packages(root)]
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if path is None or name in found:
            continue
        found[name] = path
        for imported in imported_at_once(path):
            waiting += _with_packages(imported)
    places = {path.relative_to(PACKAGE.parent).as_posix(): path for path in found.values()}
    return dict(sorted(places.items()))


def imported_at_once(path: Path) -> Iterator[str]:
    """Every name that importing this module imports; of `from a import b` both `a` and `a.b`."""
    yield from _imported(ast.parse(path.read_text("utf-8")).body)


def _imported(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and not _is_for_type_checkers(node.test):
            yield from _imported([*node.body, *node.orelse])
        elif isinstance(node, ast.Try | ast.With | ast.ClassDef):
            yield from _imported(node.body)


def _is_for_type_checkers(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _with_packages(name: str) -> list[str]:
    words = name.split(".")
    return [".".join(words[: count + 1]) for count in range(len(words))]


def _file_of(name: str) -> Path | None:
    """None for what is none of clipkit's modules."""
    head, *rest = name.split(".")
    if head != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*rest)
    package = path / "__init__.py"
    if package.is_file():
        return package
    module = path.with_suffix(".py") if rest else package
    return module if module.is_file() else None
