"""What a trial is run with is what its record says: films, builds and cores that change meanwhile are seen."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clipkit import ffmpeg_builds
from clipkit.ceiling.base import Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import UploadError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.plan import baselines
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subjects import CommandLine, Engine
from clipkit.records.outcome import Outcome
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.run import run_trial

SAME_LENGTH = "testsrc=size=160x90:rate=25:duration=4"


@pytest.fixture
def film(small: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(small, tmp_path / "film.mp4"))


@pytest.fixture
def other(make: Callable[..., Path]) -> Path:
    return make("other.mp4", "-g", "25", source=("-f", "lavfi", "-i", SAME_LENGTH))


def trial(film: Path, build: FfmpegBuild, **changes: Any) -> Trial:
    plain: dict[str, Any] = {
        "identity": Identity("trying", "clipkit-0123abcd", 0, 7, 1, "screen"),
        "job": Job(probe_upload(film), (Clip(0.0, 1.0), Clip(1.0, 1.0))),
        "subject": Engine(),
        "settings": Settings(),
        "build": build,
        "host": Host("test", None, None),
        "reserve_bytes": 0,
        "timeout_s": 60.0,
        "accept_noise": True,
    }
    return Trial(**plain | changes)


def run(asked: Trial, folder: Path, act: Callable[[], object] = lambda: None) -> Outcome:
    """With what happens once the first clip is finished."""
    done: list[bool] = []

    def watch(event: dict[str, Any]) -> None:
        if event["event"] == "clip" and not done:
            done.append(True)
            act()

    return run_trial(
        asked, lambda _: open_ceiling(Limits(None, None), Mechanism.NONE), folder, watch
    )


def copied(build: FfmpegBuild, folder: Path) -> FfmpegBuild:
    """A build of one's own, in a script's shape: quick to replace."""
    path = folder / "own-ffmpeg"
    path.write_text(f'#!/bin/sh\nexec {build.path} "$@"\n')
    path.chmod(0o755)
    return ffmpeg_builds.find_build(str(path))


class TestTheFilm:
    def test_that_is_another_one_by_now_is_not_cut(
        self, film: Path, other: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        asked = trial(film, build)
        assert run(asked, tmp_path).record.status is Status.OK
        shutil.copy(other, film)
        with pytest.raises(
            UploadError, match="is another film than when it was begun: put the earlier"
        ):
            run(asked, tmp_path)
        film.unlink()
        with pytest.raises(UploadError, match=r"cannot be read any more .*put it back"):
            run(asked, tmp_path)

    def test_put_back_it_is_the_same(
        self, film: Path, small: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        asked = trial(film, build)
        film.unlink()
        shutil.copy(small, film)
        assert run(asked, tmp_path).record.status is Status.OK

    @pytest.mark.parametrize("how", ["replaced", "written over", "gone"])
    def test_that_changes_while_it_is_cut_stops_the_campaign(
        self, film: Path, other: Path, build: FfmpegBuild, tmp_path: Path, how: str
    ) -> None:
        def change() -> None:
            if how == "replaced":
                shutil.copy(other, tmp_path / "new.mp4").replace(film)
            elif how == "written over":
                content = bytearray(film.read_bytes())
                content[-1] ^= 1
                film.write_bytes(content)
            else:
                film.unlink()

        asked = trial(film, build)
        outcome = run(asked, tmp_path, change)
        assert outcome.record.status is Status.INVALID_MACHINE
        words = "went away while it was cut" if how == "gone" else "was changed while it was cut"
        assert outcome.record.error == f"film.mp4 {words}"
        assert outcome.stop is not None
        assert "put" in outcome.stop

    def test_that_is_only_touched_spoils_the_trial_and_no_other(
        self, film: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        outcome = run(trial(film, build), tmp_path, lambda: os.utime(film))
        assert (outcome.record.status, outcome.stop) == (Status.INVALID_MACHINE, None)
        assert run(trial(film, build), tmp_path).record.status is Status.OK


class TestTheBuild:
    def test_that_is_replaced_while_it_cuts_stops_the_campaign(
        self, film: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        own = copied(build, tmp_path)

        def replaced() -> None:
            text = Path(own.path).read_text()
            (tmp_path / "new").write_text(f"{text}# newer\n")
            (tmp_path / "new").chmod(0o755)
            (tmp_path / "new").replace(own.path)

        before = run(trial(film, own), tmp_path).record
        outcome = run(trial(film, own), tmp_path, replaced)
        assert outcome.record.status is Status.INVALID_MACHINE
        assert "was replaced: put the earlier one back" in str(outcome.stop)
        after = run(trial(film, own), tmp_path).record
        assert before.ffmpeg_version == after.ffmpeg_version
        assert before.ffmpeg_sha256 != after.ffmpeg_sha256


class TestWhatClipkitHas:
    def test_is_in_the_record(self, film: Path, build: FfmpegBuild, tmp_path: Path) -> None:
        record = run(trial(film, build), tmp_path).record
        assert record.cores_allowed == len(os.sched_getaffinity(0))
        assert record.harness_nice == os.getpriority(os.PRIO_PROCESS, 0)
        assert str(record.python_version).startswith(
            f"{sys.version_info[0]}.{sys.version_info[1]}."
        )
        assert record.timeout_s == 60.0

    def test_changed_meanwhile_spoils_the_trial(
        self, film: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        cores = os.sched_getaffinity(0)
        if len(cores) < 2:
            pytest.skip("one core cannot become fewer")
        try:
            outcome = run(
                trial(film, build), tmp_path, lambda: os.sched_setaffinity(0, {min(cores)})
            )
        finally:
            os.sched_setaffinity(0, cores)
        assert outcome.record.status is Status.INVALID_MACHINE
        assert "the cores or the priority" in str(outcome.record.error)

    def test_the_users_own_command_is_held_to_the_same(
        self, film: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        words = baselines.parse_template(f"{build.path} -v error -y -i {{input}} -t 1 {{output}}")
        asked = replace(trial(film, build), subject=CommandLine(words))
        assert run(asked, tmp_path, film.unlink).record.status is Status.INVALID_MACHINE
