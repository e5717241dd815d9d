"""Where a notebook's pictures and files go, with real kernels: never into a campaign that it looks at."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from kernels import kernel
from nbformat.v4 import new_code_cell, new_notebook

from clipkit.report.notebooks.execute import execute_notebook
from clipkit.resources import folder, reference

KERNELS = {"JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter")}
SAY = """
from clipkit.report.notebooks import place
print(place.figures())
print(place.beside())
"""


def papermill(cwd: Path, *words: str | Path, **environment: str) -> str:
    """What papermill, started in that folder, prints; it must succeed."""
    argv = [sys.executable, "-P", "-m", "papermill", "--no-progress-bar", *map(str, words)]
    ran = subprocess.run(
        argv,
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | KERNELS | environment,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture
def saying(tmp_path: Path) -> Path:
    """A notebook that prints where its pictures and its files go."""
    document = new_notebook(cells=[new_code_cell(SAY)])
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document.metadata.kernelspec = spec
    (tmp_path / "in").mkdir()
    nbformat.write(document, tmp_path / "in" / "say.ipynb")
    return tmp_path / "in" / "say.ipynb"


def said(executed: Path | str) -> list[Path]:
    """What it printed: the folder for pictures, that for files."""
    text = executed if isinstance(executed, str) else executed.read_text("utf-8")
    cell = json.loads(text)["cells"][-1]
    return [Path(line) for line in "".join(cell["outputs"][0]["text"]).splitlines()]


def test_under_papermill_they_go_beside_its_output(saying: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    papermill(tmp_path, "-k", "python3", "in/say.ipynb", "out/mine.ipynb", "-p", "unused", "1")
    assert said(tmp_path / "out" / "mine.ipynb") == [
        tmp_path / "out" / "figures" / "mine",
        tmp_path / "out",
    ]


def test_also_where_papermill_changes_its_folder_or_fills_in_names(
    saying: Path, tmp_path: Path
) -> None:
    words = ("in/say.ipynb", "say-{memory}.ipynb", "-p", "memory", "512M", "--cwd", "in")
    papermill(tmp_path, *words, PWD=str(tmp_path))
    assert said(tmp_path / "say-512M.ipynb") == [tmp_path / "figures" / "say-512M", tmp_path]


def test_without_an_output_they_go_where_papermill_stands(saying: Path, tmp_path: Path) -> None:
    printed = papermill(tmp_path, "in/say.ipynb", "-")
    assert said(printed) == [tmp_path / "figures" / "say", tmp_path]


def test_papermill_in_a_notebook_of_jupyterlab_is_papermill(saying: Path, tmp_path: Path) -> None:
    papermill(tmp_path, "in/say.ipynb", "mine.ipynb", JPY_SESSION_NAME="/elsewhere/lab.ipynb")
    assert said(tmp_path / "mine.ipynb") == [tmp_path / "figures" / "mine", tmp_path]


def test_in_jupyterlab_they_go_beside_the_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "lab" / "2-explore-mine.ipynb"))
    with kernel(tmp_path) as notebook:
        printed = notebook.run(SAY).printed.splitlines()
    lab = tmp_path / "lab"
    assert printed == [str(lab / "figures" / "2-explore-mine"), str(lab)]


def test_where_nobody_tells_they_go_into_the_current_folder_by_the_notebooks_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with kernel(tmp_path) as notebook:
        code = (
            'campaign = ""\n'
            "from clipkit.report.notebooks.parameters import checked_parameters\n"
            "from clipkit.report.notebooks.quick_wins import Asked\n"
            "checked_parameters(globals(), Asked)\n"
        )
        printed = notebook.run(code + SAY).printed.splitlines()
    assert printed[-2:] == [str(tmp_path / "figures" / "4-quick-wins"), str(tmp_path)]


def test_what_clipkit_executes_is_told_where(saying: Path, tmp_path: Path) -> None:
    output = tmp_path / "with $HOME {braces}" / "notebooks" / "mine.ipynb"
    execute_notebook(str(saying), {}, output)
    assert said(output) == [output.parent / "figures" / "mine", output.parent]
    execute_notebook(str(saying), {}, output, beside=output.parents[1])
    assert said(output) == [output.parents[1] / "figures" / "mine", output.parents[1]]


def test_outside_a_notebook_no_picture_is_saved(tmp_path: Path) -> None:
    code = "from clipkit.report.notebooks import place; print(place.figures())"
    printed = subprocess.check_output([sys.executable, "-P", "-c", code], text=True, cwd=tmp_path)
    assert printed == "None\n"


def digests(campaign: Path) -> dict[str, str]:
    return {
        str(path.relative_to(campaign)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in campaign.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("name", "parameters", "files"),
    [
        ("3-optimum", ("-p", "memory", "512M"), {"clipkit.toml"}),
        ("2-explore", ("-p", "memory", "512M, 256M", "-p", "preset", "ultrafast"), set()),
    ],
)
def test_a_narrowed_view_leaves_the_campaign_as_it_is_and_its_pictures_beside_its_output(
    tmp_path: Path, name: str, parameters: tuple[str, ...], files: set[str]
) -> None:
    campaign = tmp_path / "results" / "reference-grid"
    shutil.copytree(reference("reference-grid"), campaign)
    before = digests(campaign)
    (tmp_path / "views").mkdir()
    source = folder("notebooks") / f"{name}.ipynb"
    papermill(tmp_path, source, "views/small.ipynb", "-p", "campaign", campaign, *parameters)
    assert digests(campaign) == before
    views = tmp_path / "views"
    assert {path.name for path in views.iterdir()} == {"small.ipynb", "figures"} | files
    assert {path.name for path in (views / "figures").iterdir()} == {"small"}
    assert (views / "figures" / "small" / "heat-1.png").stat().st_size > 5000
    page = (views / "small.ipynb").read_text("utf-8")
    pictures = re.findall(r'<img src=\\"data:image/svg\+xml[^>]*>', page)
    assert pictures
    assert [picture for picture in pictures if "Shown: only " not in picture] == []
    assert {path.name for path in tmp_path.iterdir()} == {"results", "views"}
