"""Ids that cannot be guessed: whoever has one may read and delete what it names."""

from __future__ import annotations

import secrets


def new_id() -> str:
    """32 letters, digits, `-` and `_`: 192 random bits."""
    return secrets.token_urlsafe(24)
