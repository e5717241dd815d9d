"""One trial in a real ceiling: what its record says, how it ends, and that nothing is left of it."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requirements
from running import engine_of, ffmpegs_in, groups_of

from clipkit.ceiling.base import Ceiling, Limits, Mechanism, Usage
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import CeilingError, OutputError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.model.memory import clip_anon_bytes
from clipkit.plan import baselines
from clipkit.plan.clips import Clip, Job
from clipkit.plan.modes import frames_encoded
from clipkit.plan.subjects import CommandLine, Engine, subject_named
from clipkit.records.columns import columns
from clipkit.records.outcome import Outcome
from clipkit.records.record import Record
from clipkit.records.served import OF_SERVICES
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.judge import judge_cut, judge_execution
from clipkit.trial.measure import ClipOutcome, Execution
from clipkit.trial.run import run_trial
from clipkit.trial.sampler import peak

Open = Callable[[Limits], Ceiling]

SHORT = (Clip(0.5, 0.4), Clip(1.2, 0.6), Clip(2.0, 0.4))


@pytest.fixture
def kernel(real_ceiling: Callable[..., Ceiling]) -> Open:
    """Opens ceilings that the kernel enforces; skips where it does not."""
    return lambda limits: real_ceiling(memory_bytes=limits.memory_bytes, cpus=limits.cpus)


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert groups_of(os.getpid()) == []
    assert ffmpegs_in(tmp_path) == []
    assert [entry.name for entry in tmp_path.glob(".*")] == []


def trial(upload: Path, build: FfmpegBuild, **changes: Any) -> Trial:
    """A small trial in 256 MB; `memory_bytes`, `cpus`, `clips` and a Trial's own fields change it."""
    host = Host("test", changes.pop("memory_bytes", 256 * MIB), changes.pop("cpus", None))
    plain: dict[str, Any] = {
        "identity": Identity("trying", "clipkit-0123abcd", 0, 7, 1, "screen"),
        "job": Job(probe_upload(upload), changes.pop("clips", SHORT)),
        "subject": Engine(),
        "settings": Settings(),
        "build": build,
        "host": host,
        "reserve_bytes": 0,
        "timeout_s": 60.0,
    }
    return Trial(**plain | changes)


def run(asked: Trial, open_it: Open, folder: Path, watch: Any = lambda _: None) -> Outcome:
    return run_trial(replace(asked, accept_noise=True), open_it, folder, watch)


class TestRecord:
    def test_every_column_is_there_and_survives_json(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        record = run(trial(slow, build, clips=(Clip(0.0, 1.0),)), kernel, tmp_path).record
        row = json.loads(json.dumps(record.to_row()))
        assert row.keys() == {column.name for column in columns()} - OF_SERVICES
        assert Record.from_row(row) == record
        unknown = {name for name, value in row.items() if value is None}
        preset = {"lookahead", "mbtree", "bframes", "refs"}
        kept_by_some_kernels = {"cpu_pressure_fraction", "steal_fraction", "peak_kernel_bytes"}
        kept_by_some_kernels |= {"swap_growth_bytes"}
        nothing_to_say = {"error", "vmaf", "usd_per_month", "clips_seed", "cpu_quota"}
        nothing_to_say |= {"command", "bitrate_bps", "filters", "enforced_cpus"}
        nothing_to_say |= {"crop", "scale_height", "harness_peak_anon_bytes"}
        nothing_to_say |= {"supplied_cores", "supplied_cores_end"}
        assert unknown - kept_by_some_kernels == preset | nothing_to_say

    def test_its_figures_agree_with_each_other(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        outcome = run(trial(small, build), kernel, tmp_path)
        record = outcome.record
        assert (record.status, record.error, record.oom_kills) == (Status.OK, None, 0)
        assert record.run_id.startswith("0007-clipkit-0123abcd-b0-a1-")
        assert record.clip_starts_s == (0.5, 1.2, 2.0)
        assert record.wall_s and record.first_clip_s and record.peak_anon_bytes
        assert record.first_clip_s < record.wall_s
        assert sum(record.clip_wall_s) <= record.wall_s + 0.01  # one after the other
        assert record.clips_per_min == pytest.approx(3 / record.wall_s * 60)
        assert record.ffmpeg_cpu_s == pytest.approx(sum(record.clip_cpu_s))
        assert record.orchestrator_cpu_s and record.orchestrator_peak_rss_bytes
        assert 4 * MIB < record.orchestrator_peak_rss_bytes < 25 * MIB
        assert record.ffmpeg_peak_rss_bytes and record.peak_cgroup_bytes
        assert 5 * MIB < record.peak_anon_bytes < record.peak_cgroup_bytes <= 256 * MIB
        assert record.ffmpeg_peak_rss_bytes > 10 * MIB
        assert record.output_bytes == sum(row["bytes"] for row in outcome.clips)
        assert record.upload_cached_fraction == 1.0

    def test_its_clips_have_rows(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        outcome = run(trial(small, build), kernel, tmp_path)
        rows = outcome.clips
        assert [row["number"] for row in rows] == [1, 2, 3]
        assert [row["start_s"] for row in rows] == [0.5, 1.2, 2.0]
        assert [row["frames_kept"] for row in rows] == [10, 15, 10]
        # from the key frame at each whole second to the clip's last frame
        assert [row["frames_decoded"] for row in rows] == [23, 20, 10]
        assert {row["run_id"] for row in rows} == {outcome.record.run_id}

    def test_in_which_mode_each_clip_was_cut_is_told_as_it_was_done(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        # The second holds no key frame to copy from.
        clips = (Clip(0.5, 1.0), Clip(1.2, 0.6))
        by_mode = {}
        for mode, hidden in (("encode", "refuse"), ("auto", "refuse"), ("auto", "allow")):
            settings = Settings(mode=mode, hidden_preroll=hidden)
            outcome = run(trial(small, build, clips=clips, settings=settings), kernel, tmp_path)
            rows, record = outcome.clips, outcome.record
            assert ",".join(row["mode"] for row in rows) == record.clip_modes
            assert sum(row["encoded_frames"] for row in rows) == record.encoded_frames
            job = Job(probe_upload(small), clips)
            planned = [frames_encoded(job, clip, settings) for clip in clips]
            assert [row["encoded_frames"] for row in rows] == planned
            by_mode[mode, hidden] = record.clip_modes, record.encoded_frames
        assert by_mode["encode", "refuse"] == ("encode,encode", 25 + 15)
        assert by_mode["auto", "allow"] == ("copy,copy", 0)
        modes, encoded = by_mode["auto", "refuse"]
        assert modes == "smart,encode"
        assert 15 + 12 <= encoded < 15 + 25

    def test_samples_run_through_time_and_hold_the_peaks(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        outcome = run(trial(slow, build, clips=(Clip(0.0, 1.0),)), kernel, tmp_path)
        times_s = [sample.t_s for sample in outcome.samples]
        cpu_s = [sample.cpu_s or 0.0 for sample in outcome.samples]
        assert len(times_s) >= 5
        assert times_s == sorted(times_s)
        assert cpu_s == sorted(cpu_s)
        assert cpu_s[-1] > 0.1
        assert peak(outcome.samples, "anon_bytes") == outcome.record.peak_anon_bytes
        sums = [s for s in outcome.samples if s.rss_sum_bytes and s.pss_sum_bytes]
        assert all((s.pss_sum_bytes or 0) <= (s.rss_sum_bytes or 0) for s in sums)
        assert sums

    def test_logs_come_back_as_data_and_nothing_stays_on_the_disk(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        logs = run(trial(small, build), kernel, tmp_path).logs
        assert list(logs) == ["clip-001.log", "clip-002.log", "clip-003.log", "engine.log"]
        assert not list(tmp_path.iterdir())

    def test_two_attempts_have_different_names(self) -> None:
        one, other = (Identity("trying", "clipkit-0123abcd", 0, 7, 1, "screen") for _ in range(2))
        assert one.run_id != other.run_id


class TestModes:
    def test_a_copy_is_measured_like_everything_else(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        """A key frame each second: each clip has its own frames and those since the key frame."""
        outcome = run(trial(small, build, settings=Settings(mode="snap")), kernel, tmp_path)
        record = outcome.record
        assert (record.status, record.error) == (Status.OK, None)
        assert record.settings.mode == "snap"
        assert [row["frames_kept"] for row in outcome.clips] == [23, 20, 10]
        assert [row["frames_decoded"] for row in outcome.clips] == [0, 0, 0]
        assert [row["change"] for row in outcome.clips] == [
            "starts at the key frame 0.500 s before",
            "starts at the key frame 0.200 s before",
            None,
        ]

    def test_it_needs_no_more_than_the_model_says(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        asked = trial(slow, build, settings=Settings(mode="snap"))
        record = run(asked, kernel, tmp_path).record
        assert record.peak_anon_bytes
        assert record.peak_anon_bytes < clip_anon_bytes(asked.job.upload, asked.settings)


class TestSubjects:
    def test_both_ways_of_the_original_are_measured_alike(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        for template in baselines.original_templates(Settings()):
            outcome = run(trial(small, build, subject=CommandLine(template)), kernel, tmp_path)
            assert outcome.record.status is Status.OK, outcome.record.error
            assert outcome.record.subject == template.name
            assert outcome.record.peak_anon_bytes
            assert all(row["frames_kept"] >= 9 for row in outcome.clips)

    def test_moviepy_is_measured_alike_and_leaves_nothing(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        if importlib.util.find_spec("moviepy") is None:
            requirements.missing("moviepy", "moviepy is not installed: clipkit[compare]")
        subject = subject_named("moviepy", Settings())
        before = set(Path.cwd().iterdir())
        outcome = run(trial(small, build, subject=subject), kernel, tmp_path)
        record = outcome.record
        assert (record.status, record.error) == (Status.OK, None)
        assert record.subject == "moviepy"
        # It counts frames by the clip's length, and may lose the last to rounding.
        assert all(row["frames_kept"] >= 9 for row in outcome.clips)
        # Its Python is inside the ceiling, and its time is the clips'.
        assert record.peak_anon_bytes and record.peak_anon_bytes > 30 * MIB
        assert record.ffmpeg_cpu_s and record.ffmpeg_cpu_s > 0.3
        assert set(Path.cwd().iterdir()) == before
        assert not list(tmp_path.iterdir())

    def test_the_users_own_command_may_write_anything_but_nothing(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        copying = CommandLine(
            baselines.parse_template("cp /etc/hostname {output} --target {input}")
        )
        failing = run(trial(small, build, subject=copying), kernel, tmp_path)
        assert failing.record.status is Status.FAILED
        assert "clip 1: " in str(failing.record.error)
        words = baselines.parse_template("sh -c 'echo no film > \"$1\"' {input} {output}")
        written = run(trial(small, build, subject=CommandLine(words)), kernel, tmp_path)
        assert written.record.status is Status.OK
        assert [row["frames_kept"] for row in written.clips] == [None] * 3

    def test_a_program_that_does_not_exist_fails_at_once(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        missing = CommandLine(baselines.parse_template("no-such-program {input} {output}"))
        outcome = run(trial(small, build, subject=missing), kernel, tmp_path)
        assert outcome.record.status is Status.FAILED
        assert "no-such-program cannot be started" in str(outcome.record.error)
        assert [row["status"] for row in outcome.clips] == ["failed", "cancelled", "cancelled"]


class TestMemory:
    def test_a_kill_by_the_kernel_is_oom(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        hungry = trial(
            slow,
            build,
            clips=(Clip(0.0, 2.0), Clip(1.0, 2.0)),
            settings=Settings(preset="slower", concurrency=2),
            memory_bytes=96 * MIB,
        )
        outcome = run(hungry, kernel, tmp_path)
        record = outcome.record
        assert (record.status, record.wall_s) == (Status.OOM, None)
        assert record.oom_kills and record.oom_kills >= 1
        assert "memory ceiling" in str(record.error)
        assert record.peak_cgroup_bytes and record.peak_cgroup_bytes <= 96 * MIB
        assert record.output_bytes is None
        assert {row["status"] for row in outcome.clips} <= {"killed", "cancelled"}

    def test_page_cache_at_the_limit_is_not_oom(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        if _is_in_memory(tmp_path):
            pytest.skip(f"{tmp_path} is in memory: a file there is no page cache")
        script = 'head -c 150000000 /dev/zero > "$1.pad" && cp "$0" "$1"'
        writer = CommandLine(baselines.parse_template(f"sh -c '{script}' {{input}} {{output}}"))
        asked = trial(small, build, subject=writer, clips=SHORT[:1], memory_bytes=64 * MIB)
        record = run(asked, kernel, tmp_path).record
        assert record.status is Status.OK, record.error
        assert record.peak_cgroup_bytes and record.peak_anon_bytes
        assert record.peak_cgroup_bytes > 60 * MIB
        assert record.peak_anon_bytes < 32 * MIB
        assert record.oom_kills == 0

    def test_the_reserve_is_really_occupied_and_not_the_subjects(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        alone = run(trial(small, build), kernel, tmp_path).record
        beside = run(trial(small, build, reserve_bytes=80 * MIB), kernel, tmp_path).record
        assert (alone.status, beside.status) == (Status.OK, Status.OK)
        assert beside.reserve_bytes == 80 * MIB
        assert alone.peak_cgroup_bytes and beside.peak_cgroup_bytes
        assert alone.peak_anon_bytes and beside.peak_anon_bytes
        assert beside.peak_cgroup_bytes > alone.peak_cgroup_bytes + 60 * MIB
        assert abs(beside.peak_anon_bytes - alone.peak_anon_bytes) < 8 * MIB

    def test_a_reserve_leaves_less_for_the_job(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        asked = {"clips": (Clip(0.0, 0.4),), "memory_bytes": 160 * MIB}
        fits = run(trial(slow, build, **asked), kernel, tmp_path).record
        assert fits.status is Status.OK, fits.error
        tight = trial(slow, build, **asked, reserve_bytes=130 * MIB)
        assert run(tight, kernel, tmp_path).record.status is Status.OOM

    def test_a_reserve_that_does_not_fit_is_told(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        asked = trial(small, build, memory_bytes=64 * MIB, reserve_bytes=100 * MIB)
        with pytest.raises(CeilingError, match=r"reserve of .* does not fit .* lower --reserve"):
            run(asked, kernel, tmp_path)

    def test_a_ceiling_too_small_for_the_engine_is_told(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        with pytest.raises(CeilingError, match=r"too small .* raise --memory"):
            run(trial(small, build, memory_bytes=3 * MIB), kernel, tmp_path)


class TestCpu:
    def test_a_fifth_of_a_core_holds_the_job_back_and_no_quota_does_not(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        busy = Settings(concurrency=3, encoder_threads=2, decoder_threads=2)
        asked = {"clips": (Clip(0.0, 0.6),) * 3, "settings": busy, "memory_bytes": None}
        held = run(trial(slow, build, **asked, cpus=0.2), kernel, tmp_path).record
        free = run(trial(slow, build, **asked), kernel, tmp_path).record
        assert (held.status, free.status) == (Status.OK, Status.OK)
        assert held.wall_s and held.throttled_s and 0 < held.throttled_s < held.wall_s
        assert free.throttled_s == 0


class TestEnds:
    def test_the_time_limit_is_a_status(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        asked = trial(slow, build, settings=Settings(preset="veryslow"), timeout_s=0.5)
        outcome = run(asked, kernel, tmp_path)
        assert outcome.record.status is Status.TIMEOUT
        assert outcome.record.wall_s is None
        assert {row["status"] for row in outcome.clips} == {"timeout"}

    def test_an_interrupt_is_a_record_too(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        heard: list[dict[str, Any]] = []

        def interrupt(event: dict[str, Any]) -> None:
            heard.append(event)
            if len(heard) == 1:
                signal.raise_signal(signal.SIGINT)

        asked = trial(slow, build, settings=Settings(preset="veryslow"))
        outcome = run(asked, kernel, tmp_path, interrupt)
        record = outcome.record
        assert (record.status, record.error) == (Status.CANCELLED, "interrupted")
        assert outcome.interrupted

    def test_an_interrupt_right_after_memory_ran_out_takes_nothing_of_that_back(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        def interrupt(event: dict[str, Any]) -> None:
            if event["event"] == "clip" and event["status"] == "killed":
                signal.raise_signal(signal.SIGINT)

        asked = trial(slow, build, settings=Settings(preset="slower"), memory_bytes=64 * MIB)
        outcome = run(asked, kernel, tmp_path, interrupt)
        assert (outcome.record.status, outcome.interrupted) == (Status.OOM, True)
        assert outcome.record.oom_kills

    def test_an_upload_that_was_exchanged_meanwhile_spoils_that_too(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        film = tmp_path / "film.mp4"
        film.write_bytes(slow.read_bytes())

        def interrupt(event: dict[str, Any]) -> None:
            if event["event"] == "clip" and event["status"] == "killed":
                film.write_bytes(slow.read_bytes() + b"x")
                signal.raise_signal(signal.SIGINT)

        asked = trial(film, build, settings=Settings(preset="slower"), memory_bytes=64 * MIB)
        outcome = run(asked, kernel, tmp_path, interrupt)
        assert (outcome.record.status, outcome.interrupted) == (Status.INVALID_MACHINE, True)

    def test_a_killed_engine_takes_its_ffmpeg_along(
        self, slow: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        """Also without a ceiling: that is no result, and `nothing_is_left` looks for ffmpeg."""

        def kill_the_engine(_: dict[str, Any]) -> None:
            with contextlib.suppress(ValueError):  # it is gone already
                os.kill(engine_of(os.getpid()), signal.SIGKILL)

        asked = trial(slow, build, settings=Settings(preset="veryslow"), memory_bytes=None)
        outcome = run(
            asked, lambda limits: open_ceiling(limits, Mechanism.NONE), tmp_path, kill_the_engine
        )
        assert outcome.record.status is Status.INVALID_MACHINE
        assert outcome.record.error == "the engine was killed from outside, with signal 9"
        assert {row["error"] for row in outcome.clips} == {
            "the engine was killed from outside, with signal 9, before this clip was finished"
        }

    def test_a_ceiling_that_cannot_stand_leaves_no_folder(
        self, small: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        with pytest.raises(CeilingError):
            run(trial(small, build), lambda _: open_ceiling(Limits(-1, None)), tmp_path)
        assert not list(tmp_path.glob(".clips*"))

    def test_a_folder_that_cannot_be_written_is_told(
        self, small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(OutputError, match="cannot write into"):
            run(trial(small, build), kernel, tmp_path / "file")


class TestJudgement:
    """Of executions that are only imagined: what each says about the trial."""

    usage = Usage(None, None, None, None, None, None, None, None, None, oom_kills=0)
    clip = ClipOutcome(1, "ok", None, None, ("x",), 1.0, 1.0, 1, 25, "clip-001.mp4", 1)

    def execution(self, **changes: Any) -> Execution:
        plain: dict[str, Any] = {
            "clips": (self.clip,),
            "wall_s": 1.0,
            "first_clip_s": 1.0,
            "stopped_s": 1.0,
            "orchestrator_cpu_s": 0.1,
            "orchestrator_peak_rss_bytes": 1,
            "ffmpeg_cpu_s": 1.0,
            "usage": self.usage,
            "cpu_s": 1.0,
            "held_s": None,
            "need_bound_bytes": None,
            "samples": [],
            "logs": {},
            "cancelled": False,
        }
        return Execution(**plain | changes)

    def test_what_others_disturbed_does_not_count_though_it_went_well(self) -> None:
        assert judge_execution(self.execution()) == (Status.OK, None)
        assert judge_execution(self.execution(), "others") == (Status.INVALID_NOISE, "others")

    def test_a_time_limit_that_struck_while_others_disturbed_says_nothing(self) -> None:
        late = dataclasses.replace(self.clip, status="timeout", error="killed")
        assert judge_execution(self.execution(clips=(late,)))[0] is Status.TIMEOUT
        assert judge_execution(self.execution(clips=(late,)), "others used 60%") == (
            Status.INVALID_NOISE,
            "the time limit struck while others used 60%",
        )

    def test_what_others_cannot_have_done_stays_what_it_is(self) -> None:
        wrong = dataclasses.replace(self.clip, status="failed", error="no")
        oom = dataclasses.replace(self.usage, oom_kills=1)
        assert judge_execution(self.execution(clips=(wrong,)), "others")[0] is Status.FAILED
        assert judge_execution(self.execution(usage=oom), "others")[0] is Status.OOM
        assert judge_execution(self.execution(cancelled=True), "others")[0] is Status.CANCELLED

    def test_the_kernels_count_decides_about_memory(self) -> None:
        killed = dataclasses.replace(self.clip, status="killed", error="killed")
        oom = dataclasses.replace(self.usage, oom_kills=1)
        at_limit = dataclasses.replace(self.usage, total_bytes=64, peak_total_bytes=64)
        assert judge_execution(self.execution(clips=(killed,)))[0] is Status.FAILED
        assert judge_execution(self.execution(clips=(killed,), usage=oom))[0] is Status.OOM
        assert judge_execution(self.execution(usage=oom))[0] is Status.OOM
        assert judge_execution(self.execution(usage=at_limit))[0] is Status.OK

    def test_of_clips_for_keeps_a_kill_counts_where_one_was_lost_by_it(self) -> None:
        wrong = dataclasses.replace(self.clip, status="failed", error="it is damaged")
        killed = dataclasses.replace(self.clip, status="killed", error="killed")
        oom = dataclasses.replace(self.usage, oom_kills=1)
        assert judge_cut(self.execution(usage=oom)) == (Status.OK, None)
        mended = self.execution(clips=(self.clip, wrong), usage=oom)
        assert judge_cut(mended) == (Status.FAILED, "clip 1: it is damaged")
        lost = self.execution(clips=(wrong, killed), usage=oom)
        assert judge_cut(lost)[0] is Status.OOM
        assert judge_cut(dataclasses.replace(lost, cancelled=True))[0] is Status.CANCELLED

    def test_an_interrupt_comes_before_every_end_but_memory_that_ran_out(self) -> None:
        failed = dataclasses.replace(self.clip, status="failed", error="no")
        oom = dataclasses.replace(self.usage, oom_kills=1)
        around = dataclasses.replace(self.usage, oom_kills_around=1)
        interrupted = self.execution(clips=(failed,), cancelled=True)
        assert judge_execution(interrupted, "others", "broken")[0] is Status.CANCELLED
        out_of_memory = dataclasses.replace(interrupted, usage=oom)
        assert judge_execution(out_of_memory, "others", "broken")[0] is Status.OOM
        others = dataclasses.replace(interrupted, usage=around)
        assert judge_execution(others)[0] is Status.CANCELLED

    def test_an_engine_that_just_ended_has_not_finished(self) -> None:
        assert judge_execution(self.execution(wall_s=None))[0] is Status.FAILED


def _is_in_memory(folder: Path) -> bool:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    under = [words for words in mounts if folder.is_relative_to(words[1])]
    return max(under, key=lambda words: len(words[1]))[2] in ("tmpfs", "ramfs")
