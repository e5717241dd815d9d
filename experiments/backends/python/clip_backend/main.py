"""From the environment to a service that listens, and from a signal to exit 0."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress

from clip_backend import logs
from clip_backend.app import create_app
from clip_backend.config import ConfigError, Settings, read_settings
from clip_backend.connection import GuardedConfig, GuardedProtocol
from clip_backend.folders import empty, open_folders
from clip_backend.probe import ffmpeg_version
from clip_backend.program import Program, guarded_program
from clip_backend.server import REST_S, Server, open_socket, raise_file_limit
from clip_backend.service import Service
from clip_backend.threads import started_threads

_WRONG_USE = 2
_ENDING = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """The exit code: 0 after a signal, 2 where the environment makes no sense."""
    logs.set_up()
    try:
        settings = read_settings(os.environ)
        asyncio.run(_serve(settings))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return _WRONG_USE
    for number in _ENDING:  # the interpreter, as it ends, takes back what is not ignored
        signal.signal(number, signal.SIG_IGN)
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    _take_signals(stop)
    asyncio.get_running_loop().set_default_executor(started_threads())
    folders = open_folders(settings.data_dir)
    program = guarded_program(settings.ffmpeg)
    version = await _version_unless(stop, program)
    if stop.is_set():
        return
    raise_file_limit()
    listening = open_socket(settings)
    empty(folders)
    service = Service(settings, folders, program, version)
    config = GuardedConfig(
        create_app(service),
        http=GuardedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=REST_S,
    )
    config.stall_timeout_s = settings.stall_timeout_s
    server = Server(config, service)
    ended = asyncio.create_task(_end(stop, server, service))
    await server.serve([listening])
    await ended
    logs.event("stopped")


def _take_signals(stop: asyncio.Event) -> None:
    """Not by the event loop's own way: with its end each signal would kill the process again, and
    whoever sends two would not see exit 0."""
    loop = asyncio.get_running_loop()

    def hear(*_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed, and the service ending
            loop.call_soon_threadsafe(stop.set)

    for number in _ENDING:
        signal.signal(number, hear)


async def _version_unless(stop: asyncio.Event, program: Program) -> str:
    """Of ffmpeg, or nothing much where the signal comes first."""
    run = program.new_run(lambda _: None)
    stopped = asyncio.create_task(stop.wait())
    stopped.add_done_callback(lambda _: run.end())
    try:
        return await ffmpeg_version(program, run)
    finally:
        stopped.cancel()


async def _end(stop: asyncio.Event, server: Server, service: Service) -> None:
    """A signal ends ffmpegs and connections at the same time."""
    await stop.wait()
    logs.event("stopping")
    server.should_exit = True
    await service.close()
