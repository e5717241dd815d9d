from dataclasses import replace
from pathlib import Path

import invented
import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.figure import Figure

from clipkit.format import MIB
from clipkit.records.campaign import open_campaign
from clipkit.records.need import needs_of
from clipkit.records.status import Status
from clipkit.report.charts import cpu_share as cpu
from clipkit.report.charts import job_time as bars
from clipkit.report.charts import memory_over_time as memory
from clipkit.report.charts import paired_runs as pairs
from clipkit.report.charts import pareto_drawing, pareto_points, style
from clipkit.report.exhibits import tuning_charts as exhibits
from clipkit.report.exhibits import tuning_sections
from clipkit.tuning.recommendation import Recommendation

OTHERS_MIB = 2  # shared and kernel memory of every invented run


def axes():
    return Figure().subplots()


def texts(ax) -> str:
    said = [text.get_text() for text in (*ax.texts, *ax.figure.texts)]
    for legend in ax.figure.legends:
        said += [text.get_text() for text in legend.get_texts()]
    return "\n".join(said)


def frame(tmp_path: Path, records: list) -> pd.DataFrame:
    folder = invented.write(tmp_path / "other", records, invented.recommendation())
    return open_campaign(folder).table


# -- bars ------------------------------------------------------------------------------------


def test_a_bar_each_for_the_baselines_and_the_recommended_last(runs, recommendation):
    points = bars.job_time_points(runs, recommendation)
    assert [point.subject for point in points] == ["sketch", "fluent", "recommended"]
    assert points[0].run_words == "2 of 12 clips run, all 12 estimated"
    assert points[0].speedup_words == "10.6x as long  [10.2 – 11.1]"
    assert points[1].speedup_words == "1.39x as long  [1.33 – 1.46], 3 pairs"
    assert points[2].run_words == "confirmed in 3 pairs"
    assert points[2].time_words == "85.7 s  [84.2 – 87.3]"


def test_a_baseline_that_ran_out_of_memory_is_a_bar_without_time(runs, recommendation):
    failed = replace(recommendation, baselines=(invented.failed_baseline("fluent"),))
    points = bars.job_time_points(runs, failed)
    assert points[0].wall_s is None
    assert points[0].time_words == "ran out of memory"
    ax = bars.draw_job_times(points, axes())
    assert "ran out of memory" in texts(ax)
    assert len(ax.patches) == 1


def test_settings_that_were_never_confirmed_are_shown_as_predicted(runs, recommendation):
    alone = replace(recommendation, confirmed_wall_s=None, confirmed_ci95_s=None, baselines=())
    (point,) = bars.job_time_points(runs, alone)
    assert point.wall_s == recommendation.predicted_wall_s
    assert point.run_words == "predicted, not confirmed"
    assert "predicted" in texts(bars.draw_job_times([point], axes()))


def test_what_was_confirmed_beside_no_baseline_is_confirmed_all_the_same(runs, recommendation):
    alone = runs[(runs["phase"] != "confirm") | ~runs["subject"].isin(["sketch", "fluent"])]
    told = replace(recommendation, measured_job=recommendation.measured_job | {"pairs": 3})
    point = bars.job_time_points(alone, told)[-1]
    assert (point.wall_s, point.pairs) == (85.7, 0)
    assert point.run_words == "confirmed in 3 runs"
    (*_, older) = bars.job_time_points(alone, recommendation)
    assert older.run_words == "confirmed"


def test_a_bar_ten_times_as_long_is_cut_and_the_others_stay_apart(runs, recommendation):
    ax = bars.draw_job_times(bars.job_time_points(runs, recommendation), axes())
    sketch, fluent, recommended = (patch.get_width() for patch in ax.patches)
    assert sketch < 912
    assert (fluent - recommended) / sketch > 0.1
    assert "912 s" in texts(ax)
    assert "longer than drawn" in texts(ax)


def test_bars_of_like_length_are_drawn_to_scale(runs, recommendation):
    like = replace(recommendation, baselines=(invented.baseline("fluent", 200.0, 2.3),))
    ax = bars.draw_job_times(bars.job_time_points(runs, like), axes())
    assert [patch.get_width() for patch in ax.patches] == [200.0, 85.7]
    assert "longer than drawn" not in texts(ax)


def test_estimated_bars_are_hatched(runs, recommendation):
    ax = bars.draw_job_times(bars.job_time_points(runs, recommendation), axes())
    assert [bool(patch.get_hatch()) for patch in ax.patches] == [True, False, False]


def test_a_recommended_time_that_a_part_of_the_clips_stands_behind_says_so(runs, recommendation):
    part = replace(recommendation, measured_job=recommendation.measured_job | {"clips_covered": 4})
    points = bars.job_time_points(runs, part)
    assert points[2].run_words == "confirmed in 3 pairs, 4 of 12 clips"
    ax = bars.draw_job_times(points, axes())
    assert [bool(patch.get_hatch()) for patch in ax.patches] == [True, False, True]


# -- memory ----------------------------------------------------------------------------------


def test_the_run_that_needed_most_stands_for_each_subject(campaign, runs, recommendation):
    traces = memory.memory_traces(campaign, runs, recommendation)
    assert [trace.subject for trace in traces] == ["sketch", "fluent", "recommended"]
    ours = runs[(runs["phase"] == "confirm") & (runs["subject"] == "clipkit")]
    assert traces[2].run_id in set(ours["run_id"])
    assert traces[2].peak_need_bytes == needs_of(ours).max()
    assert traces[2].limit_bytes == 512 * MIB


def test_thinning_keeps_the_peak(campaign, runs, recommendation):
    (trace, *_) = memory.memory_traces(campaign, runs, recommendation)
    assert len(trace.t_s) <= 400
    assert max(trace.anon_bytes) == 66 * MIB


def test_the_ceiling_the_reserve_and_the_peak_are_labelled(campaign, runs, recommendation):
    traces = memory.memory_traces(campaign, runs, recommendation)
    drawn = Figure().subplots(1, 3)
    memory.draw_memories(traces, drawn)
    assert "ceiling 512 MB" in texts(drawn[0])
    assert "reserve 96 MB" in texts(drawn[0])
    assert "peak 100 MB" in texts(drawn[2])
    assert drawn[0].get_ylabel() == "memory in use (MB)"
    assert {ax.get_xlabel() for ax in drawn} == {"time (s)"}
    assert len({ax.get_ylim() for ax in drawn}) == 1


def test_a_subject_without_samples_is_shown_as_a_gap(campaign, runs, recommendation):
    for path in (campaign / "samples").iterdir():
        path.unlink()
    traces = memory.memory_traces(campaign, runs, recommendation)
    assert {trace.t_s for trace in traces} == {()}
    assert "nothing was sampled" in texts(memory.draw_memory(traces[0], axes()))


def test_memory_that_the_ceiling_cannot_tell_is_a_gap(campaign, runs, recommendation):
    for path in (campaign / "samples").iterdir():
        samples = pd.read_parquet(path)
        samples["anon_bytes"] = pd.array([None] * len(samples), dtype="Int64")
        samples.to_parquet(path)
    traces = memory.memory_traces(campaign, runs, recommendation)
    assert {trace.anon_bytes for trace in traces} == {()}


# -- frontier --------------------------------------------------------------------------------


def test_a_point_for_each_settings_tried_the_fastest_first(runs, recommendation):
    points = pareto_points.settings_tried_points(runs, recommendation)
    assert [point.number for point in points] == list(range(1, 12))
    assert points[0].recommended
    assert points[0].words == "ultrafast, concurrency 2, encoder threads 1"
    assert [point.number for point in points if point.tie] == [2]
    assert [point.status for point in points[-2:]] == [Status.OOM_INFERRED, Status.OOM]


def test_time_screened_without_the_quota_is_predicted_for_it(runs, recommendation):
    (best, *_) = pareto_points.settings_tried_points(runs, recommendation)
    assert best.s_per_clip == pytest.approx(7.1)  # 3.55 s of CPU a clip, half a core


def test_the_front_holds_what_nothing_beats_in_both(runs, recommendation):
    points = pareto_points.settings_tried_points(runs, recommendation)
    assert [(p.number, p.peak_need_bytes) for p in points if p.efficient] == [
        (1, (98 + OTHERS_MIB) * MIB),
        (4, (62 + OTHERS_MIB) * MIB),
    ]


def test_settings_that_failed_once_have_no_time(tmp_path, recommendation):
    records = [
        invented.trial(1, wall_s=10.0, peak_anon_bytes=50 * MIB),
        invented.trial(2, block=1, status=Status.OOM, peak_anon_bytes=90 * MIB),
    ]
    (point,) = pareto_points.settings_tried_points(frame(tmp_path, records), recommendation)
    assert point.status is Status.OOM
    assert point.s_per_clip is None
    assert point.peak_need_bytes == (90 + OTHERS_MIB) * MIB


def test_spoilt_runs_are_no_evidence(tmp_path, recommendation):
    records = [
        invented.trial(1, wall_s=10.0, clips=1),
        invented.trial(2, wall_s=99.0, clips=1, status=Status.INVALID_NOISE),
        invented.trial(3, wall_s=99.0, clips=1, phase="warmup"),
    ]
    (point,) = pareto_points.settings_tried_points(frame(tmp_path, records), recommendation)
    assert (point.s_per_clip, point.runs) == (pytest.approx(10.0), 1)


def test_the_frontier_has_units_and_names_the_room(runs, recommendation):
    points = pareto_points.settings_tried_points(runs, recommendation)
    ax = pareto_drawing.draw_settings_tried(points, axes(), room_bytes=416 * MIB)
    assert "(s)" in ax.get_xlabel()
    assert "(MB)" in ax.get_ylabel()
    assert "room for the job: 416 MB" in texts(ax)
    assert {"recommended", "ran out of memory", "tried"} <= set(texts(ax).split("\n"))


def test_no_settings_tried_is_an_empty_chart_that_says_so(recommendation, runs):
    points = pareto_points.settings_tried_points(runs[runs["subject"] == "fluent"], recommendation)
    assert points == []
    assert "no settings were tried" in texts(pareto_drawing.draw_settings_tried(points, axes()))


# -- CPU -------------------------------------------------------------------------------------


def test_the_orchestrators_share_is_of_all_cpu(runs, recommendation):
    shares = cpu.cpu_points(runs, recommendation)
    assert [(share.subject, share.runs) for share in shares] == [
        ("sketch", 2),
        ("fluent", 3),
        ("recommended", 3),
    ]
    assert shares[2].orchestrator_fraction == pytest.approx(0.01)


def test_cpu_charts_have_units_and_the_number_of_runs(runs, recommendation):
    shares = cpu.cpu_points(runs, recommendation)
    ax = cpu.draw_cpu(shares, axes())
    assert ax.get_xlabel() == "CPU time a clip (s)"
    assert "orchestrator 1.0 %" in texts(ax)
    assert ax.get_yticklabels()[0].get_text() == "sketch\nn = 2"
    assert "(48 %)" in texts(cpu.draw_throttling(shares, axes()))


def test_throttling_that_is_not_known_is_not_drawn_as_none(runs, recommendation):
    unknown = runs.assign(throttled_s=pd.array([None] * len(runs), dtype="Float64"))
    shares = cpu.cpu_points(unknown, recommendation)
    assert "not known" in texts(cpu.draw_throttling(shares, axes()))


# -- pairs -----------------------------------------------------------------------------------


def test_a_pair_is_two_runs_of_one_block(runs, recommendation):
    points = pairs.pair_points(runs, recommendation)
    assert [(point.baseline, point.block) for point in points] == [
        ("fluent", 0),
        ("fluent", 1),
        ("fluent", 2),
    ]
    assert points[0].ratio == pytest.approx(117 / 84)
    assert points[0].baseline_s == pytest.approx(117 / 12)


def test_a_run_without_its_partner_makes_no_pair(runs, recommendation):
    lonely = runs[~((runs["subject"] == "fluent") & (runs["block"] == 1))]
    points = pairs.pair_points(lonely, recommendation)
    assert [point.block for point in points] == [0, 2]


def test_the_pairs_show_every_repeat(runs, recommendation):
    ax = pairs.draw_pairs(pairs.pair_points(runs, recommendation), axes())
    assert len(ax.lines) == 3
    assert ax.get_ylabel() == "wall time a clip (s)"
    assert "n = 3 pairs" in texts(ax)
    assert "no baseline finished" in texts(pairs.draw_pairs([], axes()))


# -- all -------------------------------------------------------------------------------------


EXHIBITS = (
    exhibits.job_times,
    exhibits.memory_of_subjects,
    exhibits.settings_tried,
    exhibits.cpu_shares,
    exhibits.paired_repeats,
)


def test_every_exhibit_is_drawn_without_touching_matplotlib(tuned, recommendation):
    before = dict(mpl.rcParams)
    shown = [make(tuned, recommendation) for make in EXHIBITS]
    assert dict(mpl.rcParams) == before
    names = [exhibit.picture.name for exhibit in shown]
    assert names == ["bars", "memory", "frontier", "cpu", "pairs"]
    assert not (tuned.folder / "figures").exists()
    for exhibit in shown:
        assert exhibit.picture.alt
        assert exhibit.table.rows
        assert "data:image/svg+xml;base64," in exhibit._repr_html_()


def test_the_same_records_make_the_same_picture(tuned, recommendation):
    one, other = (exhibits.settings_tried(tuned, recommendation) for _ in range(2))
    assert one.picture.svg == other.picture.svg


def bare(recommendation: Recommendation) -> Recommendation:
    """Nothing but a prediction: no baseline, no confirmation, no memory, no limits."""
    return replace(
        recommendation,
        host=replace(recommendation.host, memory_bytes=None, cpus=None),
        baselines=(),
        ties=(),
        confirmed_wall_s=None,
        confirmed_ci95_s=None,
        peak_need_bytes=None,
        headroom_bytes=None,
        cpu_s=None,
    )


def test_a_campaign_that_measured_hardly_anything_still_has_its_charts(tmp_path, recommendation):
    records = [replace(record, peak_anon_bytes=None) for record in invented.screening()]
    known = bare(recommendation)
    tuned = open_campaign(invented.write(tmp_path / "c", records, known))
    for make in EXHIBITS:
        assert make(tuned, known).picture.svg


def test_every_subject_has_a_colour_of_its_own():
    names = ("recommended", "sketch", "fluent", "command", "another")
    assert len({style.color(name) for name in names}) == len(names)


def test_what_it_was_measured_on_names_no_home_folder(tuned, recommendation):
    moved = {"mine.mp4": {"path": "/home/somebody/mine.mp4"}}
    shown = tuning_sections.measured_on_section(replace(tuned, uploads=moved), recommendation)
    assert "somebody" not in shown.markup
    assert ">mine.mp4<" in shown.markup
