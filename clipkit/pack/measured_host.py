"""What a host of the catalogue was measured to be, kept in the user's own data folder, a file for each day."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clipkit import files
from clipkit import format as fmt
from clipkit.documents import misfit, parse_json
from clipkit.errors import OutputError
from clipkit.hosts import Host
from clipkit.pack.kept import data_root
from clipkit.trial.machine import host_id

_MOST_BYTES = 1 << 16
_AS_FAST = 0.1
"""A core that differs by less from ours is played by one of ours."""
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class MeasuredHost:
    """`host`: its name in the catalogue. `memory_bytes` is usable, None: it told nothing; `cpus` are cores of its own
    that it gives, None: no limit. `core`: how much its core does where one of this machine (`here`) does 1, by `core_by`, as
    `core_pairs` say with a standard deviation `core_log_sd` of the logarithm. `log_sd`: how repeats differ there."""

    host: str
    measured_utc: str
    campaign: str
    here: str
    memory_bytes: int | None
    cpus: float | None
    core: float
    core_by: str
    core_pairs: int
    core_log_sd: float
    log_sd: float | None
    noise_freedom: int

    @property
    def date(self) -> str:
        return self.measured_utc[:10]

    @property
    def words(self) -> str:
        memory = "" if self.memory_bytes is None else f"{fmt.memory(self.memory_bytes)} and "
        return (
            f"measured there on {self.date}: {memory}{self._cpus_words}, of a core that does {self.core:.2g} of "
            f"what one does here (by {self.core_by}){self._unlike}"
        )

    @property
    def played_cpus(self) -> float | None:
        """In cores of this machine."""
        return None if self.cpus is None else round(max(0.01, self.cpus * self.core), 3)

    @property
    def _unlike(self) -> str:
        """A share of one core can be played by another share; several cores cannot by others as fast or as many."""
        most = max(self.cpus or math.inf, self.played_cpus or math.inf)
        if most <= 1 or abs(self.core - 1) <= _AS_FAST:
            return ""
        return "; how several threads or clips at once share such cores is not shown here: pack it and run it there"

    @property
    def _cpus_words(self) -> str:
        return fmt.cpus(None if self.cpus is None else round(self.cpus, 3))

    def played(self, plan: Host) -> Host:
        """The plan as this machine has to play it, so that what runs here takes as long as there."""
        return replace(
            plan,
            memory_bytes=self.memory_bytes or plan.memory_bytes,
            cpus=self.played_cpus,
            as_measured=self.words,
            as_measured_log_sd=self.core_log_sd,
        )

    def lines(self) -> list[str]:
        noise = "unknown, nothing was repeated" if self.log_sd is None else fmt.percent(self.log_sd)
        played = "" if self.cpus is None else f", played here as {fmt.cpus(self.played_cpus)}"
        memory = "unknown, the plan's word stands"
        if self.memory_bytes is not None:
            memory = f"{fmt.memory(self.memory_bytes)} usable"
        return [
            f"{self.host}, by {self.campaign} of {self.date}:",
            f"  memory  {memory}",
            f"  CPU     {self._cpus_words}{played}",
            f"  core    does {self.core:.2f} of what one does here, by {self.core_by} "
            f"({fmt.counted(self.core_pairs, 'pair')})",
            f"  noise   {noise}: the standard deviation of a repeat",
            f"  `clipkit tune --host {self.host}` plays the host so from now on",
        ]


def keep_measured_host(found: MeasuredHost) -> Path:
    """Raises OutputError."""
    path = _folder() / f"{found.host}-{found.date}.json"
    text = json.dumps(dataclasses.asdict(found), indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return files.write_file(path.parent, path.name, text.encode())
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}; set CLIPKIT_DATA to a folder with room"
        ) from None


def measured_hosts() -> list[MeasuredHost]:
    """The latest of each host that was held against this machine; what cannot be read is none."""
    latest: dict[str, MeasuredHost] = {}
    for name in files.files_in(_folder()):
        if (found := _read(name)) and found.here == host_id():
            before = latest.get(found.host)
            if before is None or before.measured_utc <= found.measured_utc:
                latest[found.host] = found
    return list(latest.values())


def host_as_measured(plan: Host) -> Host:
    """The plan as it was measured, where it was; else the plan."""
    found = next((each for each in measured_hosts() if each.host == plan.name), None)
    return found.played(plan) if found else plan


def _read(name: str) -> MeasuredHost | None:
    with contextlib.suppress(OSError, ValueError, OverflowError):
        document: Any = parse_json(files.read_file(_folder(), name, _MOST_BYTES))
        if misfit(document, MeasuredHost) is None and _SAFE.fullmatch(document["host"]):
            found = MeasuredHost(**document)
            datetime.datetime.fromisoformat(found.measured_utc)
            return found if found.core > 0 else None
    return None


def _folder() -> Path:
    return data_root() / "hosts"
