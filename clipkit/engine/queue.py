"""Clips that wait for their turn, those together that one process is to make. Stdlib only."""

from __future__ import annotations

from collections import deque

from clipkit.engine.work import Work


class Queue:
    """In the order in which they came. A group is complete when its last clip has come, and is then at its first one's
    place, which leads the `others`."""

    def __init__(self) -> None:
        self._works: deque[Work] = deque()
        self._gathered: list[Work] = []

    def __bool__(self) -> bool:
        return bool(self._works or self._gathered)

    @property
    def next(self) -> Work | None:
        return self._works[0] if self._works else None

    def add(self, work: Work) -> None:
        self._gathered.append(work)
        if len(self._gathered) > len(work.current.cut_with):
            lead, *lead.others = self._gathered
            self._works.append(lead)
            self._gathered = []

    def take(self) -> Work:
        return self._works.popleft()

    def put_back(self, work: Work) -> None:
        """Before all others: it has had its turn."""
        self._works.appendleft(work)

    def emptied(self) -> list[Work]:
        """All that waited, each for itself."""
        waited = [each for lead in self._works for each in lead.parted()] + self._gathered
        self._works.clear()
        self._gathered = []
        return waited
