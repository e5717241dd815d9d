"""From what conditions say together to an outcome, on invented levels."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inventing_claims import ORIGINAL, cut, table

from clipkit.claims import Finding, Outcome, verdicts
from clipkit.claims.border import depends_on
from clipkit.claims.outcome import outcome_of
from clipkit.claims.verdict import Effect, LevelFinding, Reading

HOLDS = {Finding.AS_CLAIMED: True, Finding.LESS: False, Finding.OPPOSITE: False}


def level(finding: Finding, cpus: float = 1.0) -> LevelFinding:
    return LevelFinding(f"{cpus:g} CPU", cpus, None, finding, HOLDS.get(finding), 0.0, "too wide")


def by_cpu(*findings: Finding) -> Reading:
    levels = [level(finding, 0.5 * 2**place) for place, finding in enumerate(findings)]
    return Reading("the host's CPU", tuple(levels), None)


@pytest.fixture(scope="module")
def judged() -> tuple[Effect, ...]:
    """Any effects: only whether there are some matters."""
    changed = cut(settings=replace(ORIGINAL, concurrency=3), wall_s=40.0)
    return next(v for v in verdicts(table([cut(), changed])) if v.id == "C6").judged


CLAIMED, LESS, OPEN = Finding.AS_CLAIMED, Finding.LESS, Finding.NOT_DECIDED


def test_nothing_judged_is_not_measured_and_nothing_applying_does_not_apply(judged):
    assert outcome_of((), None, (), ()).outcome is Outcome.NOT_MEASURED
    assert outcome_of(judged, None, (), ()).outcome is Outcome.DOES_NOT_APPLY


@pytest.mark.parametrize(
    ("finding", "outcome"),
    [(CLAIMED, Outcome.CONFIRMED), (LESS, Outcome.REFUTED), (OPEN, Outcome.NOT_DECIDED)],
)
def test_all_conditions_as_one_decide(judged, finding, outcome):
    ended = outcome_of(judged, level(finding), (by_cpu(finding, finding),), ())
    assert ended.outcome is outcome
    assert ended.finding is finding


def test_a_division_that_is_shown_is_what_it_depends_on(judged):
    reading = by_cpu(LESS, CLAIMED)
    assert outcome_of(judged, level(CLAIMED), (reading,), (reading,)).outcome is Outcome.DEPENDS


def test_levels_that_contradict_each_other_without_a_shown_division_decide_nothing(judged):
    ended = outcome_of(judged, level(CLAIMED), (by_cpu(CLAIMED, LESS, CLAIMED),), ())
    assert ended.outcome is Outcome.NOT_DECIDED
    assert ended.why == "it differs by the host's CPU, which noise alone may do"


def test_an_undecided_majority_of_levels_decides_nothing(judged):
    assert outcome_of(judged, level(LESS), (by_cpu(LESS, OPEN, OPEN),), ()).outcome is (
        Outcome.NOT_DECIDED
    )
    assert outcome_of(judged, level(LESS), (by_cpu(LESS, LESS, OPEN),), ()).outcome is (
        Outcome.REFUTED
    )


def test_why_nothing_is_decided_is_told(judged):
    assert outcome_of(judged, level(OPEN), (), ()).why == "too wide"


def test_a_border_lies_between_the_decided_levels_and_the_others_are_named():
    reading = by_cpu(LESS, OPEN, CLAIMED, CLAIMED)
    assert depends_on([reading], {"the host's CPU": "a law says 1.5 CPU"}) == (
        "the host's CPU: less than claimed at 0.5 CPU, as claimed from 2 CPU on; the border lies between "
        "0.5 CPU and 2 CPU (a law says 1.5 CPU); 1 CPU decided nothing"
    )


def test_where_nothing_is_shown_it_depends_on_nothing():
    assert depends_on([], {}) is None
