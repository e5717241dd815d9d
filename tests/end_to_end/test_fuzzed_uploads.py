"""A hundred mutated uploads: each is cut right or refused in one line, and nothing is left of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).parents[2] / "experiments" / "benchmarks" / "fuzz"


def test_of_a_hundred_mutants_none_is_at_fault() -> None:
    argv = [sys.executable, str(FUZZ), "--from", "0", "--count", "100"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=500)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "100 mutants in " in ran.stdout
    assert "0 with a fault" in ran.stdout
