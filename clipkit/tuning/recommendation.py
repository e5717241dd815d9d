"""The verdict of a campaign as data: `recommendation.json` and `clipkit.toml` hold it."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit import files
from clipkit import format as fmt
from clipkit import settings as settings_station
from clipkit.documents import misfit
from clipkit.errors import CampaignError, ClipkitError
from clipkit.hosts import Host
from clipkit.records.folder import RECOMMENDATION, read_object
from clipkit.settings import Settings, knobs
from clipkit.tables import Table
from clipkit.tuning.change import Change
from clipkit.tuning.config import Measured, config_toml
from clipkit.tuning.mode_rows import ModeRow, way_words

_Words = tuple[str, ...]
_FURTHER = ("besides", "figures", "not decided", "noise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """One way the backend cuts today, against the recommended settings.

    `wall_s` is the time for the whole job that was asked, with `wall_ci95_s`; `estimated` where
    only `clips_run` of `clips_asked` were really run under the ceiling. `speedup` is the
    baseline's time over the winner's, `speedup_ci95` its interval, both None where the baseline
    did not finish (`status` and `error` say why); `decided`: the interval is on one side of 1 (None:
    told by an older clipkit, which did not say). `peak_anon_bytes` excludes the reserve.
    """

    name: str
    command: str
    status: str
    error: str | None
    wall_s: float | None
    wall_ci95_s: tuple[float, float] | None
    cpu_s: float | None
    peak_anon_bytes: int | None
    clips_run: int
    clips_asked: int
    estimated: bool
    speedup: float | None
    speedup_ci95: tuple[float, float] | None
    pairs: int
    decided: bool | None = None

    def __repr__(self) -> str:
        return fmt.brief(self, self.name, self.status, f"{fmt.ratio(self.speedup)} as fast")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Settings that were tried on the host. `predicted_wall_s`: of the whole job; None: it did not end
    well, or was not measured. `tied`: not told from the best."""

    settings: dict[str, Any]
    status: str
    predicted_wall_s: float | None
    peak_need_bytes: int | None
    runs: int
    fits: bool
    tied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """Settings whose time lies within the noise of the best."""

    settings: dict[str, Any]
    predicted_wall_s: float
    peak_anon_bytes: int | None

    def __repr__(self) -> str:
        told = (f"{name} {value}" for name, value in self.settings.items())
        return fmt.brief(self, fmt.seconds(self.predicted_wall_s), *told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The settings for a host, and what was measured of them.

    `job` is what was asked, `measured_job` what was run to answer it. `confirmed_wall_s` is the
    time of the whole job from the confirming pairs, `confirmed_ci95_s` its interval. `predicted_wall_s`
    is what was expected before them, and `predicted_ci90_s` where their mean was to lie nine times in ten.
    `held_fraction`: of the confirmed time, the share for which the CPU quota held the job back.
    `peak_need_bytes`: the largest of `peak_runs` runs of what cannot be dropped; `headroom_bytes` =
    ceiling - reserve (or what could be held of it, where that is less) - that. `usable_memory_bytes`: what could be
    held beside the reserve, measured (`trial.usable`). `verdict` says what was found in a sentence, `figures` the times and the
    peak behind it, `undecided` what else may be the best (None: nothing by more than
    5 %), `noise` how disturbed the trials were (None: not), `slow` what the
    job takes where the machine gave less as it went on, or swapped (`tuning.slowing`; None: it did not), `picture` how that of the recommended settings
    compares with the rival's, `quality` what other pictures there are to choose, `why` and `do`
    are the further sentences that the run ends with; `modes`: what the modes that took part take, one beside
    the other, and `offer` what those would bring that are not recommended; `unmeasured` says what this does not show.
    `change`: from the rival's command to the recommended one, `command` the template that it changes
    where that is the user's own; `measured`: with what. What an older clipkit did not write is empty.
    """

    host: Host
    ceiling: str
    reserve_bytes: int
    upload: dict[str, Any]
    job: dict[str, Any]
    measured_job: dict[str, Any]
    settings: Settings
    predicted_wall_s: float
    confirmed_wall_s: float | None
    confirmed_ci95_s: tuple[float, float] | None
    cpu_s: float | None
    peak_anon_bytes: int | None
    headroom_bytes: int | None
    orchestrator_cpu_fraction: float | None
    orchestrator_peak_rss_bytes: int | None
    held_fraction: float | None
    ties: tuple[Tie, ...]
    baselines: tuple[Baseline, ...]
    headline: tuple[str, ...]
    verdict: str
    why: tuple[str, ...]
    do: tuple[str, ...]
    measured_on: str
    unmeasured: tuple[str, ...]
    again: str
    predicted_ci90_s: tuple[float, float] | None = None
    peak_need_bytes: int | None = None
    peak_runs: int | None = None
    usable_memory_bytes: int | None = None
    figures: str = ""
    undecided: str | None = None
    noise: str | None = None
    picture: dict[str, Any] | None = None
    quality: dict[str, Any] | None = None
    tried: tuple[Tried, ...] = ()
    modes: tuple[ModeRow, ...] = ()
    slow: dict[str, Any] | None = None
    offer: str | None = None
    change: Change | None = None
    command: str | None = None
    measured: Measured | None = None

    @property
    def tried_as(self) -> dict[str, Any]:
        """The settings among those that were tried that are recommended, be it in another mode."""
        return self.modes[0].settings if self.modes else settings_station.to_table(self.settings)

    @property
    def further(self) -> dict[str, str | None]:
        """What belongs to the verdict, each a line."""
        told = self.offer, self.figures, self.undecided, self.noise
        return dict(zip(_FURTHER, told, strict=True))

    @property
    def way(self) -> ModeRow | None:
        """The mode that is recommended, with its figures; None where no other took part than re-encoding."""
        return next((row for row in self.modes if row.recommended), None)

    @property
    def how(self) -> str:
        return way_words(self.way, self.settings)

    @property
    def sentence(self) -> str:
        """The recommendation in words."""
        return self.verdict

    def __repr__(self) -> str:
        return fmt.brief(self, f"for {self.host.name}", self.sentence)

    def to_toml(self) -> str:
        """A `clipkit.toml` for `clipkit cut --config`, headed by where it comes from."""
        return recommendation_toml(self)

    @property
    def peak_words(self) -> str:
        """`98 MB (largest of 5 runs)`."""
        if self.peak_need_bytes is None:  # as an older clipkit wrote it
            return fmt.size(self.peak_anon_bytes)
        return fmt.largest(self.peak_need_bytes, self.peak_runs)

    def to_json(self) -> dict[str, Any]:
        change = self.change.to_json() if self.change else None
        return dataclasses.asdict(self) | {"change": change, "sentence": self.sentence}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Recommendation:
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in document.items()
            if key
            not in ("sentence", "throttled_fraction")  # the second, of older ones, summed CPUs
        } | {"held_fraction": document.get("held_fraction")}
        values["host"] = Host(**document["host"])
        before = {knob.name: knob.before for knob in knobs()}
        values["settings"] = Settings(**before | document["settings"])
        values["ties"] = tuple(Tie(**tie) for tie in document["ties"])
        if document.get("change"):
            values["change"] = Change.from_json(document["change"])
        if document.get("measured"):
            values["measured"] = Measured(**document["measured"])
        values["tried"] = tuple(Tried(**each) for each in document.get("tried", ()))
        values["modes"] = tuple(ModeRow.from_json(each) for each in document.get("modes", ()))
        values["baselines"] = tuple(_baseline(entry) for entry in document["baselines"])
        return cls(**values)

    @property
    def choices(self) -> Table | None:
        """Other pictures beside today's, where they were asked for."""
        told = self.quality["table"] if self.quality else None
        return told and Table(
            tuple(told["heads"]), tuple(map(tuple, told["rows"])), told["caption"]
        )

    def _repr_html_(self) -> str:
        settings = [f"{name} {value}" for name, value in self.settings.changed().items()]
        memory = fmt.memory(self.host.memory_bytes)
        time_s = self.confirmed_wall_s
        how, bounds = "confirmed", self.confirmed_ci95_s
        if time_s is None:
            time_s, how = self.predicted_wall_s, "predicted"
        rows = [
            ("verdict", self.verdict),
            *((what, words) for what, words in self.further.items() if words),
            ("settings that are no defaults", ", ".join(settings) or "none"),
            (
                "wall time of the job",
                f"{fmt.seconds(time_s)}, {how}{fmt.interval(bounds, fmt.seconds)}",
            ),
            ("peak memory, reserve excluded", f"{self.peak_words} of {memory}"),
            *((f"against {baseline.name}", _against(baseline)) for baseline in self.baselines),
            ("not told apart from", f"{len(self.ties)} others" if self.ties else "none"),
            *(("do", line) for line in self.do),
            ("measured on", f"{self.measured_on}; ceiling by {self.ceiling}"),
        ]
        return Table(("recommended for", self.host.name), tuple(rows))._repr_html_()


def _against(baseline: Baseline) -> str:
    if baseline.speedup is None:
        return f"{baseline.status}: {baseline.error}"
    return f"{fmt.ratio(baseline.speedup)} as fast{fmt.interval(baseline.speedup_ci95, fmt.ratio)}"


def _baseline(document: dict[str, Any]) -> Baseline:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in document.items()
    }
    return Baseline(**values)


def read_recommendation(campaign: Path) -> Recommendation:
    """The recommendation in a campaign's folder. Raises CampaignError where there is none."""
    path = campaign / RECOMMENDATION
    if not files.has_entry(campaign, RECOMMENDATION):
        raise CampaignError(f"{campaign} has no {path.name}: run `clipkit tune`")
    document = read_object(campaign, RECOMMENDATION)
    try:
        _check(document)
        return Recommendation.from_json(document)
    except (AttributeError, KeyError, TypeError, ValueError, ClipkitError) as error:
        raise CampaignError(f"{path} cannot be read: {error}") from None


def _check(document: dict[str, Any]) -> None:
    """Raises ValueError for what no recommendation holds, KeyError for what every one does."""
    hints = typing.get_type_hints(Recommendation)
    held = {name: (hint, document.get(name)) for name, hint in hints.items() if name in document}
    held |= {"change": (dict[str, Any] | None, document.get("change"))}
    held |= {"clips of the measured job": (int, document["measured_job"]["clips"])}
    if quality := document.get("quality"):
        table = quality["table"]
        held |= {"notes": (_Words, quality["notes"]), "heads": (_Words, table["heads"])}
        held |= {"rows": (tuple[_Words, ...], table["rows"]), "caption": (str, table["caption"])}
        if any(len(row) != len(table["heads"]) for row in table["rows"]):
            raise ValueError("its table has rows of other lengths than its heads")
    if change := document.get("change"):
        held |= {"from": (_Words, change["from"]), "to": (_Words, change["to"])}
        held |= {"commands at once": (int, change["commands_at_once"])}
    for name, (hint, value) in held.items():
        if wrong := misfit(value, hint, f"'{name}'"):
            raise ValueError(wrong)


def recommendation_toml(recommendation: Recommendation) -> str:
    """`clipkit.toml`: the settings that `clipkit cut --config` takes, and where they come from."""
    return config_toml(
        recommendation.settings,
        (*recommendation.headline, *filter(None, (recommendation.verdict, recommendation.figures))),
        recommendation.command,
        recommendation.measured,
    )
