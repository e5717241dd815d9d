"""The choices of `--quality free`, as data, as JSON and as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate
from clipkit.media.picture import Picture, PictureCheck
from clipkit.records.status import FAILURES, Status
from clipkit.tables import Table

_BY = {"bytes": "equal bytes", "vmaf": "equal VMAF", "both": "equal bytes and VMAF"}
_CAPTION = "choices that stand side by side, each another picture: no gain over each other"


@dataclass(frozen=True, slots=True)
class ChoiceTime:
    """On the host, next to today's. Seconds of the clips of one pair; `speedup`: today's time by the
    choice's, None where no pair ended well. `status` is how the choice ended, `error` what went wrong
    with it or with today's."""

    wall_s: float | None
    today_wall_s: float | None
    speedup: Estimate | None
    pairs: int
    status: Status
    error: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "wall_s": self.wall_s,
            "today_wall_s": self.today_wall_s,
            "speedup": None if self.speedup is None else self.speedup.value,
            "speedup_ci95": None if self.speedup is None else self.speedup.interval,
            "pairs": self.pairs,
            "status": str(self.status),
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class QualityChoice:
    """A preset with the CRF at which it makes files as large ("bytes"), or pictures as good ("vmaf"),
    as today's; "both" where one CRF does. `cpu_ratio`: its CPU seconds by today's, for the same clips
    without the host's limits. `time` None: it was not timed on the host."""

    preset: str
    crf: int
    by: str
    check: PictureCheck
    cpu_ratio: float
    time: ChoiceTime | None = None

    @property
    def speedup(self) -> float | None:
        return None if self.time is None or self.time.speedup is None else self.time.speedup.value

    @property
    def rank(self) -> tuple[int, float]:
        """The fastest on the host first, then what was not timed by its CPU, then what failed there."""
        if self.speedup is not None:
            return 0, 1 / self.speedup
        failed = self.time is not None and self.time.status in FAILURES
        return (2 if failed else 1), self.cpu_ratio

    def to_json(self) -> dict[str, Any]:
        return {
            "preset": self.preset,
            "crf": self.crf,
            "by": self.by,
            **self.check.to_json(),
            "cpu_ratio": self.cpu_ratio,
            "time": None if self.time is None else self.time.to_json(),
        }


@dataclass(frozen=True, slots=True)
class QualityChoices:
    """Best first. `not_searched`: presets for which no time was left."""

    today: Picture
    choices: tuple[QualityChoice, ...]
    not_searched: tuple[str, ...]

    @property
    def table(self) -> Table:
        """A row a choice, today's picture first."""
        rows: list[tuple[str, ...]] = [
            ("today's", "", "", "1.00x", "1.00x", "1.00x", _vmaf(self.today))
        ]
        rows += [_row(choice) for choice in self.choices]
        heads = ("preset", "CRF", "at", "speed", "CPU", "bytes", "VMAF")
        return Table(heads, tuple(rows), caption=_CAPTION, marked=frozenset({0}))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the table does not say, in sentences."""
        said = []
        if not self.choices and not self.not_searched:
            said.append("no other preset matches today's bytes or its VMAF: today's stands alone")
        if self.today.vmaf is None:
            said.append(f"VMAF was not scored ({self.today.why}): choices are by bytes alone")
        if any(choice.time is None for choice in self.choices):
            said.append("without a speed: not timed on the host, no time was left")
        if self.not_searched:
            said.append(f"not searched, no time was left: {', '.join(self.not_searched)}")
        return tuple(said)

    def to_json(self) -> dict[str, Any]:
        table = self.table
        return {
            "today": self.today.to_json(),
            "choices": [choice.to_json() for choice in self.choices],
            "not_searched": list(self.not_searched),
            "notes": list(self.notes),
            "table": {"heads": table.heads, "rows": table.rows, "caption": table.caption},
        }


def ordered_choices(choices: Sequence[QualityChoice]) -> tuple[QualityChoice, ...]:
    return tuple(sorted(choices, key=lambda choice: choice.rank))


def _row(choice: QualityChoice) -> tuple[str, ...]:
    return (
        choice.preset,
        str(choice.crf),
        _BY[choice.by],
        _speed(choice.time),
        fmt.ratio(choice.cpu_ratio),
        fmt.ratio(choice.check.video_bytes_ratio),
        _vmaf(choice.check.picture),
    )


def _speed(time: ChoiceTime | None) -> str:
    if time is None:
        return "–"
    if time.speedup is None:
        return time.error if time.status is Status.OK and time.error else time.status.words
    return f"{fmt.ratio(time.speedup.value)}{fmt.interval(time.speedup.interval, fmt.bare_ratio)}"


def _vmaf(picture: Picture) -> str:
    return "unknown" if picture.vmaf is None else f"{picture.vmaf:.1f}"
