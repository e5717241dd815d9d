"""The best settings for a host as data, and in words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate
from clipkit.records.condition import Condition
from clipkit.settings import Settings
from clipkit.tables import Table
from clipkit.tuning.recommendation import settings_toml

ENCODING = ("mode", "preset", "crf", "lookahead", "mbtree", "bframes", "refs", "audio", "hdr")
"""The settings that decide what the clips look and sound like: only alike ones are compared."""


@dataclass(frozen=True, slots=True)
class Where(Condition):
    """A condition, and the campaign that it is of."""

    campaign: str

    @property
    def words(self) -> str:
        """`512M-2cpu: 512 MB, 2 CPU; 12 clips of 12 s from a 1280x720 upload of 10:00`."""
        memory = "any memory" if self.memory_bytes is None else fmt.size(self.memory_bytes)
        kept = f", {fmt.size(self.reserve_bytes)} in reserve" if self.reserve_bytes else ""
        return (
            f"{self.host}: {memory}, {fmt.cpus(self.cpus)}{kept}; {self.clips} clips of "
            f"{self.clip_s:g} s from a {self.width}x{self.height} upload of "
            f"{fmt.clock(self.upload_s)}"
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """One cell that finished: `wall` is the whole job's time; `peak_need_bytes` what the kernel cannot
    drop, shared and its own memory too, by which the margin is judged; `on_front`: no other cell that encodes
    alike is both faster and smaller."""

    cell: str
    settings: Settings
    wall: Estimate
    s_per_clip: float
    peak_anon_bytes: int | None
    peak_need_bytes: int | None
    output_bytes: float | None
    runs: int
    on_front: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """The best settings of one encoding (preset, CRF, …) for one host and job.

    Of those within the noise of the fastest that leave a margin of memory, the one with the most
    headroom; the others are `ties`. `tighter`: faster, but without that margin; None where the
    fastest has it. `fastest`: no other encoding of that place is faster.
    `slowest` and `default` are how much longer the slowest cell and clipkit's defaults take, None
    where there is no such other cell. `cells` were tried of that encoding; of them `oom_cells` ran
    out of memory, also where that was inferred, and `failed_cells` failed in another way.
    `headroom_bytes` = ceiling - reserve - peak. `unmeasured` says what this does not show.
    """

    where: Where
    best: Choice
    ties: tuple[Choice, ...]
    tighter: Choice | None
    fastest: bool
    headroom_bytes: int | None
    cells: int
    oom_cells: int
    failed_cells: int
    slowest: Estimate | None
    default: Estimate | None
    ceiling: str
    unmeasured: tuple[str, ...]

    @property
    def settings(self) -> Settings:
        return self.best.settings

    @property
    def encoding(self) -> str:
        """What decides the picture, in words."""
        return encoding_words(self.settings)

    @property
    def how(self) -> str:
        """What decides the time at the same picture, in words."""
        return how(self.settings)

    @property
    def sentence(self) -> str:
        """The optimum in words."""
        best, room = self.best, self.where.room_bytes
        left = f", {fmt.size(self.headroom_bytes)} left" if self.headroom_bytes is not None else ""
        memory = f"{fmt.size(best.peak_anon_bytes)}" + (f" of {fmt.size(room)}" if room else "")
        compared = "".join(
            f"; {_ratio(longer)} as long with {words}" for words, longer in self._longer
        )
        count = len(self.ties)
        tied = f"; {count} other{'s' if count > 1 else ''} within the noise" if count else ""
        return (
            f"{self.encoding}: fastest with {self.how}: {fmt.seconds(best.wall.value)}"
            f"{_interval_s(best.wall)} the job, {fmt.seconds(best.s_per_clip)} a clip; "
            f"peak {memory}{left}{compared}{tied}"
        )

    @property
    def _longer(self) -> list[tuple[str, Estimate]]:
        """What takes longer than the best, in words."""
        if self.slowest and self.slowest == self.default:
            return [("the defaults, which are the slowest", self.slowest)]
        both = (("the slowest", self.slowest), ("the defaults", self.default))
        return [(words, longer) for words, longer in both if longer]

    @property
    def _tighter_words(self) -> str:
        if self.tighter is None:
            return "–"
        wall, peak = fmt.seconds(self.tighter.wall.value), fmt.size(self.tighter.peak_anon_bytes)
        return f"{how(self.tighter.settings)}: {wall}, peak {peak}"

    def to_json(self) -> dict[str, Any]:
        """For machines: every field, in bytes and seconds."""
        return dataclasses.asdict(self) | {"sentence": self.sentence}

    def to_toml(self) -> str:
        """A `clipkit.toml` for `clipkit cut --config`, headed by where it comes from."""
        head = (f"campaign {self.where.campaign}", self.where.words, self.sentence)
        return settings_toml(self.settings, head)

    def _repr_html_(self) -> str:
        rows = (
            ("host and job", self.where.words),
            ("same picture", self.encoding),
            ("settings", self.how),
            ("wall time of the job", fmt.seconds(self.best.wall.value)),
            ("95 % interval", _interval_s(self.best.wall).strip(" ()") or "–"),
            ("wall time a clip", fmt.seconds(self.best.s_per_clip)),
            ("peak memory", fmt.size(self.best.peak_anon_bytes)),
            ("headroom", fmt.size(self.headroom_bytes)),
            ("size of all clips", fmt.size(self.best.output_bytes)),
            ("runs", str(self.best.runs)),
            ("settings tried", f"{self.cells}, of these {self.oom_cells} ran out of memory"),
            ("within the noise of it", "; ".join(how(tie.settings) for tie in self.ties) or "–"),
            ("faster, but with too little memory left", self._tighter_words),
        )
        return Table(("", ""), rows)._repr_html_()


def encoding_words(settings: Settings) -> str:
    """`ultrafast, CRF 23`, and what else is not the default."""
    usual = Settings()
    others = [
        f"{name} {getattr(settings, name)}"
        for name in ENCODING
        if name not in ("preset", "crf") and getattr(settings, name) != getattr(usual, name)
    ]
    return ", ".join([settings.preset, f"CRF {settings.crf}", *others])


def how(settings: Settings) -> str:
    """`2 at once, 1 encoder thread each`, and what else is not the default."""
    s, usual = settings, Settings()
    threads = "ffmpeg's own threads" if not s.encoder_threads else _threads(s.encoder_threads)
    others = [
        f"{name.replace('_', ' ')} {getattr(s, name)}"
        for name in ("seek", "decoder_threads", "filter_threads", "ffmpeg")
        if getattr(s, name) != getattr(usual, name)
    ]
    return ", ".join([f"{s.concurrency} at once", threads, *others])


def _threads(count: int) -> str:
    return f"{count} encoder thread{'s' if count > 1 else ''} each"


def _ratio(longer: Estimate) -> str:
    if longer.interval is None:
        return fmt.ratio(longer.value)
    low, high = (fmt.ratio(bound).removesuffix("x") for bound in longer.interval)
    return f"{fmt.ratio(longer.value)} (95 %: {low} to {high})"


def _interval_s(wall: Estimate) -> str:
    if wall.interval is None:
        return ""
    return f" (95 %: {wall.interval[0]:.3g} to {wall.interval[1]:.3g})"
