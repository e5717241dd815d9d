"""What happened, line by line: in DIR, forced to the disk, and printed. Stdlib only.

The journal is for whoever goes on over the same DIR; `printed.log` and stdout are for home, and hold the same in
signed parts (`parts`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit.pack.there.parts import Kind, Sender, document_text, text_parts
from clipkit.pack.there.verdict import COLUMNS
from clipkit.pack.there.whole import write_whole

JOURNAL = "journal.jsonl"
PRINTED = "printed.log"
_COLUMNS = ("run_id", "status", "error", *COLUMNS)


@dataclass(frozen=True, slots=True)
class Journal:
    """`say` prints one line."""

    folder: Path
    sender: Sender
    say: Callable[[str], None]

    def tell(self, kind: Kind, trial: int, document: Mapping[str, Any]) -> None:
        """First on the disk, then printed; in the journal last, since what that calls done has to be for home to
        read as well. Raises OSError where the disk takes no more."""
        sender, text = self.sender, document_text(document)
        line = {"kind": kind.name.lower(), "pack": sender.pack, "life": sender.life, "trial": trial}
        lines = text_parts(sender, kind, trial, text)
        _append(self.folder / PRINTED, lines)
        _append(self.folder / JOURNAL, [f"{json.dumps(line)[:-1]}, {text[1:]}"])
        for each in lines:
            self.say(each)


def entries_in(folder: Path) -> list[dict[str, Any]]:
    """Every whole line of the journal there, in its order, without what takes room: samples, clips, and of a
    record the columns that nobody asks for here."""
    try:
        file = (folder / JOURNAL).open("rb")
    except FileNotFoundError:
        return []
    found = []
    with file:
        for line in file:
            try:
                entry = json.loads(line)
            except ValueError:  # cut off by a kill
                continue
            if isinstance(entry, dict):
                found.append(_asked_for(entry))
    return found


def _asked_for(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in entry.items() if name not in ("samples", "clips")}
    if "record" in kept:
        record = kept["record"]
        kept["record"] = {name: record[name] for name in _COLUMNS if name in record}
    return kept


def _append(path: Path, lines: list[str]) -> None:
    """Each on a line of its own, also behind one that a kill has cut off; on the disk when this returns."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        whole = not size or os.pread(descriptor, 1, size - 1) == b"\n"
        content = "".join(f"{line}\n" for line in lines).encode()
        write_whole(descriptor, content if whole else b"\n" + content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
