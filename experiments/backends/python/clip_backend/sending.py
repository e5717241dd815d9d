"""A clip on its way to the client: whole, or one range of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiofiles
import aiofiles.os
from aiofiles.threadpool.binary import AsyncFileIO
from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from clip_backend.problems import Problem
from clip_backend.ranges import Span, Unsatisfiable, wanted_span

_MEDIA_TYPE = "video/mp4"
_BLOCK_BYTES = 256 * 1024


async def clip_response(request: Request, path: Path, name: str) -> Response:
    """The file at `path`; `name` stands for its bytes, which never change. Raises Problem."""
    try:
        size = (await aiofiles.os.stat(path)).st_size
    except FileNotFoundError:
        raise gone() from None
    tag = f'"{name}"'
    headers = {"Accept-Ranges": "bytes", "ETag": tag}
    if request.method == "HEAD":  # a range is a matter of GET alone
        headers["Content-Length"] = str(size)
        return Response(headers=headers, media_type=_MEDIA_TYPE)
    try:
        span = wanted_span(_range_of(request, tag), size)
    except Unsatisfiable:
        nothing = {"Content-Range": f"bytes */{size}"}
        raise Problem(416, "the range has no byte of the clip", headers | nothing) from None
    status = 200
    if span is None:
        span = Span(0, size - 1)
    else:
        status = 206
        headers["Content-Range"] = f"bytes {span.first}-{span.last}/{size}"
    headers["Content-Length"] = str(span.bytes)
    return _FileResponse(
        request, path, span, status_code=status, headers=headers, media_type=_MEDIA_TYPE
    )


def gone() -> Problem:
    return Problem(404, "the clip is gone")


def _range_of(request: Request, tag: str) -> str | None:
    """None where the client has a part of other bytes: it gets these whole."""
    condition = request.headers.get("if-range")
    return request.headers.get("range") if condition in (None, tag) else None


class _FileResponse(Response):
    """Starlette's streaming response cancels its task when the client goes, and with it the
    closing of the file; this one looks and ends."""

    def __init__(self, request: Request, path: Path, span: Span, **told: Any) -> None:
        super().__init__(**told)
        self._request = request
        self._path = path
        self._span = span

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        try:
            file = await aiofiles.open(self._path, "rb", buffering=0)
        except FileNotFoundError:  # its job was deleted a moment ago
            raise gone() from None
        try:
            await file.seek(self._span.first)
            await self._send(file, send)
        finally:
            await file.close()

    async def _send(self, file: AsyncFileIO, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        left = self._span.bytes
        while left and (block := await file.read(min(left, _BLOCK_BYTES))):
            left -= len(block)
            await send({"type": "http.response.body", "body": block, "more_body": left > 0})
            if left and await self._request.is_disconnected():
                break
