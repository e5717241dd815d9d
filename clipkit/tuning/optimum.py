"""The optimum for a host from any opened campaign: what `records.best` recommends there. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any, TypedDict, Unpack

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.quiet import around_of, unquiet_words
from clipkit.analysis.statistics import Estimate
from clipkit.errors import CampaignError, UsageError
from clipkit.records.best import RECOMMENDED, TIED, margin_words
from clipkit.records.campaign import Campaign
from clipkit.records.cells import without_time
from clipkit.records.choice import half_width_after_choice
from clipkit.records.condition import CONDITION, Condition
from clipkit.records.evidence import evidence, finished_rows
from clipkit.records.identity import plain
from clipkit.records.need import HIDDEN_WORDS
from clipkit.records.noise import Noise
from clipkit.records.settings_words import picture_words
from clipkit.records.status import INVALID, RAN_OUT, Status
from clipkit.settings import PICTURE, Settings, UsedSettings, knobs
from clipkit.tuning.best import Choice, Optimum

__all__ = ["Choice", "Optimum", "Wanted", "optima", "optimum"]

_ENOUGH_RUNS = 3
_LITTLE = 0.005
_APART: dict[str, Any] = {"sort": False, "dropna": False}
"""How cells are grouped: in their order, an unset level being one too."""


Size = str | int
Number = str | int | float


class Wanted(TypedDict, total=False):
    """What narrows the search, by the keys of an experiment; what is left out or None may be anything,
    of a list any will do. Sizes in bytes or as text such as `512M`, CPU in cores, the upload by its
    name."""

    host: str | Sequence[str] | None
    memory: Size | Sequence[Size] | None
    cpus: Number | Sequence[Number] | None
    reserve: Size | Sequence[Size] | None
    preset: str | Sequence[str] | None
    crf: Number | Sequence[Number] | None
    clip_s: Number | Sequence[Number] | None
    upload: str | Sequence[str] | None


def optimum(campaign: Campaign, **wanted: Unpack[Wanted]) -> Optimum:
    """The fastest of all for one host and job.

    Raises CampaignError where nothing matches, naming what there is, and where several hosts or
    jobs do, naming these.
    """
    found = optima(campaign, **wanted)
    conditions = list(dict.fromkeys(each.condition for each in found))
    if len(conditions) > 1:
        told = "; ".join(condition.in_full for condition in conditions)
        raise CampaignError(f"the campaign has several hosts or jobs, choose one: {told}")
    return found[0]


def optima(campaign: Campaign, **wanted: Unpack[Wanted]) -> tuple[Optimum, ...]:
    """The optimum of each host, job and picture, the smallest first; of one the fastest picture.

    Raises CampaignError where nothing matches, nothing that matches finished, or none of it has settings to
    choose.
    """
    part = _matching(campaign, wanted)
    rows = evidence(part.table)
    # A command by another encoder has no preset of ours: settings could not say what it does.
    sayable = part.cells["preset"].notna()
    cells = part.cells[part.cells["choosable"].astype(bool) & sayable]
    found: list[Optimum] = []
    for _, place in cells.groupby(list(CONDITION), **_APART):
        own = rows[rows["cell"].isin(place["cell"])]
        alike = ["subject", "command", *PICTURE, "hides"]
        pictures = [inside for _, inside in place.groupby(alike, **_APART)]
        each = [one for inside in pictures if (one := _optimum(campaign.name, inside, own))]
        without = (*_without_optimum(pictures), *_hidden_but_faster(part.cells, place, each))
        found += [
            dataclasses.replace(one, unmeasured=(*without, *one.unmeasured))
            for one in sorted(each, key=lambda one: (not one.fastest, one.best.wall.value))
        ]
    if not found:
        raise CampaignError(f"{_why_none(cells)}: no settings can be recommended")
    return tuple(sorted(found, key=lambda one: one.condition.size))


def _why_none(cells: pd.DataFrame) -> str:
    if len(cells):
        return "nothing that matches finished"
    return (
        "what matches is only compared (baselines, services, clips that are not exact, and copied ones: "
        'mode auto with hidden_preroll "allow" and nothing else may be recommended instead)'
    )


def _matching(campaign: Campaign, wanted: Wanted) -> Campaign:
    """Raises CampaignError, naming the levels there are."""
    try:
        return campaign.part(**{key: value for key, value in wanted.items() if value is not None})
    except UsageError as error:
        raise CampaignError(f"{campaign.name}: {error}") from None


def _optimum(campaign: str, cells: pd.DataFrame, rows: pd.DataFrame) -> Optimum | None:
    """Of cells that make the same picture on one host; None where none finished in all its runs."""
    failed = without_time(cells)
    ends = cells["status"]
    out = ends.isin([str(status) for status in RAN_OUT])
    invalid = ends.isin([str(status) for status in INVALID])
    finished = cells[~failed]
    if finished.empty:
        return None
    choices = {choice.cell: choice for choice in _choices(finished)}
    condition = Condition.of(finished.iloc[0].to_dict())
    contending = set(finished.loc[finished["contends"], "cell"])
    best, *ties = _standing(finished, choices)
    quickest = min(choices.values(), key=lambda choice: choice.wall.value)
    default = dataclasses.replace(Settings(), **_picture(best.settings))
    failed_cells = int((failed & ~out & ~invalid).sum())
    chosen = finished.loc[finished["cell"] == best.cell].iloc[0]
    return Optimum(
        campaign=campaign,
        condition=condition,
        command=plain(finished.iloc[0]["command"]),
        best=best,
        ties=tuple(sorted(ties, key=lambda tie: tie.wall.value)),
        decided=bool(chosen["decided"]),
        upper=float(chosen["upper"]),
        ahead=choices[str(finished.loc[finished["fastest"], "cell"].iloc[0])],
        unseen=float(chosen["unseen"]),
        fastest=bool(finished["leads"].iloc[0]),
        tighter=None if quickest.cell in contending else quickest,
        headroom_bytes=_headroom(condition, best),
        cells=len(cells),
        oom_cells=int(out.sum()),
        failed_cells=failed_cells,
        disturbed_cells=int((ends == str(Status.INVALID_NOISE)).sum()),
        default=_default(finished, choices, best, default),
        ceiling=str(finished["ceiling"].iloc[0]),
        unmeasured=tuple(_unmeasured(rows, cells, failed_cells)),
    )


def _standing(finished: pd.DataFrame, choices: dict[str, Choice]) -> list[Choice]:
    """The recommended one, then its ties."""
    names = finished.set_index("cell")["standing"]
    own = [choices[str(name)] for name in names[names == RECOMMENDED].index]
    return own + [choices[str(name)] for name in names[names == TIED].index]


def _without_optimum(pictures: Sequence[pd.DataFrame]) -> tuple[str, ...]:
    """Pictures of which no cell finished, in words."""
    return tuple(
        f"{picture_words(_settings(cells.iloc[0].to_dict()))}: none of its {len(cells)} settings "
        "finished here in every run"
        for cells in pictures
        if without_time(cells).all()
    )


def _hidden_but_faster(
    cells: pd.DataFrame, place: pd.DataFrame, found: Sequence[Optimum]
) -> Iterator[str]:
    """What was faster on that host and job, and is left out since its files hold pictures that nobody has
    allowed to be there."""
    condition = Condition.of(place.iloc[0].to_dict())
    hiding = cells[cells["hides"] & ~cells["choosable"] & cells["wall_s"].notna()]
    here = [row for row in hiding.to_dict("records") if Condition.of(row) == condition]
    quickest = min(here, key=lambda row: float(row["wall_s"]), default=None)
    least_s = min((one.best.wall.value for one in found), default=math.inf)
    if quickest is not None and quickest["wall_s"] < least_s:
        yield (
            f"mode {quickest['mode']} took {fmt.seconds(float(quickest['wall_s']))} the job and is not "
            'recommended: its files hold pictures that are not shown, which only hidden_preroll "allow" '
            "permits, under [settings] or in every variant of the experiment"
        )


def _choices(finished: pd.DataFrame) -> Iterator[Choice]:
    points = [
        (float(wall), math.inf if pd.isna(peak) else float(peak))
        for wall, peak in zip(finished["wall_s"], finished["peak_need_bytes"], strict=True)
    ]
    for row, mine in zip(finished.to_dict("records"), points, strict=True):
        beaten = any(p != mine and p[0] <= mine[0] and p[1] <= mine[1] for p in points)
        yield Choice(
            cell=row["cell"],
            settings=_settings(row),
            wall=Estimate(
                float(row["wall_s"]),
                plain(row["wall_low_s"]),
                plain(row["wall_high_s"]),
                int(row["runs"]),
            ),
            s_per_clip=float(row["s_per_clip"]),
            peak_anon_bytes=plain(row["peak_anon_bytes"]),
            peak_need_bytes=plain(row["peak_need_bytes"]),
            output_bytes=plain(row["output_bytes"]),
            runs=int(row["runs"]),
            on_front=not beaten,
        )


def _settings(row: dict[Any, Any]) -> Settings:
    return UsedSettings.of({knob.name: plain(row[knob.name]) for knob in knobs()}).asked()


def _picture(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in PICTURE}


def _headroom(condition: Condition, best: Choice) -> int | None:
    if condition.room_bytes is None or best.peak_need_bytes is None:
        return None
    return condition.room_bytes - best.peak_need_bytes


def _default(
    finished: pd.DataFrame, choices: dict[str, Choice], best: Choice, settings: Settings
) -> Estimate | None:
    """How much longer cells with these settings take than the best; None where there are no others."""
    cells = [str(cell) for cell in finished["cell"]]
    others = [at for at, cell in enumerate(cells) if choices[cell].settings == settings]
    if not others or cells[others[0]] == best.cell:
        return None
    row = finished.iloc[0]
    noise = Noise(float(row["host_log_sd"]), int(row["host_freedom"]))
    errors = [1 / math.sqrt(runs) for runs in finished["runs"]]
    half = half_width_after_choice(errors, others[0], cells.index(best.cell), noise)
    ratio = choices[cells[others[0]]].wall.value / best.wall.value
    runs = min(choices[cells[others[0]]].runs, best.runs)
    return Estimate(ratio, ratio / math.exp(half), ratio * math.exp(half), runs)


def _unmeasured(rows: pd.DataFrame, cells: pd.DataFrame, failed_cells: int) -> Iterator[str]:
    """What the choice does not show, in sentences."""
    fastest = cells[cells["fastest"]].iloc[0]
    if fastest["runs"] < _ENOUGH_RUNS:
        yield (
            f"{fastest['runs']} runs say little of their noise: "
            f"measure at least {_ENOUGH_RUNS} blocks"
        )
    if not fastest["seen_freedom"]:
        yield "how noisy this host is: nothing was repeated, so the intervals are what is usual for such a host"
    if not (cells["contends"] & cells["roomy"]).any():
        yield (
            f"nothing leaves {margin_words()} of the memory free: "
            "what was not measured may run out of it"
        )
    if cells.loc[cells["standing"] == RECOMMENDED, "need_hidden"].any():
        yield f"{HIDDEN_WORDS}: a run of these settings came close to it"
    if failed_cells:
        yield f"{failed_cells} cells failed, but not for memory: they might have been faster"
    for status in INVALID:
        if count := int((cells["status"] == str(status)).sum()):
            yield f"{count} cells, {status.words}: they might have been faster"
    if words := unquiet_words(around_of(rows[finished_rows(rows)])):
        yield words
    if set(rows["ceiling"]) & {"watchdog", "none"}:
        yield "no kernel enforced the ceiling here: see clipkit doctor"
    yield "other uploads: their content, codec and key frames decide how much is decoded"
    recommended = cells[cells["standing"] == RECOMMENDED].iloc[0]
    luck = max(0.0, float(recommended["flattered"]))
    yield (
        "a fresh confirmation: it was chosen by these same runs, which is expected to flatter it by "
        f"{fmt.percent(luck) if luck >= _LITTLE else f'less than {fmt.percent(_LITTLE)}'}"
    )
    yield "your plan's processor: trust the ratios more than the seconds"
