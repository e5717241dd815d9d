"""The best settings for a host as data, and in words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate
from clipkit.records.condition import Condition
from clipkit.records.settings_words import how_words, picture_words
from clipkit.settings import Settings
from clipkit.tables import Table
from clipkit.tuning.config import config_toml


@dataclass(frozen=True, slots=True)
class Choice:
    """One cell that finished: `wall` is the whole job's time; `peak_need_bytes` what the kernel cannot
    drop, shared and its own memory too, by which the margin is judged; `on_front`: no other cell that makes
    the same picture is both faster and smaller."""

    cell: str
    settings: Settings
    wall: Estimate
    s_per_clip: float
    peak_anon_bytes: int | None
    peak_need_bytes: int | None
    output_bytes: float | None
    runs: int
    on_front: bool

    def __repr__(self) -> str:
        return fmt.brief(self, how_words(self.settings), fmt.seconds(self.wall.value))

    @property
    def peak_words(self) -> str:
        """What it needed at most: `98 MB (largest of 3 runs)`."""
        return fmt.largest(self.peak_need_bytes, self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """The recommended settings of one picture (preset, CRF, …) for one host and job, as
    `records.best` finds them: `best` is the recommended cell, `ties` are the others that cannot be told from
    the best. `decided`: it takes at most `records.choice.MARGIN` longer than the best of the others, `upper`
    times as long at most (95 %); `ahead` has the least mean; a lead below `unseen` would have been
    taken for noise.
    `command`: they are put into that one; None: they are for clipkit's engine.
    `tighter`: faster, but without a margin of memory; None where the fastest has it. `fastest`: no
    other picture's recommended cell of that condition is faster.
    `default` is how much longer clipkit's defaults take, None where there is no such other cell; its
    interval knows that the best was chosen by these same runs. `cells` were tried of that encoding; of
    them `oom_cells` ran out of memory, also where that was inferred, `failed_cells` failed in another way, and
    `disturbed_cells` were not measured: disturbed.
    `headroom_bytes` = ceiling - reserve - the best's `peak_need_bytes`. `unmeasured` says what this does not show.
    """

    campaign: str
    condition: Condition
    command: str | None
    best: Choice
    ties: tuple[Choice, ...]
    decided: bool
    upper: float
    ahead: Choice
    unseen: float
    tighter: Choice | None
    fastest: bool
    headroom_bytes: int | None
    cells: int
    oom_cells: int
    failed_cells: int
    disturbed_cells: int
    default: Estimate | None
    ceiling: str
    unmeasured: tuple[str, ...]

    @property
    def settings(self) -> Settings:
        return self.best.settings

    @property
    def encoding(self) -> str:
        """What decides the picture, in words."""
        return picture_words(self.settings)

    @property
    def how(self) -> str:
        """What decides the time at the same picture, in words."""
        return how_words(self.settings)

    @property
    def sentence(self) -> str:
        """The optimum in words."""
        best, room = self.best, self.condition.room_bytes
        left = f", {fmt.size(self.headroom_bytes)} left" if self.headroom_bytes is not None else ""
        memory = best.peak_words + (f" of {fmt.size(room)}" if room else "")
        compared = f"; {_ratio(self.default)} as long with the defaults" if self.default else ""
        count = len(self.ties)
        tied = f"; {count} other{'s' if count > 1 else ''} within the noise" if count else ""
        return (
            f"{self.encoding}: {self.finding}: {fmt.seconds(best.wall.value)}"
            f"{fmt.interval(best.wall.interval)} the job, {fmt.seconds(best.s_per_clip)} a clip; "
            f"peak {memory}{left}{compared}{tied}"
        )

    @property
    def finding(self) -> str:
        """What to take, and whether that is decided."""
        if self.decided and self.best.cell == self.ahead.cell:
            return f"fastest with {self.how}"
        if self.decided:
            return f"as fast as the fastest, and smaller, with {self.how}"
        other = "" if self.best.cell == self.ahead.cell else ", the smallest of those as likely"
        return (
            f"not decided: {self.how}{other}; leads under {fmt.percent(self.unseen - 1)} "
            "could not be seen"
        )

    @property
    def _decided_words(self) -> str:
        most = fmt.percent(self.upper - 1)
        return (
            f"{'yes' if self.decided else 'no'}: at most {most} slower than the best of the others; "
            f"a lead under {fmt.percent(self.unseen - 1)} could not be seen"
        )

    @property
    def _tighter_words(self) -> str:
        if self.tighter is None:
            return "–"
        wall, peak = fmt.seconds(self.tighter.wall.value), self.tighter.peak_words
        return f"{how_words(self.tighter.settings)}: {wall}, peak {peak}"

    def __repr__(self) -> str:
        return fmt.brief(self, self.campaign, self.condition.words, self.sentence)

    def to_json(self) -> dict[str, Any]:
        """For machines: every field, in bytes and seconds."""
        settings = dataclasses.asdict(self.settings)
        return dataclasses.asdict(self) | {"settings": settings, "sentence": self.sentence}

    def to_toml(self) -> str:
        """A `clipkit.toml` for `clipkit cut --config`, headed by where it comes from."""
        head = (f"campaign {self.campaign}", self.condition.in_full, self.sentence)
        return config_toml(self.settings, head, self.command)

    def _repr_html_(self) -> str:
        rows = (
            ("host and job", self.condition.in_full),
            ("same picture", self.encoding),
            ("settings", self.how),
            ("wall time of the job", fmt.seconds(self.best.wall.value)),
            ("95 % interval", fmt.interval(self.best.wall.interval).strip(" ()") or "–"),
            ("wall time a clip", fmt.seconds(self.best.s_per_clip)),
            ("peak memory", self.best.peak_words),
            ("headroom", fmt.size(self.headroom_bytes)),
            ("size of all clips", fmt.size(self.best.output_bytes)),
            ("runs", str(self.best.runs)),
            ("settings tried", f"{self.cells}, of these {self.oom_cells} ran out of memory"),
            ("decided", self._decided_words),
            (
                "within the noise of the fastest",
                "; ".join(how_words(tie.settings) for tie in self.ties) or "–",
            ),
            ("faster, but with too little memory left", self._tighter_words),
        )
        return Table(("", ""), rows)._repr_html_()


def _ratio(longer: Estimate) -> str:
    return f"{fmt.ratio(longer.value)}{fmt.interval(longer.interval, fmt.bare_ratio)}"
