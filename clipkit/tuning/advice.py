"""What to do: the complete change of today's command, and what else to type. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clipkit import format as fmt
from clipkit.errors import TemplateError
from clipkit.plan.baselines import Template
from clipkit.plan.changed import Changed
from clipkit.plan.subjects import CommandLine
from clipkit.settings import Settings
from clipkit.tuning import export
from clipkit.tuning.change import Change
from clipkit.tuning.findings import Findings
from clipkit.tuning.own_command import makes_another_picture
from clipkit.tuning.timed import Timed
from clipkit.tuning.verdict import gain_is_shown, nothing_to_gain, undecided

_SEEK_FIRST = "fluent-ffmpeg: seek before the input, .seekInput(start), and keep the rest; keep maxConcurrent = 1"
_EACH_ALONE = " (each clip by itself, which was not measured: those that share pictures were cut by one ffmpeg)"
_BY_SWSCALE = " (scaled by swscale, which was not measured: zimg was)"
# Of today's memory: what a change that gains no time has to leave to be worth typing.
_SAVES_MEMORY = 0.9
# `As fast` allows so much.
_AS_FAST = 1.05


def advice(findings: Findings, cut: str, change: Change | None) -> tuple[str, ...]:
    """What to type: the change of the user's own command, or in the original's terms; and `cut`, the
    command that cuts with the configuration, where clipkit's engine makes such clips."""
    rival = findings.rival
    if rival is None or rival.subject.command is None:
        own = f"clipkit: {cut}"
        if findings.chosen.asked:
            return own, _without_our_engine(findings)
        return _original_change(findings, rival), own
    uploads = [job.upload for job in findings.question.jobs]
    engine = () if makes_another_picture(rival.subject, uploads) else (f"clipkit: {cut}",)
    if change is None:
        return (
            "your command: its words cannot be changed (it copies, or is no ffmpeg command); the figures "
            "are those of clipkit's engine",
            *engine,
        )
    return (*_own_change(findings, rival, change), *engine)


def _hedge(findings: Findings, rival: Timed | None) -> str:
    unsure = undecided(findings) or (rival is not None and not gain_is_shown(rival))
    return " (not decided: see the verdict)" if unsure else ""


def _original_change(findings: Findings, rival: Timed | None) -> str:
    if rival is not None and nothing_to_gain(findings, rival):
        return _SEEK_FIRST
    return f"{_in_fluent(findings.winner.settings)}{_hedge(findings, rival)}"


def _in_fluent(settings: Settings) -> str:
    number = (
        f"{'keep' if settings.concurrency == 1 else 'set'} maxConcurrent = {settings.concurrency}"
    )
    unlike = _BY_SWSCALE if export.scaled_by_another(settings) else ""
    unlike += _EACH_ALONE if export.cut_in_groups(settings) else ""
    return f"fluent-ffmpeg: {export.one_line(settings)}; {number}{unlike}"


def _without_our_engine(findings: Findings) -> str:
    """What re-encoding with the best settings brings, where another mode is recommended."""
    speedup = findings.modes[0].speedup
    bounds = speedup.interval if speedup else None
    alone = f"without clipkit's engine{_gain(findings)}"
    if bounds is not None and bounds[0] <= 1:
        return f"{alone}, so nothing is shown to be faster: {_SEEK_FIRST}"
    unsure = " (not decided: see the verdict)" if undecided(findings) else ""
    return f"{alone}: {_in_fluent(findings.winner.settings)}{unsure}"


def _gain(findings: Findings) -> str:
    """Of re-encoding with the best settings."""
    speedup = findings.modes[0].speedup
    if speedup is None:
        return ""
    return f", {fmt.ratio(speedup.value)}{fmt.interval(speedup.interval, fmt.bare_ratio)}"


def _own_change(findings: Findings, rival: Timed, change: Change) -> tuple[str, ...]:
    """Where nothing is to be gained the command stays, but for what saves memory."""
    if change.is_none:
        return ("your command: keep it as it is",)
    steps, reads = "; ".join(change.words), f"then it reads: {plain_words(change.to_argv)}"
    if not nothing_to_gain(findings, rival):
        return f"your command: {steps}{_hedge(findings, rival)}", reads
    ours, theirs = findings.confirmed.peak_need_bytes, rival.peak_need_bytes
    bounds = rival.speedup.interval if rival.speedup else None
    as_fast = bounds is not None and bounds[0] * _AS_FAST >= 1
    if not as_fast or ours is None or theirs is None or ours > _SAVES_MEMORY * theirs:
        return ("your command: keep it as it is, nothing is shown to be faster",)
    saved = f"{fmt.size(ours)} instead of {fmt.size(theirs)}"
    return f"your command is as fast as it gets; to need {saved}: {steps}", reads


def change_of(findings: Findings) -> Change | None:
    """From the command that the winner was confirmed against to the recommended one; None where there is
    none, or it is not its words that were tried."""
    rival, settings = findings.question.rival, findings.winner.settings
    if not isinstance(rival, CommandLine):
        return None
    if rival.command is not None and not isinstance(findings.question.cutter, Changed):
        return None
    if rival.command is None:  # without filters their threads change nothing
        settings = replace(settings, filter_threads=0)
    try:
        return Change.of(rival.template, settings)
    except TemplateError:
        return None


def plain_words(argv: Sequence[str]) -> str:
    """As a shell takes them, placeholders as they are."""
    return Template("", tuple(argv)).text
