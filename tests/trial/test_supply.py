"""How many cores a job was given, whether that fell on the way, and what was swapped out: of figures, and of real
trials."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requirements
from running import favour_our_groups, groups_of

from clipkit.ceiling.base import Ceiling, Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subjects import Engine
from clipkit.records.outcome import Sample
from clipkit.records.record import Record
from clipkit.settings import Settings
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.run import run_trial
from clipkit.trial.sampler import Sampler, swap_growth
from clipkit.trial.supply import Supply, supply_of


def sample(t_s: float, **known: Any) -> Sample:
    nothing = dict.fromkeys(Sample.__dataclass_fields__)
    return Sample(**nothing | {"t_s": t_s} | known)


def counted(cores: Sequence[float], wanted: float = 1.0, seed: int = 1) -> Iterator[Sample]:
    """Ten readings a second: each second so many cores were used of those wanted, by 1 % noise."""
    drawn, cpu_s, withheld_s = random.Random(seed), 0.0, 0.0
    yield sample(0.0, cpu_s=0.0, throttled_cpu_s=0.0)
    for place in range(10 * len(cores)):
        used = cores[place // 10] * (1 + drawn.gauss(0, 0.01))
        cpu_s += used / 10
        withheld_s += max(0.0, wanted - used) / 10
        yield sample((place + 1) / 10, cpu_s=cpu_s, throttled_cpu_s=withheld_s)


class TestOfFigures:
    def test_a_steady_quota_is_told_as_it_is(self) -> None:
        found = supply_of(list(counted([0.5] * 20)), 0.0, 20.0)
        assert found.cores == pytest.approx(0.5, rel=0.02)
        assert found.cores_end is None

    def test_a_fall_on_the_way_is_told_by_both_ends(self) -> None:
        found = supply_of(list(counted([0.5] * 8 + [0.1] * 8)), 0.0, 16.0)
        assert found.cores == pytest.approx(0.5, rel=0.02)
        assert found.cores_end == pytest.approx(0.1, rel=0.05)

    def test_a_job_that_wants_less_at_its_end_is_no_fall_of_what_it_is_given(self) -> None:
        """Of two clips at once the last one is alone: nothing is withheld from it."""
        busy, alone = [0.9] * 8, [0.4] * 8
        samples = list(counted(busy, wanted=2.0))
        last = samples[-1]
        assert last.cpu_s is not None
        samples += [
            replace(
                each,
                t_s=each.t_s + 8,
                cpu_s=(each.cpu_s or 0) + last.cpu_s,
                throttled_cpu_s=last.throttled_cpu_s,
            )
            for each in list(counted(alone, wanted=0.0))[1:]
        ]
        found = supply_of(samples, 0.0, 16.0)
        assert found.cores == pytest.approx(0.9, rel=0.02)
        assert found.cores_end is None

    def test_what_was_never_held_back_tells_nothing(self) -> None:
        assert supply_of(list(counted([0.5] * 20, wanted=0.0)), 0.0, 20.0) == Supply()
        assert supply_of([], 0.0, 20.0) == Supply()

    def test_where_nobody_counts_it_is_unknown(self) -> None:
        samples = [sample(place / 10, cpu_s=place / 20) for place in range(200)]
        assert supply_of(samples, 0.0, 20.0) == Supply()

    def test_a_ceiling_that_stops_the_job_itself_counts_too(self) -> None:
        samples = [sample(place / 10, cpu_s=place / 20, held_s=place / 20) for place in range(200)]
        assert supply_of(samples, 0.0, 20.0).cores == pytest.approx(0.5)

    def test_swap_grows_from_where_it_stood_when_the_job_began(self) -> None:
        sizes = [30, 30, 90, 60]
        samples = [sample(t, swap_bytes=size * MIB) for t, size in enumerate(sizes)]
        assert swap_growth(samples) == 60 * MIB
        assert swap_growth([sample(0.0)]) is None


def run_with(
    open_it: Callable[[Limits], Ceiling], slow: Path, build: FfmpegBuild, folder: Path, host: Host
) -> Record:
    """One clip of 1080p noise: a dozen CPU seconds."""
    asked = Trial(
        identity=Identity("trying", "clipkit-0123abcd", 0, 0, 1, "screen"),
        job=Job(probe_upload(slow), (Clip(0.0, 4.0),)),
        subject=Engine(),
        settings=Settings(preset="veryfast"),
        build=build,
        host=host,
        reserve_bytes=0,
        timeout_s=120.0,
        accept_noise=True,
    )
    return run_trial(asked, open_it, folder, lambda _: None).record


def lower_the_quota(cores: float) -> None:
    """As a host does whose credits have run out, and nobody has a say in it."""
    for folder in groups_of(os.getpid()):
        if (quota := folder / "cpu.cfs_quota_us").exists():
            quota.write_text(str(round(cores * 100_000)), "ascii")
        if (both := folder / "cpu.max").exists():
            both.write_text(f"{round(cores * 100_000)} 100000", "ascii")


def test_a_quota_that_is_lowered_in_the_middle_of_a_trial_is_in_its_record(
    real_ceiling: Callable[..., Ceiling], slow: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    def opened(limits: Limits) -> Ceiling:
        ceiling = real_ceiling(cpus=limits.cpus)
        favour_our_groups()
        later = threading.Timer(7, lower_the_quota, (0.15,))
        later.daemon = True
        later.start()
        return ceiling

    record = run_with(opened, slow, build, tmp_path, Host("half", None, 0.4))
    assert record.status == "ok", record.error
    assert record.wall_s is not None
    assert record.wall_s > 12, "it ended before its quota was lowered, or too soon behind"
    assert record.supplied_cores == pytest.approx(0.4, rel=0.15)
    assert record.supplied_cores_end == pytest.approx(0.15, rel=0.15)


def test_memory_that_a_group_swaps_out_is_counted() -> None:
    if len(Path("/proc/swaps").read_text("ascii").splitlines()) < 2:
        requirements.missing("swap", "this machine has no swap")
    holding = (
        "import time; held = [bytearray(1 << 20) for _ in range(96)]\n"
        "for each in held: each[:] = bytes([7]) * len(each)\n"
        "time.sleep(1.5)"
    )
    with open_ceiling(Limits(48 * MIB, None, swap_bytes=128 * MIB)) as ceiling:
        if ceiling.usage().swap_bytes is None:
            requirements.missing("swap", "the kernel does not account swap to groups")
        with Sampler(ceiling, 0, frozenset()) as sampler:
            process = subprocess.Popen(ceiling.wrap([sys.executable, "-I", "-S", "-c", holding]))
            ceiling.adopt(process.pid)
            process.wait(timeout=60)
            time.sleep(0.2)
    growth = swap_growth(sampler.samples)
    assert growth is not None
    assert growth > 40 * MIB
