"""Which plan carries a load: on invented timings, and on the campaigns in git."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from inventing_plans import PRO, STANDARD, STARTER, of_plans, served, written
from stored_campaigns import RESULTS, copied

from clipkit.errors import CampaignError, UsageError
from clipkit.format import MIB
from clipkit.hosts import Host, catalogue
from clipkit.model.prices import usd_at_load, usd_when_busy
from clipkit.records.campaign import open_campaign
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.tuning.elsewhere import places_elsewhere
from clipkit.tuning.offers import Known, Load, Offer, cheapest, make_offers
from clipkit.tuning.recommendation import read_recommendation
from clipkit.tuning.timings import TUNED, Timing, of_one_job, timings_of
from clipkit.tuning.which_plan import WhichPlan, which_plan

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


def test_a_plan_whose_host_was_measured_itself_is_known_by_its_name():
    """Its half a core does what 0.35 of ours do, which is what it was played by."""
    played = replace(HALF, cpus=0.35, memory_bytes=457 * MIB, s_per_clip=6.0, plan="small")
    found = offer(SMALL, played, HALF)
    assert (found.known, found.s_per_clip) == (Known.MEASURED, 6.0)
    assert offer(ROOMY, played, HALF).s_per_clip == 4.0


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
    told = read_recommendation(RESULTS / "tune-default")
    fluent = next(each for each in told.baselines if each.name == "fluent")
    assert told.confirmed_wall_s is not None
    assert fluent.wall_s is not None
    found = {timing.how: timing for timing in timings_of(open_campaign(RESULTS / "tune-default"))}
    recommended, encode = found[f"{TUNED}, mode auto (smart)"], found[TUNED]
    assert recommended.s_per_clip == pytest.approx(told.confirmed_wall_s / 12)
    assert encode.s_per_clip == pytest.approx(told.modes[0].wall_s / 12)
    seeks_first = found["original, seeking before the input"]
    assert seeks_first.s_per_clip == pytest.approx(fluent.wall_s / 12)
    assert found["original, seeking after the input"].part
    assert recommended.part is (told.measured_job["clips_covered"] < 12)
    assert encode.part is (told.modes[0].clips_run < 12)


@pytest.mark.parametrize("heights", [(720, 720), (720, 1080)])
def test_a_tuning_for_several_uploads_tells_times_where_they_are_as_large(
    heights: tuple[int, int], tmp_path: Path
):
    folder = copied("tune-default", tmp_path / "tune-default")
    path = folder / "recommendation.json"
    told = json.loads(path.read_text("utf-8"))
    films = [{**told["upload"], "width": 16 * h // 9, "height": h} for h in heights]
    told["upload"] = {"path": "2 uploads", "uploads": films}
    path.write_text(json.dumps(told), "utf-8")
    if len(set(heights)) == 1:
        assert {timing.lines for timing in timings_of(open_campaign(folder))} == {720}
    else:
        with pytest.raises(CampaignError, match="720p and 1080p together"):
            timings_of(open_campaign(folder))


def test_with_less_cpu_a_clip_is_no_faster_than_it_was_measured_with_more():
    """A copy takes hardly any CPU: what it waits for is something else."""
    half = Host("half", 512 * MIB, 0.5)
    copied = replace(HALF, cpus=1.0, s_per_clip=0.3, cpu_s_per_clip=0.05)
    [offer] = make_offers([half], (copied,), LOAD)
    assert offer.s_per_clip == 0.3
    encoded = replace(copied, cpu_s_per_clip=0.3)
    [offer] = make_offers([half], (encoded,), LOAD)
    assert offer.s_per_clip == pytest.approx(0.6)


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


# -- services ---------------------------------------------------------------------------------

ORIGINAL = "the original's settings"


def asked_of(*folders: Path, **changes: object) -> WhichPlan:
    campaigns = [open_campaign(folder) for folder in folders]
    return which_plan(campaigns, replace(LOAD, **changes), list(catalogue().values()), ())


def test_a_service_has_its_own_ways_the_originals_and_the_tuned_one(tmp_path: Path):
    found = asked_of(written(tmp_path / "plans", of_plans()))
    assert found.hows == [f"node, {ORIGINAL}", f"node, {TUNED}"]
    assert found.unlike == ()
    times = {
        (each.timing.how, each.plan.name): each.s_per_clip
        for each in found.offers
        if each.plan in (STARTER, STANDARD, PRO)
    }
    assert times == pytest.approx(
        {
            (f"node, {ORIGINAL}", STARTER.name): 3.0,
            (f"node, {ORIGINAL}", STANDARD.name): 1.5,
            (f"node, {ORIGINAL}", PRO.name): 1.05,
            (f"node, {TUNED}", STARTER.name): 3.0,
            (f"node, {TUNED}", STANDARD.name): 1.5,
            (f"node, {TUNED}", PRO.name): 0.75,
        },
        rel=0.02,
    )


def test_another_preset_of_a_service_is_no_tuning_of_the_originals_picture(tmp_path: Path):
    slower = served(settings=Settings(preset="veryfast"), wall_s=8.0)
    found = asked_of(written(tmp_path / "presets", [served(), slower]))
    assert {round(each.s_per_clip) for each in found.offers if each.plan.name == STARTER.name} == {
        3
    }


def test_services_stand_beside_each_other_as_sketched_and_seeking_after_the_input(tmp_path: Path):
    after = Settings(seek="output")
    trials = [
        served("node"),
        served("rust", wall_s=11.9),
        served("rust", words="sketched", wall_s=60.0),
        served("python", settings=after, wall_s=62.0),
    ]
    found = asked_of(written(tmp_path / "languages", trials))
    assert set(found.hows) == {
        f"node, {ORIGINAL}",
        f"node, {TUNED}",
        f"rust, {ORIGINAL}",
        f"rust, {TUNED}",
        f"rust as sketched, {ORIGINAL}",
        "python, seeking after the input",
    }


def test_a_service_that_ran_out_of_memory_has_no_time_and_no_offer(tmp_path: Path):
    def out(trial: Record) -> Record:
        return replace(trial, status=Status.OOM, wall_s=None, error="killed")

    trials = [served("node"), out(served("rust"))]
    assert {each.timing.how for each in asked_of(written(tmp_path / "c", trials)).offers} == {
        f"node, {ORIGINAL}",
        f"node, {TUNED}",
    }
    with pytest.raises(CampaignError, match="no settings can be recommended"):
        asked_of(written(tmp_path / "d", [out(served("node"))]))


# -- several campaigns ------------------------------------------------------------------------


def of_this_machine(folder: Path) -> Path:
    """A campaign in git as if the machine of the invented ones had measured it, by the same ffmpeg."""
    name = folder.name
    same = {"host_id": "invented", "ffmpeg_version": "ffmpeg version invented"}
    copied(name, folder, lambda row: row | same)
    environment = {"cpu": "Invented CPU", "cores": 2, "host_id": "invented"}
    (folder / "environment.json").write_text(json.dumps(environment), "utf-8")
    return folder


def test_campaigns_of_one_machine_are_told_apart_by_name_alone(tmp_path: Path):
    plans = written(tmp_path / "plans", of_plans())
    found = asked_of(plans, of_this_machine(tmp_path / "tune-default"), lines=720, clip_s=12.0)
    assert found.unlike == ()
    rows = found.table(f"node, {ORIGINAL}").rows
    assert all(row[-1].endswith(", in plans") for row in rows)
    assert "NOT ALIKE" not in "\n".join(found.lines())


@pytest.mark.parametrize("other", ["quick-wins", "tune-default", "reference-grid"])
def test_campaigns_of_two_machines_are_said_to_be_not_comparable(tmp_path: Path, other: str):
    clip_s = 2.0 if other == "reference-grid" else 12.0
    trials = [replace(trial, clip_s=clip_s) for trial in of_plans()]
    plans = written(tmp_path / "plans", trials)
    found = asked_of(plans, RESULTS / other, lines=720, clip_s=clip_s)
    machine, ffmpeg = found.unlike
    assert machine.startswith("the machine differs, so their seconds are not comparable: ")
    assert "Invented CPU" in machine
    assert other in machine
    assert ffmpeg.startswith("the ffmpeg differs")
    told = found.lines()
    assert told[1] == f"NOT ALIKE {machine}"
    assert found.to_json()["not_alike"] == [machine, ffmpeg]
    assert "Not alike: the machine differs" in found._repr_html_()


def test_two_machines_of_one_kind_are_told_apart_by_their_names(tmp_path: Path):
    here = written(tmp_path / "here", of_plans())
    there = written(tmp_path / "there", [replace(t, host_id="another") for t in of_plans()])
    (told,) = asked_of(here, there).unlike
    assert "invented in " in told
    assert "another in " in told


def test_a_campaign_without_such_clips_is_no_reason_for_a_remark(tmp_path: Path):
    plans = written(tmp_path / "plans", of_plans())
    short = [replace(trial, host_id="another", clip_s=4.0) for trial in of_plans()]
    assert asked_of(plans, written(tmp_path / "short", short), clip_s=12.0).unlike == ()


def test_a_campaign_that_several_machines_measured_says_so(tmp_path: Path):
    parts = [*of_plans(), *(replace(trial, host_id="another") for trial in of_plans())]
    (told,) = asked_of(written(tmp_path / "merged", parts)).unlike
    assert told.endswith("was measured on 2 machines: its times are their means")


@pytest.mark.parametrize(
    "name", ["quick-wins", "reference-grid", "tune-default", "tune-own-command"]
)
def test_every_kind_of_campaign_in_git_answers_alone(name: str):
    lines, clip_s = (720, 2.0) if name == "reference-grid" else (720, 12.0)
    found = asked_of(RESULTS / name, lines=lines, clip_s=clip_s)
    assert found.unlike == ()
    assert found.offers


def test_a_search_for_the_edge_of_memory_tells_no_times():
    with pytest.raises(CampaignError, match="edge searched for the edge of memory"):
        asked_of(RESULTS / "edge", lines=720)
