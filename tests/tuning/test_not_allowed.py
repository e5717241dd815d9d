"""What was not allowed is never recommended, whichever way the best of a campaign is asked for: a tuning that
measured copying beside what it may recommend, opened by every door."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from stored_campaigns import copied

from clipkit import api
from clipkit.campaign.experiment_file import parse_experiment
from clipkit.errors import CampaignError
from clipkit.records.allowed import hiding_is_allowed
from clipkit.records.best import RECOMMENDED
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.folder import RECOMMENDATION
from clipkit.report.exhibits.card import recommended_rows
from clipkit.report.exhibits.grid_charts import fronts
from clipkit.report.notebooks.optimum import Asked, find_optima
from clipkit.settings import Settings
from clipkit.tuning.optimum import optima
from clipkit.tuning.timings import TUNED, timings_of

COPYING = Settings(mode="auto", hidden_preroll="allow")


def told(settings: Settings) -> str:
    return f"{settings.mode}, hidden pre-roll {settings.hidden_preroll}"


def confirmed(folder: Path) -> Campaign:
    """Its confirming rounds: of one host and job."""
    return open_campaign(folder).part(clips=1, clip_s=12)


def by_recommend(folder: Path) -> str:
    return told(api.recommend(confirmed(folder), crf=23).settings)


def by_recommend_of_that_mode(folder: Path) -> str:
    campaign = confirmed(folder).part(mode="auto")
    return told(api.recommend(campaign, memory="512M").settings)


def by_every_optimum(folder: Path) -> str:
    return "; ".join(told(each.settings) for each in optima(open_campaign(folder)))


def by_its_cells(folder: Path) -> str:
    cells = open_campaign(folder).cells
    best = cells[cells["best"] == RECOMMENDED]
    return "; ".join(f"{row['mode']}, {row['hidden_preroll']}" for row in best.to_dict("records"))


def by_its_card(folder: Path) -> str:
    return str(recommended_rows(open_campaign(folder)))


def by_the_front(folder: Path) -> str:
    rows = [row for shown in fronts(confirmed(folder)).shown for row in shown.table.rows]
    return "; ".join(" ".join(row) for row in rows if "recommended" in " ".join(row))


def by_the_notebook(folder: Path) -> str:
    """Of a tuning that was cut short: it has no recommendation of its own."""
    (folder / RECOMMENDATION).unlink()
    asked = Asked(campaign=str(folder), memory="512M", cpus="0.5", preset="", out="")
    return "; ".join(told(each.settings) for each in find_optima(asked).optima)


VIEWS = (
    by_recommend,
    by_recommend_of_that_mode,
    by_every_optimum,
    by_its_cells,
    by_its_card,
    by_the_front,
    by_the_notebook,
)


def tuning(to: Path, hidden_preroll: str) -> Path:
    """The tuning in git, in which copying was by far the fastest, as asked for with that."""
    folder = copied("tune-default", to)
    asked = folder / "experiment.toml"
    text = asked.read_text("utf-8").replace('"refuse"', hidden_preroll)
    asked.write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_no_view_recommends_hidden_pictures_that_were_not_allowed(view: Callable, tmp_path: Path):
    found = view(tuning(tmp_path / "refused", '"refuse"'))
    assert "auto" in found
    assert "allow" not in found


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_every_view_recommends_the_copy_where_it_was_allowed(view: Callable, tmp_path: Path):
    assert "allow" in view(tuning(tmp_path / "allowed", '"allow"'))


def test_to_measure_both_is_no_leave_yet(tmp_path: Path):
    folder = tuning(tmp_path / "both", '["refuse", "allow"]')
    assert "allow" not in by_its_cells(folder)


@pytest.mark.parametrize(
    ("everywhere", "variants", "is_allowed"),
    [
        ("refuse", ("allow", "allow"), True),
        ("refuse", ("allow", "refuse"), False),
        ("refuse", ("allow", None), False),
        ("allow", ("allow", None), True),
        ("allow", (None, "refuse"), False),
    ],
)
def test_variants_allow_it_where_every_one_does(
    everywhere: str, variants: tuple[str | None, ...], is_allowed: bool, tmp_path: Path
):
    folder = tuning(tmp_path / "variants", f'"{everywhere}"')
    with (folder / "experiment.toml").open("a", encoding="utf-8") as asked:
        for name, leave in enumerate(variants):
            said = f'hidden_preroll = "{leave}"\n' if leave else ""
            asked.write(f'\n[[variants]]\nname = "{name}"\n{said}')
    assert ("allow" in by_its_cells(folder)) == is_allowed


BOTH = 'hidden_preroll = ["refuse", "allow"]'
WITHOUT_REFUSING = '[[exclude]]\nhidden_preroll = "refuse"'
OF_AUTO = '[[exclude]]\nmode = "auto"\nhidden_preroll = "refuse"'
OF_BOTH_VARIANTS = '[[exclude]]\nvariant = ["a", "b"]\nhidden_preroll = "refuse"'
OF_ONE_VARIANT = '[[exclude]]\nvariant = "a"\nhidden_preroll = "refuse"'
VARIANTS = '[[variants]]\nname = "a"\n[[variants]]\nname = "b"'


@pytest.mark.parametrize(
    ("settings", "tables", "is_allowed"),
    [
        (BOTH, "", False),
        (BOTH, WITHOUT_REFUSING, True),
        (BOTH, '[[exclude]]\nhidden_preroll = "allow"', False),
        (f'mode = ["encode", "auto"]\n{BOTH}', "", False),
        (f'mode = ["encode", "auto"]\n{BOTH}', OF_AUTO, True),
        (f'mode = ["encode", "auto", "copy"]\n{BOTH}', OF_AUTO, False),
        # What is left out of some cells alone is measured in the others.
        (f'mode = "auto"\ncrf = [23, 28]\n{BOTH}', f"{OF_AUTO}\ncrf = 23", False),
        (f'mode = "auto"\ncrf = [23, 28]\n{BOTH}', f"{OF_AUTO}\ncrf = [28, 23]", True),
        (
            f'mode = "auto"\ncrf = [23, 28]\n{BOTH}',
            f"{OF_AUTO}\ncrf = 28\n{OF_AUTO}\ncrf = 23",
            True,
        ),
        (
            f'mode = "auto"\ncrf = [23, 28]\npreset = ["slow", "fast"]\n{BOTH}',
            f'{OF_AUTO}\ncrf = 28\n{OF_AUTO}\npreset = "slow"',
            False,
        ),
        # Of what is not listed under [settings] it is not known which levels there are.
        (f'mode = "auto"\n{BOTH}', f"{OF_AUTO}\ncrf = 23", False),
        (f'mode = "auto"\n{BOTH}', f'{OF_AUTO}\nupload = "sample"', False),
        (f'mode = "auto"\n{BOTH}', f"{VARIANTS}\n{OF_BOTH_VARIANTS}", True),
        (f'mode = "auto"\n{BOTH}', f"{VARIANTS}\n{OF_ONE_VARIANT}", False),
        # A variant that re-encodes hides nothing, whatever is allowed.
        ('mode = "encode"', f'{VARIANTS}\nmode = "auto"\nhidden_preroll = "allow"', True),
        ('mode = "encode"', f'{VARIANTS}\nmode = "auto"\nhidden_preroll = "refuse"', False),
    ],
)
def test_what_is_left_out_of_an_experiment_is_not_asked_for(
    settings: str, tables: str, is_allowed: bool, tmp_path: Path
):
    text = f'[job]\nuploads = "sample"\n[settings]\n{settings}\n{tables}\n'
    (tmp_path / "experiment.toml").write_text(text, "utf-8")
    parse_experiment(text, tmp_path / "experiment.toml")
    assert hiding_is_allowed(tmp_path) is is_allowed


def test_a_sweep_recommends_copies_where_refusing_them_was_left_out(tmp_path: Path):
    folder = tuning(tmp_path / "left_out", '["refuse", "allow"]')
    with (folder / "experiment.toml").open("a", encoding="utf-8") as asked:
        asked.write(f"\n{WITHOUT_REFUSING}\n")
    assert "allow" in by_its_cells(folder)


@pytest.mark.parametrize("name", ["variants", "exclude"])
def test_what_is_no_list_of_tables_is_refused_by_name(name: str, tmp_path: Path):
    folder = tuning(tmp_path / "broken", '"allow"')
    text = (folder / "experiment.toml").read_text("utf-8")
    (folder / "experiment.toml").write_text(f"{name} = 3\n{text}", "utf-8")
    with pytest.raises(CampaignError, match=rf"experiment\.toml.*{name} is no list of tables"):
        open_campaign(folder)


def test_plans_rest_on_what_was_allowed(tmp_path: Path):
    """Of a sweep they take what is recommended there."""
    times = {}
    for leave in ("refuse", "allow"):
        folder = tuning(tmp_path / leave, f'"{leave}"')
        (folder / RECOMMENDATION).unlink()
        tuned = [each for each in timings_of(open_campaign(folder)) if TUNED in each.how]
        times[leave] = min(each.s_per_clip for each in tuned if each.cpus == 0.5)
    assert times["refuse"] > 5 * times["allow"]


def test_that_a_copy_was_faster_and_is_left_out_is_said(tmp_path: Path):
    refused, allowed = (tuning(tmp_path / leave, f'"{leave}"') for leave in ("refuse", "allow"))
    told = optima(confirmed(refused))[0].unmeasured
    assert 'which only hidden_preroll "allow" permits' in told[0]
    assert not any("permits" in words for words in optima(confirmed(allowed))[0].unmeasured)
