"""What travels in a pack runs where there is Python and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from clipkit.pack.travelling import imported_at_once, travelling_modules

_IMPORT_ALL = """
import importlib, sys
sys.path.insert(0, {folder!r})
for name in {names!r}:
    importlib.import_module(name)
known = sys.stdlib_module_names | {{"clipkit", "__main__"}}
print(sorted(name for name in sys.modules if name.split(".")[0] not in known))
"""


def test_it_imports_the_standard_library_and_what_travels_with_it() -> None:
    places = travelling_modules()
    for path in places.values():
        foreign = {name.split(".")[0] for name in imported_at_once(path)}
        assert foreign <= sys.stdlib_module_names | {"clipkit"}, path


def test_it_is_whole_without_any_package_and_without_the_rest_of_clipkit(tmp_path: Path) -> None:
    places = travelling_modules()
    for place, path in places.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / place)
    modules = [place.removesuffix(".py").replace("/", ".") for place in places]
    names = [name.removesuffix(".__init__") for name in modules if not name.endswith("__main__")]
    code = _IMPORT_ALL.format(folder=str(tmp_path), names=names)
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "[]"), ran.stderr


def test_neither_what_plans_nor_what_reports_travels() -> None:
    stations = {place.split("/")[1].removesuffix(".py") for place in travelling_modules()}
    assert not stations & {"campaign", "tuning", "analysis", "report", "commands", "api", "model"}
