"""Run tasks through the engine, inside a ceiling, watched from outside."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clipkit.ceiling.base import Ceiling
from clipkit.ceiling.standing import limits_here
from clipkit.engine.orders import Orders
from clipkit.errors import CeilingError
from clipkit.hosts import Host
from clipkit.plan.task import Task
from clipkit.settings import UsedSettings
from clipkit.trial.blame import Blame, with_kills_around
from clipkit.trial.inside import (
    Ready,
    engine_ready,
    killed_by,
    log_folder,
    read_logs,
    reserved,
    work_folder,
)
from clipkit.trial.measure import Execution, Seen, gather_execution, with_all_clips
from clipkit.trial.sampler import Kept, Sampler
from clipkit.trial.talk import EngineTalk, Told, Watch


@dataclass(frozen=True, slots=True)
class Run:
    """How to run tasks: the engine's orders, and the memory to reserve beside it. `nice`, `cpu_scheduling`,
    `ionice` and `cpus`: see `engine.manners`; `samples`: see `Sampler.keeping`; `keeps_logs`: reads what ffmpegs and the engine said, up to
    a MiB each."""

    out_dir: Path
    concurrency: int
    timeout_s: float
    stop_on_failure: bool
    reserve_bytes: int = 0
    memory_budget_bytes: int | None = None
    nice: int = 0
    cpu_scheduling: str = "same"
    ionice: str = "same"
    cpus: float | None = None
    samples: Kept | None = None
    keeps_logs: bool = True


def cpus_for(host: Host, settings: UsedSettings) -> float:
    """What all clips together may take of the CPU that there is here: the host's, or less."""
    known = (host.cpus, limits_here().cpus, float(len(os.sched_getaffinity(0))))
    return min(each for each in known if each) * (settings.cpu_percent or 100) / 100


def with_manners(run: Run, settings: UsedSettings, host: Host) -> Run:
    """With what clips leave to others on the host, by the settings as its subject follows them."""
    takes_all = settings.cpu_percent in (None, 100)
    return replace(
        run,
        nice=settings.nice or 0,
        cpu_scheduling=settings.cpu_scheduling or "same",
        ionice=settings.ionice or "same",
        cpus=None if takes_all else cpus_for(host, settings),
    )


def execute(  # noqa: PLR0913, PLR0917 (all that a run is, and who hears of it)
    tasks: Sequence[Task],
    run: Run,
    ceiling: Ceiling,
    watch: Watch,
    ready: Ready | None = None,
    on_end: Callable[[], None] = lambda: None,
) -> Execution:
    """Run every task inside `ceiling`; finished clips appear in `run.out_dir`, nothing else does.

    `watch` is called with each of the engine's events. An interrupt (Ctrl-C) cancels cleanly and
    is told by `cancelled`. Whatever happens, no process is left inside the ceiling. `ready`: an engine that
    was started in it before; without one it is started now, behind the reserve. `on_end` is called when the engine
    has told all, before it is cleared away.

    Raises CeilingError where the engine itself does not fit, OutputError for an unusable folder.
    """
    with work_folder(run.out_dir) as work_dir:
        talk = EngineTalk(tasks, _orders(run, work_dir))
        try:
            with reserved(ceiling, run.reserve_bytes) as reserve:
                with contextlib.ExitStack() as stack:
                    sampler = stack.enter_context(
                        Sampler(
                            ceiling, reserve.size_bytes, reserve.pids, paced=run.cpus is not None
                        ).keeping(run.samples)
                    )
                    engine = ready or stack.enter_context(engine_ready(ceiling))
                    before, process = engine.before, engine.process
                    told = _conversed(talk, process, ceiling, watch)
                    on_end()
                    engine_end = None if told.done or told.silent else killed_by(process)
                    ended_s = sampler.now_s
                    # Before the engine is reaped: without a group its CPU goes with it.
                    after = ceiling.usage()
                    own_logs = engine.logs() if run.keeps_logs else {}
                reserve_end = reserve.end
        finally:
            ceiling.kill()
        logs = read_logs(work_dir) | own_logs if run.keeps_logs else {}
    after = with_kills_around(before, after, told, engine_end)
    blame = Blame(ceiling.mechanism, after.oom_kills)
    engine_end = engine_end and f"the engine was {blame.words(engine_end)}"
    seen = Seen(
        before,
        after,
        sampler.samples,
        ended_s,
        reserve.size_bytes,
        sampler.coverage,
        ceiling.mechanism,
        broken=_broken(told, engine_end, reserve_end),
        surrounding_bytes=ceiling.surrounding_bytes,
    )
    unheard = _unheard(told, run, engine_end)
    return gather_execution(with_all_clips(blame.told(told), tasks, *unheard), seen, logs)


def _conversed(
    talk: EngineTalk, process: subprocess.Popen[bytes], ceiling: Ceiling, watch: Watch
) -> Told:
    """An engine that others killed as it started has told nothing, and says nothing of its ceiling either."""
    try:
        return talk.converse(process, watch)
    except CeilingError:
        if ceiling.usage().oom_kills or killed_by(process) is None:
            raise
        return Told()


def _broken(told: Told, engine_end: str | None, reserve_end: str | None) -> str | None:
    if told.silent:
        return "the engine did not answer when the time limit had struck"
    if engine_end is None and reserve_end:
        return f"the reserve, which holds your server's memory, ended meanwhile, with {reserve_end}"
    return engine_end


def _unheard(told: Told, run: Run, engine_end: str | None) -> tuple[str, str]:
    """What became of clips of which the engine told nothing, and why."""
    if told.cancelled:
        return "cancelled", "stopped before it was finished"
    if told.silent:
        struck = f"the time limit of {run.timeout_s:g} s struck"
        return "timeout", f"{struck}, and the engine did not answer"
    if engine_end:
        return "killed", f"{engine_end}, before this clip was finished"
    return "failed", "the engine ended before this clip was finished"


def _orders(run: Run, work_dir: Path) -> Orders:
    return Orders(
        out_dir=run.out_dir,
        work_dir=work_dir,
        log_dir=log_folder(work_dir),
        concurrency=run.concurrency,
        timeout_s=run.timeout_s,
        stop_on_failure=run.stop_on_failure,
        memory_budget_bytes=run.memory_budget_bytes,
        nice=run.nice,
        cpu_scheduling=run.cpu_scheduling,
        ionice=run.ionice,
        cpus=run.cpus,
    )
