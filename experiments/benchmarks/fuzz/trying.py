"""One seed tried: its mutant cut by the command, and what came of it judged."""

from __future__ import annotations

import json
import os
import resource
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import commanded
from commanded import Ran
from mutants import Mutant, mutant
from oracle import WRONG, Asked, Oracle

LONGEST_S = 20.0
MOST_BYTES = 300 * 1024 * 1024
# What is tried is hostile to who judges it too.
_JUDGE_BYTES = 3 * 1024**3
_JUDGE_CPU_S = 40


@dataclass(frozen=True, slots=True)
class Tried:
    seed: int
    source: str
    kind: str
    build: str
    came: str
    faults: tuple[str, ...]
    wall_s: float
    cpu_s: float
    python_peak_bytes: int

    def __str__(self) -> str:
        return f"seed {self.seed} ({self.source}, {self.kind}, {self.build}): " + "; ".join(
            self.faults
        )


def try_seed(seed: int, films: dict[str, Path], folder: Path, keep: Path | None) -> Tried:
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        one = mutant(seed, films, Path(temporary))
        tried = _tried(one, Path(temporary))
        if keep and tried.faults:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copytree(temporary, keep / str(seed), dirs_exist_ok=True)
    return tried


def _tried(one: Mutant, folder: Path) -> Tried:
    listed = folder / "clips.csv"
    listed.write_text("start_s,duration_s\n" + "".join(f"{a},{b}\n" for a, b in one.clips))
    out = folder / "out"
    words = [
        "cut",
        os.fspath(one.path),
        "--out",
        os.fspath(out),
        "--clips",
        os.fspath(listed),
        "--json",
    ]
    words += ["--ffmpeg", one.build, "--crf", "12", "--preset", "ultrafast", "--timeout", "15"]
    ran = commanded.clipkit(words, folder, limit_s=3 * LONGEST_S)
    faults = [*conduct(ran), *commanded.left_in(out, ran)]
    came = "refused"
    if ran.manifest:
        came, wrong = _apart(lambda: _judged(one, ran))
        faults += wrong
    return Tried(
        *(one.seed, one.source, one.kind, one.build, came, tuple(faults)),
        *(ran.wall_s, ran.cpu_s, ran.python_peak_bytes),
    )


def conduct(ran: Ran) -> list[str]:
    """What is wrong with how the command behaved, whatever it made of the upload."""
    faults = list(ran.left)
    if ran.code is None:
        faults.append("never ended")
    elif ran.cpu_s > LONGEST_S:  # on a busy machine the work tells, not the clock
        faults.append(f"took {ran.cpu_s:.0f} CPU seconds")
    if ran.python_peak_bytes > MOST_BYTES:
        faults.append(f"a Python process took {ran.python_peak_bytes >> 20} MB")
    if "Traceback" in ran.err:
        faults.append("a traceback: " + ran.told.splitlines()[-1])
    elif ran.code not in (0, 1, None):
        faults.append(f"exit code {ran.code}: {ran.told[-200:]}")
    elif ran.code == 1 and (
        len(ran.told.splitlines()) != 1 or not ran.told.startswith("clipkit: ")
    ):
        faults.append(f"not one line: {ran.told[-200:]!r}")
    elif ran.code == 0 and ran.told:
        faults.append(f"all is right, but it said {ran.told[-200:]!r}")
    return faults


def _judged(one: Mutant, ran: Ran) -> tuple[str, list[str]]:
    """How it was judged, and each clip that claims to be right and is not."""
    oracle = Oracle(one.path, until_s=60)
    manifest = ran.manifest or {"clips": []}
    faults = []
    rules = set()
    for clip, entry in zip(one.clips, manifest["clips"], strict=True):
        if entry["status"] == "ok":
            verdict = oracle.judge(Asked.of(*clip), Path(entry["file"]), None)
            rules.add(verdict.rule)
            if verdict.outcome == WRONG:
                faults.append(f"clip {','.join(clip)} {verdict}")
    part = "some refused, " if ran.code else ""
    return f"{part}judged {' and '.join(sorted(rules))}", faults


def _apart(judge: Callable[[], tuple[str, list[str]]]) -> tuple[str, list[str]]:
    """In a process of its own, within limits: a mutant may take the judge's memory too."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        try:
            resource.setrlimit(resource.RLIMIT_AS, (_JUDGE_BYTES, _JUDGE_BYTES))
            resource.setrlimit(resource.RLIMIT_CPU, (_JUDGE_CPU_S, _JUDGE_CPU_S))
            with os.fdopen(writing, "w") as pipe:
                json.dump(_told(judge), pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(pid, 0)
    if not told:
        return "not judged: more than the oracle may take", []
    came, faults = json.loads(told)
    return came, faults


def _told(judge: Callable[[], tuple[str, list[str]]]) -> tuple[str, list[str]]:
    try:
        return judge()
    except MemoryError:
        return "not judged: more than the oracle may take", []
    except Exception as error:  # noqa: BLE001 (a fault of the oracle's own must not pass for a verdict)
        return "not judged", [f"the oracle failed: {type(error).__name__}: {error}"]
