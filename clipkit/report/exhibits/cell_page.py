"""One cell or one run: how its runs ended, memory over time, the exact commands (of what the engine copied by itself, what would), the logs' ends."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit import files, format
from clipkit.analysis.factors import cell_words
from clipkit.errors import CampaignError
from clipkit.masked import escaped
from clipkit.records.campaign import Campaign
from clipkit.records.evidence import finished_rows
from clipkit.records.folder import LOGS, clips_of
from clipkit.records.identity import plain
from clipkit.records.need import PARTS, need_bytes
from clipkit.records.status import Status
from clipkit.report.charts import memory_over_time as memory_chart
from clipkit.report.charts.style import chart_text, picture
from clipkit.report.exhibits.exhibit import HALF_PX, Exhibit, kept
from clipkit.tables import Table

_TAIL_BYTES, _TAIL_LINES = 16_384, 20


@dataclass(frozen=True, slots=True)
class CellPage:
    """`commands`: each clip's command line, ready for a shell but for files in a home folder, which have
    their names alone; `logs`: file -> its last lines."""

    title: str
    runs: Table
    memory: Exhibit
    clips: Table
    commands: tuple[str, ...]
    logs: tuple[tuple[str, str], ...]

    def _repr_html_(self) -> str:
        commands = "\n\n".join(self.commands) or "none was kept"
        logs = "".join(
            f"<details><summary>{escaped(name)}</summary>{_pre(text)}</details>"
            for name, text in self.logs
        )
        return (
            f"<h4>{escaped(self.title)}</h4>{self.runs._repr_html_()}"
            f"{self.memory.picture._repr_html_()}{self.clips._repr_html_()}"
            f"<details><summary>The commands, one for each clip</summary>{_pre(commands)}</details>"
            f"<p>{'The last lines of the logs:' if logs else 'No log was kept.'}</p>{logs}"
        )


def cell_page(campaign: Campaign, name: str) -> CellPage:
    """Of a cell (its run of median time is shown in full) or of a run, by the name in the tables.

    Raises CampaignError for a name that does not occur.
    """
    table = campaign.table
    rows = table[(table["run_id"] == name) | (table["cell"] == name)]
    if rows.empty:
        raise CampaignError(f"{campaign.folder} has no cell and no run '{name[:80]}' among these")
    row = _shown(campaign.sampled(rows))
    runs = table[table["cell"] == row["cell"]]
    clips = list(clips_of(campaign.folder, str(row["run_id"])))
    words = cell_words(campaign.cells).get(str(row["cell"]), "")
    return CellPage(
        title=f"{row['cell']}: {words}",
        runs=_runs_table(runs, str(row["run_id"])),
        memory=_memory(campaign, row, words),
        clips=_clips_table(clips),
        commands=tuple(map(_command, clips)),
        logs=tuple(_logs(campaign.folder, str(row["run_id"]))),
    )


def _command(clip: Mapping[str, Any]) -> str:
    words = shlex.join(map(_without_home, clip.get("argv", ())))
    return (
        f"# copied by the engine itself; this would make the same:\n{words}"
        if clip.get("by_engine")
        else words
    )


def _shown(rows: pd.DataFrame) -> pd.Series:
    finished = rows[finished_rows(rows)]
    if len(finished):
        return finished.sort_values("wall_s", kind="stable").iloc[(len(finished) - 1) // 2]
    ran = rows[rows["status"] != str(Status.OOM_INFERRED)]
    return (ran if len(ran) else rows).iloc[0]


def _memory(campaign: Campaign, row: pd.Series, words: str) -> Exhibit:
    trace = memory_chart.run_trace(campaign.folder, row, str(row["run_id"]), words)
    drawn = picture(
        "trial",
        f"Memory over time of run {row['run_id']}",
        (HALF_PX, 300, 300),
        lambda figure: memory_chart.draw_memories([trace], [figure.subplots()]),
        shown=campaign.shown,
    )
    return kept(Exhibit(drawn, Table((), ())))


def _runs_table(runs: pd.DataFrame, shown: str) -> Table:
    heads = ("run", "block", "attempt", "wall time", "peak memory", "ended", "why")
    rows = tuple(
        (
            str(row["run_id"]),
            str(row["block"]),
            str(row["attempt"]),
            "–" if pd.isna(row["wall_s"]) else format.seconds(float(row["wall_s"])),
            format.size(need_bytes(*(plain(row[part]) for part in PARTS))),
            Status(row["status"]).words,
            "" if pd.isna(row["error"]) else format.without_home(str(row["error"])),
        )
        for row in runs.to_dict("records")
    )
    marked = frozenset(index for index, row in enumerate(rows) if row[0] == shown)
    return Table(heads, rows, "The runs of this cell; the marked one is shown below.", marked)


def _clips_table(clips: list[dict[str, Any]]) -> Table:
    heads = ("clip", "start", "length", "wall time", "CPU time", "peak memory", "ended", "why")
    return Table(
        heads,
        tuple(
            (
                str(clip["number"]),
                format.seconds(clip["start_s"]),
                format.seconds(clip["duration_s"]),
                format.seconds(clip["wall_s"]),
                format.seconds(clip["cpu_s"]),
                format.size(clip["peak_rss_bytes"]),
                str(clip["status"]),
                format.without_home(str(clip.get("error") or clip.get("change") or "")),
            )
            for clip in clips
        ),
    )


def _logs(folder: Path, run_id: str) -> Iterator[tuple[str, str]]:
    """What is there only by a link is none of its logs."""
    for name in files.files_in(folder, f"{LOGS}/{run_id}"):
        yield chart_text(name), _tail(folder, f"{LOGS}/{run_id}/{name}")


def _without_home(word: object) -> str:
    """Of a file below somebody's home folder its name alone: whose it is, is nobody's business."""
    text = str(word)
    shown = format.without_home(text)
    scheme = "file:" if text.startswith("file:") else ""
    is_path = shown.removeprefix(scheme).startswith("~")
    return f"{scheme}{Path(shown).name}" if is_path else shown


def _tail(folder: Path, name: str) -> str:
    try:
        content = files.read_end(folder, name, _TAIL_BYTES)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    text = content.decode("utf-8", "replace").replace("\r", "\n")
    lines = [line for line in text.splitlines() if line.strip()]
    return format.printable(format.without_home("\n".join(lines[-_TAIL_LINES:])))


def _pre(text: str) -> str:
    return f'<pre style="white-space:pre-wrap">{escaped(text)}</pre>'
