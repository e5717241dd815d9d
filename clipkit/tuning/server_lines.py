"""What the trials of a user's own server say, as lines for people. Pure."""

from __future__ import annotations

import shlex
from pathlib import Path

from clipkit import format as fmt
from clipkit.campaign.starts import edge_of
from clipkit.records.need import may_be_hidden
from clipkit.records.status import Status
from clipkit.tuning.server_answer import MEMORY, ServerAnswer, end_of_service

_LEAST_GROWTH = 0.02
"""Of its memory after the first job: less growth than that over all further jobs is not told as one."""


def server_lines(found: ServerAnswer) -> list[str]:
    first = found.records[0]
    head = [
        f"{found.host.name}  {fmt.memory(found.host.memory_bytes)}, {fmt.cpus(found.host.cpus)} | "
        f"{found.enforced} | ffmpeg {found.ffmpeg}",
        f"{found.server.name}  {found.server.start} | {fmt.counted(len(found.starts), 'start')}, "
        f"{fmt.counted(first.clips, 'clip')} of {first.clip_s:g} s; in brackets the least and the most",
    ]
    told = [
        ("MEMORY", _memory(found)),
        ("TIME", _time(found)),
        ("CPU", _cpu(found)),
        ("HEALTH", _health(found)),
        ("AT ONCE", _at_once(found)),
        ("NOTE", _note(found)),
        ("NEXT", shlex.join(found.next_words) if found.next_words else None),
    ]
    body = [f"{name:<9}{words}" for name, words in told if words]
    return [*head, *body, f"campaign {fmt.near(found.folder)}"]


def _memory(found: ServerAnswer) -> str:
    parts = [
        f"{figure.words(fmt.size)} {words}"
        for name, words in MEMORY.items()
        if (figure := found.figure(name)) is not None
    ]
    jobs = found.figure("service_jobs")
    if jobs and jobs.median > 1:
        parts.append(_growth(found, int(jobs.median)))
    return f"its own, without its ffmpegs: {', '.join(parts)}"


def _growth(found: ServerAnswer, jobs: int) -> str:
    after, grown = found.figure("service_after_bytes"), found.growth_bytes
    if after is None or grown is None or grown * (jobs - 1) < _LEAST_GROWTH * after.median:
        return f"no growth shown over {jobs} jobs"
    return (
        f"which is {fmt.size(grown)} more with each of {jobs} jobs: what comes after those is not in "
        "the reserve"
    )


def _time(found: ServerAnswer) -> str | None:
    wall, first = found.figure("wall_s"), found.figure("first_clip_s")
    if wall is None:
        return None
    seen, gaps = found.figure("service_seen_s"), found.figure("service_gaps_s")
    parts = [f"the last clip after {wall.words(fmt.seconds)}"]
    if first:
        parts.append(f"the first after {first.words(fmt.seconds)}")
    if gaps:
        share = fmt.percent(gaps.median / wall.median) if wall.median else ""
        parts.append(f"none of its ffmpegs ran for {gaps.words(fmt.seconds)} of it, {share}")
    if seen:
        parts.append(f"the client knew after {seen.words(fmt.seconds)}")
    return ", ".join(parts)


def _cpu(found: ServerAnswer) -> str | None:
    own, ffmpegs = found.figure("orchestrator_cpu_s"), found.figure("ffmpeg_cpu_s")
    if own is None or ffmpegs is None:
        return None
    both_s = own.median + ffmpegs.median
    share = f": {fmt.percent(own.median / both_s)} of both" if both_s else ""
    return f"its own {own.words(fmt.seconds)} beside ffmpeg's {ffmpegs.words(fmt.seconds)}{share}"


def _health(found: ServerAnswer) -> str | None:
    typical, worst = (
        found.figure("service_health_median_s"),
        found.figure("service_health_worst_s"),
    )
    if typical is None or worst is None:
        return None
    failed = found.figure("service_health_failed")
    missing = f"; {failed.high:g} probes without an answer" if failed and failed.high else ""
    return (
        f"while it cuts, it answers after {typical.words(fmt.seconds)}, at worst "
        f"{fmt.seconds(worst.high)}{missing}"
    )


def _at_once(found: ServerAnswer) -> str:
    routes = found.server.routes
    if "concurrency" not in routes.follows:
        return (
            f"as the server has it: nothing in {Path(routes.file).name} tells it how many, such as "
            '[environment] MAX_CONCURRENT = "{concurrency}"'
        )
    safe, beyond = edge_of(found.outcomes)
    starts = fmt.counted(len(found.outcomes.get(safe, ())), "start")
    survives = f"{safe} at once survive in {starts}" if safe else "not even the fewest survive"
    if found.first_beyond is None:
        return f"{survives}; more were not tried"
    return f"{survives}; {beyond} do not: {end_of_service(found.first_beyond)}"


def _note(found: ServerAnswer) -> str | None:
    told = []
    if any(r.status is Status.INVALID_NOISE for r in found.starts):
        told.append("others disturbed some of these starts")
    if found.starts and found.starts[0].served.service_told_apart != "kernel":
        told.append("no group of the kernel's tells it from its ffmpegs: its memory is rough")
    if any(record.served.service_died for record in found.starts):
        told.append(f"it died: {found.starts[0].served.service_client_told}")
    if not found.server.routes.can_fetch:
        told.append("no [fetch] is described: its clips were not looked into")
    if found.starts and any(
        may_be_hidden(r.peak_need_bytes, r.memory_limit_bytes) for r in found.starts
    ):
        told.append("the ceiling may hide what it needs")
    return "; ".join(told) or None
