"""From a campaign's table to the verdicts: each claim's effects, what they say together, and what all
claims together allow to be said. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from clipkit.analysis.interaction import LEVEL, holm
from clipkit.analysis.quiet import unquiet_words
from clipkit.claims import memory_words, words
from clipkit.claims.border import depends_on
from clipkit.claims.catalogue import CLAIMS, Claim
from clipkit.claims.evidence import Evidence, gather_runs
from clipkit.claims.outcome import outcome_of
from clipkit.claims.readings import as_one, divided_p, readings_of, shown_readings
from clipkit.claims.verdict import Effect, Finding, LevelFinding, Outcome, Reading, Verdict
from clipkit.claims.words import Told


@dataclass(frozen=True, slots=True)
class _Read:
    """A claim and what its own effects say; of those to which it applies, `together` and by each factor."""

    claim: Claim
    effects: tuple[Effect, ...]
    together: LevelFinding | None
    readings: tuple[Reading, ...]


def verdicts(table: pd.DataFrame) -> tuple[Verdict, ...]:
    """One verdict for each claim, also where the table holds nothing on it.

    `table` has the columns of `Record`, as `records.table` reads it.
    """
    evidence = gather_runs(table)
    everywhere = _unmeasured(evidence)
    read = {claim.id: _read(claim, evidence) for claim in CLAIMS}
    divided = {name: divided_p(own.readings, own.claim.factors) for name, own in read.items()}
    adjusted = holm({name: p for name, p in divided.items() if p is not None})
    shown = shown_readings({name: own.readings for name, own in read.items()}, adjusted, LEVEL)
    return tuple(
        _verdict(own, evidence, shown.get(name, ()), adjusted.get(name), everywhere)
        for name, own in read.items()
    )


def _read(claim: Claim, evidence: Evidence) -> _Read:
    effects = tuple(claim.effects(evidence))
    applying = [e for e in effects if e.judged and e.finding is not Finding.DOES_NOT_APPLY]
    readings = readings_of(applying, claim.claimed, claim.factors)
    together = as_one(applying, claim.claimed) if applying else None
    return _Read(claim, effects, together, readings)


def _verdict(
    read: _Read,
    evidence: Evidence,
    shown: tuple[Reading, ...],
    p: float | None,
    everywhere: tuple[str, ...],
) -> Verdict:
    claim, effects = read.claim, read.effects
    judged = [effect for effect in effects if effect.judged]
    ended = outcome_of(judged, read.together, read.readings, shown)
    fits = claim.fits(evidence) if claim.fits else ()
    told = Told(effects, read.together, shown, ended.why)
    nothing = ended.outcome is Outcome.NOT_MEASURED
    found = words.nothing_found(claim.needs) if nothing else claim.found(told)
    return Verdict(
        id=claim.id,
        claim=claim.claim,
        rule=claim.rule_words,
        band=(claim.claimed.low, claim.claimed.high) if claim.claimed else None,
        outcome=ended.outcome,
        finding=ended.finding,
        pooled=read.together.pooled if read.together else None,
        found="; ".join([found, *memory_words.how_many_fit(fits)]),
        depends_on=depends_on(shown, {claim.factors[0].name: claim.predicted(judged)}, claim.named),
        divided_p=p,
        holds_for=words.holds_for(judged),
        effects=effects,
        together=_together(read.together, shown),
        fits=fits,
        unmeasured=() if nothing else (*claim.unmeasured, *everywhere),
    )


def _together(
    together: LevelFinding | None, shown: tuple[Reading, ...]
) -> tuple[LevelFinding, ...]:
    if shown:
        return shown[0].levels
    return (together,) if together else ()


def _unmeasured(evidence: Evidence) -> tuple[str, ...]:
    """What no verdict of this campaign shows."""
    runs = list(evidence.all_runs())
    said = []
    blocks = len({record.block for record in runs})
    if blocks < 3:
        said.append(f"only {blocks} blocks were measured: the intervals lean on the pooled noise")
    if noise := unquiet_words(runs):
        said.append(noise)
    lengths = {c.clips for c in evidence.runs}
    if lengths:
        said.append(f"jobs of other than {words.and_listed(sorted(lengths))} clips")
    said.append("other films: content, codec and key frames decide how much is decoded")
    return tuple(said)
