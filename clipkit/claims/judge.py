"""From campaigns' tables to the verdicts: each claim's effects, what they say together, and what all
claims of one body of evidence allow to be said. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.interaction import LEVEL, holm
from clipkit.analysis.quiet import unquiet_words
from clipkit.claims import memory_words, words
from clipkit.claims.bodies import Body, bodies_of, one_body
from clipkit.claims.border import depends_on
from clipkit.claims.catalogue import CLAIMS, Claim
from clipkit.claims.evidence import Evidence, gather_runs
from clipkit.claims.outcome import outcome_of
from clipkit.claims.readings import as_one, divided_p, readings_of, shown_readings
from clipkit.claims.verdict import LevelFinding, Outcome, Reading, Verdict
from clipkit.claims.words import Told
from clipkit.plan.own_service import OWN
from clipkit.records.record import Record


@dataclass(frozen=True, slots=True)
class _Read:
    """A claim and what its own effects say: the body that leads, of it those to which the claim applies,
    `together` and by each factor; the other bodies."""

    claim: Claim
    body: Body
    others: tuple[Body, ...]
    together: LevelFinding | None
    readings: tuple[Reading, ...]


def verdicts(*tables: pd.DataFrame) -> tuple[Verdict, ...]:
    """One verdict for each claim, also where the tables hold nothing on it.

    Each table is a campaign's, with the columns of `Record`, as `records.table` reads it. A user's own server
    is none of those that the claims speak of.
    """
    evidence = gather_runs([table[table["service_argv"].fillna("") != OWN] for table in tables])
    read = {claim.id: _read(claim, evidence) for claim in CLAIMS}
    adjusted = _adjusted(read)
    shown = shown_readings({name: own.readings for name, own in read.items()}, adjusted, LEVEL)
    return tuple(
        _verdict(own, evidence, shown.get(name, ()), adjusted.get(name))
        for name, own in read.items()
    )


def _adjusted(read: Mapping[str, _Read]) -> dict[str, float]:
    """How probable each claim's division is by noise alone, among all claims that the same body decides: what
    another experiment tests is no more reason to doubt this one."""
    families: dict[tuple[frozenset[int], bool], dict[str, float]] = {}
    for name, own in read.items():
        p = divided_p(own.readings, own.claim.factors)
        if p is not None:
            families.setdefault((own.body.places, own.body.is_served), {})[name] = p
    return {name: p for family in families.values() for name, p in holm(family).items()}


def _read(claim: Claim, evidence: Sequence[Evidence]) -> _Read:
    if claim.claimed is None:
        leads, others = one_body(claim.effects, evidence, claim.settle), []
    else:
        leads, *others = bodies_of(claim.effects, evidence, services_first=claim.services_first)
    readings = readings_of(leads.applying, claim.claimed, claim.factors)
    return _Read(claim, leads, tuple(others), _together_of(leads, claim), readings)


def _together_of(body: Body, claim: Claim) -> LevelFinding | None:
    return as_one(body.applying, claim.claimed) if body.applying else None


def _verdict(
    read: _Read, evidence: Sequence[Evidence], shown: tuple[Reading, ...], p: float | None
) -> Verdict:
    claim, judged = read.claim, read.body.judged
    ended = outcome_of(judged, read.together, read.readings, shown)
    fits = tuple(fit for own in evidence for fit in claim.fits(own)) if claim.fits else ()
    nothing = ended.outcome is Outcome.NOT_MEASURED
    told = Told(read.body.effects, read.together, shown, ended.why)
    found = words.nothing_found(claim.needs) if nothing else _found(read, told)
    outcome = Outcome.NO_VERDICT if claim.no_verdict else ended.outcome
    return Verdict(
        id=claim.id,
        claim=claim.claim,
        rule=claim.rule_words,
        band=(claim.claimed.low, claim.claimed.high) if claim.claimed else None,
        outcome=outcome,
        finding=ended.finding,
        pooled=read.together.pooled if read.together else None,
        found="; ".join([claim.no_verdict or found, *memory_words.how_many_fit(fits)]),
        depends_on=depends_on(shown, {claim.factors[0].name: claim.predicted(judged)}, claim.named),
        divided_p=p,
        holds_for=words.holds_for(judged),
        effects=(*read.body.effects, *(e for body in read.others for e in body.beside)),
        together=_together(read.together, shown),
        fits=fits,
        unmeasured=() if nothing else (*claim.unmeasured, *_unmeasured(read, evidence)),
    )


def _found(read: _Read, told: Told) -> str:
    """What the body that leads says; then each other one by itself."""
    found = read.claim.found(told)
    if not read.others:
        return found
    said = [f"{read.body.words(read.body)}: {found}"]
    for body in read.others:
        alone = Told(body.effects, _together_of(body, read.claim), (), "")
        said.append(f"beside it {body.words(read.body)}: {read.claim.found(alone)}")
    return "; ".join(said)


def _together(
    together: LevelFinding | None, shown: tuple[Reading, ...]
) -> tuple[LevelFinding, ...]:
    if shown:
        return shown[0].levels
    return (together,) if together else ()


def _unmeasured(read: _Read, evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """What no verdict on this body of evidence shows."""
    own = [evidence[place] for place in sorted(read.body.places)]
    runs = [record for each in own for record in each.all_runs()]
    said = []
    blocks = len({record.block for record in runs})
    if blocks < 3:
        said.append(f"only {blocks} blocks were measured: the intervals lean on the pooled noise")
    if noise := unquiet_words(runs):
        said.append(noise)
    said += _crowded(runs)
    lengths = {condition.clips for each in own for condition in each.runs}
    if lengths:
        said.append(f"jobs of other than {words.and_listed(sorted(lengths))} clips")
    said.append("other films: content, codec and key frames decide how much is decoded")
    return tuple(said)


def _crowded(runs: Sequence[Record]) -> list[str]:
    """That a service's host was no host of its size, since the client took of its cores what it promises."""
    crowded = [run for run in runs if run.served.service_crowded]
    if not crowded:
        return []
    quotas = dict.fromkeys(fmt.cpus(run.cpu_quota) for run in crowded)
    return [
        f"a whole host of {words.and_listed(quotas)}: there the client took part of the machine's cores, of every "
        "service alike"
    ]
