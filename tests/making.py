"""What a film is made with: the type of the fixture `make`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Make = Callable[..., Path]
