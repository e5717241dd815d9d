"""What the process of a block prints, line by line: that a trial began, and how it ended. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clipkit.campaign.alike import Means, build_means, footing_means, limit_means
from clipkit.documents import misfit, parse_json
from clipkit.errors import CampaignError
from clipkit.records.checks import check_clip, check_environment, check_row
from clipkit.records.outcome import Outcome, Sample
from clipkit.records.record import Record
from clipkit.records.versions import upgraded
from clipkit.trial.asked import Trial

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Ready:
    """What a worker's machine said of itself: its name in records, why it gets nothing, if so, and its `environment`, as a
    campaign's folder holds it. `held`: of each host by its name the ceiling, and to how many bytes and cores it holds;
    `builds`: the SHA-256 of each ffmpeg by the word that chooses it; `footing`: cores, priority and Python's version."""

    machine: str
    ceiling: str
    ffmpeg_version: str
    refused: str | None
    environment: dict[str, Any]
    held: dict[str, tuple[str, int | None, float | None]] = field(default_factory=dict)
    builds: dict[str, str] = field(default_factory=dict)
    footing: tuple[int, int, str] | None = None

    def __post_init__(self) -> None:
        """Raises CampaignError for what no machine is like."""
        check_environment(self.environment)
        if any((memory_bytes or 0) > _LARGEST for _, memory_bytes, _ in self.held.values()):
            raise CampaignError("tells of more memory than there is anywhere")

    @property
    def ceilings(self) -> dict[str, str]:
        """What holds each host there, by its name."""
        return {host: mechanism for host, (mechanism, _, _) in self.held.items()}

    @property
    def means(self) -> Means:
        """With what records of this machine will have been measured (`campaign.alike`)."""
        found: dict[tuple[str, str], set[str]] = {}
        for host, (mechanism, memory_bytes, cpus) in self.held.items():
            found["ceiling", host] = {mechanism}
            found |= limit_means(f"{host} {self.machine}", memory_bytes, cpus)
        for choice, sha256 in self.builds.items():
            found |= build_means(choice, self.machine, sha256)
        if self.footing:
            found |= footing_means(self.machine, *self.footing)
        return found


@dataclass(frozen=True, slots=True)
class Began:
    run_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    run_id: str
    record: dict[str, Any]
    clips: tuple[dict[str, Any], ...]
    samples: dict[str, tuple[int | float | None, ...]]
    stop: str | None


_KINDS: dict[str, type[Ready] | type[Began] | type[Ended]] = {
    "ready": Ready,
    "began": Began,
    "ended": Ended,
}


def told_in(line: str) -> Ready | Began | Ended | None:
    """None for a line that is none of these: a program may print what it likes. Raises CampaignError."""
    if not line.startswith('{"clipkit":'):
        return None
    try:
        document = parse_json(line)
    except ValueError as error:
        raise CampaignError(f"a line of its process cannot be read: {error}") from None
    kind = _KINDS.get(str(document.pop("clipkit", None)))
    if kind is None or (wrong := misfit(document, kind)):
        raise CampaignError(
            f"a line of its process is none of clipkit's: {wrong if kind else line[:60]}"
        )
    return kind(**document)


def outcome_in(ended: Ended, trial: Trial) -> Outcome:
    """Raises CampaignError where it is none of that trial's."""
    try:
        check_row(ended.record)
        record = Record.from_row(upgraded(ended.record))
        for clip in ended.clips:
            check_clip(clip)
    except CampaignError as error:
        raise CampaignError(f"the record of {ended.run_id} {error}") from None
    identity = trial.identity
    if (record.run_id, record.cell, record.block) != (
        identity.run_id,
        identity.cell,
        identity.block,
    ):
        raise CampaignError(f"the record of {ended.run_id} is of another trial")
    return Outcome(record, ended.clips, _samples(ended.samples), {}, ended.stop)


def _samples(columns: Mapping[str, tuple[int | float | None, ...]]) -> list[Sample]:
    names = [declared.name for declared in dataclasses.fields(Sample)]
    lengths = {len(values) for values in columns.values()}
    if not columns.keys() <= {*names} or len(lengths) > 1:
        raise CampaignError("its samples are no table of samples")
    length = lengths.pop() if lengths else 0
    whole = [columns.get(name) or (None,) * length for name in names]
    return [Sample(*row) for row in zip(*whole, strict=True)]
