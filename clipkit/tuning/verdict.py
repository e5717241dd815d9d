"""What a tuning found, as a person would say it: what to change and what that brings. Pure."""

from __future__ import annotations

from clipkit import format as fmt
from clipkit.media.picture import VMAF_ALIKE, PictureCheck
from clipkit.plan.subjects import ENGINE
from clipkit.records.settings_words import how_words
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.tuning.candidates import available_bytes
from clipkit.tuning.findings import Findings
from clipkit.tuning.question import Question
from clipkit.tuning.screening import better_not_cut_so, better_without_margin
from clipkit.tuning.timed import Timed

_TOO_WIDE = 1.25
"""Where the recommended settings might bring more than this, it is not said that nothing is to be gained."""
_BASELINES = {"sketch": "-ss after -i", "fluent": "-ss before -i", "command": "your command"}
"""What each does, in as few words as can be."""
_PICTURE_KNOBS = ("lookahead", "mbtree", "bframes", "refs")
"""What is tried of what decides the picture, where memory is tight."""
_WHICH = "which settings are the best"


def finding(findings: Findings, picture: PictureCheck | None) -> str:
    """The first line: what the user gains by the advice, or that there is nothing to gain. `picture`: that
    of the recommended settings beside the rival's."""
    said = [_against(findings, timed) for timed in _compared(findings)]
    if not said:
        said = [
            f"{_job(findings)} take {_ours(findings)} with {how(findings)}; {_why_alone(findings)}"
        ]
    if findings.chosen.asked:
        return ". ".join([*said, *_files(findings, picture)])
    if picture is not None and not picture.same:
        said.append(f"But it is another picture, {picture.words}: a choice, and not a gain")
    return ". ".join(said)


def _files(findings: Findings, picture: PictureCheck | None) -> list[str]:
    """What the clips are and weigh that are the upload's own pictures for the most part, beside re-encoded
    ones."""
    said = []
    encoded, ours = findings.modes[0].output_bytes, findings.chosen.output_bytes
    if encoded is not None and ours is not None:
        said.append(
            "The files hold the upload's own pictures where they are copied: "
            f"{fmt.size(round(ours))} instead of {fmt.size(round(encoded))} re-encoded"
        )
    difference = picture.vmaf_difference if picture else None
    if picture is not None and difference is not None and difference < -VMAF_ALIKE:
        said.append(f"But they look worse, {picture.words}: a choice, and not a gain")
    return said


def figures_behind(findings: Findings) -> str:
    """`12 clips: 363 s (sketch: -ss after -i; estimated from 2 of 12 clips) or … -> 51 s; peak …`."""
    times = [
        f"{fmt.seconds(timed.wall.value)} ({named(timed)}{_estimated(findings, timed, ', ')})"
        for timed in findings.baselines
        if timed.wall
    ]
    before = f"{' or '.join(times)} -> " if times else ""
    ours = _ours(findings) + _estimated(findings, findings.confirmed, " (", ")")
    return f"{_job(findings)}: {before}{ours} with {how(findings)}; {peak_words(findings)}"


def nothing_to_gain(findings: Findings, timed: Timed) -> bool:
    """Whether it is shown that no setting that was tried is much faster than this one."""
    bounds = timed.speedup.interval if timed.speedup else None
    if bounds is None or bounds[0] > 1:
        return False
    return bounds[1] < 1 or bounds[1] * _best_of_all(findings) <= _TOO_WIDE


def gain_is_shown(timed: Timed) -> bool:
    """Whether the recommended settings are faster, beyond doubt."""
    bounds = timed.speedup.interval if timed.speedup else None
    return bounds is not None and bounds[0] > 1


def undecided(findings: Findings) -> str | None:
    """Which of the settings could as well be the best, and what could not be seen; None where that is
    decided."""
    screening, question = findings.screening, findings.question
    chosen, best = screening.chosen, screening.best
    which = "which settings are the best for re-encoding" if findings.chosen.asked else _WHICH
    worthwhile = sum(s.concurrency <= question.clips for s in question.candidates)
    if (untried := worthwhile - len(screening.entries)) > 0:
        return (
            f"{which} is not decided: {untried} of {worthwhile} that are worth a try "
            "had no time; a larger --budget has"
        )
    if chosen is None or best is None or chosen.decided:
        return None
    others = [entry for entry in screening.running if entry.tied and entry is not best]
    ahead = screening.ahead
    lead = ""
    if ahead is not None and ahead is not best:
        ratio = best.predicted_wall_s / ahead.predicted_wall_s
        lead = f"; {how(findings, ahead.settings)} was ahead by {fmt.percent(ratio - 1)}"
    alike = "; or ".join(how(findings, entry.settings) for entry in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return (
        f"{which} is not decided: {how(findings, best.settings)}"
        f"{f'; or {alike}{more}' if alike else ''}{lead}. Differences under "
        f"{fmt.percent(chosen.unseen - 1)} could not be seen in this time; a larger --budget sees more"
    )


def peak_words(findings: Findings) -> str:
    """`peak 52 MB of 512 MB, the largest of 9 runs`: what cannot be dropped."""
    confirmed, question = findings.confirmed, findings.question
    room = question.room_bytes
    of = f" of {fmt.size(room)}" if room else ""
    runs = f", the largest of {confirmed.runs} runs" if confirmed.runs > 1 else ""
    return f"peak {fmt.size(confirmed.peak_need_bytes or findings.winner.peak_bytes)}{of}{runs}"


def lacking_memory(question: Question) -> str | None:
    """What is said where less can be held than the label leaves; None: it is as it says, or not known."""
    label, room = available_bytes(question.host, question.reserve_bytes), question.room_bytes
    if label is None or room is None or room >= label:
        return None
    beside = " beside your server" if question.reserve_bytes else ""
    return (
        f"only {fmt.size(room)} of the {fmt.size(label)} that {question.host.name} leaves{beside} could be held "
        "when it was tried: margins are counted from that"
    )


def how(findings: Findings, settings: Settings | None = None) -> str:
    """The settings in words (None: the recommended ones), with what of them changes the picture that was
    asked for."""
    mode = findings.chosen.asked if settings is None else None
    settings = findings.winner.settings if settings is None else settings
    odd = [
        f"{name} {value}"
        for name in _PICTURE_KNOBS
        if (value := getattr(settings, name)) != getattr(findings.question.fixed, name)
    ]
    engine = [f"clipkit's engine in mode auto ({mode.words})"] if mode else []
    encodes = mode is None or mode.encodes
    return ", ".join([*engine, how_words(settings, encodes), *(odd if encodes else [])])


def whose(timed: Timed) -> str:
    """`fluent`, `your command`."""
    return "your command" if timed.subject.command is not None else timed.subject.name


def named(timed: Timed) -> str:
    """`fluent: -ss before -i`; a user's own is just theirs."""
    name = timed.subject.name
    does = _BASELINES[name]
    return does if timed.subject.command is not None else f"{name}: {does}"


def _estimated(findings: Findings, timed: Timed, opens: str, closes: str = "") -> str:
    """What of a time was not run, between these; empty where all of it was."""
    words = timed.estimate_words(findings.clips_asked)
    return words and f"{opens}{words}{closes}"


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
    who, ours = _who(timed), _by_whom(findings, timed) + how(findings)
    ratio = fmt.ratio(speedup.value) + fmt.interval(speedup.interval, fmt.bare_ratio)
    low, high = speedup.interval or (0.0, float("inf"))
    if low > 1:
        seek = "the seek before the input, " if _decodes_in_vain(findings, timed) else ""
        of_ours, of_theirs = _marks(findings, timed)
        theirs = f"{fmt.seconds(timed.wall.value)}{of_theirs}"
        times = f"{_ours(findings)}{of_ours} instead of {theirs}"
        return f"{who}: with {seek}{ours}, {_job(findings)} take {times}: {ratio}"
    if high < 1:
        return f"{who}: keep that; {ours} is slower ({ratio})"
    if not nothing_to_gain(findings, timed):
        return f"{who}: not decided whether {ours} brings anything: {ratio}"
    most = high * _best_of_all(findings)
    gain = f"more than {fmt.percent(most - 1)}" if most > 1.005 else "anything"
    on = fmt.cpus(findings.question.host.cpus)
    return f"{who}: no setting that {_of_which(findings)} brings {gain} on {on} ({ours}: {ratio})"


def _of_which(findings: Findings) -> str:
    """Of which settings nothing more is to be had."""
    asked = findings.question, findings.screening
    if better_not_cut_so(*asked):
        return "a cut would take"
    return "leaves a margin of memory" if better_without_margin(*asked) else "was tried"


def _marks(findings: Findings, timed: Timed) -> tuple[str, str]:
    """What is said behind each of the two times of how much it is an estimate from: once, where that is the same."""
    ours, theirs = (_estimated(findings, each, " (", ")") for each in (findings.confirmed, timed))
    return ("", theirs.replace("(", "(both ", 1)) if ours == theirs else (ours, theirs)


def _by_whom(findings: Findings, timed: Timed) -> str:
    """Where the user's own words cannot be changed it is clipkit's engine that is compared with them."""
    theirs, cutter = timed.subject.command is not None, findings.question.cutter
    said_by_how = findings.chosen.asked is not None
    return "clipkit's engine, " if theirs and cutter.name == ENGINE and not said_by_how else ""


def _why_alone(findings: Findings) -> str:
    rival = findings.rival
    if rival is None:
        return "nothing was compared with it"
    if rival.status is Status.OK:  # then it is the recommended settings that have no time
        return f"nothing of it was confirmed beside {whose(rival)}"
    return f"{whose(rival)} has no time to compare with: {rival.error}"


def _decodes_in_vain(findings: Findings, timed: Timed) -> bool:
    """Whether it decodes the film from its first frame, and the recommended settings do not."""
    asked, ours = findings.question.fixed, findings.winner.settings
    in_vain = timed.subject.seek(asked) == "output" and ours.seek == "input"
    return in_vain and not findings.chosen.asked  # whose gain is not that of the seek alone


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


def _job(findings: Findings) -> str:
    return fmt.counted(findings.clips_asked, "clip")


def _ours(findings: Findings) -> str:
    wall = findings.confirmed.wall
    if wall is not None:
        return fmt.seconds(wall.value)
    return f"{fmt.seconds(findings.winner.predicted_wall_s)} (predicted, not confirmed)"
