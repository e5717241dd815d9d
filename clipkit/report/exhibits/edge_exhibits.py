"""How many clips at once a host's memory holds, and what the user sees beyond, as a table."""

from __future__ import annotations

from collections.abc import Iterable

from clipkit import format as fmt
from clipkit.analysis.edges import Beyond, FoundEdge, Survived, edges_in
from clipkit.records.record import Record
from clipkit.tables import Table

_HEADS = (
    "film",
    "who",
    "survives at once",
    "needs at most",
    "at the limit",
    "killed",
    "the client is told",
    "the service",
    "the job",
    "past it",
)


def edges_table(records: Iterable[Record]) -> Table:
    """One row for each who and where; `records`: of a campaign of the strategy `edge`."""
    found = edges_in(records)
    hosts = dict.fromkeys(edge.condition.host for edge in found)
    rows = tuple(_row(edge, several_hosts=len(hosts) > 1) for edge in found)
    return Table(_HEADS, rows, f"clips at once on {', '.join(hosts)}", whole=True)


def edge_sentences(records: Iterable[Record]) -> list[str]:
    """What the table comes to: how many survive by film, and how often which service itself was killed."""
    found = edges_in(records)
    films: dict[int, list[FoundEdge]] = {}
    for edge in found:
        films.setdefault(edge.condition.lines, []).append(edge)
    said = [
        f"{lines}p: {', '.join(f'{_most(edge)} at once by {edge.who}' for edge in own)}"
        for lines, own in films.items()
    ]
    deaths: dict[str, tuple[int, int, int, int]] = {}
    for edge in found:
        past = [beyond for beyond in (edge.beyond, edge.farther) if beyond]
        more = [(b.ran_out, b.services_killed, b.services_died, b.jobs_lost) for b in past]
        known = [deaths.get(edge.who, (0, 0, 0, 0)), *more]
        ran_out, killed, died, lost = map(sum, zip(*known, strict=True))
        deaths[edge.who] = (ran_out, killed, died, lost)
    return said + [
        f"{who}: of {ran_out} runs that ran out, {killed} had the service itself killed, {died} were left "
        f"without it, {lost} lost their job"
        for who, (ran_out, killed, died, lost) in deaths.items()
    ]


def _most(edge: FoundEdge) -> str:
    return "not even 1" if edge.survived is None else str(edge.survived.at_once)


def _row(edge: FoundEdge, several_hosts: bool) -> tuple[str, ...]:
    where = f" on {edge.condition.host}" if several_hosts else ""
    return (
        f"{edge.condition.lines}p",
        f"{edge.who}{where}",
        _survives(edge.survived),
        "–" if edge.survived is None else fmt.size(edge.survived.need_bytes),
        *_seen(edge.beyond),
        "–" if edge.farther is None else f"{_ran_out(edge.farther)}: {_killed(edge.farther)}",
    )


def _seen(beyond: Beyond | None) -> tuple[str, ...]:
    if beyond is None:
        return ("nothing died", *("–",) * 4)
    return (_ran_out(beyond), _killed(beyond), beyond.told or "nothing", *_left(beyond))


def _survives(survived: Survived | None) -> str:
    if survived is None:
        return "not even 1"
    return f"{survived.at_once} (0 kills in {fmt.counted(survived.runs, 'run')})"


def _ran_out(beyond: Beyond) -> str:
    upto = "" if beyond.most_at_once == beyond.at_once else f" to {beyond.most_at_once}"
    return f"{beyond.at_once}{upto} at once: {beyond.ran_out} of {beyond.runs} ran out"


def _killed(beyond: Beyond) -> str:
    services = beyond.services_killed
    told = fmt.counted(beyond.ffmpegs_killed, "ffmpeg")
    return f"{told}, {fmt.counted(services, 'time')} the service" if services else f"{told} alone"


def _left(beyond: Beyond) -> tuple[str, str]:
    """What is left of the service, and of the job."""
    died, runs = beyond.services_died, beyond.runs
    service = "never gone"
    if died:
        back = "not back" if beyond.back_s is None else f"back in {fmt.seconds(beyond.back_s)}"
        service = f"gone in {died} of {runs}, {back}"
    job = f"lost in {beyond.jobs_lost} of {runs}" if beyond.jobs_lost else "known"
    return service, job
