"""What `tune` answers: an object for machines, and the lines that a run ends with."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from clipkit import format as fmt
from clipkit import settings as settings_station
from clipkit.tuning.mode_rows import modes_table
from clipkit.tuning.recommendation import Recommendation
from clipkit.tuning.tune import Tuned


def as_json(found: Tuned, report: Path | None) -> dict[str, Any]:
    """The `--json` of `tune`."""
    verdict = found.recommendation
    return {
        "campaign": str(found.folder),
        "report": str(report) if report else None,
        "config": str(found.folder / "clipkit.toml"),
        "host": dataclasses.asdict(verdict.host),
        "ceiling": verdict.ceiling,
        "job": verdict.job,
        "measured_job": verdict.measured_job,
        "recommendation": {
            "settings": settings_station.to_table(verdict.settings),
            "decided": verdict.undecided is None,
            "change": verdict.change.to_json() if verdict.change else None,
            "predicted_wall_s": verdict.predicted_wall_s,
            "predicted_ci90_s": verdict.predicted_ci90_s,
            "confirmed_wall_s": verdict.confirmed_wall_s,
            "confirmed_ci95_s": verdict.confirmed_ci95_s,
            "peak_anon_bytes": verdict.peak_anon_bytes,
            "peak_need_bytes": verdict.peak_need_bytes,
            "headroom_bytes": verdict.headroom_bytes,
            "ties": [dataclasses.asdict(tie) for tie in verdict.ties],
        },
        "baselines": {
            baseline.name: dataclasses.asdict(baseline) for baseline in verdict.baselines
        },
        "modes": [dataclasses.asdict(row) for row in verdict.modes],
        "verdict": verdict.verdict,
        "offer": verdict.offer,
        "figures": verdict.figures,
        "undecided": verdict.undecided,
        "noise": verdict.noise,
        "slow": verdict.slow,
        "picture": verdict.picture,
        "quality": verdict.quality,
        "why": verdict.why,
        "do": verdict.do,
        "unmeasured": verdict.unmeasured,
        "again": verdict.again,
    }


def as_lines(found: Tuned, report: Path | None) -> list[str]:
    files = [fmt.near(found.folder / "clipkit.toml")]
    if report:
        files.append(fmt.near(report))
    files.append(f"campaign {fmt.near(found.folder)}")
    return [
        *verdict_lines(found.recommendation),
        *_mode_lines(found.recommendation),
        *_choice_lines(found.recommendation),
        f"FILES    {'  '.join(files)}",
        f"AGAIN    {found.recommendation.again}",
    ]


def verdict_lines(recommendation: Recommendation) -> list[str]:
    """The answer itself: on what, what was found and why, what to do."""
    why = "; ".join(recommendation.why)
    shown = [*recommendation.headline, f"VERDICT  {recommendation.verdict}"]
    shown += [f"         {line}" for line in recommendation.further.values() if line]
    if why:
        shown.append(f"WHY      {why}")
    shown += [f"DO       {line}" for line in recommendation.do]
    if recommendation.ties:
        shown.append(f"TIES     {_tie_words(recommendation)}")
    return shown


def _mode_lines(known: Recommendation) -> list[str]:
    """The modes that took part, each a row."""
    return ["MODES", *modes_table(known.modes).lines()] if known.modes else []


def _choice_lines(known: Recommendation) -> list[str]:
    """Other pictures, each a row, and what they do not say."""
    if known.choices is None or known.quality is None:
        return []
    return ["CHOICES", *known.choices.lines(), *known.quality["notes"]]


def _tie_words(recommendation: Recommendation) -> str:
    ours = settings_station.to_table(recommendation.settings)
    described = []
    for tie in recommendation.ties:
        different = {k: v for k, v in tie.settings.items() if ours.get(k) != v}
        words_of = ", ".join(f"{key} {value}" for key, value in different.items())
        described.append(f"{words_of} ({fmt.size(tie.peak_anon_bytes)})")
    return "not told apart from " + "; ".join(described)
