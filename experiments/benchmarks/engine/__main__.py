"""The same job by everybody, each as its user starts it, in turn, on the same host: what the engine's modes bring.

    python experiments/benchmarks/engine w1 --rounds 5
    python experiments/benchmarks/engine 60s starter --rounds 2
    python experiments/benchmarks/engine w1 60s starter --look      # exactness and VMAF: needs no quiet machine
    python experiments/benchmarks/engine/page.py

Timed from outside, from the command typed to its end: starting, describing the upload and checking clips are in it.
clipkit holds the host by itself, for all others it is set up around them. A round runs each subject once, in random
order (`--seed`); a first second of film by each is discarded. The width of xargs is chosen on runs of its own, of half
the job. Each run leaves a line in `results/engine.jsonl`, or in the folder `--into`: what is there is gone on with.

Each job differs in one thing from one before (`cases.py`); W1 is 12 clips of 12 s out of ten minutes of 720p, 512 MB,
2 CPU. Elsewhere `sketch` cuts one clip, once: an estimate, marked as one. `--short` tries it all with clips of two
seconds out of two minutes, and keeps nothing but by `--into`. `smartcut` is installed where it is not.
"""

from __future__ import annotations

import argparse
import datetime
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import kept
from cases import CASES, SMARTCUT, XARGS, Case
from kept import CHOOSING, MEASURING, Kept, Look, Run
from recipes import film_named
from subjects import SUBJECTS, Task, smartcut_program
from timing import clips_in, measured

from clipkit import ffmpeg_builds, hosts, resources
from clipkit import format as fmt
from clipkit.ceiling.base import Limits
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.plan.clips import Clip, Job, spread
from clipkit.trial.machine import host_id

_WARMED = Clip(1.0, 1.0)
_SHORT_FILM, _SHORT_S = "sample-720p-120s", 2.0


@dataclass(frozen=True)
class Bench:
    """One job on its host. `into`: the folder of records; None: nothing is kept."""

    name: str
    case: Case
    job: Job
    build: FfmpegBuild
    folder: Path
    into: Path | None

    def cut(self, subject: str, job: Job) -> tuple[dict[str, Any], Path]:
        """What was measured, and where the clips are."""
        out = Path(tempfile.mkdtemp(prefix=f"{subject}-", dir=self.folder))
        csv = out / "clips.csv"
        lines = [f"{clip.start_s},{clip.duration_s}" for clip in job.clips]
        csv.write_text("\n".join(["start_s,duration_s", *lines]) + "\n")
        case = self.case
        host = ("--memory", case.memory, "--cpus", f"{case.cpus:g}")
        film = self.job.upload.path
        task = Task(film, job, csv, out, self.build.path, host, case.framing)
        return measured(subject, task, Limits(hosts.parse_size(case.memory), case.cpus)), out

    def keep(self, one: Kept, file: str) -> None:
        if self.into:
            one.append_to(self.into / file)

    def runs(self) -> list[Run]:
        """Of this job, by this clipkit, on this machine."""
        if not self.into:
            return []
        _, code = self.made_by
        known = [run for run in Run.read(self.into / kept.RUNS) if run.case == self.name]
        return [run for run in known if (run.code, run.host_id) == (code, host_id())]

    @property
    def made_by(self) -> tuple[str | None, str | None]:
        return kept.version(resources.folder("results"))

    def facts(self, subject: str) -> dict[str, Any]:
        commit, code = self.made_by
        started = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        return {
            "case": self.name,
            "subject": subject,
            "started_utc": started,
            "host_id": host_id(),
            "ffmpeg": self.build.version,
            "commit": commit,
            "code": code,
        }


def timed(bench: Bench, subject: str, job: Job, **place: Any) -> Run:
    facts = bench.facts(subject)
    found, _ = bench.cut(subject, job)
    run = Run(**facts, **found, **place)
    bench.keep(run, kept.RUNS)
    print(
        f"{bench.name:<8} {run.purpose} {run.round}  {run.subject:<9} {fmt.seconds(run.wall_s):>8}  "
        f"CPU {fmt.seconds(run.cpu_s)}  {fmt.size(run.peak_anon_bytes)}  "
        f"{run.clips} of {run.clips_asked} clips, {run.status} {run.modes or ''}",
        flush=True,
    )
    return run


def widest(bench: Bench) -> str:
    """xargs at its best width, by runs that count for nothing else: of half the job, if that fills the widest."""
    if found := kept.best_width(bench.runs()):
        return found
    part = bench.job.reduced(range(0, len(bench.job.clips), 2))
    if len(part.clips) < max(bench.case.widths):
        part = bench.job
    tried = [
        timed(bench, f"xargs-{width}", part, round=0, order=place, purpose=CHOOSING)
        for place, width in enumerate(bench.case.widths)
    ]
    return kept.best_width(tried) or tried[0].subject


def rounds(bench: Bench, subjects: Sequence[str], count: int, seed: int) -> None:
    """So many more than there are."""
    subjects = [widest(bench) if subject == XARGS else subject for subject in subjects]
    before = [run for run in bench.runs() if run.purpose == MEASURING]
    first = max((run.round for run in before), default=-1) + 1
    chance = random.Random(f"{seed} {first}")  # noqa: S311  a running order, no secret
    for subject in subjects:
        bench.cut(subject, replace(bench.job, clips=(_WARMED,)))
    done = {run.subject for run in before}
    for number in range(first, first + count):
        due = [one for one in subjects if one not in bench.case.once or one not in done]
        for place, subject in enumerate(chance.sample(due, len(due))):
            job = bench.job
            if subject in bench.case.estimated:
                job = job.reduced([len(job.clips) // 2])
            done.add(timed(bench, subject, job, round=number, order=place).subject)


def look(bench: Bench, subjects: Sequence[str]) -> None:
    from looks import Looking  # noqa: PLC0415 (the oracle loads much that no run needs)

    if XARGS in subjects:  # of any width its clips are the same
        subjects = [f"xargs-{bench.case.widths[-1]}" if one == XARGS else one for one in subjects]
    case, all_clips = bench.case, len(bench.job.clips)
    # The first ones, of a film that is decoded up to the last of them.
    few = bench.job.reduced(range(min(case.looked_at, all_clips)))
    looking = Looking(few, case.framing.get("crop"), bool(case.framing), bench.build)
    for subject in subjects:
        if subject in case.estimated:
            continue
        facts = bench.facts(subject)
        _, out = bench.cut(subject, few)
        seen = Look(**facts, **looking.at(subject, clips_in(out)))
        bench.keep(seen, kept.LOOKS)
        score = seen.unscored if seen.vmaf is None else f"VMAF {seen.vmaf:.1f}"
        print(
            f"{bench.name:<8} {subject:<9} {seen.exact} exact of {seen.clips_looked_at}, "
            f"{seen.right_pictures} with the right pictures, {seen.hidden} hidden, {score}  {seen.why}",
            flush=True,
        )


def benches(asked: argparse.Namespace) -> Iterator[Bench]:
    build = ffmpeg_builds.find_build("bundled")
    into = asked.into or (None if asked.short else resources.folder("results"))
    for name in asked.cases:
        case = CASES[name]
        if asked.short:
            made = _SHORT_FILM if case.film.startswith("sample") else case.film
            case = replace(case, film=made, length_s=_SHORT_S, clips=min(3, case.clips))
        upload = probe_upload(film_named(case.film, build.path))
        job = spread(upload, case.clips, case.length_s)
        with tempfile.TemporaryDirectory(prefix=".engine-", dir=Path.cwd()) as folder:
            yield Bench(name, case, job, build, Path(folder), into and into.absolute())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "cases", nargs="+", choices=list(CASES), metavar="CASE", help=", ".join(CASES)
    )
    parser.add_argument(
        "--subjects",
        nargs="+",
        choices=[*SUBJECTS, XARGS],
        metavar="SUBJECT",
        help=f"instead of the job's own: {XARGS} (at its best width), {', '.join(SUBJECTS)}",
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--look", action="store_true", help="exactness and VMAF, instead of rounds")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="instead of results")
    parser.add_argument("--short", action="store_true", help="a trial of it")
    asked = parser.parse_args()
    for bench in benches(asked):
        subjects = asked.subjects or bench.case.subjects
        if SMARTCUT in subjects:
            smartcut_program()  # now, and not in the first run's time
        if asked.look:
            look(bench, subjects)
        else:
            rounds(bench, subjects, asked.rounds, asked.seed)


if __name__ == "__main__":
    main()
