"""Follow a tuning's advice word for word: does the changed command bring what was promised?

    python experiments/benchmarks/advice.py CAMPAIGN [--upload FILE] [--pairs 5] [--clips 12] [--seed 1]

Runs the command as it was and as the advice has it (`recommendation.json`: `change`) in adjacent pairs,
each on the job's clips, as many at once as the advice says, on the host of the campaign. clipkit's engine
takes no part: the commands are started one after another by a pool of threads, inside the ceiling alone.
Prints a line a pair, then the measured ratio with its 95 % interval beside the promised one. The clips
are those of the job, or `--clips` of them, others in each pair. Exit code 1 where the two disagree: where
neither interval holds the other's ratio.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate, geometric_mean
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.media.probe import probe_upload
from clipkit.plan.clips import Clip, Job
from clipkit.records.folder import EXPERIMENT
from clipkit.trial import machine
from clipkit.tuning.recommendation import Recommendation, read_recommendation
from clipkit.tuning.sampling import systematic
from clipkit.tuning.tune import fitting_job


def filled(argv: Sequence[str], job: Job, clip: Clip, output: Path) -> list[str]:
    """The command for one clip, with the ffmpeg that was measured."""
    values = {
        "input": str(job.upload.path),
        "start": f"{clip.start_s:.6f}",
        "duration": f"{clip.duration_s:.6f}",
        "end": f"{clip.end_s:.6f}",
        "output": str(output),
        "ffmpeg": ffmpeg_builds.find_build("bundled").path,
    }
    program = values["ffmpeg"] if argv[0] == "ffmpeg" else argv[0]
    words = [program, *argv[1:]]
    for name, value in values.items():
        words = [word.replace(f"{{{name}}}", value) for word in words]
    return words


def cut(ceiling: Ceiling, argv: list[str]) -> None:
    process = subprocess.Popen(
        ceiling.wrap(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    ceiling.adopt(process.pid)
    _, said = process.communicate()
    if process.returncode:
        raise SystemExit(
            f"{argv}: exit {process.returncode}: {said[-500:].decode(errors='replace')}"
        )


def run(argv: Sequence[str], at_once: int, job: Job, known: Recommendation) -> float:
    """Wall seconds of all clips."""
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
        open_ceiling(Limits.of(known.host)) as ceiling,
    ):
        commands = [
            filled(argv, job, clip, Path(folder) / f"clip-{number}.mp4")
            for number, clip in enumerate(job.clips)
        ]
        began_s = time.monotonic()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda command: cut(ceiling, command), commands))
        wall_s = time.monotonic() - began_s
        ceiling.kill()
    return wall_s


def promised(known: Recommendation) -> Estimate:
    """By the baseline that the winner was confirmed against."""
    name = known.measured_job["against"][0] if known.measured_job["against"] else "command"
    baseline = next(each for each in known.baselines if each.name == name)
    if baseline.speedup is None or baseline.speedup_ci95 is None:
        raise SystemExit(f"nothing was promised against {name}")
    return Estimate(baseline.speedup, *baseline.speedup_ci95, n=baseline.pairs)


def holds(estimate: Estimate, value: float) -> bool:
    return estimate.interval is not None and estimate.interval[0] <= value <= estimate.interval[1]


def shown(estimate: Estimate) -> str:
    return fmt.ratio(estimate.value) + fmt.interval(estimate.interval, fmt.bare_ratio)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("campaign", type=Path)
    parser.add_argument("--upload", type=Path, help="where the upload lies (default: where it lay)")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()

    known = read_recommendation(asked.campaign)
    if known.change is None:
        raise SystemExit("this tuning advises no change of a command")
    experiment = tomllib.loads((asked.campaign / EXPERIMENT).read_text("utf-8"))["job"]
    upload = probe_upload(asked.upload or Path(experiment["uploads"][0]))
    whole = fitting_job(upload, experiment["clips"], experiment["length_s"])
    machine.warm(upload.path)
    sides = {
        "as it was": (known.change.from_argv, known.change.was_at_once),
        "as advised": (known.change.to_argv, known.change.commands_at_once),
    }
    print(f"{known.host.name}: {'; '.join(known.change.words)}")
    ratios = []
    for pair in range(asked.pairs):
        job = whole.reduced(systematic(len(whole.clips), asked.clips, pair))
        order = list(sides)
        random.Random(f"{asked.seed}:{pair}").shuffle(order)  # noqa: S311  no secret
        took_s = {name: run(*sides[name], job, known) for name in order}
        ratios.append(took_s["as it was"] / took_s["as advised"])
        times = ", ".join(f"{name} {fmt.seconds(took_s[name])}" for name in sides)
        print(
            f"pair {pair + 1}: {len(job.clips)} clips: {times}: {fmt.ratio(ratios[-1])}", flush=True
        )
    measured, said = geometric_mean(ratios), promised(known)
    agree = holds(said, measured.value) or holds(measured, said.value)
    print(
        f"promised {shown(said)}; measured {shown(measured)}: {'they agree' if agree else 'they DISAGREE'}"
    )
    raise SystemExit(0 if agree else 1)


if __name__ == "__main__":
    main()
