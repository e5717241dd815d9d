"""What watches beside a run: a thread that begins with a `with` block and ends with it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Watching(ABC):
    """`with …:` runs `_watch` in a thread of its own until the block ends, then waits for it."""

    __slots__ = ("_over", "_thread")
    _over: threading.Event
    """Set when the block ends: `_watch` returns soon after."""
    _thread: threading.Thread

    @abstractmethod
    def _watch(self) -> None: ...

    def __enter__(self) -> Self:
        self._over = threading.Event()
        name = type(self).__name__
        self._thread = threading.Thread(target=self._watch, daemon=True, name=f"clipkit-{name}")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
