"""Verdicts on the claims about the original's backend, from a campaign's stored records. Pure."""

from clipkit.tuning.claims.judge import verdicts
from clipkit.tuning.claims.verdict import Condition, Effect, Finding, Fit, Outcome, Side, Verdict

__all__ = ["Condition", "Effect", "Finding", "Fit", "Outcome", "Side", "Verdict", "verdicts"]
