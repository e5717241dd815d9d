"""The sections of the notebook `3-optimum`: the best settings for a host, and the file to copy."""

from __future__ import annotations

import contextlib
import html
from dataclasses import dataclass
from pathlib import Path

from clipkit import format as fmt
from clipkit import hosts
from clipkit.records import table as tables
from clipkit.report.exhibits import explore
from clipkit.report.exhibits.answer import Section
from clipkit.report.exhibits.opened import Explored
from clipkit.report.exhibits.prose import listed, prose
from clipkit.report.notebooks.campaigns import given_or_newest
from clipkit.tables import Table
from clipkit.tuning.best import Choice, Optimum, how
from clipkit.tuning.optimum import Wanted, optima
from clipkit.tuning.recommendation import is_tuning


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of `notebooks/3-optimum.ipynb`. An empty word, and cpus of 0: any."""

    campaign: str
    memory: str
    cpus: float
    preset: str
    out: str


@dataclass(frozen=True, slots=True)
class Found:
    """The optimum of each host, job and encoding that was asked for; `explored` shows the same cells,
    `written` is the configuration's file, None where the folder cannot be written."""

    optima: tuple[Optimum, ...]
    explored: Explored
    written: Path | None

    @property
    def fastest(self) -> list[Optimum]:
        """Of each host and job."""
        return [each for each in self.optima if each.fastest]


def find(asked: Asked) -> Found:
    """Read the campaign, choose, and write `clipkit.toml` where there is a single host and job: into
    the folder `out`, or into a sweep's own, but never over what `tune` wrote into its.

    Raises CampaignError where nothing matches, HostError for a memory that is no size.
    """
    folder = given_or_newest(asked.campaign)
    wanted = Wanted(
        memory_bytes=hosts.parse_size(asked.memory) if asked.memory else None,
        cpus=asked.cpus or None,
        preset=asked.preset or None,
    )
    found = optima(tables.load(folder), **wanted)
    columns = {"memory_limit_bytes": "memory_bytes", "cpu_quota": "cpus", "preset": "preset"}
    kept = {column: wanted[name] for column, name in columns.items() if wanted[name]}  # type: ignore[literal-required]
    explored = explore.open_campaign(folder).where(subject="clipkit", **kept)
    if asked.out:
        return Found(found, explored, _write(found, Path(asked.out)))
    return Found(found, explored, None if is_tuning(folder) else _write(found, folder))


def sentences(found: Found) -> Section:
    """The optimum of each host and job, in words."""
    return Section(
        listed(f"{each.where.words}: {each.sentence}" for each in found.fastest)
        + "<p>The preset decides the picture and the size of the files as well as the time: "
        "compare the table's rows with that in mind, or set the parameter <code>preset</code>.</p>"
    )


def by_encoding(found: Found) -> Table:
    """The optimum of each preset, fastest first within a host and job."""
    heads = (
        "host and job",
        "picture",
        "settings",
        "wall time a clip",
        "wall time of the job",
        "95 % interval",
        "runs",
        "peak memory",
        "headroom",
        "size of all clips",
        "slowest",
        "defaults",
        "tried",
        "out of memory",
    )
    rows = tuple(
        (
            each.where.words,
            each.encoding,
            each.how,
            fmt.seconds(each.best.s_per_clip),
            fmt.seconds(each.best.wall.value),
            _interval_s(each.best),
            str(each.best.runs),
            fmt.size(each.best.peak_anon_bytes),
            "–" if each.headroom_bytes is None else fmt.size(each.headroom_bytes),
            fmt.size(each.best.output_bytes),
            "–" if each.slowest is None else fmt.ratio(each.slowest.value),
            "–" if each.default is None else fmt.ratio(each.default.value),
            str(each.cells),
            str(each.oom_cells),
        )
        for each in found.optima
    )
    caption = (
        "Marked: the fastest of all for that host, with a picture of its own. "
        "Slowest and defaults: how much longer they take at the same picture."
    )
    marked = frozenset(i for i, each in enumerate(found.optima) if each.fastest)
    return Table(heads, rows, caption, marked)


def ties(found: Found) -> Table:
    """What would do as well as each optimum, and what is faster but leaves hardly any memory."""
    rows = []
    for each in found.optima:
        level = [(each.best, "chosen: the most headroom"), *((t, "tie") for t in each.ties)]
        if each.tighter:
            level.append((each.tighter, "faster, but with too little memory left"))
        rows += [
            (
                each.where.words,
                each.encoding,
                how(choice.settings),
                fmt.seconds(choice.wall.value),
                _interval_s(choice),
                fmt.size(choice.peak_anon_bytes),
                "yes" if choice.on_front else "",
                words,
            )
            for choice, words in level
        ]
    heads = (
        "host and job",
        "picture",
        "settings",
        "wall time of the job",
        "95 % interval",
        "peak memory",
        "on the Pareto front",
        "standing",
    )
    return Table(heads, tuple(rows), "Ties: their time is within the noise of the fastest")


def to_copy(found: Found) -> Section:
    """`clipkit.toml` of the fastest of each host and job."""
    shown = [f"<pre>{html.escape(each.to_toml())}</pre>" for each in found.fastest]
    if found.written:
        where = f"It was written to `{fmt.near(found.written)}`."
    elif len(found.fastest) > 1:
        where = (
            "There are several hosts or jobs: with the parameters `memory` and `cpus` it is "
            "written to a file."
        )
    else:
        where = "It was not written: set the parameter `out` to a folder that takes it."
    return Section(f"{''.join(shown)}<p>{prose(where)}</p>")


def not_shown(found: Found) -> Section:
    """What the choice does not show, each said once."""
    return Section(listed(dict.fromkeys(said for o in found.optima for said in o.unmeasured)))


def _write(found: tuple[Optimum, ...], folder: Path) -> Path | None:
    fastest = [each for each in found if each.fastest]
    if len(fastest) != 1:
        return None
    path = folder / "clipkit.toml"
    # Where somebody shares a campaign for reading, the notebook alone holds the text.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(fastest[0].to_toml(), "utf-8")
        return path.resolve()
    return None


def _interval_s(choice: Choice) -> str:
    known = choice.wall.interval
    return "–" if known is None else f"{known[0]:.3g} – {known[1]:.3g} s"
