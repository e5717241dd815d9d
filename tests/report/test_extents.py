import pytest
from extents import Saved, measured
from stored_campaigns import NAMES, RESULTS, SWEEPS, TUNINGS

from clipkit.claims import Verdict, verdicts
from clipkit.errors import CampaignError
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.report.exhibits import campaign_charts, claim_exhibits, grid_charts, tuning_charts
from clipkit.report.exhibits.cell_page import cell_page
from clipkit.report.exhibits.glance import heat_map_at_a_glance
from clipkit.tuning.recommendation import read_recommendation

EXPLORED = {
    "overview": campaign_charts.overview,
    "heat": grid_charts.heat_maps,
    "scaling": grid_charts.scaling,
    "fronts": grid_charts.fronts,
    "memory": campaign_charts.memory_of_runs,
    "repeats": campaign_charts.repeats,
    "glance": heat_map_at_a_glance,
    "cell": lambda campaign: cell_page(campaign, str(campaign.cells["cell"].iloc[0])),
}
TUNED = {
    "bars": tuning_charts.job_times,
    "memory": tuning_charts.memory_of_subjects,
    "settings": tuning_charts.settings_tried,
    "cpu": tuning_charts.cpu_shares,
    "pairs": tuning_charts.paired_repeats,
}
CLAIMS = {
    "forest": claim_exhibits.every_effect,
    "at once": claim_exhibits.memory_at_once,
}
PHONE_PX, PAGE_PX = 390, 1280


def check(seen: Saved) -> None:
    assert seen.charts
    assert seen.faults == []
    assert seen.narrowest_px <= PHONE_PX
    assert seen.widest_px <= PAGE_PX


@pytest.fixture(scope="module", params=NAMES)
def stored(request: pytest.FixtureRequest) -> Campaign:
    return open_campaign(RESULTS / request.param)


@pytest.mark.parametrize("chart", EXPLORED)
def test_no_words_of_a_campaigns_chart_leave_it_or_lie_on_others(
    stored: Campaign, chart: str, monkeypatch: pytest.MonkeyPatch
):
    with measured(monkeypatch) as seen:
        try:
            drawn = EXPLORED[chart](stored)
        except CampaignError:
            drawn = None
    if drawn is None:  # of a tuning there is no grid to draw
        assert stored.name not in SWEEPS
        return
    check(seen)


@pytest.mark.parametrize("name", TUNINGS)
@pytest.mark.parametrize("chart", TUNED)
def test_no_words_of_a_tunings_chart_leave_it_or_lie_on_others(
    chart: str, name: str, monkeypatch: pytest.MonkeyPatch
):
    folder = RESULTS / name
    with measured(monkeypatch) as seen:
        TUNED[chart](open_campaign(folder), read_recommendation(folder))
    check(seen)


@pytest.fixture(
    scope="module",
    params=[
        ("quick-wins",),
        ("languages",),
        ("edge",),
        ("quick-wins", "languages", "plans", "edge"),
    ],
)
def judged(request: pytest.FixtureRequest) -> tuple[Verdict, ...]:
    """Of commands, of services, and of both, beside each other."""
    return verdicts(*(open_campaign(RESULTS / name).table for name in request.param))


@pytest.mark.parametrize("chart", CLAIMS)
def test_no_words_of_the_claims_charts_leave_them_or_lie_on_others(
    judged: tuple[Verdict, ...], chart: str, monkeypatch: pytest.MonkeyPatch
):
    with measured(monkeypatch) as seen:
        CLAIMS[chart](judged)
    check(seen)
