"""What the pages in git tell of the claims: the blocks of `results/CLAIMS.md` and of the README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from clipkit.claims import Verdict, claim_sentence, verdicts
from clipkit.claims.decomposition import decomposition
from clipkit.claims.which_way import which_way
from clipkit.report.exhibits.claim_exhibits import (
    outcomes_in_a_line,
    parts_markdown,
    verdicts_markdown,
)

_IN_A_SENTENCE = ("C6", "C7", "C8", "C9", "C10")
_IN_A_LINE = ("C1", "C3", "C4a", "C4b", "C4c", "C5a", "C5b", "C5c")
"""What the README tells: the quick wins and the plans each in a sentence, of the languages how each came out."""


def claims_blocks(tables: Sequence[pd.DataFrame]) -> dict[str, Mapping[str, str]]:
    """Page -> what stands there between `<!-- NAME -->` and `<!-- end -->`, by its name."""
    found = verdicts(*tables)
    page = {
        "claims": verdicts_markdown(found),
        "parts": parts_markdown(*decomposition(*tables)),
        "ways": which_way(*tables).markdown(),
    }
    return {"results/CLAIMS.md": page, "README.md": {"claims": _for_the_readme(found)}}


def _for_the_readme(found: Sequence[Verdict]) -> str:
    known = {verdict.id: verdict for verdict in found}
    lines = [f"- {claim_sentence(known[name])}\n" for name in _IN_A_SENTENCE]
    languages = outcomes_in_a_line([known[name] for name in _IN_A_LINE])
    return "".join([*lines, f"- Of the languages, told the same: {languages}"])
