"""What a pack says to people before it begins, between trials and in the end. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from clipkit import format as fmt
from clipkit.pack.there.course import Course
from clipkit.pack.there.harness import Bench
from clipkit.pack.there.lives import Past, numbers_words
from clipkit.pack.there.verdict import Verdict


def head_lines(
    bench: Bench, course: Course, speed: float, expected_s: float | None, lost: Sequence[Any]
) -> list[str]:
    """What was found, what will run, how long, and what others will feel of it."""
    plan, found = bench.plan, bench.found
    done = len(plan.trials) - len(course.trials) - _left_out(bench, course)
    told = "about " + _long(expected_s) if expected_s is not None else "unknown"
    lines = [
        f"pack      {plan.campaign} for {plan.host}, packed {plan.packed_utc[:10]} by clipkit {plan.clipkit_version}",
        *found.lines(),
        f"ffmpeg    {_ffmpeg_words(bench)}",
        f"results   {_results_words(bench)}",
        f"trials    {len(course.trials)} of {len(plan.trials)}{f', {done} are done' if done else ''}",
        f"time      {told}, by a piece of work that takes {speed:.2f} times as long here as at home",
    ]
    lines += [f"threads   {each}" for each in _threads_words(bench)]
    lines += [f"left out  {plan_words}: {why}" for plan_words, why in _named(bench, course)]
    lines += [f"lost      trial {number}: {words}" for number, words in lost]
    lines.append(
        "note      ffmpeg takes all the CPU that it gets meanwhile: users of a service that runs here will feel it"
    )
    return lines


def _long(time_s: float) -> str:
    return fmt.seconds(time_s) if time_s < 100 else f"{time_s / 60:.0f} minutes"


def _left_out(bench: Bench, course: Course) -> int:
    return sum(t.cell.number in course.left_out for t in bench.plan.trials)


def _named(bench: Bench, course: Course) -> list[tuple[str, str]]:
    words = {cell.number: cell.words for cell in bench.plan.cells}
    return [(words[number], why) for number, why in course.left_out.items()]


def _threads_words(bench: Bench) -> list[str]:
    """How many those cells get here that leave threads open."""
    return [
        f"{count} a clip of each kind left open, in {fmt.counted(cells, 'cell')}: its share of the CPU here"
        for count, cells in sorted(Counter(bench.threads.values()).items())
    ]


def _ffmpeg_words(bench: Bench) -> str:
    here, home = bench.build.version, bench.plan.ffmpeg_version
    other = "as at home" if here == home else f"another than at home, which has {home}"
    return f"{bench.build.path}, {here}: {other}"


def _results_words(bench: Bench) -> str:
    found, folder = bench.found, bench.results
    if found.results_are_memory:
        return (
            f"{folder} is memory ({found.results_on}): it takes some of the host's and is gone with the "
            "instance; keep what is printed"
        )
    kind = found.results_on or "an unknown file system"
    return (
        f"{folder} on {kind}, {fmt.size(found.results_free_bytes)} free: if that disk lasts, the same command "
        "goes on where it stopped"
    )


def trial_line(number: int, of: int, words: str, record: Mapping[str, Any]) -> str:
    """Of one that has ended."""
    ended = record["status"]
    told = fmt.seconds(record.get("wall_s")) if ended == "ok" else f"{ended}: {record['error']}"
    peak = record.get("peak_anon_bytes")
    memory = f", {fmt.size(peak)}" if ended == "ok" and peak is not None else ""
    return f"trial {number} of {of}  {words}: {told}{memory}"


def ending_lines(
    bench: Bench, past: Past, course: Course, verdict: Verdict | None, elsewhere: Collection[int]
) -> list[str]:
    """How it stands, and how it comes home. `elsewhere`: trials that were not to be run here, by their numbers."""
    done, all_of_them = len(past.done), len(bench.plan.trials)
    out = _left_out(bench, course)
    told = f"{done} of {all_of_them} trials have ended{f', {out} were left out' if out else ''}"
    home = (
        f"take home what was printed here (clipkit unpack LOG --results DIR), or {bench.results}"
        if not bench.found.results_are_memory
        else "take home what was printed here (clipkit unpack LOG --results DIR)"
    )
    answer = verdict.lines() if verdict else []
    if verdict and (others := set(elsewhere) - past.done):
        answer.append(
            f"         without {_trials_words(others)}, which --done names: clipkit unpack tells it at home over all "
            "that came there"
        )
    return [told, *answer, home]


def _trials_words(numbers: Collection[int]) -> str:
    return f"trial{'' if len(numbers) == 1 else 's'} {numbers_words(numbers)}"
