"""A campaign's folder being written: append-only, a line for each finished attempt, safe against a
kill at any time."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clipkit import files
from clipkit.documents import json_text
from clipkit.errors import CampaignError, OutputError, UsageError
from clipkit.records.folder import (
    CLIPS,
    LOGS,
    RUNS,
    SAMPLES,
    clips_by_run,
    is_whole,
    read_records,
    whole_lines,
)
from clipkit.records.outcome import CLIPS_PREFIX, Outcome, Sample
from clipkit.records.record import Record
from clipkit.records.writing_alone import is_being_written, writing_alone

# Who only looks whether a campaign is busy holds it for a moment: that is no reason to give up.
_LOCK_PATIENCE_S = 0.5
_RUN = re.compile(r"\d{4,}-.+-b\d+-a\d+-[0-9a-f]{6}")
"""What an attempt is called (`trial.asked.Identity`)."""
_MOST_COPIED_BYTES = 1 << 27
"""Of one file of samples or one log."""
_COMPACT: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 19,  # 3 ms a file
    "use_dictionary": False,  # hardly a figure comes twice
    "write_statistics": False,  # nobody looks for a part of it
    "store_schema": False,  # the columns' types are Parquet's own
}
"""How samples are written: a few hundred rows, of which the usual frills are two fifths."""


@dataclasses.dataclass(frozen=True, slots=True)
class Store:
    """The folder of one campaign. Written by one process at a time (`writing`). `made`: what of its
    path was not there before."""

    folder: Path
    made: tuple[Path, ...] = ()

    @classmethod
    def create(cls, folder: Path) -> Store:
        """Raises OutputError where the folder cannot be made."""
        folder = folder.absolute()
        try:
            made = tuple(each for each in (folder, *folder.parents) if not each.exists())
            folder.mkdir(parents=True, exist_ok=True)
            for name in (SAMPLES, LOGS):
                files.make_folder(folder, name)
        except OSError as error:
            raise OutputError(f"cannot write into {folder}: {error.strerror}") from None
        return cls(folder.resolve(), made)

    @contextlib.contextmanager
    def removed_if_refused(self) -> Iterator[None]:
        """Where nothing has been measured in the end, the folder is gone again if it is this store's."""
        try:
            yield
        finally:
            if self.made and not self.finished():
                shutil.rmtree(self.made[0], ignore_errors=True)
                with contextlib.suppress(OSError):  # another campaign may have come to lie there
                    for parent in self.made[1:]:
                        parent.rmdir()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the campaign for this process. Raises CampaignError where another one has it."""
        with contextlib.ExitStack() as stack:
            self._hold(stack)
            self._sweep_up()
            yield

    def _hold(self, stack: contextlib.ExitStack) -> None:
        deadline_s = time.monotonic() + _LOCK_PATIENCE_S
        while True:
            with contextlib.suppress(BlockingIOError):
                return stack.enter_context(writing_alone(self.folder))
            if time.monotonic() > deadline_s:
                raise CampaignError(
                    f"{self.folder} is in use by another clipkit: wait for it, or measure under another name"
                )
            time.sleep(_LOCK_PATIENCE_S / 10)

    @property
    def busy(self) -> bool:
        """Whether a process is writing it now."""
        return is_being_written(self.folder)

    def _sweep_up(self) -> None:
        """What a clipkit that was killed left: its clips, and what it had stored of an attempt that does
        not count because its own line was never written."""
        for left in self.folder.glob(f"{CLIPS_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)  # of a link it does nothing
        for name in ("", SAMPLES):
            files.remove_unfinished(self.folder, name)
        counted = {record.run_id for record in self.records()}
        clips = clips_by_run(self.folder)
        kept = [clip for run_id, own in clips.items() if run_id in counted for clip in own]
        if len(kept) < _count(whole_lines(self.folder / CLIPS)):
            self.write(CLIPS, "".join(f"{json.dumps(clip)}\n" for clip in kept))
        for name in files.files_in(self.folder, SAMPLES):
            if _is_lost(Path(name).stem, counted):
                self.remove(f"{SAMPLES}/{name}")
        for name in files.folders_in(self.folder, LOGS):
            if _is_lost(name, counted):
                shutil.rmtree(self.folder / LOGS / name, ignore_errors=True)

    def records(self) -> list[Record]:
        """Every attempt so far. Raises CampaignError (see `folder.read_records`)."""
        return read_records(self.folder)

    def describe(self, **documents: Mapping[str, Any]) -> None:
        """Write `NAME.json` for each: environment, uploads, recommendation."""
        for name, document in documents.items():
            self.write(f"{name}.json", json_text(document, indent=1) + "\n")

    def write(self, name: str, text: str, *, lasting: bool = True) -> Path:
        """Write a file in one act: complete or not at all (see `files.write_file`)."""
        try:
            return files.write_file(self.folder, name, text.encode("utf-8"), lasting=lasting)
        except OSError as error:
            raise OutputError(f"cannot write {self.folder / name}: {error.strerror}") from None

    def copy(self, source: Path, name: str) -> None:
        """A file of another campaign, under the same name. Raises CampaignError, OutputError."""
        try:
            content = files.read_file(source, name, _MOST_COPIED_BYTES)
        except OSError as error:
            raise CampaignError(f"cannot read {source / name}: {error.strerror}") from None
        try:
            files.write_file(self.folder, name, content)
        except OSError as error:
            raise OutputError(f"cannot write {self.folder / name}: {error.strerror}") from None

    def remove(self, name: str) -> None:
        """A file, if it is there. Raises OutputError."""
        try:
            files.remove_file(self.folder, name)
        except OSError as error:
            raise OutputError(f"cannot remove {self.folder / name}: {error.strerror}") from None

    def finished(self) -> int:
        """How many attempts are stored."""
        return _count(whole_lines(self.folder / RUNS))

    def append(self, outcome: Outcome) -> None:
        """Store one finished attempt. Its line in `runs.jsonl`, written last, makes it count."""
        try:
            run_id = outcome.record.run_id
            if outcome.samples:
                self._write_samples(run_id, outcome.samples)
            for name, content in outcome.logs.items():
                files.write_file(self.folder, f"{LOGS}/{run_id}/{Path(name).name}", content)
            self.append_lines(CLIPS, [json_text(clip) for clip in outcome.clips])
            self.append_lines(RUNS, [json_text(outcome.record.to_row())])
        except OSError as error:
            raise OutputError(f"cannot write into {self.folder}: {error.strerror}") from None

    def append_lines(self, name: str, lines: Sequence[str]) -> None:
        """To `runs.jsonl` or `clips.jsonl`, in one write; on the disk when this returns."""
        with files.appending(self.folder, name) as file:
            _mend(file.fileno())
            file.write(b"".join(line.encode() + b"\n" for line in lines))

    def _write_samples(self, run_id: str, samples: Sequence[Sample]) -> None:
        columns = [declared.name for declared in dataclasses.fields(Sample)]
        table = pa.table({name: [getattr(row, name) for row in samples] for name in columns})
        written = io.BytesIO()
        pq.write_table(table, written, **_COMPACT)
        files.write_file(self.folder, f"{SAMPLES}/{run_id}.parquet", written.getvalue())


def sweep_up_in(results: Path) -> None:
    """What clipkits that were killed left of their clips in the campaigns of that folder: with a tuning nobody
    goes on who would sweep it up."""
    for left in results.glob(f"*/{CLIPS_PREFIX}*"):
        if not Store(left.parent).busy:
            shutil.rmtree(left, ignore_errors=True)


def _count(lines: Iterable[bytes]) -> int:
    return sum(1 for _ in lines)


def _is_lost(name: str, counted: Collection[str]) -> bool:
    """Whether it is named after an attempt that is not among these."""
    return name not in counted and _RUN.fullmatch(name) is not None


def _mend(descriptor: int) -> None:
    """A last line without its end: cut off where a killed process left it unfinished, so that the
    next starts on its own; ended where it is whole."""
    size = os.fstat(descriptor).st_size
    if not size or os.pread(descriptor, 1, size - 1) == b"\n":
        return
    tail = os.pread(descriptor, min(size, 1 << 20), max(0, size - (1 << 20)))
    last = tail[tail.rfind(b"\n") + 1 :]
    if is_whole(last):
        os.pwrite(descriptor, b"\n", size)
    else:
        os.ftruncate(descriptor, size - len(last))


def campaign_named(name: str) -> str:
    """The name that a user gave a campaign, as its folder's. Raises UsageError for what is none."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise UsageError(
            f"'{name[:40]}' cannot name a campaign: use up to 100 letters, digits, '.', '_' and '-'"
        )
    return name


def slug(text: str) -> str:
    """A safe part of a folder's name, whatever an upload is called."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "upload"
