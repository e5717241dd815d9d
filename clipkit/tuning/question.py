"""What `tune` is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clipkit.hosts import Host
from clipkit.plan.clips import Job
from clipkit.plan.subjects import Cuts
from clipkit.settings import Settings


@dataclass(frozen=True, slots=True)
class Question:
    """Which jobs, on which host, against which baselines. `budget_s` covers all trials; the report's time is already taken off."""

    jobs: tuple[Job, ...]
    host: Host
    reserve_bytes: int
    candidates: tuple[Settings, ...]
    baselines: tuple[Cuts, ...]
    fixed: Settings
    budget_s: float

    @property
    def clips(self) -> int:
        """Clips of the whole job, of each upload."""
        return len(self.jobs[0].clips)

    @property
    def screening_host(self) -> Host:
        """Below one core the quota only stretches time: CPU seconds and memory hardly depend on
        it, so candidates are screened without it, in a fraction of the time."""
        if self.host.cpus is not None and self.host.cpus < 1:
            return replace(self.host, cpus=None)
        return self.host
