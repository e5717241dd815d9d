"""The modes that could cut these clips, beside the re-encoding that the candidates differ in. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clipkit import format as fmt
from clipkit.plan.auto import ALLOW, AUTO, COPY, ENCODE, mode_taken
from clipkit.plan.clips import Job
from clipkit.settings import Settings


@dataclass(frozen=True, slots=True)
class OtherMode:
    """What mode `auto` makes of a job where `hidden_preroll` is that: `taken` names the modes that its clips
    are cut in, and how many of them, all uploads together. `allowed`: by what the user asked for."""

    hidden_preroll: str
    taken: tuple[tuple[str, int], ...]
    allowed: bool

    def settings(self, base: Settings) -> Settings:
        """`base`, in this mode."""
        return replace(base, mode=AUTO, hidden_preroll=self.hidden_preroll, seek="input")

    @property
    def name(self) -> str:
        """Of the mode that cuts all clips; several do: that which chose them."""
        return self.taken[0][0] if len(self.taken) == 1 else AUTO

    @property
    def encodes(self) -> bool:
        """Whether pictures of any clip are encoded."""
        return any(name != COPY for name, _ in self.taken)

    @property
    def words(self) -> str:
        """`smart`, or `copy for 10 of 12 clips, smart for 2`."""
        if len(self.taken) == 1:
            return self.name
        total = sum(count for _, count in self.taken)
        (first, most), *others = sorted(self.taken, key=lambda each: -each[1])
        rest = "".join(f", {name} for {count}" for name, count in others)
        return f"{first} for {most} of {fmt.counted(total, 'clip')}{rest}"


def other_modes(jobs: Sequence[Job], fixed: Settings) -> tuple[OtherMode, ...]:
    """What is worth a trial beside re-encoding every clip: the cheapest mode that is allowed, and the
    cheapest of all, where these are others.

    Raises ClipRangeError for a clip outside its upload.
    """
    found: dict[tuple[tuple[str, int], ...], OtherMode] = {}
    for hidden in dict.fromkeys((fixed.hidden_preroll, ALLOW)):
        asked = replace(fixed, mode=AUTO, hidden_preroll=hidden)
        counts = Counter(mode_taken(job.upload, clip, asked) for job in jobs for clip in job.clips)
        taken = tuple(sorted(counts.items()))
        if counts.keys() != {ENCODE}:
            found.setdefault(taken, OtherMode(hidden, taken, hidden == fixed.hidden_preroll))
    return tuple(found.values())
