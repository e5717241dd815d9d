"""Verdicts on the claims about the original's backend, from a campaign's stored records. Pure."""

from clipkit.claims.judge import verdicts
from clipkit.claims.telling import claim_sentence, tally_words, verdict_words
from clipkit.claims.verdict import Effect, Finding, Fit, Outcome, Side, Verdict
from clipkit.records.condition import Condition

__all__ = [
    "Condition",
    "Effect",
    "Finding",
    "Fit",
    "Outcome",
    "Side",
    "Verdict",
    "claim_sentence",
    "tally_words",
    "verdict_words",
    "verdicts",
]
