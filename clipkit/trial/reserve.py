"""Occupies memory inside the ceiling, as the user's own web server would. Stdlib only, run as a script.

`reserve.py BYTES` touches pages until its own anonymous memory is BYTES, prints what it really
holds, and sleeps until stdin closes.
"""

from __future__ import annotations

import contextlib
import mmap
import sys
from pathlib import Path


def _anon_bytes() -> int:
    for line in Path("/proc/self/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    with contextlib.suppress(OSError):  # root only: the kernel should pick an ffmpeg as its victim
        Path("/proc/self/oom_score_adj").write_text("-1000")
    wanted = int(sys.argv[1])
    held = mmap.mmap(-1, max(mmap.PAGESIZE, wanted - _anon_bytes()), mmap.MAP_PRIVATE)
    for at in range(0, len(held), mmap.PAGESIZE):
        held[at] = 1
    sys.stdout.write(f"{_anon_bytes()}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
