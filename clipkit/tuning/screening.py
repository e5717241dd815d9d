"""What the trials so far say of each candidate, and which is to be taken. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from clipkit.analysis.statistics import noise_of
from clipkit.campaign.strategy import Cell
from clipkit.model.memory import ENGINE_BYTES, bound_bytes, clip_anon_bytes
from clipkit.plan.subjects import Engine
from clipkit.records.best import leaves_margin
from clipkit.records.choice import Chosen, Contender, choose
from clipkit.records.noise import Noise, pool
from clipkit.records.record import Record
from clipkit.records.status import COUNTS, INVALID, Status, is_finished, status_of_all
from clipkit.settings import PICTURE, Settings
from clipkit.tuning.candidates import available_bytes
from clipkit.tuning.question import Question
from clipkit.tuning.whole_clips import whole_clips

_FEW = 4
"""Of so many each is measured again until it is told from the best: whoever is left out early stays in
doubt to the end, however often the last two are compared."""

Results = Sequence[tuple[Cell, Record]]
# Settings -> upload -> logarithm of the seconds a clip, one for each round.
Times = dict[Settings, dict[str, list[float]]]


@dataclass(frozen=True, slots=True)
class Screened:
    """A candidate after screening. `predicted_wall_s` is for the whole job, infinite where it failed or
    was not measured; `error` its standard error where a single measurement's deviation is 1. `fits`: its
    peak memory leaves a margin. `tied`: not told from the best of those that fit. `shortfall`: by what
    part it is expected to take longer than the best; None where it does not compete."""

    settings: Settings
    status: Status
    predicted_wall_s: float
    error: float
    cpu_s: float
    peak_bytes: int | None
    runs: int
    fits: bool
    tied: bool = False
    shortfall: float | None = None


@dataclass(frozen=True, slots=True)
class Screening:
    """Every candidate that was run, the quickest first, the failed ones last; and what to take.

    `chosen` tells places among those that ended well (`running`); None where none did. `noise`: how
    repeats differ. `clip_s`: wall seconds of a whole clip with the first settings that were tried, all
    uploads together; None where nothing is known.
    """

    entries: tuple[Screened, ...] = ()
    chosen: Chosen | None = None
    noise: Noise | None = None
    clip_s: float | None = None

    @property
    def running(self) -> tuple[Screened, ...]:
        return tuple(entry for entry in self.entries if entry.status is Status.OK)

    @property
    def best(self) -> Screened | None:
        """The one to recommend: none where nothing that ran leaves a margin of memory."""
        taken = self.running[self.chosen.place] if self.chosen else None
        return taken if taken and taken.fits else None

    @property
    def winner(self) -> Settings | None:
        return self.best.settings if self.best else None

    @property
    def runner_up(self) -> Settings | None:
        """Of those that compete, the next by its expected shortfall."""
        others = [e for e in self.running if e.shortfall is not None and e is not self.best]
        return min(others, key=_behind).settings if self.best and others else None

    @property
    def ahead(self) -> Screened | None:
        """The one with the least time, whether or not that can be told from luck."""
        return self.running[self.chosen.ahead] if self.chosen else None

    @property
    def predicted_wall_s(self) -> float:
        """Of the winner, what it is expected to take: the least of several is flattered by its luck."""
        if self.chosen is None:
            return math.inf
        shrunk = self.chosen.shrunk_log_means[self.chosen.place]
        return (
            self.running[self.chosen.place].predicted_wall_s if shrunk is None else math.exp(shrunk)
        )

    def contenders(self, before: Sequence[Settings]) -> list[Settings]:
        """Those of the ones before to measure again, in the order given: the better half of many; of few all
        that are not told from the best, two at least, where there are two."""
        competing = sorted(
            (e for e in self.running if e.shortfall is not None and e.settings in before),
            key=_behind,
        )
        if len(before) > _FEW:
            kept = competing[: max(_FEW, math.ceil(len(before) / 2))]
        else:
            kept = [e for place, e in enumerate(competing) if place < 2 or e.tied]
        names = {entry.settings for entry in kept}
        return [settings for settings in before if settings in names]


def _behind(entry: Screened) -> float:
    return entry.shortfall or 0.0


def screened(question: Question, results: Results) -> Screening:
    """What all trials tell of the candidates. One that failed later, when it was confirmed, has failed."""
    runs: dict[Settings, list[Record]] = {}
    for cell, record in results:
        too_long = cell.phase == "first" and record.status is Status.TIMEOUT
        tried = cell.phase in {"first", "screen", "confirm"} and cell.subject == question.cutter
        if tried and cell.settings in question.candidates and not too_long:
            runs.setdefault(cell.settings, []).append(record)
    times, noise = _times(question, results)
    whole = whole_clips(question, results)
    entries = [_entry(question, s, own, times.get(s, {}), whole) for s, own in runs.items()]
    entries.sort(key=lambda entry: entry.predicted_wall_s)
    clip_s = next(iter(_clip_s(question, results).values()), None)
    running = [entry for entry in entries if entry.status is Status.OK]
    if not running:
        return Screening(tuple(entries), None, noise, clip_s)
    alike = [
        e.settings
        for e in running
        if e.fits and _same_picture(e.settings, question.fixed) and is_cut_so(e.settings, question)
    ]
    chosen = choose([_contender(e, not alike or e.settings in alike) for e in running], noise)
    marked = [
        replace(entry, tied=place in chosen.tied, shortfall=chosen.shortfalls[place])
        for place, entry in enumerate(running)
    ]
    failed = [entry for entry in entries if entry.status is not Status.OK]
    return Screening((*marked, *failed), chosen, noise, clip_s)


def _contender(entry: Screened, competes: bool) -> Contender:
    """`competes`: it makes the picture that was asked for, as `clipkit cut` would make it, or none that does
    leaves a margin."""
    log_s = math.log(entry.predicted_wall_s)
    return Contender(log_s, entry.error, entry.peak_bytes, entry.fits and competes)


def _same_picture(settings: Settings, fixed: Settings) -> bool:
    return all(getattr(settings, name) == getattr(fixed, name) for name in PICTURE)


def is_cut_so(settings: Settings, question: Question) -> bool:
    """Whether a cut with these settings does what was measured. Threads that they leave to ffmpeg are its own
    choice in a trial, which shows what that costs, and a cut's share of the CPU (`plan.threads`); and a cut lets in
    as many clips as the model says that there is room for, where a trial has all of them begun."""
    threads = (settings.encoder_threads, settings.decoder_threads, settings.filter_threads)
    return question.cutter != Engine() or (all(threads) and _are_let_in(settings, question))


def _are_let_in(settings: Settings, question: Question) -> bool:
    """All at once, by `trial.cut`'s room and the engine's rule."""
    room = available_bytes(question.host, question.reserve_bytes)
    if room is None:
        return True
    needs = (clip_anon_bytes(job.upload, settings) for job in question.jobs)
    return settings.concurrency * bound_bytes(max(needs)) <= room - ENGINE_BYTES


def better_not_cut_so(question: Question, screening: Screening) -> Screened | None:
    """The fastest of those that beat the best, by more than the noise of the two (95 %), and that no cut
    would do as it was measured."""
    faster = [
        entry
        for entry in _better(question, screening)
        if entry.fits and not is_cut_so(entry.settings, question)
    ]
    return min(faster, key=lambda entry: entry.predicted_wall_s, default=None)


def better_without_margin(question: Question, screening: Screening) -> bool:
    """Whether any beats the best so that leaves no margin of memory."""
    return any(not entry.fits for entry in _better(question, screening))


def _better(question: Question, screening: Screening) -> list[Screened]:
    best = screening.best
    return [
        entry
        for entry in (screening.running if best else ())
        if best and entry.predicted_wall_s < best.predicted_wall_s
        if _same_picture(entry.settings, question.fixed) and are_told_apart(screening, entry, best)
    ]


def are_told_apart(screening: Screening, one: Screened, other: Screened) -> bool:
    """Whether two times differ by more than the noise of both (95 %); of two that compete, as the choice has it."""
    if one.shortfall is not None and other.shortfall is not None:
        return not (one.tied and other.tied)
    if screening.noise is None:
        return False
    apart = abs(math.log(one.predicted_wall_s / other.predicted_wall_s))
    return apart > screening.noise.half_width * math.hypot(one.error, other.error)


def repeat_noise(question: Question, results: Results) -> Noise:
    """By how much repeats of the same settings differ."""
    return _times(question, results)[1]


def _times(question: Question, results: Results) -> tuple[Times, Noise]:
    """Each candidate's seconds a clip of the screening rounds, and the noise in them.

    A round's clips may be harder than another's, or the machine slower while it ran; not every
    candidate is in every round. So what a round adds to all alike is taken out of it, and what the rounds
    add on average is put back: of the first one alone those are left that were lucky in it.
    """
    rounds: dict[tuple[str, int], dict[Settings, float]] = {}
    for cell, record in results:
        if cell.phase == "screen" and is_finished(record):
            walls = rounds.setdefault((record.upload_sha256, cell.block), {})
            walls[cell.settings] = math.log((record.wall_s or 0.0) / record.clips)
    harder: dict[str, dict[int, float]] = {}
    for (upload, block), walls in rounds.items():
        first = rounds.get((upload, 0), {})
        more = [wall - first[s] for s, wall in walls.items() if s in first]
        harder.setdefault(upload, {})[block] = fmean(more) if more else 0.0
    times: Times = {}
    for (upload, block), walls in rounds.items():
        for settings, wall in walls.items():
            own = times.setdefault(settings, {}).setdefault(upload, [])
            own.append(wall - harder[upload][block] + fmean(harder[upload].values()))
    groups = [list(map(math.exp, values)) for own in times.values() for values in own.values()]
    seen = noise_of(groups, fitted=len(rounds) - len(harder))
    return times, pool(question.prior, seen) if seen else question.prior


def _clip_s(question: Question, results: Results) -> dict[Settings, float]:
    """Settings of the first pair -> seconds of a whole clip, all uploads together."""
    found: dict[Settings, dict[str, float]] = {}
    for cell, record in results:
        if cell.phase == "first" and is_finished(record):
            own = found.setdefault(cell.settings, {})
            own[record.upload_sha256] = (record.wall_s or 0.0) / record.clips
    uploads = {job.upload.sha256 for job in question.jobs}
    return {s: sum(own.values()) for s, own in found.items() if own.keys() == uploads}


def _entry(
    question: Question,
    settings: Settings,
    runs: Sequence[Record],
    times: dict[str, list[float]],
    whole: dict[str, float],
) -> Screened:
    end = status_of_all(record.status for record in runs) or Status.CANCELLED
    counted = [record for record in runs if record.status in COUNTS]
    needs = [need for record in counted if (need := record.peak_need_bytes) is not None]
    peak_bytes = max(needs, default=None)
    used: dict[str, list[float]] = {}
    for record in counted:
        used.setdefault(record.upload_sha256, []).append(record.cpu_s / record.clips)
    uploads = [job.upload.sha256 for job in question.jobs]
    complete = end is Status.OK and all(upload in times for upload in uploads)
    walls = [(math.exp(fmean(times[u]) + whole[u]), len(times[u])) for u in uploads if complete]
    clip_s = sum(wall_s for wall_s, _ in walls) if complete else math.inf
    return Screened(
        settings=settings,
        status=end if end is not Status.OK or complete else _lacking(runs),
        predicted_wall_s=clip_s * question.clips,
        error=math.hypot(*(wall_s / math.sqrt(n) for wall_s, n in walls)) / clip_s,
        cpu_s=sum(fmean(used[upload]) for upload in uploads if upload in used) * question.clips,
        peak_bytes=peak_bytes,
        runs=len(runs),
        fits=leaves_margin(peak_bytes, question.room_bytes),
    )


def _lacking(runs: Sequence[Record]) -> Status:
    """Of settings that ended well as far as they were measured, on some of the uploads."""
    ends = {record.status for record in runs}
    return next((status for status in INVALID if status in ends), Status.CANCELLED)
