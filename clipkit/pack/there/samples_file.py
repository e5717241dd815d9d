"""The samples of a trial in a file: they take no memory, and the last one outlives the instance. Stdlib only."""

from __future__ import annotations

import dataclasses
import math
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from clipkit.pack.there.whole import write_whole
from clipkit.records.outcome import Sample
from clipkit.trial.sampler import Kept

_FIELDS = tuple(declared.name for declared in dataclasses.fields(Sample))
_SECONDS = {name for name in _FIELDS if name.endswith("_s")}
_ROW = struct.Struct(f"<{len(_FIELDS)}d")
"""Bytes up to 2 to the 53rd are exact; what is unknown is no number."""
_CHUNK = _ROW.size * 512


class SamplesFile(Kept):
    """Written row by row, unbuffered: of a container that is killed the kernel keeps what was written. It is
    not forced to the disk, which would make that work beside what is measured."""

    def __init__(self, path: Path, at_each: Callable[[], None] = lambda: None) -> None:
        """`at_each` is called beside every sample. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._at_each = at_each
        self.failure: OSError | None = None
        """Why the file takes no more; what came before it is whole."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        self._count = 0
        self._last: Sample | None = None

    def append(self, sample: Sample) -> None:
        self._last = sample
        if self.failure is None:
            try:
                write_whole(self._descriptor, _packed(sample))
                self._count += 1
            except OSError as error:  # the thread that samples has to go on: it holds ceilings, too
                self.failure = error
                os.ftruncate(self._descriptor, self._count * _ROW.size)
        self._at_each()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, int):
            raise TypeError("samples in a file are read one by one")
        if index == -1 and self._last is not None:
            return self._last
        place = index + self._count if index < 0 else index
        if not 0 <= place < self._count:
            raise IndexError(index)
        return _read(os.pread(self._descriptor, _ROW.size, place * _ROW.size))

    def __iter__(self) -> Iterator[Sample]:
        return samples_in(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


def samples_in(descriptor: int) -> Iterator[Sample]:
    """Every whole row of such a file, in order."""
    at = 0
    while chunk := os.pread(descriptor, _CHUNK, at):
        whole = len(chunk) // _ROW.size * _ROW.size
        if not whole:
            return
        for place in range(0, whole, _ROW.size):
            yield _read(chunk[place : place + _ROW.size])
        at += whole


def samples_at(path: Path) -> Iterator[Sample]:
    """The same by its name; none where there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        yield from samples_in(descriptor)
    finally:
        os.close(descriptor)


def _packed(sample: Sample) -> bytes:
    values = (getattr(sample, name) for name in _FIELDS)
    return _ROW.pack(*(math.nan if value is None else value for value in values))


def _read(row: bytes) -> Sample:
    named = zip(_FIELDS, _ROW.unpack(row), strict=True)
    values = {name: _value(name, number) for name, number in named}
    return Sample(**values)


def _value(name: str, number: float) -> Any:
    if not math.isfinite(number):
        return None
    return number if name in _SECONDS else int(number)
