"""Every notebook from an installed wheel, in a folder that holds nothing, by plain papermill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import inventing_sweep
import nbformat
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb"))


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel, and a folder that was empty before."""

    bin: Path
    cwd: Path

    def run(self, *words: str | Path) -> str:
        """What the command prints on stdout; it must succeed."""
        hermit = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.cwd.parent),
            # Nothing is fetched: whoever tries meets a closed door.
            "http_proxy": "http://127.0.0.1:9",
            "https_proxy": "http://127.0.0.1:9",
        }
        argv = [self.bin / words[0], *words[1:]]
        ran = subprocess.run(
            argv, cwd=self.cwd, env=hermit, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel is built and installed without a package index: what it depends on is here."""
    root = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", root]
    subprocess.run([*pip, *build, REPOSITORY], check=True, timeout=120)
    venv.create(root / "venv", with_pip=False, symlinks=True)
    python = root / "venv" / "bin" / "python"
    (wheel,) = root.glob("clipkit-*.whl")
    subprocess.run(
        [*pip, "--python", python, "install", "--no-index", "--no-deps", wheel],
        check=True,
        timeout=120,
    )
    own = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    # The dependencies of this interpreter, but not its clipkit: a line of a .pth file adds a
    # folder, and not what the .pth files in that folder add.
    depends = Path(own.stdout.strip()) / "depends.pth"
    depends.write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    (root / "empty").mkdir()
    return Installed(root / "venv" / "bin", root / "empty")


@pytest.fixture(scope="module")
def copied(installed: Installed) -> Installed:
    """After `clipkit lab --copy-only`, which is how a user finds the notebooks."""
    installed.run("clipkit", "lab", "--copy-only")
    return installed


def test_the_wheel_is_what_runs_and_holds_every_notebook_and_experiment(copied: Installed) -> None:
    place = copied.run("python", "-c", "import clipkit; print(clipkit.__file__)")
    assert Path(place.strip()).is_relative_to(copied.bin.parent)
    lab = copied.cwd / "clipkit-lab"
    assert sorted(path.stem for path in lab.glob("*.ipynb")) == NOTEBOOKS
    experiments = {path.name for path in (REPOSITORY / "experiments").glob("*.toml")}
    assert {path.name for path in (lab / "experiments").iterdir()} == experiments


def test_the_notebook_that_measures_does(copied: Installed, small: Path) -> None:
    words = ["-p", "video", small, "-p", "budget_minutes", "0.5"]
    assert "data:image/svg+xml" in papermill(copied, "1-measure", *words)
    (campaign,) = (copied.cwd / "results").iterdir()
    assert (campaign / "recommendation.json").is_file()


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name != "1-measure"])
@pytest.mark.parametrize("how", ["-p", "-f"])
def test_every_other_notebook_shows_a_campaign(
    copied: Installed, tmp_path: Path, name: str, how: str
) -> None:
    campaign = inventing_sweep.write(tmp_path / "sweep")
    parameters = tmp_path / "params.yaml"
    parameters.write_text(f"campaign: {json.dumps(str(campaign))}\n", "utf-8")
    words = ["-p", "campaign", campaign] if how == "-p" else ["-f", parameters]
    assert "data:image/svg+xml" in papermill(copied, name, *words)


@pytest.mark.parametrize(
    ("name", "campaign"),
    [
        ("2-explore", "reference-grid"),
        ("3-optimum", "reference-grid"),
        ("4-quick-wins", "quick-wins"),
        ("5-question", "languages"),
    ],
)
def test_without_a_campaign_of_the_users_the_reference_is_shown_and_called_so(
    installed: Installed, tmp_path: Path, name: str, campaign: str
) -> None:
    place = "from clipkit import resources as r; print(r.folder('notebooks'), r.folder('results'))"
    notebooks, results = installed.run("python", "-c", place).split()
    assert Path(results).is_relative_to(installed.bin.parent)
    before = {path: path.stat().st_mtime_ns for path in Path(results).rglob("*")}
    empty = Installed(installed.bin, tmp_path)
    source, output = Path(notebooks, f"{name}.ipynb"), Path("out.ipynb")
    empty.run("python", "-m", "papermill", "--no-progress-bar", source, output)
    # What a notebook tells machines comes before, and shows nothing.
    shown = [one for one in outputs_of(tmp_path / output) if one["data"].get("text/html")]
    first, *outputs = shown
    assert "This is the reference campaign that comes with clipkit" in first["data"]["text/html"]
    assert campaign in first["data"]["text/html"]
    assert "data:image/svg+xml" in json.dumps(outputs)
    assert {path: path.stat().st_mtime_ns for path in Path(results).rglob("*")} == before
    assert {path.name for path in tmp_path.iterdir()} == {"out.ipynb", "figures"}
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"out"}


def test_the_reference_tuning_is_in_the_wheel_and_can_be_shown(installed: Installed) -> None:
    """Without samples: memory over time is a gap that says so."""
    code = (
        "import clipkit; from clipkit.resources import reference, TUNING; "
        "campaign = clipkit.load(reference(TUNING)); print(campaign.recommendation.verdict); "
        "assert not list(campaign.folder.rglob('*.parquet')); campaign._repr_html_()"
    )
    assert "52 s" in installed.run("python", "-c", code)


def test_the_reference_adds_a_few_hundred_kilobytes(installed: Installed) -> None:
    (wheel,) = installed.bin.parents[1].glob("clipkit-*.whl")
    with zipfile.ZipFile(wheel) as file:
        ours = [each for each in file.infolist() if each.filename.startswith("clipkit/_results/")]
    names = {Path(each.filename).parts[2] for each in ours}
    assert names == {
        *("reference-grid", "reference-tune", "quick-wins", "languages", "plans"),
    }
    assert sum(each.compress_size for each in ours) < 400_000


def papermill(copied: Installed, name: str, *words: str | Path) -> str:
    """The executed notebook's text, without an error or a warning in it."""
    source, output = Path("clipkit-lab", f"{name}.ipynb"), Path(f"{name}-out.ipynb")
    copied.run("python", "-m", "papermill", "--no-progress-bar", source, output, *words)
    return json.dumps(outputs_of(copied.cwd / output))


def outputs_of(executed: Path) -> list[Any]:
    """Without an error or a warning in them."""
    document = nbformat.read(executed, as_version=4)
    outputs = [output for cell in document.cells for output in cell.get("outputs", [])]
    assert [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []
    return outputs
