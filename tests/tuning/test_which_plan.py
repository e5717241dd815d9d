"""Which plan carries a load: on invented timings, and on the campaigns in git."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stored_campaigns import RESULTS

from clipkit.errors import CampaignError, UsageError
from clipkit.format import MIB
from clipkit.hosts import Host, catalogue
from clipkit.records.campaign import open_campaign
from clipkit.tuning.elsewhere import places_elsewhere
from clipkit.tuning.offers import Known, Load, Offer, cheapest, make_offers
from clipkit.tuning.prices import usd_at_load, usd_when_busy
from clipkit.tuning.timings import TUNED, Timing, of_one_job, timings_of
from clipkit.tuning.which_plan import which_plan

HALF = Timing(
    campaign="mine",
    how=TUNED,
    memory_bytes=512 * MIB,
    cpus=0.5,
    lines=720,
    clip_s=12.0,
    s_per_clip=4.0,
    ci95_s=None,
    cpu_s_per_clip=2.0,
    peak_bytes=100 * MIB,
    log_sd=0.0,
)
SMALL = Host("small", 512 * MIB, 0.5, usd_per_month=7)
QUARTER = Host("quarter", 512 * MIB, 0.25, usd_per_month=3)
ROOMY = Host("roomy", 2048 * MIB, 0.5, usd_per_month=20)
LARGE = Host("large", 2048 * MIB, 2.0, usd_per_month=85)
LOAD = Load(clips_per_day=1200, longest_wait_s=600)


def offer(plan: Host, *timings: Timing, load: Load = LOAD) -> Offer:
    (found,) = make_offers([plan], timings or (HALF,), load)
    return found


def test_a_busy_host_costs_its_months_seconds_and_an_idle_one_its_month():
    assert usd_when_busy(7, 4.0) == pytest.approx(7 / (365.25 / 12 * 86_400) * 4000)
    assert usd_at_load(7, 1200) == pytest.approx(7 / (1200 * 365.25 / 12) * 1000)
    day_and_night = 86_400 / 4.0
    assert usd_at_load(7, day_and_night) == pytest.approx(usd_when_busy(7, 4.0))


def test_utilisation_is_a_range_by_the_speed_of_the_core():
    found = offer(SMALL)
    assert found.same.used == pytest.approx(1200 * 4 / 86_400)
    assert found.slow.used == pytest.approx(found.same.used / 0.67)
    assert found.fast.used == pytest.approx(found.same.used / 1.5)


def test_a_plan_is_known_as_it_was_measured_or_by_its_cpu_or_by_cpu_seconds_or_not():
    assert offer(SMALL).known is Known.MEASURED
    assert offer(ROOMY).known is Known.SAME_CPU
    estimated = offer(QUARTER)
    assert estimated.known is Known.BY_CPU_SECONDS
    assert estimated.s_per_clip == pytest.approx(8.0)
    assert make_offers([LARGE], (HALF,), LOAD) == ()


def test_what_used_more_than_a_core_tells_nothing_of_a_smaller_quota():
    wide = replace(HALF, cpus=2.0)
    assert make_offers([QUARTER], (wide,), LOAD) == ()


def test_the_cheapest_plan_is_the_cheapest_that_is_in_time():
    plans = [ROOMY, SMALL, QUARTER]
    patient = make_offers(plans, (HALF,), LOAD)
    assert cheapest(patient, TUNED).plan is QUARTER
    hasty = make_offers(plans, (HALF,), replace(LOAD, longest_wait_s=70))
    assert cheapest(hasty, TUNED).plan is SMALL
    assert cheapest(hasty, TUNED, surely=True) is None
    assert cheapest(make_offers(plans, (HALF,), replace(LOAD, longest_wait_s=40)), TUNED) is None


def test_a_load_within_few_hours_waits_longer():
    all_day, few = offer(SMALL), offer(SMALL, load=replace(LOAD, hours=2))
    assert few.same.used == pytest.approx(12 * all_day.same.used)
    assert few.usd_at_load == all_day.usd_at_load


def test_a_plan_whose_memory_is_too_small_carries_nothing():
    hungry = offer(SMALL, replace(HALF, peak_bytes=480 * MIB))
    assert not hungry.fits
    assert not hungry.carries
    assert not offer(SMALL, load=replace(LOAD, reserve_bytes=420 * MIB)).fits


def test_a_plan_that_cannot_cut_so_many_has_no_price_at_that_load():
    found = offer(SMALL, load=replace(LOAD, clips_per_day=30_000))
    assert found.same.used > 1
    assert found.usd_at_load is None
    assert found.usd_busy is not None
    assert not found.carries


def test_plans_without_a_price_are_never_the_cheapest():
    own = Host("own", 512 * MIB, 0.5)
    assert cheapest(make_offers([own], (HALF,), LOAD), TUNED) is None


@pytest.mark.parametrize(
    "wrong", [{"clips_per_day": 0}, {"hours": 25}, {"cores": (2.0, 1.0)}, {"longest_wait_s": -1}]
)
def test_a_load_that_is_none_is_refused(wrong):
    with pytest.raises(UsageError):
        replace(LOAD, **wrong)


def test_several_jobs_have_to_be_chosen_from():
    short = replace(HALF, clip_s=4.0)
    with pytest.raises(
        CampaignError, match=r"choose one by --lines and --clip-s: 720p, 12 s; 720p, 4 s"
    ):
        of_one_job([HALF, short], None, None)
    assert of_one_job([HALF, short], None, 4.0) == (short,)
    with pytest.raises(CampaignError, match="there are 720p, 12 s; 720p, 4 s"):
        of_one_job([HALF, short], 1080, None)


# -- the campaigns in git ---------------------------------------------------------------------


def test_a_tunings_timings_are_those_of_its_recommendation():
    found = {timing.how: timing for timing in timings_of(open_campaign(RESULTS / "tune-default"))}
    assert found[TUNED].s_per_clip == pytest.approx(34.577 / 12, rel=0.001)
    assert found["original, seeking before the input"].s_per_clip == pytest.approx(
        36.101 / 12, rel=0.001
    )
    assert found["original, seeking after the input"].part


def test_a_sweeps_timings_are_of_each_host_and_job():
    timings = of_one_job(timings_of(open_campaign(RESULTS / "quick-wins")), 720, 12.0)
    assert {(timing.how, timing.cpus) for timing in timings} >= {
        (how, cpus)
        for how in (TUNED, "original, seeking after the input")
        for cpus in (0.5, 1.0, 2.0)
    }
    assert len(timings) == 9


def test_every_plan_of_the_catalogue_has_an_offer_or_is_named_as_unknown():
    plans = list(catalogue().values())
    campaigns = [open_campaign(RESULTS / "quick-wins")]
    asked = replace(LOAD, lines=720, clip_s=12.0)
    found = which_plan(campaigns, asked, plans, places_elsewhere())
    told = {each.plan.name for each in found.offers} | {plan.name for plan in found.unknown}
    assert told == {plan.name for plan in plans if not plan.unlimited}
    assert {each.timing.how for each in found.offers} == {
        TUNED,
        "original, seeking before the input",
        "original, seeking after the input",
    }
    told_json = found.to_json()
    assert {entry["plan"] for entry in told_json["offers"]} <= told
    assert all(entry["measured"] is False for entry in told_json["elsewhere"])
    lines = "\n".join(found.lines())
    assert "CHEAPEST  tuned: " in lines
    assert lines.count("(not measured)") == len(places_elsewhere())


def test_what_is_elsewhere_has_a_source_and_a_date_and_no_price_that_was_not_confirmed():
    for place in places_elsewhere():
        assert place.source.startswith("https://")
        assert place.checked == "2026-11-26"
        assert place.kind in ("browser", "service")
    unconfirmed = next(p for p in places_elsewhere() if p.name == "aws-mediaconvert")
    assert unconfirmed.usd_per_1000_clips(12.0) is None
    stream = next(p for p in places_elsewhere() if p.name == "cloudflare-stream")
    assert stream.usd_per_1000_clips(12.0) == pytest.approx(1.0)
