"""Several hosts beside each other."""

from __future__ import annotations

import pytest
from surface import SETTING, Machine, question, tune

from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.tuning.conclude import conclude
from clipkit.tuning.findings import gather_findings
from clipkit.tuning.plans import Plan, plans_table

SMALL = Host("small", 512 * MIB, 0.5, usd_per_month=7)
LARGE = Host("large", 2048 * MIB, 2.0, usd_per_month=85)
OWN = Host("own", None, 2.0)


def plan(host: Host) -> Plan:
    asked = question(host)
    session = tune(asked, Machine(noise=0.01)).session
    return Plan(host, conclude(gather_findings(asked, session.screening, session.results), SETTING))


def test_the_price_is_of_a_host_that_cuts_day_and_night():
    found = plan(SMALL)
    assert found.wall_s is not None
    clips_a_month = 365.25 / 12 * 86_400 / (found.wall_s / 12)
    assert found.usd_per_1000_clips == pytest.approx(7 / clips_a_month * 1000)


def test_a_host_without_a_price_or_a_result_has_none():
    assert plan(OWN).usd_per_1000_clips is None
    assert Plan(SMALL, None, "nothing fits").usd_per_1000_clips is None


def test_each_host_has_a_row_also_where_nothing_was_found():
    plans = [plan(SMALL), plan(LARGE), Plan(OWN, None, "nothing fits")]
    rows = plans_table(plans).rows
    assert [row[0] for row in rows] == ["small", "large", "own"]
    assert rows[2][3] == "nothing fits"
    quick, slow = plans[1].wall_s, plans[0].wall_s
    assert quick is not None
    assert slow is not None
    assert quick < slow


def test_headroom_is_beside_the_time():
    found = plan(LARGE)
    assert found.found is not None
    assert found.to_json()["headroom_bytes"] == found.found.headroom_bytes
    assert plans_table([found]).rows[0][5].endswith("B")
