"""The modes that could cut these clips, beside the re-encoding that the candidates differ in. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from clipkit import format as fmt
from clipkit.campaign.strategy import Cell
from clipkit.media.upload import Upload
from clipkit.plan.auto import ALLOW, AUTO, COPY, ENCODE, mode_taken
from clipkit.plan.clips import Clip, Job
from clipkit.plan.modes import hidden_in
from clipkit.records.record import Record
from clipkit.settings import Settings


@dataclass(frozen=True, slots=True)
class OtherMode:
    """What mode `auto` makes of a job where `hidden_preroll` is that: `taken` names the modes that its clips
    are cut in, and how many of them, all uploads together, as planned or as it was done. `allowed`: by what the user asked for."""

    hidden_preroll: str
    taken: tuple[tuple[str, int], ...]
    allowed: bool

    def as_cut(
        self, jobs: Sequence[Job], ran: Sequence[tuple[Cell, Record]], settings: Settings
    ) -> OtherMode:
        """The same as its trials `ran`: a clip that was cut in another mode than was planned counts for that
        one. `settings`: those of this mode."""
        counts = Counter(dict(self.taken))
        for _, _, planned, done in _modes_cut(jobs, ran, settings):
            counts[planned] -= 1
            counts[done] += 1
        return replace(self, taken=tuple(sorted((+counts).items())))

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
        return taken_words(self.taken)


def hidden_as_cut(
    jobs: Sequence[Job], ran: Sequence[tuple[Cell, Record]], settings: Settings
) -> float:
    """Seconds of the uploads that all clips together hide before their first pictures, in the modes that they were
    cut in by those trials. `settings`: theirs."""
    return sum(
        hidden_in(upload, clip, done).preroll_s
        for upload, clip, _, done in _modes_cut(jobs, ran, settings)
    )


def _modes_cut(
    jobs: Sequence[Job], ran: Sequence[tuple[Cell, Record]], settings: Settings
) -> Iterator[tuple[Upload, Clip, str, str]]:
    """Of each clip the mode that is planned, and that of its trials; the same where it was not run."""
    cut = {
        (record.upload_sha256, start_s): mode
        for _, record in ran
        if record.clip_modes
        for start_s, mode in zip(record.clip_starts_s, record.clip_modes.split(","), strict=True)
    }
    for job in jobs:
        for clip in job.clips:
            planned = mode_taken(job.upload, clip, settings)
            yield (
                job.upload,
                clip,
                planned,
                cut.get((job.upload.sha256, clip.start_s), planned),
            )


def taken_words(taken: Sequence[tuple[str, int]]) -> str:
    """`smart`, or `copy for 10 of 12 clips, smart for 2`: the modes that clips are cut in, and how many."""
    if len(taken) == 1:
        return taken[0][0]
    total = sum(count for _, count in taken)
    (first, most), *others = sorted(taken, key=lambda each: -each[1])
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
