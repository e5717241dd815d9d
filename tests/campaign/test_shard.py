"""A shard: whole blocks of an experiment for one machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import clipkit
from stored_campaigns import planned

from clipkit.campaign.experiment_file import parse_experiment
from clipkit.campaign.shard import Shard, parse_shard
from clipkit.errors import UsageError


def test_the_shards_of_an_experiment_share_out_its_blocks():
    for blocks in range(1, 9):
        for n in range(1, blocks + 1):
            parts = [Shard(k, n).blocks(blocks) for k in range(1, n + 1)]
            assert sorted(block for part in parts for block in part) == list(range(blocks))
            assert all(parts)


def test_it_is_written_as_the_part_and_how_many_there_are():
    assert parse_shard("2/3") == Shard(2, 3)
    assert str(parse_shard("01/3")) == "1/3"


@pytest.mark.parametrize("text", ["3/2", "0/2", "1/0", "1", "1/2/3", "-1/2", "a/b", "", "1 / 2"])
def test_what_is_none_is_refused_with_an_example(text: str):
    with pytest.raises(UsageError, match=r"--shard .* 1 <= K <= N, such as 1/2"):
        parse_shard(text)


def test_more_shards_than_blocks_are_refused():
    experiment = parse_experiment("[run]\nblocks = 2", Path("/x/file.toml"))
    Shard(2, 2).check(experiment)
    with pytest.raises(UsageError, match=r"--shard 2/3: file\.toml has 2 blocks, so at most 2"):
        Shard(2, 3).check(experiment)


def test_a_strategy_without_blocks_cannot_be_shared_out():
    experiment = parse_experiment("[run]\nstrategy = 'random'\ntrials = 9", Path("/x/file.toml"))
    with pytest.raises(UsageError, match="strategy 'random' has no blocks to share out"):
        Shard(1, 2).check(experiment)


@pytest.mark.parametrize(
    ("shard", "run", "told"),
    [
        ("3/2", "blocks = 3", "write K/N with 1 <= K <= N"),
        ("1/4", "blocks = 3", "has 3 blocks, so at most 3 shards"),
        ("1/2", "strategy = 'random'\ntrials = 3", "has no blocks to share out"),
    ],
)
def test_the_command_takes_it_for_wrong_use(tmp_path: Path, shard: str, run: str, told: str):
    (tmp_path / "trying.toml").write_text(f"[run]\n{run}", "utf-8")
    ran = clipkit("sweep", "trying.toml", "--shard", shard, cwd=tmp_path)
    assert ran.code == 2
    assert told in ran.complaint
    assert not (tmp_path / "results").exists()


def test_a_shard_of_a_campaign_in_git_is_left_what_is_of_its_blocks():
    """Planned in shards, the folder of the whole leaves nothing to run for either."""
    whole = planned("reference-grid")
    cells = whole.kind.cells(whole.design, whole.experiment.options)
    assert len({(cell.name, cell.block) for cell in cells}) == 3 * 108
