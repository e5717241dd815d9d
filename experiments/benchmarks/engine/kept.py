"""What is kept of each run and of each look at clips: a line each, appended, never changed; and what of it counts.

Runs of one job are compared with each other alone if the same clipkit made them on the same machine: a *session*.
`code` names that clipkit, by git's hash of its folder; what was measured before there was such a column has None.
"""

from __future__ import annotations

import datetime
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from cases import CASES

RUNS, LOOKS = "engine.jsonl", "engine-looks.jsonl"
MEASURING, CHOOSING = "measuring", "choosing"
# "A pair over 2 minutes apart is no pair": the machine is another one by then.
_APART_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Of either kind. `commit`, `code`: None where it is not known."""

    case: str
    subject: str
    started_utc: str
    host_id: str
    ffmpeg: str
    commit: str | None = None
    code: str | None = None

    @classmethod
    def read(cls, file: Path) -> list[Self]:
        """In the order in which they were written. Raises TypeError for a line that lacks a column."""
        if not file.exists():
            return []
        known = {one.name for one in fields(cls)}
        rows: list[dict[str, Any]] = [
            json.loads(line) for line in file.read_text("utf-8").splitlines()
        ]
        return [cls(**{name: row[name] for name in row if name in known}) for row in rows]

    def append_to(self, file: Path) -> None:
        with file.open("a", encoding="utf-8") as opened:
            opened.write(
                f"{json.dumps({one.name: getattr(self, one.name) for one in fields(self)})}\n"
            )


@dataclass(frozen=True, kw_only=True)
class Run(Kept):
    """`clips` of `clips_asked` were there in the end. `engine_wall_s`: as clipkit's manifest tells it.

    `purpose`: runs to choose a width from are no measurements of it.
    """

    round: int
    order: int
    wall_s: float
    engine_wall_s: float | None
    cpu_s: float | None
    peak_anon_bytes: int | None
    oom_kills: int
    clips_asked: int
    clips: int
    output_bytes: int
    status: str
    modes: dict[str, int]
    purpose: str = MEASURING

    @property
    def whole(self) -> bool:
        return self.clips == self.clips_asked

    @property
    def is_estimate(self) -> bool:
        """It cut less than the job."""
        return self.clips_asked < CASES[self.case].clips

    @property
    def began_s(self) -> float:
        return datetime.datetime.fromisoformat(self.started_utc).timestamp()

    def is_beside(self, other: Run) -> bool:
        """Both of one round and near each other in time."""
        first, second = sorted((self, other), key=lambda run: run.began_s)
        gap_s = second.began_s - first.began_s - first.wall_s
        return self.round == other.round and gap_s <= _APART_S


@dataclass(frozen=True, kw_only=True)
class Look(Kept):
    """Clips beside their upload. `exact`: how many are all that was asked for; `right_pictures`: how many show the
    pictures that were asked for, though perhaps not when; `why`: what is not, in the words of the first clip.

    `judged_by`: "oracle" (pictures, times, shape, colours, length, sound), or "times" where the picture is another
    one on purpose. `same_pictures`: equal to the upload's bit for bit; None: not compared. `hidden`: pictures that lie
    in the files and are not shown. `vmaf` is a mean over clips, `worst_clip` the least of them; None: `unscored` says why.
    """

    clips_looked_at: int
    exact: int
    right_pictures: int
    why: str
    judged_by: str
    pictures: int
    same_pictures: int | None
    hidden: int
    hidden_s: float
    vmaf: float | None
    worst_clip: float | None
    unscored: str
    model: str


def session(runs: Sequence[Run]) -> list[Run]:
    """Of the runs of one job those of its last session."""
    if not runs:
        return []
    last = runs[-1]
    return [run for run in runs if (run.code, run.host_id) == (last.code, last.host_id)]


def pairs(theirs: Sequence[Run], ours: Sequence[Run]) -> list[tuple[Run, Run]]:
    """Runs that may be compared: of one round, whole, beside each other, and of the whole job both."""
    return [
        (one, other)
        for one in theirs
        for other in ours
        if one.is_beside(other)
        and one.whole
        and other.whole
        and not (one.is_estimate or other.is_estimate)
    ]


def best_width(runs: Sequence[Run]) -> str | None:
    """The subject that was fastest, whole, when widths were tried; None: none was, or none was whole."""
    tried = [run for run in runs if run.purpose == CHOOSING and run.whole]
    return min(tried, key=lambda run: run.wall_s).subject if tried else None


def version(folder: Path) -> tuple[str | None, str | None]:
    """The commit of a checkout, and of its clipkit the hash, with + where it was changed since."""

    def git(*words: str) -> str | None:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    commit, code = git("rev-parse", "--short", "HEAD"), git("rev-parse", "--short", "HEAD:clipkit")
    changed = git("status", "--porcelain", "--", "clipkit")
    return commit, f"{code}+" if code and changed else code
