"""JupyterLab as `clipkit lab` opens it, in a real browser: run all, interrupt, restart, attach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browsing import Notebook, browser, lab
from running import ffmpegs_in, groups_of, processes_with, until

from clipkit.campaign import background, standing
from clipkit.resources import folder as folder_of

FIRST = min(path.name for path in folder_of("notebooks").glob("*.ipynb"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the notebooks are copied to, and campaigns are made."""
    return tmp_path / "lab"


@pytest.fixture
def address(tmp_path: Path, folder: Path) -> Iterator[str]:
    with lab(folder, tmp_path) as address:
        yield address


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Any]:
    with browser(tmp_path / "seen-last.png") as page:
        yield page


def test_the_first_notebook_measures_and_shows_its_pictures(
    page: Any, address: str, folder: Path, small: Path
) -> None:
    page.goto(address)
    notebook = Notebook(page, folder / FIRST)
    parameters = notebook.cell("budget_minutes")
    source = notebook.source(parameters)
    for name, value in {"video": str(small), "budget_minutes": 0.1}.items():
        source = re.sub(rf"(?m)^({name}: \w+ = ).*", rf"\g<1>{value!r}", source)
    notebook.write(parameters, source)
    notebook.run_all()
    pictures = notebook.pictures()
    assert len(pictures) >= 4
    assert all(width > 300 and height > 100 for width, height in pictures)
    cells = notebook.saved()["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert sum("<img" in str(output.get("data")) for output in outputs) == len(pictures)
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert "official Jupyter news" not in page.content()  # nobody is asked whether to get them


def test_a_campaign_outlives_the_cell_that_watches_it_and_the_kernel(
    page: Any, address: str, folder: Path, small: Path
) -> None:
    mine = folder / "mine.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3"}
    empty = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell()], metadata={"kernelspec": kernel}
    )
    nbformat.write(empty, mine)
    page.goto(address.replace(FIRST, mine.name))
    notebook, campaign = Notebook(page, mine), folder / "results" / "long"
    experiment = {
        "name": "long",
        "job": {"uploads": [str(small)], "clips": 2, "length_s": 1},
        "settings": {"concurrency": [1, 2], "encoder_threads": [1, 2]},
        "run": {"blocks": 500},
    }

    watching = notebook.run(
        f"from clipkit import sweep\nhandle = sweep({experiment}, background=True)\nhandle.watch()"
    )
    until(notebook.pictures, 60)
    sweeping = standing.read_standing(campaign).pid
    assert not notebook.has_run(watching)
    notebook.interrupt()
    until(lambda: notebook.has_run(watching))
    assert "The campaign goes on." in notebook.output(watching)
    assert notebook.errors() == []
    _goes_on(campaign)

    notebook.restart()
    _goes_on(campaign)
    again = notebook.run(
        "from clipkit import attach\nhandle = attach('results/long')\nhandle.watch()"
    )
    until(lambda: "of 2000 trials" in notebook.output(again))
    assert standing.read_standing(campaign).pid == sweeping
    notebook.interrupt()
    until(lambda: notebook.has_run(again))

    cancelling = notebook.run("handle.cancel()\nhandle.standing().state")
    until(lambda: notebook.has_run(cancelling))
    assert "'cancelled'" in notebook.output(cancelling)
    assert notebook.errors() == []
    assert not background.is_held(campaign)
    assert processes_with(str(campaign)) == ffmpegs_in(campaign) == groups_of(sweeping) == []


def _goes_on(campaign: Path) -> None:
    """More trials end."""
    done = standing.read_standing(campaign).done
    until(lambda: standing.read_standing(campaign).done > done + 1)
    assert background.is_held(campaign)
