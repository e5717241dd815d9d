"""All of it is written, or an error says that it is not. Stdlib only."""

from __future__ import annotations

import os


def write_whole(descriptor: int, content: bytes) -> None:
    """A disk that is nearly full takes a part at first, and says only the next time that it is full. Raises OSError."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
