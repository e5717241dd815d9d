"""Whether intervals, choices and stopping hold what they say: coverage, false positives, power, shortfall.

    python experiments/benchmarks/statistics.py [--times N] [--before COMMIT | --no-before] [--fit]

Prints each case before (the clipkit of COMMIT, in a work tree of git's that is removed again) and after (this
one): on invented machines (`invented_machines.py`), with the real strategy of `tune`, and on the
campaigns in git with one block left out. `--times`: repetitions of the cheapest cases; tunings, which take
longest, are repeated a fiftieth as often. `--fit` prints the constants of `clipkit/records/usual_noise.py`.

The cases are in `statistics_cases.py`: this file has the name of a module of Python's own, which clipkit
imports, and every script of this folder finds this one first. Imported, it stands aside.
"""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from pathlib import Path


def stand_aside() -> None:
    """Give whoever imports `statistics` Python's own."""
    own = Path(sysconfig.get_path("stdlib")) / "statistics.py"
    spec = importlib.util.spec_from_file_location("statistics", own)
    if spec is None or spec.loader is None:
        raise ImportError(f"{own} is missing")
    module = importlib.util.module_from_spec(spec)
    sys.modules["statistics"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    here = str(Path(__file__).resolve().parent)
    # Last, so that Python's own `statistics` is found first.
    sys.path[:] = [*(path for path in sys.path if path != here), here]
    examined = importlib.util.find_spec("clipkit")
    if examined is None or examined.origin is None:
        sys.exit("no clipkit is installed here")
    tests = Path(examined.origin).resolve().parents[1] / "tests"
    sys.path += [str(tests), str(tests / "tuning")]  # its own invented uploads and records
    from statistics_cases import main

    main()
else:
    stand_aside()
