"""What is wrong is told in one clear line, with its exit code, and leaves nothing behind."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import clipkit, ffmpegs_in, forked, groups_of

from clipkit.ffmpeg_builds import FfmpegBuild

CLIPS = ("--count", "2", "--length", "1")


def contents(folder: Path) -> dict[str, int]:
    """Every file and folder below, with its size and time of change."""
    return {
        str(path.relative_to(folder)): path.lstat().st_mtime_ns
        for path in sorted(folder.rglob("*"))
    }


def refused(folder: Path, code: int, *words: Any, **environment: str) -> str:
    """Run in `folder`, which the command must leave as it was; returns the complaint."""
    before = contents(folder)
    # With another environment in a Python that knows nothing of this one's.
    ran = clipkit(*words, cwd=folder, **environment) if environment else forked(*words, cwd=folder)
    assert (ran.code, ran.out) == (code, ""), ran.err
    assert contents(folder) == before
    assert ffmpegs_in(folder) == []
    assert groups_of(ran.pid) == []
    return ran.complaint


class TestWrongUse:
    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            (
                "--preset fastest",
                "preset = 'fastest' is not legal; legal are: ultrafast, superfast",
            ),
            ("--crf 99", "crf = 99 is not legal; legal are: whole numbers from 0 to 51"),
            ("--crf x", "crf = 'x' is not legal"),
            ("--mode smart2", "mode = 'smart2' is not legal"),
            ("--encoder-threads -1", "encoder_threads = -1 is not legal"),
            ("--concurrency 0", "concurrency = 0 is not legal"),
            ("--mbtree maybe", "mbtree = 'maybe' is not legal; legal are: true, false"),
            (
                "--config misspelt.toml",
                "misspelt.toml: [settings]: unknown key 'encoder_thread': did you mean",
            ),
            ("--config missing.toml", "cannot read missing.toml: No such file"),
            ("--config ''", "cannot read"),
            (
                "--host render-stater",
                "unknown host 'render-stater': did you mean 'render-starter'?",
            ),
            ("--host ''", "unknown host '': legal are: render-free, render-starter"),
            ("--memory 512", "'512' would be 512 bytes: did you mean 512M?"),
            ("--memory 1", "did you mean 1M?"),
            ("--reserve 120", "did you mean 120M?"),
            ("--memory 512X", "'512X' is not a size: write 512M"),
            ("--memory ''", "'' is not a size"),
            ("--memory -5M", "expected one argument"),
            ("--memory=-5M", "'-5M' is not a size"),
            ("--memory 0", "memory must be positive, not 0 MB"),
            ("--cpus two", "--cpus 'two' is no number of cores"),
            ("--cpus ''", "--cpus '' is no number of cores"),
            ("--cpus 0", "cpus must be from 0.01 to 1024"),
            ("--cpus nan", "cpus must be from 0.01 to 1024"),
            ("--reserve lots", "'lots' is not a size"),
            ("--ceiling glass", "--ceiling = 'glass' is not legal; legal are: cgroup2, cgroup1"),
            ("--timeout 0", "--timeout 0 is no number of seconds"),
            ("--timeout nan", "--timeout nan is no number of seconds"),
            (
                "--timeout inf",
                "--timeout inf is no number of seconds from more than 0 to 86400 (a day)",
            ),
            ("--clips one.csv", "--clips lists the clips: leave out --count"),
            ("--prest medium", "unknown option '--prest': did you mean '--preset'?"),
        ],
    )
    def test_of_an_option(self, words: str, complaint: str, small: Path, tmp_path: Path) -> None:
        (tmp_path / "misspelt.toml").write_text("[settings]\nencoder_thread = 1\n")
        (tmp_path / "one.csv").write_text("start_s,duration_s\n0,1\n")
        told = refused(tmp_path, 2, "cut", small, "--out", "out", *CLIPS, *shlex.split(words))
        assert complaint in told

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            ("", "say which clips: either --clips FILE.csv, or --count N and --length S"),
            ("--count 2", "say which clips"),
            ("--length 2", "say which clips"),
            ("--count 0 --length 1", "0 clips are none"),
            ("--count -3 --length 1", "-3 clips are none"),
            ("--count 2 --length 0", "a clip cannot last 0 s"),
            ("--count 2 --length -1", "a clip cannot last -1 s"),
            ("--count 2 --length nan", "a clip cannot last nan s"),
            ("--count 2 --length soon", "invalid float value: 'soon'"),
            ("--clips missing.csv", "cannot read missing.csv: No such file"),
            ("--clips negative.csv", "negative.csv line 3: a clip cannot start at -1 s"),
            ("--clips words.csv", "words.csv line 2: 'now,then' are not two numbers"),
            ("--clips binary.csv", "cannot read binary.csv: it is not text"),
            ("--clips empty.csv", "empty.csv: needs the columns start_s,duration_s"),
        ],
    )
    def test_of_clips(self, words: str, complaint: str, small: Path, tmp_path: Path) -> None:
        files = {
            "negative.csv": b"start_s,duration_s\n0,1\n-1,1\n",
            "words.csv": b"start_s,duration_s\nnow,then\n",
            "binary.csv": b"\xff\xfe\x00\x01",
            "empty.csv": b"",
        }
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        told = refused(tmp_path, 2, "cut", small, "--out", "out", *shlex.split(words))
        assert complaint in told

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            ("--command 'ffmpeg -i {input} out.mp4'", "--command lacks {output}"),
            ("--command 'ffmpeg -i {input} {outptu} {output}'", "unknown placeholder {outptu}"),
            ('--command "ffmpeg \'x"', "cannot be split into words"),
            ("--command 'ffmpeg -ss {start} -i {input} -t 12 {output}'", "tells no length"),
            ("--baseline command", "--baseline command needs the command"),
            ("--budget -1", "--budget -1 is no number of minutes"),
            ("--host nowhere", "unknown host 'nowhere'"),
            ("--memory lots", "'lots' is not a size"),
        ],
    )
    def test_of_tune(self, words: str, complaint: str, small: Path, tmp_path: Path) -> None:
        told = refused(tmp_path, 2, "tune", small, "--results", "results", *shlex.split(words))
        assert complaint in told

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            ("--memory 64M --reserve 100M", "does not fit into the ceiling of 64 MB"),
            ("--cpus 512", "has 512 CPU, this machine only"),
            ("--as a/b", "'a/b' cannot name a campaign"),
            ("--count 0", "0 clips are none"),
            ("--length nan", "a clip cannot last nan s"),
        ],
    )
    def test_a_tune_that_is_refused_leaves_no_folder(
        self, words: str, complaint: str, small: Path, tmp_path: Path, real_ceiling: Any
    ) -> None:
        real_ceiling(memory_bytes=1 << 26)  # skips where the kernel enforces none
        code = 1 if "ceiling" in complaint or "machine" in complaint else 2
        told = refused(tmp_path, code, "tune", small, "--no-report", *shlex.split(words))
        assert complaint in told

    def test_a_folder_that_was_there_before_a_refused_tune_is_kept(
        self, small: Path, tmp_path: Path, real_ceiling: Any
    ) -> None:
        real_ceiling(memory_bytes=1 << 26)
        (tmp_path / "results" / "mine").mkdir(parents=True)
        (tmp_path / "results" / "mine" / "notes.txt").touch()
        words = ("--as", "mine", "--memory", "64M", "--reserve", "100M")
        assert clipkit("tune", small, *words, cwd=tmp_path).code == 1
        assert (tmp_path / "results" / "mine" / "notes.txt").exists()


class TestCampaigns:
    @pytest.mark.parametrize("command", ["report NOPE", "compare NOPE NOPE"])
    def test_a_folder_that_is_not_there(self, command: str, tmp_path: Path) -> None:
        told = refused(tmp_path, 1, *command.split())
        assert f"{tmp_path / 'NOPE'} is no campaign: there is no such folder" in told
        there = tmp_path / "results" / "NOPE"
        there.mkdir(parents=True)
        (there / "runs.jsonl").touch()
        assert "did you mean results/NOPE?" in refused(tmp_path, 1, *command.split())

    def test_a_folder_that_is_no_campaign(self, tmp_path: Path) -> None:
        assert "is no campaign: it has no runs.jsonl" in refused(tmp_path, 1, "report", tmp_path)

    def test_an_export_without_settings_names_the_newest(self, tmp_path: Path) -> None:
        words = ("export", "--as", "node")
        assert "measure one with clipkit tune" in refused(tmp_path, 2, *words)
        for age_s, name in ((100, "older"), (0, "the newest"), (200, "oldest")):
            (tmp_path / "results" / name).mkdir(parents=True)
            config = tmp_path / "results" / name / "clipkit.toml"
            config.write_text("[settings]\n")
            os.utime(config, times=(10**9 - age_s, 10**9 - age_s))
        told = refused(tmp_path, 2, *words)
        assert "--config 'results/the newest/clipkit.toml'" in told
        assert "cannot read gone.toml" in refused(tmp_path, 2, *words, "--config", "gone.toml")

    def test_a_host_larger_than_this_machine_is_told_by_a_dry_run_too(
        self, small: Path, tmp_path: Path
    ) -> None:
        text = f'[job]\nuploads = ["{small}"]\nclips = 1\nlength_s = 1\n[host]\ncpus = 512\n'
        (tmp_path / "large.toml").write_text(text)
        for words in ((), ("--dry-run",)):
            told = refused(tmp_path, 1, "sweep", "large.toml", *words)
            assert "has 512 CPU, this machine only" in told


class TestUploads:
    def refused(self, upload: Path | str, folder: Path) -> str:
        for command in (("probe",), ("cut", "--out", "out", *CLIPS)):
            told = refused(folder, 1, *command, upload)
        return told

    def test_a_missing_one(self, tmp_path: Path) -> None:
        assert "none.mp4 does not exist" in self.refused("none.mp4", tmp_path)

    def test_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "folder.mp4").mkdir()
        assert "folder.mp4" in self.refused("folder.mp4", tmp_path)

    def test_one_without_a_video_stream(self, make: Any, tmp_path: Path) -> None:
        sound = make("sound.m4a", "-map", "1:a", "-c:a", "aac")
        assert "has no video stream" in self.refused(sound, tmp_path)

    def test_one_that_lost_its_end_and_its_index(self, small: Path, tmp_path: Path) -> None:
        content = small.read_bytes()
        (tmp_path / "half.mp4").write_bytes(content[: len(content) // 2])
        assert "half.mp4 is cut short or damaged" in self.refused("half.mp4", tmp_path)

    def test_one_that_is_text(self, tmp_path: Path) -> None:
        (tmp_path / "text.mp4").write_text("no film at all\n" * 1000)
        assert "text.mp4" in self.refused("text.mp4", tmp_path)

    def test_an_empty_one(self, tmp_path: Path) -> None:
        (tmp_path / "empty.mp4").touch()
        assert "empty" in self.refused("empty.mp4", tmp_path)

    @pytest.mark.parametrize("text", ["#EXTM3U\n{}\n", "ffconcat version 1.0\nfile {}\n"])
    def test_a_list_of_other_files(self, text: str, small: Path, tmp_path: Path) -> None:
        """A playlist would have ffmpeg read whatever it names."""
        (tmp_path / "list.mp4").write_text(text.format(small))
        assert "list.mp4" in self.refused("list.mp4", tmp_path)

    def test_real_duds(self, real_dud: Any, tmp_path: Path) -> None:
        path, _ = real_dud
        assert path.name in self.refused(path, tmp_path)

    def test_one_that_lost_its_end_alone_gives_the_clips_that_are_there(
        self, small: Path, make: Any, tmp_path: Path
    ) -> None:
        moved = make("first.mp4", "-c", "copy", "-movflags", "+faststart", source=("-i", small))
        content = moved.read_bytes()
        (tmp_path / "short.mp4").write_bytes(content[: len(content) * 6 // 10])
        (tmp_path / "there.csv").write_text("start_s,duration_s\n0.5,1\n")
        (tmp_path / "lost.csv").write_text("start_s,duration_s\n3.5,0.4\n")
        words = ("cut", "short.mp4", "--out", "out", "--clips")
        refused(tmp_path, 1, *words, "lost.csv")
        ran = clipkit(*words, "there.csv", "--json", cwd=tmp_path)
        assert (ran.code, ran.json["clips"][0]["frames"]) == (0, 25)


class TestRanges:
    def test_a_clip_beyond_the_end_is_an_error_for_all_of_them(
        self, small: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "clips.csv").write_text("start_s,duration_s\n0,1\n3.5,2\n")
        told = refused(tmp_path, 1, "cut", small, "--out", "out", "--clips", "clips.csv")
        assert "clip at 3.5 s for 2 s lies beyond the end" in told
        assert "ends at 4.000 s" in told

    def test_so_are_clips_longer_than_the_upload(self, small: Path, tmp_path: Path) -> None:
        words = ("--count", "12", "--length", "12")
        told = refused(tmp_path, 1, "cut", small, "--out", "out", *words)
        assert "clips of 12 s do not fit" in told


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 kB. Only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "clipkit-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("a small disk can be mounted by root alone")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


class TestOutputs:
    def test_a_full_disk(self, slow: Path, disk: Path) -> None:
        words = ("--count", "1", "--length", "3", "--crf", "1")
        told = refused(disk, 1, "cut", slow, "--out", disk / "a" / "out", *words)
        assert "no space left on the disk of the output folder" in told

    def test_what_fits_on_a_disk_is_kept_when_the_rest_does_not(
        self, slow: Path, disk: Path, tmp_path: Path
    ) -> None:
        clips = tmp_path / "clips.csv"
        clips.write_text("start_s,duration_s\n0,0.04\n0,4\n")
        words = ("--clips", clips, "--crf", "51", "--json")
        ran = clipkit("cut", slow, "--out", disk / "out", *words)
        assert ran.code == 1
        assert "1 of 2 clips" in ran.complaint
        assert "no space left" in ran.complaint
        kept = sorted(entry.name for entry in (disk / "out").iterdir())
        assert kept == ["clip-001.mp4", "manifest.json"]

    def test_a_disk_that_is_read_only(self, small: Path, disk: Path) -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for out in (disk, disk / "a" / "out"):
            told = refused(disk, 1, "cut", small, "--out", out, *CLIPS)
            assert f"cannot write into {out}: Read-only file system" in told

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_that_is_not_ours(self, small: Path, tmp_path: Path) -> None:
        (tmp_path / "theirs").mkdir(mode=0o500)
        told = refused(tmp_path, 1, "cut", small, "--out", "theirs/out", *CLIPS)
        assert "cannot write into" in told

    @pytest.mark.parametrize("out", ["file", "file/below"])
    def test_a_file_where_the_folder_should_be(self, out: str, small: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        told = refused(tmp_path, 1, "cut", small, "--out", out, *CLIPS)
        assert f"cannot write into {tmp_path / out}" in told

    def test_a_name_that_is_too_long(self, small: Path, tmp_path: Path) -> None:
        told = refused(tmp_path, 1, "cut", small, "--out", "x" * 300, *CLIPS)
        assert "File name too long" in told

    def test_results_that_cannot_be_written(self, small: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        ran = clipkit("tune", small, "--results", "file", "--no-report", cwd=tmp_path)
        assert (ran.code, ran.out) == (1, "")
        assert "cannot write into" in ran.complaint


class TestCeilings:
    @pytest.mark.parametrize("memory", ["12M", "8M", "4M", "1M", "4K"])
    def test_one_too_small_for_the_engine(
        self, memory: str, small: Path, tmp_path: Path, real_ceiling: Any
    ) -> None:
        real_ceiling(memory_bytes=1 << 26)  # skips where the kernel enforces none
        told = refused(tmp_path, 1, "cut", small, "--out", "out", *CLIPS, "--memory", memory)
        assert "too little memory" in told

    def test_a_reserve_that_does_not_fit(
        self, small: Path, tmp_path: Path, real_ceiling: Any
    ) -> None:
        real_ceiling(memory_bytes=1 << 26)
        words = ("--memory", "64M", "--reserve", "100M")
        told = refused(tmp_path, 1, "cut", small, "--out", "out", *CLIPS, *words)
        assert "a reserve of 100 MB does not fit into the ceiling of 64 MB: lower --res" in told

    def test_a_job_that_runs_out_of_memory(
        self, slow: Path, tmp_path: Path, real_ceiling: Any
    ) -> None:
        real_ceiling(memory_bytes=1 << 26)
        words = ("--memory", "64M", "--preset", "slower")
        told = refused(tmp_path, 1, "cut", slow, "--out", "out", *CLIPS, *words)
        assert "too little memory: 64 MB leave" in told
        assert "take a host of" in told

    def test_a_job_that_takes_too_long(self, slow: Path, tmp_path: Path) -> None:
        words = ("--timeout", "0.5", "--preset", "placebo")
        told = refused(tmp_path, 1, "cut", slow, "--out", "out", *CLIPS, *words)
        assert "timeout" in told


class TestFfmpeg:
    def test_that_is_missing(self, small: Path, tmp_path: Path) -> None:
        words = ("cut", small, "--out", "out", *CLIPS, "--ffmpeg")
        told = refused(tmp_path, 1, *words, "./none")
        assert "ffmpeg './none' is missing or cannot be run" in told
        told = refused(tmp_path, 1, *words, "system", PATH=str(tmp_path))
        assert "install it" in told and "--ffmpeg bundled" in told

    def test_that_is_none(self, small: Path, tmp_path: Path) -> None:
        words = ("cut", small, "--out", "out", *CLIPS, "--ffmpeg")
        assert "no usable ffmpeg" in refused(tmp_path, 1, *words, "/bin/true")
        assert "no usable ffmpeg" in refused(tmp_path, 1, *words, "/bin/false")

    def test_that_lacks_x264(self, small: Path, build: FfmpegBuild, tmp_path: Path) -> None:
        poor = tmp_path / "poor-ffmpeg"
        poor.write_text(f'#!/bin/sh\n{shlex.quote(build.path)} "$@" | grep -v libx264\n')
        poor.chmod(0o755)
        told = refused(tmp_path, 1, "cut", small, "--out", "out", *CLIPS, "--ffmpeg", poor)
        assert "lacks encoder libx264" in told

    def test_whose_build_fails_at_its_work(
        self, small: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        """It lists x264 and then does not run: each clip says so, and the first is quoted."""
        frail = tmp_path / "frail-ffmpeg"
        run = (
            f'case "$*" in *-crf\\ *) echo "no licence" >&2; exit 3;; esac\nexec {build.path} "$@"'
        )
        frail.write_text(f"#!/bin/sh\n{run}\n")
        frail.chmod(0o755)
        told = refused(tmp_path, 1, "cut", small, "--out", "out", *CLIPS, "--ffmpeg", frail)
        assert "2 of 2 clips" in told
        assert "no licence (ffmpeg ended with exit code 3)" in told
