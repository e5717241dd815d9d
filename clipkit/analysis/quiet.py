"""Whether the machine was quiet while it measured: judged over every run, not over the usual one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from clipkit import format as fmt
from clipkit.records.campaign import Campaign
from clipkit.records.disturbance import (
    OTHERS_IN_THE_WAY,
    STOLEN,
    Surroundings,
    changed_speed,
    disturbance,
)
from clipkit.records.evidence import evidence, finished_rows, tried
from clipkit.records.identity import plain
from clipkit.records.status import INVALID, Status

# Of a machine that its campaign does not describe: none of what it has is taken for free.
_UNKNOWN_CORES = 1


@dataclass(frozen=True, slots=True)
class Around:
    """What a row of a table tells of its surroundings, as a record does."""

    steal_fraction: float | None
    other_cpu_fraction: float | None
    canary_before_s: float | None
    canary_after_s: float | None


def around_of(rows: pd.DataFrame) -> list[Around]:
    """Of each row of a campaign's table."""
    columns = list(Around.__dataclass_fields__)
    return [Around(*map(plain, row)) for row in rows[columns].itertuples(index=False)]


def canaries_s(runs: Iterable[Surroundings]) -> list[float]:
    """What the same piece of work took, before and after each run, where it is known."""
    both = (time_s for run in runs for time_s in (run.canary_before_s, run.canary_after_s))
    return [time_s for time_s in both if time_s]


def disturbed_words(side: Campaign, name: str) -> str | None:
    """That others disturbed runs of a campaign that count all the same (taken as they were, or by a
    clipkit that did not judge): in words, with what they did. None: no run that is known of."""
    rows = evidence(side.table)
    ran = rows[finished_rows(rows)]
    cores = {host_id: facts.get("cores") for host_id, facts in side.machines.items()}
    spoilt = [
        around
        for around, quota, host_id in zip(
            around_of(ran), ran["cpu_quota"], ran["host_id"], strict=True
        )
        if disturbance(around, plain(quota), cores.get(host_id) or _UNKNOWN_CORES)
    ]
    if not spoilt:
        return None
    return (
        f"others disturbed {len(spoilt)} of {len(ran)} runs of {name} ({noise_words(spoilt)}), so it "
        "may be their doing: measure again when the machine is quiet"
    )


def not_measured_words(side: Campaign, name: str | None = None) -> str | None:
    """That trials of a campaign, each a cell in a block, were not measured, since every attempt is invalid;
    None: all were. `name`: what the campaign is called where there are several."""
    known = tried(side.table)
    told = ~known["status"].isin([str(status) for status in INVALID])
    has_end = told.groupby([known["cell"], known["block"]]).transform("any").astype(bool)
    spoilt = known[~has_end]
    if spoilt.empty:
        return None
    trials = [len(rows[["cell", "block"]].drop_duplicates()) for rows in (spoilt, known)]
    disturbed = spoilt[spoilt["status"] == str(Status.INVALID_NOISE)]
    noise = noise_words(around_of(disturbed))
    why = []
    if len(disturbed):
        why.append(f"others disturbed every attempt{f' ({noise})' if noise else ''}")
    if len(disturbed) < len(spoilt):
        why.append("the machine failed in each attempt")
    when = " when the machine is quiet" if len(disturbed) else ""
    return (
        f"{trials[0]} of {trials[1]} trials{f' of {name}' if name else ''} were not measured, since "
        f"{' or '.join(why)}: sweep again{when}"
    )


def noise_words(records: Iterable[Surroundings]) -> str | None:
    """What others did in any of these runs: `others used up to 41 % of the machine in 2 of 12 runs`.
    None: nothing that is known of and worth a word."""
    runs = list(records)
    said = [
        *_share_words("others used", "of the machine", _shares(runs, "other"), OTHERS_IN_THE_WAY),
        *_share_words("other machines took", "of the CPU", _shares(runs, "steal"), STOLEN),
    ]
    if changed := sum(changed_speed(run) is not None for run in runs):
        said.append(f"the machine's speed changed in {changed} of {len(runs)} runs")
    return "; ".join(said) or None


def unquiet_words(records: Iterable[Surroundings]) -> str | None:
    """The same as one of the things that figures do not show."""
    noise = noise_words(records)
    if noise is None:
        return None
    return (
        f"a quiet machine: {noise}, so the seconds may be too long and the ratios are less sure; "
        "measure again when it is idle"
    )


def _shares(runs: Sequence[Surroundings], whose: str) -> list[float | None]:
    return [r.other_cpu_fraction if whose == "other" else r.steal_fraction for r in runs]


def _share_words(who: str, of: str, shares: Sequence[float | None], bearable: float) -> list[str]:
    beyond = [share for share in shares if share is not None and share > bearable]
    if not beyond:
        return []
    up_to = "up to " if len(beyond) > 1 else ""
    return [f"{who} {up_to}{fmt.percent(max(beyond))} {of} in {len(beyond)} of {len(shares)} runs"]
