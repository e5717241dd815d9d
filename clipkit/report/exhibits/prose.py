"""Sentences as HTML, escaped: names of uploads and commands come from strangers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from clipkit.masked import escaped

_NUMBER = re.compile(r"(?:less than )?(\d+(?:\.\d+)?)(?= %)")
_CODE = re.compile(r"`([^`]+)`")


def prose(text: str) -> str:
    """A sentence as HTML: escaped, with `code` between backticks."""
    return _CODE.sub(r"<code>\1</code>", escaped(text))


def said_once(lines: Iterable[str]) -> list[str]:
    """Sentences that differ in their figures alone are said once, with the largest."""
    largest: dict[str, tuple[float, str]] = {}
    for line in lines:
        figures = [float(number) for number in _NUMBER.findall(line)]
        known = largest.get(_NUMBER.sub("", line))
        if known is None or max(figures, default=0) > known[0]:
            largest[_NUMBER.sub("", line)] = (max(figures, default=0), line)
    return [line for _, line in largest.values()]


def html_list(lines: Iterable[str]) -> str:
    """Sentences as a list."""
    return f"<ul>{''.join(f'<li>{prose(line)}</li>' for line in lines)}</ul>"
