"""What the system does not start just now is started later: a clip that only waits is no failed clip."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from requirements import missing
from talk import chain, engine, task

import clipkit
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.plan.task import OUTPUT, Run, Task

MakeRoom = Callable[[int], Ceiling]
A_USER = 54_321
"""Of whom nothing else runs."""


def slow_copy(number: int, film: Path, wait_s: str = "0.7") -> Task:
    """Two processes, one after the other, neither of which starts another."""
    return chain(number, (Run(("sleep", wait_s)), Run(("cp", str(film), OUTPUT))))


class TestNoProcessToHave:
    def test_it_waits_until_another_clip_has_ended(
        self, tmp_path: Path, small: Path, room_for: MakeRoom
    ) -> None:
        ceiling = room_for(2)
        tasks = [slow_copy(n, small) for n in (1, 2, 3)]
        with engine(tmp_path, ceiling) as running:
            began_s = time.monotonic()
            clips = running.run(tasks, concurrency=3)
        assert [(clip["status"], clip["error"]) for clip in clips] == [("ok", None)] * 3
        assert time.monotonic() - began_s > 3 * 0.7  # one after the other
        assert all(clip["wall_s"] < 2.1 for clip in clips), "it counts from its start"

    def test_with_nothing_of_its_own_to_wait_for_it_tries_again(
        self, tmp_path: Path, small: Path, room_for: MakeRoom
    ) -> None:
        ceiling = room_for(2)
        with (
            subprocess.Popen(ceiling.wrap(["sleep", "2.5"])) as neighbour,
            engine(tmp_path, ceiling) as running,
        ):
            running.hear_until("ready")
            threading.Thread(target=neighbour.wait).start()  # a zombie counts as well
            (clip,) = running.run([slow_copy(1, small)])
            assert neighbour.returncode == 0
        assert (clip["status"], clip["error"]) == ("ok", None)

    def test_those_behind_it_begin_with_it(
        self, tmp_path: Path, small: Path, room_for: MakeRoom
    ) -> None:
        ceiling, log = room_for(3), tmp_path / "order"

        def noted(sign: str, words: str) -> Run:
            return Run(("sh", "-c", f"echo {sign} >> {log}; exec {words}"))

        tasks = [
            chain(n, (noted("+", "sleep 1.5"), noted("-", f"cp {small} {OUTPUT}"))) for n in (1, 2)
        ]
        with (
            subprocess.Popen(ceiling.wrap(["sleep", "2.5"])) as neighbour,
            subprocess.Popen(ceiling.wrap(["sleep", "2.5"])) as other,
            engine(tmp_path, ceiling) as running,
        ):
            running.hear_until("ready")
            for each in (neighbour, other):
                threading.Thread(target=each.wait).start()
            clips = running.run(tasks, concurrency=2)
        assert [clip["status"] for clip in clips] == ["ok", "ok"]
        assert log.read_text().split() == ["+", "+", "-", "-"]

    def test_the_time_limit_ends_the_waiting_and_says_what_for(
        self, tmp_path: Path, small: Path, room_for: MakeRoom
    ) -> None:
        ceiling = room_for(1)
        tasks = [slow_copy(n, small) for n in (1, 2)]
        with engine(tmp_path, ceiling) as running:
            first, second = running.run(tasks, concurrency=2, timeout_s=2.0)
        assert first["status"] == second["status"] == "timeout"
        assert first["wall_s"] == second["wall_s"] == 0
        assert first["error"] == (
            "the time limit of 2 s struck before it was started: no process could be started "
            "(Resource temporarily unavailable)"
        )

    def test_who_is_cancelled_meanwhile_leaves(
        self, tmp_path: Path, small: Path, room_for: MakeRoom
    ) -> None:
        with engine(tmp_path, room_for(1)) as running:
            running.order()
            running.tell({"op": "task", **slow_copy(1, small).to_json()}, {"op": "cancel"})
            running.tell({"op": "end"})
            (clip,) = running.clips()
            assert running.process.wait(timeout=10) == 0
        assert (clip["status"], clip["error"]) == ("cancelled", "not started")

    def test_a_program_that_is_not_there_is_still_a_failure(self, tmp_path: Path) -> None:
        with engine(tmp_path) as running:
            (clip,) = running.run([task(1, [str(tmp_path / "none")])])
        assert clip["status"] == "failed"
        assert "cannot be started" in clip["error"]


@pytest.fixture
def room_for() -> Iterator[Callable[[int], Ceiling]]:
    """`room_for(2)`: a ceiling inside of which so many processes may be."""
    with ExitStack() as stack:

        def make(processes: int) -> Ceiling:
            ceiling = stack.enter_context(open_ceiling(Limits(None, None, pids=processes)))
            if ceiling.enforced.pids is None:
                missing("ceiling", "nothing here counts processes")
            return ceiling

        yield make


_AS_ANOTHER = """
import os, resource, sys
from pathlib import Path
sys.path.insert(0, {packages!r})
from clipkit.confinement import Confinement
from clipkit.engine.child import NOT_NOW, Child, spawned
confinement = Confinement(()) if {confined} else None
os.setgroups([])
os.setresgid({user}, {user}, {user})
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
os.setresuid({user}, {user}, {user})
before = len(os.listdir("/proc/self/fd"))
try:
    Child(spawned(["true"], Path(os.devnull), confinement), 1 << 20)
except OSError as error:
    print(error.errno in NOT_NOW, len(os.listdir("/proc/self/fd")) - before)
"""


@pytest.mark.parametrize("confined", [False, True])
def test_a_user_who_may_start_no_more_is_refused_for_now_alone(confined: bool) -> None:
    if os.geteuid() != 0:
        missing("ceiling", "only root can take another user's place")
    packages = str(Path(clipkit.__file__).parents[1])
    program = _AS_ANOTHER.format(packages=packages, confined=confined, user=A_USER)
    argv = [sys.executable, "-S", "-I", "-c", program]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["True", "0"], ran.stderr
