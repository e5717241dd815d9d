"""The threads that file work is done in."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

_COUNT = 6
"""As many as Python itself takes on a small host: its cores and four."""


def started_threads() -> ThreadPoolExecutor:
    """All of them run from now on: where the host has no process to spare later, a file can still be
    written and removed. A pool starts them only as they are wanted."""
    pool = ThreadPoolExecutor(_COUNT, thread_name_prefix="files")
    together = threading.Barrier(_COUNT)
    for started in [pool.submit(together.wait) for _ in range(_COUNT)]:
        started.result()
    return pool
