"""What each part of `real_host` does in the container, and what it makes of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from bare_container import Container, Inside, start_bare

from clipkit import ffmpeg_builds
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.format import MIB
from clipkit.settings import Settings

MOST_HARNESS_BYTES = 25 * MIB
WIDEST = 0.30
"""Of a ratio's interval, as a share of the ratio; what `--short` measures may be wider."""

_HOST, _MEMORY_BYTES, _CPUS = "render-starter", 512 * MIB, 0.5
_LONG_S, _SHORT_LONG_S = 600.0, 30.0
_LOOK_S = 0.2
_NOT_HELD = "it does not hold"
_PATIENCE_S = 3600.0
_REAL = "/usr/lib/ffmpeg-itself"
_SLOWING = """#!/usr/bin/python3 -IS
import os, sys, time
words = sys.argv[1:]
pid = os.fork()
if not pid:
    os.execv({real!r}, [{real!r}, *words])
_, status, used = os.wait4(pid, 0)
more_s = {besides_s}
if any(word in {marks!r} for word in words):
    more_s += {share} * (used.ru_utime + used.ru_stime + more_s)
end_s = time.process_time() + more_s
while time.process_time() < end_s:
    pass
os._exit(os.waitstatus_to_exitcode(status) % 256)
"""
_SLOWER_BY = 3.0
"""Times its own CPU that the recommendation takes besides."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a pack left there: the ends of its trials, what it printed, what its harness held at most from outside."""

    ends: list[dict[str, Any]]
    found: dict[str, Any]
    printed: str
    harness_bytes: int

    @property
    def verdict(self) -> str:
        return next(line for line in self.printed.splitlines() if line.startswith("VERDICT"))[9:]

    def wall_s(self, cells: Sequence[str]) -> float:
        """The mean of one side's."""
        return fmean(end["wall_s"] for end in self.ends if end["cell"] in cells)


class Home:
    """Makes packs and has them run in a container."""

    def __init__(
        self, folder: Path, short: bool, tuned: Path | None, seconds: float | None
    ) -> None:
        self.folder, self.short, self._tuned = folder, short, tuned
        self.long_s = seconds or (_SHORT_LONG_S if short else _LONG_S)

    def clipkit(self, *words: object) -> dict[str, Any]:
        own = os.environ | {"CLIPKIT_DATA": str(self.folder / "data")}
        argv = [sys.executable, "-m", "clipkit", *map(str, words), "--json"]
        # A session of its own: of Ctrl-C too it hears once, from here. Killed, it would leave its control groups.
        with subprocess.Popen(
            argv, cwd=self.folder, env=own, stdout=subprocess.PIPE, start_new_session=True
        ) as process:
            try:
                printed, _ = process.communicate()
            except BaseException:
                process.send_signal(signal.SIGTERM)
                process.communicate()
                raise
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, argv)
        found: dict[str, Any] = json.loads(printed)
        return found

    @cached_property
    def promised(self) -> dict[str, Any]:
        """`tune`'s answer, and its pack."""
        words: list[object] = ["--host", _HOST, "--no-report", "--pack", "-o", "tuned.pyz"]
        if self._tuned:
            words += ["--results", self._tuned.absolute().parent, "--as", self._tuned.name]
        if self.short:
            words += ["--budget", 1, "--count", 4, "--length", 4]
        return self.clipkit("tune", *words)

    def about(self, parts: list[str]) -> dict[str, Any]:
        told = "No tuning was asked for." if parts == ["long"] else self.promised["verdict"]
        return {"cores": os.cpu_count(), "tuned": str(told).splitlines()[0]}

    def run(self, name: str, pack: str, cpus: float = _CPUS, inside: Inside | None = None) -> Ran:
        build = ffmpeg_builds.find_build(Settings().ffmpeg)  # as at home
        inside = inside or Inside(ffmpeg=Path(build.path))
        words = [self.folder / pack, "--yes", "--results", name]
        with open_ceiling(Limits(_MEMORY_BYTES, cpus)) as ceiling:
            container = start_bare(ceiling, self.folder, words, inside)
            with watched(container) as peak:
                ran = container.ended(_PATIENCE_S)
        if ran.returncode:
            raise SystemExit(f"{pack} ended with {ran.returncode}: {ran.stderr}{ran.stdout}")
        journal = (self.folder / name / "journal.jsonl").read_text().splitlines()
        told = [json.loads(line) for line in journal]
        ends = [each["record"] for each in told if each["kind"] == "ended"]
        return Ran(ends, told[0]["found"], ran.stdout, peak[0])

    def packed(self, name: str) -> Any:
        """A document of the pack of pairs."""
        _ = self.promised
        with zipfile.ZipFile(self.folder / "tuned.pyz") as pack:
            return json.loads(pack.read(name))

    def works(self, side: str) -> list[dict[str, Any]]:
        """With what the cells of a side are cut; `side`: rival (today's) or own (recommended)."""
        numbers = self.packed("plan.json")["promise"][side]
        return [self.packed(f"cells/{number}.json") for number in numbers]

    @cached_property
    def there(self) -> Ran:
        """Its five pairs at half a core."""
        _ = self.promised
        return self.run("half", "tuned.pyz")


@contextmanager
def watched(container: Container) -> Iterator[list[int]]:
    """The most anonymous memory that its harness was seen to hold, by /proc from outside."""
    peak, over = [0], threading.Event()
    watch = threading.Thread(target=_watch, args=(container, peak, over))
    watch.start()
    try:
        yield peak
    finally:
        over.set()
        watch.join()


def _watch(container: Container, peak: list[int], over: threading.Event) -> None:
    harness: int | None = None
    while not over.wait(_LOOK_S):
        harness = harness or next(filter(_is_harness, container.ceiling.pids()), None)
        if harness is not None:
            peak[0] = max(peak[0], anon_bytes(harness))


def _is_harness(pid: int) -> bool:
    """What a pack becomes when it has unpacked itself."""
    try:
        return b"clipkit.pack.there.main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def anon_bytes(pid: int) -> int:
    """0 of a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def ratio(home: Home) -> dict[str, Any]:
    """Where one of the two has no interval only a failure of the recommendation there decides."""
    promise, verdict = home.packed("plan.json")["promise"], home.there.verdict
    low, high = promise["low"], promise["high"]
    there = _interval(verdict)
    if there is None or low is None or high is None:
        shown = False if verdict.endswith(_NOT_HELD) else None
        return {"shown": shown, "home": [low, high], "there": there, "words": verdict}
    widths = [(high - low) / promise["ratio"], (there[1] - there[0]) / (there[0] * there[1]) ** 0.5]
    narrow = home.short or max(widths) <= WIDEST
    shown = low <= there[1] and there[0] <= high and narrow
    words = f"at home {low:.2f} to {high:.2f} ({widths[0]:.0%} wide), there {widths[1]:.0%} wide: {verdict}"
    return {"shown": shown, "home": [low, high], "there": there, "words": words}


def _interval(verdict: str) -> tuple[float, float] | None:
    """None: too few pairs could be compared, or one side failed."""
    found = re.search(r"\(([\d.]+) to ([\d.]+)\)", verdict)
    return None if found is None else (float(found[1]), float(found[2]))


def quarter(home: Home) -> dict[str, Any]:
    half, less = home.there, home.run("quarter", "tuned.pyz", _CPUS / 2)
    sides = [[work["row"]["cell"] for work in home.works(side)] for side in ("rival", "own")]
    times = [less.wall_s(cells) / half.wall_s(cells) for cells in sides]
    found = less.found["cpus"]["value"]
    shown = found == _CPUS / 2 and all(1.8 <= each <= 2.2 for each in times)
    words = (
        f"found {found:g} CPU; the two sides take {times[0]:.2f} and {times[1]:.2f} times as long"
    )
    return {"shown": shown, "cpus": found, "times": times, "words": words}


def slowed(home: Home) -> dict[str, Any]:
    marks = marks_of(home.works("rival"), home.works("own"))
    ran = home.run("slowed", "tuned.pyz", inside=slowing(home.folder, marks))
    shown = None if _interval(ran.verdict) is None else ran.verdict.endswith(_NOT_HELD)
    return {"shown": shown, "words": ran.verdict}


def marks_of(today: Sequence[dict[str, Any]], own: Sequence[dict[str, Any]]) -> list[str]:
    """Options that the recommendation's command lines have and today's have not; of both a pack's cells."""
    return sorted({*_options(own)} - {*_options(today)})


def _options(works: Sequence[dict[str, Any]]) -> Iterator[str]:
    for task in (task for work in works for task in work["tasks"]):
        for step in (step for attempt in task["attempts"] for step in attempt["steps"]):
            yield from (word for word in step.get("run", ()) if word.startswith("-"))


def slowing(
    folder: Path, marks: list[str], slower_by: float = _SLOWER_BY, besides_s: float = 0.0
) -> Inside:
    """An ffmpeg that is as it was but for command lines with one of these words: these take `slower_by` times their
    CPU besides. `besides_s`: of CPU that any command line takes more, as if a clip were longer: the rate at which a
    run of a tenth of a second is given the CPU says nothing."""
    build = Path(ffmpeg_builds.find_build(Settings().ffmpeg).path)
    wrapper = folder / "slowing-ffmpeg"
    told = {"real": _REAL, "marks": marks, "share": slower_by, "besides_s": besides_s}
    wrapper.write_text(_SLOWING.format(**told))
    wrapper.chmod(0o755)
    return Inside(ffmpeg=wrapper, more=((build, _REAL),))


def long(home: Home) -> dict[str, Any]:
    """One clip, read at the pace at which it is shown: as long as it lasts."""
    command = "ffmpeg -re -ss {start} -t {duration} -i {input} -c copy {output}"
    (home.folder / "long.toml").write_text(
        f"name = 'long'\n[job]\nuploads = 'sample'\nclips = 1\nlength_s = {home.long_s * 0.95:.0f}\n"
        f"[host]\nname = '{_HOST}'\n[subject]\nname = 'command'\ncommand = '{command}'\n[run]\nblocks = 1\ntimeout_s = 1200\n"
    )
    home.clipkit("pack", "long.toml", "--host", _HOST, "-o", "long.pyz")
    began_s = time.monotonic()
    ran = home.run("long", "long.pyz")
    (end,) = ran.ends
    own = end["harness_peak_anon_bytes"]
    words = (
        f"{end['wall_s']:.0f} s: {ran.harness_bytes / 1e6:.1f} MB from outside, {own / 1e6:.1f} MB by itself; "
        f"{time.monotonic() - began_s:.0f} s in all"
    )
    shown = 0 < ran.harness_bytes <= MOST_HARNESS_BYTES
    return {"shown": shown, "outside_bytes": ran.harness_bytes, "own_bytes": own, "words": words}


PARTS: dict[str, Callable[[Home], dict[str, Any]]] = {
    "ratio": ratio,
    "quarter": quarter,
    "slowed": slowed,
    "long": long,
}
