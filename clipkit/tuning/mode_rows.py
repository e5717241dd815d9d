"""The modes that took part in a tuning, one beside the other: what each takes, needs and leaves. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clipkit import format as fmt
from clipkit import settings as settings_station
from clipkit.plan.auto import COPY, ENCODE, SMART
from clipkit.records.settings_words import how_words
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.tables import Table
from clipkit.tuning.findings import Findings, ModeTimed
from clipkit.tuning.other_modes import OtherMode, taken_words

_EXACT = {
    ENCODE: "exact frames, all encoded again",
    SMART: "exact frames, encoded where a copy would need others, else the upload's own",
    COPY: "exact frames, the upload's own; what comes before stays in the file, hidden",
}
"""What the clips of a mode are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRow:
    """A mode on the host. `taken`: the modes that the clips were cut in, and how many of them (of those that
    were not run, as planned); `encoded`: the share of their pictures that was encoded; `allowed`: by what the
    user asked for. `speedup`: the rival's time over its own. `hidden_s`: of the upload's time,
    what all clips together hide before their first pictures. Bytes and seconds are the whole job's."""

    mode: str
    taken: dict[str, int]
    settings: dict[str, Any]
    allowed: bool
    recommended: bool
    status: str
    error: str | None
    wall_s: float | None
    wall_ci95_s: tuple[float, float] | None
    speedup: float | None
    speedup_ci95: tuple[float, float] | None
    peak_need_bytes: int | None
    output_bytes: float | None
    hidden_s: float
    clips_run: int
    pairs: int
    encoded: float | None = None
    cpu_s: float | None = None

    @property
    def words(self) -> str:
        """`encode`, `mode auto (smart)`: what is typed, and what comes of it."""
        if self.settings["mode"] == ENCODE:
            return ENCODE
        return f"mode {self.settings['mode']} ({taken_words(tuple(self.taken.items()))})"

    @property
    def encodes(self) -> bool:
        return self.taken.keys() != {COPY}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> ModeRow:
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in document.items()
        }
        return cls(**values)


def way_words(way: ModeRow | None, settings: Settings) -> str:
    """`mode auto (smart), 1 at once, 1 encoder thread each`: the settings, and the mode where it is another
    than re-encoding."""
    if way is None or way.words == ENCODE:
        return how_words(settings)
    return f"{way.words}, {how_words(settings, way.encodes)}"


def mode_rows(findings: Findings) -> tuple[ModeRow, ...]:
    """Re-encoding first; empty where no other mode took part."""
    if len(findings.modes) == 1:
        return ()
    return tuple(_row(findings, mode) for mode in findings.modes)


def _row(findings: Findings, mode: ModeTimed) -> ModeRow:
    asked, timed = mode.asked, mode.timed
    return ModeRow(
        mode=asked.name if asked else ENCODE,
        taken=dict(asked.taken) if asked else {ENCODE: findings.clips_asked},
        settings=settings_station.to_table(mode.settings),
        allowed=asked is None or asked.allowed,
        recommended=mode is findings.chosen,
        status=str(Status.FAILED if timed.failures and timed.wall else timed.status),
        error=timed.failure or timed.error,
        wall_s=timed.wall.value if timed.wall else None,
        wall_ci95_s=timed.wall.interval if timed.wall else None,
        speedup=mode.speedup.value if mode.speedup else None,
        speedup_ci95=mode.speedup.interval if mode.speedup else None,
        peak_need_bytes=timed.peak_need_bytes,
        output_bytes=mode.output_bytes,
        hidden_s=mode.hidden_s,
        clips_run=timed.clips_run,
        pairs=timed.pairs,
        encoded=mode.encoded,
        cpu_s=timed.cpu_s,
    )


def offer_words(findings: Findings) -> str | None:
    """What modes would bring that were measured and are not what is recommended: since they are not allowed, or
    since only clipkit's engine cuts so, and it is the user's own command that is advised. None: there is none."""
    encode, *others = findings.modes
    told = [
        _would_bring(findings, mode, mode.asked)
        for mode in others
        if mode.asked and mode is not findings.chosen
        if not mode.asked.allowed or (mode.is_better and encode is findings.chosen)
    ]
    return ". ".join(told) or None


def _would_bring(findings: Findings, mode: ModeTimed, asked: OtherMode) -> str:
    flag = "" if asked.allowed else " --hidden-preroll allow"
    how = f"With clipkit's engine{flag and f' and{flag}'} (mode auto: {asked.words})"
    wall, job = mode.timed.wall, fmt.counted(findings.clips_asked, "clip")
    if wall is None or mode.timed.failures:
        return f"{how} clips fail: {mode.timed.failure or mode.timed.error}"
    gain = ""
    if mode.speedup:
        bounds = fmt.interval(mode.speedup.interval, fmt.bare_ratio)
        gain = f": {fmt.ratio(mode.speedup.value)}{bounds}"
    told = mode.timed.estimate_words(findings.clips_asked)
    took = f"{fmt.seconds(wall.value)}{told and f' ({told})'}{gain}, measured in the same run"
    kept = f"; {fmt.seconds(mode.hidden_s)} of the upload stay in the files, hidden"
    return f"{how} {job} take {took}{kept if mode.hidden_s else ''}"


def modes_table(rows: Sequence[ModeRow]) -> Table:
    """One row a mode."""
    marked = frozenset(place for place, row in enumerate(rows) if row.recommended)
    heads = ("mode", "job", "as fast as today", "memory", "files", "hidden", "clips are")
    return Table(heads, tuple(tuple(_cells(row)) for row in rows), marked=marked)


def _cells(row: ModeRow) -> Iterator[str]:
    yield row.mode if row.allowed else f"{row.mode} (not allowed)"
    yield fmt.seconds(row.wall_s) if row.wall_s is not None and row.error is None else row.status
    yield f"{fmt.ratio(row.speedup)}{fmt.interval(row.speedup_ci95, fmt.bare_ratio)}"
    yield fmt.size(row.peak_need_bytes)
    yield "unknown" if row.output_bytes is None else fmt.size(round(row.output_bytes))
    yield fmt.seconds(row.hidden_s) if row.hidden_s else "–"
    yield _EXACT.get(row.mode) or ", ".join(f"{name} for {n}" for name, n in row.taken.items())
