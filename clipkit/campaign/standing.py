"""How a sweep stands, as data: the same for a terminal, a notebook and whoever looks later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clipkit import files
from clipkit import format as fmt
from clipkit.documents import misfit, parse_json
from clipkit.errors import CampaignError
from clipkit.records.folder import PROGRESS

_MOST_BYTES = 1 << 20
_BOOT_ID = re.compile(r"([0-9a-f]{8})(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_NAMED = 4
"""Machines that a line has room for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`total`, `done` and the counts below it are trials; times in seconds.

    `total` is None where the strategy cannot know it. `elapsed_s` is what all its sweeps took.
    `disturbed`: what others spoilt in every attempt, `machine_failed`: in which the machine or the harness did;
    neither is measured. `state`: running, finished, cancelled or failed. `eta_s` is the time that the rest
    will take, None while nothing is known. `now`: what runs, in words; `clip`: how far it is. `best`: what is
    recommended so far (`records.best`) for the job and host that ran last. `shard`: `1/2`, where only
    a part of the blocks is run here.
    Of a cluster's machines, by name: `machines`, how many trials each has measured since the sweep was started,
    `running`, what each runs, in words.
    """

    campaign: str
    state: str
    pid: int
    total: int | None
    done: int
    ok: int
    oom: int
    inferred: int
    failed: int
    elapsed_s: float
    eta_s: float | None
    now: str | None
    clip: str | None
    best: str | None
    best_s_per_clip: float | None
    error: str | None
    updated_utc: str
    shard: str | None = None
    disturbed: int = 0
    machine_failed: int = 0
    machines: Mapping[str, int] = field(default_factory=dict)
    running: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return fmt.brief(self, self.campaign, self.state, self.done_words)

    @property
    def done_words(self) -> str:
        """`61 of 324 trials`."""
        done = (
            f"{self.done} trials" if self.total is None else f"{self.done} of {self.total} trials"
        )
        return f"{done}, shard {self.shard}" if self.shard else done

    @property
    def words(self) -> str:
        """One line: how much is done, what is left, the best so far."""
        parts = [self.done_words, *([self._machines_words] if self.machines else [])]
        counts = (
            (self.oom, "out of memory"),
            (self.inferred, "inferred"),
            (self.failed, "failed"),
            (self.disturbed, "disturbed"),
            (self.machine_failed, "where the machine failed"),
        )
        parts += [f"{number} {what}" for number, what in counts if number]
        if self.state == "running" and self.eta_s is not None:
            parts.append(f"{fmt.clock(self.eta_s)} left")
        if self.state != "running":
            parts.append(self.state)
        if self.best:
            parts.append(f"best {self.best}")
        return ", ".join(parts)

    @property
    def _machines_words(self) -> str:
        """`one 12, two 11`, or of many how they spread."""
        counts = self.machines.values()
        if len(self.machines) > _MOST_NAMED:
            return f"{len(self.machines)} machines, {min(counts)} to {max(counts)} each"
        return ", ".join(f"{machine_label(name)} {count}" for name, count in self.machines.items())


def running_words(running: Mapping[str, str]) -> str | None:
    """What machines run, in a line: `one: block 2 of 6: veryfast; two: …`; None where that is nothing."""
    told = [f"{machine_label(name)}: {what}" for name, what in running.items()]
    more = len(told) - _MOST_NAMED
    return (
        "; ".join([*told[:_MOST_NAMED], *([f"{more} more machines"] if more > 0 else [])]) or None
    )


def machine_label(name: str) -> str:
    """A machine's name in a line: of a kernel's boot id its first letters."""
    boot = _BOOT_ID.fullmatch(name)
    return boot[1] if boot else name


def read_standing(folder: Path) -> Standing:
    """How the campaign in that folder stands, by its own word. Raises CampaignError without one."""
    path = folder / PROGRESS
    try:
        document = parse_json(files.read_file(folder, PROGRESS, _MOST_BYTES))
    except FileNotFoundError:
        raise CampaignError(
            f"{folder} has no {PROGRESS}: no sweep has been started there"
        ) from None
    except OSError as error:
        raise CampaignError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CampaignError(f"{path} cannot be read: {error}") from None
    if wrong := misfit(document, Standing):
        raise CampaignError(f"{path} cannot be read: {wrong}")
    return Standing(**document)
