"""The campaigns in git: everything that is made of them is made without ffmpeg and without a ceiling."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from running import clipkit

from clipkit.records.table import read_table
from clipkit.report.exhibits.claims_page import claims_blocks
from clipkit.report.exhibits.services_page import PAGE, services_blocks, with_blocks
from clipkit.tuning.answer import verdict_lines
from clipkit.tuning.recommendation import read_recommendation

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "results"
CAMPAIGNS = {
    "edge": {"2-explore", "4-quick-wins", "5-question"},
    "hundred-clips": {"2-explore", "4-quick-wins", "5-question"},
    "languages": {"2-explore", "4-quick-wins", "5-question"},
    "plans": {"2-explore", "4-quick-wins", "5-question"},
    "quick-wins": {"2-explore", "3-optimum", "4-quick-wins"},
    "reference-grid": {"2-explore", "3-optimum"},
    "reference-tune": {"1-measure"},
    "tune-default": {"1-measure"},
    "tune-own-command": {"1-measure"},
}
"""Which notebooks the report of each is made of."""
SMALL_BYTES = 12_000_000
README = (REPOSITORY / "README.md").read_text("utf-8")
CLAIMS = (RESULTS / "CLAIMS.md").read_text("utf-8")
CLAIMS_FROM = ("quick-wins", "languages", "plans", "edge")
"""The campaigns that put claims to the test."""


@pytest.fixture(params=CAMPAIGNS)
def campaign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy, since a report is written into the campaign's folder."""
    folder = tmp_path / "results" / request.param
    shutil.copytree(RESULTS / request.param, folder)
    for derived in ("figures", "notebooks"):
        shutil.rmtree(folder / derived, ignore_errors=True)
    return folder


def test_every_report_is_made_without_ffmpeg(campaign: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    without = {"PATH": str(tmp_path / "bin"), "IMAGEIO_FFMPEG_EXE": "/nonexistent/ffmpeg"}
    ran = clipkit("report", campaign, "--json", cwd=tmp_path, **without)
    assert ran.code == 0, ran.err
    page = Path(ran.json["report"]).read_text("utf-8")
    assert page.count("data:image/svg+xml;base64,") >= 3
    notebooks = list((campaign / "notebooks").glob("*.ipynb"))
    assert {path.stem for path in notebooks} == CAMPAIGNS[campaign.name]
    for executed in notebooks:
        cells = json.loads(executed.read_text("utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert outputs
        assert not [output for output in outputs if output["output_type"] == "error"]


def test_every_notebook_is_made_of_one_of_them() -> None:
    notebooks = {path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb")}
    assert notebooks == set().union(*CAMPAIGNS.values())


def test_they_are_small_enough_for_git() -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("this is no checkout of git's")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "results"], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout.decode()
    files = [REPOSITORY / name for name in listed.split("\0") if name]
    assert {path.relative_to(RESULTS).parts[0] for path in files} == {
        *("README.md", "CLAIMS.md", "SERVICES.md", "ENGINE.md", "report.png"),
        *(
            "services",
            "memory",
            "engine.jsonl",
            "engine-looks.jsonl",
            "neighbour.jsonl",
            "levers.json",
            "together.json",
            "worker-and-here.json",
            "real-host.json",
        ),
        *CAMPAIGNS,
    }
    assert sum(path.stat().st_size for path in files) < SMALL_BYTES


def block(text: str, name: str) -> str:
    """What stands between two marks of a page."""
    return text.partition(f"<!-- {name} -->\n")[2].partition("<!-- end -->")[0]


@pytest.fixture(scope="module")
def told() -> dict[str, Mapping[str, str]]:
    return claims_blocks([read_table(RESULTS / name) for name in CLAIMS_FROM])


def test_the_pages_claims_are_those_of_the_stored_records(
    told: dict[str, Mapping[str, str]],
) -> None:
    for page, blocks in told.items():
        text = (REPOSITORY / page).read_text("utf-8")
        for name, words in blocks.items():
            assert block(text, name) == words


def test_the_command_prints_the_pages_table(tmp_path: Path) -> None:
    folders = [RESULTS / name for name in CLAIMS_FROM]
    words = " ".join(f"results/{name}" for name in CLAIMS_FROM)
    assert f"\nclipkit claims {words} --markdown\n" in CLAIMS
    assert clipkit("claims", *folders, "--markdown", cwd=tmp_path).out == block(CLAIMS, "claims")
    first = clipkit("claims", *folders, "--json", cwd=tmp_path).json["claims"][0]
    assert f"| {first['id']}: {first['claim']} | **{first['outcome']}" in CLAIMS


def test_the_tables_of_the_services_are_those_of_the_stored_records() -> None:
    page = (RESULTS / PAGE).read_text("utf-8")
    assert with_blocks(page, services_blocks(RESULTS)) == page


@pytest.mark.parametrize("name", ["tune-default", "tune-own-command"])
def test_the_readmes_verdicts_of_tune_are_those_that_are_stored(name: str) -> None:
    told = "\n".join(verdict_lines(read_recommendation(RESULTS / name)))
    assert block(README, name) == f"```\n{told}\n```\n"


def test_the_readmes_picture_is_there() -> None:
    assert "](results/report.png)" in README
    assert (RESULTS / "report.png").stat().st_size > 10_000
