"""A 4K upload on a 512 MB host: what dies there dies by the kernel's hand, what is admitted lives."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from running import groups_of

from clipkit.ceiling.base import Ceiling, Limits
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.media.sample import sample
from clipkit.media.upload import Upload
from clipkit.plan.clips import spread
from clipkit.plan.subjects import Engine
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.cut import Order, cut_order
from clipkit.trial.run import run_trial

SMALL_HOST = Host("512M-2cpu", 512 * MIB, 2)
FFMPEG_DECIDES = Settings(encoder_threads=0, decoder_threads=0, filter_threads=0, concurrency=3)


@pytest.fixture(scope="module")
def upload_4k() -> Upload:
    return probe_upload(sample(12, height=2160))


@pytest.fixture
def opened(real_ceiling: Callable[..., Ceiling]) -> Callable[[Limits], Ceiling]:
    return lambda limits: real_ceiling(memory_bytes=limits.memory_bytes, cpus=limits.cpus)


def test_three_4k_clips_with_ffmpegs_own_threads_are_killed_by_the_kernel(
    upload_4k: Upload,
    build: FfmpegBuild,
    opened: Callable[[Limits], Ceiling],
    tmp_path: Path,
) -> None:
    trial = Trial(
        identity=Identity("test", "cell", 0, 0, 1, "screen"),
        job=spread(upload_4k, 3, 2),
        subject=Engine(),
        settings=FFMPEG_DECIDES,
        build=build,
        host=SMALL_HOST,
        reserve_bytes=0,
        timeout_s=300,
    )
    record = run_trial(trial, opened, tmp_path, lambda _event: None).record
    assert record.status is Status.OOM
    assert record.oom_kills is not None
    assert record.oom_kills >= 1
    assert record.memory_limit_bytes == 512 * MIB
    assert Record.from_row(record.to_row()) == record
    assert not groups_of(os.getpid())
    assert not list(tmp_path.glob(".clips-*"))


def test_a_cut_admits_only_as_many_4k_clips_as_fit(
    upload_4k: Upload,
    build: FfmpegBuild,
    opened: Callable[[Limits], Ceiling],
    tmp_path: Path,
) -> None:
    order = Order(
        job=spread(upload_4k, 3, 1),
        settings=FFMPEG_DECIDES,
        build=build,
        host=SMALL_HOST,
        reserve_bytes=0,
        out_dir=tmp_path / "clips",
        timeout_s=300,
    )
    manifest = cut_order(order, opened(Limits(512 * MIB, 2)), lambda _event: None)
    assert manifest["status"] == "ok"
    assert manifest["oom_kills"] == 0
    assert [clip["frames"] for clip in manifest["clips"]] == [25, 25, 25]
