"""A seed: what is run, what is done to whom and when, up to three times, and what is found afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kinds import GRID, KINDS, Kind, Trials, lines_of, trials_of
from watched import Command, clipkit_words, send

_SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGSTOP")
_DISKS = {"disk full": "size=6M", "inodes full": "size=40M,nr_inodes=400"}
_APPEARS_S, _ENDS_S, _ORPHANS_S, _STOPPED_S, _LATER_S = 90.0, 240.0, 10.0, 1.6, 2.5
_TRIES = 3
_ACTS, _FILLED = 3, 0.3
_AT_ONCE_S = 0.5
"""What ends a command ends it by then; else the next act finds it at work."""


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
class Step:
    """`how`: what was done. `acted`: it was there to be done to. `ended`: with what the command ended then,
    or that it went on; `said`: its last line."""

    how: str
    acted: bool
    ended: str = "goes on"
    said: str = ""

    @property
    def words(self) -> str:
        why = f" ({self.said.removeprefix('clipkit: ')[:90]})" if self.ended == "exit 1" else ""
        return f"{self.how}{'' if self.acted else ', too late'}: {self.ended}{why}"


@dataclass(frozen=True)
class Done:
    seed: int
    kind: str
    steps: tuple[Step, ...]
    faults: tuple[str, ...]
    took_s: float

    @property
    def line(self) -> str:
        told = "".join(f"\n      FAULT {fault}" for fault in self.faults) or " | all well"
        steps = " | ".join(step.words for step in self.steps)
        return f"{self.seed:5} {self.kind:10} {self.took_s:5.1f} s  {steps}{told}"


def try_seed(seed: int, place: Place, keep: Path | None) -> Done:
    chance = random.Random(f"chaos:{seed}")
    weights = [KINDS[name].weight for name in place.kinds]
    (name,) = chance.choices(place.kinds, weights)
    kind, began_s = KINDS[name], time.monotonic()
    fills = name == "grid" and chance.random() < _FILLED
    one = fills or not kind.resumes
    acts = [_fill(chance)] if fills else [_signal(chance, kind) for _ in range(1 if one else _ACTS)]
    folder = place.folder_for(name, f"seed-{seed}")
    with acts[0].around(folder):
        steps, faults = _acted(acts, kind, folder, place.film)
        faults += _again(folder, kind, place, name)
        if faults and keep:
            shutil.copytree(folder, keep / f"seed-{seed}", dirs_exist_ok=True, symlinks=True)
    shutil.rmtree(folder, ignore_errors=True)
    return Done(seed, name, tuple(steps), tuple(faults), time.monotonic() - began_s)


def _acted(
    acts: Sequence[Act], kind: Kind, folder: Path, film: Path
) -> tuple[list[Step], list[str]]:
    """One after the other; where the command has ended, it is started again for the next."""
    steps: list[Step] = []
    faults: list[str] = []
    command: Command | None = None
    try:
        for number, act in enumerate(acts, start=1):
            if command is None:
                command = Command(kind.prepare(folder, film), folder)
                command.start()
            acted = act.do(command)
            if number < len(acts) and command.ended(_AT_ONCE_S) is None:
                steps.append(Step(act.words, acted))
                continue
            code = command.ended(_ENDS_S)
            faults += _after(command, kind, code, act)
            act.undo(folder)
            steps.append(Step(act.words, acted, _ended_words(code), command.last_line))
            command = None
    finally:
        if command:
            command.clean_up()
        for act in acts:
            act.undo(folder)
    return steps, faults


def _ended_words(code: int | None) -> str:
    if code is None:
        return "no end"
    return f"exit {code}" if code >= 0 else f"signal {-code}"


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
    if _is_torn(said) and not kind.told_by_jupyter:
        faults.append(f"traceback: {said.strip().splitlines()[-1]}")
    left = command.orphans(_ORPHANS_S)
    if isinstance(act, Signalled) and act.target == "supervisor":
        return [*faults, *_background_ends(command)]  # what it started is to go on
    return faults + [f"orphan: {each}" for each in left]


def _is_torn(said: str) -> bool:
    """Whether a traceback goes through a file: before Python has read the first line of clipkit's, what
    interrupts it is Python's own to tell."""
    _, _, frames = said.partition("Traceback")
    return any('File "' in line and 'File "<frozen' not in line for line in frames.splitlines())


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
