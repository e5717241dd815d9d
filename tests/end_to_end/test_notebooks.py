"""Every notebook from an installed wheel, in a folder that holds nothing, by plain papermill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

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


def papermill(copied: Installed, name: str, *words: str | Path) -> str:
    """The executed notebook's text, without an error or a warning in it."""
    source, output = Path("clipkit-lab", f"{name}.ipynb"), Path(f"{name}-out.ipynb")
    copied.run("python", "-m", "papermill", "--no-progress-bar", source, output, *words)
    executed = nbformat.read(copied.cwd / output, as_version=4)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []
    return json.dumps(outputs)
