"""The uploads: taken in as they come, kept by id, deleted when nothing waits for them."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiofiles.os

from clip_backend.config import Settings
from clip_backend.form import AROUND_THE_FILE_BYTES, VideoForm, too_large
from clip_backend.ids import new_id
from clip_backend.logs import event
from clip_backend.metrics import Metrics
from clip_backend.problems import Problem
from clip_backend.sinks import new_sink

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(slots=True)
class Upload:
    id: str
    path: Path
    bytes: int
    jobs: int = 0  # that wait or run
    idle_since: float = field(default_factory=time.monotonic)


class Uploads:
    def __init__(self, settings: Settings, folder: Path, metrics: Metrics) -> None:
        self._settings = settings
        self._folder = folder
        self._metrics = metrics
        self._known: dict[str, Upload] = {}

    async def take(
        self, blocks: AsyncIterator[bytes], boundary: bytes, announced_bytes: int | None
    ) -> Upload:
        """Write the file of the form in `blocks` to disk. Raises Problem; then nothing is left."""
        most = self._settings.max_upload_bytes
        if announced_bytes is not None and announced_bytes > most + AROUND_THE_FILE_BYTES:
            raise too_large(most)
        upload_id = new_id()
        target = self._folder / upload_id
        form = VideoForm(boundary, most)
        sink = new_sink(self._settings.upload_to, target)
        body_bytes = 0
        try:
            async for block in blocks:
                body_bytes += len(block)
                if body_bytes > most + AROUND_THE_FILE_BYTES:
                    raise too_large(most)
                if data := form.feed(block):
                    await sink.write(data)
            form.check_whole()
            await sink.place()
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise Problem(507, "there is no space for the file") from None
            raise
        finally:
            # Shielded: what is broken off must be gone even where its task is cancelled.
            await asyncio.shield(sink.discard())
        return self._keep(Upload(upload_id, target, form.file_bytes))

    def get(self, upload_id: str) -> Upload | None:
        return self._known.get(upload_id)

    async def delete(self, upload_id: str) -> None:
        """Raises Problem."""
        upload = self._known.get(upload_id)
        if upload is None:
            raise unknown_upload()
        if upload.jobs:
            raise Problem(409, "a job that waits or runs uses this upload")
        await self._remove(upload, "upload_deleted")

    async def remove_unused(self) -> None:
        """Those that no job has used for as long as they are kept."""
        old = time.monotonic() - self._settings.keep_s
        for upload in list(self._known.values()):
            gone = upload.id not in self._known  # by a client, while another was removed
            if not gone and not upload.jobs and upload.idle_since <= old:
                await self._remove(upload, "upload_expired")

    def _keep(self, upload: Upload) -> Upload:
        self._known[upload.id] = upload
        self._metrics.uploads.inc()
        self._metrics.upload_bytes.inc(upload.bytes)
        event("upload_taken", upload=upload.id, bytes=upload.bytes)
        return upload

    async def _remove(self, upload: Upload, why: str) -> None:
        del self._known[upload.id]  # first: no job may begin with it while its file goes
        with suppress(FileNotFoundError):
            await aiofiles.os.unlink(upload.path)
        event(why, upload=upload.id)


def unknown_upload() -> Problem:
    return Problem(404, "there is no such upload")
