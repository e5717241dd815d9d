"""What runs of the same job tell of a machine: how small a difference it can show. Pure, but for the
folder of the cache in which it is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy import special

from clipkit import files
from clipkit import format as fmt
from clipkit.documents import misfit, parse_json
from clipkit.errors import OutputError
from clipkit.media.sample import cache_root
from clipkit.records.noise import Noise, t_quantile

GOOD_FOR_DAYS = 7
PAIRS = (3, 5, 10)
"""Of so many adjacent pairs the smallest difference is told."""

POWER = 0.8
"""How often a difference as small as the smallest is shown."""

_EXPLAINS = 0.05
"""A slope that chance alone makes as steep more often than this explains nothing."""

_MOST_BYTES = 1 << 16
"""Of the file of one."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs of one job, one after the other: seconds, and the mean canary of each."""

    walls_s: tuple[float, float]
    canaries_s: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one machine, ceiling and quota. `pair_log_sd`: standard deviation of the logarithm of the ratio
    of two adjacent runs of the same; `bias` is that ratio's mean (second over first) with its 95 %
    interval. `canary_slope`: by how much the ratio follows the canary's, 0 where that explains nothing;
    `canary_removes`: the share of the variance that goes with it. `disturbed`: pairs that others spoilt.
    """

    host_id: str
    ceiling: str
    cpu_quota: float | None
    measured_utc: str
    pairs: int
    disturbed: int
    run_s: float
    pair_log_sd: float
    bias: float
    bias_low: float
    bias_high: float
    canary_slope: float
    canary_removes: float

    @property
    def noise(self) -> Noise:
        """Of one run, from adjacent pairs: what is known of it before anything else is measured."""
        return Noise(self.pair_log_sd / math.sqrt(2), self.pairs - 1)

    def smallest_difference(self, pairs: int) -> float:
        """The smallest relative difference that so many adjacent pairs show in four of five cases, by a
        95 % interval that leaves out 1."""
        freedom = self.pairs - 1 + max(0, pairs - 1)
        shown = t_quantile(freedom + 1) + float(special.stdtrit(freedom, POWER))
        return math.exp(shown * self.pair_log_sd / math.sqrt(pairs)) - 1

    @property
    def is_good(self) -> bool:
        """Whether it is young enough to be used."""
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(
            self.measured_utc
        )
        return age < datetime.timedelta(days=GOOD_FOR_DAYS)

    def lines(self) -> list[str]:
        """For a terminal."""
        spoilt = f", {self.disturbed} more were disturbed" if self.disturbed else ""
        smallest = (
            f"{fmt.percent(self.smallest_difference(pairs))} by {pairs} pairs" for pairs in PAIRS
        )
        bounds = (self.bias_low, self.bias_high)
        biased = "none is shown" if bounds[0] <= 1 <= bounds[1] else "there is one"
        canary = (
            f"removes {fmt.percent(self.canary_removes)} of the variance "
            f"(slope {self.canary_slope:.2g})"
            if self.canary_slope
            else "explains nothing of how equal runs differ"
        )
        return [
            f"equal     {self.pairs} pairs of equal runs on {fmt.cpus(self.cpu_quota)} under "
            f"{self.ceiling}, {fmt.seconds(self.run_s)} a run{spoilt}",
            f"smallest  difference that is seen here, in four of five cases: {', '.join(smallest)}",
            f"bias      {biased}: the second run took {fmt.ratio(self.bias)} the time of the first"
            f"{fmt.interval(bounds, fmt.ratio)}",
            f"canary    {canary}",
            f"kept      for {GOOD_FOR_DAYS} days: `clipkit tune` and `sweep --dry-run` use it",
        ]

    def to_json(self) -> dict[str, Any]:
        smallest = {str(pairs): self.smallest_difference(pairs) for pairs in PAIRS}
        return dataclasses.asdict(self) | {"smallest_difference": smallest}


def calibrated(
    pairs: Sequence[Pair], disturbed: int, host_id: str, ceiling: str, cpu_quota: float | None
) -> Calibration:
    """What these pairs tell; at least three."""
    ratios = [math.log(pair.walls_s[1] / pair.walls_s[0]) for pair in pairs]
    drifts = [math.log(pair.canaries_s[1] / pair.canaries_s[0]) for pair in pairs]
    slope, removes = _explained(drifts, ratios)
    n, middle, spread = len(ratios), statistics.fmean(ratios), statistics.stdev(ratios)
    half = t_quantile(n) * spread / math.sqrt(n)
    return Calibration(
        host_id=host_id,
        ceiling=ceiling,
        cpu_quota=cpu_quota,
        measured_utc=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        pairs=n,
        disturbed=disturbed,
        run_s=statistics.median(time_s for pair in pairs for time_s in pair.walls_s),
        pair_log_sd=spread,
        bias=math.exp(middle),
        bias_low=math.exp(middle - half),
        bias_high=math.exp(middle + half),
        canary_slope=slope,
        canary_removes=removes,
    )


def _explained(drifts: Sequence[float], ratios: Sequence[float]) -> tuple[float, float]:
    """Slope of the ratios on the canary's, and how much of their variance it removes; zeros where it is
    not told from chance, or where a slower machine made the job quicker."""
    from scipy import stats  # noqa: PLC0415 (46 MB, which whoever only reads a calibration need not hold)

    if statistics.stdev(drifts) == 0:
        return 0.0, 0.0
    found = stats.linregress(drifts, ratios)
    if found.slope <= 0 or not found.pvalue < _EXPLAINS:
        return 0.0, 0.0
    n = len(ratios)
    left = (1 - found.rvalue**2) * (n - 1) / (n - 2)  # with the price of the slope
    return float(found.slope), max(0.0, 1 - float(left))


def keep(found: Calibration) -> Path:
    """Put it into the cache. Raises OutputError."""
    path = _path(found.host_id, found.ceiling, found.cpu_quota)
    text = json.dumps(dataclasses.asdict(found), indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return files.write_file(path.parent, path.name, text.encode())
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}; set CLIPKIT_CACHE to a folder with room"
        ) from None


def calibrations_of(host_id: str) -> list[Calibration]:
    """Those of this machine that are good, from the cache; what cannot be read is none."""
    found = []
    for name in files.files_in(_folder()):
        if name.startswith(f"{host_id}-") and name.endswith(".json"):
            with contextlib.suppress(OSError, ValueError):
                document = parse_json(files.read_file(_folder(), name, _MOST_BYTES))
                if misfit(document, Calibration) is None:
                    found.append(Calibration(**document))
    return [each for each in found if each.host_id == host_id and each.is_good]


def calibration_for(
    host_id: str, ceiling: str | None, cpu_quota: float | None
) -> Calibration | None:
    """The latest good one of this machine under that ceiling (None: any) and quota."""
    alike = [
        each
        for each in calibrations_of(host_id)
        if ceiling in (None, each.ceiling) and each.cpu_quota == cpu_quota
    ]
    return max(alike, key=lambda each: each.measured_utc, default=None)


def _folder() -> Path:
    return cache_root() / "calibrations"


def _path(host_id: str, ceiling: str, cpu_quota: float | None) -> Path:
    quota = "unlimited" if cpu_quota is None else f"{cpu_quota:g}"
    return _folder() / f"{host_id}-{ceiling}-{quota}.json"
