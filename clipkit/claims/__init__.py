"""Verdicts on the claims about the original's backend, from a campaign's stored records. Pure."""

from clipkit.claims.judge import verdicts
from clipkit.claims.verdict import Effect, Finding, Fit, Outcome, Side, Verdict
from clipkit.records.condition import Condition

__all__ = ["Condition", "Effect", "Finding", "Fit", "Outcome", "Side", "Verdict", "verdicts"]
