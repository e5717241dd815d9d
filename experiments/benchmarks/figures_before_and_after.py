"""Every figure in two sets of reports that differs, with the rule that changed it; any other is a fault.

    python experiments/benchmarks/figures_before_and_after.py BEFORE AFTER

BEFORE and AFTER hold campaigns of the same names, each with the `report.html` that one version of clipkit
wrote of the same records (`clipkit report` of a copy). A line is a table's row or a sentence. Ends with 1
where a line differs and no rule of RULES says why.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

BLOCKS = {
    "p",
    "li",
    "tr",
    "pre",
    "h1",
    "h2",
    "h3",
    "h4",
    "caption",
    "summary",
    "figcaption",
    "dt",
    "dd",
}
CELLS = {"td", "th"}
SKIPPED = {"style", "script", "svg", "title"}

STANDING = (
    "one definition of best, tied and recommended (records/best): the recommended settings are marked, "
    "the least memory of all that cannot be told apart from the fastest; tied is told within one picture"
)
SHOWN = "what is shown in full is the recommended cell, as everywhere, no longer the fastest"
VIEW = "every notebook names its campaign; a narrowed view says so, on every picture too"
WORDS = "one wording for a margin, for what does not count, for a setting's help: no figure differs"
NAMES = "the campaigns lie in another folder for this comparison: no figure differs"

ALIKE: tuple[tuple[str, str, str], ...] = (
    (r" \|( fastest| tie| recommended)?,?( Pareto front)?$", r"\2", STANDING),
    (r"(chosen: the most headroom|recommended: the least memory)$", "", STANDING),
    (r"Outlined: .*", "", STANDING),
    (r"(: the fastest|: recommended), or within", "", STANDING),
    (r"\.? Shown: [^\]]*", "", VIEW),
    (r"leaves 10(\.0)? %", "", WORDS),
    (r"interrupted(, which does not count| and repeated)", "", WORDS),
    (
        r"(Of the fastest, of the one that|Of the recommended settings, of those that) took",
        "",
        WORDS,
    ),
    (r"\| encode \| encode \| .*", "", WORDS),
    (r"^(Campaign \S+ in) \S+$", r"\1", NAMES),
)
"""Pattern and what stands for it: two lines that are the same after it differ by that rule alone."""

HEADINGS = {"Memory over time": SHOWN, "From a cell to its command line and log": SHOWN}
"""Below these, which run is shown differs; its own figures are those of the records."""

ALONE: tuple[tuple[str, str], ...] = (
    (r"^Shown: .*\.$", VIEW),
    (r"^Campaign \S+ in \S+\.$", VIEW),
)
"""Lines that are only in one of the two."""

Line = tuple[str, str]


@dataclass(slots=True)
class Lines(HTMLParser):
    """The text of a page, a line a block with the heading above it; the cells of a row with bars
    between."""

    found: list[Line] = field(default_factory=list)
    _heading: str = ""
    _text: list[str] = field(default_factory=list)
    _skipping: int = 0

    def __post_init__(self) -> None:
        HTMLParser.__init__(self, convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SKIPPED:
            self._skipping += 1
        if tag in BLOCKS:
            self._end()
        if tag in CELLS and self._text:
            self._text.append(" | ")
        if tag == "img":
            self._text.append(f" [picture: {dict(attrs).get('alt')}] ")

    def handle_endtag(self, tag: str) -> None:
        if tag in SKIPPED:
            self._skipping -= 1
        if tag in BLOCKS:
            self._end(is_heading=tag in {"h1", "h2", "h3"})

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self._text.append(data)

    def _end(self, is_heading: bool = False) -> None:
        line = " ".join("".join(self._text).split())
        self._text.clear()
        if is_heading:
            self._heading = line.rstrip("¶")
        if line:
            self.found.append((self._heading, line))


def lines(report: Path) -> list[Line]:
    parser = Lines()
    parser.feed(report.read_text("utf-8"))
    parser.close()
    return parser.found


def differing(before: list[Line], after: list[Line]) -> Iterator[tuple[str, str, str]]:
    """Heading, and a line that is gone with the one most like it that is new; either may be empty.

    Where a row stands is no figure: rows that only moved are none.
    """
    gone, new = Counter(before), Counter(after)
    gone, new = gone - new, new - gone
    left = list(new.elements())
    for heading, line in gone.elements():
        own = [other for above, other in left if above == heading]
        ruled = [other for other in own if rule_of(heading, line, other)]
        close = ruled[:1] or difflib.get_close_matches(line, own, n=1, cutoff=0.6)
        if close:
            left.remove((heading, close[0]))
        yield heading, line, close[0] if close else ""
    yield from ((heading, "", line) for heading, line in left)


def rule_of(heading: str, old: str, new: str) -> str | None:
    for pattern, stands, rule in ALIKE:
        if old and new and re.sub(pattern, stands, old) == re.sub(pattern, stands, new):
            return rule
    if heading in HEADINGS:
        return HEADINGS[heading]
    line = old or new
    return next(
        (rule for pattern, rule in ALONE if not (old and new) and re.search(pattern, line)), None
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    asked = parser.parse_args()
    faults, ruled = 0, Counter[str]()
    for report in sorted(asked.before.glob("*/report.html")):
        name = report.parent.name
        pages = lines(report), lines(asked.after / name / "report.html")
        for heading, old, new in differing(*pages):
            rule = rule_of(heading, old, new)
            faults += rule is None
            ruled[rule or "FAULT: no rule says why"] += 1
            print(
                f"{name}, {heading}: {rule or 'FAULT'}\n  - {old or '(not there)'}\n  + {new or '(gone)'}"
            )
    for rule, count in ruled.most_common():
        print(f"{count:5}  {rule}")
    sys.exit(faults > 0)


if __name__ == "__main__":
    main()
