"""What a tuning found as an experiment for the host itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from inventing_uploads import upload

from clipkit import resources
from clipkit.campaign.design import design_of
from clipkit.campaign.experiment_file import parse_experiment
from clipkit.pack.open_cells import opened_cells
from clipkit.records.folder import read_experiment
from clipkit.tuning.packing import pairs_experiment
from clipkit.tuning.recommendation import Recommendation, read_recommendation

OWN = resources.folder("results") / "tune-own-command"


def levels(found: Recommendation) -> list[dict[str, object]]:
    text = pairs_experiment(found, found.baselines[0], read_experiment(OWN), "there")
    experiment = parse_experiment(text, Path("there.toml"))
    assert (experiment.strategy, experiment.options["blocks"]) == ("grid", 5)
    assert experiment.command == found.command
    return list(experiment.combinations())


def test_the_users_command_is_beside_itself_as_it_was_recommended_to_be_changed() -> None:
    today, recommended = levels(read_recommendation(OWN))
    assert (today["subject"], today["concurrency"]) == ("command", 1)
    assert (recommended["subject"], recommended["concurrency"]) == ("changed", 2)
    assert recommended["filter_threads"] == 0
    assert (today["clips"], today["length_s"]) == (12, 12)
    assert today["place"] == recommended["place"]
    assert today["place"].host.memory_bytes == 512 * 2**20  # type: ignore[attr-defined]


def test_threads_that_a_recommendation_leaves_open_are_filled_in_on_its_own_side_alone() -> None:
    tuned = resources.folder("results") / "tune-default"
    found = read_recommendation(tuned)
    left_open = replace(found, settings=replace(found.settings, mode="encode", encoder_threads=0))
    text = pairs_experiment(left_open, found.baselines[0], read_experiment(tuned), "there")
    experiment = parse_experiment(text, Path("there.toml"))
    uploads = dict.fromkeys(experiment.factors["upload"], upload(frames=15000))
    cells = design_of(experiment, uploads).cells
    assert len(cells) == 2
    assert [cells[place].subject.name for place in opened_cells(cells)] == ["clipkit"]


@pytest.mark.parametrize("reserve", [0, 120 * 2**20])
def test_memory_for_a_server_is_kept_in_the_cells_name(reserve: int) -> None:
    found = replace(read_recommendation(OWN), reserve_bytes=reserve)
    today, _ = levels(found)
    assert today["place"].reserve_bytes == reserve  # type: ignore[attr-defined]
