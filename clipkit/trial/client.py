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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit.plan.routes import Sent

LOOPBACK = ("127.0.0.1", "::1")
"""Where a server may listen that nobody else can reach; nowhere else is ever asked."""
_BLOCK_BYTES = 1 << 20


class ServiceGoneError(Exception):
    """No answer: refused, broken off, or not within the patience. The message is what a client sees."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = ""

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def document(self) -> Any:
        """The body as JSON, whatever it holds; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def json(self) -> dict[str, Any]:
        """Empty where the body is no JSON object."""
        found = self.document
        return found if isinstance(found, dict) else {}

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
    """Every method raises ServiceGoneError. `patience_s`: for each thing that is awaited."""

    port: int
    patience_s: float
    host: str = LOOPBACK[0]

    def get(self, path: str) -> Answer:
        return self.send(Sent("GET", path))

    def delete(self, path: str) -> Answer:
        return self.send(Sent("DELETE", path))

    def order(self, path: str, document: dict[str, Any]) -> Answer:
        return self.send(Sent("POST", path, json=document))

    def upload(self, path: str, part: str, film: Path) -> Answer:
        return self.send(Sent("POST", path, film=film, part=part))

    def fetch(self, path: str, to: Path) -> Answer:
        return self.send(Sent("GET", path), to)

    def send(self, asked: Sent, to: Path | None = None) -> Answer:
        """An answer that comes before the body's end is the answer. With `to` the body of a good one that
        is no JSON goes to that file, and is not in the answer."""
        with self._connected() as connection:
            if asked.film is not None:
                _send_film(connection, asked, asked.film)
            else:
                body, headers = _small_body(asked)
                connection.request(
                    asked.method, asked.path, body, {"Connection": "close", **headers}
                )
            return _answer(connection, to)

    def listens(self) -> bool:
        """Whether anybody takes a connection there."""
        with contextlib.suppress(ServiceGoneError), self._connected():
            return True
        return False

    @contextlib.contextmanager
    def _connected(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.patience_s)
        try:
            connection.connect()
            yield connection
        except (OSError, http.client.HTTPException) as error:
            raise ServiceGoneError(_words(error)) from error
        finally:
            connection.close()


def _small_body(asked: Sent) -> tuple[bytes | None, dict[str, str]]:
    if asked.form:
        boundary = _boundary()
        body = b"".join([*_text_parts(asked.form, boundary), f"--{boundary}--\r\n".encode()])
        return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    if asked.json is not None:
        return json.dumps(asked.json).encode(), {"Content-Type": "application/json"}
    return None, {}


def _send_film(connection: http.client.HTTPConnection, asked: Sent, film: Path) -> None:
    """As a browser's form sends it, the texts first, or as the whole body."""
    head = tail = b""
    kind = "video/mp4"
    if asked.part is not None:
        boundary = _boundary()
        kind = f"multipart/form-data; boundary={boundary}"
        part = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{asked.part}"; '
            f'filename="{_plain(film)}"\r\nContent-Type: video/mp4\r\n\r\n'
        )
        head = b"".join([*_text_parts(asked.form, boundary), part.encode()])
        tail = f"\r\n--{boundary}--\r\n".encode()
    with film.open("rb") as file:
        connection.putrequest(asked.method, asked.path)
        connection.putheader("Content-Type", kind)
        connection.putheader("Content-Length", str(len(head) + film.stat().st_size + len(tail)))
        connection.endheaders()
        with contextlib.suppress(ConnectionError):  # it may have answered already
            _socket(connection).sendall(head)
            _socket(connection).sendfile(file)
            _socket(connection).sendall(tail)


def _text_parts(form: Mapping[str, str], boundary: str) -> Iterator[bytes]:
    for name, text in form.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        yield f"{head}{text}\r\n".encode()


def _boundary() -> str:
    return f"clipkit-{secrets.token_hex(12)}"


def _socket(connection: http.client.HTTPConnection) -> socket.socket:
    return connection.sock


def _answer(connection: http.client.HTTPConnection, to: Path | None = None) -> Answer:
    response = connection.getresponse()
    kind = response.headers.get_content_type()
    if to is None or not 200 <= response.status < 300 or kind == "application/json":
        return Answer(response.status, response.read(), kind)
    with to.open("wb") as file:
        while block := response.read(_BLOCK_BYTES):
            file.write(block)
    return Answer(response.status, b"", kind)


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
