"""What runs on a machine of a cluster: the trials of one block, each held to the plan that it plays. Stdlib only.

As `main`, but that the machine is no host itself: a ceiling holds each trial, others may disturb it, and whoever
started it reads what it prints, line by line, so that nothing is kept or signed here.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from clipkit import streams
from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.ceiling.shortfall import shortfall_under
from clipkit.ceiling.stale import remove_stale
from clipkit.errors import ClipkitError, UploadError, os_error_words
from clipkit.hosts import Host
from clipkit.pack.there.asked import Asked
from clipkit.pack.there.bench import bench_for
from clipkit.pack.there.harness import (
    Bench,
    Held,
    identity_row,
    run_planned,
    warm_up_here,
)
from clipkit.pack.there.identity import identity_here, machine_here
from clipkit.pack.there.planned import Plan, read_plan
from clipkit.pack.there.samples_kept import drop_samples
from clipkit.records.status import Status
from clipkit.trial.described import described_machine
from clipkit.trial.unchanged import Footing

BLOCK = "block.json"

KERNEL = (Mechanism.CGROUP2, Mechanism.CGROUP1, Mechanism.SYSTEMD, Mechanism.AMBIENT)


@dataclass(frozen=True, slots=True)
class BlockTrial:
    """One trial of the block: which attempt it is, and the host that is played. The same place in the plan's trials."""

    run_id: str
    order: int
    attempt: int
    host: str
    memory_bytes: int | None
    cpus: float | None
    swap_bytes: int
    reserve_bytes: int
    accept_noise: bool

    @property
    def played(self) -> Host:
        return Host(self.host, self.memory_bytes, self.cpus, self.swap_bytes)


@dataclass(frozen=True, slots=True)
class BlockOrder:
    """`look`: only say what this machine is. `ceiling`: forces a mechanism; None: one of the kernel's. `ffmpeg`: as
    the experiment names it. `films`: where those lie that are too large to travel, here as at home."""

    look: bool
    ceiling: str | None
    ffmpeg: str
    films: tuple[str, ...]
    trials: tuple[BlockTrial, ...]

    @classmethod
    def read(cls, folder: Path) -> BlockOrder:
        told = json.loads((folder / BLOCK).read_bytes())
        trials = tuple(BlockTrial(**each) for each in told.pop("trials"))
        return cls(**told | {"films": tuple(told["films"])}, trials=trials)


def run_block(folder: str) -> NoReturn:
    """`folder`: of the unpacked block. Ends the process: 0 done, 1 refused or interrupted."""
    streams.take_streams()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    here = Path(folder)
    order, plan = BlockOrder.read(here), read_plan(here)
    try:
        bench = _bench(here, plan, order)
        if order.look:
            _say("ready", **_ready(bench, order))
        else:
            _run_each(bench, order)
        code = 0
    except (ClipkitError, OSError) as error:
        told = os_error_words(error) if isinstance(error, OSError) else str(error)
        if order.look:
            _say("ready", machine="", ceiling="", ffmpeg_version="", refused=told, environment={})
        streams.complain(f"clipkit: {told}")
        code = 1
    except KeyboardInterrupt:
        code = 1
    sys.exit(code)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _say(what: str, **told: Any) -> None:
    streams.say_lines([json.dumps({"clipkit": what, **told})])


def _bench(folder: Path, plan: Plan, order: BlockOrder) -> Bench:
    remove_stale()  # of blocks that were killed here: whoever started this one holds the machine's lock
    results = folder.parent / "results"
    results.mkdir(exist_ok=True)
    films = tuple(map(Path, order.films))
    large = [upload for upload in plan.uploads if not upload.packed]
    for film, upload in zip(films, large, strict=True):
        if not film.is_file():
            raise UploadError(
                f"{film.name} is too large to travel and is not at {film} there: copy it to the same path on every "
                "machine, or share its folder with them"
            )
        if film.stat().st_size != upload.size_bytes:
            raise UploadError(f"{film} is another film there: it is not as long in bytes as here")
    if order.look:
        # To read all of them takes longer than a look may: a block does, before its first trial.
        plan, films = replace(plan, uploads=()), ()
    asked = Asked(results, True, True, None, None, films, frozenset(), order.ffmpeg)
    return bench_for(plan, folder, asked, machine_here(identity_here()))


def _ready(bench: Bench, order: BlockOrder) -> dict[str, Any]:
    """Which ceiling holds each of the hosts here; and why the machine can not measure, if so."""
    refused, found = None, dict[str, tuple[str, int | None, float | None]]()
    for trial in {each.played: each for each in order.trials}.values():
        with _ceiling(trial, order) as ceiling:
            limits = ceiling.enforced
            found[trial.host] = str(ceiling.mechanism), limits.memory_bytes, limits.cpus
            refused = refused or _refusal(trial, order, ceiling)
    if bench.build.version != bench.plan.ffmpeg_version:
        refused = (
            f"its ffmpeg is {bench.build.version}, and here it is {bench.plan.ffmpeg_version}: unlike runs "
            "are not mixed"
        )
    mechanisms = ", ".join(sorted({mechanism for mechanism, *_ in found.values()}))
    build, version = bench.build, bench.plan.clipkit_version
    return {
        "machine": bench.machine,
        "ceiling": mechanisms,
        "ffmpeg_version": build.version,
        "refused": refused,
        "environment": described_machine(version, bench.machine, mechanisms, [build]),
        "held": found,
        "builds": {order.ffmpeg: bench.ffmpeg_sha256},
        "footing": astuple(Footing.now()),
    }


def _refusal(trial: BlockTrial, order: BlockOrder, ceiling: Ceiling) -> str | None:
    """Why what was measured under that ceiling would say nothing of the host."""
    limited = trial.memory_bytes is not None or trial.cpus is not None
    if order.ceiling is None and limited and ceiling.mechanism not in KERNEL:
        return (
            f"the kernel cannot hold {trial.host} there: give its workers a control group of their own, "
            "or let clipkit's watchdog hold it with --ceiling watchdog"
        )
    lack = shortfall_under(trial.played, ceiling)
    return lack.told if lack else None


@contextmanager
def _ceiling(trial: BlockTrial, order: BlockOrder) -> Iterator[Ceiling]:
    forced = Mechanism(order.ceiling) if order.ceiling else None
    ceiling = open_ceiling(Limits.of(trial.played), forced)
    try:
        yield ceiling
    finally:
        ceiling.close()


def _run_each(bench: Bench, order: BlockOrder) -> None:
    seen = set[str]()
    for planned, trial in zip(bench.plan.trials, order.trials, strict=True):
        if planned.cell.ours and planned.cell.upload not in seen:
            warm_up_here(bench, planned.cell)
            seen.add(planned.cell.upload)
        base = identity_row(bench, planned, trial.run_id, trial.attempt) | {"order": trial.order}
        _say("began", run_id=trial.run_id)
        with _ceiling(trial, order) as ceiling:
            held = Held(ceiling, trial.played, trial.reserve_bytes, trial.accept_noise)
            ended = run_planned(bench, planned, base, bench.work(planned.cell), held)
        drop_samples(bench.results, trial.run_id)
        if ended.status is not Status.CANCELLED:
            _say("ended", run_id=trial.run_id, stop=ended.stop, **ended.document)
        if ended.interrupted:
            raise KeyboardInterrupt
