"""What is run of a plan on this host, what is left out, and how long it takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clipkit import format as fmt
from clipkit.pack.there.found import Found
from clipkit.pack.there.planned import Plan, PlannedCell, PlannedTrial

MOST = 0.9
"""Of what is free: what is predicted to need more may take the instance with it, and users with that."""

_OVERHEAD_S = 0.7
"""Setting a trial up and clearing it away, on a whole core."""


@dataclass(frozen=True, slots=True)
class Course:
    """`trials` in the order in which they run; `left_out`: cells by number, and why; `risky`: those that run though
    they might end the instance."""

    trials: tuple[PlannedTrial, ...]
    left_out: dict[int, str]
    risky: frozenset[int] = frozenset()

    def warmed_up(self) -> tuple[PlannedCell, ...]:
        """Of each upload the cell that needs the least, as far as that is known. None that might end the instance: no
        trial would have begun, so each start would end there again."""
        cells = {t.cell for t in self.trials if t.cell.ours and t.cell.number not in self.risky}
        found: dict[str, PlannedCell] = {}
        for cell in sorted(cells, key=_need):
            found.setdefault(cell.upload, cell)
        return tuple(found.values())


def _need(cell: PlannedCell) -> tuple[bool, int, int]:
    return cell.predicted_bytes is None, cell.predicted_bytes or 0, cell.number


def course_of(
    plan: Plan, left: Sequence[int], found: Found, threads: Mapping[int, int], may_kill: bool
) -> Course:
    """Of the trials that are left. Where it is unknown what is free, nothing is too large. `threads`: see `Bench`."""
    left_out: dict[int, str] = {}
    risky = set[int]()
    for cell in plan.cells:
        why = _same_words(plan, cell, threads.get(cell.number))
        large = _size_words(cell.need_bytes(threads.get(cell.number), found.cores_seen), found)
        if why is None and large is not None and may_kill:
            risky.add(cell.number)
        elif why or large:
            left_out[cell.number] = why or str(large)
    trials = (plan.trial(number) for number in left)
    runs = tuple(trial for trial in trials if trial.cell.number not in left_out)
    return Course(runs, left_out, frozenset(risky))


def _same_words(plan: Plan, cell: PlannedCell, threads: int | None) -> str | None:
    """What is measured once is not called two cells."""
    other = dict(cell.open.same_as).get(threads or 0) if cell.open else None
    if other is None:
        return None
    words = next(each.words for each in plan.cells if each.number == other)
    told = fmt.counted(threads or 0, "thread")
    return f"with {told} a clip, its share of the CPU here, it is the same as {words}"


def _size_words(need_bytes: int | None, found: Found) -> str | None:
    free_bytes = found.free_bytes
    if free_bytes is None or need_bytes is None or need_bytes <= MOST * free_bytes:
        return None
    return (
        f"it may need {fmt.size(need_bytes)}, more than {fmt.percent(MOST)} of the {fmt.size(free_bytes)} that are "
        "free: it might end the instance (--may-kill runs it)"
    )


def expected_s(cell: PlannedCell, speed: float, found: Found) -> float | None:
    """Of one trial, roughly. `speed`: how many times as long the same work takes here as at home."""
    if cell.cpu_s is None:
        return None
    cores = found.cpus.value or found.cores_seen
    busy = cores if cell.busy is None else min(cores, cell.busy)
    return min(cell.timeout_s, cell.cpu_s * speed / busy) + _OVERHEAD_S * speed / min(1.0, cores)


def expected_of_all_s(course: Course, speed: float, found: Found) -> float | None:
    """Of all of them; None where nothing is known of one."""
    each = [expected_s(trial.cell, speed, found) for trial in course.trials]
    known = [time_s for time_s in each if time_s is not None]
    return sum(known) if len(known) == len(each) else None
