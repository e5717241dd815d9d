"""What the README tells a newcomer to type is what the commands understand."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import inventing_sweep
import pytest
from running import clipkit
from serving_small import small_backends

from clipkit import cli, resources
from clipkit.campaign.experiment_file import parse_experiment, read_experiment_file

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text("utf-8")
PAGES = "\n".join(
    (REPOSITORY / name).read_text("utf-8")
    for name in (
        *("README.md", "experiments/README.md", "experiments/backends/README.md"),
        "notebooks/README.md",
    )
)
"""README and the pages that it links to, beside what they explain."""
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGES, re.MULTILINE | re.DOTALL)
EXPERIMENTS = re.findall(r"^```toml\n(.*?)^```$", PAGES, re.MULTILINE | re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)
    for block in BLOCKS
    for line in block.replace("\\\n", " ").splitlines()
]


PAPERMILL = [
    line for block in BLOCKS for line in block.splitlines() if line.startswith("papermill ")
]


def ids(words: list[str]) -> str:
    return " ".join(words[:2])


@pytest.mark.parametrize("words", [w for w in COMMANDS if w[0] == "clipkit"], ids=ids)
def test_every_clipkit_command_of_the_readme_is_understood(words: list[str]) -> None:
    assert cli.parse_words(words[1:]).handler


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    """A folder with all that the README's lines name, made by its own line `clipkit lab`."""
    folder = tmp_path_factory.mktemp("readme")
    (copying,) = [words for words in COMMANDS if words[:2] == ["clipkit", "lab"] and words[2:]]
    assert clipkit(*copying[1:], cwd=folder).code == 0
    shutil.copy(small, folder / "my.mp4")
    for name in ("grid", "quick-wins"):
        inventing_sweep.write(folder / "results" / name)
    (parameters,) = re.findall(r"^```yaml\n(.*?)^```$", PAGES, re.MULTILINE | re.DOTALL)
    (folder / "params.yaml").write_text(parameters, "utf-8")
    (folder / "other.yaml").write_text("campaign: results/quick-wins\n", "utf-8")
    return folder


@pytest.mark.parametrize("line", PAPERMILL, ids=lambda line: " ".join(line.split()[1:3]))
def test_every_papermill_line_of_the_readme_runs_word_for_word(laid_out: Path, line: str) -> None:
    output = laid_out / line.split()[2]
    output.unlink(missing_ok=True)
    here = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": here, "JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter")}
    ran = subprocess.run(
        ["bash", "-c", line],
        cwd=laid_out,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "data:image/svg+xml" in output.read_text("utf-8")


def test_the_batch_of_the_readme_ends_in_the_page_that_it_names(laid_out: Path) -> None:
    (words,) = [words for words in COMMANDS if words[:2] == ["clipkit", "batch"]]
    assert clipkit(*words[1:], cwd=laid_out).code == 0
    (named,) = re.findall(r"`(batch-[^`]*/index\.html)`", PAGES)
    assert (laid_out / named).read_text("utf-8").count('src="data:image/') == 2


def test_every_notebook_is_among_the_papermill_lines_of_the_readme() -> None:
    named = {Path(line.split()[1]).name for line in PAPERMILL}
    assert named == {path.name for path in resources.folder("notebooks").glob("*.ipynb")}


def test_the_experiment_of_the_readme_is_the_one_that_clipkit_brings_along() -> None:
    file = resources.folder("experiments") / "grid.toml"
    assert parse_experiment(EXPERIMENTS[0], file).factors == read_experiment_file(file).factors


def test_every_other_one_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backends = small_backends(tmp_path, node=(), python=())
    monkeypatch.setenv("CLIPKIT_BACKENDS", str(backends))
    (services,) = (parse_experiment(text, tmp_path / "shown.toml") for text in EXPERIMENTS[1:])
    assert services.factors["service"] == ("node", "python")
    assert services.factors["environment"] == (None, "UPLOAD_TO=memory")


def test_the_python_of_the_readme_runs_word_for_word(small: Path, tmp_path: Path) -> None:
    """On a smaller experiment of the same name."""
    (shown,) = re.findall(r"^```python\n(.*?)^```$", PAGES, re.MULTILINE | re.DOTALL)
    shutil.copytree(REPOSITORY / "results" / "reference-grid", tmp_path / "results/reference-grid")
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "grid.toml").write_text(
        f'[job]\nuploads = "{small}"\nclips = 1\nlength_s = 1\n[run]\nblocks = 2\n', "utf-8"
    )
    ran = subprocess.run(
        [sys.executable, "-c", shown], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_each_of_the_two_first_commands_sets_up_everything_by_itself() -> None:
    first, second = (" ".join(words) for words in COMMANDS[:2])
    assert first.startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert first.endswith("&& .venv/bin/clipkit tune")
    assert second.startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert "&& .venv/bin/pytest" in second


def test_the_dev_extra_holds_what_the_test_command_needs() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert any(entry.startswith("pytest") for entry in project["dependencies"])
    assert {"mypy", "pytest-xdist", "ruff"} <= {
        re.split(r"[><=]", entry)[0] for entry in project["optional-dependencies"]["dev"]
    }


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len(README.splitlines()) <= 150


def test_every_page_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGES)
    assert links
    for link in links:
        names = ("", "experiments", "experiments/backends", "notebooks")
        places = [REPOSITORY / name for name in names]
        assert any((place / link).exists() for place in places), link
