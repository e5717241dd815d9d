"""Samples thinned to one a second, as columns: what comes home of a trial's course. Stdlib only: it travels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_EACH_S = 1.0


class Thinning:
    """Takes samples as they are read, and keeps one a second: the one that needed most memory, so that no
    peak is lost. `columns` holds a list for each column."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {}
        self._second = -1

    def add(self, sample: Mapping[str, Any]) -> None:
        """`sample`: the fields of one reading, with its time `t_s`. Every one has the same fields."""
        second = int(sample["t_s"] / _EACH_S)
        if second != self._second:
            self._second = second
            for name, value in sample.items():
                self.columns.setdefault(name, []).append(value)
        elif _need(sample) > _need({name: kept[-1] for name, kept in self.columns.items()}):
            for name, value in sample.items():
                self.columns[name][-1] = value


def _need(sample: Mapping[str, Any]) -> int:
    """What the kernel cannot drop, as far as it was read."""
    parts = ("anon_bytes", "shmem_bytes", "kernel_bytes")
    return sum(sample.get(name) or 0 for name in parts)
