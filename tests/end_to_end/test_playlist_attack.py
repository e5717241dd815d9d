"""An upload that is a transport stream to one version of the demuxers and a playlist to another, which
names another film of the host: no way of cutting it may ever show that film."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest
from hostile import BY_NAME
from running import clipkit

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.plan.baselines import original_templates, template_tasks
from clipkit.plan.clips import Clip, Job
from clipkit.plan.encode import encode_tasks
from clipkit.plan.guarded_words import guarded_argv
from clipkit.plan.snap import snap_tasks
from clipkit.plan.task import OUTPUT, Run, Task
from clipkit.settings import Settings
from clipkit.tuning.export import export_settings

FILM, OTHER = (160, 90), (128, 128)
CLIP = Clip(0.4, 0.6)


@pytest.fixture(params=[".mp4", ".m3u8"])
def upload(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """By its name too an ffmpeg guesses what a file is."""
    made = BY_NAME["playlist_before_packets"].make(tmp_path)
    assert _size(made.with_name("other.ts")) == OTHER
    return made.rename(made.with_suffix(request.param))


def _size(path: Path) -> tuple[int, int]:
    with av.open(f"file:{path}") as container:
        return container.streams.video[0].width, container.streams.video[0].height


def _shown(folder: Path, films: set[Path]) -> set[tuple[int, int]]:
    clips = [p for p in folder.rglob("*.mp4") if p not in films and p.stat().st_size]
    return {_size(path) for path in clips}


def _run(argv: list[str]) -> int:
    done = subprocess.run(
        argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False
    )
    return done.returncode


def _argvs(task: Task, output: Path) -> Iterator[list[str]]:
    for attempt in task.attempts:
        for step in attempt.steps:
            if isinstance(step, Run):
                yield [word.replace(OUTPUT, str(output)) for word in step.argv]


def test_a_plain_ffmpeg_of_some_version_does(
    tmp_path: Path, upload: Path, each_build: FfmpegBuild
) -> None:
    """Or else nothing here would be shown."""
    out = tmp_path / "plain.mkv"
    _run([each_build.path, "-y", "-i", str(upload), "-t", "0.4", str(out)])
    fooled = each_build.version.startswith("5.") or upload.suffix == ".m3u8"
    assert (out.exists() and _size(out) == OTHER) is fooled


def test_cut_refuses_it_or_shows_its_own_film(
    tmp_path: Path, upload: Path, each_build: FfmpegBuild
) -> None:
    for mode in ("encode", "snap"):
        out = tmp_path / mode
        words = ("--count", 2, "--length", 0.4, "--ffmpeg", each_build.choice, "--mode", mode)
        ran = clipkit("cut", upload, "--out", out, *words)
        assert ran.code in (0, 1)
        assert _shown(out, set()) == ({FILM} if ran.code == 0 else set())
        assert ran.code == 0 or each_build.path in ran.complaint or "not a video" in ran.complaint


def test_what_we_plan_opens_nothing_else_even_where_nobody_asked_the_ffmpeg(
    tmp_path: Path, upload: Path, each_build: FfmpegBuild
) -> None:
    film = (
        probe_upload(upload)
        if upload.suffix == ".mp4"
        else probe_upload(upload.rename(tmp_path / "f.mp4"))
    )
    film = replace(film, path=upload) if upload.exists() else film
    job, settings = Job(film, (CLIP,)), Settings()
    tasks = [*encode_tasks(job, settings, each_build), *snap_tasks(job, settings, each_build)]
    for number, task in enumerate(tasks):
        for argv in _argvs(task, tmp_path / f"ours-{number}.mp4"):
            assert _run(argv) == 0, argv
    for number, template in enumerate(original_templates(settings)):
        (task,) = template_tasks(job, template, each_build)
        for argv in _argvs(task, tmp_path / f"baseline-{number}.mp4"):
            _run(argv)
    assert _shown(tmp_path, {film.path}) == {FILM}


def test_a_snippet_shows_nothing_else(
    tmp_path: Path, upload: Path, each_build: FfmpegBuild
) -> None:
    """One language for all: what each runs is the same list of words."""
    script = tmp_path / "cut.sh"
    script.write_text(export_settings(Settings(), "shell"), "utf-8")
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    (bin_dir / "ffmpeg").symlink_to(each_build.path)
    out = tmp_path / "clips"
    out.mkdir()
    argv = ["env", f"PATH={bin_dir}:/usr/bin:/bin", "sh", str(script), str(upload), "0.4", "0.6"]
    _run([*argv, str(out / "clip.mp4")])
    assert _shown(out, set()) <= {FILM}


def test_the_exported_change_of_a_command_shows_nothing_else(
    tmp_path: Path, upload: Path, each_build: FfmpegBuild
) -> None:
    argv = guarded_argv(["ffmpeg", "-y", "-ss", "0.4", "-i", "{input}", "-t", "0.4", "{output}"])
    out = tmp_path / "changed.mkv"
    filled = [word.replace("{input}", str(upload)).replace("{output}", str(out)) for word in argv]
    code = _run([each_build.path, *filled[1:]])
    assert _size(out) == FILM if code == 0 else not out.exists()


def test_the_users_command_is_not_run_on_it_where_its_ffmpeg_takes_it_for_another(
    tmp_path: Path, upload: Path, each_build: FfmpegBuild
) -> None:
    """Whichever ffmpeg its words name."""
    command = f"{each_build.path} -y -ss {{start}} -i {{input}} -t {{duration}} {{output}}"
    words = (
        "--count",
        1,
        "--length",
        0.4,
        "--budget",
        0.4,
        "--no-report",
        "--results",
        tmp_path / "r",
    )
    if not (each_build.version.startswith("5.") or upload.suffix == ".m3u8"):
        pytest.skip("this ffmpeg takes it for what it is")
    ran = clipkit("tune", upload, "--command", command, *words)
    assert ran.code == 1
    assert each_build.path in ran.complaint or "not a video" in ran.complaint
    assert not (tmp_path / "r").exists()
