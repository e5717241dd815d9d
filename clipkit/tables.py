"""Tables for a page and for a terminal; every cell is escaped: names of uploads come from strangers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clipkit import format as fmt
from clipkit.masked import escaped, fit_to_send

_LONG_ROWS, _LONG_CARD = 10, 20
"""A longer table is closed on a page and in a notebook, to be opened by a click; what names one thing
a row is a card, and may be longer."""

_UNIT = "( (s|kB|MB|GB|%)|x)?"
_NUMBER = re.compile(rf"-?[\d.]+{_UNIT}( – [\d.]+{_UNIT})?|unknown|–|")


@dataclass(frozen=True, slots=True)
class Table:
    """Words in rows and columns; `marked` rows stand out. Numbers are aligned to the right. `whole`: shown
    open however long it is."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    marked: frozenset[int] = frozenset()
    whole: bool = False

    def __repr__(self) -> str:
        return fmt.brief(self, f"{len(self.rows)} rows of {', '.join(filter(None, self.heads))}")

    def _repr_html_(self) -> str:
        """Closed where it is long."""
        table = self.whole_html()
        if self.whole or len(self.rows) <= (_LONG_CARD if len(self.heads) <= 2 else _LONG_ROWS):
            return table
        return f"<details><summary>Table of {len(self.rows)} rows</summary>{table}</details>"

    def whole_html(self) -> str:
        """Open however long it is."""
        right = [self._is_numeric(column) for column in range(len(self.heads))]
        head = _row("th", self.heads, right)
        body = "".join(
            _row("td", row, right, "marked" if index in self.marked else "")
            for index, row in enumerate(self.rows)
        )
        caption = f"<caption>{escaped(self.caption)}</caption>" if self.caption else ""
        return (
            f'<div class="clipkit-table" style="overflow-x:auto"><table>{caption}'
            f"<thead>{head}</thead><tbody>{body}</tbody></table></div>"
        )

    def lines(self) -> list[str]:
        """The table for a terminal, its columns aligned; the caption is left out."""
        right = [self._is_numeric(column) for column in range(len(self.heads))]
        widths = [max(map(len, column)) for column in zip(self.heads, *self.rows, strict=True)]
        written = [
            "  ".join(
                cell.rjust(width) if is_right else cell.ljust(width)
                for cell, width, is_right in zip(row, widths, right, strict=True)
            )
            for row in (self.heads, *self.rows)
        ]
        return [fmt.printable(line.replace("\n", " ")).rstrip() for line in written]

    def markdown(self) -> str:
        """The table for a README; it ends with a line feed, and leaves the caption out."""
        lines = (self.heads, ("---",) * len(self.heads), *self.rows)
        written = (" | ".join(map(_in_markdown, line)) for line in lines)
        return "".join(f"| {line} |\n" for line in written)

    def _is_numeric(self, column: int) -> bool:
        cells = [row[column] for row in self.rows]
        return any(cells) and all(_NUMBER.fullmatch(cell) for cell in cells)


def _in_markdown(cell: str) -> str:
    """On one line, and nothing in it a tag, a link or the end of a cell."""
    text = fmt.printable(" ".join(fit_to_send(cell).split()))
    for mark in "\\|[]":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _row(tag: str, cells: Sequence[str], right: Sequence[bool], css_class: str = "") -> str:
    attribute = f' class="{css_class}"' if css_class else ""
    written = "".join(
        _cell(tag, cell, is_right) for cell, is_right in zip(cells, right, strict=True)
    )
    return f"<tr{attribute}>{written}</tr>"


def _cell(tag: str, text: str, is_right: bool) -> str:
    look = "text-align:right" if is_right else "text-align:left"
    if is_right and tag == "td":
        look += ";white-space:nowrap"  # a number stays with its unit
    return f'<{tag} style="{look}">{escaped(text)}</{tag}>'
