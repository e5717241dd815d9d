"""A block as it travels, run by a Python to which clipkit is not installed, under a real ceiling."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from running import groups_of

from clipkit.campaign.alike import means_of
from clipkit.campaign.design import design_of
from clipkit.campaign.experiment_file import parse_experiment
from clipkit.ceiling.base import Ceiling
from clipkit.cluster.lines import Began, Ended, Ready, outcome_in, told_in
from clipkit.cluster.packing import packing
from clipkit.cluster.parcel import Parcel
from clipkit.ffmpeg_builds import FfmpegBuild, find_build
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.records.outcome import Outcome
from clipkit.records.status import Status
from clipkit.trial.asked import Identity, Trial

EXPERIMENT = """
[job]
uploads = "film.mp4"
clips = 2
length_s = 1
[host]
memory = ["512M", "300M"]
cpus = 1
[settings]
preset = "ultrafast"
ffmpeg = "{ffmpeg}"
"""


def trials(film: Path, build: FfmpegBuild) -> list[Trial]:
    asked = parse_experiment(EXPERIMENT.format(ffmpeg=build.choice), Path("/x/file.toml"))
    design = design_of(asked, {"film.mp4": probe_upload(film)})
    return [
        Trial(
            identity=Identity("campaign", cell.name, 2, 7 + order, 3, cell.phase),
            job=cell.job,
            subject=cell.subject,
            settings=cell.settings,
            build=find_build(cell.settings.ffmpeg),
            host=cell.host,
            reserve_bytes=cell.reserve_bytes,
            timeout_s=120,
        )
        for order, cell in enumerate(design.cells)
    ]


def told_by(
    parcel: Parcel, folder: Path, code: int = 0, before: Sequence[str] = ()
) -> list[Ready | Began | Ended]:
    """`before`: the words that start it as it is to be started there."""
    folder.mkdir()
    (folder / "block.pyz").write_bytes(parcel.content)
    own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [*before, sys.executable, "-I", "block.pyz"],
        cwd=folder,
        env=own | {"CLIPKIT_MACHINE": "a machine"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return [line for line in map(told_in, done.stdout.splitlines()) if line]


def test_it_says_what_holds_the_plan_there(
    small: Path, each_build: FfmpegBuild, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    with packing(trials(small, each_build), None, accept_noise=True) as packed:
        (ready,) = told_by(packed.look(), tmp_path / "there")
    assert isinstance(ready, Ready)
    assert ready.refused is None
    assert ready.ffmpeg_version == each_build.version
    assert ready.environment["host_id"] == ready.machine
    assert ready.ceiling == str(real_ceiling(memory_bytes=1 << 28).mechanism)


def test_its_trials_come_home_as_records_like_any_other(
    small: Path, each_build: FfmpegBuild, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    asked = trials(small, each_build)
    with packing(asked, None, accept_noise=True) as packed:
        told = told_by(packed.block(asked), tmp_path / "there")
        (ready,) = told_by(packed.look(), tmp_path / "looked at")
    assert [type(line) for line in told] == [Began, Ended] * 2
    ended = [line for line in told if isinstance(line, Ended)]
    outcomes: list[Outcome] = [outcome_in(e, t) for e, t in zip(ended, asked, strict=True)]
    for outcome, trial in zip(outcomes, asked, strict=True):
        found = outcome.record
        assert found.status is Status.OK, found.error
        assert (found.order, found.attempt, found.block) == (trial.identity.order, 3, 2)
        assert found.memory_limit_bytes == trial.host.memory_bytes == found.enforced_memory_bytes
        assert found.ceiling == str(real_ceiling(memory_bytes=1 << 28).mechanism)
        assert found.wall_s and found.peak_anon_bytes
        assert found.harness_peak_anon_bytes is None  # it is no memory of that host's
        assert len(outcome.clips) == 2
        assert outcome.samples
    # By what a machine says of itself it is held against what others measured.
    assert isinstance(ready, Ready)
    measured = means_of([outcome.record for outcome in outcomes])
    assert ready.means == {key: of for key, of in measured.items() if key[0] != "ffmpeg"}
    assert len(ready.means) == 2 + 2 * 2 + 1 + 3
    assert ready.ceilings == {r.host: r.ceiling for r in (each.record for each in outcomes)}


def asked_there(
    film: Path, build: FfmpegBuild, folder: Path, host: Host, before: Sequence[str] = ()
) -> Ready:
    """What a machine says that is started so and asked whether it can hold that host."""
    asked = [dataclasses.replace(trial, host=host) for trial in trials(film, build)]
    with packing(asked, None, accept_noise=True) as packed:
        (ready,) = told_by(packed.look(), folder, before=before)
    assert isinstance(ready, Ready)
    return ready


@pytest.mark.usefixtures("real_ceiling")
def test_a_machine_that_is_smaller_than_the_plan_says_so(
    small: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    one_core = ("taskset", "--cpu-list", str(min(os.sched_getaffinity(0))))
    for name, host, before, told in (
        (
            "memory",
            Host("large", 64000 * 1024 * MIB, None),
            (),
            "host large has 6.4e+04 GB, this machine only ",
        ),
        ("cores", Host("wide", None, 1000.0), (), "host wide has 1000 CPU, this machine only "),
        ("bound", Host("two", None, 2.0), one_core, "host two has 2 CPU, this machine only 1"),
    ):
        ready = asked_there(small, build, tmp_path / name, host, before)
        assert str(ready.refused).startswith(told), ready.refused


def test_a_worker_in_a_group_that_is_smaller_than_the_plan_says_so(
    small: Path, build: FfmpegBuild, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    """As in a small pod."""
    around = real_ceiling(memory_bytes=256 * MIB, cpus=0.5).wrap([])
    for name, host, told in (
        ("memory", Host("512M", 512 * MIB, 0.5), "runs under a limit of 256 MB"),
        ("quota", Host("1cpu", 128 * MIB, 1.0), "runs under a quota of 0.5"),
    ):
        ready = asked_there(small, build, tmp_path / name, host, around)
        assert told in str(ready.refused), ready
    fits = asked_there(small, build, tmp_path / "fits", Host("fits", 128 * MIB, 0.25), around)
    assert fits.refused is None


KILLED = """
import os, signal
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
open_ceiling(Limits(1 << 28, 1.0))
print(os.getpid(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.usefixtures("real_ceiling")
def test_the_groups_of_a_block_that_was_killed_are_removed_by_the_next_one(
    small: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    argv = [sys.executable, "-c", KILLED]
    killed = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    assert groups_of(int(killed.stdout))
    assert (
        asked_there(small, build, tmp_path / "next", Host("small", 64 * MIB, 0.5)).refused is None
    )
    assert groups_of(int(killed.stdout)) == []


@pytest.mark.usefixtures("real_ceiling")
def test_what_is_interrupted_right_after_memory_ran_out_has_an_end_and_is_the_last(
    slow: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    first, second = (
        dataclasses.replace(t, host=Host("small", 64 * MIB, None)) for t in trials(slow, build)
    )
    with packing([first, second], None, accept_noise=True) as packed:
        (tmp_path / "block.pyz").write_bytes(packed.block([first, second]).content)
    process = subprocess.Popen(
        [sys.executable, "-I", "block.pyz"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None:
        if any(map(has_killed, groups_of(process.pid))):
            process.send_signal(signal.SIGTERM)
            break
        time.sleep(0.001)
    said, _ = process.communicate(timeout=60)
    began, ended = filter(None, map(told_in, said.splitlines()))
    assert isinstance(began, Began)
    assert isinstance(ended, Ended)
    assert outcome_in(ended, first).record.status is Status.OOM
    assert process.returncode == 1


def has_killed(group: Path) -> bool:
    for name in ("memory.oom_control", "memory.events"):
        with contextlib.suppress(OSError):
            table = dict(line.split() for line in (group / name).read_text().splitlines())
            return int(table.get("oom_kill", 0)) > 0
    return False


def test_a_machine_with_another_ffmpeg_says_so(
    small: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    other = [
        dataclasses.replace(t, build=dataclasses.replace(t.build, version="6.0"))
        for t in trials(small, build)
    ]
    with packing(other, None, accept_noise=True) as packed:
        (ready,) = told_by(packed.look(), tmp_path / "there")
    assert isinstance(ready, Ready)
    assert "its ffmpeg is" in str(ready.refused)


def test_a_film_that_is_too_large_to_travel_is_found_where_it_lies_at_home(
    small: Path, build: FfmpegBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipkit.pack.archive.MOST_PACKED_BYTES", 1000)
    film = tmp_path / "large.mp4"
    film.write_bytes(small.read_bytes())
    asked = trials(film, build)
    with packing(asked, None, accept_noise=True) as packed:
        assert not [name for name in _members(packed.block(asked), tmp_path) if "uploads/" in name]
        told = told_by(packed.block(asked[:1]), tmp_path / "there")
        ended = [line for line in told if isinstance(line, Ended)]
        assert [outcome_in(each, asked[0]).record.status for each in ended] == [Status.OK]

        film.write_bytes(small.read_bytes()[:-1])
        (ready,) = told_by(packed.look(), tmp_path / "another length", code=1)
        assert isinstance(ready, Ready) and "is another film there" in str(ready.refused)
        film.write_bytes(small.read_bytes()[:-1] + b"x")
        (ready,) = told_by(packed.look(), tmp_path / "not read by a look")
        assert isinstance(ready, Ready) and ready.refused is None
        assert not told_by(packed.block(asked[:1]), tmp_path / "but by a block", code=1)
        film.unlink()
        (ready,) = told_by(packed.look(), tmp_path / "no film", code=1)
        assert isinstance(ready, Ready)
        assert f"is not at {film} there: copy it" in str(ready.refused)


def test_a_look_asks_for_the_films_of_all_trials(
    small: Path, build: FfmpegBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipkit.pack.archive.MOST_PACKED_BYTES", 1000)
    films = [tmp_path / name for name in ("one.mp4", "two.mp4")]
    for film in films:
        film.write_bytes(small.read_bytes() + bytes(films.index(film)))
    every = [trial for film in films for trial in trials(film, build)]
    with packing(every, None, accept_noise=True) as packed:
        (ready,) = told_by(packed.look(), tmp_path / "both")
        assert isinstance(ready, Ready) and ready.refused is None
        for film in films:
            film.rename(tmp_path / "elsewhere")
            (ready,) = told_by(packed.look(), tmp_path / f"without {film.name}", code=1)
            assert isinstance(ready, Ready) and f"is not at {film} there" in str(ready.refused)
            (tmp_path / "elsewhere").rename(film)


def _members(parcel: Parcel, folder: Path) -> list[str]:
    (folder / "members.pyz").write_bytes(parcel.content)
    return zipfile.ZipFile(folder / "members.pyz").namelist()
