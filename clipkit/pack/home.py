"""What came home, as lines for people and as an object for machines. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit import format as fmt
from clipkit.pack.arrived import Refusal
from clipkit.pack.kept import Packed
from clipkit.pack.left import Left, done_words
from clipkit.pack.there.verdict import Verdict

_SHOWN = 12
"""So many of what is left are told one by one."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """One pack's part. `folder` is None where nothing of it was ever measured; `trials` are all attempts that
    the campaign holds, of all `machines` (by `host_id`), `added` those that this call brought; `second`: ends of trials
    that had ended before, which do not count; `verdict`: on what was promised, None: nothing was."""

    packed: Packed
    folder: Path | None
    trials: int
    added: int
    second: int
    left: tuple[Left, ...]
    machines: frozenset[str]
    verdict: Verdict | None = None

    @property
    def go_on(self) -> str | None:
        """What to add to a start there; None: nothing is left."""
        is_open = not all(each.is_given_up for each in self.left)
        return done_words(self.packed, self.left) if is_open else None

    def to_json(self) -> dict[str, Any]:
        return {
            "campaign": None if self.folder is None else str(self.folder),
            "pack": self.packed.pack,
            "host": self.packed.host,
            "shard": self.packed.shard,
            "trials": self.trials,
            "added": self.added,
            "left": [each.to_json() for each in self.left],
            "go_on": self.go_on,
            "verdict": dataclasses.asdict(self.verdict) if self.verdict else None,
        }

    def lines(self) -> Iterator[str]:
        shard = f", shard {self.packed.shard}" if self.packed.shard else ""
        name = f"{self.packed.campaign} on {self.packed.host} (pack {self.packed.pack}{shard})"
        added = f"{self.added} of them new" if self.added else "nothing new"
        yield f"{name}: {fmt.counted(self.trials, 'trial')} at home, {added}"
        if self.second:
            yield f"{fmt.counted(self.second, 'trial')} had ended before: the first end counts"
        if self.left:
            yield f"left: {len(self.left)} of {len(self.packed.trials)}"
            yield from (f"  {each}" for each in self.left[:_SHOWN])
            if len(self.left) > _SHOWN:
                yield f"  and {len(self.left) - _SHOWN} more"
            if self.go_on is not None:
                yield f"go on there: python3 FILE.pyz --yes {self.go_on}".rstrip()
        if self.verdict:
            yield from self.verdict.lines()
        if self.folder:
            yield fmt.near(self.folder)


@dataclass(frozen=True, slots=True)
class Home:
    """All that came home of some logs; `foreign` are packs whose key is not here."""

    unpacked: tuple[Unpacked, ...]
    refused: tuple[Refusal, ...]
    foreign: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether all that was in the logs was taken, and something was."""
        brought = any(each.trials for each in self.unpacked)
        return brought and not self.refused and not self.foreign

    def to_json(self) -> dict[str, Any]:
        """Of the first pack, and of others, where there are such, under `others`."""
        first, *others = [each.to_json() for each in self.unpacked] or [dict(_NOTHING)]
        refused = [dataclasses.asdict(each) for each in self.refused]
        foreign = [
            {"pack": name, "where": None, "trial": None, "life": None, "why": _foreign(name)}
            for name in self.foreign
        ]
        return first | {"refused": refused + foreign} | ({"others": others} if others else {})

    @property
    def of_several_machines(self) -> tuple[Path, ...]:
        """The campaigns that more than one machine has measured."""
        found = (each.folder for each in self.unpacked if len(each.machines) > 1)
        return tuple(dict.fromkeys(folder for folder in found if folder))

    def lines(self) -> list[str]:
        return [line for each in self.unpacked for line in each.lines()]

    def refusals(self) -> list[str]:
        """In words."""
        return [f"refused: {each}" for each in self.refused] + [
            f"refused: {_foreign(name)}" for name in self.foreign
        ]


_NOTHING: dict[str, Any] = {
    "campaign": None,
    "trials": 0,
    "added": 0,
    "left": [],
    "go_on": None,
    "verdict": None,
}


def _foreign(name: str) -> str:
    return f"parts of pack {name}, whose key is not here: name that pack with --pack FILE.pyz"
