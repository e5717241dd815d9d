"""What a request says about its body, and small bodies read whole."""

from __future__ import annotations

from fastapi import Request
from python_multipart.multipart import parse_options_header

from clip_backend.problems import Problem

_MOST_JSON_BYTES = 1024**2


def announced_bytes(request: Request) -> int | None:
    """Its `Content-Length`, which the HTTP parser has checked to be a number."""
    value = request.headers.get("content-length")
    return None if value is None else int(value)


async def json_body(request: Request) -> bytes:
    """Raises Problem: 415, or 413 as soon as that is known."""
    kind, _ = parse_options_header(request.headers.get("content-type"))
    if kind != b"application/json":
        raise Problem(415, "an order is application/json")
    if (announced_bytes(request) or 0) > _MOST_JSON_BYTES:
        raise _too_large()
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > _MOST_JSON_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> Problem:
    return Problem(413, f"an order has at most {_MOST_JSON_BYTES} bytes")
