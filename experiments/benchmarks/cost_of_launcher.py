"""What the launcher in front of a service's ffmpegs costs: wall and CPU time of a start, with and without it.

    python experiments/benchmarks/cost_of_launcher.py [--starts 200]

Starts `true`, which does nothing, by itself, through the launcher alone, and through the launcher into a
part of a ceiling, in turns, so that the machine's drift falls on all alike. The difference is what a trial
of a service adds to each clip; in the end it is held against a clip's own time (a second, at the least).
Where this machine has no ceiling that can be divided, the last row is missing.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.format import MIB
from clipkit.trial.apart import told_apart
from clipkit.trial.launcher import Launcher

_PROGRAM = shutil.which("true") or "/bin/true"


def start_cost_s(argv: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of one start, to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began_s = time.perf_counter()
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    wall_s = time.perf_counter() - began_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=200)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        plain = Launcher(folder / "plain", _PROGRAM)
        plain.write()
        ceiling = stack.enter_context(open_ceiling(Limits(256 * MIB, None)))
        apart = told_apart(ceiling, folder / "apart", _PROGRAM)
        ways = {"by itself": [_PROGRAM], "launcher": [str(plain.path)]}
        if apart.by == "kernel":
            ways["launcher, into a part"] = [str(apart.launcher.path)]
        seen: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for _ in range(asked.starts):
            for way, argv in ways.items():
                seen[way].append(start_cost_s(argv))
    bare_wall_s, bare_cpu_s = (median(values) for values in zip(*seen["by itself"], strict=True))
    print(f"{'a start':<24}{'wall':>10}{'CPU':>10}{'more wall':>12}{'more CPU':>12}")
    for way, costs in seen.items():
        wall_s, cpu_s = (median(values) for values in zip(*costs, strict=True))
        more_wall_s, more_cpu_s = wall_s - bare_wall_s, cpu_s - bare_cpu_s
        print(
            f"{way:<24}{wall_s * 1e3:>7.2f} ms{cpu_s * 1e3:>7.2f} ms"
            f"{more_wall_s * 1e3:>9.2f} ms{more_cpu_s * 1e3:>9.2f} ms"
        )


if __name__ == "__main__":
    main()
