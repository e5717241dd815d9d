"""Fills the blocks of `results/CLAIMS.md` and of the README about the claims anew, from the campaigns that
CLAIMS.md names in its own command line.

    python experiments/benchmarks/claims_page.py
"""

from __future__ import annotations

import re
from pathlib import Path

from clipkit.records.table import read_table
from clipkit.report.exhibits.claims_page import claims_blocks
from clipkit.report.exhibits.services_page import with_blocks

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    command = re.search(
        r"^clipkit claims (.*) --markdown$", (ROOT / "results/CLAIMS.md").read_text("utf-8"), re.M
    )
    if command is None:
        raise SystemExit("results/CLAIMS.md has no line `clipkit claims … --markdown`")
    tables = [read_table(ROOT / folder) for folder in command[1].split()]
    for page, blocks in claims_blocks(tables).items():
        text = (ROOT / page).read_text("utf-8")
        (ROOT / page).write_text(with_blocks(text, dict(blocks)), "utf-8")
        print(page)


if __name__ == "__main__":
    main()
