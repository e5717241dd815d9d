"""Strikes out what has been kept long enough."""

from __future__ import annotations

import asyncio

from clip_backend.book import Book
from clip_backend.logs import failure
from clip_backend.uploads import Uploads

_MOST_S = 10.0
_LEAST_S = 0.1


async def keep_clean(book: Book, uploads: Uploads, keep_s: float) -> None:
    """Runs until it is cancelled."""
    while True:
        await asyncio.sleep(min(_MOST_S, max(_LEAST_S, keep_s / 10)))
        try:
            await book.remove_expired()
            await uploads.remove_unused()
        except OSError as error:  # the disk may be well again next time
            failure("cleaning_failed", error)
