"""From a campaign's table to the verdicts: each claim, its effects, its rule. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from clipkit.analysis.quiet import unquiet_words
from clipkit.claims import changes, orchestrator, parallel, rules, words
from clipkit.claims.border import AT_ONCE, COMPARED, PLACE, WHO, Factor, depends_on
from clipkit.claims.evidence import Evidence, gather_runs
from clipkit.claims.rules import Band
from clipkit.claims.verdict import Effect, Fit, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class _Claim:
    """`effects` finds what the records say of it; `found` puts that into a sentence, after which come
    the `fits`, where the claim speaks of what fits. To add one: its effects, an entry in _CLAIMS."""

    id: str
    claim: str
    rule: Band | str
    effects: Callable[[Evidence], Iterable[Effect]]
    found: Callable[[Sequence[Effect]], str] = words.range_of_speedups
    factors: tuple[Factor, ...] = PLACE
    fits: Callable[[Evidence], tuple[Fit, ...]] | None = None
    unmeasured: tuple[str, ...] = ()


_QUALITY = "quality (VMAF) was not measured: that the pictures are better is taken on trust"

_CLAIMS = (
    _Claim(
        "C1",
        "FFmpeg is the bottleneck; the orchestrator's language hardly matters for one clip",
        rules.ORCHESTRATOR,
        orchestrator.orchestrator_effects,
        words.bound_of_rewrite,
        unmeasured=(
            "the orchestrator measured is clipkit's engine (Python), not Node.js: what another "
            "one needs more or less is not shown, only what it could save here",
            "what it waits without working is not bounded",
        ),
    ),
    _Claim(
        "C2",
        "clips must be cut one after another: parallel ones do not fit into 512 MB",
        rules.ONE_AFTER_ANOTHER,
        parallel.parallel_effects,
        words.peaks_at_once,
        (WHO, AT_ONCE, *PLACE),
        parallel.fits_at_once,
    ),
    _Claim(
        "C6",
        "three clips at once instead of one are a quick win, if memory allows",
        rules.QUICK_WIN,
        changes.CONCURRENCY.effects,
    ),
    _Claim(
        "C7",
        "four encoder threads instead of one are a quick win, if CPU allows",
        rules.QUICK_WIN,
        changes.THREADS.effects,
    ),
    _Claim(
        "C8",
        "preset veryfast instead of ultrafast is better quality, still fast (judged: still fast)",
        rules.STILL_FAST,
        changes.BETTER_PRESET.effects,
        words.times_and_sizes,
        unmeasured=(_QUALITY,),
    ),
    _Claim(
        "C9",
        "all three together make the backend 1.5 to 2 times faster without a migration",
        rules.ALL_TOGETHER,
        changes.TOGETHER.effects,
    ),
    _Claim(
        "C12",
        "Python has the better FFmpeg libraries: easier to use (judged: at no price in time)",
        rules.NO_PRICE,
        changes.moviepy_effects,
        words.price_of_ease,
        unmeasured=(
            "how easy a library is was not measured",
            "moviepy re-encodes the sound, the original copies it: that is part of the price",
            "ffmpeg-python only writes the command line and starts it: the same work as the original's",
        ),
    ),
    _Claim(
        "C13",
        "all that can be had is a speed-up of 2 to 3 times, not 10 times",
        rules.AT_MOST,
        changes.best_effects,
        factors=(COMPARED, *PLACE),
        unmeasured=("clipkit's best was chosen by these same runs, which flatters it a little",),
    ),
)


def verdicts(table: pd.DataFrame) -> tuple[Verdict, ...]:
    """One verdict for each claim, also where the table holds nothing on it.

    `table` has the columns of `Record`, as `records.table` reads it.
    """
    evidence = gather_runs(table)
    everywhere = _unmeasured(evidence)
    return tuple(_verdict(claim, evidence, everywhere) for claim in _CLAIMS)


def _verdict(claim: _Claim, evidence: Evidence, everywhere: tuple[str, ...]) -> Verdict:
    effects = tuple(claim.effects(evidence))
    band = claim.rule if isinstance(claim.rule, Band) else None
    judged = [effect for effect in effects if effect.judged]
    outcome = rules.overall(effects)
    fits = claim.fits(evidence) if claim.fits else ()
    nothing = outcome is Outcome.NOT_MEASURED
    found = "no record speaks of it" if nothing else claim.found(effects)
    return Verdict(
        id=claim.id,
        claim=claim.claim,
        rule=band.rule if band else str(claim.rule),
        band=(band.low, band.high) if band else None,
        outcome=outcome,
        found="; ".join([found, *words.how_many_fit(fits)]),
        depends_on=depends_on(judged, claim.factors),
        holds_for=words.holds_for(judged),
        effects=effects,
        fits=fits,
        unmeasured=() if nothing else (*claim.unmeasured, *everywhere),
    )


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
