"""Where the machine or the harness fails, that is no result of what was run."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from running import engine_of, ffmpegs_in, groups_of, start, until
from small_disk import small_disk

from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.plan import baselines
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subjects import CommandLine, Engine
from clipkit.records.outcome import Outcome
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.coverage import Coverage, lacking_words
from clipkit.trial.run import run_trial
from clipkit.trial.wire import Wire

Open = Callable[[Limits], Ceiling]
BUSY = Settings(preset="veryfast")


@pytest.fixture
def kernel(real_ceiling: Callable[..., Ceiling]) -> Open:
    return lambda limits: real_ceiling(memory_bytes=limits.memory_bytes, cpus=limits.cpus)


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert groups_of(os.getpid()) == []
    until(lambda: not ffmpegs_in(tmp_path))
    assert [entry.name for entry in tmp_path.glob(".*")] == []


def trial(upload: Path, build: FfmpegBuild, **changes: Any) -> Trial:
    plain: dict[str, Any] = {
        "identity": Identity("trying", "clipkit-0123abcd", 0, 7, 1, "screen"),
        "job": Job(probe_upload(upload), changes.pop("clips", (Clip(0.0, 2.0),))),
        "subject": Engine(),
        "settings": BUSY,
        "build": build,
        "host": Host("test", changes.pop("memory_bytes", None), None),
        "reserve_bytes": 0,
        "timeout_s": 120.0,
        "accept_noise": True,
    }
    return Trial(**plain | changes)


def ffmpegs_here() -> list[int]:
    engine = psutil.Process(engine_of(os.getpid()))
    return [child.pid for child in engine.children() if child.status() != psutil.STATUS_ZOMBIE]


def doing(act: Callable[[], object]) -> Callable[[dict[str, Any]], None]:
    """A watch that does it once, at the first word of an ffmpeg at work."""
    done: list[bool] = []

    def watch(event: dict[str, Any]) -> None:
        if event["event"] == "progress" and not done:
            done.append(True)
            act()

    return watch


def signalled(number: signal.Signals) -> Callable[[], None]:
    def act() -> None:
        for pid in ffmpegs_here():
            os.kill(pid, number)

    return act


class TestKilledFromOutside:
    @pytest.mark.parametrize(
        "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
    )
    def test_an_ffmpeg_that_others_end_says_nothing_of_the_settings(
        self,
        slow: Path,
        each_build: FfmpegBuild,
        kernel: Open,
        tmp_path: Path,
        number: signal.Signals,
    ) -> None:
        asked = trial(slow, each_build)
        outcome = run_trial(asked, kernel, tmp_path, doing(signalled(number)))
        assert outcome.record.status is Status.INVALID_MACHINE
        assert str(outcome.record.error).startswith("clip 1: killed from outside, with ")
        assert outcome.record.oom_kills == 0
        assert outcome.stop is None  # it may go better the next time

    def test_so_does_the_ffmpeg_of_a_shell(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        words = (
            f'sh -c \'{build.path} -v error -y -i "$0" -preset veryslow "$1"; exit $?\' '
            "{input} {output}"
        )
        asked = trial(slow, build, subject=CommandLine(baselines.parse_template(words)))

        def kill_its_ffmpeg() -> None:
            (shell,) = ffmpegs_here()
            for child in psutil.Process(shell).children():
                child.kill()

        outcome = _run_and(asked, kernel, tmp_path, kill_its_ffmpeg)
        assert outcome.record.status is Status.INVALID_MACHINE

    def test_one_that_fails_by_itself_has_failed(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        words = baselines.parse_template("sh -c 'kill -SEGV $$' {input} {output}")
        asked = trial(slow, build, subject=CommandLine(words))
        record = run_trial(asked, kernel, tmp_path, lambda _: None).record
        assert record.status is Status.FAILED
        words = baselines.parse_template(
            "sh -c 'echo no such thing >&2; exit 255' {input} {output}"
        )
        asked = trial(slow, build, subject=CommandLine(words))
        assert run_trial(asked, kernel, tmp_path, lambda _: None).record.status is Status.FAILED

    def test_what_the_kernel_kills_at_the_ceiling_is_out_of_memory(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        asked = trial(slow, build, memory_bytes=96 * MIB)
        assert run_trial(asked, kernel, tmp_path, lambda _: None).record.status is Status.OOM

    def test_what_the_watchdog_kills_too(
        self, slow: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        asked = trial(slow, build, memory_bytes=96 * MIB)
        record = run_trial(asked, _watchdog, tmp_path, lambda _: None).record
        assert record.status is Status.OOM

    def test_our_own_time_limit_is_a_result(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        asked = trial(slow, build, timeout_s=0.5)
        record = run_trial(asked, kernel, tmp_path, lambda _: None).record
        assert (record.status, record.timeout_s) == (Status.TIMEOUT, 0.5)


def _watchdog(limits: Limits) -> Ceiling:
    return open_ceiling(limits, Mechanism.WATCHDOG)


def _run_and(asked: Trial, open_it: Open, folder: Path, act: Callable[[], None]) -> Outcome:
    """With what a thread does as soon as an ffmpeg is there."""

    def later() -> None:
        with contextlib.suppress(ValueError, psutil.Error):
            until(_has_grandchild)
            act()

    thread = threading.Thread(target=later)
    thread.start()
    try:
        return run_trial(asked, open_it, folder, lambda _: None)
    finally:
        thread.join()


def _has_grandchild() -> bool:
    with contextlib.suppress(ValueError, psutil.Error):
        return any(psutil.Process(pid).children() for pid in ffmpegs_here())
    return False


def test_an_engine_that_others_kill_as_it_starts_says_nothing_of_its_ceiling(
    small: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
) -> None:
    def kill_it() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(until(_engine_that_starts), signal.SIGTERM)

    thread = threading.Thread(target=kill_it)
    thread.start()
    record = run_trial(trial(small, build, memory_bytes=256 * MIB), kernel, tmp_path, print).record
    thread.join()
    assert record.status is Status.INVALID_MACHINE
    assert "the engine was killed from outside" in str(record.error)


def _engine_that_starts() -> int | None:
    """As soon as there is one: its Python takes longer to come up."""
    with contextlib.suppress(ValueError):
        return engine_of(os.getpid())
    return None


class TestStopped:
    def test_an_ffmpeg_that_stood_still_took_no_time_of_its_own(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        def stop_a_while() -> None:
            pids = ffmpegs_here()
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            time.sleep(0.6)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

        asked = trial(slow, build, settings=Settings(preset="fast"))
        record = run_trial(asked, kernel, tmp_path, doing(stop_a_while)).record
        assert record.status is Status.INVALID_MACHINE
        assert "processes of the job were stopped for" in str(record.error)

    def test_the_watchdog_itself_stops_what_it_holds_to_its_quota(
        self, small: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        held = replace(trial(small, build, settings=Settings()), host=Host("half", None, 0.3))
        record = run_trial(held, _watchdog, tmp_path, lambda _: None).record
        assert (record.status, record.error) == (Status.OK, None)

    def test_a_harness_that_was_stopped_has_not_seen_the_peak(
        self, slow: Path, tmp_path: Path
    ) -> None:
        """As Ctrl-Z does: the engine goes on in its own session, and nobody looks at its memory."""
        path = tmp_path / "trying.toml"
        path.write_text(
            f"[job]\nuploads = '{slow}'\nclips = 2\nlength_s = 1\n"
            "[settings]\npreset = 'fast'\n[run]\nblocks = 1\n"
        )
        folder = tmp_path / "results" / "trying"
        with start("sweep", path, cwd=tmp_path) as process:
            until(lambda: (folder / "progress.json").exists() and _now(folder, "block 1"), 90)
            until(lambda: ffmpegs_in(folder))
            process.send_signal(signal.SIGSTOP)
            time.sleep(2.0)
            process.send_signal(signal.SIGCONT)
            _, said = process.communicate(timeout=400)
        assert process.returncode == 0, said
        rows = [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]
        first, *_, last = rows
        assert [row["status"] for row in rows[:-1]] == ["invalid_machine"] * (len(rows) - 1)
        assert "clipkit itself was stopped, or got no CPU" in first["error"]
        assert first["peak_anon_bytes"] is None
        assert first["throttled_s"] is None
        if first["peak_bound_bytes"] is not None:
            assert first["peak_bound_bytes"] > 50 * MIB
            assert "the kernel's own marks hold" in first["error"]
        assert (last["status"], last["attempt"]) == ("ok", len(rows))
        assert last["peak_anon_bytes"] > 50 * MIB


def _now(folder: Path, words: str) -> bool:
    return words in str(json.loads((folder / "progress.json").read_text())["now"])


class TestNoSpace:
    def test_it_is_no_result_and_nothing_else_would_go_better(
        self, slow: Path, each_build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        with small_disk(tmp_path / "disk", "size=1M") as disk:
            asked = trial(slow, each_build, settings=Settings(crf=5))
            outcome = run_trial(asked, kernel, disk, lambda _: None)
            assert not list(disk.iterdir())
        assert outcome.record.status is Status.INVALID_MACHINE
        assert outcome.record.error == "clip 1: no space left on the disk of the output folder"
        assert str(outcome.stop).startswith(f"no space is left in {disk}")
        assert "make room" in str(outcome.stop)

    def test_a_disk_that_takes_no_more_files_is_as_full(
        self, slow: Path, build: FfmpegBuild, kernel: Open, tmp_path: Path
    ) -> None:
        # The root, the clips' folder, the work folder, its logs, the engine's log.
        with small_disk(tmp_path / "disk", "size=8M,nr_inodes=5") as disk:
            outcome = run_trial(trial(slow, build), kernel, disk, lambda _: None)
        assert outcome.record.status is Status.INVALID_MACHINE
        assert outcome.stop is not None


class TestCoverage:
    def test_few_short_gaps_are_enough(self) -> None:
        assert Coverage(10.0, 1.9, 0.9, 0.0).is_enough
        assert lacking_words(Coverage(10.0, 1.9, 0.9, 0.0), has_marks=True) is None

    @pytest.mark.parametrize("seen", [Coverage(10.0, 1.2, 1.2), Coverage(1.0, 0.3, 0.3)])
    def test_one_long_gap_or_a_large_share_is_not(self, seen: Coverage) -> None:
        assert not seen.is_enough
        assert "the kernel's own marks hold" in str(lacking_words(seen, has_marks=True))
        assert "marks" not in str(lacking_words(seen, has_marks=False))


def test_what_the_engine_said_is_heard_also_when_the_time_is_over() -> None:
    """As after a long stop of the harness: a job that was finished meanwhile was told as killed."""
    said = 'print(\'{"event": "done"}\', flush=True)'
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", said], **pipes) as process:
        process.wait()
        assert list(Wire(process).within(0.0)) == [{"event": "done"}]
