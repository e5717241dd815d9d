"""Where the time of one `clipkit cut` goes, from the command typed to its end.

    python experiments/benchmarks/where_time_goes.py [FILM] [--runs 10] [-- --mode snap --count 12 --length 12]

What stands behind `--` goes to `clipkit cut`; without it, one clip of 12 s by mode `encode` on `render-pro`. Nothing of
clipkit is changed: its process is asked for what Python tells an audit hook (PEP 578), such as each process that it
starts, and the engine's own figures are those of the manifest. Prints for each part the shortest and the middle of
the runs, and the CPU seconds of everything. Parts that lie beside others are not in their sum.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit.media.sample import find_sample

_USUAL = ("--count", "1", "--length", "12", "--host", "render-pro")

# In the process of `clipkit cut` itself: (event, its first word, when) go to a file as it ends.
_WATCHED = """
import atexit, json, sys, time
seen = [("python", "", time.monotonic())]
wanted = {"subprocess.Popen", "os.rmdir", "tempfile.mkdtemp", "os.killpg"}
def note(event, words):
    if event in wanted:
        seen.append((event, repr(words[1] if event == "subprocess.Popen" else words[0]), time.monotonic()))
sys.addaudithook(note)
target = sys.argv.pop(1)
atexit.register(lambda: open(target, "w").write(json.dumps(seen)))
from clipkit.cli import main
main()
"""

Event = tuple[str, str, float]


@dataclass(frozen=True)
class Ran:
    """`marks`: what came about when, in seconds since the command was typed."""

    marks: Sequence[Event]
    took_s: float
    cpu_s: float
    manifest: Mapping[str, Any]

    def parts(self) -> dict[str, float]:
        """In seconds; raises StopIteration where the command did not get so far."""
        describing_s = self._at("subprocess.Popen", "clipkit.media.describe")
        engine_s = self._at("subprocess.Popen", "clipkit.engine")
        folder_s = self._at("tempfile.mkdtemp", "")
        killed_s = [at for event, _, at in self.marks if event == "os.killpg"][-1]
        described_s = max(
            (at for event, _, at in self.marks if event == "os.rmdir" and at < folder_s),
            default=folder_s,  # by a ceiling without groups
        )
        wall_s = self.manifest["wall_s"]
        return {
            "Python": self._at("python", ""),
            "start-up: words, modules, ceiling of the probe": describing_s - self._at("python", ""),
            "probe": described_s - describing_s,
            "beside it: until the engine is started": engine_s - describing_s,
            "plan, and the work folder": folder_s - described_s,
            "engine: its first task to its last clip (wall_s)": wall_s,
            "talk with the engine": killed_s - folder_s - wall_s,
            "end: manifest, ceilings, Python": self.took_s - killed_s,
            "all": self.took_s,
            "CPU of everything": self.cpu_s,
            "CPU of the clips' own processes": sum(
                clip["cpu_s"] for clip in self.manifest["clips"]
            ),
            "CPU of the engine itself": self.manifest["orchestrator_cpu_s"],
        }

    def _at(self, event: str, word: str) -> float:
        return next(at for name, told, at in self.marks if name == event and word in told)


def cut(film: Path, words: Sequence[str]) -> Ran:
    """Raises CalledProcessError where clipkit fails."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        marks, out = Path(folder, "marks.json"), Path(folder, "clips")
        argv = [
            sys.executable,
            "-P",
            "-c",
            _WATCHED,
            str(marks),
            "cut",
            str(film),
            "--out",
            str(out),
        ]
        before, typed_s = os.times(), time.monotonic()
        subprocess.run([*argv, *words], stdout=subprocess.DEVNULL, check=True)
        took_s, after = time.monotonic() - typed_s, os.times()
        told = [(event, word, at - typed_s) for event, word, at in json.loads(marks.read_text())]
        cpu_s = sum(after[2:4]) - sum(before[2:4])  # of all that was waited for, by whomever
        manifest = json.loads((out / "manifest.json").read_text())
    return Ran(told, took_s, cpu_s, manifest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("film", nargs="?", default="sample")
    parser.add_argument("--runs", type=int, default=10)
    own, words = _split(sys.argv[1:])
    asked = parser.parse_args(own)
    film = find_sample(asked.film, Path.cwd())
    cut(film, words or _USUAL)  # the film, and the programmes, are in the page cache then
    rows = [cut(film, words or _USUAL).parts() for _ in range(asked.runs)]
    print(f"{asked.runs} runs of: clipkit cut {film.name} {' '.join(words or _USUAL)}")
    print(f"{'seconds':<50}{'least':>8}{'middle':>8}")
    for name in rows[0]:
        values = sorted(row[name] for row in rows)
        print(f"{name:<50}{values[0]:8.3f}{values[len(values) // 2]:8.3f}")


def _split(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


if __name__ == "__main__":
    main()
