"""A campaign as a Python object: its records, its recommendation, how it shows itself."""

from __future__ import annotations

import json
from pathlib import Path

import invented
import inventing_sweep
import pytest
from inventing_sweep import Film, Sweep, on

import clipkit
from clipkit.errors import CampaignError
from clipkit.tuning.recommendation import Recommendation


@pytest.fixture
def swept(tmp_path: Path) -> Path:
    sweep = Sweep(
        factors={"preset": ("ultrafast", "veryfast"), "concurrency": (1, 2)},
        hosts=(on("512M"), on("96M")),
        films=(Film(), Film("<b>other</b>.mp4")),
    )
    return inventing_sweep.write(tmp_path / "swept", sweep)


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    records = [*invented.screening(), *invented.confirming()]
    return invented.write(tmp_path / "tuned", records, invented.hostile())


def test_a_tuning_recommends_what_it_recommended(tuned: Path):
    found = clipkit.recommend(tuned)
    assert isinstance(found, Recommendation)
    assert clipkit.load(tuned).recommendation == found
    assert clipkit.recommend(tuned, host=None, clip_s=None) == found


def test_a_sweep_over_several_hosts_recommends_for_the_one_that_is_singled_out(swept: Path):
    with pytest.raises(CampaignError, match="several hosts or jobs, choose one"):
        clipkit.recommend(swept)
    campaign = clipkit.load(swept)
    found = clipkit.recommend(campaign, memory="512M", upload="sample.mp4")
    assert found.settings.concurrency == 2
    assert found.condition.memory_bytes == 512 * 2**20
    assert clipkit.recommend(swept, memory="512M", upload="sample.mp4") == found
    with pytest.raises(CampaignError, match=r"no cell has mine; there are: .*sample\.mp4"):
        clipkit.recommend(campaign, upload="mine")


def test_a_campaign_s_records_are_the_very_ones(swept: Path):
    campaign = clipkit.load(swept)
    lines = (swept / "runs.jsonl").read_text("utf-8").splitlines()
    for line in lines[:3]:
        row = json.loads(line)
        assert campaign.record(row["run_id"]).to_row() == row
    assert len(campaign.table) == len(lines)
    assert len(campaign.cells) == campaign.table["cell"].nunique()
    with pytest.raises(CampaignError, match="no run 'b0'"):
        campaign.record("b0")
    with pytest.raises(CampaignError, match="is no campaign"):
        clipkit.load(swept.parent)


def test_a_campaign_shows_itself(swept: Path, tuned: Path):
    page = clipkit.load(swept)._repr_html_()
    assert "Invented CPU, 2 cores" in page
    assert "recommended: sample.mp4, 512 MB" in page
    assert "recommended: &lt;b&gt;other&lt;/b&gt;.mp4, 96 MB" in page
    assert "data:image/svg+xml" in page
    page = clipkit.load(tuned)._repr_html_()
    assert "verdict" in page


def test_the_best_of_a_campaign_comes_with_its_ties(tmp_path: Path):
    folder = inventing_sweep.write(tmp_path / "grid", Sweep(hosts=(on("512M"),)))
    page = clipkit.load(folder)._repr_html_()
    concurrency, threads = inventing_sweep.RECOMMENDED["512M"]
    assert f"ultrafast, concurrency {concurrency}, encoder threads {threads}: " in page
    assert f"{len(inventing_sweep.TIED['512M'])} not told apart from the fastest" in page


def test_words_of_strangers_are_escaped_wherever_something_shows_itself(swept: Path, tuned: Path):
    campaign = clipkit.load(tuned)
    shown = [
        campaign,
        clipkit.recommend(campaign),
        campaign.record(campaign.table["run_id"][0]),
        clipkit.load(swept),
        clipkit.recommend(swept, memory="96M", upload="<b>other</b>.mp4"),
        clipkit.compare(swept, tuned),
    ]
    for each in shown:
        page = each._repr_html_()
        assert page.count("<table>") >= 1
        for hostile in ("<script", "<b>", "<img src=x"):
            assert hostile not in page, (type(each), hostile)
