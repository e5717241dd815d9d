"""uvicorn's connection with what it lacks: limits of time, and an end to what it reads on.

uvicorn waits for ever for a head, a body or a client that does not read, and goes on reading a
body after its early answer for as long as somebody sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from enum import Enum, auto
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from clip_backend.lingering import LingeringTransport
from clip_backend.problems import MEDIA_TYPE, Problem, problem_body, stalled, stopping

_MOVING_BYTES = 1000
"""Less than this in STALL_TIMEOUT_S is standing still."""
_LINGER_S = 5.0
_LINGER_STALLED_S = 0.5
_LINGER_BYTES = 64 * 1024**2
_CLOSE = (b"connection", b"close")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class GuardedConfig(uvicorn.Config):
    """uvicorn's settings, and how long a client may stand still."""

    stall_timeout_s: float = 60.0


class Waiting(Enum):
    """What a connection waits for."""

    NOTHING = auto()  # that its client could do
    REQUEST = auto()  # its next one, after an answer
    HEAD = auto()
    BODY = auto()
    READER = auto()  # somebody who reads the answer


class GuardedProtocol(H11Protocol):
    transport: LingeringTransport

    def __init__(self, config: uvicorn.Config, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        assert isinstance(config, GuardedConfig)
        self._stall_s = config.stall_timeout_s
        self._look_every_s = min(1.0, max(0.02, self._stall_s / 10))
        self._app = self.app
        self.app = self._serve
        self._refusal: Problem | None = None
        self._malformed = False
        self._client_done = False  # it has closed its side
        self._lingering = False
        self._linger_s = _LINGER_S
        self._linger_bytes = _LINGER_BYTES
        self._linger_timer: asyncio.TimerHandle | None = None
        self._received_bytes = 0
        self._waiting = Waiting.HEAD
        self._mark_s = self.loop.time()
        self._mark_bytes = 0
        self._look_timer: asyncio.TimerHandle | None = None

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(LingeringTransport(transport, self._begin_lingering))
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._look_timer, self._linger_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        self._received_bytes += len(data)
        if self._lingering:
            self._drop(data)
        else:
            super().data_received(data)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """A client may close its side and still read: a whole request is answered, half a body
        refused."""
        self._client_done = True
        cycle = self.cycle
        if self._lingering or cycle is None or cycle.response_complete:
            return None
        cycle.keep_alive = False
        if cycle.more_body:
            self._refuse(Problem(400, "the body ended before it was whole"))
        return True

    # What uvicorn calls

    def shutdown(self) -> None:
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False
            if cycle.more_body:
                self._refuse(stopping())
        elif not self.transport.is_closing():
            super().shutdown()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        self._malformed = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # its handler hears no more, and need not wait for that
            cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._answer_alone(Problem(400, "this is no HTTP request"))
        else:
            self.transport.close()

    # One request

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        cycle = self.cycle
        self._refusal = None
        scope["path"] = scope["raw_path"].decode("ascii")  # paths are matched to the letter

        async def receive_or_refuse() -> Message:
            for_refusal()
            message = await receive()
            for_refusal()
            return message

        def for_refusal() -> None:
            if self._refusal is not None and not cycle.response_started:
                raise self._refusal

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start" and cycle.more_body:
                message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        await self._app(scope, receive_or_refuse, send_and_close)

    def _refuse(self, problem: Problem) -> None:
        """The handler that waits for the body gets `problem` instead."""
        if not self.cycle.response_started:
            self._refusal = problem
            self.cycle.message_event.set()

    def _answer_alone(self, problem: Problem) -> None:
        """Where no handler is at work."""
        body = problem_body(problem.status, problem.detail)
        length = str(len(body)).encode()
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", length), _CLOSE]
        for event in (
            h11.Response(status_code=problem.status, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    # Lingering after an early answer

    def _begin_lingering(self) -> bool:
        cycle = self.cycle
        early = cycle is not None and cycle.response_complete and cycle.more_body
        if self._client_done or not (early or self._malformed):
            return False
        self._lingering = True
        self._linger_timer = self.loop.call_later(self._linger_s, self.transport.finish)
        return True

    def _drop(self, data: bytes) -> None:
        self._linger_bytes -= len(data)
        if self._linger_bytes <= 0 or (not self._malformed and self._body_ends_in(data)):
            self.transport.finish()

    def _body_ends_in(self, data: bytes) -> bool:
        try:
            self.conn.receive_data(data)
            while True:
                event = self.conn.next_event()
                if event is h11.NEED_DATA:
                    return False
                if not isinstance(event, h11.Data):
                    return True
        except h11.RemoteProtocolError:
            return True

    # Standing still

    def _look(self) -> None:
        """Look, now and then, whether what this connection waits for comes."""
        self._look_timer = self.loop.call_later(self._look_every_s, self._look)
        now_s = self.loop.time()
        waiting, moved_bytes = self._waits_for()
        moves = moved_bytes - self._mark_bytes >= _MOVING_BYTES
        if waiting is not self._waiting or moves:
            self._waiting, self._mark_s, self._mark_bytes = waiting, now_s, moved_bytes
        elif now_s - self._mark_s >= self._stall_s:
            self._mark_s = now_s
            self._give_up(waiting)

    def _waits_for(self) -> tuple[Waiting, int]:
        """And how many bytes of it have come so far."""
        if self.transport.unsent_bytes():
            return Waiting.READER, self.transport.arrived_bytes()
        cycle = self.cycle
        if self._lingering:
            return Waiting.NOTHING, 0
        if cycle is None or cycle.response_complete:
            idle = self.timeout_keep_alive_task is not None
            return Waiting.REQUEST if idle else Waiting.HEAD, 0
        if cycle.more_body and not cycle.response_started and not self.flow.read_paused:
            return Waiting.BODY, self._received_bytes
        return Waiting.NOTHING, 0

    def _give_up(self, waiting: Waiting) -> None:
        self._linger_s = _LINGER_STALLED_S
        match waiting:
            case Waiting.BODY:
                self._refuse(stalled())
            case Waiting.HEAD if self.conn.trailing_data[0]:
                self._answer_alone(stalled())
            case Waiting.HEAD | Waiting.REQUEST:
                self.transport.close()
            case Waiting.READER:
                self.transport.abort()
            case Waiting.NOTHING:
                pass
