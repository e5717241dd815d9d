import json
import re
import socket
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from planting import planted_in
from running import clipkit, processes_with, start, until

from clipkit.errors import OutputError, ReportError
from clipkit.report.notebooks import lab
from clipkit.resources import folder

NOTEBOOKS = sorted(path.name for path in folder("notebooks").glob("*.ipynb"))
EXPERIMENTS = sorted(path.name for path in folder("experiments").glob("*.toml"))


def test_every_notebook_and_experiment_is_copied(tmp_path: Path):
    copies = lab.copy_notebooks(tmp_path / "lab")
    assert sorted(path.name for path in (tmp_path / "lab").glob("*.ipynb")) == NOTEBOOKS
    assert sorted(path.name for path in tmp_path.glob("lab/experiments/*")) == EXPERIMENTS
    assert copies.kept == ()
    assert copies.first == NOTEBOOKS[0]
    assert lab.copy_notebooks(tmp_path / "lab").copied == ()


def test_what_the_user_changed_is_kept_and_told(tmp_path: Path):
    lab.copy_notebooks(tmp_path)
    (tmp_path / NOTEBOOKS[0]).write_text("mine", "utf-8")
    (tmp_path / EXPERIMENTS[0]).unlink(missing_ok=True)
    copies = lab.copy_notebooks(tmp_path)
    assert (tmp_path / NOTEBOOKS[0]).read_text("utf-8") == "mine"
    assert copies.kept == (Path(NOTEBOOKS[0]),)
    assert f"kept {NOTEBOOKS[0]}: you changed it" in copies.lines()[1]


def test_a_file_of_the_users_own_with_that_name_is_kept(tmp_path: Path):
    (tmp_path / NOTEBOOKS[0]).write_text("mine", "utf-8")
    assert lab.copy_notebooks(tmp_path).kept == (Path(NOTEBOOKS[0]),)


def test_an_older_copy_that_nobody_changed_becomes_the_newer_one(tmp_path: Path):
    lab.copy_notebooks(tmp_path)
    copy_of = tmp_path / NOTEBOOKS[0]
    newest = copy_of.read_bytes()
    copy_of.write_text("of an older clipkit", "utf-8")
    digests = json.loads((tmp_path / ".clipkit" / "copied.json").read_text("utf-8"))
    digests[NOTEBOOKS[0]] = lab.digest_of_copy(copy_of.read_bytes())
    (tmp_path / ".clipkit" / "copied.json").write_text(json.dumps(digests), "utf-8")
    assert lab.copy_notebooks(tmp_path).copied == (Path(NOTEBOOKS[0]),)
    assert copy_of.read_bytes() == newest


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="name another folder"):
        lab.copy_notebooks(tmp_path / "file")


def test_a_python_without_clipkit_is_told_before_a_browser_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    copies = lab.copy_notebooks(tmp_path)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ReportError, match="the notebooks' kernel, /bin/false, cannot work"):
        lab.lab_argv(copies, browser=False, port=None)


def test_the_copies_alone_can_be_had(tmp_path: Path):
    ran = clipkit("lab", tmp_path / "lab", "--copy-only", "--json")
    assert ran.code == 0
    assert ran.json["folder"] == str(tmp_path / "lab")
    assert len(ran.json["copied"]) == len(NOTEBOOKS) + len(EXPERIMENTS)


@pytest.mark.parametrize("words", [["--no-browser"], ["--port", "8888"]])
def test_copies_alone_are_not_opened_anyhow(tmp_path: Path, words: list[str]):
    ran = clipkit("lab", tmp_path / "lab", "--copy-only", *words)
    assert (ran.code, ran.out) == (2, "")
    assert "--copy-only opens nothing" in ran.complaint
    assert not (tmp_path / "lab").exists()


def test_what_cannot_be_opened_promises_nothing_to_a_machine(tmp_path: Path):
    (tmp_path / "cache").touch()
    ran = clipkit("lab", tmp_path, "--no-browser", "--json", CLIPKIT_CACHE=str(tmp_path / "cache"))
    assert (ran.code, ran.out) == (1, "")
    assert "set CLIPKIT_CACHE to a folder with room" in ran.err


def test_a_link_in_the_place_of_a_copy_is_neither_read_nor_written_through(tmp_path: Path):
    (tmp_path / "secret").write_text("mine")
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / NOTEBOOKS[0]).symlink_to(tmp_path / "secret")
    (tmp_path / "lab" / "experiments").symlink_to(tmp_path)
    with pytest.raises(OutputError, match="it is a link, which is not followed"):
        lab.copy_notebooks(tmp_path / "lab")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["lab", "secret"]
    assert (tmp_path / "secret").read_text() == "mine"


def test_jupyterlab_opens_the_first_notebook_with_a_kernel_that_has_clipkit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """And neither of them runs anything that lies in the folder, or where they were started."""
    (tmp_path / "lab").mkdir()
    for place in (tmp_path, tmp_path / "lab"):
        planted_in(place, tmp_path / "ran")
    # Whoever calls clipkit as a module has Python look for that module here.
    monkeypatch.setattr("running.COMMAND", (sys.executable, "-P", "-m", "clipkit"))
    decoy = tmp_path / "jupyter" / "kernels" / "python3"
    decoy.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "decoy", "language": "python"}
    (decoy / "kernel.json").write_text(json.dumps(spec), "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "JUPYTER_PATH": str(tmp_path / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_TOKEN": "secret",
    }
    words = ["lab", tmp_path / "lab", "--no-browser", "--port", port]

    def ask(path: str, /, **data: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/{path}",
            data=json.dumps(data).encode() if data else None,
            headers={"Authorization": "token secret"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (http, above)
            return json.load(answer)

    def answers() -> Any:
        assert process.poll() is None, process.communicate()
        try:
            return ask("status")
        except OSError:
            return None

    with start(*words, cwd=tmp_path, **environment) as process:
        until(answers, 60)
        names = {entry["name"] for entry in ask("contents")["content"]}
        assert set(NOTEBOOKS) <= names
        assert ask("kernelspecs")["kernelspecs"]["python3"]["spec"]["argv"][0] == sys.executable
        opened = {
            "path": NOTEBOOKS[0],
            "type": "notebook",
            "name": "",
            "kernel": {"name": "python3"},
        }
        kernel = ask("sessions", **opened)["kernel"]["id"]
        until(lambda: processes_with(kernel))
        (pid,) = processes_with(kernel)
        assert Path(f"/proc/{pid}/cwd").readlink() == tmp_path / "lab"
        first = f"http://127.0.0.1:{port}/?token=secret"
        with urllib.request.urlopen(first, timeout=10) as shown:
            assert urllib.parse.urlsplit(shown.geturl()).path == f"/lab/tree/{NOTEBOOKS[0]}"
            told = re.search(
                r'id="jupyter-config-data"[^>]*>(.*?)</script>', shown.read().decode(), re.S
            )
        assert told is not None
        # It asks whether one would like to get news.
        asks = "@jupyterlab/apputils-extension:announcements"
        assert asks in json.loads(told[1])["disabledExtensions"]
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert list((tmp_path / "ran").iterdir()) == []
    assert "[I " not in said
    assert "[W " not in said
    until(lambda: not processes_with(str(tmp_path / "runtime")))
