"""Whether the machine was quiet while it measured: judged over every run, not over the usual one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from clipkit import format as fmt
from clipkit.records.disturbance import OTHERS_IN_THE_WAY, STOLEN, Surroundings, changed_speed
from clipkit.records.identity import plain


@dataclass(frozen=True, slots=True)
class Around:
    """What a row of a table tells of its surroundings, as a record does."""

    steal_fraction: float | None
    other_cpu_fraction: float | None
    canary_before_s: float | None
    canary_after_s: float | None

    @property
    def canary_s(self) -> float | None:
        """The mean of both; None where one is unknown."""
        if self.canary_before_s is None or self.canary_after_s is None:
            return None
        return (self.canary_before_s + self.canary_after_s) / 2


def around_of(rows: pd.DataFrame) -> list[Around]:
    """Of each row of a campaign's table."""
    columns = list(Around.__dataclass_fields__)
    return [Around(*map(plain, row)) for row in rows[columns].itertuples(index=False)]


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
