"""A clip whose process alone dies for want of memory is made with less; the others go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from running import until
from talk import chain, engine

from clipkit.ceiling.base import Ceiling
from clipkit.format import MIB
from clipkit.plan.task import OUTPUT, Attempt, Run, Task

_HUNGRY = Run(("tail", "/dev/zero"))
"""It keeps what may be the last line."""


def on_rungs(number: int, *steps: Run) -> Task:
    attempts = tuple(
        Attempt((step,), change=f"rung {rung}" if rung else None, rung=rung)
        for rung, step in enumerate(steps)
    )
    return replace(chain(number), attempts=attempts)


def copy(film: Path) -> Run:
    return Run(("cp", str(film), OUTPUT))


def cpu_s(pid: int) -> float:
    return time.clock_gettime(~pid << 3 | 2)


class TestKilledByTheKernel:
    def test_it_is_made_a_rung_lower_and_says_so_and_the_others_go_on(
        self, tmp_path: Path, small: Path, real_ceiling: Callable[..., Ceiling]
    ) -> None:
        ceiling = real_ceiling(memory_bytes=96 * MIB)
        tasks = [
            on_rungs(1, _HUNGRY, _HUNGRY, copy(small)),
            chain(2, (Run(("sleep", "1")), copy(small))),
        ]
        with engine(tmp_path, ceiling) as running:
            first, second = running.run(tasks, concurrency=2)
        assert ceiling.usage().oom_kills == 2
        assert (first["status"], second["status"]) == ("ok", "ok")
        assert first["change"] == "rung 2: killed, or out of memory (signal 9 (SIGKILL))"
        assert second["change"] is None
        assert first["argv"][:1] == ["cp"]

    def test_on_the_lowest_rung_it_is_killed(
        self, tmp_path: Path, real_ceiling: Callable[..., Ceiling]
    ) -> None:
        with engine(tmp_path, real_ceiling(memory_bytes=64 * MIB)) as running:
            (clip,) = running.run([on_rungs(1, _HUNGRY)])
        assert (clip["status"], clip["error"]) == ("killed", "signal 9 (SIGKILL)")


@pytest.mark.parametrize(
    "says", ["x264 [error]: malloc of size 1234 failed", "Error: Cannot allocate memory"]
)
def test_what_is_refused_memory_and_says_so_is_made_with_less(
    tmp_path: Path, small: Path, says: str
) -> None:
    refused = Run(("sh", "-c", f"echo '{says}' >&2; exit 1"))
    with engine(tmp_path) as running:
        (clip,) = running.run([on_rungs(1, refused, copy(small))])
    assert clip["status"] == "ok"
    assert clip["change"] == "rung 1: killed, or out of memory (exit code 1)"


def test_a_clip_that_failed_otherwise_stays_on_its_rung(tmp_path: Path, small: Path) -> None:
    with engine(tmp_path) as running:
        (clip,) = running.run([on_rungs(1, Run(("false",)), copy(small))])
    assert (clip["status"], clip["error"]) == ("failed", "ffmpeg ended with exit code 1")


def test_who_waits_for_room_takes_no_cpu_meanwhile(tmp_path: Path, small: Path) -> None:
    log = tmp_path / "order"
    dear = Run(("sh", "-c", f"echo + >> {log}; sleep 3; cp {small} {OUTPUT}"))
    tasks = [
        replace(
            chain(number),
            attempts=(Attempt((Run(("false",)),)), Attempt((dear,), needs_bytes=60 * MIB)),
            predicted_bytes=10 * MIB,
        )
        for number in (1, 2)
    ]
    with engine(tmp_path) as running:
        running.order(concurrency=2, memory_budget_bytes=100 * MIB)
        running.tell(*({"op": "task", **each.to_json()} for each in tasks), {"op": "end"})
        until(log.exists)
        before_s = cpu_s(running.process.pid)
        time.sleep(2.5)
        assert log.read_text() == "+\n"
        assert cpu_s(running.process.pid) - before_s < 0.5
        assert [clip["status"] for clip in running.clips()] == ["ok", "ok"]


def test_an_attempt_that_needs_more_than_was_admitted_waits_until_it_fits(
    tmp_path: Path, small: Path
) -> None:
    """Of two that fail as they were admitted the second begins anew when the first has ended."""
    log = tmp_path / "order"
    dear = [
        Run(("sh", "-c", f"echo +{n} >> {log}; sleep 0.5; echo -{n} >> {log}; cp {small} {OUTPUT}"))
        for n in (1, 2)
    ]
    cheap = Run(("sh", "-c", "sleep 0.2; exit 1"))
    tasks = [
        replace(
            chain(number),
            attempts=(Attempt((cheap,)), Attempt((step,), needs_bytes=60 * MIB)),
            predicted_bytes=10 * MIB,
        )
        for number, step in enumerate(dear, 1)
    ]
    with engine(tmp_path) as running:
        clips = running.run(tasks, concurrency=2, memory_budget_bytes=100 * MIB)
    assert [clip["status"] for clip in clips] == ["ok", "ok"]
    (first, its_end, second, _) = log.read_text().split()
    assert (first[1], its_end[0], second[0]) == (its_end[1], "-", "+")
