"""One campaign of several folders: measured in shards, or by several machines. Appends, changes nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clipkit import files
from clipkit.campaign.again import done_of
from clipkit.campaign.alike import means_of, unlike
from clipkit.campaign.environment import joined_environments
from clipkit.campaign.strategies import STRATEGIES
from clipkit.errors import CampaignError, UsageError
from clipkit.records import folder as folders
from clipkit.records.identity import Levels, levels_of_cell
from clipkit.records.record import Record
from clipkit.records.store import Store, campaign_named
from clipkit.records.table import write_parquet


@dataclass(frozen=True, slots=True)
class Merged:
    """Where the campaign is; `trials` are all that it holds, `added` those that this call brought; `begun`: parts that hold
    nothing yet, since no trial of them has ended."""

    folder: Path
    trials: int
    added: int
    machines: tuple[str, ...]
    begun: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the folders, with the lines of its records as they stand there."""

    folder: Path
    experiment: dict[str, Any]
    uploads: dict[str, Any]
    environment: dict[str, Any]
    records: list[Record]
    lines: dict[str, str]


def merge_campaigns(parts: Sequence[Path], results: Path) -> Merged:
    """One campaign of these folders, in `results` under their experiment's name; what it lacks can be
    run there. Merged again it takes what is new and changes nothing else. A part that was ended before its first
    trial had is no reason to leave the others apart.

    Raises CampaignError where they are of other experiments or uploads, or hold the same cell and
    block twice, naming both, and where one is being measured; UsageError for no folder.
    """
    if not parts:
        raise UsageError("name the folders to merge")
    named = list(dict.fromkeys(path.resolve() for path in parts))
    begun = tuple(filter(folders.has_only_begun, named))
    for folder in named:
        _check_free(folder, begun)
    if len(begun) == len(named):
        raise CampaignError(
            f"no trial of {', '.join(map(str, begun))} has ended: there is nothing to merge yet"
        )
    read = [_read(folder) for folder in named if folder not in begun]
    for part in read[1:]:
        _check_alike(read[0], part)
    _refuse_doubles(read)
    name = read[0].experiment.get("name", read[0].folder.name)
    store = Store.create(results / campaign_named(str(name)))
    with store.writing():
        return replace(_into(store, read), begun=begun)


def _into(store: Store, read: list[_Part]) -> Merged:
    mine = _read(store.folder) if files.has_entry(store.folder, folders.RUNS) else None
    others = [part for part in read if part.folder != store.folder]
    whole = [mine, *others] if mine else others
    for part in others if mine else []:
        _check_alike(whole[0], part)
    _refuse_doubles(whole)
    new = _new(others, set(mine.lines) if mine else set())
    # How it stood before it grows is no longer so; the next sweep says it anew.
    if new or not mine:
        store.remove(folders.PROGRESS)
        store.remove(folders.TABLE)
        longest = max(whole, key=lambda part: _blocks(part.experiment))
        store.write(folders.EXPERIMENT, folders.experiment_text(longest.folder) or "")
        uploads = {name: facts for part in whole for name, facts in part.uploads.items()}
        environments = [part.environment for part in whole]
        store.describe(environment=joined_environments(*environments), uploads=uploads)
    for part in others:
        own = [record for record, of in new if of is part]
        _copy_beside(part.folder, store, [record.run_id for record in own])
    clips = {id(part): folders.clips_by_run(part.folder) for part in others}
    lines = [json.dumps(c) for r, part in new for c in clips[id(part)].get(r.run_id, ())]
    store.append_lines(folders.CLIPS, lines)
    store.append_lines(folders.RUNS, [part.lines[record.run_id] for record, part in new])
    if not files.has_file(store.folder, folders.TABLE):
        write_parquet(store.folder)
    records = store.records()
    machines = tuple(dict.fromkeys(record.host_id for record in records))
    return Merged(store.folder, len(records), len(new), machines)


def _new(parts: Sequence[_Part], known: set[str]) -> list[tuple[Record, _Part]]:
    """The attempts that are not known yet, each once, in the order that they were run."""
    first = {
        record.run_id: (record, part)
        for part in reversed(parts)
        for record in part.records
        if record.run_id not in known
    }
    return sorted(first.values(), key=lambda entry: (entry[0].order, entry[0].started_utc))


def _check_free(folder: Path, begun: Sequence[Path]) -> None:
    """That it is a campaign which nobody writes into now."""
    if folder not in begun:
        folders.require(folder)
    if Store(folder).busy:
        raise CampaignError(f"{folder} is being measured: wait for it")


def _read(folder: Path) -> _Part:
    lines = [line for line in folders.whole_lines(folder / folders.RUNS) if line.strip()]
    records = folders.read_records(folder)
    experiment = folders.read_experiment(folder)
    if not experiment or folders.strategy_of(folder) == "tune":
        raise CampaignError(f"{folder} is no sweep of an experiment: only such can be merged")
    return _Part(
        folder=folder,
        experiment=experiment,
        uploads=folders.read_uploads(folder),
        environment=folders.read_environment_file(folder),
        records=records,
        lines={r.run_id: line.decode("utf-8") for r, line in zip(records, lines, strict=True)},
    )


def _blocks(experiment: dict[str, Any]) -> int:
    usual: int = STRATEGIES["grid"].keys["blocks"][1]
    asked = experiment.get("run", {}).get("blocks", usual)
    return asked if isinstance(asked, int) else usual


def but_for_blocks(experiment: dict[str, Any]) -> dict[str, Any]:
    """What must be the same: blocks that one of them asks for beyond the others' are only more."""
    run = {name: value for name, value in experiment.get("run", {}).items() if name != "blocks"}
    return experiment | {"run": run}


def _check_alike(one: _Part, other: _Part) -> None:
    asked, asked_there = but_for_blocks(one.experiment), but_for_blocks(other.experiment)
    for key in sorted(asked.keys() | asked_there.keys()):
        if asked.get(key) != asked_there.get(key):
            raise CampaignError(
                f"{one.folder} and {other.folder} are of other experiments: [{key}] differs"
            )
    films = [{facts.get("sha256") for facts in part.uploads.values()} for part in (one, other)]
    if films[0] != films[1]:
        names = ", ".join({*one.uploads} | {*other.uploads})
        raise CampaignError(
            f"{one.folder} and {other.folder} were measured on other uploads, though their names may "
            f"be the same ({names}): compare them, do not merge them"
        )
    if what := unlike(means_of(one.records), means_of(other.records)):
        raise CampaignError(
            f"{one.folder} was measured with {what} than {other.folder}: unlike runs are not mixed, "
            "compare them"
        )


def _refuse_doubles(parts: Sequence[_Part]) -> None:
    """The same cell and block of two folders would count twice; the same attempts are no other ones.
    An attempt is known by its whole line: those of older clipkits may bear the name of another's."""
    seen: dict[tuple[Levels, int], tuple[Path, set[str]]] = {}
    named: dict[str, tuple[Path, str]] = {}
    for part in parts:
        done, runs = done_of(part.records), defaultdict[tuple[Levels, int], set[str]](set)
        names: dict[Levels, str] = {}
        for record in part.records:
            if (record.cell, record.block) in done:
                levels = levels_of_cell(record.to_row())
                runs[levels, record.block].add(part.lines[record.run_id])
                names[levels] = record.cell
        for key, own in runs.items():
            folder, earlier = seen.setdefault(key, (part.folder, own))
            if earlier != own:
                raise CampaignError(
                    f"{folder} and {part.folder} both hold block {key[1]} of the cell {names[key[0]]}: "
                    "only what was measured once can be merged"
                )
        for run_id, line in part.lines.items():
            folder, known = named.setdefault(run_id, (part.folder, line))
            if known != line:
                raise CampaignError(
                    f"{folder} and {part.folder} each hold another attempt of the name {run_id}: "
                    "measure one of them again with this clipkit, whose names differ"
                )


def _copy_beside(source: Path, store: Store, run_ids: Sequence[str]) -> None:
    """Samples and logs, where they were kept; what is there only by a link was not."""
    for run_id in run_ids:
        logs = f"{folders.LOGS}/{run_id}"
        found = [f"{logs}/{name}" for name in files.files_in(source, logs)]
        sampled = f"{folders.SAMPLES}/{run_id}.parquet"
        for name in [*([sampled] if files.has_file(source, sampled) else []), *found]:
            store.copy(source, name)
