"""`clipkit backends`: what is declared, what is built, what is missing, and what runs."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from inventing_backends import MAKE, cargo_lock, declare, npm_lock
from running import Ran, clipkit, finish, start, until

from clipkit.backends.declared import read_backends
from clipkit.errors import BackendError

NOT_THERE = [{"program": "no-such-compiler", "at_least": "1.2"}]


@pytest.fixture
def backends(tmp_path: Path) -> Path:
    return tmp_path / "backends"


def call(backends: Path, *words: str, **environment: str) -> Ran:
    return clipkit("backends", *words, CLIPKIT_BACKENDS=str(backends), **environment)


def listed(backends: Path) -> dict[str, Any]:
    (found,) = call(backends, "list", "--json").json["backends"]
    return dict(found)


class TestList:
    def test_each_is_told_with_its_versions(self, backends: Path) -> None:
        folder = declare(backends / "small")
        assert listed(backends) == {
            "name": "small",
            "built": False,
            "command": [sys.executable, str(folder / "service.py")],
            "runtime": f"Python {sys.version.split()[0]}",
            "libraries": {"fast-lib": "2.1", "slow": "0.3"},
            "missing": [],
        }
        assert "not built" in call(backends, "list").out

    @pytest.mark.parametrize(
        ("write", "lock", "libraries"),
        [
            (npm_lock, "package-lock.json", {"express": "5.3.0"}),
            (cargo_lock, "Cargo.lock", {"axum": "0.8.9", "tower": "0.5.2"}),
        ],
    )
    def test_of_libraries_those_that_it_names_itself(
        self, backends: Path, write: Any, lock: str, libraries: dict[str, str]
    ) -> None:
        write(declare(backends / "small", lock=lock))
        assert listed(backends)["libraries"] == libraries

    def test_a_list_of_requirements_names_them_too(self, backends: Path) -> None:
        folder = declare(backends / "small")
        (folder / "requirements.in").write_text("# the only one\nslow[fast]>=0.2  # x\n", "utf-8")
        assert listed(backends)["libraries"] == {"slow": "0.3"}

    def test_what_is_missing_is_what_to_install(self, backends: Path) -> None:
        declare(backends / "small", needs=NOT_THERE)
        assert listed(backends)["missing"] == ["no-such-compiler 1.2 or later"]

    def test_a_program_that_is_too_old_is_missing_too(self, backends: Path) -> None:
        declare(backends / "small", needs=[{"program": "{python}", "at_least": "99.1"}])
        here = sys.version.split()[0]
        assert listed(backends)["missing"] == [f"Python 99.1 or later (here: {here})"]

    def test_a_folder_that_is_none_is_told(self, backends: Path) -> None:
        ran = call(backends, "list", "--json")
        assert (ran.code, ran.out) == (1, "")
        assert f"CLIPKIT_BACKENDS={backends} is no folder" in ran.complaint

    def test_an_installed_clipkit_finds_the_checkout_that_it_is_called_in(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CLIPKIT_BACKENDS", raising=False)
        monkeypatch.setattr("clipkit.__file__", str(tmp_path / "site-packages/clipkit/a.py"))
        monkeypatch.chdir(tmp_path)
        with pytest.raises(BackendError, match="source checkout, not of an installed"):
            read_backends()
        declare(tmp_path / "experiments" / "backends" / "small")
        assert [backend.name for backend in read_backends()] == ["small"]

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"lock": None}, "no 'lock'"),
            ({"tests": [["x"]]}, "unknown key 'tests': did you mean 'test'?"),
            ({"command": "node main.js"}, "command = 'node main.js' is not of the right form"),
            ({"needs": [{"programme": "x"}]}, "needs = [{'programme': 'x'}] is not of the right"),
            ({"build": [[]]}, "build = [[]] is not of the right form"),
        ],
    )
    def test_a_wrong_declaration_is_told_with_its_key(
        self, backends: Path, changed: dict[str, Any], told: str
    ) -> None:
        folder = declare(backends / "small", **changed)
        ran = call(backends, "list", "--json")
        assert (ran.code, ran.out) == (1, "")
        assert str(folder / "backend.toml") in ran.complaint
        assert told in ran.complaint


class TestBuild:
    def test_what_was_built_is_built(self, backends: Path) -> None:
        declare(backends / "small")
        ran = call(backends, "build", "--json")
        assert ran.code == 0, ran.err
        assert ran.json == {"backends": [{"name": "small", "built": True, "missing": []}]}
        assert listed(backends)["built"]
        assert "built already" in call(backends, "build").err

    @pytest.mark.parametrize("name", ["requirements.lock", "source/main.rs"])
    def test_it_is_not_built_any_more_when_its_files_change(
        self, backends: Path, name: str
    ) -> None:
        folder = declare(backends / "small", sources=["source"])
        (folder / "source").mkdir()
        (folder / "source" / "main.rs").write_text("", "utf-8")
        call(backends, "build")
        assert listed(backends)["built"]
        before_ns = (folder / name).stat().st_mtime_ns
        (folder / name).write_text("other==1\n", "utf-8")
        os.utime(folder / name, ns=(before_ns, before_ns))  # by what it says, not by its time
        assert not listed(backends)["built"]

    def test_what_was_built_by_hand_is_older_than_a_new_lock_file(self, backends: Path) -> None:
        folder = declare(backends / "small")
        (folder / "made").touch()
        assert listed(backends)["built"]
        os.utime(folder / "made", (1, 1))
        assert not listed(backends)["built"]

    def test_a_file_that_no_command_makes_is_written(self, backends: Path) -> None:
        folder = declare(backends / "small", built="out/built", build=[["{python}", "-c", ""]])
        assert call(backends, "build", "small").code == 0
        assert (folder / "out" / "built").exists()

    def test_a_command_that_fails_is_told_and_nothing_is_built(self, backends: Path) -> None:
        fails = ["{python}", "-c", f"{MAKE}; print('reason'); raise SystemExit(3)"]
        declare(backends / "small", build=[fails])
        declare(backends / "well")
        ran = call(backends, "build", "--json")
        assert ran.code == 1
        assert "reason\n" in ran.err
        assert "clipkit: small: {python} -c" in ran.err
        assert "ended with 3" in ran.err
        found = {each["name"]: each["built"] for each in ran.json["backends"]}
        assert found["well"], "the others are built all the same"
        assert "Traceback" not in ran.err

    def test_what_cannot_be_built_is_left_out_unless_it_is_named(self, backends: Path) -> None:
        declare(backends / "small", needs=NOT_THERE)
        ran = call(backends, "build")
        assert (ran.code, ran.out) == (0, "none is built\n")
        assert "small: left out, install no-such-compiler 1.2 or later" in ran.err
        named = call(backends, "build", "small")
        assert (named.code, named.complaint) == (
            1,
            "clipkit: small cannot be built: install no-such-compiler 1.2 or later",
        )

    def test_an_unknown_name_is_wrong_use(self, backends: Path) -> None:
        declare(backends / "small")
        ran = call(backends, "build", "smal")
        assert (ran.code, ran.out) == (2, "")
        assert "unknown backend 'smal': did you mean 'small'?" in ran.complaint

    def test_an_interrupt_ends_what_the_command_started(self, backends: Path) -> None:
        script = "import subprocess, sys; subprocess.run(['sleep', '98.76'])"
        declare(backends / "small", build=[["{python}", "-c", script]])
        words = ("backends", "build", "--json")
        with start(*words, CLIPKIT_BACKENDS=str(backends)) as process:
            until(_sleeping)
            process.send_signal(signal.SIGINT)
            ran = finish(process)
        assert (ran.code, ran.out) == (130, "")
        until(lambda: not _sleeping(), patience_s=5)


def _sleeping() -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if file.read_bytes() == b"sleep\x0098.76\x00":
                found.append(file.parent.name)
        except OSError:
            continue
    return found


class TestDoctorAndCheck:
    def test_one_that_starts_and_is_well(self, backends: Path) -> None:
        declare(backends / "small")
        call(backends, "build")
        ran = call(backends, "doctor", "--json")
        assert ran.code == 0
        (found,) = ran.json["backends"]
        assert found["health"]["backend"] == "small"
        assert 0 < found["health_after_s"] < 15
        assert [program["enough"] for program in found["programs"]] == [True]
        assert "it starts and is well" in call(backends, "doctor").out

    @pytest.mark.parametrize(
        ("script", "why"),
        [
            ("print('hello', flush=True)", "does not answer"),
            ("raise SystemExit('no memory left')", "it ended without listening: no memory left"),
        ],
    )
    def test_one_that_is_built_and_does_not_start_is_a_failure(
        self, backends: Path, script: str, why: str
    ) -> None:
        declare(backends / "small", command=["{python}", "-c", script])
        call(backends, "build")
        ran = call(backends, "doctor", "--json")
        assert ran.code == 1
        assert why in ran.json["backends"][0]["why"]

    def test_one_that_is_not_built_is_none(self, backends: Path) -> None:
        declare(backends / "small", needs=NOT_THERE)
        ran = call(backends, "doctor")
        assert ran.code == 0
        assert "no  no-such-compiler, at least 1.2: missing" in ran.out
        assert "install no-such-compiler 1.2 or later, then clipkit backends build" in ran.out

    def test_lint_and_tests_are_its_own(self, backends: Path) -> None:
        well = {"lint": [["{python}", "-c", "print('linted')"]]}
        declare(backends / "small", **well, test=[["{python}", "-c", "raise SystemExit(1)"]])
        declare(backends / "well", **well)
        declare(backends / "without", needs=NOT_THERE)
        ran = call(backends, "check", "--json")
        assert ran.code == 1
        assert "linted" in ran.err
        assert ran.json["backends"] == [
            {"name": "small", "lint": "passed", "test": "failed"},
            {"name": "well", "lint": "passed", "test": "passed"},
            {"name": "without", "lint": "left out", "test": "left out"},
        ]
        assert call(backends, "check", "well").code == 0


class TestRun:
    def test_it_serves_until_it_is_interrupted(self, backends: Path) -> None:
        declare(backends / "small")
        call(backends, "build")
        words = ("backends", "run", "small", "--port", "0")
        with start(*words, CLIPKIT_BACKENDS=str(backends), DATA_DIR="") as process:
            assert process.stdout is not None
            listening = json.loads(process.stdout.readline())
            data = Path(listening["data"])
            assert data.is_dir()
            process.send_signal(signal.SIGINT)
            ran = finish(process)
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["event"] == "ended", "it ended by itself, told once"
        assert f"its files are in {data}" in ran.err
        assert not data.exists(), "a temporary folder is gone"

    def test_the_environment_is_the_services(self, backends: Path, tmp_path: Path) -> None:
        declare(backends / "small")
        call(backends, "build")
        ran = call(backends, "run", "small", MAX_CLIPS="many", DATA_DIR=str(tmp_path))
        assert (ran.code, ran.out) == (2, "")
        assert "MAX_CLIPS=many is no number" in ran.err
        assert tmp_path.exists()

    def test_one_that_is_not_built_says_what_to_type(self, backends: Path) -> None:
        declare(backends / "small")
        ran = call(backends, "run", "small")
        assert (ran.code, ran.out) == (1, "")
        assert "small is not built: type clipkit backends build small" in ran.err

    def test_no_port_is_wrong_use(self, backends: Path) -> None:
        declare(backends / "small")
        assert call(backends, "run", "small", "--port", "70000").code == 2
