"""Findings in words that a backend engineer acts on. Pure; every figure in them was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from clipkit import format as fmt
from clipkit.hosts import Host
from clipkit.media.upload import Upload
from clipkit.records.own_engine import own_engine_words
from clipkit.records.record import Record
from clipkit.records.status import Status, is_finished
from clipkit.settings import Settings
from clipkit.tuning.findings import Findings
from clipkit.tuning.screening import Screened, are_told_apart, better_not_cut_so
from clipkit.tuning.timed import Timed
from clipkit.tuning.verdict import whose

# Below this ratio between the two seek orders, where to put `-ss` is not what matters.
_SEEK_MATTERS = 2.0


def host_line(host: Host, ceiling: str, reserve_bytes: int) -> str:
    kept = f" | {fmt.size(reserve_bytes)} kept for your server" if reserve_bytes else ""
    limits = f"{fmt.memory(host.memory_bytes)}, {fmt.cpus(host.cpus)}"
    measured = f" | {host.as_measured}" if host.as_measured else ""
    return f"{host.name}  {limits} | {ceiling}{kept}{measured}"


def upload_line(upload: Upload, job: str) -> str:
    keys = f"key frame every {upload.gop_s:.1f} s"
    if len(upload.key_frame_times_s) < 2:
        keys = "one key frame"
    rate = f"{upload.fps:.3g}" + (" variable" if upload.vfr else "")
    return (
        f"{upload.name}  {upload.width}x{upload.height} at {rate} fps {upload.codec}, "
        f"{fmt.clock(upload.duration_s)}, {keys} | {job}"
    )


def reasons(findings: Findings) -> tuple[str, ...]:
    """What the figures come from: mode, seek order, concurrency, threads, the orchestrator's share."""
    said = [
        *_failures(findings.baselines),
        _mode(findings),
        _seek(findings),
        _concurrency(findings),
        _threads(findings),
        _orchestrator(findings),
    ]
    return tuple(sentence for sentence in said if sentence)


def _failures(baselines: Sequence[Timed]) -> list[str]:
    said = []
    for timed in baselines:
        name = whose(timed)
        if timed.status is Status.CANCELLED:
            said.append(f"{name} was {timed.error}")
        elif timed.status is not Status.OK:
            said.append(f"{name} did not finish ({timed.status.words}): {timed.error}")
        elif timed.failures:
            said.append(
                f"{name} failed in {fmt.counted(timed.failures, 'trial')}, though not in others"
            )
    return said


def wasted_cpu_fraction(findings: Findings) -> float | None:
    """Of the CPU of `sketch`, the share that decoded frames nobody sees: what `fluent`, which does
    the same but seeks first, does not need for the same clips. None where not both were run."""
    sketch, fluent = (_cpu_by_clip(findings, name) for name in ("sketch", "fluent"))
    both = sketch.keys() & fluent.keys()
    if not both:
        return None
    return 1 - sum(fluent[clip] for clip in both) / sum(sketch[clip] for clip in both)


def _cpu_by_clip(findings: Findings, name: str) -> dict[tuple[str, float], float]:
    """Upload and start -> mean CPU seconds of that clip."""
    used: dict[tuple[str, float], list[float]] = {}
    for cell, record in findings.results:
        if cell.subject.name == name and record.status is Status.OK:
            for start, cpu_s in zip(record.clip_starts_s, record.clip_cpu_s, strict=True):
                used.setdefault((record.upload_sha256, start), []).append(cpu_s)
    return {clip: fmean(seconds) for clip, seconds in used.items()}


def _mode(findings: Findings) -> str | None:
    """Why another mode than re-encoding is faster."""
    encoded = findings.chosen.encoded
    if findings.chosen.asked is None or encoded is None:
        return None
    if not encoded:
        return "no picture is decoded or encoded: all are copied"
    return f"{fmt.percent(encoded)} of the pictures are encoded, the others copied"


def _of_encoding(findings: Findings) -> str:
    """What a sentence on the candidates begins with: they re-encode, whatever is recommended."""
    return "re-encoding, " if findings.chosen.asked else ""


def _seek(findings: Findings) -> str | None:
    wasted = wasted_cpu_fraction(findings)
    sketch, fluent = findings.baseline("sketch"), findings.baseline("fluent")
    if wasted is None or not (sketch and fluent and sketch.wall and fluent.wall):
        return None
    times = sketch.wall.value / fluent.wall.value
    if times < _SEEK_MATTERS:
        upload = findings.question.jobs[0].upload
        return (
            f"seek order matters little here ({fmt.ratio(times)}): the film is only "
            f"{fmt.clock(upload.duration_s)} long, so little is decoded in vain "
            f"({fmt.percent(max(0.0, wasted))} of the sketch's CPU)"
        )
    return (
        f"{fmt.percent(wasted)} of the sketch's CPU decoded frames that nobody sees; "
        f"seeking before the input is {fmt.ratio(times)} faster"
    )


def _entry(findings: Findings, settings: Settings) -> Screened | None:
    return next((e for e in findings.screened if e.settings == settings), None)


def _concurrency(findings: Findings) -> str | None:
    """One clip at a time against the recommended number at once, or else the most that were tried; the
    same threads for each."""
    winner = findings.winner.settings
    for single in (replace(winner, concurrency=1), _one_thread(findings)):
        others = [
            entry
            for entry in findings.screened
            if entry.settings.concurrency > 1 and replace(entry.settings, concurrency=1) == single
        ]
        if others:
            return _several(findings, _entry(findings, single), others)
    return None


def _several(findings: Findings, alone: Screened | None, others: Sequence[Screened]) -> str | None:
    ended_well = [entry for entry in others if entry.status is Status.OK]
    if alone is None or alone.status is not Status.OK or not ended_well:
        died = [entry for entry in others if entry.status is Status.OOM]
        count = died[0].settings.concurrency if died else 0
        return f"{_of_encoding(findings)}{count} at once ran out of memory" if died else None
    recommended = [entry for entry in ended_well if entry is findings.winner]
    several = max(recommended or ended_well, key=lambda entry: entry.settings.concurrency)
    count, on = several.settings.concurrency, fmt.cpus(findings.question.host.cpus)
    speed = f"{_speed(findings, several, alone)} on {on}{_more(several, alone)}"
    return f"{_of_encoding(findings)}{count} at once: {speed}"


def _speed(findings: Findings, entry: Screened, than: Screened) -> str:
    """How much faster or slower, where that is shown: one of the two is the recommended one, and the other
    is told from it."""
    apart = are_told_apart(findings.screening, entry, than)
    if findings.winner not in (entry, than) or not apart:
        return "no difference shown"
    ratio = than.predicted_wall_s / entry.predicted_wall_s
    return f"{fmt.ratio(ratio)} faster" if ratio >= 1 else f"{fmt.ratio(1 / ratio)} slower"


def _one_thread(findings: Findings) -> Settings:
    return replace(
        findings.winner.settings,
        concurrency=1,
        encoder_threads=1,
        decoder_threads=1,
        filter_threads=1,
    )


def _threads(findings: Findings) -> str | None:
    """What ffmpeg does when nobody tells it how many threads to use."""
    single = _one_thread(findings)
    automatic = replace(single, encoder_threads=0, decoder_threads=0, filter_threads=0)
    default, one = _entry(findings, automatic), _entry(findings, single)
    if default is None or one is None:
        return None
    what = f"{_of_encoding(findings)}ffmpeg's own choice of threads"
    if default.status is Status.OOM:
        return f"{what} ran out of memory"
    if default.status is not Status.OK or one.status is not Status.OK:
        return None
    if default is better_not_cut_so(findings.question, findings.screening):
        ratio = fmt.ratio(findings.winner.predicted_wall_s / default.predicted_wall_s)
        return f"{what}: {ratio} as fast as what is recommended, but a cut gives each clip its share of the CPU"
    return f"{what} against one each: {_speed(findings, default, one)}{_more(default, one)}"


def _more(entry: Screened, than: Screened) -> str:
    needs = fmt.size(entry.peak_bytes), fmt.size(than.peak_bytes)
    return f", at {needs[0]} instead of {needs[1]}" if needs[0] != needs[1] else ""


def orchestrator_cpu_fraction(findings: Findings) -> float | None:
    """The engine's own share of all CPU in the confirming trials (claim C1), beside the clips' own processes."""
    runs = confirming(findings)
    own_s = sum(record.orchestrator_cpu_s or 0.0 for record in runs)
    ffmpeg_s = sum(record.ffmpeg_cpu_s or 0.0 for record in runs)
    return own_s / (own_s + ffmpeg_s) if ffmpeg_s else None


def confirming(findings: Findings) -> list[Record]:
    """The confirming trials of what is recommended."""
    return [
        record
        for cell, record in findings.results
        if cell.phase == "confirm"
        and cell.subject.tunable
        and cell.settings == findings.settings
        and is_finished(record)
    ]


def _orchestrator(findings: Findings) -> str | None:
    share = orchestrator_cpu_fraction(findings)
    peaks = [r.orchestrator_peak_rss_bytes for r in confirming(findings)]
    known = [peak for peak in peaks if peak is not None]
    if share is None or not known:
        return None
    return (
        f"ffmpeg takes {100 * (1 - share):.1f} % of the CPU, the orchestrator {fmt.percent(share)}: that is "
        f"all the time a rewrite of it could gain; {own_engine_words(max(known))}"
    )
