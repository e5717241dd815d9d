"""What the notebook `5-question` does besides calling exhibits: its parameters, and the campaigns that they
mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from clipkit.claims import Verdict, verdicts
from clipkit.errors import CampaignError
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.report.exhibits.exhibit import Section
from clipkit.report.notebooks.about import about_campaign
from clipkit.report.notebooks.parameters import several_words
from clipkit.report.notebooks.which_campaign import own_or_reference
from clipkit.resources import EDGE, LANGUAGES, PLANS, QUICK_WINS
from clipkit.tuning.offers import Load
from clipkit.tuning.timings import timings_of


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of `notebooks/5-question.ipynb`. `campaign` may name several; `lines` and `clip_s` 0:
    those of which most was measured."""

    NOTEBOOK: ClassVar[str] = "5-question"

    campaign: str
    clips_per_day: float
    longest_wait_min: float
    clips_per_job: int
    lines: int
    clip_s: float


@dataclass(frozen=True, slots=True)
class Question:
    """The campaigns that answer it, and the load that is asked for."""

    campaigns: tuple[Campaign, ...]
    load: Load

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return verdicts(*(campaign.table for campaign in self.campaigns))


def open_question(asked: Asked) -> Question:
    """Raises CampaignError where a campaign is none, UsageError for a load that is none."""
    campaigns = tuple(map(open_campaign, _folders(asked.campaign)))
    lines, clip_s = _job(campaigns, asked)
    load = Load(
        clips_per_day=asked.clips_per_day,
        longest_wait_s=asked.longest_wait_min * 60,
        clips_per_job=asked.clips_per_job,
        lines=lines,
        clip_s=clip_s,
    )
    return Question(campaigns, load)


def about_campaigns(question: Question) -> Section:
    """Each by itself."""
    return Section("".join(about_campaign(each).markup for each in question.campaigns))


def _folders(words: str) -> list[Path]:
    if words:
        return [Path(word).resolve() for word in several_words(words)]
    names = (LANGUAGES, PLANS, QUICK_WINS, EDGE)
    return [folder for name in names if (folder := own_or_reference(name))]


def _job(campaigns: Sequence[Campaign], asked: Asked) -> tuple[int | None, float | None]:
    """The one job to tell plans of: what is asked for, else what most ways were measured with."""
    known: Counter[tuple[int, float]] = Counter()
    for campaign in campaigns:
        try:
            known.update((each.lines, each.clip_s) for each in timings_of(campaign))
        except CampaignError:
            continue
    fit = [
        job
        for job, _ in known.most_common()
        if asked.lines in (0, job[0]) and asked.clip_s in (0, job[1])
    ]
    return fit[0] if fit else (asked.lines or None, asked.clip_s or None)
