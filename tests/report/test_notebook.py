import importlib
import json
import os
import re
import subprocess
import sys
import typing
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest

from clipkit.errors import NotebookError, ReportError
from clipkit.report.notebooks import execute as notebook
from clipkit.report.notebooks.told import read_found
from clipkit.resources import folder

NOTEBOOKS = sorted(path.stem for path in folder("notebooks").glob("*.py"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_and_its_script_are_in_sync_and_hold_no_outputs(name: str):
    script = jupytext.read(folder("notebooks") / f"{name}.py")
    stored = nbformat.read(folder("notebooks") / f"{name}.ipynb", as_version=4)

    def cells(document):
        return [(c.cell_type, c.source, c.metadata.get("tags", [])) for c in document.cells]

    assert cells(script) == cells(stored)
    assert script.metadata.kernelspec == stored.metadata.kernelspec
    assert stored.metadata.kernelspec.name == "python3"
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count] == []


def test_every_notebook_has_its_script():
    assert sorted(path.stem for path in folder("notebooks").glob("*.ipynb")) == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_papermill_can_explain_every_parameter(name: str):
    declared = papermill.inspect_notebook(folder("notebooks") / f"{name}.ipynb")
    kinds = typing.get_type_hints(asked_by(name))
    assert kinds.pop("NOTEBOOK")
    assert name == asked_by(name).NOTEBOOK
    assert {name: entry["inferred_type_name"] for name, entry in declared.items()} == {
        name: kind.__name__ for name, kind in kinds.items()
    }
    assert [name for name, entry in declared.items() if not entry["help"]] == []


def asked_by(name: str) -> type:
    """The dataclass that a notebook checks its parameters against."""
    script = (folder("notebooks") / f"{name}.py").read_text("utf-8")
    assert "checked_parameters(globals(), Asked)" in script, f"{name} does not check its parameters"
    found = re.search(r"from (clipkit\.report\.notebooks\.\w+) import .*\bAsked\b", script)
    assert found
    asked: type = importlib.import_module(found[1]).Asked
    return asked


def test_a_notebook_is_found_by_its_name_with_and_without_its_number_and_as_a_file(tmp_path: Path):
    ours = folder("notebooks") / "1-measure.ipynb"
    assert notebook.find_notebook("1-measure") == notebook.find_notebook("measure") == ours
    mine = tmp_path / "mine.ipynb"
    mine.touch()
    assert notebook.find_notebook(str(mine)) == mine
    with pytest.raises(NotebookError, match="no notebook"):
        notebook.find_notebook(str(tmp_path / "other.ipynb"))
    with pytest.raises(NotebookError, match="is no notebook"):
        notebook.declared_parameters(mine)


def test_an_unknown_parameter_is_refused_before_anything_runs(tmp_path: Path):
    output = tmp_path / "out.ipynb"
    with pytest.raises(NotebookError, match=r"'campain': did you mean 'campaign'\?"):
        notebook.execute_notebook("1-measure", {"campain": "x"}, output)
    assert not output.exists()


def test_an_unknown_notebook_is_refused(tmp_path: Path):
    with pytest.raises(
        NotebookError, match=r"unknown notebook 'measrue': did you mean '1-measure'"
    ):
        notebook.execute_notebook("measrue", {}, tmp_path / "out.ipynb")


def test_a_failing_notebook_is_kept_with_what_it_had(tmp_path: Path, capfd):
    output = tmp_path / "kept" / "out.ipynb"
    with pytest.raises(ReportError, match="is no campaign") as error:
        notebook.execute_notebook("1-measure", {"campaign": str(tmp_path)}, output)
    assert str(output) in str(error.value)
    kept = nbformat.read(output, as_version=4)
    assert "CampaignError" in json.dumps(kept)
    assert capfd.readouterr() == ("", "")


def test_the_kernel_is_this_interpreter_whatever_is_installed(
    campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    decoy = tmp_path / "jupyter" / "kernels" / "python3"
    decoy.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "decoy", "language": "python"}
    (decoy / "kernel.json").write_text(json.dumps(spec), "utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    # Nor may a module in the user's folder come first.
    (tmp_path / "pandas.py").write_text("raise SystemExit('the wrong pandas')", "utf-8")
    monkeypatch.chdir(tmp_path)
    output = notebook.execute_notebook(
        "1-measure", {"campaign": str(campaign)}, tmp_path / "out.ipynb"
    )
    assert "85.7 s" in output.read_text("utf-8")
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("how", ["-p", "-f"])
def test_plain_papermill_is_refused_a_misspelt_parameter(tmp_path: Path, name: str, how: str):
    (tmp_path / "params.yaml").write_text("campain: x\n", "utf-8")
    words = ["-p", "campain", "x"] if how == "-p" else ["-f", "params.yaml"]
    ran = plain_papermill(tmp_path, name, *words)
    assert ran.returncode != 0
    assert "NotebookError: unknown parameter 'campain': did you mean 'campaign'?" in ran.stderr
    assert (tmp_path / "out.ipynb").is_file()


def test_plain_papermill_is_refused_a_value_of_the_wrong_type(tmp_path: Path):
    ran = plain_papermill(tmp_path, "1-measure", "-p", "budget_minutes", "soon")
    assert ran.returncode != 0
    words = "the parameter budget_minutes = 'soon' must be a number"
    assert f"NotebookError: {words}" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out.ipynb"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("3-optimum", ["-y", "{memory: [256M, 512M], cpus: 2, preset: [superfast]}"]),
        (
            "3-optimum",
            ["-p", "memory", "256M, 512M", "-p", "cpus", "2", "-r", "preset", "superfast"],
        ),
        ("2-explore", ["-y", "{memory: [256M, 512M], cpus: [2], preset: superfast, clip_s: 2}"]),
    ],
)
def test_plain_papermill_takes_lists_numbers_and_text(tmp_path: Path, name: str, words: list[str]):
    grid = str(folder("results") / "reference-grid")
    ran = plain_papermill(tmp_path, name, "-p", "campaign", grid, *words)
    assert ran.returncode == 0, ran.stderr
    told = read_found(notebook.read_notebook(tmp_path / "out.ipynb"))
    assert [each.where.split(":")[0] for each in told] == ["256M-2cpu", "512M-2cpu"]
    assert all("superfast" in each.settings for each in told)


def plain_papermill(cwd: Path, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    source = folder("notebooks") / f"{name}.ipynb"
    argv = [sys.executable, "-m", "papermill", "--no-progress-bar", str(source), "out.ipynb"]
    return subprocess.run(
        [*argv, *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter")},
        check=False,
    )
