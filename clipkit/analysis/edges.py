"""How many clips at once a host's memory holds, and what is seen one step beyond and farther, from the
records of a search for it (`campaign.edge`). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import pandas as pd

from clipkit.records.condition import Condition
from clipkit.records.evidence import without_repeated
from clipkit.records.record import Record
from clipkit.records.status import COUNTS, Status
from clipkit.settings import UsedSettings


@dataclass(frozen=True, slots=True)
class Survived:
    """The highest at which every run ended well. `need_bytes`: the largest of them (`records.need`)."""

    at_once: int
    runs: int
    need_bytes: int | None


@dataclass(frozen=True, slots=True)
class Beyond:
    """Runs of so many clips at once, up to `most_at_once`. `ran_out`: of the runs, those in which the kernel killed;
    `ffmpegs_killed`, `services_killed`: the processes; `services_died`: runs that ended without their
    service; `back_s`: how long such a one took to answer again, median; `jobs_lost`: runs whose job nobody
    knew in the end; `told`: what most clients were told, in the words of one."""

    at_once: int
    most_at_once: int
    runs: int
    ran_out: int
    ffmpegs_killed: int
    services_killed: int
    services_died: int
    back_s: float | None
    jobs_lost: int
    told: str | None


@dataclass(frozen=True, slots=True)
class FoundEdge:
    """Of one subject under one condition. `condition`: with the clips of the first run. `survived` None: not
    even one; `beyond` None: nothing that was tried died. `farther`: all runs above `beyond`."""

    who: str
    condition: Condition
    settings: UsedSettings
    survived: Survived | None
    beyond: Beyond | None
    farther: Beyond | None


def tells_of_memory_alone(table: pd.DataFrame) -> bool:
    """Whether every job has as many clips as it cuts at once, and these vary: a search for the edge of memory
    (`campaign.edge`), which a busy machine may run, since no two of its steps did the same job."""
    alike = (table["clips"] == table["concurrency"]).fillna(value=False)
    return bool(len(table) and alike.all() and table["clips"].nunique() > 1)


def edges_in(records: Iterable[Record]) -> list[FoundEdge]:
    """One for each subject, upload, host and settings but for concurrency, from the smallest frame on."""
    lines: dict[tuple[str, Condition, UsedSettings], list[Record]] = {}
    for record in without_repeated(records):
        if record.status in COUNTS:
            condition = replace(Condition.of(record.to_row()), clips=0)
            settings = record.settings.changed_to(concurrency=None)
            lines.setdefault((record.who, condition, settings), []).append(record)
    found = [_edge_of(own) for own in lines.values()]
    return sorted(found, key=lambda edge: (edge.condition.size, edge.who))


def _edge_of(line: Sequence[Record]) -> FoundEdge:
    died = [at_once_of(record) for record in line if record.status is not Status.OK]
    first = min(died, default=None)
    fitted = [r for r in line if first is None or at_once_of(r) < first]
    most = max(map(at_once_of, fitted), default=None)
    runs = [record for record in fitted if at_once_of(record) == most]
    needs = [need for record in runs if (need := record.peak_need_bytes) is not None]
    return FoundEdge(
        who=line[0].who,
        condition=Condition.of(line[0].to_row()),
        settings=line[0].settings,
        survived=Survived(most, len(runs), max(needs, default=None)) if most else None,
        beyond=_beyond([r for r in line if at_once_of(r) == first]),
        farther=_beyond([r for r in line if first is not None and at_once_of(r) > first]),
    )


def at_once_of(record: Record) -> int:
    """How many clips ran at once, at most."""
    return min(int(record.settings.concurrency or 1), record.clips)


def _beyond(runs: Sequence[Record]) -> Beyond | None:
    if not runs:
        return None
    kills = [record.oom_kills or 0 for record in runs]
    own_kills = [record.served.service_oom_kills or 0 for record in runs]
    back_s = [r.served.service_back_s for r in runs if r.served.service_back_s is not None]
    told = [words for record in runs if (words := record.served.service_client_told)]
    return Beyond(
        at_once=min(map(at_once_of, runs)),
        most_at_once=max(map(at_once_of, runs)),
        runs=len(runs),
        ran_out=sum(record.status is Status.OOM for record in runs),
        ffmpegs_killed=sum(kills) - sum(own_kills),
        services_killed=sum(own_kills),
        services_died=sum(bool(record.served.service_died) for record in runs),
        back_s=median(back_s) if back_s else None,
        jobs_lost=sum(bool(record.served.service_job_lost) for record in runs),
        told=_commonest(told),
    )


def _commonest(told: Sequence[str]) -> str | None:
    """Alike but for their numbers are alike."""
    kinds = Counter("".join(c for c in words if not c.isdigit()) for words in told)
    if not kinds:
        return None
    kind = kinds.most_common(1)[0][0]
    return next(w for w in told if "".join(c for c in w if not c.isdigit()) == kind)
