"""An HTTP client that can misbehave: it sends what it is told, byte by byte, and reads what comes."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

PATIENCE_S = 20.0
SOON_S = 4.0
"""For an answer that waits for no body: what is refused is read on for 5 s."""

_BLOCK = 1 << 16

BOUNDARY = "frontier-of-a-test"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    """What a service answered; the names of headers in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip()

    @property
    def allow(self) -> set[str]:
        return {word.strip() for word in self.headers.get("allow", "").split(",")}

    def refuses(self, *statuses: int) -> Any:
        """The problem, once it is one of these statuses and told as RFC 9457 has it."""
        assert self.status in statuses, self
        assert self.kind == PROBLEM, self
        problem = self.json
        assert problem["status"] == self.status, problem
        assert isinstance(problem["title"], str), problem
        assert isinstance(problem["detail"], str), problem
        assert problem["title"], problem
        for trace in ("Traceback", "    at ", ".rs:", ".js:", ".py", "/usr/", "node_modules"):
            assert trace not in self.body.decode(), problem
        return problem


class Connection:
    """One connection. Whatever is sent after the service closed it is lost, without an error."""

    def __init__(self, port: int, patience_s: float = PATIENCE_S) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), patience_s)
        self.buffer = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def head(self, method: str, path: str, **headers: str | int) -> None:
        """A request's line and headers; `content_length=3` is `Content-Length: 3`."""
        told = {"host": "127.0.0.1", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in told.items()]
        self.send("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1"))

    def send(self, data: bytes) -> bool:
        """False where the service has closed its end."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def chunk(self, data: bytes) -> bool:
        return self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def answer(self, patience_s: float = PATIENCE_S, method: str = "GET") -> Answer:
        """The next answer, `100 Continue` passed over. Raises ConnectionError where the connection ends
        before it, and TimeoutError."""
        deadline_s = time.monotonic() + patience_s
        while True:
            lines = self._until(b"\r\n\r\n", deadline_s).decode("latin-1").split("\r\n")
            status = int(lines[0].split()[1])
            if status != 100:
                break
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        empty = method == "HEAD" or status in (204, 304)
        return Answer(status, headers, b"" if empty else self._body(headers, deadline_s))

    def closed(self, patience_s: float = PATIENCE_S) -> bool:
        """Whether the service closes the connection in this time, whatever it still sends."""
        deadline_s = time.monotonic() + patience_s
        try:
            while self._more(deadline_s):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True

    def reset(self) -> None:
        """Close it as a client that crashed: the other end sees a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def _body(self, headers: Mapping[str, str], deadline_s: float) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._chunks(deadline_s))
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"]), deadline_s)
        while self._more(deadline_s):
            pass
        return self._taken(len(self.buffer))

    def _chunks(self, deadline_s: float) -> Iterator[bytes]:
        while size := int(self._until(b"\r\n", deadline_s).split(b";")[0], 16):
            yield self._exactly(size + 2, deadline_s)[:-2]
        self._until(b"\r\n", deadline_s)

    def _until(self, mark: bytes, deadline_s: float) -> bytes:
        while mark not in self.buffer:
            if not self._more(deadline_s):
                raise ConnectionError(f"closed after {self.buffer!r}")
        return self._taken(self.buffer.index(mark) + len(mark))[: -len(mark)]

    def _exactly(self, size: int, deadline_s: float) -> bytes:
        while len(self.buffer) < size:
            if not self._more(deadline_s):
                raise ConnectionError(f"{len(self.buffer)} of {size} bytes of the body")
        return self._taken(size)

    def _taken(self, size: int) -> bytes:
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def _more(self, deadline_s: float) -> bool:
        self.socket.settimeout(max(0.001, deadline_s - time.monotonic()))
        data = self.socket.recv(_BLOCK)
        self.buffer += data
        return bool(data)


def part(
    content: bytes, name: bytes = b"video", filename: bytes | None = b"film.mp4", more: bytes = b""
) -> bytes:
    """A part of a form, with its leading boundary; `more`: further lines of its header."""
    named = b"" if filename is None else b'; filename="%s"' % filename
    disposition = b'Content-Disposition: form-data; name="%s"%s\r\n' % (name, named)
    return b"--%s\r\n%s%s\r\n%s\r\n" % (BOUNDARY.encode(), disposition, more, content)


def form(*parts: bytes) -> bytes:
    """A whole form, closed."""
    return b"".join(parts) + CLOSING


CLOSING = b"--%s--\r\n" % BOUNDARY.encode()


def request(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    patience_s: float = PATIENCE_S,
    **headers: str | int,
) -> Answer:
    """One request on a connection of its own."""
    told: dict[str, str | int] = {"connection": "close", **headers}
    if body is not None:
        told.setdefault("content_length", len(body))
    with Connection(port, patience_s) as connection:
        connection.head(method, path, **told)
        if body:
            connection.send(body)
        return connection.answer(patience_s, method)
