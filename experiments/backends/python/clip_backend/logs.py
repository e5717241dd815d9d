"""One JSON object a line on stdout, at once; every library's messages too."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_log = logging.getLogger("clip_backend")


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
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)  # ASCII: whatever a client sent stands there escaped


def set_up() -> None:
    """Every logger of this process writes to stdout, as JSON, from here on."""
    handler = logging.StreamHandler(sys.stdout)  # flushes after every line
    handler.setFormatter(_JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.raiseExceptions = False  # a closed stdout is no reason to stop serving
    logging.captureWarnings(True)
    _log.setLevel(logging.INFO)
    # What a client gets wrong is told to the client.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)


def event(name: str, level: int = logging.INFO, **fields: object) -> None:
    """Log `name` with its ids and figures."""
    _log.log(level, name, extra={"fields": fields})


def failure(name: str, error: BaseException, **fields: object) -> None:
    """Log what should not have happened, with its traceback; that never goes to a client."""
    _log.error(name, exc_info=error, extra={"fields": fields})
