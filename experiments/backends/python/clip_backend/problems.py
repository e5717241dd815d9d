"""Errors as RFC 9457 problems. Their words are ours: no path of the machine, no client's text."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match, Route

from clip_backend.logs import event, failure

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "5"}
_CLIENT_GONE = 499  # nobody reads it; nginx' number, for the log


class Problem(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def stopping() -> Problem:
    return Problem(503, "the service is being stopped: try again soon", RETRY_AFTER)


def stalled() -> Problem:
    return Problem(408, "the request stood still for too long")


def problem_body(status: int, detail: str) -> bytes:
    title = HTTPStatus(status).phrase
    return json.dumps({"title": title, "status": status, "detail": detail}).encode()


def problem_response(problem: Problem) -> Response:
    return Response(
        problem_body(problem.status, problem.detail),
        status_code=problem.status,
        headers=dict(problem.headers or {}),
        media_type=MEDIA_TYPE,
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Every error that leaves a handler of `app` becomes a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_surprise)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    level = logging.WARNING if error.status >= 500 else logging.INFO
    event("refused", level, method=request.method, status=error.status, detail=error.detail)
    return problem_response(error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """What the router says by itself: 404 and 405."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = ", ".join(sorted(_methods(request.app.router.routes, request)))
        wrong = Problem(405, f"this path takes {allowed}", {"Allow": allowed})
        return await _on_problem(request, wrong)
    if error.status_code == 404:
        return await _on_problem(request, Problem(404, "there is no such page"))
    return await _on_problem(request, Problem(error.status_code, "the request was refused"))


def _methods(routes: Iterable[BaseRoute], request: Request) -> set[str]:
    """Of all routes with this path: the router itself tells those of the first one alone."""
    found: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found


async def _on_disconnect(request: Request, error: Exception) -> Response:
    event("client_gone", method=request.method)
    return Response(status_code=_CLIENT_GONE)


async def _on_surprise(request: Request, error: Exception) -> Response:
    failure("handler_failed", error, method=request.method)
    return problem_response(Problem(500, "the service failed: its log says why"))
