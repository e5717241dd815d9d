"""A clipkit with two settings and a column more: nothing that was measured is lost, and all that is said
of it stays the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from stored_campaigns import NAMES, SWEEPS

from clipkit.errors import CampaignError
from clipkit.records.folder import read_records
from clipkit.records.table import read_table

REPOSITORY = Path(__file__).resolve().parents[2]
AS_BEFORE = """    hidden_sound: str = _knob(
        "refuse", "what to do with a hidden sound", choices=("refuse", "allow")
    )
    hidden_margin: int | None = _knob(
        None, "seconds around the hidden part", low=0, high=9, absent="as the container has it"
    )
"""
"""Two settings at whose defaults everything was measured until now."""
OTHERWISE = AS_BEFORE.replace('None, "seconds', '4, "seconds').replace(
    ', absent="as the', ', first=None, absent="as the'
)
"""The second one has a new default, and is told what held before it."""
COLUMN = """    gpu_s: float | None = _measured("CPU time of another kind")
"""
NEW = {"hidden_sound", "hidden_margin", "gpu_s"}


@dataclass(frozen=True)
class House:
    """A copy of the package, its notebooks, experiments and campaigns, and what it says."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def environment(self) -> dict[str, str]:
        tests = REPOSITORY / "tests"
        return os.environ | {"PYTHONPATH": f"{self.folder}{os.pathsep}{tests}"}

    def run(self, *words: str | Path, code: int = 0) -> str:
        """What it prints on stdout, or where it has to fail, its complaint."""
        ran = subprocess.run(
            [sys.executable, "-P", *map(str, words)],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == code, ran.stderr
        return ran.stderr if code else ran.stdout

    def clipkit(self, *words: str | Path, code: int = 0) -> str:
        return self.run("-m", "clipkit", *words, code=code)

    def told(self) -> dict[str, Any]:
        said = json.loads(self.run(Path(__file__).with_name("what_it_says.py"), self.results))
        assert Path(said["clipkit"]).is_relative_to(self.folder)
        return dict(said)


def build(folder: Path, settings: str = "", column: str = "") -> House:
    for part in ("clipkit", "notebooks", "experiments", "results"):
        shutil.copytree(
            REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    for module, mark, more in (
        ("settings.py", "    ffmpeg: str = _knob(", settings),
        ("records/record.py", "    started_utc: str = _column(", column),
    ):
        file = folder / "clipkit" / module
        text = file.read_text("utf-8")
        assert text.count(mark) == 1
        file.write_text(text.replace(mark, more + mark), "utf-8")
    return House(folder)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the clipkit of today says."""
    return build(tmp_path_factory.mktemp("before") / "house").told()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return build(tmp_path_factory.mktemp("after") / "house", AS_BEFORE, COLUMN)


@pytest.fixture(scope="module")
def after(house: House) -> dict[str, Any]:
    return house.told()


@pytest.fixture(scope="module")
def otherwise(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return build(tmp_path_factory.mktemp("otherwise") / "house", OTHERWISE, COLUMN).told()


def without_new(found: Any) -> Any:
    """The same but for the new settings."""
    if isinstance(found, dict):
        return {key: without_new(value) for key, value in found.items() if key not in NEW}
    if isinstance(found, list):
        return [without_new(entry) for entry in found]
    if isinstance(found, str):
        return "".join(
            line
            for line in found.splitlines(keepends=True)
            if line.partition(" = ")[0] not in NEW  # of a TOML
        )
    return found


def test_the_new_settings_and_the_new_column_are_there(after: dict[str, Any]):
    names = after["columns"]
    assert names.index("hidden_margin") == names.index("ffmpeg") - 1
    assert names.index("gpu_s") == names.index("started_utc") - 1


@pytest.mark.parametrize("name", NAMES)
class TestEveryCampaignInGit:
    def test_is_read_with_what_it_lacks_filled_in(self, after: dict[str, Any], name: str):
        for subject, row in after["campaigns"][name]["rows_by"].items():
            assert row["hidden_sound"] == ("refuse" if subject == "clipkit" else None)
            assert (row["hidden_margin"], row["gpu_s"]) == (None, None)

    def test_says_what_it_said(self, before: dict[str, Any], after: dict[str, Any], name: str):
        old, new = (without_new(said["campaigns"][name]) for said in (before, after))
        assert new.keys() == old.keys()
        for what in old:
            assert new[what] == old[what], what

    def test_recommends_what_it_recommended(
        self, before: dict[str, Any], after: dict[str, Any], name: str
    ):
        assert before["optima"][name]
        assert without_new(after["optima"][name]) == before["optima"][name]

    def test_is_compared_with_itself_by_the_command(self, house: House, name: str):
        said = house.clipkit("compare", f"results/{name}", f"results/{name}")
        assert "B takes 1.00x the time of A" in said

    def test_has_a_report(self, house: House, name: str):
        """Which executes its notebooks."""
        said = json.loads(house.clipkit("report", f"results/{name}", "--json"))
        page = Path(said["report"]).read_text("utf-8")
        assert page.count("data:image/svg+xml;base64,") >= 3
        executed = list((house.results / name / "notebooks").glob("*.ipynb"))
        assert executed
        for notebook in executed:
            cells = json.loads(notebook.read_text("utf-8"))["cells"]
            outputs = [output for cell in cells for output in cell.get("outputs", [])]
            assert [o for o in outputs if o["output_type"] == "error"] == []

    def test_a_resume_runs_nothing(self, after: dict[str, Any], name: str):
        if name in SWEEPS:
            assert after["campaigns"][name]["left"] == 0


@pytest.mark.parametrize(
    ("notebook", "parameters"),
    [
        ("1-measure", "campaign: results/reference-tune"),
        ("2-explore", "campaign: results/quick-wins\ncpus: 0.5"),
        ("3-optimum", "campaign: results/reference-grid\nmemory: 512M\npreset: veryfast"),
        ("4-quick-wins", "campaign: results/quick-wins"),
    ],
)
def test_every_notebook_runs(house: House, notebook: str, parameters: str):
    file = house.folder / f"{notebook}.yaml"
    file.write_text(parameters, "utf-8")
    said = json.loads(house.clipkit("batch", notebook, file, "--json"))  # which fails with any
    assert Path(said["index"]).is_file()


def test_a_tunings_own_recommendation_is_the_same(before: dict[str, Any], after: dict[str, Any]):
    assert after["tuning"] == before["tuning"]
    assert without_new(after["tuned"]) == before["tuned"]
    assert after["tuned"]["hidden_sound"] == "refuse"
    assert after["shown"] == before["shown"]


class TestASettingWithANewDefault:
    """What was measured is what held before: neither its cells nor what is said of them change, but
    nobody has measured today's defaults."""

    @pytest.mark.parametrize("name", NAMES)
    def test_cells_are_what_they_were(
        self, before: dict[str, Any], otherwise: dict[str, Any], name: str
    ):
        old, new = (without_new(said["campaigns"][name]) for said in (before, otherwise))
        tuned = {"clipkit", "changed"} & otherwise["campaigns"][name]["rows_by"].keys()
        for subject in tuned:
            assert otherwise["campaigns"][name]["rows_by"][subject]["hidden_margin"] is None
        assert tuned
        for what in old.keys() - {"left", "laid_out", "new_names"}:
            assert new[what] == old[what], what

    @pytest.mark.parametrize("name", NAMES)
    def test_what_is_recommended_is_what_was_measured(
        self, before: dict[str, Any], otherwise: dict[str, Any], name: str
    ):
        old, new = before["optima"][name], otherwise["optima"][name]
        for what in ("best", "ties", "unmeasured"):
            assert [one[what] for one in new] == [one[what] for one in old]
        assert {one["settings"]["hidden_margin"] for one in new} == {None}
        assert not any("with the defaults" in one["sentence"] for one in new)

    def test_an_experiment_asks_for_the_new_default_unless_it_says_so(
        self, before: dict[str, Any], otherwise: dict[str, Any]
    ):
        """So these are other cells, and nothing that was measured is taken for them."""
        for name in SWEEPS:
            old, new = (said["campaigns"][name] for said in (before, otherwise))
            ours = {cell for cell in old["new_names"] if cell.startswith("clipkit-")}
            assert not ours & set(new["new_names"])
            assert set(old["new_names"]) - ours <= set(new["new_names"])
            assert new["left"] > 0


def test_rows_of_a_clipkit_with_more_are_refused_by_one_with_less(
    after: dict[str, Any], tmp_path: Path
):
    row = after["campaigns"]["reference-grid"]["rows_by"]["clipkit"] | {"clipkit_version": "0.9.0"}
    (tmp_path / "runs.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    for read in (read_records, read_table):
        with pytest.raises(CampaignError) as caught:
            read(tmp_path)
        assert str(caught.value).startswith(f"{tmp_path / 'runs.jsonl'}, line 1 was written by")
        assert "pip install 'clipkit>=0.9.0'" in str(caught.value)


def test_a_campaign_that_was_begun_before_goes_on_after(house: House, small: Path, tmp_path: Path):
    """Its cells are told by their levels; what was written stays as it is, and the older clipkit says
    what it lacks."""
    older = House(REPOSITORY)
    experiment = tmp_path / "begun.toml"
    asked = (
        f'[job]\nuploads = ["{small}"]\nclips = 2\nlength_s = 0.5\n'
        "[settings]\nconcurrency = [1, 2]\n[run]\nblocks = "
    )
    sweep = ("sweep", experiment, "--results", tmp_path, "--json")
    experiment.write_text(f"{asked}1\n", "utf-8")
    older.clipkit(*sweep)
    runs = tmp_path / "begun" / "runs.jsonl"
    written = runs.read_bytes()
    experiment.write_text(f"{asked}2\n", "utf-8")
    assert json.loads(house.clipkit(*sweep))["ran"] == 2
    assert runs.read_bytes().startswith(written)
    rows = [json.loads(line) for line in runs.read_text("utf-8").splitlines()]
    assert len({row["cell"] for row in rows}) == 2
    assert [row.keys() >= NEW for row in rows] == [False, False, True, True]
    complaint = older.clipkit("compare", runs.parent, runs.parent, code=1)
    assert "install that version or a later one" in complaint
