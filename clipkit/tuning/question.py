"""What `tune` is asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from clipkit.hosts import Host
from clipkit.plan.clips import Clip, Job
from clipkit.plan.frames import span
from clipkit.plan.subject import Cuts
from clipkit.plan.subjects import Engine
from clipkit.records.best import real_room_bytes
from clipkit.records.noise import Noise
from clipkit.settings import Settings
from clipkit.tuning.candidates import available_bytes
from clipkit.tuning.other_modes import OtherMode


@dataclass(frozen=True, slots=True)
class Question:
    """Which jobs, on which host, against which baselines. `budget_s` covers all trials; the report's time is already taken off.

    `rival` is the baseline that the recommended settings are confirmed against, pair by pair: the user's
    own command, or else the quickest of the original's. `cutter` cuts with the candidates: our engine,
    or the user's own command with these settings put in. `prior`: how repeats differ on such a host, as
    far as it is known beforehand. `modes`: in which clipkit's engine cuts the same clips too, beside the
    candidate that is confirmed. `usable_bytes`: what could be held beside the reserve (`trial.usable`); None: not known.
    """

    jobs: tuple[Job, ...]
    host: Host
    reserve_bytes: int
    candidates: tuple[Settings, ...]
    baselines: tuple[Cuts, ...]
    fixed: Settings
    budget_s: float
    prior: Noise
    cutter: Cuts = Engine()
    modes: tuple[OtherMode, ...] = ()
    usable_bytes: int | None = None
    _frames: dict[tuple[str, tuple[Clip, ...], Clip], tuple[int, int]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def room_bytes(self) -> int | None:
        """What a job can count on there; None: unlimited."""
        return real_room_bytes(available_bytes(self.host, self.reserve_bytes), self.usable_bytes)

    @property
    def clips(self) -> int:
        """Clips of the whole job, of each upload."""
        return len(self.jobs[0].clips)

    def frames(self, job: Job, clip: Clip) -> tuple[int, int]:
        """How many the cutter decodes and encodes for a clip of one of the uploads. Reckoned once: a tuning
        asks for the same clips after every trial."""
        key = job.upload.sha256, job.clips, clip
        if key not in self._frames:
            encoded = span(job.upload, clip).frames
            decoded = self.cutter.frames_decoded(job, clip, self.candidates[0])
            self._frames[key] = max(decoded or 0, encoded), encoded
        return self._frames[key]

    @property
    def rival(self) -> Cuts | None:
        """None: there is nothing to compare with."""
        theirs = [subject for subject in self.baselines if subject.command is not None]
        quick = [s for s in self.baselines if s.seek(self.fixed) == "input"]
        return next(iter([*theirs, *quick, *self.baselines]), None)
