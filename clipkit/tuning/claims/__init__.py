"""Verdicts on the claims about the original's backend, from a campaign's stored records. Pure."""

from clipkit.tuning.claims.judge import verdicts
from clipkit.tuning.claims.verdict import Effect, Finding, Fit, Outcome, Side, Verdict
from clipkit.tuning.condition import Condition

__all__ = ["Condition", "Effect", "Finding", "Fit", "Outcome", "Side", "Verdict", "verdicts"]
