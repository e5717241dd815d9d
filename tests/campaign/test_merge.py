"""One campaign of several folders: a campaign in git, its rows split, is the whole again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from stored_campaigns import RESULTS, copied, planned, rows_of

from clipkit import format as fmt
from clipkit.analysis.compare import compare_campaigns
from clipkit.campaign.merge import merge_campaigns
from clipkit.campaign.sweep import cells_left
from clipkit.claims import verdicts
from clipkit.errors import CampaignError, UsageError
from clipkit.output import merged_lines
from clipkit.records.campaign import open_campaign
from clipkit.records.cells import host_noise_of
from clipkit.records.folder import read_records
from clipkit.records.record import SCHEMA_VERSION
from clipkit.records.store import Store
from clipkit.tuning.optimum import optima

GRID = "reference-grid"


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The grid's rows in two folders: block 1 by itself, as `--shard` would leave it."""
    return split(tmp_path_factory.mktemp("halves"), lambda row: row["block"] == 1)


def split(
    folder: Path, is_second: Callable[[dict[str, Any]], bool], name: str = GRID
) -> tuple[Path, Path]:
    first, second = (
        copied(name, folder / side, lambda row, own=own: row if is_second(row) is own else None)
        for side, own in (("first", False), ("second", True))
    )
    for part in (first, second):
        own = {row["run_id"] for row in rows_of(part)}
        lines = (part / "clips.jsonl").read_text("utf-8").splitlines()
        kept = [line for line in lines if json.loads(line)["run_id"] in own]
        (part / "clips.jsonl").write_text("".join(f"{line}\n" for line in kept), "utf-8")
        for sampled in (part / "samples").iterdir():
            if sampled.stem not in own:
                sampled.unlink()
    return first, second


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def changed(folder: Path, **columns: Any) -> Path:
    """Every row with these columns."""
    rows = [row | columns for row in rows_of(folder)]
    (folder / "runs.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return folder


@pytest.fixture(scope="module")
def merged(halves: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = merge_campaigns(halves, tmp_path_factory.mktemp("merged"))
    assert (found.trials, found.added, found.machines) == (324, 324, ("c93b86b8c645",))
    assert found.folder.name == "grid"  # as its experiment is called
    return found.folder


class TestTheWhole:
    def test_has_every_row_as_it_was(self, merged: Path):
        def by_run(folder: Path) -> list[dict[str, Any]]:
            return sorted(rows_of(folder), key=lambda row: row["run_id"])

        assert by_run(merged) == by_run(RESULTS / GRID)

    def test_has_every_clip_and_sample(self, merged: Path):
        def clips(folder: Path) -> list[str]:
            return sorted(
                json.dumps(json.loads(line))
                for line in (folder / "clips.jsonl").read_text("utf-8").splitlines()
            )

        assert clips(merged) == clips(RESULTS / GRID)
        samples = {path.name: path.read_bytes() for path in (merged / "samples").iterdir()}
        assert samples == {
            path.name: path.read_bytes() for path in (RESULTS / GRID / "samples").iterdir()
        }

    def test_says_the_same_of_every_cell_and_of_its_best(self, merged: Path):
        ours, theirs = (open_campaign(folder) for folder in (merged, RESULTS / GRID))
        both = [side.cells.set_index("cell").sort_index() for side in (ours, theirs)]
        for cells in both:
            cells["run_ids"] = cells["run_ids"].map(sorted)
        pd.testing.assert_frame_equal(*both, check_exact=False, rtol=1e-9)

    def test_is_compared_with_the_unsplit_one_at_ratios_of_one(self, merged: Path):
        found = compare_campaigns(open_campaign(RESULTS / GRID), open_campaign(merged))
        assert found.differences == ()
        assert (len(found.pairs), found.only_a, found.only_b) == (108, 0, 0)
        itself = compare_campaigns(*(open_campaign(RESULTS / GRID) for _ in "ab"))
        for pair, same in zip(found.pairs, itself.pairs, strict=True):
            assert (pair.words, pair.a_ended, pair.b_ended) == (
                same.words,
                same.a_ended,
                same.b_ended,
            )
            if same.ratio:
                assert pair.ratio is not None
                assert pair.ratio.value == pytest.approx(1.0)
                assert pair.ratio.interval == pytest.approx(same.ratio.interval)

    def test_recommends_and_judges_the_same(self, merged: Path):
        ours, theirs = (open_campaign(folder) for folder in (merged, RESULTS / GRID))
        told = [[found.sentence for found in optima(side)] for side in (ours, theirs)]
        assert told[0] == told[1]
        said = [
            [(v.id, v.outcome, v.found) for v in verdicts(side.table)] for side in (ours, theirs)
        ]
        assert said[0] == said[1]

    def test_leaves_nothing_to_run(self, merged: Path):
        assert cells_left(planned(GRID), read_records(merged)) == []

    def test_merged_again_is_left_byte_for_byte(self, merged: Path, halves: tuple[Path, Path]):
        before = contents(merged)
        for again in (halves, halves[::-1], (halves[1],), (merged, *halves), (merged,)):
            found = merge_campaigns(again, merged.parent)
            assert (found.folder, found.trials, found.added) == (merged, 324, 0)
            assert contents(merged) == before


def test_one_part_alone_lacks_what_the_others_have(halves: tuple[Path, Path], tmp_path: Path):
    merged = merge_campaigns([halves[0]], tmp_path)
    left = cells_left(planned(GRID), read_records(merged.folder))
    assert len(left) == 108
    assert {cell.block for cell in left} == {1}
    again = merge_campaigns(halves, tmp_path)
    assert (again.trials, again.added) == (324, 108)
    assert cells_left(planned(GRID), read_records(merged.folder)) == []


def test_its_table_is_that_of_the_whole(halves: tuple[Path, Path], tmp_path: Path):
    merged = merge_campaigns(halves, tmp_path)
    assert len(pd.read_parquet(merged.folder / "runs.parquet")) == 324


def test_how_a_part_stood_is_not_how_the_whole_stands(halves: tuple[Path, Path], tmp_path: Path):
    merged = merge_campaigns([halves[0]], tmp_path)
    (merged.folder / "progress.json").write_text("{}", "utf-8")
    merge_campaigns(halves, tmp_path)
    assert not (merged.folder / "progress.json").exists()


class TestExtended:
    """Shards that were run on for more blocks, merged into what was merged of them before."""

    def test_more_blocks_are_only_added(self, halves: tuple[Path, Path], tmp_path: Path):
        first, second = halves
        shorter = Path(shutil.copytree(first, tmp_path / "shorter"))
        file = shorter / "experiment.toml"
        file.write_text(file.read_text("utf-8").replace("blocks = 3", "blocks = 2"), "utf-8")
        merged = merge_campaigns([shorter], tmp_path / "results")
        assert "blocks = 2" in (merged.folder / "experiment.toml").read_text("utf-8")
        again = merge_campaigns([second, first], tmp_path / "results")
        assert (again.trials, again.added) == (324, 108)
        assert "blocks = 3" in (again.folder / "experiment.toml").read_text("utf-8")
        assert cells_left(planned(GRID), read_records(again.folder)) == []


class TestMachines:
    @pytest.fixture
    def parts(self, halves: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
        """The second was measured elsewhere, by a machine that takes half as long again."""
        first, second = (
            Path(shutil.copytree(part, tmp_path / "parts" / part.name)) for part in halves
        )
        rows = [
            row
            | {"host_id": "elsewhere", "clipkit_version": "0.2.0"}
            | {"wall_s": row["wall_s"] and 1.5 * row["wall_s"]}
            for row in rows_of(second)
        ]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (second / "runs.jsonl").write_text(lines, "utf-8")
        facts = json.loads((second / "environment.json").read_text("utf-8"))
        there = facts | {"host_id": "elsewhere", "cpu": "Another CPU"}
        (second / "environment.json").write_text(json.dumps(there), "utf-8")
        return first, second

    def test_each_keeps_its_own_environment(self, parts: tuple[Path, Path], tmp_path: Path):
        merged = merge_campaigns(parts, tmp_path)
        assert set(merged.machines) == {"c93b86b8c645", "elsewhere"}
        machines = open_campaign(merged.folder).machines
        assert set(machines) == {"c93b86b8c645", "elsewhere"}
        assert machines["elsewhere"]["cpu"] == "Another CPU"
        assert machines["c93b86b8c645"]["cpu"] != "Another CPU"
        before = contents(merged.folder)
        merge_campaigns(parts, tmp_path)
        assert contents(merged.folder) == before

    def test_what_one_adds_to_all_alike_is_no_noise_and_changes_no_ranking(
        self, parts: tuple[Path, Path], tmp_path: Path
    ):
        merged = open_campaign(merge_campaigns(parts, tmp_path).folder)
        whole = open_campaign(RESULTS / GRID)
        for host, noise in host_noise_of(whole.cells).items():
            assert host_noise_of(merged.cells)[host].log_sd == pytest.approx(noise.log_sd)
        ours, theirs = (
            side.cells.set_index("cell")["standing"].to_dict() for side in (merged, whole)
        )
        assert ours == theirs
        found = compare_campaigns(whole, merged)
        ratios = [pair.ratio.value for pair in found.pairs if pair.ratio]
        # Slower by the same share of blocks, cell by cell; on a host where some cells lack a block, by a little more.
        assert max(ratios) / min(ratios) < 1.003
        assert "machine" in {difference.what for difference in found.differences}


class TestNames:
    def test_cells_of_equal_levels_are_one_however_they_were_called(
        self, halves: tuple[Path, Path], tmp_path: Path
    ):
        """Another clipkit gave them other names."""
        second = Path(shutil.copytree(halves[1], tmp_path / "second"))
        rows = [
            row | {"cell": f"{row['cell']}-renamed", "run_id": f"{row['run_id']}-renamed"}
            for row in rows_of(second)
        ]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (second / "runs.jsonl").write_text(lines, "utf-8")
        merged = merge_campaigns([halves[0], second], tmp_path).folder
        cells = open_campaign(merged).cells
        assert len(cells) == 108
        assert set(cells["cell"]) == {row["cell"] for row in rows_of(RESULTS / GRID)}
        assert set(cells[cells["status"] == "ok"]["runs"]) == {3}
        assert cells_left(planned(GRID), read_records(merged)) == []

    def test_the_same_block_under_another_name_is_a_double(
        self, halves: tuple[Path, Path], tmp_path: Path
    ):
        second = Path(shutil.copytree(halves[1], tmp_path / "second"))
        third = Path(shutil.copytree(halves[1], tmp_path / "third"))
        rows = [
            row | {"cell": f"{row['cell']}-renamed", "run_id": f"{row['run_id']}-renamed"}
            for row in rows_of(third)
        ]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (third / "runs.jsonl").write_text(lines, "utf-8")
        with pytest.raises(CampaignError, match="both hold block 1 of the cell clipkit-"):
            merge_campaigns([second, third], tmp_path)


class TestBegun:
    """A shard that was killed in its first trial, or before it, costs the others nothing."""

    @pytest.fixture
    def begun(self, halves: tuple[Path, Path], tmp_path: Path) -> Path:
        folder = Store.create(tmp_path / "begun").folder
        for name in ("experiment.toml", "environment.json", "uploads.json"):
            shutil.copy(halves[0] / name, folder)
        (folder / ".clips-0000-cell-b0-a1-abcdef").mkdir()
        return folder

    def test_one_without_an_ended_trial_is_named_and_the_others_are_merged(
        self, begun: Path, halves: tuple[Path, Path], tmp_path: Path
    ):
        hardly = Store.create(tmp_path / "hardly").folder
        found = merge_campaigns([begun, *halves, hardly], tmp_path / "results")
        assert (found.trials, found.begun) == (324, (begun, hardly))
        assert merged_lines(found)[1:3] == [
            f"{fmt.near(folder)}: no trial of it has ended" for folder in (begun, hardly)
        ]

    def test_one_that_is_being_measured_is_waited_for(
        self, begun: Path, halves: tuple[Path, Path], tmp_path: Path
    ):
        with Store(begun).writing(), pytest.raises(CampaignError, match="is being measured"):
            merge_campaigns([*halves, begun], tmp_path / "results")

    def test_where_there_are_no_others_there_is_nothing_to_merge(self, begun: Path, tmp_path: Path):
        with pytest.raises(CampaignError, match="has ended: there is nothing to merge yet"):
            merge_campaigns([begun], tmp_path / "results")
        assert not (tmp_path / "results").exists()

    def test_a_folder_of_another_kind_is_still_refused(
        self, halves: tuple[Path, Path], tmp_path: Path
    ):
        (tmp_path / "else" / "samples").mkdir(parents=True)
        with pytest.raises(CampaignError, match=r"is no campaign: it has no runs\.jsonl"):
            merge_campaigns([*halves, tmp_path / "else"], tmp_path / "results")


class TestRefused:
    """Each says which folders, and leaves nothing behind."""

    @pytest.fixture
    def parts(self, halves: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
        first, second = (
            Path(shutil.copytree(part, tmp_path / "parts" / part.name)) for part in halves
        )
        return first, second

    @staticmethod
    def refusal(parts: list[Path], tmp_path: Path) -> str:
        with pytest.raises(CampaignError) as caught:
            merge_campaigns(parts, tmp_path / "results")
        assert not (tmp_path / "results").exists()
        return str(caught.value)

    def test_another_experiment(self, parts: tuple[Path, Path], tmp_path: Path):
        file = parts[1] / "experiment.toml"
        file.write_text(file.read_text("utf-8").replace("length_s = 2", "length_s = 3"), "utf-8")
        told = self.refusal([*parts], tmp_path)
        assert f"{parts[0]} and {parts[1]} are of other experiments: [job] differs" in told

    @pytest.mark.parametrize(
        ("column", "value", "what"),
        [
            ("ffmpeg_version", "ffmpeg version 4.0", "another ffmpeg (n9"),
            ("ceiling", "watchdog", "another ceiling (cgroup1)"),
        ],
    )
    def test_what_was_measured_by_other_means(
        self, parts: tuple[Path, Path], tmp_path: Path, column: str, value: str, what: str
    ):
        changed(parts[1], **{column: value})
        told = self.refusal([*parts], tmp_path)
        assert f"{parts[0]} was measured with {what}" in told

    @pytest.mark.parametrize("status", ["ok", "cancelled"])
    def test_other_attempts_under_the_same_names(
        self, parts: tuple[Path, Path], tmp_path: Path, status: str
    ):
        """As an older clipkit on two machines called them, whose names hold no token."""
        third = Path(shutil.copytree(parts[1], tmp_path / "parts" / "third"))
        changed(third, host_id="elsewhere", status=status)
        told = self.refusal([*parts, third], tmp_path)
        assert f"{parts[1]} and {third} " in told

    def test_other_words_for_the_same_experiment_are_no_other_one(
        self, parts: tuple[Path, Path], tmp_path: Path
    ):
        file = parts[1] / "experiment.toml"
        file.write_text(f"# Another comment\n{file.read_text('utf-8')}", "utf-8")
        assert merge_campaigns(parts, tmp_path / "results").trials == 324

    def test_other_uploads_of_the_same_name(self, parts: tuple[Path, Path], tmp_path: Path):
        file = parts[1] / "uploads.json"
        known = json.loads(file.read_text("utf-8"))
        for facts in known.values():
            facts["sha256"] = "0" * 64
        file.write_text(json.dumps(known), "utf-8")
        assert "were measured on other uploads" in self.refusal([*parts], tmp_path)

    def test_the_same_cell_and_block_measured_twice(self, parts: tuple[Path, Path], tmp_path: Path):
        third = Path(shutil.copytree(parts[1], tmp_path / "parts" / "third"))
        rows = [row | {"run_id": f"{row['run_id']}-again"} for row in rows_of(third)]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (third / "runs.jsonl").write_text(lines, "utf-8")
        told = self.refusal([*parts, third], tmp_path)
        assert f"{parts[1]} and {third} both hold block 1 of the cell clipkit-" in told

    def test_so_is_one_that_came_in_between(self, parts: tuple[Path, Path], tmp_path: Path):
        """The merged campaign ran the block itself, and then the shard was brought."""
        merged = merge_campaigns(parts, tmp_path / "results").folder
        rows = [row | {"run_id": f"{row['run_id']}-again"} for row in rows_of(parts[1])]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (parts[1] / "runs.jsonl").write_text(lines, "utf-8")
        before = contents(merged)
        with pytest.raises(CampaignError, match="both hold block 1"):
            merge_campaigns([parts[1]], tmp_path / "results")
        assert contents(merged) == before

    def test_the_same_attempts_in_two_folders_are_no_double(
        self, parts: tuple[Path, Path], tmp_path: Path
    ):
        third = Path(shutil.copytree(parts[1], tmp_path / "parts" / "third"))
        assert merge_campaigns([*parts, third], tmp_path / "results").trials == 324

    def test_a_tuning(self, parts: tuple[Path, Path], tmp_path: Path):
        told = self.refusal([parts[0], RESULTS / "reference-tune"], tmp_path)
        assert "reference-tune is no sweep of an experiment" in told

    def test_a_folder_that_is_being_measured(self, parts: tuple[Path, Path], tmp_path: Path):
        with Store(parts[1]).writing():
            told = self.refusal([*parts], tmp_path)
        assert f"{parts[1]} is being measured" in told

    def test_a_folder_that_is_no_campaign(self, tmp_path: Path):
        assert "is no campaign" in self.refusal([tmp_path / "none"], tmp_path)

    def test_rows_of_a_newer_clipkit(self, parts: tuple[Path, Path], tmp_path: Path):
        changed(parts[1], schema_version=SCHEMA_VERSION + 1, clipkit_version="0.9.0")
        assert "pip install 'clipkit>=0.9.0'" in self.refusal([*parts], tmp_path)

    def test_no_folder_at_all(self, tmp_path: Path):
        with pytest.raises(UsageError, match="name the folders to merge"):
            merge_campaigns([], tmp_path)
