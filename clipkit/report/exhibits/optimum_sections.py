"""The best settings for a host as text and tables, and the file to copy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clipkit import format as fmt
from clipkit.masked import escaped
from clipkit.records.best import RECOMMENDED, TIED
from clipkit.records.settings_words import how_words
from clipkit.report.charts.style import standing_words
from clipkit.report.exhibits.exhibit import Section
from clipkit.report.exhibits.prose import html_list, prose, said_once
from clipkit.tables import Table
from clipkit.tuning.best import Choice, Optimum
from clipkit.tuning.config import config_toml

Optima = Sequence[Optimum]
"""Of each host, job and picture that was asked for."""


def leading(found: Optima) -> list[Optimum]:
    """Of each host and job the fastest picture."""
    return [each for each in found if each.fastest]


def optimum_sentences(found: Optima) -> Section:
    """The optimum of each host and job, in words."""
    return Section(
        html_list(f"{each.condition.in_full}: {each.sentence}" for each in leading(found))
        + "<p>The preset, and the mode, decide the picture and the size of the files as well as the time: "
        "compare the table's rows with that in mind, or set the parameter <code>preset</code>.</p>"
    )


def table_by_picture(found: Optima) -> Table:
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
        "decided",
        "defaults",
        "tried",
        "out of memory",
    )
    rows = tuple(
        (
            each.condition.in_full,
            each.encoding,
            each.how,
            fmt.seconds(each.best.s_per_clip),
            fmt.seconds(each.best.wall.value),
            _interval_s(each.best),
            str(each.best.runs),
            fmt.size(each.best.peak_need_bytes),
            "–" if each.headroom_bytes is None else fmt.size(each.headroom_bytes),
            fmt.size(each.best.output_bytes),
            "yes" if each.decided else "no",
            "–" if each.default is None else fmt.ratio(each.default.value),
            str(each.cells),
            str(each.oom_cells),
        )
        for each in found
    )
    caption = (
        "Marked: the fastest of all for that host, with a picture of its own. "
        "Decided: at most 3 % slower than the best of the others, in 95 %. Defaults: how much longer they "
        "take at the same picture. Peak memory: the largest of the runs."
    )
    marked = frozenset(i for i, each in enumerate(found) if each.fastest)
    return Table(heads, rows, caption, marked)


def ties_table(found: Optima) -> Table:
    """What would do as well as each optimum, and what is faster but leaves hardly any memory."""
    rows = []
    for each in found:
        level = [
            (each.best, standing_words(RECOMMENDED)),
            *((t, TIED) for t in each.ties),
        ]
        if each.tighter:
            level.append((each.tighter, "faster, but with too little memory left"))
        rows += [
            (
                each.condition.in_full,
                each.encoding,
                how_words(choice.settings),
                fmt.seconds(choice.wall.value),
                _interval_s(choice),
                fmt.size(choice.peak_need_bytes),
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
    return Table(heads, tuple(rows), "Ties: the runs cannot tell their time from the fastest")


def file_to_copy(found: Optima, written: Path | None) -> Section:
    """`clipkit.toml` of the fastest of each host and job; `written`: where it is."""
    alike: dict[str, list[Optimum]] = {}
    for each in leading(found):
        alike.setdefault(config_toml(each.settings, ()), []).append(each)
    shown = [f"<pre>{escaped(_headed(toml, own))}</pre>" for toml, own in alike.items()]
    if written:
        where = f"It was written to `{fmt.near(written)}`."
    elif len(leading(found)) > 1:
        where = (
            "There are several hosts or jobs: with the parameters `memory` and `cpus` it is "
            "written to a file."
        )
    else:
        where = "It was not written: set the parameter `out` to a folder that takes it."
    return Section(f"{''.join(shown)}<p>{prose(where)}</p>")


def _headed(toml: str, own: Sequence[Optimum]) -> str:
    """The file of hosts and jobs that share their settings; of one alone as it is written to a file."""
    if len(own) == 1:
        return own[0].to_toml()
    places = "".join(f"# {each.condition.in_full}\n" for each in own)
    return f"# campaign {own[0].campaign}, the same for {len(own)} hosts and jobs:\n{places}{toml.lstrip()}"


def limits_of_optimum(found: Optima) -> Section:
    """What the choice does not show, each said once."""
    return Section(html_list(said_once(said for each in found for said in each.unmeasured)))


def _interval_s(choice: Choice) -> str:
    known = choice.wall.interval
    return "–" if known is None else " – ".join(map(fmt.number, known)) + " s"
