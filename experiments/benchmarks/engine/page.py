"""Writes the tables of results/ENGINE.md anew, from the records beside it, which `engine` measures into.

    python experiments/benchmarks/engine/page.py

The sentences between them are written by hand; `tests/experiments/test_engine_page.py` compares the tables.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

# Also where a test loads it, which does not start it as a script.
sys.path.insert(0, str(Path(__file__).parent))

import goals
import kept
from cases import CASES, FLUENT, OURS, SKETCH
from kept import MEASURING, Look, Run
from scipy.stats import binomtest

from clipkit import format as fmt
from clipkit import resources
from clipkit.analysis.statistics import Estimate, mean, paired_ratio, scaled
from clipkit.report.exhibits.services_page import with_blocks
from clipkit.tables import Table

PAGE = "ENGINE.md"
_WHO = {
    "sketch": "`sketch`: seeks after the input, one at a time",
    "fluent": "`fluent`: seeks before the input, one at a time",
    **{f"xargs-{width}": f"`xargs -P {width}`, one thread each" for width in (1, 2, 3, 4)},
    "smartcut": "smartcut 1.7, one at a time",
    "floor": "stream copy from the key frame before",
    "encode": "clipkit, `encode`, 2 at once",
    "smart": "clipkit, `smart`, 2 at once",
    "copy": "clipkit, `copy`, 2 at once",
}
_BESIDE = (SKETCH, FLUENT)
_HEADS = (
    "who",
    "s",
    *(f"as fast as `{name}`" for name in _BESIDE),
    "CPU s",
    "memory",
    "files",
    "clips",
    "VMAF",
    "exact",
)


def engine_blocks(results: Path) -> dict[str, str]:
    """Name of a block on the page -> its table, or its list."""
    runs, looks = Run.read(results / kept.RUNS), Look.read(results / kept.LOOKS)
    sessions = {
        name: kept.session([run for run in runs if run.case == name and run.purpose == MEASURING])
        for name in CASES
    }
    seen = {(look.case, look.subject): look for look in looks}  # the last one counts
    heads = ("job", "asked", "found", "")
    return {
        "the engine, goals": Table(heads, tuple(goals.rows(sessions))).markdown(),
        "the engine, jobs": "".join(_job(name, sessions[name], seen) for name in CASES),
        "the engine, not exact": _reasons(seen),
    }


def _job(name: str, runs: Sequence[Run], seen: dict[tuple[str, str], Look]) -> str:
    head = f"### {name}\n\n{_capital(CASES[name].differs)}. "
    if not runs:
        return f"{head}Not timed yet.\n\n{_untimed(name, seen)}"
    told = tuple(
        tuple(_cells(subject, runs, _look(seen, name, subject)))
        for subject in _WHO
        if any(run.subject == subject for run in runs)
    )
    return f"{head}{_measured(runs)}\n\n{Table(_HEADS, told).markdown()}\n"


def _untimed(name: str, seen: dict[tuple[str, str], Look]) -> str:
    """What is known of clips whose times are not."""
    known = [(who, seen[name, who]) for who in _WHO if (name, who) in seen]
    told = tuple((_WHO[who], _vmaf(look), _exactness(look)) for who, look in known)
    return f"{Table((_HEADS[0], *_HEADS[-2:]), told).markdown()}\n" if told else ""


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _measured(runs: Sequence[Run]) -> str:
    commits = " and ".join(f"`{one}`" for one in dict.fromkeys(run.commit for run in runs) if one)
    count = fmt.counted(len({run.round for run in runs}), "round")
    return f"{count}, {runs[0].started_utc[:10]}, at {commits or 'a commit that was not recorded'}."


def _look(seen: dict[tuple[str, str], Look], case: str, subject: str) -> Look | None:
    """xargs makes the same clips at any width."""
    kind = subject.partition("-")[0]
    same = (
        look for (of, who), look in seen.items() if of == case and who.partition("-")[0] == kind
    )
    return next(same, None)


def _cells(name: str, runs: Sequence[Run], look: Look | None) -> Iterator[str]:
    own = [run for run in runs if run.subject == name]
    estimate = own[0].is_estimate
    yield _WHO[name] + (" (an estimate from one clip)" if estimate else "")
    share = CASES[own[0].case].clips / own[0].clips_asked
    yield _time(own, share)
    for other in _BESIDE:
        theirs = [run for run in runs if run.subject == other]
        yield "" if other == name else _ratio(theirs, own)
    yield _mean([None if run.cpu_s is None else run.cpu_s * share for run in own], fmt.seconds)
    peaks = [run.peak_anon_bytes for run in own if run.peak_anon_bytes is not None]
    yield fmt.size(max(peaks, default=None))
    yield _mean([run.output_bytes * share for run in own], lambda value: fmt.size(round(value)))
    fewest = min(own, key=lambda run: run.clips)
    yield f"{fewest.clips} of {fewest.clips_asked}"
    yield _vmaf(look)
    yield _exactness(look)


def _time(own: Sequence[Run], share: float) -> str:
    """Of the whole job; of what cuts no clip, why."""
    if any(run.clips for run in own):
        return _told(scaled(mean([run.wall_s for run in own]), share), fmt.seconds)
    if any(run.oom_kills for run in own):
        return "out of memory"
    return "refused" if own[0].subject in OURS else "failed"


def _vmaf(look: Look | None) -> str:
    return "" if look is None or look.vmaf is None else f"{look.vmaf:.1f}"


def _exactness(look: Look | None) -> str:
    if look is None:
        return ""
    if not look.pictures:
        return "cuts none"
    by = " by number and time" if look.judged_by == "times" else ""
    hidden = f", {fmt.counted(look.hidden, 'picture')} hidden" if look.hidden else ""
    exactly = binomtest(look.exact, look.clips_looked_at).proportion_ci(method="exact")
    bounds = fmt.interval((exactly.low, exactly.high), fmt.percent)
    return f"{look.exact} of {look.clips_looked_at}{by}{bounds}{hidden}"


def _ratio(slower: Sequence[Run], own: Sequence[Run]) -> str:
    """By pairs; of an estimate, what it comes to."""
    found = kept.pairs(slower, own)
    if found:
        return _told(
            paired_ratio([a.wall_s for a, _ in found], [b.wall_s for _, b in found]), fmt.ratio
        )
    if not slower or not all(run.whole for run in (*slower, *own)) or own[0].clips == 0:
        return "unknown"
    each = [mean([run.wall_s / run.clips for run in side]).value for side in (slower, own)]
    return f"about {fmt.ratio(each[0] / each[1])}"


def _mean(values: Sequence[float | None], form: Callable[[float], str]) -> str:
    known = [value for value in values if value is not None]
    return _told(mean(known), form) if known and sum(known) else "unknown"


def _told(estimate: Estimate, form: Callable[[float], str]) -> str:
    """A value that comes out the same every time has no interval worth telling."""
    value, bounds = form(estimate.value), estimate.interval
    alike = bounds is not None and {form(bound) for bound in bounds} == {value}
    return value if alike else f"{value}{fmt.interval(bounds, form)}"


def _reasons(seen: dict[tuple[str, str], Look]) -> str:
    """Of clips that are not all that was asked for: what the first one lacks, and on which jobs."""
    alike: dict[tuple[str, str], list[Look]] = {}
    for look in seen.values():
        if look.exact < look.clips_looked_at:
            alike.setdefault((look.subject.partition("-")[0], look.why), []).append(look)
    lines = []
    for (who, why), looks in alike.items():
        right, all_of_them = (
            sum(getattr(look, name) for look in looks)
            for name in ("right_pictures", "clips_looked_at")
        )
        jobs = ", ".join(look.case for look in looks)
        lines.append(
            f"- `{who}`: {why} ({jobs}; the right pictures in {right} of {all_of_them}).\n"
        )
    return "".join(sorted(lines)) or "None.\n"


def main() -> None:
    results = resources.folder("results")
    page = results / PAGE
    page.write_text(with_blocks(page.read_text("utf-8"), engine_blocks(results)), "utf-8")


if __name__ == "__main__":
    main()
