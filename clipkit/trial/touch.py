"""Touches memory inside the ceiling, page by page, until there is no more. Stdlib only, run as a script.

`touch.py STEP`: before each step of so many bytes it prints how much anonymous memory it holds, and waits for
a line; it ends with the last line, or when the kernel refuses or kills it.
"""

from __future__ import annotations

import contextlib
import mmap
import sys
from pathlib import Path


def _anon_bytes() -> int:
    resident, shared = Path("/proc/self/statm").read_text("ascii").split()[1:3]
    return (int(resident) - int(shared)) * mmap.PAGESIZE


def main() -> None:
    # Nobody else is to be the kernel's victim, wherever it runs out.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    step = int(sys.argv[1])
    own, held = _anon_bytes(), list[mmap.mmap]()
    while True:
        sys.stdout.write(f"{own + len(held) * step}\n")
        sys.stdout.flush()
        if not sys.stdin.readline():
            return
        held.append(mmap.mmap(-1, step, mmap.MAP_PRIVATE))
        held[-1][:: mmap.PAGESIZE] = b"\1" * (step // mmap.PAGESIZE)


if __name__ == "__main__":
    main()
