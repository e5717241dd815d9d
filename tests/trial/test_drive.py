"""A service in a trial: started inside the ceiling, driven from outside, told apart from its ffmpegs.

The service is the tests' own (`small_service`), which can be told to misbehave; the ffmpeg, the ceiling and
the wire are real.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from running import groups_of, processes_with
from serving_small import SERVICE

from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.services import BackendService, Which
from clipkit.records.outcome import Outcome
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.run import run_trial
from clipkit.trial.visit import Manner

Open = Callable[[Limits], Ceiling]

HURRIED = Manner(rest_s=0.6, health_hz=20.0, poll_s=0.05)
"""Rests are short: what is tested is where they are, not how long."""
SHORT = (Clip(0.5, 0.4), Clip(1.2, 0.6), Clip(2.0, 0.4))


@pytest.fixture
def kernel(real_ceiling: Callable[..., Ceiling]) -> Open:
    return lambda limits: real_ceiling(memory_bytes=limits.memory_bytes, cpus=limits.cpus)


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert groups_of(os.getpid()) == []
    assert processes_with(str(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def service(*words: str) -> BackendService:
    start = (sys.executable, "-I", "-S", str(SERVICE), *words)
    return BackendService(Which("small"), start, versions="Python; nothing")


def trial(upload: Path, build: FfmpegBuild, *words: str, **changes: Any) -> Trial:
    host = Host("test", changes.pop("memory_bytes", 256 * MIB), changes.pop("cpus", None))
    plain: dict[str, Any] = {
        "identity": Identity("trying", "service-0123abcd", 0, 7, 1, "grid"),
        "job": Job(probe_upload(upload), changes.pop("clips", SHORT)),
        "subject": service(*words),
        "settings": Settings(),
        "build": build,
        "host": host,
        "reserve_bytes": 0,
        "timeout_s": 60.0,
        "manner": HURRIED,
    }
    return Trial(**plain | changes)


def run(asked: Trial, open_it: Open, folder: Path, watch: Any = lambda _: None) -> Outcome:
    return run_trial(replace(asked, accept_noise=True), open_it, folder, watch)


class TestRecord:
    def test_a_job_is_cut_and_every_figure_of_it_known(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        asked = trial(slow, build, clips=(Clip(0.0, 1.0), Clip(1.0, 1.0)), cpus=1.0)
        outcome = run(asked, kernel, tmp_path)
        record = outcome.record
        assert (record.status, record.error) == (Status.OK, None)
        row = json.loads(json.dumps(record.to_row()))
        assert Record.from_row(row) == record
        unknown = {n for n, v in row.items() if n.startswith("service") and v is None}
        never = {"service_environment", "service_back_s", "service_client_told"}
        assert unknown == never | {"service_later_bytes", "service_later_peak_bytes"}
        assert (row["subject"], row["service"], row["service_argv"]) == ("service", "small", "same")
        assert row["service_told_apart"] == "kernel"

    def test_the_service_is_told_apart_from_its_ffmpegs(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        asked = trial(slow, build, clips=(Clip(0.0, 1.0), Clip(1.0, 1.0)))
        record = run(asked, kernel, tmp_path).record
        told = record.served
        assert record.orchestrator_cpu_s and record.ffmpeg_cpu_s
        assert record.ffmpeg_cpu_s > 0.3
        assert 0 < record.orchestrator_cpu_s < record.ffmpeg_cpu_s
        assert told.service_rest_bytes and told.service_clips_peak_bytes and record.peak_anon_bytes
        assert 3 * MIB < told.service_rest_bytes < 40 * MIB
        assert told.service_clips_peak_bytes < 60 * MIB
        assert record.peak_anon_bytes > told.service_clips_peak_bytes + 20 * MIB
        assert told.service_launches == 2

    def test_one_after_the_other_leaves_gaps_and_both_at_once_fewer(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        clips = (Clip(0.0, 0.6), Clip(1.0, 0.6))
        one = run(trial(slow, build, clips=clips), kernel, tmp_path).record
        asked = trial(slow, build, clips=clips, settings=Settings(concurrency=2))
        both = run(asked, kernel, tmp_path).record
        for record in (one, both):
            gaps_s, wall_s = record.served.service_gaps_s, record.wall_s
            assert gaps_s is not None and wall_s
            assert 0 <= gaps_s < wall_s
        assert one.wall_s == pytest.approx(
            sum(one.clip_wall_s) + (one.served.service_gaps_s or 0), abs=0.02
        )
        assert sum(both.clip_wall_s) > (both.wall_s or 0.0)

    def test_memory_that_an_upload_leaves_behind_is_seen_where_it_arose(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        plain = run(trial(small, build), kernel, tmp_path).record.served
        held = run(trial(small, build, "hold=50"), kernel, tmp_path).record.served
        assert plain.service_rest_bytes and held.service_rest_bytes
        assert held.service_rest_bytes == pytest.approx(plain.service_rest_bytes, rel=0.2)
        for column in ("upload_peak", "clips_peak", "after"):
            more = getattr(held, f"service_{column}_bytes") - getattr(
                plain, f"service_{column}_bytes"
            )
            assert 40 * MIB < more < 60 * MIB, column

    def test_its_clips_have_rows_with_the_words_that_ffmpeg_got(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        asked = trial(small, build, settings=Settings(preset="veryfast", crf=30, encoder_threads=2))
        outcome = run(asked, kernel, tmp_path)
        assert [row["status"] for row in outcome.clips] == ["ok"] * 3
        assert all(9 <= row["frames_kept"] <= 16 for row in outcome.clips)
        for row, clip in zip(outcome.clips, SHORT, strict=True):
            words = row["argv"]
            assert words[words.index("-ss") + 1] == f"{clip.start_s:.6f}"
            assert words[words.index("-preset") + 1] == "veryfast"
            assert words[words.index("-crf") + 1] == "30"
            assert words[words.index("-threads") + 1] == "2"
            assert words.index("-ss") < words.index("-i")
        assert outcome.record.output_bytes == sum(row["bytes"] for row in outcome.clips)
        assert outcome.record.settings.preset == "veryfast"

    def test_seeking_after_the_input_is_what_it_is_told(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        outcome = run(trial(small, build, settings=Settings(seek="output")), kernel, tmp_path)
        words = outcome.clips[0]["argv"]
        assert words.index("-ss") > words.index("-i")
        assert outcome.record.settings.seek == "output"

    def test_a_stall_while_it_works_is_a_long_answer_to_a_probe(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        clips = (Clip(0.0, 1.0), Clip(1.0, 1.0))
        told = run(trial(slow, build, "slow=0.3", clips=clips), kernel, tmp_path).record.served
        assert told.service_health_probes and told.service_health_failed == 0
        assert told.service_health_worst_s and told.service_health_worst_s >= 0.3
        assert told.service_health_median_s and told.service_health_p95_s
        assert told.service_health_median_s <= told.service_health_p95_s

    def test_without_a_group_the_process_tree_tells_and_says_so(
        self, slow: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        def unlimited(_: Limits) -> Ceiling:
            return open_ceiling(Limits(None, None), Mechanism.NONE)

        asked = trial(slow, build, clips=(Clip(0.0, 1.0),), memory_bytes=None)
        record = run(asked, unlimited, tmp_path).record
        assert record.status is Status.OK, record.error
        assert record.served.service_told_apart == "process tree"
        assert record.ffmpeg_cpu_s and record.orchestrator_cpu_s is not None
        assert record.ffmpeg_cpu_s > 0.2
        assert record.orchestrator_cpu_s < record.ffmpeg_cpu_s
        assert record.served.service_rest_bytes
        assert record.served.service_oom_kills is None


class TestEnds:
    def test_it_ends_by_sigterm_with_its_own_code(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        told = run(trial(small, build), kernel, tmp_path).record.served
        assert told.service_exit_code == 0
        assert told.service_stop_s is not None and told.service_stop_s < 5
        assert (told.service_died, told.service_job_lost) == (False, False)

    def test_one_that_dies_at_the_order_is_started_again_and_has_forgotten(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        record = run(trial(small, build, "lose"), kernel, tmp_path).record
        assert record.status is Status.FAILED
        assert "the service ended with exit code 137" in str(record.error)
        told = record.served
        assert (told.service_died, told.service_exit_code) == (True, 137)
        assert told.service_client_told == "connection broken off"
        assert told.service_back_s and told.service_job_lost is None  # there was none yet
        assert told.service_launches == 0
        assert record.wall_s is None

    def test_one_that_dies_while_it_cuts_has_lost_the_job(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        asked = trial(slow, build, "fall=1", settings=Settings(preset="veryslow"))
        record = run(asked, kernel, tmp_path).record
        assert record.status is Status.FAILED
        told = record.served
        assert (told.service_died, told.service_job_lost) == (True, True)
        assert told.service_back_s and told.service_launches == 1

    def test_an_upload_that_is_refused_is_told_as_the_client_sees_it(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        record = run(trial(small, build, "refuse"), kernel, tmp_path).record
        assert (record.status, record.error) == (
            Status.FAILED,
            "clip 1: 507: no space for it",
        )
        assert record.served.service_died is False

    def test_one_that_does_not_start_is_a_row_that_says_why(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        broken = replace(service(), start=("/bin/sh", "-c", "echo no port >&2; exit 2"))
        record = run(trial(small, build, subject=broken), kernel, tmp_path).record
        assert record.status is Status.FAILED
        assert record.error == "clip 1: the service ended with exit code 2: no port"
        assert record.served.service_ready_s is None

    def test_the_time_limit_is_a_status(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        asked = trial(slow, build, settings=Settings(preset="veryslow"), timeout_s=2.5)
        record = run(asked, kernel, tmp_path).record
        assert (record.status, record.wall_s) == (Status.TIMEOUT, None)

    def test_an_interrupt_is_a_record_too(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        heard: list[Any] = []

        def interrupt(event: Any) -> None:
            heard.append(event)
            signal.raise_signal(signal.SIGINT)

        clips = (Clip(0.0, 0.2), Clip(0.0, 3.0), Clip(0.0, 3.0))
        record = run(trial(slow, build, clips=clips), kernel, tmp_path, interrupt).record
        assert record.status is Status.CANCELLED
        assert len(heard) == 1


class TestMemory:
    def test_an_ffmpeg_that_is_killed_at_the_limit_is_told_by_the_kernel_and_the_client(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        hungry = Settings(preset="veryslow", encoder_threads=4)
        asked = trial(slow, build, settings=hungry, memory_bytes=96 * MIB, clips=(Clip(0.0, 2.0),))
        record = run(asked, kernel, tmp_path).record
        told = record.served
        assert record.status is Status.OOM
        assert record.oom_kills and told.service_oom_kills == 0
        assert (told.service_died, told.service_job_lost) == (False, False)
        assert told.service_client_told and told.service_client_told.startswith("clip 1 killed")

    def test_a_service_that_is_killed_at_the_limit_is_back_without_the_job(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        record = run(trial(small, build, "hold=300"), kernel, tmp_path).record
        told = record.served
        assert record.status is Status.OOM
        assert record.oom_kills == told.service_oom_kills == 1
        assert (told.service_died, told.service_exit_code) == (True, -9)
        assert told.service_client_told == "connection broken off"
