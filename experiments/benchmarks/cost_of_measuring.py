"""What measuring costs: CPU seconds of clipkit's own process while a trial runs, by second of the trial.

    python experiments/benchmarks/cost_of_measuring.py [--length 4] [--film 60]

Cuts a short and a longer job at 0.5 and at 2 CPU. What a second more costs is the slope between the two:
the sampler and the talk with the engine; what a trial costs once (the upload read into the page cache, the
ceiling, starting the engine) is the rest. Under 1 % of a CPU is the aim. Beside it the engine's own share,
which is part of what is measured: an orchestrator's.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit.ceiling.choose import open_ceiling
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.media.sample import sample
from clipkit.plan.clips import Job, spread
from clipkit.plan.subjects import Engine
from clipkit.records.outcome import Outcome
from clipkit.settings import Settings
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.run import run_trial

CLIPS = (2, 8)


@dataclass(frozen=True)
class Cost:
    """CPU and wall seconds of one trial: `harness_s` is this process'."""

    harness_s: float
    wall_s: float
    outcome: Outcome


def cost(job: Job, host: Host) -> Cost:
    trial = Trial(
        identity=Identity("benchmark", "clipkit", 0, 0, 1, "confirm"),
        job=job,
        subject=Engine(),
        settings=Settings(),
        build=ffmpeg_builds.find_build(Settings().ffmpeg),
        host=host,
        reserve_bytes=0,
        timeout_s=3600,
    )
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        cpu_s, began_s = time.process_time(), time.monotonic()
        outcome = run_trial(trial, open_ceiling, Path(folder), lambda _: None)
        return Cost(time.process_time() - cpu_s, time.monotonic() - began_s, outcome)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=float, default=4.0, help="of a clip, in seconds")
    parser.add_argument("--film", type=float, default=60, help="length of the sample, in seconds")
    asked = parser.parse_args()
    upload = probe_upload(sample(asked.film))
    print(
        "CPUs  wall time  samples a second  harness, a second more  once  engine's share of the CPU"
    )
    for cpus in (0.5, 2.0):
        host = Host("benchmark", 512 * MIB, cpus)
        few, many = (cost(spread(upload, n, asked.length), host) for n in CLIPS)
        slope = (many.harness_s - few.harness_s) / (many.wall_s - few.wall_s)
        record = many.outcome.record
        print(
            f"{cpus:<4g}  {fmt.seconds(many.wall_s):>9}  "
            f"{len(many.outcome.samples) / many.wall_s:>16.1f}  "
            f"{slope * 100:>17.2f} % CPU  {fmt.seconds(few.harness_s - slope * few.wall_s):>5}  "
            f"{fmt.percent((record.orchestrator_cpu_s or 0.0) / record.cpu_s)}"
        )


if __name__ == "__main__":
    main()
