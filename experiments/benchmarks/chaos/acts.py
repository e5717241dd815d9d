"""One act: what is run, what is done to whom and when, and what is found afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kinds import GRID, KINDS, Kind, Trials, lines_of, trials_of
from watched import Command, clipkit_words, send

_SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGSTOP")
_DISKS = {"disk full": "size=6M", "inodes full": "size=40M,nr_inodes=400"}
_APPEARS_S, _ENDS_S, _ORPHANS_S, _STOPPED_S, _LATER_S = 90.0, 240.0, 10.0, 1.6, 2.5
_TRIES = 3


@dataclass
class Place:
    """Where it is run. `expected`: what an undisturbed run of a kind comes to."""

    scratch: Path
    film: Path
    kinds: list[str]
    expected: dict[str, Trials] = field(default_factory=dict)

    def folder_for(self, kind: str, name: str) -> Path:
        folder = self.scratch / name
        folder.mkdir()
        if kind == "report":
            self._give_a_campaign(folder)
        return folder

    def _give_a_campaign(self, folder: Path) -> None:
        swept = self.scratch / "swept"
        if not swept.exists():
            text = GRID.format(film=self.film, run="blocks = 1")
            (self.scratch / "swept.toml").write_text(text)
            words = ("sweep", self.scratch / "swept.toml", "--results", self.scratch)
            subprocess.run(
                clipkit_words(*words, "--as", "swept", "--accept-noise"),
                check=True,
                capture_output=True,
            )
        shutil.copytree(swept, folder / "swept")


@dataclass(frozen=True)
class Done:
    """`how`: what was done, `ended`: with what the command ended then, `said`: its last line. `acted`: it was there to be done to."""

    seed: int
    kind: str
    how: str
    acted: bool
    ended: str
    said: str
    faults: tuple[str, ...]
    took_s: float

    @property
    def line(self) -> str:
        told = "; ".join(f"FAULT {fault}" for fault in self.faults) or "all well"
        if self.ended == "exit 1":
            told += f" ({self.said.removeprefix('clipkit: ')[:90]})"
        how = self.how if self.acted else f"{self.how} (came too late)"
        return f"{self.seed:5} {self.kind:10} {how:34} {self.ended:10} {self.took_s:5.1f} s  {told}"


def try_seed(seed: int, place: Place, keep: Path | None) -> Done:
    chance = random.Random(f"chaos:{seed}")
    weights = [KINDS[name].weight for name in place.kinds]
    (name,) = chance.choices(place.kinds, weights)
    kind, began_s = KINDS[name], time.monotonic()
    fills = name == "grid" and chance.random() < 0.3
    act = _fill(chance) if fills else _signal(chance, kind)
    folder = place.folder_for(name, f"seed-{seed}")
    with act.around(folder):
        command = Command(kind.prepare(folder, place.film), folder)
        command.start()
        try:
            acted = act.do(command)
            code = command.ended(_ENDS_S)
            faults = _after(command, kind, code, act)
            said = command.last_line
            act.undo(folder)
            faults += _again(folder, kind, place, name)
        finally:
            command.clean_up()
            act.undo(folder)
        if faults and keep:
            shutil.copytree(folder, keep / f"seed-{seed}", dirs_exist_ok=True, symlinks=True)
    shutil.rmtree(folder, ignore_errors=True)
    ended = "no end" if code is None else f"exit {code}" if code >= 0 else f"signal {-code}"
    took_s = time.monotonic() - began_s
    return Done(seed, name, act.words, acted, ended, said, tuple(faults), took_s)


@dataclass
class Signalled:
    number: signal.Signals
    target: str
    later_s: float

    @property
    def words(self) -> str:
        return f"{self.number.name} to {self.target}{' later' if self.later_s else ''}"

    @contextlib.contextmanager
    def around(self, _folder: Path) -> Iterator[None]:
        yield

    def do(self, command: Command) -> bool:
        if not command.await_(self.target, _APPEARS_S):
            return False
        time.sleep(self.later_s)
        pids = command.await_(self.target, _APPEARS_S)
        hit = pids if self.target == "group" else pids[:1]
        for pid in hit:
            send(pid, self.number)
        if self.number is signal.SIGSTOP:
            time.sleep(_STOPPED_S)
            for pid in hit:
                send(pid, signal.SIGCONT)
        return bool(hit)

    def undo(self, _folder: Path) -> None:
        """Nothing is left of it."""


@dataclass
class Filled:
    """The disk that the campaign is on, filled up as soon as an ffmpeg works, and emptied afterwards."""

    what: str
    later_s: float

    @property
    def words(self) -> str:
        return f"{self.what}{' later' if self.later_s else ''}"

    @contextlib.contextmanager
    def around(self, folder: Path) -> Iterator[None]:
        disk = folder / "results"
        disk.mkdir()
        argv = ["mount", "-t", "tmpfs", "-o", _DISKS[self.what], "tmpfs", str(disk)]
        subprocess.run(argv, check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)

    def do(self, command: Command) -> bool:
        if not command.await_("ffmpeg", _APPEARS_S):
            return False
        time.sleep(self.later_s)
        filler = command.folder / "results" / "filler"
        filler.mkdir()
        with contextlib.suppress(OSError):
            if self.what == "inodes full":
                for number in range(1000):
                    (filler / str(number)).touch()
            else:
                with (filler / "all").open("wb", buffering=0) as file:
                    while True:
                        file.write(bytes(4096))
        return True

    def undo(self, folder: Path) -> None:
        shutil.rmtree(folder / "results" / "filler", ignore_errors=True)


Act = Signalled | Filled


def _signal(chance: random.Random, kind: Kind) -> Act:
    later_s = chance.choice((0.0, chance.uniform(0, _LATER_S)))
    return Signalled(signal.Signals[chance.choice(_SIGNALS)], chance.choice(kind.targets), later_s)


def _fill(chance: random.Random) -> Act:
    return Filled(chance.choice(list(_DISKS)), chance.choice((0.0, chance.uniform(0, _LATER_S))))


def _after(command: Command, kind: Kind, code: int | None, act: Act) -> list[str]:
    """What is wrong right after the command's end."""
    faults = []
    if code is None:
        faults.append(f"hang: no end within {_ENDS_S:g} s")
        command.clean_up()
    said = command.said.read_text("utf-8", "replace")
    if "Traceback" in said and not kind.told_by_jupyter:
        faults.append(f"traceback: {said.strip().splitlines()[-1]}")
    left = command.orphans(_ORPHANS_S)
    if isinstance(act, Signalled) and act.target == "supervisor":
        return [*faults, *_background_ends(command)]  # what it started is to go on
    return faults + [f"orphan: {each}" for each in left]


def _background_ends(command: Command) -> list[str]:
    left = command.orphans(_ENDS_S)
    return [f"orphan: {each}" for each in left]


def _again(folder: Path, kind: Kind, place: Place, name: str) -> list[str]:
    """What is wrong once the same command has run undisturbed."""
    campaign = folder / kind.campaign if kind.campaign else None
    before = [line for line in lines_of(campaign) if _is_whole(line)] if campaign else []
    for _ in range(_TRIES):
        command = Command(kind.prepare(folder, place.film), folder)
        command.start()
        code = command.ended(_ENDS_S)
        command.clean_up()
        if code == 0:
            break
    else:
        return [f"not gone on with: exit {code}: {command.said.read_text()[-300:]}"]
    faults = [f"left: {each}" for each in [*_groups(), *_temporary(folder)]]
    if campaign is not None:
        faults += [f"left: {each}" for each in _of_no_record(campaign)]
        faults += _records(campaign, before, place.expected[kind.like or name])
    return faults


def _records(campaign: Path, before: list[str], expected: Trials) -> list[str]:
    try:
        found = trials_of(campaign)
    except ValueError as error:
        return [f"torn: {error}"]
    faults = [f"lost: {line[:80]}" for line in set(before) - set(lines_of(campaign))]
    faults += [f"doubled: {trial}" for trial, count in found.items() if count > 1]
    faults += [f"missing: {trial}" for trial in expected.keys() - found.keys()]
    return faults + [f"unlike: {trial}" for trial in found.keys() - expected.keys()]


def _of_no_record(campaign: Path) -> list[str]:
    """Samples and logs of attempts that have no record."""
    known = {json.loads(line)["run_id"] for line in lines_of(campaign)} | {"sweep"}
    beside = [*(campaign / "samples").glob("*"), *(campaign / "logs").glob("*")]
    return [str(path) for path in beside if path.name.removesuffix(path.suffix) not in known]


def _is_whole(line: str) -> bool:
    return line.startswith("{") and line.endswith("}")


def _groups() -> list[str]:
    """Of clipkits that are dead."""
    found = []
    for parent, names, _ in os.walk("/sys/fs/cgroup"):
        for name in names:
            owner = name.split("-")[1] if name.startswith("clipkit-") else ""
            if owner.isdigit() and not Path("/proc", owner).exists():
                found.append(f"{parent}/{name}")
    return found


def _temporary(folder: Path) -> list[str]:
    """Files that are only there while something runs."""
    is_ours: Callable[[str], bool] = lambda name: (  # noqa: E731
        name.startswith((".clips-", ".clipkit-")) or name.endswith(".part")
    )
    found = [str(path) for path in folder.rglob("*") if is_ours(path.name)]
    return found + [str(path) for path in (folder / "tmp").glob("*clipkit*")]
