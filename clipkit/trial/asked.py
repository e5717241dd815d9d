"""What decides one trial: which it is, and all that it is run with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.hosts import Host
from clipkit.plan.clips import Job
from clipkit.plan.subject import Cuts, Serves
from clipkit.settings import Settings
from clipkit.trial.visit import Manner


@dataclass(frozen=True, slots=True)
class Identity:
    """Which trial of which campaign this is."""

    campaign: str
    cell: str
    block: int
    order: int
    attempt: int
    phase: str
    token: str = field(default_factory=lambda: secrets.token_hex(3))
    """So that no two attempts have one name, also in campaigns of several machines."""

    @property
    def run_id(self) -> str:
        return f"{self.order:04d}-{self.cell}-b{self.block}-a{self.attempt}-{self.token}"


@dataclass(frozen=True, slots=True)
class Trial:
    """All that decides one trial. `host` is what it is held to; `manner`: how a service is visited. With
    `accept_noise` it counts also where others disturbed it, which its record tells all the same."""

    identity: Identity
    job: Job
    subject: Cuts | Serves
    settings: Settings
    build: FfmpegBuild
    host: Host
    reserve_bytes: int
    timeout_s: float
    accept_noise: bool = False
    manner: Manner = field(default_factory=Manner)
