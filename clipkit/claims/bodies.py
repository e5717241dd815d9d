"""Which effects may be taken as one, and which of several bodies of them a verdict is of. Pure.

What machines differ by is none of a claim's, and a service is more than the command line that it runs; so
effects of other machines, and of services and of commands alone, are never pooled. One body leads; the
others are told beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from clipkit.claims.evidence import Evidence
from clipkit.claims.verdict import Effect, Finding

LANGUAGES = {"node": "Node.js", "python": "Python", "rust": "Rust"}
"""The backends by what they are written in."""

Find = Callable[[Evidence], Iterable[Effect]]
Settle = Callable[[Sequence[Effect], Sequence[Evidence]], Iterable[Effect]]
"""What effects say of a claim that is not on time, in the light of all evidence."""


@dataclass(frozen=True, slots=True)
class Body:
    """`places`: of which evidence; `is_served`: by services. Both as far as they tell bodies apart."""

    places: frozenset[int]
    is_served: bool
    effects: tuple[Effect, ...]

    @property
    def judged(self) -> list[Effect]:
        return [effect for effect in self.effects if effect.judged]

    @property
    def applying(self) -> list[Effect]:
        return [e for e in self.judged if e.finding is not Finding.DOES_NOT_APPLY]

    @property
    def beside(self) -> tuple[Effect, ...]:
        """The same where another body leads."""
        return tuple(replace(effect, judged=False) for effect in self.effects)

    def words(self, leader: Body) -> str:
        """`the Node.js service itself, on another machine`."""
        who = _services_words(self.effects) if self.is_served else "clipkit's engine, no service"
        return who if self.places == leader.places else f"{who}, on another machine"


def one_body(find: Find, evidence: Sequence[Evidence], settle: Settle | None) -> Body:
    """Of a claim that is not on time: whether something fits is no matter of a machine's speed, and each
    condition is known without error."""
    found = [effect for own in evidence for effect in find(own)]
    settled = tuple(settle(found, evidence) if settle else found)
    return Body(frozenset(range(len(evidence))), is_served=False, effects=settled)


def bodies_of(find: Find, evidence: Sequence[Evidence], *, services_first: bool) -> list[Body]:
    """The one that leads first: services, or commands, as the claim wants it, then what most conditions
    speak of."""
    found = [tuple(find(own)) for own in evidence]
    bodies = [
        Body(frozenset({place}), is_served, tuple(e for e in effects if e.is_served is is_served))
        for place, effects in enumerate(found)
        for is_served in (False, True)
    ]
    judged = [body for body in bodies if body.judged]
    known = judged or [body for body in bodies if body.effects] or bodies[:1]
    return sorted(
        known, key=lambda body: (body.is_served is not services_first, -len(body.applying))
    )


def _services_words(effects: Iterable[Effect]) -> str:
    names = dict.fromkeys(e.after.variant.service for e in effects if e.after.variant.service)
    if len(names) > 1:
        return "the services themselves"
    return f"the {LANGUAGES.get(*names, *names)} service itself"
