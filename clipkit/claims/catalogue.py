"""The claims of the original's analysis, each with its effects, its size and what it may depend on.

To add one: its effects, its rule in `rules`, an entry here. A claim of several parts has an entry for each.
Those that need the three services beside each other say so in `needs` until a campaign of theirs is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from clipkit.claims import (
    bigger_plan,
    capacity,
    changes,
    language_memory,
    language_words,
    languages,
    memory_words,
    orchestrator,
    parallel,
    rules,
    words,
)
from clipkit.claims.bodies import Settle
from clipkit.claims.evidence import Evidence
from clipkit.claims.factors import (
    AT_ONCE,
    COMPARED,
    LINES,
    MOMENT,
    PICTURE,
    PLACE,
    SERVICE_OF,
    THREADS,
    Factor,
)
from clipkit.claims.rules import Claimed
from clipkit.claims.verdict import Effect, Finding, Fit
from clipkit.claims.words import Told

LANGUAGES = "experiments/languages.toml"
"""What measures the three services; the claims about them wait for it."""
PLANS = "experiments/plans.toml"
"""What measures one service on plans whose prices are known."""


def _none(_evidence: Evidence) -> Iterable[Effect]:
    return ()


def _no_border(_effects: Sequence[Effect]) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Claim:
    """`effects` finds what the records say of it; `found` puts that into a sentence, after which come
    the `fits`, where the claim speaks of what fits; `settle` sees its effects in the light of all evidence. Of the `factors` the first is what the claim turns
    on by its own words or by a law; `predicted` says where that law puts the border. `services_first`: it
    speaks of services, so that of these it is judged where they were measured. `needs`: the experiment
    without which nothing is known. `no_verdict`: what stands in place of one, in words. `named`: what a
    finding means of this claim."""

    id: str
    claim: str
    rule: Claimed | str = ""
    effects: Callable[[Evidence], Iterable[Effect]] = _none
    found: Callable[[Told], str] = words.time_found
    factors: tuple[Factor, ...] = PLACE
    fits: Callable[[Evidence], tuple[Fit, ...]] | None = None
    settle: Settle | None = None
    predicted: Callable[[Sequence[Effect]], str] = _no_border
    unmeasured: tuple[str, ...] = ()
    services_first: bool = False
    needs: str | None = None
    no_verdict: str | None = None
    named: Mapping[Finding, str] = field(default_factory=dict)

    @property
    def claimed(self) -> Claimed | None:
        return self.rule if isinstance(self.rule, Claimed) else None

    @property
    def rule_words(self) -> str:
        return self.rule.rule if isinstance(self.rule, Claimed) else self.rule


_FOUR_CLIPS = "jobs of 12 clips: where three at once cut 4, the last runs alone, which is to their disadvantage"
_LONG_LIFE = (
    "memory after 50 jobs, and while 500 MB arrive (experiments/benchmarks/service_memory.py does)"
)
_QUALITY = "quality (VMAF) was not measured: that the pictures are better is taken on trust"

CLAIMS = (
    Claim(
        "C1",
        "FFmpeg is the bottleneck; the orchestrator's language hardly matters for one clip",
        rules.ORCHESTRATOR,
        orchestrator.orchestrator_effects,
        language_words.bound_by_service,
        (SERVICE_OF, *PLACE),
        unmeasured=(
            "of runs without a service the orchestrator is clipkit's engine (Python), not Node.js: what "
            "another one needs more or less is not shown, only what it could save there, and what it waits "
            "without working is not bounded",
        ),
        services_first=True,
    ),
    Claim(
        "C2",
        "clips must be cut one after another: parallel ones do not fit into 512 MB",
        rules.ONE_AFTER_ANOTHER,
        parallel.parallel_effects,
        memory_words.peaks_at_once,
        (PICTURE, THREADS, AT_ONCE, *(place for place in PLACE if place is not LINES)),
        parallel.fits_at_once,
        parallel.beside_the_service,
        named={Finding.AS_CLAIMED: "they do not fit", Finding.OPPOSITE: "they fit"},
        unmeasured=("two at once where three ran out",),
    ),
    Claim(
        "C3",
        "a Rust orchestrator is 2 to 5 times faster when clips run in parallel",
        rules.PARALLEL,
        languages.parallel_time_effects,
        language_words.language_times,
        unmeasured=(_FOUR_CLIPS,),
        services_first=True,
        needs=LANGUAGES,
    ),
    Claim(
        "C4a",
        "a Rust orchestrator needs 50 to 70 % less memory than Node.js",
        rules.LESS_MEMORY,
        language_memory.less_memory_effects,
        language_words.less_memory,
        (MOMENT, *PLACE),
        unmeasured=(_LONG_LIFE,),
        services_first=True,
        needs=LANGUAGES,
    ),
    Claim(
        "C4b",
        "so that 3 to 5 clips run in parallel in the same 512 MB where Node.js runs 1",
        rules.MORE_CLIPS,
        capacity.room_effects,
        language_words.room_at_once,
        needs=LANGUAGES,
    ),
    Claim(
        "C4c",
        "12 clips then take 48 s instead of 144 s (3 times as fast)",
        rules.THREE_TIMES,
        languages.whole_change_effects,
        words.time_found,
        unmeasured=(_FOUR_CLIPS,),
        services_first=True,
        needs=LANGUAGES,
    ),
    Claim(
        "C5a",
        "a Python orchestrator is as fast as Node.js or slightly slower",
        rules.AS_FAST,
        languages.python_time_effects,
        language_words.language_times,
        services_first=True,
        needs=LANGUAGES,
    ),
    Claim(
        "C5b",
        "a Python orchestrator needs more memory than Node.js",
        rules.MORE_MEMORY,
        language_memory.more_memory_effects,
        language_words.more_memory,
        (MOMENT, *PLACE),
        unmeasured=(_LONG_LIFE,),
        services_first=True,
        needs=LANGUAGES,
    ),
    Claim(
        "C5c",
        "a Python orchestrator stays limited to one clip after another: no improvement",
        rules.STAYS_ONE,
        languages.parallel_gain_effects,
        language_words.parallel_gain,
        unmeasured=(_FOUR_CLIPS,),
        services_first=True,
        needs=LANGUAGES,
    ),
    Claim(
        "C6",
        "three clips at once instead of one are a quick win, if memory allows",
        rules.MORE_AT_ONCE,
        changes.CONCURRENCY.effects,
        predicted=words.predicted_border,
    ),
    Claim(
        "C7",
        "four encoder threads instead of one are a quick win, if CPU allows",
        rules.MORE_THREADS,
        changes.THREADS.effects,
    ),
    Claim(
        "C8",
        "preset veryfast instead of ultrafast is better quality, still fast (judged: still fast)",
        rules.STILL_FAST,
        changes.BETTER_PRESET.effects,
        words.times_and_sizes,
        unmeasured=(_QUALITY,),
    ),
    Claim(
        "C9",
        "all three together make the backend 1.5 to 2 times faster without a migration",
        rules.ALL_TOGETHER,
        changes.TOGETHER.effects,
        services_first=True,
    ),
    Claim(
        "C10",
        "a larger hosting plan gives more parallelism and faster encoding: is it worth its price? (judged: a clip "
        "costs no more there)",
        rules.WORTH_ITS_PRICE,
        bigger_plan.plan_effects,
        bigger_plan.price_found,
        unmeasured=(
            "a plan's price is shared by its clips: at a load that the smaller plan carries in time, the larger "
            "one costs more in any case, and buys shorter waits alone",
            "how fast the provider's cores are: of both plans alike, so that the ratios hold and the USD need not",
            "each plan's best settings were chosen by these same runs, which flatters them a little",
        ),
        services_first=True,
        needs=PLANS,
    ),
    Claim(
        "C11",
        "optimise first; if that is not enough, migrate to Rust, not to Python",
        no_verdict="what each way brings, at which cost, is a table, with a rule to decide by",
    ),
    Claim(
        "C12",
        "Python has the better FFmpeg libraries: easier to use (judged: at no price in time)",
        rules.NO_PRICE,
        changes.moviepy_effects,
        memory_words.price_of_ease,
        unmeasured=(
            "how easy a library is was not measured",
            "moviepy re-encodes the sound, the original copies it: that is part of the price",
            "ffmpeg-python only writes the command line and starts it: the same work as the original's",
        ),
    ),
    Claim(
        "C13",
        "all that can be had is a speed-up of 2 to 3 times, not 10 times (judged: at most 3 times)",
        rules.AT_MOST,
        changes.best_effects,
        factors=(COMPARED, *PLACE),
        unmeasured=("clipkit's best was chosen by these same runs, which flatters it a little",),
    ),
)
