"""What a user's `pip install` brings is what the package imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def imported() -> Iterator[str]:
    """The top of every module's name that some module of the package imports."""
    for path in (ROOT / "clipkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield str(node.module).partition(".")[0]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_that_is_imported_is_declared():
    extras = PROJECT["optional-dependencies"]
    required = [*PROJECT["dependencies"], *extras["cluster"], *extras["compare"]]
    declared = {normal(re.split(r"[<>=!~ ]", words)[0]) for words in required}
    providers = packages_distributions()
    foreign = set(imported()) - set(sys.stdlib_module_names) - {"clipkit"}
    assert {"av", "yaml", "numpy"} < foreign
    missing = {
        module
        for module in foreign
        if not declared & {normal(n) for n in providers.get(module, [module])}
    }
    assert missing == set()


def test_a_wheel_brings_every_experiment_along_and_of_the_backends_how_they_are_driven():
    """What a build leaves in `experiments/backends` would be in it too: the folder is not taken whole."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        hatch = tomllib.load(file)["tool"]["hatch"]
    included = hatch["build"]["targets"]["wheel"]["force-include"]
    experiments = {f"experiments/{path.name}" for path in (ROOT / "experiments").glob("*.toml")}
    assert "experiments/grid.toml" in experiments
    assert experiments <= set(included)
    assert not [name for name in included if Path("experiments/backends").is_relative_to(name)]
    of_backends = [name for name in included if name.startswith("experiments/backends")]
    assert of_backends == ["experiments/backends/drive.toml"]
