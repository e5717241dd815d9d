"""What a tuning found, as a person would say it: what to change and what that brings. Pure."""

from __future__ import annotations

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate
from clipkit.media.picture import PictureCheck
from clipkit.records.settings_words import how_words
from clipkit.tuning.candidates import available_bytes
from clipkit.tuning.findings import Findings, Timed

_TOO_WIDE = 1.25
"""Where the recommended settings might bring more than this, or cost as much, nothing is said of them but
that it is not decided."""
_AT_LEAST_PAIRS = 5
"""`at least N x` takes as many adjacent pairs."""
_BASELINES = {"sketch": "-ss after -i", "fluent": "-ss before -i", "command": "your command"}
"""What each does, in as few words as can be."""


def finding(findings: Findings, picture: PictureCheck | None) -> str:
    """The first line: what the user gains by the advice, or that there is nothing to gain. `picture`: that
    of the recommended settings beside the rival's."""
    said = [_against(findings, timed) for timed in _compared(findings)]
    if not said:
        alone = _seconds(findings.confirmed.wall, findings.winner.predicted_wall_s)
        return f"{_job(findings)} take {alone} with {_how(findings)}; nothing was compared with it"
    if picture is not None and not picture.same:
        said.append(f"But it is another picture, {picture.words}: a choice, and not a gain")
    return ". ".join(said)


def figures_behind(findings: Findings) -> str:
    """`12 clips: 363 s (sketch: -ss after -i; estimated from 2 of 12 clips) or … -> 51 s; peak …`."""
    confirmed, winner = findings.confirmed, findings.winner
    ours = _seconds(confirmed.wall, winner.predicted_wall_s)
    times = [
        f"{fmt.seconds(timed.wall.value)} ({named(timed)}{estimated_words(findings, timed)})"
        for timed in findings.baselines
        if timed.wall
    ]
    before = f"{' or '.join(times)} -> " if times else ""
    ours += estimated_words(findings, confirmed)
    return f"{_job(findings)}: {before}{ours} with {_how(findings)}; {peak_words(findings)}"


def nothing_to_gain(findings: Findings, timed: Timed) -> bool:
    """Whether it is shown that no setting that was tried is much faster than this one."""
    bounds = timed.speedup.interval if timed.speedup else None
    if bounds is None or bounds[0] > 1:
        return False
    return bounds[1] * _best_of_all(findings) <= _TOO_WIDE


def undecided(findings: Findings) -> str | None:
    """Which of the settings could as well be the best, and what could not be seen; None where that is
    decided."""
    screening, question = findings.screening, findings.question
    chosen, best = screening.chosen, screening.best
    worthwhile = sum(s.concurrency <= question.clips for s in question.candidates)
    if (untried := worthwhile - len(screening.entries)) > 0:
        return (
            f"which settings are the best is not decided: of {worthwhile} worth a try {untried} were not "
            "tried; a larger --budget has time for them"
        )
    if chosen is None or best is None or chosen.decided:
        return None
    others = [entry for entry in screening.running if entry.tied and entry is not best]
    ahead = screening.ahead
    lead = ""
    if ahead is not None and ahead is not best:
        ratio = best.predicted_wall_s / ahead.predicted_wall_s
        lead = f"; {how_words(ahead.settings)} was ahead by {fmt.percent(ratio - 1)}"
    alike = "; or ".join(how_words(entry.settings) for entry in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return (
        f"which settings are the best is not decided: {how_words(best.settings)}"
        f"{f', or {alike}{more}' if alike else ''}{lead}. Differences under "
        f"{fmt.percent(chosen.unseen - 1)} could not be seen in "
        f"{fmt.clock(question.budget_s)}; a larger --budget sees more"
    )


def peak_words(findings: Findings) -> str:
    """`peak 52 MB of 512 MB, the largest of 9 runs`: what cannot be dropped."""
    confirmed, question = findings.confirmed, findings.question
    room = available_bytes(question.host, question.reserve_bytes)
    of = f" of {fmt.size(room)}" if room else ""
    runs = f", the largest of {confirmed.runs} runs" if confirmed.runs > 1 else ""
    return f"peak {fmt.size(confirmed.peak_need_bytes or findings.winner.peak_bytes)}{of}{runs}"


def named(timed: Timed) -> str:
    """`fluent: -ss before -i`; a user's own is just theirs."""
    name = timed.subject.name
    does = _BASELINES[name]
    return does if timed.subject.command is not None else f"{name}: {does}"


def estimated_words(findings: Findings, timed: Timed) -> str:
    """What of a time was not run; empty where all of it was."""
    if timed.clips_run >= findings.clips_asked:
        return ""
    return f", estimated from {timed.clips_run} of {findings.clips_asked} clips"


def _compared(findings: Findings) -> list[Timed]:
    """The baselines to speak of: the rival last, so that what it says of the settings ends the sentence;
    where a command of the user's own is the rival, it alone."""
    rival = findings.rival
    if rival is None or rival.subject.command is not None:
        return [rival] if rival and rival.speedup else []
    others = [timed for timed in findings.baselines if timed is not rival]
    return [timed for timed in (*others, rival) if timed.speedup]


def _against(findings: Findings, timed: Timed) -> str:
    speedup = timed.speedup
    if speedup is None or timed.wall is None:
        return ""
    who = _who(timed)
    bounds = fmt.interval(speedup.interval, fmt.bare_ratio)
    low, high = speedup.interval or (0.0, float("inf"))
    if low > 1:
        times = f"{_seconds(findings.confirmed.wall, findings.winner.predicted_wall_s)} instead of "
        times += f"{fmt.seconds(timed.wall.value)}{estimated_words(findings, timed)}"
        seek = "seeking before the input, " if _decodes_in_vain(findings, timed) else ""
        what = f"{who}, {seek}{_how(findings)}"
        return f"{what}: {_job(findings)} in {times}, {fmt.ratio(speedup.value)}{bounds}"
    if not nothing_to_gain(findings, timed):
        return (
            f"{who}: not decided whether {_how(findings)} brings anything: "
            f"{fmt.ratio(speedup.value)}{bounds}"
        )
    most = high * _best_of_all(findings)
    gain = f"more than {fmt.percent(most - 1)}" if most > 1.005 else "anything"
    return (
        f"{who}: no setting that was tried brings {gain} on {fmt.cpus(findings.question.host.cpus)} "
        f"({_how(findings)}: {fmt.ratio(speedup.value)}{bounds})"
    )


def _decodes_in_vain(findings: Findings, timed: Timed) -> bool:
    """Whether it decodes the film from its first frame, and the recommended settings do not."""
    asked, ours = findings.question.fixed, findings.winner.settings
    return timed.subject.seek(asked) == "output" and ours.seek == "input"


def _best_of_all(findings: Findings) -> float:
    """By how much another of the settings may be faster than the recommended ones, at most."""
    chosen = findings.screening.chosen
    return chosen.upper if chosen else 1.0


def _who(timed: Timed) -> str:
    """Whom a statement is for."""
    if timed.subject.command is not None:
        return "Against your command as it is"
    seeks = {"sketch": "after the input (-i … -ss)", "fluent": "before the input (-ss … -i)"}
    return f"If you seek {seeks[timed.subject.name]} today"


def _how(findings: Findings) -> str:
    return how_words(findings.winner.settings)


def _job(findings: Findings) -> str:
    count = findings.clips_asked
    return f"{count} clip{'s' if count != 1 else ''}"


def _seconds(wall: Estimate | None, predicted_s: float) -> str:
    return (
        fmt.seconds(wall.value)
        if wall
        else f"{fmt.seconds(predicted_s)} (predicted, not confirmed)"
    )
