"""What runs on the host: look around, say what will be done, do it, tell of each trial. Stdlib only."""

from __future__ import annotations

import secrets
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from clipkit import streams
from clipkit.errors import ClipkitError, OutputError, UsageError, os_error_words
from clipkit.pack.there.asked import Asked, parse_asked
from clipkit.pack.there.bench import bench_for
from clipkit.pack.there.course import Course, course_of, expected_of_all_s
from clipkit.pack.there.group_here import Machine
from clipkit.pack.there.harness import Bench, now_utc
from clipkit.pack.there.identity import identity_here, machine_here
from clipkit.pack.there.journal import Journal, entries_in
from clipkit.pack.there.lives import Now, Past, past_of, trials_left
from clipkit.pack.there.lost import lost_documents
from clipkit.pack.there.parts import Kind, Sender
from clipkit.pack.there.planned import Plan, read_plan
from clipkit.pack.there.samples_kept import drop_samples
from clipkit.pack.there.session import Session
from clipkit.pack.there.telling import ending_lines, head_lines
from clipkit.pack.there.verdict import Here, Verdict, failures_of, pairs_of, verdict_of
from clipkit.records.status import COUNTS
from clipkit.trial.canary import canary_s

_INTERRUPTED = 130


def main(folder: str) -> NoReturn:
    """`folder`: of the unpacked pack. Ends the process: 0 done, 1 failed or refused, 2 wrong use."""
    streams.take_streams()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it
            signal.signal(number, _interrupt)
    archive, *words = sys.argv[1:]
    try:
        code = _run(Path(folder), parse_asked(words, Path(archive).name, ""))
    except ClipkitError as error:
        streams.complain(f"clipkit: {error}")
        code = error.exit_code
    except KeyboardInterrupt:
        streams.complain("clipkit: interrupted")
        code = _INTERRUPTED
    except OSError as error:
        streams.complain(f"clipkit: {os_error_words(error)}")
        code = 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class _Start:
    """Where this life begins: the host, what earlier lives came to, how those trials ended that they lost. `warms_up`:
    unless the life before got no further than that, which nothing tells of a kill."""

    bench: Bench
    now: Now
    past: Past
    lost: list[tuple[int, dict[str, Any]]]
    course: Course
    warms_up: bool


def _run(folder: Path, asked: Asked) -> int:
    begun = _start(read_plan(folder), folder, asked)
    bench, course = begun.bench, begun.course
    speed = canary_s() / bench.plan.canary_s
    expected_s = expected_of_all_s(course, speed, bench.found)
    told = [(number, document["record"]["error"]) for number, document in begun.lost]
    _say_lines(head_lines(bench, course, speed, expected_s, told))
    if course.trials or begun.lost:
        _ask(asked)
        _go_on(begun, speed)
    records = _records(bench)
    past = past_of(_entries(bench.plan, asked.results))
    _say_lines(ending_lines(bench, past, course, _verdict(bench, records), asked.done))
    missing = [t for t in course.trials if t.number not in past.done]
    return 1 if missing else 0


def _start(plan: Plan, folder: Path, asked: Asked) -> _Start:
    entries = _entries(plan, asked.results)
    warms_up = not entries or entries[-1]["kind"] != "where"
    identity = identity_here()
    bench = bench_for(plan, folder, asked, machine_here(identity))
    counters = bench.counters
    now = Now(identity.to_json(), counters.held().oom_kills if counters else None)
    lost = lost_documents(bench, past_of(entries), now)
    entries += [{"kind": "ended", "trial": number, **document} for number, document in lost]
    past = past_of(entries)
    numbers = [trial.number for trial in plan.trials]
    unknown = sorted(asked.done - {*numbers})
    if unknown:
        raise UsageError(f"--done {unknown[0]}: this pack has the trials 1 to {len(numbers)}")
    left = trials_left(numbers, past, asked.done)
    course = course_of(plan, left, bench.found, bench.threads, asked.may_kill)
    return _Start(bench, now, past, lost, course, warms_up)


def _go_on(begun: _Start, speed: float) -> None:
    bench = begun.bench
    sender = Sender(bench.plan.pack, secrets.token_hex(4), bench.plan.key)
    journal = Journal(bench.results, sender, lambda line: _say_lines([line]))
    journal.tell(Kind.WHERE, 0, _where(begun, speed))
    for number, document in begun.lost:
        journal.tell(Kind.ENDED, number, document)
        drop_samples(bench.results, document["record"]["run_id"])
    Session(bench, journal, begun.past.attempts).run(begun.course, begun.warms_up)


def _where(begun: _Start, speed: float) -> dict[str, Any]:
    bench, plan = begun.bench, begun.bench.plan
    out = begun.course.left_out
    left_out = {str(t.number): out[t.cell.number] for t in plan.trials if t.cell.number in out}
    return {
        "found": bench.found.to_json(),
        "identity": begun.now.identity,
        "machine": bench.machine,
        "started_utc": now_utc(),
        "ffmpeg_version": bench.build.version,
        "python": sys.version.split()[0],
        "speed": speed,
        "left_out": left_out,
        "steal_is_ours": _here(bench).steal_is_ours,
    }


def _ask(asked: Asked) -> None:
    """Raises UsageError where nobody can be asked, or says no."""
    if asked.yes:
        return
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError("nothing was run: there is no terminal to ask at, so say --yes")
    streams.say("Begin? [y/N] ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was run")


def _entries(plan: Plan, results: Path) -> list[dict[str, Any]]:
    """Raises UsageError where the folder holds another pack's."""
    entries = entries_in(results)
    if others := {entry["pack"] for entry in entries} - {plan.pack}:
        raise UsageError(
            f"{results} holds results of another pack ({', '.join(sorted(others))}): choose another "
            "folder with --results"
        )
    return entries


def _records(bench: Bench) -> list[tuple[int, int, dict[str, Any]]]:
    """Of each trial the first end that counts: its cell, its block, its record."""
    found: dict[int, dict[str, Any]] = {}
    for entry in entries_in(bench.results):
        if entry["kind"] == "ended" and entry["record"]["status"] in COUNTS:
            found.setdefault(entry["trial"], entry["record"])
    trials = ((bench.plan.trial(number), record) for number, record in found.items())
    return [(trial.cell.number, trial.block, record) for trial, record in trials]


def _verdict(bench: Bench, records: Sequence[tuple[int, int, dict[str, Any]]]) -> Verdict | None:
    promise = bench.plan.promise
    if promise is None:
        return None
    pairs, failures = pairs_of(records, promise, _here(bench)), failures_of(records, promise)
    return verdict_of(pairs, promise, bench.plan.quantiles, failures)


def _here(bench: Bench) -> Here:
    return Here(bench.found.cpus.value, isinstance(bench.counters, Machine))


def _say_lines(lines: Sequence[str]) -> None:
    """Also where nobody listens any more: what lies in the results' folder is complete."""
    try:
        streams.say_lines(lines)
    except OutputError as error:
        streams.complain(f"clipkit: {error}")
        streams.mute(sys.stdout)
