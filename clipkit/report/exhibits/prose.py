"""Sentences as HTML, escaped: names of uploads and commands come from strangers."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

_CODE = re.compile(r"`([^`]+)`")


def prose(text: str) -> str:
    """A sentence as HTML: escaped, with `code` between backticks."""
    return _CODE.sub(r"<code>\1</code>", html.escape(text))


def html_list(lines: Iterable[str]) -> str:
    """Sentences as a list."""
    return f"<ul>{''.join(f'<li>{prose(line)}</li>' for line in lines)}</ul>"
