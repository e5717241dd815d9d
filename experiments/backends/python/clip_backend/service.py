"""The parts of the service, put together."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from clip_backend import __version__
from clip_backend.book import Book
from clip_backend.config import Settings
from clip_backend.cutting import Cutter
from clip_backend.folders import Folders
from clip_backend.janitor import keep_clean
from clip_backend.logs import event
from clip_backend.metrics import Metrics
from clip_backend.program import Program
from clip_backend.uploads import Uploads

NAME = "python"


class Service:
    def __init__(
        self, settings: Settings, folders: Folders, program: Program, ffmpeg_version: str
    ) -> None:
        self.settings = settings
        self.ffmpeg_version = ffmpeg_version
        self.metrics = Metrics()
        self.uploads = Uploads(settings, folders.uploads, self.metrics)
        cutter = Cutter(settings, program, self.metrics)
        self.book = Book(settings, folders.clips, cutter, self.metrics)
        self.stopping = False
        self._janitor: asyncio.Task[None] | None = None

    def announce(self, port: int) -> None:
        """The first line on stdout."""
        event(
            "listening",
            bind=self.settings.bind,
            port=port,
            backend=NAME,
            version=__version__,
            ffmpeg=self.ffmpeg_version,
        )
        self._janitor = asyncio.create_task(
            keep_clean(self.book, self.uploads, self.settings.keep_s)
        )

    async def close(self) -> None:
        """Take nothing more, and end every ffmpeg."""
        self.stopping = True
        if self._janitor is not None:
            self._janitor.cancel()
            with suppress(asyncio.CancelledError):
                await self._janitor
        await self.book.close()
