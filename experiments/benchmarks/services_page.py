"""Writes the tables of results/SERVICES.md anew, from the stored records.

    python experiments/benchmarks/services_page.py

The sentences between them are written by hand: `tests/end_to_end/test_reference.py` compares the tables, and the
figures in the sentences are theirs.
"""

from __future__ import annotations

from clipkit import resources
from clipkit.report.exhibits.services_page import PAGE, services_blocks, with_blocks


def main() -> None:
    results = resources.folder("results")
    page = results / PAGE
    page.write_text(with_blocks(page.read_text("utf-8"), services_blocks(results)), "utf-8")


if __name__ == "__main__":
    main()
