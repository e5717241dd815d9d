"""A connection's transport that says goodbye properly.

Closing a socket with unread bytes in it makes Linux send a reset, and the client never reads the
answer it was given early. So who closes such a connection here closes it for writing, and what
still comes is dropped for a while.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any


class LingeringTransport(asyncio.Transport):
    """The event loop's transport, with a say in its closing and a count of what was written."""

    def __init__(self, transport: asyncio.Transport, on_close: Callable[[], bool]) -> None:
        """`on_close` is asked at each close() and returns True where it lingers instead."""
        super().__init__()
        self._transport = transport
        self._on_close = on_close
        self._written_bytes = 0
        self._lingering = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self._written_bytes += len(data)
        self._transport.write(data)

    def close(self) -> None:
        if self._lingering or self._transport.is_closing():
            return
        if self._on_close():
            self._lingering = True
            with suppress(OSError):  # the client may have gone already
                self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()

    def finish(self) -> None:
        """Enough lingered."""
        if self.unsent_bytes():
            self._transport.abort()
        else:
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._lingering or self._transport.is_closing()

    def unsent_bytes(self) -> int:
        """What waits in this process: the kernel takes no more, since the client reads nothing."""
        return self._transport.get_write_buffer_size()

    def arrived_bytes(self) -> int:
        """How much of what was written the client's machine has acknowledged."""
        in_kernel = 0
        sock: socket.socket | None = self._transport.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError, ValueError):
                answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
                in_kernel = struct.unpack("i", answer)[0]
        return self._written_bytes - self.unsent_bytes() - in_kernel

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()
