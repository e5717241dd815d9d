"""Home: a campaign of what logs brought of a pack, like any other. Appends, changes nothing that is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipkit import files
from clipkit.campaign.again import done_of
from clipkit.campaign.alike import means_of, unlike
from clipkit.campaign.environment import joined_environments
from clipkit.campaign.merge import but_for_blocks
from clipkit.documents import parse_toml
from clipkit.errors import CampaignError, UsageError
from clipkit.pack.answered import verdict_at_home
from clipkit.pack.arrived import Arrivals, Payload, Refusal
from clipkit.pack.believed import believed_outcome
from clipkit.pack.environment_there import environment_there
from clipkit.pack.home import Home, Unpacked
from clipkit.pack.kept import Packed, find_packed
from clipkit.pack.left import left_of
from clipkit.pack.logs import lines_of
from clipkit.pack.there.parts import LOST, Kind
from clipkit.records import folder as folders
from clipkit.records.identity import unified_records
from clipkit.records.outcome import Outcome
from clipkit.records.record import Record
from clipkit.records.status import TELLING
from clipkit.records.store import Store, campaign_named
from clipkit.records.table import write_parquet

_TEXT_BYTES = 4096
"""A file that holds a zero among its first bytes is no log."""


def unpack_logs(paths: Sequence[Path], results: Path, packs: Sequence[Packed] = ()) -> Home:
    """Read logs, and the logs in folders; put what they hold into campaigns in `results`, under the name that
    each was packed with. `packs`: beside those that were made here.

    Raises UsageError for a path that cannot be read, CampaignError where none holds a part of any pack, and where
    a folder of that name holds another experiment than the only pack.
    """
    given = {packed.pack: packed for packed in packs}
    arrivals = Arrivals(lambda name: given.get(name) or find_packed(name))
    for path in paths:
        for log in _logs(path):
            _read(log, arrivals)
    payloads, refused = arrivals.payloads()
    done = []
    for packed in arrivals.packs.values():
        own = [payload for payload in payloads if payload.pack == packed.pack]
        outcomes, others = _believed(own, packed)
        refused += others
        try:
            unpacked, unlike_ones = _into(results, packed, own, outcomes, refused)
        except CampaignError as error:
            if len(arrivals.packs) == 1:
                raise
            # What came of the other packs is told all the same.
            refused.append(Refusal(str(results / packed.campaign), str(error), packed.pack))
            continue
        refused += unlike_ones
        done.append(unpacked)
    if not (done or refused or arrivals.foreign):
        told = ", ".join(map(str, paths))
        raise CampaignError(
            f"{told} holds nothing that a pack printed: give the output of python3 FILE.pyz, or its "
            "--results folder"
        )
    return Home(tuple(done), tuple(refused), tuple(sorted(arrivals.foreign)))


def _logs(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for name in files.files_in(path):
        yield path / name
    for name in files.folders_in(path):
        yield from _logs(path / name)


def _read(log: Path, arrivals: Arrivals) -> None:
    """A pipe is read as well: it is the user's own word."""
    try:
        with log.open("rb") as file:
            if b"\0" not in file.peek(_TEXT_BYTES)[:_TEXT_BYTES]:
                arrivals.read_log(lines_of(file), str(log))
    except OSError as error:
        raise UsageError(f"cannot read {log}: {error.strerror}") from None


def _believed(
    payloads: Sequence[Payload], packed: Packed
) -> tuple[list[tuple[Payload, Outcome]], list[Refusal]]:
    """The ends of trials that can be, in the order in which they began; of one attempt its own end before what
    a later start took it for."""
    found, refused = [], []
    for payload in payloads:
        if payload.kind is Kind.ENDED:
            try:
                found.append((payload, believed_outcome(payload, packed)))
            except CampaignError as error:
                why = f"the end of trial {payload.trial}: {error}"
                refused.append(Refusal(payload.where, why, packed.pack, payload.trial))
    found.sort(key=_when)
    return found, refused


def _when(ended: tuple[Payload, Outcome]) -> tuple[str, str, bool]:
    payload, outcome = ended
    is_lost = bool(payload.document.get(LOST))
    return (outcome.record.started_utc, outcome.record.run_id, is_lost)


def _into(
    results: Path,
    packed: Packed,
    payloads: Sequence[Payload],
    outcomes: Sequence[tuple[Payload, Outcome]],
    refused: Sequence[Refusal],
) -> tuple[Unpacked, list[Refusal]]:
    folder = results / campaign_named(packed.campaign)
    is_there = files.has_entry(folder, folders.RUNS)
    if not outcomes and not is_there:
        left = left_of(packed, payloads, refused, [])
        return Unpacked(packed, None, 0, 0, 0, left, frozenset()), []
    store = Store.create(folder)
    with store.removed_if_refused(), store.writing():
        earlier = store.records()
        if earlier:
            _check_asked(folder, packed)
        chosen = _choose(earlier, outcomes)
        if chosen.new:
            _describe(store, packed, payloads, chosen.new, is_new=not earlier)
            for _, outcome in chosen.new:
                store.append(outcome)
            write_parquet(store.folder)
        records = store.records()
    left = left_of(packed, payloads, refused, records)
    where = store.folder if records else None
    done = Unpacked(
        packed=packed,
        folder=where,
        trials=len(records),
        added=len(chosen.new),
        second=chosen.second,
        left=left,
        machines=frozenset(record.host_id for record in records),
        verdict=verdict_at_home(packed, payloads, records, left),
    )
    return done, chosen.refused


@dataclass(slots=True)
class _Chosen:
    """Which of the ends are stored."""

    new: list[tuple[Payload, Outcome]] = field(default_factory=list)
    second: int = 0
    refused: list[Refusal] = field(default_factory=list)


def _choose(earlier: Sequence[Record], outcomes: Sequence[tuple[Payload, Outcome]]) -> _Chosen:
    """Of each trial the first end that says something of its cell, and all before it that do not; but what was
    measured by other means is none of these, also where the same trial has ended by those: at home, say."""
    chosen = _Chosen()
    every = [*earlier, *(outcome.record for _, outcome in outcomes)]
    named = unified_records(every)[len(earlier) :]
    done, means = done_of(earlier), dict(means_of(earlier))
    runs = {record.run_id for record in earlier}
    threads = {record.cell: _threads(record) for record in reversed(earlier)}
    for (payload, outcome), record in zip(outcomes, named, strict=True):
        own = means_of([record])
        if record.run_id in runs:
            continue
        if what := unlike(own, means) or _other_threads(record, threads):
            why = (
                f"the end of trial {payload.trial} was measured with {what} than what is there: unlike runs are "
                "not mixed, unpack it into another folder with --results"
            )
            chosen.refused.append(Refusal(payload.where, why, payload.pack, payload.trial))
        elif (record.cell, record.block) in done:
            chosen.second += record.status in TELLING
        else:
            runs.add(record.run_id)
            done |= done_of([record])
            means |= own
            threads.setdefault(record.cell, _threads(record))
            chosen.new.append((payload, outcome))
    return chosen


def _threads(record: Record) -> tuple[int | None, ...]:
    used = record.settings
    return used.encoder_threads, used.decoder_threads, used.filter_threads


def _other_threads(record: Record, known: Mapping[str, tuple[int | None, ...]]) -> str | None:
    """Than what is there of its cell: a host fills in what that leaves open, and may have become another."""
    own = _threads(record)
    there = known.get(record.cell, own)
    return None if there == own else f"other threads ({_counts(own)} instead of {_counts(there)})"


def _counts(threads: tuple[int | None, ...]) -> str:
    return "+".join("?" if count is None else str(count) for count in threads)


def _check_asked(folder: Path, packed: Packed) -> None:
    """That the folder's campaign asks the same, on the same films."""
    there, films = folders.read_experiment(folder), folders.read_uploads(folder)
    same_films = _films(films) == _films(packed.uploads)
    if but_for_blocks(there) != but_for_blocks(parse_toml(packed.experiment)) or not same_films:
        raise CampaignError(
            f"{folder} holds another experiment than pack {packed.pack}, or other uploads: unpack it into another "
            "folder with --results"
        )


def _films(uploads: Mapping[str, Any]) -> set[str]:
    return {facts["sha256"] for facts in uploads.values()}


def _describe(
    store: Store,
    packed: Packed,
    payloads: Sequence[Payload],
    new: Sequence[tuple[Payload, Outcome]],
    *,
    is_new: bool,
) -> None:
    """What was asked, where and on what; how the campaign stood before it grows is no longer so."""
    store.remove(folders.PROGRESS)
    if is_new:
        store.write(folders.EXPERIMENT, packed.experiment)
        store.describe(uploads=packed.uploads)
    is_described = files.has_entry(store.folder, folders.ENVIRONMENT)
    earlier = [folders.read_environment_file(store.folder)] if is_described else []
    theirs = environment_there(packed, payloads, new)
    store.describe(environment=joined_environments(*earlier, *theirs))
