"""`clipkit backends`: build, list, judge, check and start the services of `experiments/backends`."""

from __future__ import annotations

import argparse
import os
from typing import Any

from clipkit.commands.parser import Parser, add_command, print_json
from clipkit.errors import BackendError, UsageError
from clipkit.streams import complain, say_lines

_HELP = "the services in Node.js, Python and Rust that clipkit measures side by side"


def add_backends(commands: Any) -> None:
    group = commands.add_parser("backends", help=_HELP, description=_HELP)

    def show_help(_: argparse.Namespace) -> int:
        group.print_help()
        return 0

    group.set_defaults(handler=show_help)
    own = group.add_subparsers(metavar="COMMAND", parser_class=Parser)
    build = add_command(own, "build", _build, "build them; of those named each must be possible")
    check = add_command(own, "check", _check, "run their lint and their own tests")
    for command in (build, check):
        command.add_argument("names", nargs="*", metavar="NAME", help="default: all that are")
    add_command(own, "list", _list, "which there are, with their versions, and what they lack")
    add_command(own, "doctor", _doctor, "what they need, and whether each starts and is well")
    _add_run(own)


def _build(parsed: argparse.Namespace) -> int:
    from clipkit.backends.building import build_backend, is_built, missing_for
    from clipkit.backends.declared import backends_named

    chosen, failed = backends_named(parsed.names), False
    for backend in chosen:
        if is_built(backend):
            complain(f"{backend.name}: built already")
        elif (missing := missing_for(backend)) and not parsed.names:
            complain(f"{backend.name}: left out, install {', '.join(missing)}")
        else:
            try:
                build_backend(backend)
            except BackendError as error:  # the others are built all the same
                complain(f"clipkit: {error}")
                failed = True
    built = [backend for backend in chosen if is_built(backend)]
    if parsed.json and (built or not failed):
        facts = [(backend.name, backend in built, missing_for(backend)) for backend in chosen]
        keys = ("name", "built", "missing")
        print_json({"backends": [dict(zip(keys, of_one, strict=True)) for of_one in facts]})
    elif not parsed.json:
        say_lines([f"{backend.name} is built" for backend in built] or ["none is built"])
    return 1 if failed else 0


def _check(parsed: argparse.Namespace) -> int:
    from clipkit.backends.checking import check_backend
    from clipkit.backends.declared import backends_named

    checked = [check_backend(backend) for backend in backends_named(parsed.names)]
    if parsed.json:
        print_json({"backends": checked})
    for backend in checked:
        for kind in () if parsed.json else ("lint", "test"):
            say_lines([f"{backend['name']} {kind}: {backend[kind]}"])
    return 0 if all(b[kind] != "failed" for b in checked for kind in ("lint", "test")) else 1


def _list(parsed: argparse.Namespace) -> int:
    from clipkit.backends.declared import read_backends
    from clipkit.backends.told import listed, listed_lines

    found = [listed(backend) for backend in read_backends()]
    if parsed.json:
        print_json({"backends": found})
    else:
        say_lines(listed_lines(found))
    return 0


def _doctor(parsed: argparse.Namespace) -> int:
    from clipkit.backends.declared import read_backends
    from clipkit.backends.told import examined, examined_lines

    found = [examined(backend) for backend in read_backends()]
    if parsed.json:
        print_json({"backends": found})
    else:
        say_lines(examined_lines(found))
    return 1 if any(backend["built"] and backend["why"] for backend in found) else 0


def _add_run(own: Any) -> None:
    help = "start one in the foreground, its settings from the environment, its log on stdout"
    command = own.add_parser("run", help=help, description=help)
    command.set_defaults(handler=_run)
    command.add_argument("name", metavar="NAME")
    command.add_argument("--port", type=int, metavar="N", help="default: PORT, or else 3000")


def _run(parsed: argparse.Namespace) -> int:
    from clipkit.backends.declared import backends_named
    from clipkit.backends.starting import data_folder, serve

    if parsed.port is not None and not 0 <= parsed.port <= 65535:
        raise UsageError(f"--port {parsed.port} is no port: give 1 to 65535, or 0 for a free one")
    (backend,) = backends_named([parsed.name])
    environment = dict(os.environ)
    if parsed.port is not None:
        environment["PORT"] = str(parsed.port)
    with data_folder(environment) as data:
        complain(f"{backend.name}: its files are in {data}")
        return _as_exit_code(serve(backend, data, environment))


def _as_exit_code(code: int) -> int:
    """0 and 2 (a setting that makes no sense) are the service's own and mean the same here."""
    return code if code in (0, 2) else 1
