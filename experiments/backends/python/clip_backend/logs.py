"""One JSON object a line on stdout, at once; every library's messages too."""

from __future__ import annotations

import json
import logging
import os
import select
import sys
from collections import deque
from datetime import UTC, datetime
from typing import Any

_log = logging.getLogger("clip_backend")
_MOST_TRACE_CHARACTERS = 2000


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": when.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
        }
        if record.name == _log.name:
            line |= {"event": record.msg, **getattr(record, "fields", {})}
        else:
            line |= {"event": "message", "from": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)[-_MOST_TRACE_CHARACTERS:]
        return json.dumps(line)  # ASCII: whatever a client sent stands there escaped


class _Pipe(logging.Handler):
    """stdout, written to only while somebody takes it: a reader that has gone, or that reads no
    more, is no reason to stand still."""

    _MOST_WAITING_LINES = 10_000

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._waiting: deque[bytes] = deque()
        self._writable = select.poll()
        self._writable.register(descriptor, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._waiting) < self._MOST_WAITING_LINES:
            self._waiting.append(self.format(record).encode() + b"\n")
        self.flush()

    def flush(self) -> None:
        try:
            # A pipe that is writable takes PIPE_BUF bytes at once, and no line is longer.
            while self._waiting and self._writable.poll(0):
                os.write(self._descriptor, self._waiting.popleft())
        except OSError:
            self._waiting.clear()


def set_up() -> None:
    """Every logger of this process writes to stdout, as JSON, from here on."""
    handler: logging.Handler = logging.NullHandler()
    if sys.stdout is not None:
        handler = _Pipe(sys.stdout.fileno())
    handler.setFormatter(_JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.captureWarnings(True)
    _log.setLevel(logging.INFO)
    # What a client gets wrong is told to the client.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)


def flush() -> None:
    """Write what could not be written at once."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def event(name: str, level: int = logging.INFO, **fields: object) -> None:
    """Log `name` with its ids and figures."""
    _log.log(level, name, extra={"fields": fields})


def failure(name: str, error: BaseException, **fields: object) -> None:
    """Log what should not have happened, with its traceback; that never goes to a client."""
    _log.error(name, exc_info=error, extra={"fields": fields})
