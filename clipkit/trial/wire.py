"""The two pipes between us and the engine's process, served together.

A pipe holds 64 KB. Who only writes until all is said waits for an engine that waits for its events to be read.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from clipkit.errors import EngineError
from clipkit.trial.interrupts import uninterrupted

Message = dict[str, Any]

_CHUNK_BYTES = 1 << 16


class Wire:
    """What is said waits here until the engine takes it, and what it tells until it is asked for: an interrupt
    loses neither."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is None or process.stdout is None:
            raise EngineError("the engine has no pipes")
        self._to, self._from = process.stdin.fileno(), process.stdout.fileno()
        os.set_blocking(self._to, False)
        self._messages: Iterator[Message | None] = iter(())
        self._unsaid = b""
        self._unread = b""
        self._heard: deque[bytes] = deque()
        self.is_silent = False
        """Whether the time was over before it had said all."""

    def say(self, messages: Iterable[Message | None]) -> None:
        """Before all that is still to be said, but behind the line that is begun. A message that is None: not
        yet, ask again when more was heard."""
        self._messages = chain(messages, self._messages)

    def within(self, patience_s: float) -> Iterator[dict[str, Any]]:
        """Events until the engine closes its stdout or the time is over; what it has said by then is heard,
        also where this process was stopped meanwhile."""
        deadline_s = time.monotonic() + patience_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._from, selectors.EVENT_READ)
            while True:
                while self._heard:
                    yield json.loads(self._heard.popleft())
                self._watch(selector)
                ready = selector.select(max(0.0, deadline_s - time.monotonic()))
                descriptors = {key.fd for key, _ in ready}
                if self._to in descriptors:
                    self._speak()
                if self._from in descriptors and not self._hear():
                    return
                if not ready:
                    self.is_silent = True
                    return

    def _watch(self, selector: selectors.BaseSelector) -> None:
        """For room to write as long as there is something to say."""
        if not self._unsaid:
            following = next(self._messages, None)
            self._unsaid = b"" if following is None else json.dumps(following).encode() + b"\n"
        watched = self._to in selector.get_map()
        if self._unsaid and not watched:
            selector.register(self._to, selectors.EVENT_WRITE)
        elif watched and not self._unsaid:
            selector.unregister(self._to)

    def _speak(self) -> None:
        try:
            with uninterrupted():  # what was written would be said again else
                self._unsaid = self._unsaid[os.write(self._to, self._unsaid[:_CHUNK_BYTES]) :]
        except BlockingIOError:  # not that much room
            return
        except BrokenPipeError:  # it died: reading its events will tell
            self._messages, self._unsaid = iter(()), b""

    def _hear(self) -> bool:
        with uninterrupted():  # what was read would be lost else
            heard = os.read(self._from, _CHUNK_BYTES)
            *lines, self._unread = (self._unread + heard).split(b"\n")
            self._heard.extend(lines)
        return bool(heard)
