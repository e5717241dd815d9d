"""The command line: exit codes, stdout for results alone, and a clean end whoever stops it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import COMMAND, clipkit, engine_of, ffmpegs_in, finish, groups_of, start, until

from clipkit import __version__, arguments
from clipkit.cli import COMMANDS, parser_of
from clipkit.settings import knobs

# An ffmpeg that is busy for minutes, so that there is something to stop.
ENDLESS = ("--count", "4", "--length", "3", "--preset", "placebo", "--concurrency", "2")


def test_what_is_to_be_typed_next_can_be_typed_where_clipkit_was_called_as_a_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(sys, "argv", [str(Path(arguments.__file__).with_name("__main__.py"))])
    ran = subprocess.run(
        [*arguments.program(), "--version"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout.split()[-1:]) == (0, [__version__])


class TestExitCodes:
    @pytest.mark.parametrize("words", [("--help",), ("--version",), ("cut", "--help"), ("hosts",)])
    def test_what_is_asked_for_ends_with_0(self, words: tuple[str, ...]) -> None:
        ran = clipkit(*words)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out

    @pytest.mark.parametrize("module", COMMANDS)
    def test_a_module_that_is_loaded_by_itself_adds_the_commands_it_is_said_to(
        self, module: str
    ) -> None:
        told = parser_of([module]).format_usage() + parser_of([module]).format_help()
        listed = re.findall(r"^    ([a-z-]+)", told, re.MULTILINE)
        assert tuple(listed) == COMMANDS[module]

    def test_a_command_loads_neither_the_others_nor_what_it_takes_itself_once_it_is_parsed(
        self,
    ) -> None:
        script = (
            "import sys; from clipkit.cli import parse_words\n"
            "parse_words(['cut', 'film.mp4', '--out', 'clips'])\n"
            "print(*(name for name in sys.modules if name.startswith('clipkit.')))"
        )
        ran = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        stations = {name.split(".")[1] for name in ran.stdout.split()}
        assert "clipkit.commands.cut" in ran.stdout.split()
        assert "clipkit.commands.tune" not in ran.stdout.split()
        assert not stations & {"trial", "plan", "records", "tuning", "campaign", "report"}

    def test_clipkit_alone_says_what_it_can_do(self) -> None:
        ran = clipkit()
        assert (ran.code, ran.err) == (0, "")
        assert ran.out == clipkit("--help").out

    @pytest.mark.parametrize(
        ("words", "meant"),
        [
            ("cutt", "unknown command 'cutt': did you mean 'cut'?"),
            ("reprot x", "unknown command 'reprot': did you mean 'report'?"),
            ("fly", "legal are: tune, sweep, merge, cut"),
            ("--verison", "unknown option '--verison': did you mean '--version'?"),
            ("tune --budgett 3", "unknown option '--budgett': did you mean '--budget'?"),
            ("cut film.mp4 --ot clips", "unknown option '--ot': did you mean '--out'?"),
            ("cut --threads=2", "'--encoder-threads', '--decoder-threads' or '--filter-threads'?"),
            ("cut film.mp4 --out o -q", "unrecognized arguments: -q"),
            ("tune --baseline sktch", "'sktch' is not legal; legal are: sketch, fluent, command"),
        ],
    )
    def test_what_is_misspelt_is_told_with_what_was_meant(self, words: str, meant: str) -> None:
        ran = clipkit(*words.split())
        assert (ran.code, ran.out) == (2, "")
        assert meant in ran.complaint

    def test_a_long_option_may_be_cut_short_and_a_value_begin_with_dashes(
        self, tmp_path: Path
    ) -> None:
        words = ("tune", "--bud", "0", "--command", "--no-such {thing}")
        assert "--budget 0 is no number of minutes" in clipkit(*words, cwd=tmp_path).complaint

    def test_it_knows_its_version(self) -> None:
        assert clipkit("--version").out == f"clipkit {__version__}\n"

    @pytest.mark.parametrize(
        "words",
        [
            ("cutt",),
            ("cut",),
            ("cut", "film.mp4"),
            ("hosts", "--nonsense"),
            ("cut", "film.mp4", "--out", "o", "--count", "x", "--length", "1"),
            ("tune", "--budget", "0"),
            ("tune", "--budget", "nan"),
        ],
        ids=" ".join,
    )
    def test_wrong_use_ends_with_2_and_one_line(
        self, words: tuple[str, ...], tmp_path: Path
    ) -> None:
        ran = clipkit(*words, cwd=tmp_path)
        assert (ran.code, ran.out) == (2, "")
        assert ran.complaint
        assert not list(tmp_path.iterdir())

    def test_every_setting_has_its_flag(self) -> None:
        text = clipkit("cut", "--help").out
        for knob in knobs():
            assert f"{knob.flag} " in text

    def test_help_is_printable_in_any_encoding(self) -> None:
        ran = clipkit("cut", "--help", PYTHONIOENCODING="ascii")
        assert (ran.code, ran.err) == (0, "")

    def test_a_reader_that_has_enough_is_no_traceback(self) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        ran = subprocess.run(
            [*COMMAND, "hosts"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
        os.close(writing)
        assert (ran.returncode, ran.stderr) == (1, "")


class TestJson:
    @pytest.mark.parametrize("words", [("hosts",), ("doctor",)])
    def test_one_object_and_nothing_else(self, words: tuple[str, ...]) -> None:
        ran = clipkit(*words, "--json")
        assert ran.code == 0
        assert ran.json
        assert len(ran.out.splitlines()) == 1

    def test_the_hosts_are_in_one_object(self) -> None:
        found = clipkit("hosts", "--json").json
        assert list(found) == ["hosts", "measured"]
        (starter,) = (host for host in found["hosts"] if host["name"] == "render-starter")
        assert (starter["memory_bytes"], starter["cpus"]) == (512 * 2**20, 0.5)

    def test_nothing_where_it_failed(self, tmp_path: Path) -> None:
        ran = clipkit("probe", tmp_path / "none.mp4", "--json")
        assert (ran.code, ran.out) == (1, "")
        assert "none.mp4 does not exist" in ran.complaint

    def test_of_a_probe(self, small: Path) -> None:
        facts = clipkit("probe", small, "--json").json
        assert (facts["path"], facts["frames"], facts["seek"]) == (str(small), 100, "exact")


def test_a_command_imports_only_what_it_needs(small: Path, tmp_path: Path) -> None:
    """`cut` runs on the small host itself: scientific libraries would take a fifth of its memory, and what
    reads hostile bytes is in another process. `concurrent.futures`, with `logging`, takes as long to load as
    starting an ffmpeg."""
    program = (
        "import sys\n"
        "from clipkit.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code, *sorted(sys.modules), file=sys.stderr)\n"
    )
    words = ["cut", str(small), "--out", str(tmp_path / "out"), "--count", "1", "--length", "0.4"]
    ran = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )
    code, *modules = ran.stderr.split()
    assert code == "0"
    heavy = {"pandas", "scipy", "matplotlib", "pyarrow", "papermill", "nbconvert", "IPython"}
    assert not (heavy | {"av", "numpy", "concurrent.futures", "logging"}) & set(modules)


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def stop(request: pytest.FixtureRequest) -> signal.Signals:
    return request.param


class TestInterrupted:
    @pytest.fixture(autouse=True)
    def no_ffmpeg_is_left(self, tmp_path: Path) -> Iterator[None]:
        yield
        assert ffmpegs_in(tmp_path) == []

    def test_a_cut_ends_with_130_and_leaves_nothing(
        self, slow: Path, tmp_path: Path, stop: signal.Signals
    ) -> None:
        out = tmp_path / "out"
        with start("cut", slow, "--out", out, *ENDLESS, "--memory", "2G", "--json") as process:
            until(lambda: len(ffmpegs_in(out)) == 2)
            process.send_signal(stop)
            ran = finish(process)
            assert (ran.code, ran.out) == (130, "")
            assert "interrupted: 4 of 4 clips" in ran.complaint
            assert "cancelled, none was finished" in ran.complaint
            assert ffmpegs_in(tmp_path) == []
        assert groups_of(ran.pid) == []
        assert not out.exists()

    def test_a_cut_keeps_the_clips_that_were_finished(self, slow: Path, tmp_path: Path) -> None:
        out, clips = tmp_path / "out", tmp_path / "clips.csv"
        # one frame is done in no time, four seconds of noise are not
        clips.write_text("start_s,duration_s\n0,0.04\n0,4\n1,2\n")
        words = ("--clips", clips, "--preset", "placebo", "--json")
        with start("cut", slow, "--out", out, *words) as process:
            until((out / "clip-001.mp4").exists)
            until(lambda: ffmpegs_in(out))
            process.send_signal(signal.SIGINT)
            ran = finish(process)
        assert ran.code == 130
        assert [clip["status"] for clip in ran.json["clips"]] == ["ok", "cancelled", "cancelled"]
        assert ran.json["status"] == "cancelled"
        assert sorted(p.name for p in out.iterdir()) == ["clip-001.mp4", "manifest.json"]
        assert "interrupted: 2 of 3 clips" in ran.complaint
        assert "cancelled, 1 finished before and kept" in ran.complaint

    def test_a_tune_keeps_its_records(self, small: Path, tmp_path: Path) -> None:
        words = ("--count", "2", "--length", "1", "--budget", "5", "--no-report", "--json")
        with start("tune", small, *words, "--results", tmp_path, "--as", "mine") as process:
            runs = tmp_path / "mine" / "runs.jsonl"
            until(lambda: runs.exists() and runs.read_bytes().count(b"\n") >= 2)
            process.send_signal(signal.SIGINT)
            ran = finish(process)
        assert (ran.code, ran.out) == (130, ""), ran.err
        assert "interrupted" in ran.err.splitlines()[-1]
        assert "Traceback" not in ran.err
        statuses = [json.loads(line)["status"] for line in runs.read_text().splitlines()]
        assert set(statuses) <= {"ok", "cancelled", "invalid_noise"}
        assert groups_of(ran.pid) == []
        assert not list((tmp_path / "mine").glob(".*"))

    def test_ctrl_c_in_a_terminal_reaches_the_whole_group(self, slow: Path, tmp_path: Path) -> None:
        """The engine is in a session of its own, so that it is told in order and not killed."""
        out = tmp_path / "out"
        words = [*COMMAND, "cut", str(slow), "--out", str(out), *ENDLESS]
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        until(lambda: len(ffmpegs_in(out)) == 2)
        os.killpg(process.pid, signal.SIGINT)
        ran = finish(process)
        assert (ran.code, ran.out) == (130, "")
        assert "cancelled" in ran.complaint
        assert not out.exists()


class TestKilled:
    def test_ffmpeg_dies_with_clipkit_and_the_next_start_sweeps_up(
        self, slow: Path, small: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        with start("cut", slow, "--out", out, *ENDLESS, "--memory", "2G") as process:
            until(lambda: len(ffmpegs_in(out)) == 2)
            process.kill()
            process.wait()
            until(lambda: not ffmpegs_in(out))
        assert not list(out.glob("clip-*"))
        assert clipkit("cut", small, "--out", out, "--count", 1, "--length", 0.4).code == 0
        assert groups_of(process.pid) == []
        assert sorted(p.name for p in out.iterdir()) == ["clip-001.mp4", "manifest.json"]

    def test_also_where_the_engine_is_killed_with_it(self, slow: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        with start("cut", slow, "--out", out, *ENDLESS) as process:
            until(lambda: len(ffmpegs_in(out)) == 2)
            engine = engine_of(process.pid)
            process.send_signal(signal.SIGSTOP)  # so that it cannot tidy up
            os.kill(engine, signal.SIGKILL)
            process.kill()
            process.wait()
            until(lambda: not ffmpegs_in(out))

    def test_a_killed_engine_is_told_and_leaves_nothing(self, slow: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        with start("cut", slow, "--out", out, *ENDLESS, "--memory", "2G") as process:
            until(lambda: len(ffmpegs_in(out)) == 2)
            os.kill(engine_of(process.pid), signal.SIGKILL)
            ran = finish(process)
        assert ran.code == 1
        assert "the engine was killed" in ran.complaint
        assert ffmpegs_in(tmp_path) == []
        assert groups_of(ran.pid) == []
        assert not out.exists()
