"""Processes that read hostile bytes: what they take has an end, and none of them is left."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from clipkit.format import MIB
from clipkit.trial.bounded import MEMORY, TIME, WORDS, Bounds, Ended, Order, run_bounded

ROOMY = Bounds(128 * MIB, 30.0)
MECHANISMS = ["", "watchdog", "none"]
"""The best that there is here, and what is left where the kernel helps little or not at all."""


def python(script: str, *words: str, answer_bytes: int = 1 << 20) -> Order:
    return Order([sys.executable, "-I", "-S", "-c", script, *words], answer_bytes)


def ended(order: Order, bounds: Bounds = ROOMY) -> Ended:
    (only,) = run_bounded([order], bounds)
    return only


@pytest.fixture(params=MECHANISMS)
def mechanism(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CLIPKIT_CEILING", request.param)
    return str(request.param)


def test_what_each_says_is_heard_apart(mechanism: str) -> None:
    script = "import sys; print(sys.argv[1]); print('why', file=sys.stderr); sys.exit(3)"
    first, second = run_bounded([python(script, "a"), python(script, "b")], ROOMY)
    assert (first.answer, second.answer) == (b"a\n", b"b\n")
    assert (first.said, first.code, first.too_much) == (b"why\n", 3, None)


def test_too_much_memory_ends_it(mechanism: str) -> None:
    """Where resource limits alone hold it, it is told so itself."""
    script = "held = [bytearray(b'x') * (1 << 20) for _ in range(1000)]; print('all of it')"
    found = ended(python(script))
    assert b"all of it" not in found.answer
    assert found.too_much == MEMORY or b"MemoryError" in found.said


def test_one_huge_allocation_never_comes_about(mechanism: str) -> None:
    found = ended(python("held = b'x' * (4 << 30); print('all of it')"))
    assert b"all of it" not in found.answer
    assert found.too_much == MEMORY or b"MemoryError" in found.said


def test_it_ends_in_time_also_asleep_or_with_its_pipes_closed(mechanism: str) -> None:
    for script in (
        "while True: pass",
        "import time; time.sleep(60)",
        "import os, time; os.close(1); os.close(2); time.sleep(60)",
    ):
        began_s = time.monotonic()
        assert ended(python(script), Bounds(128 * MIB, 1.0)).too_much == TIME
        assert time.monotonic() - began_s < 10


def test_its_words_have_an_end() -> None:
    forever = "import sys\nwhile True: sys.{}.write('x' * 65536)"
    for stream in ("stdout", "stderr"):
        found = ended(python(forever.format(stream), answer_bytes=100_000))
        assert found.too_much == WORDS
        assert len(found.answer) + len(found.said) < 2 * MIB


def test_a_crash_is_told_by_its_signal() -> None:
    found = ended(python("import os; os.kill(os.getpid(), 11)"))
    assert (found.signal, found.too_much) == (signal.SIGSEGV, None)


def test_no_child_of_it_is_left(mechanism: str, tmp_path: Path) -> None:
    script = (
        "import os, subprocess, sys\n"
        "child = subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(child.pid)"
    )
    pid = int(ended(python(script)).answer)
    deadline_s = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").exists() and time.monotonic() < deadline_s:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{pid}").exists()


def test_an_interrupt_leaves_none() -> None:
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    began_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ended(python("import time; time.sleep(60)"))
    assert time.monotonic() - began_s < 20
