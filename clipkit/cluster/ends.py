"""How a task on a worker ended, and what that says of the worker. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clipkit.cluster import guard

_WORDS = {
    None: "it is another worker by now",
    guard.BUSY: "another measurement runs there",
    guard.FORSAKEN: "nobody waited for it any more",
}


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """`status`: of its future; `result`: None where it returned none; `error`: what it raised, in words."""

    status: str
    result: Any = None
    error: str = ""

    @property
    def answer(self) -> Mapping[str, Any]:
        return self.result if isinstance(self.result, dict) else {}

    @property
    def why(self) -> str | None:
        """In words; None where it ended well."""
        if self.status == "error":
            return f"its task failed: {self.error}"
        if self.status != "finished":
            return f"the task was lost ({self.status})"
        code = self.answer.get("code", 0)
        last = (self.answer.get("stderr") or "").strip().splitlines()[-1:]
        if code == 0:
            return None
        return _WORDS.get(code) or ": ".join([f"its process ended with {code}", *last])

    @property
    def is_busy(self) -> bool:
        """Whether the machine is held by another measurement, so that it can measure when that has ended."""
        return self.answer.get("code") == guard.BUSY

    @property
    def passes(self) -> bool:
        """Whether it may be otherwise in a while, with nothing done there."""
        if self.status in ("finished", "error"):
            return self.is_busy
        return True

    @property
    def is_another_life(self) -> bool:
        """It was started again under its address."""
        return "code" in self.answer and self.answer["code"] is None
