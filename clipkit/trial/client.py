"""A small HTTP client, outside of the ceiling: what the users of a service do. Stdlib only.

One connection a request, which is what a page of a browser costs at most; bodies of files go through the
kernel (`sendfile`), so that the client takes little of the machine that it shares with the service.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
HEALTH = "/health"
_BLOCK_BYTES = 1 << 20


class ServiceGoneError(Exception):
    """No answer: refused, broken off, or not within the patience. The message is what a client sees."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Empty where the body is no JSON object."""
        with contextlib.suppress(ValueError):
            document = json.loads(self.body)
            if isinstance(document, dict):
                return document
        return {}

    @property
    def words(self) -> str:
        """`503: the queue is full`, as a page would show it."""
        said = (
            self.json.get("detail")
            or self.json.get("title")
            or http.client.responses.get(self.status, "")
        )
        return f"{self.status}: {said}"


@dataclass(frozen=True, slots=True)
class Client:
    """Every method raises ServiceGoneError."""

    port: int
    patience_s: float

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def delete(self, path: str) -> Answer:
        return self._ask("DELETE", path)

    def order(self, path: str, document: dict[str, Any]) -> Answer:
        body = json.dumps(document).encode()
        return self._ask("POST", path, body, {"Content-Type": "application/json"})

    def upload(self, path: str, field: str, file: Path) -> Answer:
        """As a browser's form sends it. An answer that comes before the body's end is the answer."""
        boundary = f"clipkit-{secrets.token_hex(12)}"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{_plain(file)}"'
            "\r\nContent-Type: video/mp4\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        with self._connected() as connection, file.open("rb") as film:
            connection.putrequest("POST", path)
            connection.putheader("Content-Type", f"multipart/form-data; boundary={boundary}")
            size_bytes = file.stat().st_size
            connection.putheader("Content-Length", str(len(head) + size_bytes + len(tail)))
            connection.endheaders()
            with contextlib.suppress(ConnectionError):  # it may have answered already
                _socket(connection).sendall(head)
                _socket(connection).sendfile(film)
                _socket(connection).sendall(tail)
            return _answer(connection)

    def fetch(self, path: str, to: Path) -> Answer:
        """The body goes to the file; of another status than 200 it is in the answer."""
        with self._connected() as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            if response.status != http.client.OK:
                return Answer(response.status, response.read())
            with to.open("wb") as file:
                while block := response.read(_BLOCK_BYTES):
                    file.write(block)
            return Answer(response.status, b"")

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        with self._connected() as connection:
            connection.request(method, path, body, {"Connection": "close", **(headers or {})})
            return _answer(connection)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=self.patience_s)
        try:
            connection.connect()
            yield connection
        except (OSError, http.client.HTTPException) as error:
            raise ServiceGoneError(_words(error)) from error
        finally:
            connection.close()


def _socket(connection: http.client.HTTPConnection) -> socket.socket:
    return connection.sock


def _answer(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    return Answer(response.status, response.read())


def _plain(file: Path) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in file.name)


def _words(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionError | http.client.RemoteDisconnected):
        return "connection broken off"
    return str(error) or type(error).__name__
