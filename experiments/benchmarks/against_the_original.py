"""Cut the same job as the original backend does and with clipkit's engine; print times and ratios.

    python experiments/benchmarks/against_the_original.py [--memory 512M] [--cpus 2] [--blocks 3]
        [--clips 12] [--length 12] [--film 600] [--without sketch] [SETTING=VALUE …]

Every block runs every subject once on the whole job, in random order (seeded), under the ceiling,
after one discarded clip. Same preset and CRF for all. Settings default to 2 clips at once with one
thread each; `concurrency=1` and the like change them.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate, mean, paired_ratio
from clipkit.ceiling.base import Mechanism
from clipkit.ceiling.choose import describe_mechanism, open_ceiling
from clipkit.hosts import Host, parse_size
from clipkit.media.probe import probe_upload
from clipkit.media.sample import sample
from clipkit.plan import baselines
from clipkit.plan.clips import Job, spread
from clipkit.plan.subject import Cuts
from clipkit.plan.subjects import ENGINE, CommandLine, Engine
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings, knobs
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.run import run_trial

ENGINE_AT_ITS_BEST = {"concurrency": 2}


def settings_from(words: list[str]) -> Settings:
    named = {knob.name: knob for knob in knobs()}
    chosen = dict(word.split("=", 1) for word in words)
    return Settings(**ENGINE_AT_ITS_BEST | {k: named[k].parse(v) for k, v in chosen.items()})


def run(subject: Cuts, settings: Settings, job: Job, host: Host, block: int) -> Record:
    """The original cuts one clip at a time, whatever the engine does."""
    if not subject.tunable:
        settings = replace(settings, concurrency=1)
    identity = Identity("benchmark", subject.name, block, 0, 1, "confirm")
    trial = Trial(
        identity=identity,
        job=job,
        subject=subject,
        settings=settings,
        build=ffmpeg_builds.find_build(settings.ffmpeg),
        host=host,
        reserve_bytes=0,
        timeout_s=3600,
    )
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        record = run_trial(trial, open_ceiling, Path(folder), lambda _event: None).record
    if record.status is not Status.OK:
        raise SystemExit(f"{subject.name}: {record.status}: {record.error}")
    return record


def shown(estimate: Estimate, form: Callable[[float | None], str] = fmt.seconds) -> str:
    words = [form(x) for x in (estimate.value, estimate.low, estimate.high)]
    return f"{words[0]} [{words[1]} to {words[2]}]" if estimate.interval else words[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--cpus", type=float, default=2)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--length", type=float, default=12)
    parser.add_argument("--film", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", default="", help="a baseline to leave out")
    parser.add_argument("settings", nargs="*", metavar="SETTING=VALUE")
    asked = parser.parse_args()
    settings = settings_from(asked.settings)
    host = Host("benchmark", parse_size(asked.memory), asked.cpus)
    job = spread(probe_upload(sample(asked.film)), asked.clips, asked.length)
    originals = baselines.original_templates(replace(settings, encoder_threads=1))
    templates = [t for t in originals if t.name != asked.without]
    subjects: list[Cuts] = [Engine(), *map(CommandLine, templates)]
    generator = random.Random(asked.seed)  # noqa: S311  a running order, no secret
    for subject in subjects:
        run(subject, settings, job.reduced([0]), host, 0)
    records: dict[str, list[Record]] = {subject.name: [] for subject in subjects}
    for block in range(asked.blocks):
        for subject in generator.sample(subjects, len(subjects)):
            record = run(subject, settings, job, host, block)
            records[subject.name].append(record)
            print(f"block {block}  {subject.name:<8} {fmt.seconds(record.wall_s)}", flush=True)
    print(
        f"\n{asked.clips} clips of {asked.length:g} s, {asked.memory}, {asked.cpus:g} CPU, ", end=""
    )
    print(f"{describe_mechanism(Mechanism(records[ENGINE][0].ceiling))}; {settings.changed()}")
    ours = [r.wall_s or 0.0 for r in records[ENGINE]]
    for name, runs in records.items():
        walls = [r.wall_s or 0.0 for r in runs]
        peak = fmt.size(max(r.peak_anon_bytes or 0 for r in runs))
        cpu_s = mean([r.cpu_s for r in runs])
        ratio = shown(paired_ratio(walls, ours), fmt.ratio) if name != ENGINE else "1"
        print(
            f"{name:<8} wall {shown(mean(walls))}  CPU {fmt.seconds(cpu_s.value)}  peak {peak}  {ratio}"
        )


if __name__ == "__main__":
    main()
