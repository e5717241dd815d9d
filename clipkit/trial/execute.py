"""Run tasks through the engine, inside a ceiling, watched from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clipkit.ceiling.base import Ceiling
from clipkit.plan.task import Task
from clipkit.trial.inside import (
    death_words,
    log_folder,
    read_logs,
    reserved,
    started,
    work_folder,
)
from clipkit.trial.measure import Execution, Seen, gather_execution, with_all_clips
from clipkit.trial.sampler import Sampler
from clipkit.trial.talk import EngineTalk, Orders, Watch


@dataclass(frozen=True, slots=True)
class Run:
    """How to run tasks: the engine's orders, and the memory to reserve beside it."""

    out_dir: Path
    concurrency: int
    timeout_s: float
    stop_on_failure: bool
    reserve_bytes: int = 0
    memory_budget_bytes: int | None = None


def execute(tasks: Sequence[Task], run: Run, ceiling: Ceiling, watch: Watch) -> Execution:
    """Run every task inside `ceiling`; finished clips appear in `run.out_dir`, nothing else does.

    `watch` is called with each of the engine's events. An interrupt (Ctrl-C) cancels cleanly and
    is told by `cancelled`. Whatever happens, no process is left inside the ceiling.

    Raises CeilingError where the engine itself does not fit, OutputError for an unusable folder.
    """
    with work_folder(run.out_dir) as work_dir:
        talk = EngineTalk(tasks, _orders(run, work_dir))
        try:
            with reserved(ceiling, run.reserve_bytes) as (reserve_pids, reserve_bytes):
                before = ceiling.usage()
                with (
                    Sampler(ceiling, reserve_bytes, reserve_pids) as sampler,
                    started(talk.argv, ceiling, work_dir) as process,
                ):
                    told = talk.converse(process, watch)
                    lost = None if told.done else death_words(process)
                    ended_s = sampler.now_s
                    # Before the engine is reaped: without a group its CPU goes with it.
                    after = ceiling.usage()
        finally:
            ceiling.kill()
        logs = read_logs(work_dir)
    seen = Seen(
        before, after, sampler.samples, ended_s, reserve_bytes, sampler.coverage, killed=lost
    )
    return gather_execution(with_all_clips(told, tasks, lost), seen, logs)


def _orders(run: Run, work_dir: Path) -> Orders:
    return Orders(
        out_dir=run.out_dir,
        work_dir=work_dir,
        log_dir=log_folder(work_dir),
        concurrency=run.concurrency,
        timeout_s=run.timeout_s,
        stop_on_failure=run.stop_on_failure,
        memory_budget_bytes=run.memory_budget_bytes,
    )
