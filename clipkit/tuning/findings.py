"""From a finished tuning's trials to figures: times of the whole job, intervals, peaks. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clipkit.analysis.statistics import Estimate
from clipkit.campaign.strategy import Cell
from clipkit.errors import CampaignError
from clipkit.plan.subject import Subject
from clipkit.plan.subjects import Engine
from clipkit.records.best import leaves_margin
from clipkit.records.record import Record
from clipkit.settings import Settings
from clipkit.tuning.other_modes import OtherMode, hidden_as_cut
from clipkit.tuning.question import Question
from clipkit.tuning.screening import Results, Screened, Screening, repeat_noise
from clipkit.tuning.timed import Runs, Timed


@dataclass(frozen=True, slots=True)
class ModeTimed:
    """A mode on the host, with the best of the candidates' settings. `asked` None: it re-encodes every clip,
    as the candidates do. `speedup`: the rival's time over its own (None: there is none, or it did not
    finish), `over_encode`: that of re-encoding. `output_bytes`: of all clips, by those that were cut. `encoded`: the
    share of their pictures that was encoded and not copied; None: not recorded. `hidden_s`: of the uploads' time,
    what all clips hide before their first pictures, as they were cut. `fits`: its peak memory leaves a margin."""

    asked: OtherMode | None
    settings: Settings
    timed: Timed
    speedup: Estimate | None
    over_encode: Estimate | None
    output_bytes: float | None
    encoded: float | None = None
    hidden_s: float = 0.0
    fits: bool = True

    @property
    def is_better(self) -> bool:
        """Whether it is allowed, never failed, leaves a margin of memory, and is shown to be faster than
        re-encoding."""
        bounds = self.over_encode.interval if self.over_encode else None
        sound = self.fits and not self.timed.failures
        return bool(self.asked and self.asked.allowed and sound and bounds and bounds[0] > 1)


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that the recommendation's figures and sentences are made of. `winner` is the entry of
    `screening` that is the best of the candidates; `modes` are what cuts with its settings: re-encoding first,
    then those that took part beside it, and `chosen` which of them is recommended. `confirmed`: its figures."""

    question: Question
    winner: Screened
    screening: Screening
    modes: tuple[ModeTimed, ...]
    chosen: ModeTimed
    baselines: tuple[Timed, ...]
    results: Results

    @property
    def confirmed(self) -> Timed:
        return self.chosen.timed

    @property
    def settings(self) -> Settings:
        """What is recommended."""
        return self.chosen.settings

    @property
    def predicted_wall_s(self) -> float:
        """What was expected of it before it was confirmed; of another mode as much less as it turned out."""
        faster = self.chosen.over_encode
        return self.screening.predicted_wall_s / (faster.value if faster else 1.0)

    @property
    def clips_asked(self) -> int:
        return self.question.clips * len(self.question.jobs)

    @property
    def screened(self) -> tuple[Screened, ...]:
        return self.screening.entries

    @property
    def rival(self) -> Timed | None:
        """What the winner was confirmed against, or was to be."""
        subject = self.question.rival
        return next((b for b in self.baselines if b.subject == subject), None)

    def baseline(self, name: str) -> Timed | None:
        return next((b for b in self.baselines if b.subject.name == name), None)


def gather_findings(question: Question, screening: Screening, results: Results) -> Findings:
    """Figures for the winner, which there must be, and for each baseline, from all trials."""
    winner = screening.best
    if winner is None:
        raise CampaignError("nothing is recommended: there are no findings")
    noise = repeat_noise(question, results)
    rivals = {
        subject: Runs(question, subject, question.fixed, noise, own, own)
        for subject in question.baselines
        for own in [_of(results, subject, {"baseline", "confirm"})]
    }
    encoding = Runs(
        question,
        question.cutter,
        winner.settings,
        noise,
        _of(results, question.cutter, {"confirm"}, winner.settings),
        _of(results, question.cutter, {"first", "screen", "confirm"}, winner.settings),
    )
    runs = {None: encoding} | {
        mode: Runs(question, Engine(), settings, noise, own, own)
        for mode in question.modes
        for settings in [mode.settings(winner.settings)]
        for own in [_of(results, Engine(), {"confirm"}, settings)]
    }
    rival = rivals.get(question.rival) if question.rival else None
    modes = tuple(
        ModeTimed(
            asked=mode.as_cut(question.jobs, own.finished(), mode.settings(winner.settings))
            if mode
            else None,
            settings=mode.settings(winner.settings) if mode else winner.settings,
            timed=(timed := own.timed()),
            fits=leaves_margin(timed.peak_need_bytes, question.room_bytes),
            speedup=rival.over(own) if rival else None,
            over_encode=encoding.over(own) if mode else None,
            output_bytes=own.output_bytes(),
            encoded=own.encoded_fraction(),
            hidden_s=hidden_as_cut(question.jobs, own.finished(), mode.settings(winner.settings))
            if mode
            else 0.0,
        )
        for mode, own in runs.items()
    )
    chosen = _chosen(modes) if question.cutter == Engine() else modes[0]
    ours = [*runs.values()][modes.index(chosen)]
    return Findings(
        question=question,
        winner=winner,
        screening=screening,
        modes=modes,
        chosen=chosen,
        baselines=tuple(replace(own.timed(), speedup=own.over(ours)) for own in rivals.values()),
        results=results,
    )


def _chosen(modes: Sequence[ModeTimed]) -> ModeTimed:
    """The fastest of those that are better than re-encoding, which is the first."""
    better = [mode for mode in modes if mode.is_better]
    return min(better, key=_job_s, default=modes[0])


def _job_s(mode: ModeTimed) -> float:
    return mode.timed.wall.value if mode.timed.wall else math.inf


def _of(
    results: Results, subject: Subject, phases: set[str], settings: Settings | None = None
) -> list[tuple[Cell, Record]]:
    return [
        (cell, record)
        for cell, record in results
        if cell.subject == subject and cell.phase in phases
        if settings is None or cell.settings == settings
    ]
