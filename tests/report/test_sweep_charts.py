import math
from dataclasses import replace
from pathlib import Path

import inventing_sweep
import pytest
from inventing_sweep import RECOMMENDED, TIED, Film, Sweep
from matplotlib.figure import Figure

from clipkit.analysis.factors import cell_words
from clipkit.errors import CampaignError
from clipkit.hosts import parse_size
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.cells import host_noise_of
from clipkit.records.status import Status
from clipkit.report.charts import heat_drawing, outcomes, pareto_points, repeats, scaling
from clipkit.report.charts import heat_points as heat
from clipkit.report.charts.heat_points import Layout, Tile
from clipkit.report.charts.status_looks import LOOKS
from clipkit.report.exhibits import grid_charts


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return open_campaign(inventing_sweep.write(tmp_path_factory.mktemp("sweep") / "campaign"))


@pytest.fixture(scope="module")
def map_(swept: Campaign) -> heat.HeatMap:
    return heat.heat_points(swept.cells)


def opened(folder: Path, sweep: Sweep) -> Campaign:
    return open_campaign(inventing_sweep.write(folder / "campaign", sweep))


def texts(figure: Figure) -> str:
    said = [text.get_text() for place in (figure, *figure.axes) for text in place.texts]
    legends = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return "\n".join([*said, *legends])


# -- heat maps -------------------------------------------------------------------------------


def test_every_cell_has_its_place_in_the_heat_map(map_: heat.HeatMap):
    assert len(map_.tiles) == 108
    assert map_.levels["preset"] == ("ultrafast", "veryfast", "medium")
    assert map_.levels["memory_limit_bytes"] == ("96 MB", "256 MB", "512 MB")
    places = {(p.row, p.column, t.x, t.y) for p in map_.panels for t in p.tiles}
    assert len(places) == 108


def test_the_fastest_and_its_ties_are_told_for_each_ceiling(map_: heat.HeatMap):
    threads = (1, 2, 4)
    for memory, settings in RECOMMENDED.items():
        row = map_.levels["memory_limit_bytes"].index(memory.replace("M", " MB"))
        tiles = [tile for panel in map_.panels if panel.row == row for tile in panel.tiles]
        found = {
            s: {(t.x + 1, threads[t.y]) for t in tiles if t.best == s}
            for s in ("recommended", "tie")
        }
        assert found == {"recommended": {settings}, "tie": TIED[memory]}


def test_what_ran_out_of_memory_has_no_time_and_says_so(map_: heat.HeatMap):
    lost = [tile for tile in map_.tiles if tile.s_per_clip is None]
    assert {tile.status for tile in lost} == {Status.OOM, Status.OOM_INFERRED}
    figure = Figure()
    heat_drawing.draw_heat_maps(map_, figure)
    said = texts(figure)
    assert said.count("OOM\n") == sum(tile.status is Status.OOM for tile in lost)
    assert "not run: a smaller one ran out" in said
    assert "recommended for each host and job" in said
    assert "n = 3 runs a tile" in said
    assert "95 % interval" in said


def test_a_cell_that_ran_out_once_is_hatched_and_says_in_how_many_runs(map_: heat.HeatMap):
    panel = map_.panels[0]
    lucky = replace(panel.tiles[0], status=Status.OOM, s_per_clip=None, runs=1, failures=2, best="")
    figure = Figure()
    heat_drawing.draw_heat_maps(replace(map_, panels=(replace(panel, tiles=(lucky,)),)), figure)
    said = texts(figure)
    assert "OOM 2/3\n" in said
    assert "ran out of memory (2/3: in 2 of 3 runs)" in said


def test_a_failure_and_a_timeout_look_otherwise_than_running_out_of_memory():
    looks = [(look.text, look.hatch) for look in LOOKS.values()]
    assert len(set(looks)) == len(looks) == 6
    tiles = [
        Tile(x, 0, f"c{x}", status, 0, 1, None, None, None, "") for x, status in enumerate(LOOKS)
    ]
    ax = heat_drawing.draw_heat(tiles, Figure().subplots(), None)
    assert [text.get_text() for text in ax.texts] == [
        "OOM",
        "not run",
        "timeout",
        "failed",
        "disturbed",
        "machine",
    ]


def test_numbers_are_left_out_where_tiles_have_no_room(map_: heat.HeatMap):
    figure = Figure(figsize=(3, 3))
    heat_drawing.draw_heat_maps(map_, figure)
    assert "OOM\n" not in texts(figure)


def test_more_than_four_factors_in_one_heat_map_are_refused(tmp_path: Path):
    swept = opened(tmp_path, Sweep(clip_s=(2.0, 4.0), films=(Film(), Film("b.mp4"))))
    with pytest.raises(CampaignError, match=r"upload \(.*b.mp4.*clip length \(2 s, 4 s\)"):
        heat.heat_points(swept.cells)


def test_each_level_of_a_fifth_factor_has_a_heat_map_that_names_it(tmp_path: Path):
    swept = opened(tmp_path, Sweep(clip_s=(2.0, 4.0)))
    shown = grid_charts.heat_maps(swept).shown
    assert [each.picture.name for each in shown] == ["heat-1", "heat-2"]
    assert [each.picture.alt.endswith("Shown: only clip length 4 s") for each in shown] == [
        False,
        True,
    ]


def test_too_many_pictures_are_refused_with_what_to_do(tmp_path: Path):
    films = tuple(Film(f"{n}.mp4") for n in range(7))
    sweep = Sweep(films=films, clip_s=(1.0, 2.0), blocks=1)
    with pytest.raises(CampaignError, match=r"14 pictures.*part\(upload=…\)"):
        grid_charts.heat_maps(opened(tmp_path, sweep))


def test_what_does_not_vary_makes_room_for_what_does(tmp_path: Path):
    sweep = Sweep(
        hosts=(inventing_sweep.on("512M"),),
        factors={"concurrency": (1, 2), "lookahead": (None, 0)},
        clip_s=(2.0, 4.0),
    )
    layout = heat.usual_heat_layout(opened(tmp_path, sweep).cells)
    assert layout == Layout("concurrency", "encoder_threads", "lookahead", "clip_s")


# -- scaling ---------------------------------------------------------------------------------


def test_speed_up_is_over_one_at_a_time_with_the_same_threads(swept: Campaign):
    part = swept.part(memory="512M")
    lines = scaling.scaling_points(part.cells)
    assert len(lines) == 9
    one = next(
        line for line in lines if (line.panel, line.label) == ("ultrafast", "encoder threads 1")
    )
    assert [step.concurrency for step in one.steps] == [1, 2, 3, 4]
    assert [step.speedup for step in one.steps] == pytest.approx(
        [1, 1 / 0.56, 2, 1 / 0.53], rel=0.01
    )
    assert one.steps[0].speedup_low == one.steps[0].speedup_high == 1
    assert (one.steps[2].speedup_low or 9) < 2 < (one.steps[2].speedup_high or 0)


def test_the_title_tells_from_the_least_to_the_most_that_more_at_once_bring(swept: Campaign):
    part = swept.part(memory="512M", preset="ultrafast", encoder_threads=1)
    lines = scaling.scaling_points(part.cells)
    assert scaling.scaling_finding(lines) == "3 at once are 2.0x as fast as 1; 4 are 1.89x"
    assert scaling.scaling_finding(()) == "Nothing was cut at once"
    flat = [replace(line, steps=line.steps[:1] * 2) for line in lines]
    assert scaling.scaling_finding(flat) == "Nothing finished with more than 1 at once"


def test_scaling_marks_what_did_not_finish(swept: Campaign):
    part = swept.part(memory="96M")
    lines = scaling.scaling_points(part.cells)
    medium = [step for line in lines if line.panel == "medium" for step in line.steps]
    assert {step.status for step in medium} == {Status.OOM, Status.OOM_INFERRED}
    assert {step.speedup for step in medium} == {None}
    figure = Figure()
    scaling.draw_scalings(lines, figure)
    assert "ran out of memory" in texts(figure)


# -- repeats ---------------------------------------------------------------------------------


def test_every_repeat_is_a_point_beside_the_noise_of_its_host(swept: Campaign):
    found = repeats.repeat_points(swept.table, host_noise_of(swept.cells))
    assert len(found.repeats) == 210
    assert len(found.cells) == 70
    inside = sum(abs(math.log(repeat.ratio)) <= repeat.half_width for repeat in found.repeats)
    assert inside / 210 > 0.9
    far = repeats.farthest_repeats(found, 3)
    assert abs(far[0].ratio - 1) == max(abs(r.ratio - 1) for r in found.repeats)


def test_few_cells_are_named_and_many_are_ranked(swept: Campaign):
    few = swept.part(memory="96M")
    names = cell_words(few.cells)
    ax = repeats.draw_repeats(
        repeats.repeat_points(few.table, host_noise_of(few.cells), names), Figure().subplots()
    )
    labels = {label.get_text().replace("\n", " ") for label in ax.texts}
    assert labels
    assert labels <= set(names.values())
    ax = repeats.draw_repeats(
        repeats.repeat_points(swept.table, host_noise_of(swept.cells)), Figure().subplots()
    )
    assert "the steadiest first" in ax.get_xlabel()


def test_nothing_repeated_is_an_empty_chart_that_says_so(tmp_path: Path):
    swept = opened(tmp_path, Sweep(blocks=1, spoilt=False))
    figure = Figure()
    repeats.draw_repeats_and_distribution(
        repeats.repeat_points(swept.table, host_noise_of(swept.cells)), figure
    )
    assert "nothing was repeated" in texts(figure)


# -- frontier, outcomes ----------------------------------------------------------------------


def test_each_ceiling_has_its_own_front(swept: Campaign):
    fronts = pareto_points.cell_fronts(swept.cells, cell_words(swept.cells))
    assert [front.place for front in fronts] == ["512 MB", "256 MB", "96 MB"]
    for front, memory in zip(fronts, RECOMMENDED, strict=True):
        assert front.room_bytes == parse_size(memory)
        best = next(point for point in front.points if point.recommended)
        assert best.recommended
        concurrency, threads = RECOMMENDED[memory]
        assert f"concurrency {concurrency}, encoder threads {threads}" in best.words
        rest = [p for p in front.points if p.efficient]
        peaks = [p.peak_need_bytes or 0 for p in rest]
        assert peaks == sorted(peaks, reverse=True)


def test_the_reserve_is_no_room_for_the_job(tmp_path: Path):
    swept = opened(tmp_path, Sweep(reserve_bytes=parse_size("64M")))
    fronts = pareto_points.cell_fronts(swept.cells, cell_words(swept.cells))
    assert fronts[0].room_bytes == parse_size("448M")


def test_outcomes_count_every_cell_once(swept: Campaign):
    found = outcomes.outcome_points(swept.cells)
    assert [host.host for host in found] == ["512M-2cpu", "256M-2cpu", "96M-2cpu"]
    assert sum(sum(host.cells.values()) for host in found) == 108
    assert found[2].cells[Status.OK] == 8


def test_names_of_uploads_are_no_formulas(tmp_path: Path):
    hostile = Film("$\\frac{$<b>\x1b[31m.mp4")
    swept = opened(tmp_path, Sweep(films=(Film(), hostile)))
    for each in grid_charts.heat_maps(swept).shown:
        assert each.picture.svg
        assert "<b>" not in each._repr_html_()


def test_a_sweep_of_baselines_alone_is_drawn_too(tmp_path: Path):
    swept = opened(tmp_path, Sweep(subjects=("fluent", "moviepy")))
    assert len(grid_charts.heat_maps(swept).shown[0].table.rows) == 6
