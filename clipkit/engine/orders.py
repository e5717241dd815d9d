"""How the engine is told to run a job. Stdlib only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clipkit.engine.manners import AS_WE_ARE


@dataclass(frozen=True, slots=True)
class Orders:
    """How to run a job. `memory_budget_bytes`: start no clip whose predicted bytes do not fit beside
    those running (None: no admission). `stop_on_failure`: a trial ends with its first failure. `nice`,
    `cpu_scheduling`, `ionice`, `cpus`: see `engine.manners`."""

    out_dir: Path
    work_dir: Path
    log_dir: Path
    concurrency: int
    timeout_s: float
    stop_on_failure: bool
    memory_budget_bytes: int | None
    nice: int = 0
    cpu_scheduling: str = AS_WE_ARE
    ionice: str = AS_WE_ARE
    cpus: float | None = None

    def to_json(self) -> dict[str, Any]:
        values = asdict(self).items()
        return {name: str(value) if isinstance(value, Path) else value for name, value in values}

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> Orders:
        folders = {name: Path(document[name]) for name in ("out_dir", "work_dir", "log_dir")}
        return Orders(**{**document, **folders})
