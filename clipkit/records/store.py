"""A campaign's folder: append-only, a line for each finished attempt, safe against a kill at any time."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clipkit.errors import CampaignError, OutputError, UsageError
from clipkit.records.record import Record
from clipkit.trial.run import CLIPS_PREFIX, Outcome
from clipkit.trial.sampler import Sample

RUNS = "runs.jsonl"
CLIPS = "clips.jsonl"
# Who only looks whether a campaign is busy holds it for a moment: that is no reason to give up.
_LOCK_PATIENCE_S = 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class Store:
    """The folder of one campaign. Written by one process at a time (`writing`)."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> Store:
        """Raises OutputError where the folder cannot be made."""
        try:
            for name in ("samples", "logs"):
                (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write into {folder}: {error.strerror}") from None
        return cls(folder.resolve())

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the campaign for this process. Raises CampaignError where another one has it."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            self._lock(folder)
            self._sweep_up()
            yield
        finally:
            os.close(folder)

    def _lock(self, folder: int) -> None:
        deadline_s = time.monotonic() + _LOCK_PATIENCE_S
        while True:
            with contextlib.suppress(BlockingIOError):
                return fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.monotonic() > deadline_s:
                raise CampaignError(
                    f"{self.folder} is in use by another clipkit: wait for it, or use --as NAME"
                )
            time.sleep(_LOCK_PATIENCE_S / 10)

    @property
    def busy(self) -> bool:
        """Whether a process is writing it now."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(folder)
        return False

    def _sweep_up(self) -> None:
        """What a clipkit that was killed left: its clips, and lines of clips whose attempt does not
        count because its own line was never written."""
        for left in self.folder.glob(f"{CLIPS_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
        counted = {record.run_id for record in self.records()}
        lines = _whole_lines(self.folder / CLIPS)
        kept = [line for line in lines if json.loads(line)["run_id"] in counted]
        if len(kept) < len(lines):
            self.write(CLIPS, "".join(f"{line}\n" for line in kept))

    def records(self) -> list[Record]:
        """Every attempt so far. Raises CampaignError for a line that is no record."""
        try:
            return [Record.from_row(json.loads(line)) for line in _whole_lines(self.folder / RUNS)]
        except (KeyError, TypeError, ValueError) as error:
            raise CampaignError(f"{self.folder / RUNS} holds what is no record: {error}") from None

    def describe(self, **documents: Mapping[str, Any]) -> None:
        """Write `NAME.json` for each: environment, uploads, recommendation."""
        for name, document in documents.items():
            self.write(f"{name}.json", json.dumps(document, indent=1, default=str) + "\n")

    def write(self, name: str, text: str) -> Path:
        """Write a file in one act: complete or not at all."""
        path = self.folder / name
        unfinished = path.with_name(f".{name}.part")
        try:
            unfinished.write_text(text, "utf-8")
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise OutputError(f"cannot write {path}: {error.strerror}") from None
        return path

    def finished(self) -> int:
        """How many attempts are stored."""
        return len(_whole_lines(self.folder / RUNS))

    def discard(self, outcome: Outcome) -> None:
        """Forget an attempt that is not to count."""
        shutil.rmtree(self.folder / "logs" / outcome.record.run_id, ignore_errors=True)

    def append(self, outcome: Outcome) -> None:
        """Store one finished attempt. Its line in `runs.jsonl`, written last, makes it count."""
        try:
            if outcome.samples:
                self._write_samples(outcome.record.run_id, outcome.samples)
            self._append(CLIPS, outcome.clips)
            self._append(RUNS, [outcome.record.to_row()])
        except OSError as error:
            raise OutputError(f"cannot write into {self.folder}: {error.strerror}") from None

    def _append(self, name: str, rows: list[dict[str, Any]]) -> None:
        with (self.folder / name).open("a+b") as file:
            _mend(file.fileno())
            file.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
            file.flush()
            os.fsync(file.fileno())

    def _write_samples(self, run_id: str, samples: list[Sample]) -> None:
        columns = [declared.name for declared in dataclasses.fields(Sample)]
        table = pa.table({name: [getattr(row, name) for row in samples] for name in columns})
        path = self.folder / "samples" / f"{run_id}.parquet"
        unfinished = path.with_suffix(".part")
        pq.write_table(table, unfinished, compression="zstd")
        unfinished.replace(path)


def _whole_lines(path: Path) -> list[str]:
    """The lines of a file, but for the last one where a kill left it unfinished."""
    try:
        *lines, _ = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [line.decode("utf-8", "replace") for line in lines]


def _mend(descriptor: int) -> None:
    """Cut off a line that a killed process left unfinished, so that the next starts on its own."""
    size = os.fstat(descriptor).st_size
    if not size or os.pread(descriptor, 1, size - 1) == b"\n":
        return
    tail = os.pread(descriptor, min(size, 1 << 20), max(0, size - (1 << 20)))
    os.ftruncate(descriptor, size - (len(tail) - tail.rfind(b"\n") - 1))


def named(name: str) -> str:
    """The name that a user gave a campaign, as its folder's. Raises UsageError for what is none."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise UsageError(
            f"'{name[:40]}' cannot name a campaign: use up to 100 letters, digits, '.', '_' and '-'"
        )
    return name


def slug(text: str) -> str:
    """A safe part of a folder's name, whatever an upload is called."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "upload"
