"""A campaign's folder: the names of what is in it, and how it is read. Writes nothing.

The folder may be a stranger's: every file is opened through `clipkit.files`, which follows no link, and what
is in it is held to what it must be (`records.checks`).
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from clipkit import files
from clipkit.documents import parse_json, parse_toml
from clipkit.errors import CampaignError
from clipkit.plan.subjects import COMMAND
from clipkit.records.checks import check_clip, check_environment, check_row, check_uploads
from clipkit.records.identity import unified_records
from clipkit.records.record import Record
from clipkit.records.versions import upgraded

RUNS, CLIPS = "runs.jsonl", "clips.jsonl"
EXPERIMENT, ENVIRONMENT, UPLOADS = "experiment.toml", "environment.json", "uploads.json"
PROGRESS, RECOMMENDATION, CONFIG = "progress.json", "recommendation.json", "clipkit.toml"
SAMPLES, LOGS, NOTEBOOKS, FIGURES = "samples", "logs", "notebooks", "figures"
REPORT, TABLE = "report.html", "runs.parquet"

_NOT_THERE = "{} is no campaign: it has no {}"

MOST_BYTES = 1 << 30
"""Of `runs.jsonl`: a third of a million attempts."""
_MOST_OF_A_DOCUMENT, _MOST_OF_A_LINE = 1 << 25, 1 << 22
"""The key frames of a day's film are in the first, the longest command line in the second."""


def read_records(folder: Path) -> list[Record]:
    """Every attempt so far, in the order they ended, with one name for each cell (`records.identity`);
    none where there is no `runs.jsonl` yet.

    Raises CampaignError for a line that is no record, naming it, and for one of a newer clipkit.
    """
    if not files.has_entry(folder, RUNS):
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
            check_row(row)
            if command is None and row.get("subject") == COMMAND:
                command = user_command(folder)
            yield upgraded(row, command)
        except CampaignError as error:
            raise CampaignError(f"{path}, line {number} {error}") from None


def clips_of(folder: Path, run_id: str) -> Iterator[dict[str, Any]]:
    """The lines of `clips.jsonl` of that run. Raises CampaignError for one that tells of no clip."""
    wanted = json.dumps(run_id).encode()
    for clip in _clips(folder, lambda line: wanted in line):
        if clip["run_id"] == run_id:
            yield clip


def clips_by_run(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The lines of `clips.jsonl` of every run. Raises CampaignError for one that tells of no clip."""
    found: dict[str, list[dict[str, Any]]] = {}
    for clip in _clips(folder):
        found.setdefault(clip["run_id"], []).append(clip)
    return found


def _clips(
    folder: Path, wanted: Callable[[bytes], bool] = lambda _: True
) -> Iterator[dict[str, Any]]:
    """A line that a kill tore is none; another that is none is an error."""
    if not files.has_entry(folder, CLIPS):
        return
    try:
        with files.open_file(folder, CLIPS) as lines:
            for number in itertools.count(1):
                line = lines.readline(_MOST_OF_A_LINE)
                if not line:
                    return
                is_torn = not line.endswith(b"\n") and not is_whole(line)
                if line.isspace() or is_torn or not wanted(line):
                    continue
                yield _clip(line, f"{folder / CLIPS}, line {number}")
    except OSError as error:
        raise CampaignError(f"cannot read {folder / CLIPS}: {error.strerror}") from None


def _clip(line: bytes, where: str) -> dict[str, Any]:
    clip = _object(line)
    if clip is None or "run_id" not in clip:
        raise CampaignError(f"{where} tells of no clip: {_shown(line)}; delete it")
    try:
        check_clip(clip)
    except CampaignError as error:
        raise CampaignError(f"{where} {error}; delete it") from None
    return clip


def whole_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, but for a last one that a kill left unfinished; none where it is not there. One after the
    other, since a campaign's may be many."""
    try:
        text = files.read_file(path.parent, path.name, MOST_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise CampaignError(f"cannot read {path}: {error.strerror}") from None
    for line in io.BytesIO(without_torn_end(text)):
        yield line.rstrip(b"\r\n")


def without_torn_end(text: bytes) -> bytes:
    """A run killed while it wrote leaves half a line, without its line feed."""
    end = text.rfind(b"\n") + 1
    return text if end == len(text) or is_whole(text[end:]) else text[:end]


def read_object(folder: Path, name: str) -> dict[str, Any]:
    """A JSON file of a campaign's folder. Raises CampaignError where it is missing or none."""
    path = folder / name
    try:
        document = parse_json(files.read_file(folder, name, _MOST_OF_A_DOCUMENT))
    except FileNotFoundError:
        raise CampaignError(f"{folder} has no {name}: it is no whole campaign") from None
    except OSError as error:
        raise CampaignError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CampaignError(f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise CampaignError(f"{path} holds no JSON object")
    return document


def read_uploads(folder: Path) -> dict[str, Any]:
    """The facts of each film, by its name. Raises CampaignError."""
    return _checked(folder, UPLOADS, check_uploads)


def read_environment_file(folder: Path) -> dict[str, Any]:
    """What measured. Raises CampaignError."""
    return _checked(folder, ENVIRONMENT, check_environment)


def _checked(folder: Path, name: str, check: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
    document = read_object(folder, name)
    try:
        check(document)
    except CampaignError as error:
        raise CampaignError(f"{folder / name} {error}") from None
    return document


def experiment_text(folder: Path) -> str | None:
    """The file of the experiment as it stands; None where there is none. Raises CampaignError."""
    path = folder / EXPERIMENT
    try:
        return files.read_file(folder, EXPERIMENT, _MOST_OF_A_DOCUMENT).decode("utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CampaignError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CampaignError(f"{path} cannot be read: it is no text in UTF-8") from None


def read_experiment(folder: Path) -> dict[str, Any]:
    """What was asked, as the file has it; empty where there is none. Raises CampaignError."""
    path, text = folder / EXPERIMENT, experiment_text(folder)
    try:
        document = parse_toml(text or "")
    except ValueError as error:
        raise CampaignError(f"{path} cannot be read: {error}") from None
    for name in ("run", "subject", "job", "settings"):
        if name in document and not isinstance(document[name], dict):
            raise CampaignError(f"{path} cannot be read: {name} is no table")
    for name in ("variants", "exclude"):
        tables = document.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            raise CampaignError(f"{path} cannot be read: {name} is no list of tables")
    return document


def strategy_of(folder: Path) -> str | None:
    """By which strategy it was measured, by its experiment's word; None where there is none."""
    if not files.has_entry(folder, EXPERIMENT):
        return None
    return str(read_experiment(folder).get("run", {}).get("strategy", "grid"))


def is_tuning(folder: Path) -> bool:
    """Whether `clipkit tune` came to a verdict in that folder."""
    return files.has_entry(folder, RECOMMENDATION)


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
    told = read_experiment(folder).get("subject", {}).get("command")
    if told is None and is_tuning(folder):
        baselines = read_object(folder, RECOMMENDATION).get("baselines", [])
        known = baselines if isinstance(baselines, list) else []
        own = [b for b in known if isinstance(b, dict) and b.get("name") == COMMAND]
        told = own[0].get("command") if own else None
    return told if isinstance(told, str) else None


def require(folder: Path) -> None:
    """Raise CampaignError where the folder holds no campaign."""
    if not folder.is_dir():
        there = Path("results", folder.name)
        near = f", did you mean {there}?" if (there / RUNS).exists() else ""
        raise CampaignError(f"{folder} is no campaign: there is no such folder{near}")
    if not files.has_entry(folder, RUNS):
        raise CampaignError(_NOT_THERE.format(folder, RUNS))


def has_only_begun(folder: Path) -> bool:
    """Whether a campaign was begun there and no trial of it has ended: it holds what is made before one, and, hidden,
    what a kill left of one."""
    try:
        names = {each.name for each in folder.iterdir() if each.name[0] != "."}
    except OSError:
        return False
    return RUNS not in names and (EXPERIMENT in names or {SAMPLES, LOGS} == names)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        row = parse_json(line)
        why = "no object" if not isinstance(row, dict) else ""
    except ValueError as error:
        why = str(error)
    if why:
        raise CampaignError(
            f"is no record: {_shown(line)}: {why}; delete it and measure that trial again"
        )
    found: dict[str, Any] = row
    return found


def is_whole(line: bytes) -> bool:
    """Whether it is a line of a file of records from its beginning to its end."""
    return _object(line) is not None


def _shown(line: bytes) -> str:
    return repr(line[:60].decode("utf-8", "replace"))


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        document = parse_json(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
