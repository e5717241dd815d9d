"""uvicorn, started on a socket that is ours and stopped by a word that is ours."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Generator

import uvicorn

from clip_backend import logs
from clip_backend.config import ConfigError, Settings
from clip_backend.service import Service

_DOWNLOADS_S = 3.0
"""How long answers under way may go on once the service is told to stop."""
REST_S = 5
_BACKLOG = 2048


class Server(uvicorn.Server):
    """Stops when `should_exit` is set. Signals are the main module's: uvicorn would end the
    process by them, and the exit code would not be 0."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._service.announce((sockets or [])[0].getsockname()[1])

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        logs.flush()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        cut_off = asyncio.get_running_loop().call_later(_DOWNLOADS_S, self._cut_off)
        await super().shutdown(sockets)
        cut_off.cancel()

    def _cut_off(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def open_socket(settings: Settings) -> socket.socket:
    """Listening already, so that a port that is taken is an error of the start."""
    try:
        found = socket.getaddrinfo(
            settings.bind, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:  # the latter where it cannot be a host's name
        raise ConfigError("BIND", f"{settings.bind!r} is no address: {error}") from None
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        where = f"{settings.bind}, {settings.port}"
        raise ConfigError("BIND, PORT", f"cannot listen on {where}: {error.strerror}") from None
    return listening


def raise_file_limit() -> None:
    """A connection and a file each: many clients may stand still at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
