from pathlib import Path

import invented
import pandas as pd
import pytest

from clipkit.records.campaign import Campaign, open_campaign
from clipkit.report.pages.report import write_report
from clipkit.tuning.recommendation import Recommendation


@pytest.fixture
def recommendation() -> Recommendation:
    return invented.recommendation()


@pytest.fixture
def campaign(tmp_path: Path, recommendation: Recommendation) -> Path:
    records = [*invented.screening(), *invented.confirming()]
    return invented.write(tmp_path / "campaign", records, recommendation)


@pytest.fixture
def tuned(campaign: Path) -> Campaign:
    return open_campaign(campaign)


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hostile campaign's folder with its report, written once by a real kernel."""
    folder = tmp_path_factory.mktemp("with {braces} & spaces") / "campaign"
    records = [*invented.screening(), *invented.confirming()]
    invented.write(folder, records, invented.hostile())
    write_report(folder)
    return folder


@pytest.fixture
def runs(tuned: Campaign) -> pd.DataFrame:
    return tuned.table
