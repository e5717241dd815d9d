"""What `real_host` makes of what a pack says, and that nothing of its container or of its tuning stays."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import requirements
from bare_container import Container, Inside, NoContainerError, start_bare
from measured_there import Home, Ran, ratio

from clipkit.ceiling.base import Ceiling
from clipkit.ceiling.hierarchies import hierarchies
from clipkit.format import MIB

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = REPOSITORY / "experiments" / "benchmarks" / "real_host"
MEASURED = "promised 2.00 times; here 10 s instead of 20 s ({}): it holds"
TOO_FEW = "promised 2.00 times; here only 1 pair can be compared: not decided"
FAILED = (
    "promised 2.00 times; here the recommended command ran out of memory in 3 of 5 blocks, and "
    "today's in none: it does not hold"
)


def test_what_the_readme_says_is_what_is_stored() -> None:
    stored = json.loads((REPOSITORY / "results" / "real-host.json").read_text("utf-8"))
    lines = runpy.run_path(str(SCRIPTS / "__main__.py"))["page_lines"](stored)
    table = "\n".join(line for line in lines if line.startswith("|"))
    text = (REPOSITORY / "experiments" / "README.md").read_text("utf-8")
    assert f"\n\n{table}\n\n" in text
    not_shown = [part for part, told in stored["parts"].items() if not told["shown"]]
    assert all(f"`{part}` is not shown" in text for part in not_shown)


@pytest.mark.parametrize(
    ("verdict", "low", "short", "shown"),
    [
        (MEASURED.format("1.90 to 2.10"), 1.9, False, True),
        (MEASURED.format("2.20 to 2.40"), 1.9, False, False),
        (MEASURED.format("1.50 to 2.60"), 1.9, False, False),
        (MEASURED.format("1.50 to 2.60"), 1.9, True, True),
        (MEASURED.format("2.20 to 2.90"), 1.9, True, False),
        (MEASURED.format("1.90 to 2.10"), None, False, None),
        (TOO_FEW, 1.9, False, None),
        (FAILED, 1.9, False, False),
    ],
)
def test_a_ratio_is_shown_by_two_intervals_alone_and_is_narrow_but_in_a_short_run(
    tmp_path: Path, verdict: str, low: float | None, short: bool, shown: bool | None
) -> None:
    promise = {"ratio": 2.0, "low": low, "high": low and 2.1}
    with zipfile.ZipFile(tmp_path / "tuned.pyz", "w") as pack:
        pack.writestr("plan.json", json.dumps({"promise": promise}))
    home = Home(tmp_path, short, None, None)
    home.promised = {}
    home.there = Ran([], {}, f"PLAN  5 pairs\nVERDICT  {verdict}\n", 0)
    found = ratio(home)
    assert found["shown"] is shown
    assert found["words"].endswith(verdict)


def test_only_a_no_ends_it_with_1() -> None:
    exit_code = runpy.run_path(str(SCRIPTS / "__main__.py"))["exit_code"]
    parts = [{"ratio": {"shown": shown}, "long": {"shown": True}} for shown in (True, None, False)]
    assert [exit_code({"parts": each}) for each in parts] == [0, 0, 1]


def test_a_further_sitting_takes_the_place_of_what_it_measures_again(tmp_path: Path) -> None:
    script = runpy.run_path(str(SCRIPTS / "__main__.py"))
    old = {"shown": False, "words": "old", "tuned": "first", "load_at_start": 0.5, "cores": 2}
    new = old | {"shown": True, "words": "new", "tuned": "second"}
    file = tmp_path / "real-host.json"
    file.write_text(json.dumps({"short": False, "parts": {"ratio": old, "long": old}}))
    found = script["with_parts"](script["kept"](file, False), False, {"quarter": new, "ratio": new})
    assert [*found["parts"]] == ["ratio", "quarter", "long"]
    assert [told["words"] for told in found["parts"].values()] == ["new", "new", "old"]
    lines = script["page_lines"](found)
    assert "left out: slowed" in lines[0]
    when = "(load 0.5 on 2 cores when they began)"
    assert lines[-3::2] == [f"ratio, quarter {when}: second", f"long {when}: first"]
    with pytest.raises(SystemExit, match="holds a whole run"):
        script["kept"](file, True)


def started(ceiling: Ceiling, folder: Path, inside: Inside) -> Container:
    try:
        return start_bare(ceiling, folder, ("-c", "import time; time.sleep(60)"), inside)
    except NoContainerError as error:
        requirements.missing(error.what, str(error))


def test_killed_before_it_is_in_its_group_it_is_gone_and_so_is_its_root(
    real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    ceiling = real_ceiling(memory_bytes=256 * MIB)
    container = started(ceiling, tmp_path, Inside())
    assert container.root.exists()
    began_s = time.monotonic()
    container.kill()
    assert time.monotonic() - began_s < 10
    assert container.process.returncode == -signal.SIGKILL
    assert not ceiling.pids()
    assert not container.root.exists()


def test_of_one_whose_mounts_fail_no_root_stays(
    real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    inside = Inside(more=((tmp_path / "missing", "/x"),))
    container = started(real_ceiling(memory_bytes=256 * MIB), tmp_path, inside)
    ran = container.ended(30)
    assert ran.returncode != 0
    assert "/x" in ran.stderr
    assert not container.root.exists()


_TUNES = """
import signal, sys
from pathlib import Path
from measured_there import Home
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, interrupt)
words = ["--memory", "256M", "--cpus", 0.5, "--count", 1, "--length", 1, "--budget", 1, "--no-report"]
Home(Path.cwd(), True, None, None).clipkit("tune", sys.argv[1], *words)
"""


def groups_of_children(pid: int) -> list[Path]:
    """Others' groups come and go meanwhile, which `os.walk` passes over."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        Path(folder, name)
        for hierarchy in hierarchies()
        for folder, names, _ in os.walk(hierarchy.top)
        for name in names
        if name.startswith(tuple(f"clipkit-{child}-" for child in children))
    ]


def test_of_a_tuning_that_is_interrupted_no_group_stays(
    real_ceiling: Callable[..., Ceiling], small: Path, tmp_path: Path
) -> None:
    real_ceiling(memory_bytes=256 * MIB)
    own = os.environ | {"PYTHONPATH": f"{REPOSITORY}:{SCRIPTS}"}
    with subprocess.Popen([sys.executable, "-c", _TUNES, small], cwd=tmp_path, env=own) as ran:
        try:
            until_s = time.monotonic() + 120
            while not (groups := groups_of_children(ran.pid)) and time.monotonic() < until_s:
                time.sleep(0.05)
        finally:
            ran.terminate()
            ran.wait(60)
    assert groups
    assert not [group for group in groups if group.exists()]
