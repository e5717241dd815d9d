"""`clipkit measure-server`, as a user types it: servers that really run, and what can be wrong with them."""

from __future__ import annotations

import re
import shlex
import signal
import tomllib
from pathlib import Path
from typing import Any

import own_servers
import pytest
import requirements
from running import clipkit, finish, groups_of, processes_with, start, until

from clipkit import load
from clipkit.backends.building import is_built
from clipkit.backends.declared import Backend, backends_named
from clipkit.backends.starting import start_argv
from clipkit.errors import BackendError, UsageError
from clipkit.format import MIB

PAGE = (Path(__file__).resolve().parents[2] / "experiments" / "backends" / "drive.md").read_text(
    "utf-8"
)
DRIVE = Path(__file__).resolve().parents[2] / "experiments" / "backends" / "drive.toml"


@pytest.fixture(scope="module")
def ceiling() -> tuple[str, ...]:
    """The kernel's, whichever it has here."""
    found = clipkit("doctor", "--json").json["chosen"]["mechanism"]
    if found not in ("cgroup1", "cgroup2", "systemd"):
        requirements.missing("ceiling", "no ceiling of the kernel's can be set up here")
    return ("--ceiling", found)


@pytest.fixture
def measure(tmp_path: Path, small: Path, ceiling: tuple[str, ...]) -> Any:
    """`measure(form, start, *words)`: of the small film, in 256 MB, in a folder of its own."""

    def run(form: str, start_words: str, *words: str) -> Any:
        (tmp_path / "drive.toml").write_text(form, "utf-8")
        return clipkit(*asked(small, start_words), *ceiling, *words, cwd=tmp_path)

    yield run
    assert processes_with(f"mark={tmp_path}") == []


@pytest.fixture
def started_by(tmp_path: Path) -> Any:
    """`started_by("exit")`: what starts the tests' own server, known by a mark of this test."""
    return lambda *words: own_servers.start_of(*words, f"mark={tmp_path}")


def asked(film: Path, start_words: str) -> list[str]:
    job = ["--count", "2", "--length", "0.4", "--memory", "256M"]
    life = ["--starts", "2", "--jobs", "2", "--most", "2", "--rest", "0.3", "--as", "mine"]
    return [
        "measure-server",
        str(film),
        "--start",
        start_words,
        "--drive",
        "drive.toml",
        *job,
        *life,
    ]


def block(name: str) -> str:
    """A block of the page by its mark."""
    (text,) = re.findall(rf"<!-- {name} -->\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def built(name: str) -> Backend:
    try:
        (found,) = backends_named([name])
        ready = is_built(found)
    except (BackendError, UsageError):
        ready = False
    if not ready:
        requirements.missing(
            f"backend-{name}", f"{name} is not built: clipkit backends build {name}"
        )
    return found


class TestAnswer:
    def test_its_memory_becomes_the_reserve_of_what_to_type_next(
        self, measure: Any, started_by: Any, small: Path
    ) -> None:
        ran = measure(own_servers.ANSWERS_WHEN_DONE, started_by(), "--json")
        assert ran.code == 0, ran.err
        told = ran.json
        assert told["server"]["start"] == started_by()
        assert told["starts"] == 2
        assert told["told_apart"] == "kernel"
        assert 3 * MIB < told["figures"]["service_rest_bytes"]["low"] < 40 * MIB
        assert told["reserve_bytes"] >= told["figures"]["service_clips_peak_bytes"]["high"]
        assert told["at_once"]["survives"] == 2
        assert told["at_once"]["starts"] == {"1": [True, True], "2": [True, True]}
        typed = shlex.split(told["next"])
        words = typed[typed.index("tune") :]
        assert words[1] == str(small)
        reserve = words[words.index("--reserve") + 1]
        assert int(reserve[:-1]) == -(-told["reserve_bytes"] // MIB)
        command = words[words.index("--command") + 1]
        assert command.startswith(
            "ffmpeg -nostdin -v error -ss {start} -i {input} -y -t {duration}"
        )
        assert clipkit(*words, "--budget", "0").err.startswith("clipkit: --budget 0")

    def test_what_was_measured_is_a_campaign_like_others(
        self, measure: Any, started_by: Any, tmp_path: Path
    ) -> None:
        ran = measure(own_servers.ANSWERS_WITH_THE_CLIP, started_by())
        assert ran.code == 0, ran.err
        heads = [line.split()[0] for line in ran.out.splitlines()]
        assert {"MEMORY", "TIME", "CPU", "NEXT"} <= set(heads)
        assert "HEALTH" not in heads
        folder = tmp_path / "results" / "mine"
        assert ran.out.splitlines()[-1] == "campaign results/mine"
        campaign = load(folder)
        assert set(campaign.table["service_argv"]) == {"own"}
        assert sorted(campaign.cells["concurrency"]) == [1, 2]
        described = tomllib.loads((folder / "experiment.toml").read_text("utf-8"))
        assert described["drive"]["order"]["path"] == "/clip"
        again = measure(own_servers.ANSWERS_WITH_THE_CLIP, started_by())
        assert again.code == 0
        assert len(load(folder).table) == len(campaign.table)
        compared = clipkit("compare", folder, folder, "--json")
        assert compared.code == 0, compared.err
        report = clipkit("report", folder)
        assert report.code == 0, report.err
        assert "mine" in (folder / "report.html").read_text("utf-8")

    def test_one_that_cannot_be_told_how_many_has_a_report_all_the_same(
        self, measure: Any, started_by: Any, tmp_path: Path
    ) -> None:
        form = own_servers.IS_ASKED.replace('WORKERS = "{concurrency}"', "")
        ran = measure(form, started_by())
        assert ran.code == 0, ran.err
        assert "as the server has it: nothing in drive.toml tells it how many" in ran.out
        folder = tmp_path / "results" / "mine"
        assert len(load(folder).table) == 2
        report = clipkit("report", folder)
        assert report.code == 0, report.err

    def test_a_server_that_too_many_at_once_end_has_an_edge(
        self, started_by: Any, tmp_path: Path, slow: Path, ceiling: tuple[str, ...]
    ) -> None:
        (tmp_path / "drive.toml").write_text(own_servers.ANSWERS_WITH_THE_CLIP, "utf-8")
        words = asked(slow, started_by("crowd=1"))
        ran = clipkit(*words, "--length", "1", "--json", *ceiling, cwd=tmp_path)
        assert ran.code == 0, ran.err
        at_once = ran.json["at_once"]
        assert (at_once["survives"], at_once["fails"]) == (1, 2)
        assert "the client was told: connection broken off" in at_once["how"]
        assert "back in " in at_once["how"]


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("word", "said"),
        [
            ("exit", "Cannot find module 'express'"),
            ("413", "drive.toml [upload] path: POST /film answered 413: at most 1 kB"),
            ("keyless", "no 'data' in the answer; it has the keys ok, name"),
        ],
    )
    def test_a_server_that_cannot_be_measured_is_told_and_leaves_no_campaign(
        self, measure: Any, started_by: Any, tmp_path: Path, word: str, said: str
    ) -> None:
        ran = measure(own_servers.IS_ASKED, started_by(word), "--json")
        assert (ran.code, ran.out) == (1, "")
        assert said in ran.complaint
        assert not (tmp_path / "results").exists()

    def test_a_mistake_in_the_description_is_wrong_use(self, measure: Any, started_by: Any) -> None:
        ran = measure(own_servers.IS_ASKED.replace("[order]", "[oder]"), started_by())
        assert ran.code == 2
        assert "drive.toml: oder: unknown key: did you mean 'order'?" in ran.complaint

    @pytest.mark.parametrize("words", ["nodde server.js", "./no-such-file", "'unclosed", ""])
    def test_what_cannot_be_started_is_wrong_use(self, measure: Any, words: str) -> None:
        ran = measure(own_servers.IS_ASKED, words)
        assert ran.code == 2
        assert ran.complaint

    def test_no_shell_is_given_the_command(self, measure: Any, tmp_path: Path) -> None:
        ran = measure(own_servers.IS_ASKED, "true; touch made; echo $(touch made)")
        assert ran.code == 2
        assert not (tmp_path / "made").exists()

    def test_an_interrupt_leaves_neither_process_nor_group(
        self, started_by: Any, tmp_path: Path, slow: Path, ceiling: tuple[str, ...]
    ) -> None:
        (tmp_path / "drive.toml").write_text(own_servers.ANSWERS_WITH_THE_CLIP, "utf-8")
        words = asked(slow, started_by())
        with start(*words, "--length", "2", *ceiling, cwd=tmp_path) as process:
            until(lambda: set(processes_with(f"mark={tmp_path}")) - {process.pid})
            process.send_signal(signal.SIGINT)
            ran = finish(process)
        assert ran.code == 130
        assert "Traceback" not in ran.err
        assert groups_of(ran.pid) == []
        assert processes_with(f"mark={tmp_path}") == []


class TestExamplesOfThePage:
    def test_ours_is_the_file_that_our_services_are_driven_by(self) -> None:
        assert tomllib.loads(block("drive: ours")) == tomllib.loads(DRIVE.read_text("utf-8"))

    @pytest.mark.parametrize("name", ["node", "python", "rust"])
    def test_each_of_our_services_is_measured_as_anybodys(self, measure: Any, name: str) -> None:
        argv = start_argv(built(name))
        form = block("drive: ours").replace(
            'health = "/health"\n', 'name = "theirs"\nhealth = "/health"\n'
        )
        ran = measure(form, shlex.join(argv), "--json")
        assert ran.code == 0, ran.err
        assert ran.json["server"]["name"] == "theirs"
        assert ran.json["at_once"]["survives"] == 2
        assert ran.json["figures"]["service_health_median_s"]["median"] < 0.5
        assert "-c:v libx264" in ran.json["command"]

    def test_the_express_server_is_measured_as_the_page_says(
        self, measure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        libraries = built("node").folder / "node_modules"
        monkeypatch.setenv("NODE_PATH", str(libraries))
        (tmp_path / "server.js").write_text(block("server: express"), "utf-8")
        ran = measure(block("drive: minimal"), "node server.js", "--json")
        assert ran.code == 0, ran.err
        assert ran.json["figures"]["service_rest_bytes"]["low"] > 8 * MIB
        assert ran.json["at_once"]["survives"] == 2
        assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["results"]
