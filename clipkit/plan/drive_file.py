"""The description of a server's routes, `drive.toml`, checked key by key: every error names file, key and
what is legal. Touches nothing but the file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from clipkit.documents import read_toml_file
from clipkit.errors import DriveError, UsageError
from clipkit.keys import Reader, Table, one_of, text_level, whole_number
from clipkit.legal import instead_of, legal_are
from clipkit.plan.routes import (
    OF_A_CLIP,
    OF_SETTINGS,
    OF_THE_PLACE,
    Asking,
    ClipKeys,
    Poll,
    Routes,
    placeholders,
    status_word,
)
from clipkit.resources import folder

NAME = re.compile(r"[a-z][a-z0-9_-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_METHODS = ("POST", "PUT", "PATCH", "GET")
_ANSWERS = ("json", "clip")
_TABLES = ("environment", "upload", "order", "poll", "clips", "fetch", "delete")


def read_drive_file(path: Path) -> dict[str, Any]:
    """The document in that file, which `routes_of` understands. Raises DriveError."""
    return read_toml_file(path, DriveError)


@cache
def contract_routes() -> Routes:
    """Of the services in `experiments/backends`."""
    path = folder("experiments") / "backends" / "drive.toml"
    return replace(routes_of(read_drive_file(path), str(path)), is_theirs=False)


def routes_of(document: Mapping[str, Any], file: str, within: str = "") -> Routes:
    """What the document describes; `file` and the table `within` it say where that stands.

    Raises DriveError.
    """
    top = Table(file, within, document, DriveError)
    top.only("name", "port", "ready", "health", *_TABLES)
    upload = _asking(top.table("upload"), ("film", "data")) if "upload" in top else None
    if "order" not in top:
        raise top.error("order", "missing: say by [order] how a clip, or all of them, are ordered")
    of_order = top.table("order")
    known = (*OF_A_CLIP, "clips", "film", "data", *(["upload"] if _names(upload) else []))
    order = _asking(of_order, known, "answer", "at_once", "clip")
    poll = _poll(top.table("poll"), _names(upload)) if "poll" in top else None
    answers_clip = of_order.one("answer", one_of(_ANSWERS), "json") == "clip"
    fetch, delete = top.table("fetch"), top.table("delete")
    fetch.only("path")
    delete.only("job", "upload")
    clips = _clips(top.table("clips"))
    ids = [
        "job",
        *(["upload"] if _names(upload) else []),
        *(["url"] if clips.url is not None else []),
    ]
    routes = Routes(
        file=file,
        name=top.one("name", _server_name, None),
        port=top.one("port", whole_number(1, 65535), None),
        ready=top.one("ready", _path(()), None),
        health=top.one("health", _path(()), None),
        environment=_environment(top.table("environment")),
        upload=upload,
        order=order,
        clip=of_order.one("clip", _json(OF_A_CLIP), {n: f"{{{n}}}" for n in OF_A_CLIP[:2]}),
        answers_clip=answers_clip,
        at_once=of_order.one("at_once", whole_number(1, 1000), None),
        poll=poll,
        clips=clips,
        fetch=fetch.one("path", _path((*ids, "number")), None),
        delete_job=delete.one("job", _path(ids), None),
        delete_upload=delete.one("upload", _path(set(ids) & {"upload"}), None),
    )
    _check_together(top, of_order, routes)
    return routes


def _check_together(top: Table, of_order: Table, routes: Routes) -> None:
    """What each key by itself cannot show."""
    uses = routes.order.uses
    if routes.is_per_clip and "start_s" not in uses:
        raise of_order.error(
            "", "says nowhere which clip: put {start_s} into path, json or form, or {clips} for all"
        )
    if not routes.is_per_clip and (both := uses & set(OF_A_CLIP)):
        raise of_order.error(
            "", f"has {{clips}} and {{{min(both)}}}: order all clips at once, or each by itself"
        )
    if routes.upload and routes.order.takes_film:
        raise of_order.error("field", "the film goes with [upload] already: leave one of them out")
    if not routes.upload and not routes.order.takes_film and "film" not in uses:
        raise of_order.error(
            "", "says nowhere which film: describe [upload], or give 'field', or put {film} into it"
        )
    later = [routes.poll.path if routes.poll else None, routes.fetch, routes.delete_job]
    if routes.order.id is None and "job" in set(placeholders(later)):
        raise of_order.error(
            "id", "missing: later paths have {job}, so say where the answer names it"
        )
    if routes.answers_clip and (routes.poll or not routes.is_per_clip or routes.fetch):
        raise of_order.error(
            "answer",
            "'clip' is the clip itself: then each is ordered by itself, without poll and fetch",
        )
    told = {name for text in routes.environment.values() for name in placeholders(text)}
    if routes.port is None and "port" not in told:
        raise top.error(
            "port", 'missing: say where it listens, or which variable tells it: PORT = "{port}"'
        )


def _asking(table: Table, known: Collection[str], *more: str) -> Asking:
    table.only("method", "path", "json", "form", "field", "raw", "id", *more)
    if "path" not in table:
        raise table.error("path", "missing: say to which path the request goes, such as /upload")
    form = table.one("form", _form(known), {})
    name = table.one("field", text_level, None)
    raw = table.one("raw", _yes_or_no, False)
    if raw and (name or form):
        raise table.error("raw", "the body is the film alone: leave field and form out")
    if "json" in table and (name or form or raw):
        raise table.error("json", "a body is either json, or a form (field, form), or raw")
    return Asking(
        table=f"[{table.name}]",
        method=table.one("method", one_of(_METHODS), "POST"),
        path=table.one("path", _path(known), ""),
        json=table.one("json", _json(known), None),
        form=form,
        part=name,
        takes_film=raw or name is not None,
        id=table.one("id", _key, None),
    )


def _poll(table: Table, with_upload: bool) -> Poll:
    table.only("path", "status", "done", "failed", "error", "created_s")
    for key in ("path", "done"):
        if key not in table:
            raise table.error(key, "missing")
    return Poll(
        path=table.one("path", _path(("job", *(["upload"] if with_upload else []))), ""),
        status=table.one("status", _key, "status"),
        done=table.one("done", _values, ()),
        failed=table.one("failed", _values, ("failed", "error")),
        error=table.one("error", _key, None),
        created_s=table.one("created_s", _key, None),
    )


def _clips(table: Table) -> ClipKeys:
    table.only(*ClipKeys.__slots__)
    if "status" in table and "done" not in table:
        raise table.error("done", "missing: which values of 'status' mean that the clip is there")
    keys = {
        key: table.one(key, _key, None) for key in table.content if key not in ("done", "failed")
    }
    words = {key: table.one(key, _values, ()) for key in ("done", "failed")}
    return ClipKeys(**keys, **words)


def _environment(table: Table) -> dict[str, str]:
    known = (*OF_THE_PLACE, *OF_SETTINGS)
    for name in table.content:
        if not _VARIABLE.fullmatch(name):
            raise table.error(name, "cannot name a variable of the environment")
    return {name: table.one(name, _template(known), "") for name in table.content}


# -- what a value may be ---------------------------------------------------------------------


def _names(upload: Asking | None) -> bool:
    return upload is not None and upload.id is not None


def _check_placeholders(value: Any, known: Collection[str]) -> None:
    for name in placeholders(value):
        if name not in known:
            raise UsageError(f"unknown placeholder '{{{name}}}': {instead_of(name, list(known))}")


def _template(known: Collection[str]) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise UsageError(legal_are(['texts, numbers too: "1"']))
        _check_placeholders(value, known)
        return value

    return read


def _path(known: Collection[str]) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not value.startswith(("/", "{url}")):
            raise UsageError(legal_are(["paths that begin with /, such as /clip"]))
        if not value.isprintable() or " " in value or not value.isascii():
            raise UsageError(legal_are(["paths of ASCII without spaces; write others as %20"]))
        _check_placeholders(value, known)
        return value

    return read


def _json(known: Collection[str]) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, dict | list | str):
            raise UsageError(
                legal_are(['a table, a list or a text, such as { start = "{start_s}" }'])
            )
        _check_placeholders(value, known)
        return value

    return read


def _form(known: Collection[str]) -> Reader:
    read_text = _template(known)

    def read(value: Any) -> dict[str, str]:
        if not isinstance(value, dict):
            raise UsageError(legal_are(['a table of texts, such as { start = "{start_s}" }']))
        return {name: read_text(text) for name, text in value.items()}

    return read


def _key(value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(legal_are(["keys such as id, data.id or /data/0/id"]))
    return value


def _values(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str | bool | int) for each in values):
        raise UsageError(legal_are(['a value, or a list of them, such as ["done"]']))
    return tuple(map(status_word, values))


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(legal_are(["true", "false"]))
    return value


def _server_name(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise UsageError(legal_are(["small letters, digits, - and _, such as my-backend"]))
    return value
