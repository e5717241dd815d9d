"""A campaign's folder: the names of what is in it, and how it is read. Writes nothing."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from clipkit.errors import CampaignError
from clipkit.plan.subjects import COMMAND
from clipkit.records.identity import unified_records
from clipkit.records.record import Record
from clipkit.records.versions import upgraded

RUNS, CLIPS = "runs.jsonl", "clips.jsonl"
EXPERIMENT, ENVIRONMENT, UPLOADS = "experiment.toml", "environment.json", "uploads.json"
PROGRESS, RECOMMENDATION, CONFIG = "progress.json", "recommendation.json", "clipkit.toml"
SAMPLES, LOGS, NOTEBOOKS, FIGURES = "samples", "logs", "notebooks", "figures"
REPORT, TABLE = "report.html", "runs.parquet"

_NOT_THERE = "{} is no campaign: it has no {}"


def read_records(folder: Path) -> list[Record]:
    """Every attempt so far, in the order they ended, with one name for each cell (`records.identity`);
    none where there is no `runs.jsonl` yet.

    Raises CampaignError for a line that is no record, naming it, and for one of a newer clipkit.
    """
    if not (folder / RUNS).exists():
        return []
    return unified_records(Record.from_row(row) for row in read_rows(folder))


def read_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of `runs.jsonl`, each with every column of today. Raises CampaignError."""
    path, command = folder / RUNS, None
    for number, line in enumerate(whole_lines(path), start=1):
        if not line.strip():
            continue
        try:
            row = _parsed(line)
            if command is None and row.get("subject") == COMMAND:
                command = user_command(folder)
            yield upgraded(row, command)
        except CampaignError as error:
            raise CampaignError(f"{path}, line {number} {error}") from None


def clips_of(folder: Path, run_id: str) -> Iterator[dict[str, Any]]:
    """The lines of `clips.jsonl` of that run. Lines that are none are left out."""
    wanted = json.dumps(run_id).encode()
    for clip in _clips(folder, lambda line: wanted in line):
        if clip["run_id"] == run_id:
            yield clip


def clips_by_run(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The lines of `clips.jsonl` of every run. Lines that are none are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for clip in _clips(folder):
        found.setdefault(clip["run_id"], []).append(clip)
    return found


def _clips(
    folder: Path, wanted: Callable[[bytes], bool] = lambda _: True
) -> Iterator[dict[str, Any]]:
    path = folder / CLIPS
    if not path.is_file():
        return
    with path.open("rb") as lines:
        for line in lines:
            clip = _object(line) if wanted(line) else None  # none where a kill tore it
            if clip is not None and "run_id" in clip:
                yield clip


def whole_lines(path: Path) -> list[str]:
    """The lines of a file, but for a last one that a kill left unfinished."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CampaignError(f"cannot read {path}: {error.strerror}") from None
    return [line.decode("utf-8", "replace") for line in without_torn_end(text).splitlines()]


def without_torn_end(text: bytes) -> bytes:
    """A run killed while it wrote leaves half a line, without its line feed."""
    end = text.rfind(b"\n") + 1
    return text if end == len(text) or is_whole(text[end:]) else text[:end]


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file of a campaign's folder. Raises CampaignError where it is missing or none."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise CampaignError(f"{path.parent} has no {path.name}: it is no whole campaign") from None
    except (OSError, ValueError) as error:
        raise CampaignError(f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise CampaignError(f"{path} holds no JSON object")
    return document


def read_experiment(folder: Path) -> dict[str, Any]:
    """What was asked, as the file has it; empty where there is none. Raises CampaignError."""
    path = folder / EXPERIMENT
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CampaignError(f"{path} cannot be read: {error}") from None


def strategy_of(folder: Path) -> str | None:
    """By which strategy it was measured, by its experiment's word; None where there is none."""
    run = read_experiment(folder).get("run", {})
    if not isinstance(run, dict):
        raise CampaignError(f"{folder / EXPERIMENT} cannot be read: run is no table")
    return str(run.get("strategy", "grid")) if (folder / EXPERIMENT).exists() else None


def is_tuning(folder: Path) -> bool:
    """Whether `clipkit tune` came to a verdict in that folder."""
    return (folder / RECOMMENDATION).is_file()


def searches_the_edge(campaign: Path) -> bool:
    """Whether it is a sweep that searched for the edge of memory: no two of its steps did the same job, so that
    its times tell nothing. Raises CampaignError for an experiment that cannot be read."""
    return strategy_of(campaign) == "edge"


def is_sweep(folder: Path) -> bool:
    """Whether an experiment was swept there, and not one host tuned. Raises CampaignError where
    its experiment cannot be read."""
    return strategy_of(folder) not in (None, "tune")


def user_command(folder: Path) -> str | None:
    """The user's own command line of a campaign whose records do not hold it."""
    subject = read_experiment(folder).get("subject")
    if isinstance(subject, dict) and isinstance(subject.get("command"), str):
        return str(subject["command"])
    if is_tuning(folder):
        baselines = read_object(folder / RECOMMENDATION).get("baselines", [])
        return next((b.get("command") for b in baselines if b.get("name") == COMMAND), None)
    return None


def require(folder: Path) -> None:
    """Raise CampaignError where the folder holds no campaign."""
    if not folder.is_dir():
        there = Path("results", folder.name)
        near = f", did you mean {there}?" if (there / RUNS).exists() else ""
        raise CampaignError(f"{folder} is no campaign: there is no such folder{near}")
    if not (folder / RUNS).exists():
        raise CampaignError(_NOT_THERE.format(folder, RUNS))


def _parsed(line: str) -> dict[str, Any]:
    row = _object(line.encode())
    if row is None:
        raise CampaignError(f"is no record: {line[:60]!r}; delete it and measure that trial again")
    return row


def is_whole(line: bytes) -> bool:
    """Whether it is a line of `runs.jsonl` or `clips.jsonl` from its beginning to its end."""
    return "run_id" in (_object(line) or ())


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
