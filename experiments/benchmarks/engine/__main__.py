"""The same job by everybody, each as its user starts it, in turn, on the same host: what the engine's modes bring.

    python experiments/benchmarks/engine w1 --subjects sketch fluent xargs-2 encode smart copy floor --rounds 5 --into FILE
    python experiments/benchmarks/engine 60s 1080p 4k hevc scaled cropped starter --rounds 3 --into FILE

Timed from outside, from the command typed to its end: starting, describing the upload and checking clips are in it.
clipkit holds the host by itself, for all others it is set up around them. A round runs each subject once, in random
order (`--seed`); a first clip of each is discarded. Each run leaves a line in FILE, which `page.py` reads.
W1 is 12 clips of 12 s out of ten minutes of 720p, 512 MB, 2 CPU; each other job differs from it in one thing. On
`starter` (half a CPU) `sketch` would take over ten minutes a round, so it cuts one clip there, and is an estimate.

Left out for time: `sketch` on any job but W1, 4K and HEVC films of ten minutes (two instead), `smartcut` unless it is
named; players and exactness are `tests/end_to_end`, quality is `smart_quality.py`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import random
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from subjects import OURS, SUBJECTS, Start, Task

from clipkit import ffmpeg_builds, hosts
from clipkit import format as fmt
from clipkit.analysis.statistics import mean, paired_ratio
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.media.probe import probe_upload
from clipkit.media.sample import find_sample
from clipkit.plan.clips import spread
from clipkit.trial.machine import host_id
from clipkit.trial.sampler import Sampler, peak

_LONGEST_S = 1800


@dataclass(frozen=True)
class Case:
    """What is cut, and where. `made`: how ffmpeg makes the film of the sample, where that is another one."""

    film: str = "sample-720p-600s"
    made: tuple[str, ...] = ()
    clips: int = 12
    length_s: float = 12
    memory: str = "512M"
    cpus: float = 2
    framing: tuple[tuple[str, str], ...] = ()
    chain: str = ""


_AS_UPLOADED = ("-g", "250", "-c:a", "copy")
CASES = {
    "w1": Case(),
    "30s": Case(length_s=30),
    "60s": Case(length_s=60, clips=6),
    "1080p": Case(film="sample-1080p-600s"),
    "4k": Case(film="sample-2160p-120s", clips=6),
    "hevc": Case(
        film="sample-720p-120s", made=("-c:v", "libx265", "-preset", "ultrafast", *_AS_UPLOADED)
    ),
    "scaled": Case(framing=(("scale_height", "480"),), chain="scale=-2:480"),
    "cropped": Case(framing=(("crop", "9:16"),), chain="crop=ih*9/16:ih"),
    "starter": Case(cpus=0.5),
}


@dataclass(frozen=True)
class Measured:
    """One run: `clips` of the job's `clips_asked` were there in the end, of which a part may have been asked
    for. `engine_wall_s`: as clipkit's manifest tells it."""

    case: str
    subject: str
    round: int
    order: int
    wall_s: float
    engine_wall_s: float | None
    cpu_s: float | None
    peak_anon_bytes: int | None
    oom_kills: int
    clips_asked: int
    clips: int
    output_bytes: int
    status: str
    modes: dict[str, int]
    started_utc: str
    host_id: str
    ffmpeg: str


def film_of(case: Case, folder: Path, ffmpeg: str) -> Path:
    film = find_sample(case.film, Path.cwd())
    if not case.made:
        return film
    made = folder / "made.mp4"
    quiet = [ffmpeg, "-nostdin", "-v", "error", "-y"]
    subprocess.run([*quiet, "-i", str(film), *case.made, str(made)], check=True)
    return made


def run_inside(start: Start, limits: Limits) -> tuple[float, dict[str, Any]]:
    """Of one that is held from outside: its wall seconds, and what the ceiling says of it."""
    with open_ceiling(limits) as ceiling, tempfile.TemporaryFile() as words:
        words.write(start.stdin)
        words.seek(0)
        with Sampler(ceiling, 0, frozenset()) as sampler:
            began_s = time.monotonic()
            process = subprocess.Popen(
                ceiling.wrap(start.argv),
                stdin=words,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            ceiling.adopt(process.pid)
            code = process.wait(_LONGEST_S)
            wall_s = time.monotonic() - began_s
        usage = ceiling.usage()
    found: dict[str, Any] = {
        "cpu_s": usage.cpu_s,
        "peak_anon_bytes": peak(sampler.samples, "anon_bytes"),
        "oom_kills": usage.oom_kills,
        "status": "ok" if code == 0 else "failed",
        "engine_wall_s": None,
        "modes": {},
    }
    return wall_s, found


def run_ours(start: Start, out: Path) -> tuple[float, dict[str, Any]]:
    began_s = time.monotonic()
    subprocess.run(
        start.argv,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=_LONGEST_S,
    )
    wall_s = time.monotonic() - began_s
    told = out / "ours" / "manifest.json"
    manifest: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {}
    modes = [clip["mode"] for clip in manifest.get("clips", ())]
    found = {
        "cpu_s": manifest.get("cpu_s"),
        "peak_anon_bytes": manifest.get("peak_anon_bytes"),
        "oom_kills": manifest.get("oom_kills", 0),
        "status": manifest.get("status", "failed"),
        "engine_wall_s": manifest.get("wall_s"),
        "modes": {mode: modes.count(mode) for mode in dict.fromkeys(modes)},
    }
    return wall_s, found


def measure(name: str, task: Task, limits: Limits) -> dict[str, Any]:
    start = SUBJECTS[name](task)
    wall_s, found = run_ours(start, task.out) if start.holds_itself else run_inside(start, limits)
    files = [file for file in task.out.rglob("*.mp4") if file.stat().st_size > 1000]
    return {
        **found,
        "wall_s": wall_s,
        "clips_asked": len(task.job.clips),
        "clips": len(files),
        "output_bytes": sum(file.stat().st_size for file in files),
    }


def run_case(name: str, subjects: list[str], rounds: int, seed: int, into: Path | None) -> None:
    case = CASES[name]
    build = ffmpeg_builds.find_build("bundled")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as made:
        folder = Path(made)
        film = film_of(case, folder, build.path)
        job = spread(probe_upload(film), case.clips, case.length_s)
        limits = Limits(hosts.parse_size(case.memory), case.cpus)
        chance = random.Random(seed)  # noqa: S311  a running order, no secret
        runs: dict[str, list[float]] = {subject: [] for subject in subjects}
        for number in range(-1, rounds):
            order = chance.sample(subjects, len(subjects))
            for place, subject in enumerate(order):
                part = (
                    job.reduced([0])
                    if number < 0 or (subject == "sketch" and name == "starter")
                    else job
                )
                out = folder / f"out-{number}-{subject}"
                out.mkdir()
                csv = folder / "clips.csv"
                lines = [f"{clip.start_s},{clip.duration_s}" for clip in part.clips]
                csv.write_text("\n".join(["start_s,duration_s", *lines]) + "\n")
                host = ("--memory", case.memory, "--cpus", f"{case.cpus:g}")
                task = Task(film, part, csv, out, build.path, host, dict(case.framing), case.chain)
                started = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
                found = measure(subject, task, limits)
                if number < 0:
                    continue
                line = Measured(
                    case=name,
                    subject=subject,
                    round=number,
                    order=place,
                    started_utc=started,
                    host_id=host_id(),
                    ffmpeg=build.version,
                    **found,
                )
                runs[subject].append(line.wall_s)
                if into:
                    with into.open("a", encoding="utf-8") as file:
                        file.write(f"{json.dumps(asdict(line))}\n")
                print(
                    f"{name:<8} {number}  {subject:<9} {fmt.seconds(line.wall_s):>8}  CPU {fmt.seconds(line.cpu_s)}  "
                    f"{fmt.size(line.peak_anon_bytes)}  {line.clips} clips, {line.status} {line.modes or ''}",
                    flush=True,
                )
    for subject, walls in runs.items():
        print(f"{name:<8} {subject:<9} {told(mean(walls), fmt.seconds)}", end="  ")
        for other in ("sketch", "fluent"):
            if other in runs and other != subject and len(runs[other]) == len(walls) > 1:
                print(f"{other}: {told(paired_ratio(runs[other], walls), fmt.ratio)}", end="  ")
        print()


def told(estimate: Any, form: Any) -> str:
    return f"{form(estimate.value)}{fmt.interval(estimate.interval, form)}"


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
        choices=list(SUBJECTS),
        default=["fluent", "xargs-2", "xargs-3", *OURS],
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path, metavar="FILE", help="a line a run")
    asked = parser.parse_args()
    for name in asked.cases:
        run_case(
            name, asked.subjects, asked.rounds, asked.seed, asked.into and asked.into.absolute()
        )


if __name__ == "__main__":
    main()
