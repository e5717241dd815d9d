"""`clipkit sweep` with real trials: what is killed at any time goes on where it was."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from running import clipkit, ffmpegs_in, finish, groups_of, processes_with, start, until

from clipkit.analysis.edges import edges_in
from clipkit.ceiling.base import Ceiling
from clipkit.format import MIB
from clipkit.records.columns import columns
from clipkit.records.folder import read_records
from clipkit.records.served import OF_SERVICES

EXPERIMENT = """
[job]
uploads = "{upload}"
clips = 2
length_s = 0.5
[host]
memory = ["256M", "64M"]
[settings]
concurrency = [1, 2]
encoder_threads = [1, 2]
[run]
blocks = 2
"""


@pytest.fixture
def experiment(small: Path, tmp_path: Path) -> Path:
    path = tmp_path / "trying.toml"
    path.write_text(EXPERIMENT.format(upload=small))
    return path


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]


def times_done(folder: Path) -> Counter[tuple[str, int]]:
    return Counter((row["cell"], row["block"]) for row in rows(folder) if row["status"] == "ok")


class TestASweep:
    def test_runs_every_cell_once_a_block_and_is_a_campaign(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        ran = clipkit("sweep", experiment, "--json", cwd=tmp_path)
        assert ran.code == 0, ran.err
        folder = tmp_path / "results" / "trying"
        assert ran.json["campaign"] == str(folder)
        assert (ran.json["total"], ran.json["done"], ran.json["ok"], ran.json["ran"]) == (16,) * 4
        done = times_done(folder)
        assert set(done.values()) == {1}
        assert len(done) == 16
        of_all = [column.name for column in columns() if column.name not in OF_SERVICES]
        assert list(rows(folder)[0]) == of_all
        assert (folder / "experiment.toml").read_bytes() == experiment.read_bytes()
        assert list(json.loads((folder / "uploads.json").read_text())) == ["small.mp4"]
        assert json.loads((folder / "environment.json").read_text())["ffmpeg"]
        assert len(pd.read_parquet(folder / "runs.parquet")) == 16
        assert not groups_of(ran.pid)

    def test_progress_is_a_line_a_trial_with_what_it_found(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        lines = clipkit("sweep", experiment, cwd=tmp_path).err.splitlines()
        assert len(lines) == 16
        assert lines[0].startswith("1 of 16, 0:")
        assert " left  block 1 of 2: " in lines[0]
        assert ": 2 clips in 0." in lines[0]

    def test_a_finished_one_is_left_alone(self, experiment: Path, tmp_path: Path) -> None:
        assert clipkit("sweep", experiment, cwd=tmp_path).code == 0
        folder = tmp_path / "results" / "trying"
        before = {path: path.read_bytes() for path in folder.rglob("*.json*")}
        again = clipkit("sweep", experiment, cwd=tmp_path)
        assert again.code == 0
        assert "nothing was left to run" in again.out
        assert "results/trying" in again.out
        assert {path: path.read_bytes() for path in folder.rglob("*.json*")} == before

    def test_a_wider_one_of_the_same_name_adds_to_it(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        assert clipkit("sweep", experiment, cwd=tmp_path).code == 0
        folder = tmp_path / "results" / "trying"
        before = (folder / "runs.jsonl").read_bytes()
        text = experiment.read_text().replace("[1, 2]\nencoder", "[1, 2, 3]\nencoder")
        experiment.write_text(text)
        assert clipkit("sweep", experiment, "--json", cwd=tmp_path).json["ran"] == 8
        assert (folder / "runs.jsonl").read_bytes().startswith(before)
        assert (folder / "experiment.toml").read_text() == text

    def test_one_that_asks_for_less_by_now_is_finished(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "results" / "trying"
        with start("sweep", experiment, cwd=tmp_path) as process:
            until(lambda: (folder / "runs.jsonl").exists() and len(rows(folder)) > 8)
            process.kill()
        assert json.loads((folder / "progress.json").read_text())["state"] == "running"
        experiment.write_text(experiment.read_text().replace("blocks = 2", "blocks = 1"))
        ran = clipkit("sweep", experiment, "--json", cwd=tmp_path)
        assert (ran.json["ran"], ran.json["total"]) == (0, 8)
        standing = json.loads((folder / "progress.json").read_text())
        assert (standing["state"], standing["total"]) == ("finished", 8)
        assert (folder / "experiment.toml").read_text() == experiment.read_text()

    def test_uploads_of_an_earlier_experiment_stay_known(
        self, experiment: Path, make: Callable[..., Path], tmp_path: Path
    ) -> None:
        assert clipkit("sweep", experiment, cwd=tmp_path).code == 0
        other = make("other.mp4")
        text = experiment.read_text()
        experiment.write_text(
            text.replace('uploads = "', f'uploads = ["{other}", "', 1).replace(
                'small.mp4"', 'small.mp4"]', 1
            )
        )
        assert clipkit("sweep", experiment, cwd=tmp_path).code == 0
        experiment.write_text(text)
        uploads = json.loads((tmp_path / "results" / "trying" / "uploads.json").read_text())
        assert set(uploads) == {"small.mp4", "other.mp4"}

    def test_a_ceiling_of_another_kind_is_another_campaign(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        assert clipkit("sweep", experiment, cwd=tmp_path).code == 0
        experiment.write_text(experiment.read_text().replace("blocks = 2", "blocks = 3"))
        ran = clipkit("sweep", experiment, "--ceiling", "watchdog", cwd=tmp_path)
        assert ran.code == 1
        assert "another ceiling" in ran.complaint

    def test_another_experiment_does_not_get_its_name(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        assert clipkit("sweep", experiment, cwd=tmp_path).code == 0
        experiment.write_text(experiment.read_text().replace("length_s = 0.5", "length_s = 0.4"))
        ran = clipkit("sweep", experiment, cwd=tmp_path)
        assert ran.code == 1
        assert "holds another experiment" in ran.complaint
        assert "--as" in ran.complaint

    @pytest.fixture
    def begun(self, experiment: Path, tmp_path: Path) -> Path:
        """The folder of a sweep that was stopped after a few trials."""
        folder = tmp_path / "results" / "trying"
        with start("sweep", experiment, cwd=tmp_path) as process:
            until(lambda: (folder / "runs.jsonl").exists() and len(rows(folder)) > 1)
            process.send_signal(signal.SIGTERM)
            assert finish(process).code == 130
        return folder

    def test_stopped_it_still_tells_the_best_so_far(self, begun: Path) -> None:
        """Also where the attempt that was stopped is the last, of a cell that never ended."""
        assert rows(begun)[-1]["status"] in {"cancelled", "ok"}
        standing = json.loads((begun / "progress.json").read_text())
        assert standing["state"] == "cancelled"
        assert standing["best_s_per_clip"] > 0

    def test_another_ffmpeg_is_another_campaign(
        self, begun: Path, experiment: Path, tmp_path: Path
    ) -> None:
        text = (begun / "runs.jsonl").read_text()
        (begun / "runs.jsonl").write_text(
            text.replace('"ffmpeg_version": "', '"ffmpeg_version": "other ')
        )
        before = (begun / "runs.jsonl").read_bytes()
        ran = clipkit("sweep", experiment, cwd=tmp_path)
        assert ran.code == 1
        assert "was measured with another ffmpeg (other " in ran.complaint
        assert "--as" in ran.complaint
        assert (begun / "runs.jsonl").read_bytes() == before

    def test_another_machine_and_another_clipkit_go_on(
        self, begun: Path, experiment: Path, tmp_path: Path
    ) -> None:
        """Each record says which; the machine's speed is taken out as a block's is."""
        stored = [row | {"host_id": "elsewhere", "clipkit_version": "0.0.1"} for row in rows(begun)]
        lines = "".join(f"{json.dumps(row)}\n" for row in stored)
        (begun / "runs.jsonl").write_text(lines)
        facts = json.loads((begun / "environment.json").read_text())
        (begun / "environment.json").write_text(json.dumps(facts | {"host_id": "elsewhere"}))
        ran = clipkit("sweep", experiment, "--json", cwd=tmp_path)
        assert ran.code == 0, ran.err
        done = times_done(begun)
        assert set(done.values()) == {1}
        assert len(done) == 16
        assert {row["host_id"] for row in rows(begun)} == {"elsewhere", facts["host_id"]}
        assert len({row["clipkit_version"] for row in rows(begun)}) == 2
        environment = json.loads((begun / "environment.json").read_text())
        assert environment["host_id"] == facts["host_id"]
        assert set(environment["machines"]) == {"elsewhere", facts["host_id"]}

    def test_cells_that_another_clipkit_named_otherwise_are_not_run_again(
        self, begun: Path, experiment: Path, tmp_path: Path
    ) -> None:
        stored = [row | {"cell": f"older-{row['cell']}"} for row in rows(begun)]
        lines = "".join(f"{json.dumps(row)}\n" for row in stored)
        (begun / "runs.jsonl").write_text(lines)
        known = {row["cell"] for row in stored}
        ran = clipkit("sweep", experiment, "--json", cwd=tmp_path)
        assert ran.code == 0, ran.err
        done = times_done(begun)
        assert set(done.values()) == {1}
        assert len(done) == 16
        assert len({cell for cell, _ in done}) == 8
        assert known <= {cell for cell, _ in done}

    def test_a_dry_run_says_what_it_will_cost_and_leaves_nothing(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        ran = clipkit("sweep", experiment, "--dry-run", "--json", cwd=tmp_path)
        assert ran.code == 0, ran.err
        assert (ran.json["cells"], ran.json["blocks"], ran.json["trials"]) == (8, 2, 16)
        assert 0 < ran.json["time_s"] < 300
        assert ran.json["disk_bytes"] > 0
        assert not (tmp_path / "results").exists()
        said = clipkit("sweep", experiment, "--dry-run", cwd=tmp_path).out
        assert "16 trials" in said
        assert "of disk" in said


class TestKilledAndResumed:
    def test_five_kills_at_random_lose_and_repeat_nothing(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        chance = random.Random(4)
        folder = tmp_path / "results" / "trying"
        for _ in range(5):
            with start("sweep", experiment, cwd=tmp_path) as process:
                stored = len(rows(folder)) if (folder / "runs.jsonl").exists() else 0
                until(lambda n=stored: (folder / "runs.jsonl").exists() and len(rows(folder)) > n)
                time.sleep(chance.uniform(0, 0.8))
                process.kill()
            until(lambda: not ffmpegs_in(folder))
        ran = clipkit("sweep", experiment, "--json", cwd=tmp_path)
        assert ran.code == 0, ran.err
        assert 0 < ran.json["ran"] < 16
        done = times_done(folder)
        assert set(done.values()) == {1}
        assert len(done) == 16
        attempts = [row["run_id"] for row in rows(folder)]
        assert len(set(attempts)) == len(attempts) == 16
        clips = [json.loads(line) for line in (folder / "clips.jsonl").read_text().splitlines()]
        assert Counter(clip["run_id"] for clip in clips) == dict.fromkeys(attempts, 2)
        assert not [entry for entry in folder.iterdir() if entry.name.startswith(".")]
        assert not processes_with(str(folder))

    def test_an_interrupt_ends_the_trial_and_keeps_the_rest(
        self, experiment: Path, slow: Path, tmp_path: Path
    ) -> None:
        text = EXPERIMENT.format(upload=slow).replace('"256M", "64M"', '"1G"')
        experiment.write_text(text.replace("[settings]", "[settings]\npreset = 'veryslow'"))
        folder = tmp_path / "results" / "trying"
        with start("sweep", experiment, cwd=tmp_path) as process:
            until(lambda: (folder / "progress.json").exists() and ffmpegs_in(folder))
            until(lambda: json.loads((folder / "progress.json").read_text())["now"])
            process.send_signal(signal.SIGINT)
            ran = finish(process)
        assert ran.code == 130
        assert ran.err.splitlines()[-1].startswith("clipkit: interrupted")
        standing = json.loads((folder / "progress.json").read_text())
        assert standing["state"] == "cancelled"
        assert not ffmpegs_in(folder)
        assert not groups_of(ran.pid)


TINY = """
name = "tiny"
[job]
uploads = "{upload}"
clips = 1
length_s = 0.5
[settings]
encoder_threads = [1, 2]
[run]
blocks = 2
"""


class TestShards:
    @pytest.fixture
    def tiny(self, small: Path, tmp_path: Path) -> Path:
        path = tmp_path / "tiny.toml"
        path.write_text(TINY.format(upload=small))
        return path

    @staticmethod
    def shard(tiny: Path, which: str, results: str) -> Path:
        words = ["--shard", which, "--results", results, "--json"]
        ran = clipkit("sweep", tiny, *words, cwd=tiny.parent)
        assert ran.code == 0, ran.err
        assert (ran.json["shard"], ran.json["total"], ran.json["ran"]) == (which, 2, 2)
        return Path(ran.json["campaign"])

    def test_of_every_block_are_together_every_cell_once(self, tiny: Path, tmp_path: Path) -> None:
        first = self.shard(tiny, "1/2", "one")
        second = self.shard(tiny, "2/2", "other")
        assert {row["block"] for row in rows(first)} == {0}
        assert {row["block"] for row in rows(second)} == {1}
        again = clipkit("sweep", tiny, "--shard", "1/2", "--results", "one", cwd=tmp_path)
        assert "nothing was left to run" in again.out
        ran = clipkit("merge", first, second, "--json", cwd=tmp_path)
        assert ran.code == 0, ran.err
        folder = tmp_path / "results" / "tiny"
        assert ran.json == {
            "campaign": str(folder),
            "trials": 4,
            "added": 4,
            "machines": [rows(first)[0]["host_id"]],
            "begun": [],
            "machines_disagree": [],
        }
        done = times_done(folder)
        assert len(done) == 4
        assert set(done.values()) == {1}
        assert len({row["run_id"] for row in rows(folder)}) == 4
        for row in rows(folder):
            assert (folder / "samples" / f"{row['run_id']}.parquet").is_file()
        before = (folder / "runs.jsonl").read_bytes()
        assert "nothing new" in clipkit("merge", first, second, cwd=tmp_path).out
        swept = clipkit("sweep", tiny, "--json", cwd=tmp_path)
        assert (swept.code, swept.json["ran"], swept.json["done"]) == (0, 0, 4)
        assert (folder / "runs.jsonl").read_bytes() == before

    def test_what_a_merged_campaign_lacks_is_run_there(self, tiny: Path, tmp_path: Path) -> None:
        first = self.shard(tiny, "1/2", "one")
        assert clipkit("merge", first, "--results", "merged", cwd=tmp_path).code == 0
        swept = clipkit("sweep", tiny, "--results", "merged", "--json", cwd=tmp_path)
        assert swept.code == 0, swept.err
        assert (swept.json["ran"], swept.json["done"], swept.json["total"]) == (2, 4, 4)
        done = times_done(tmp_path / "merged" / "tiny")
        assert len(done) == 4
        assert set(done.values()) == {1}

    def test_one_that_was_measured_twice_is_refused(self, tiny: Path, tmp_path: Path) -> None:
        first = self.shard(tiny, "1/2", "one")
        again = self.shard(tiny, "1/2", "again")
        ran = clipkit("merge", first, again, cwd=tmp_path)
        assert ran.code == 1
        assert f"{first} and {again} both hold block 0 of the cell clipkit-" in ran.complaint
        assert not (tmp_path / "results").exists()


class TestRandom:
    def test_runs_as_many_trials_as_it_was_told_and_more_are_added(
        self, small: Path, tmp_path: Path
    ) -> None:
        path, text = tmp_path / "chance.toml", TINY.replace("tiny", "chance").format(upload=small)
        run = 'strategy = "random"\ntrials = 1'
        path.write_text(text.replace("blocks = 2", run))
        dry = clipkit("sweep", path, "--dry-run", "--json", cwd=tmp_path)
        assert (dry.json["cells"], dry.json["blocks"], dry.json["trials"]) == (2, None, 1)
        ran = clipkit("sweep", path, "--json", cwd=tmp_path)
        assert ran.code == 0, ran.err
        assert (ran.json["ran"], ran.json["total"]) == (1, 1)
        path.write_text(text.replace("blocks = 2", run.replace("1", "3")))
        ran = clipkit("sweep", path, "--json", cwd=tmp_path)
        assert (ran.code, ran.json["ran"], ran.json["done"], ran.json["total"]) == (0, 2, 3, 3)
        done = times_done(tmp_path / "results" / "chance")
        assert len(done) == 3
        assert len({cell for cell, _ in done}) == 2

    def test_minutes_are_all_that_it_needs(self, small: Path, tmp_path: Path) -> None:
        path, text = tmp_path / "chance.toml", TINY.replace("tiny", "chance").format(upload=small)
        path.write_text(text.replace("blocks = 2", 'strategy = "random"\nminutes = 0.1'))
        ran = clipkit("sweep", path, "--json", cwd=tmp_path)
        assert ran.code == 0, ran.err
        assert ran.json["total"] is None
        assert ran.json["ran"] == ran.json["done"] > 1
        again = clipkit("sweep", path, "--json", cwd=tmp_path)
        assert (again.code, again.json["ran"]) == (0, 0)

    def test_minutes_are_spent_by_trials_that_hit_their_time_limit_too(
        self, slow: Path, tmp_path: Path
    ) -> None:
        path, text = tmp_path / "chance.toml", TINY.replace("tiny", "chance").format(upload=slow)
        run = 'strategy = "random"\nminutes = 0.1\ntimeout_s = 1'
        text = text.replace("[settings]", '[settings]\npreset = "veryslow"')
        path.write_text(text.replace("blocks = 2", run))
        clipkit("sweep", path, cwd=tmp_path)
        stored = rows(tmp_path / "results" / "chance")
        assert {row["status"] for row in stored} == {"timeout"}
        clipkit("sweep", path, cwd=tmp_path)
        assert rows(tmp_path / "results" / "chance") == stored


class TestEdge:
    def test_finds_how_many_at_once_the_memory_holds(
        self, slow: Path, real_ceiling: Callable[..., Ceiling], tmp_path: Path
    ) -> None:
        real_ceiling(memory_bytes=300 * MIB)  # where the kernel holds none, nothing runs out
        path, text = tmp_path / "edge.toml", EXPERIMENT.format(upload=slow).replace("clips = 2", "")
        text = text.replace('["256M", "64M"]', '"300M"').replace(
            "blocks", 'strategy = "edge"\nblocks'
        )
        text = text.replace("[1, 2]", "{ from = 1, to = 8 }", 1).replace("[1, 2]", "1")
        path.write_text(text)
        dry = clipkit("sweep", path, "--dry-run", "--json", cwd=tmp_path)
        ran = clipkit("sweep", path, "--json", cwd=tmp_path)
        assert ran.code == 0, ran.err
        folder = tmp_path / "results" / "edge"
        ends: dict[int, set[str]] = {}
        for row in rows(folder):
            ends.setdefault(row["concurrency"], set()).add(row["status"])
        sharp = all(len(statuses) == 1 for statuses in ends.values())
        assert 4 <= ran.json["ran"] == ran.json["total"]
        assert not sharp or ran.json["total"] <= dry.json["trials"]
        assert {row["clips"] - row["concurrency"] for row in rows(folder)} == {0}
        (edge,) = edges_in(read_records(folder))
        assert edge.survived and edge.beyond
        assert edge.beyond.at_once == edge.survived.at_once + 1
        assert edge.survived.runs == edge.beyond.runs == 2
        assert edge.beyond.ran_out and edge.beyond.ffmpegs_killed
        again = clipkit("sweep", path, "--json", cwd=tmp_path)
        assert (again.code, again.json["ran"]) == (0, 0)


class TestMistakes:
    def test_an_upload_that_is_none_is_told_before_anything_is_written(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        experiment.write_text('[job]\nuploads = "none.mp4"')
        ran = clipkit("sweep", experiment, cwd=tmp_path)
        assert ran.code == 1
        assert f"{tmp_path / 'none.mp4'}" in ran.complaint
        assert "trying.toml: [job] uploads: " in ran.complaint
        assert not (tmp_path / "results").exists()

    def test_a_wrong_key_is_wrong_use(self, experiment: Path, tmp_path: Path) -> None:
        experiment.write_text("[settings]\nconcurency = 2")
        ran = clipkit("sweep", experiment, cwd=tmp_path)
        assert ran.code == 2
        assert "trying.toml: [settings] concurency: unknown key" in ran.complaint

    def test_a_host_larger_than_this_machine_is_refused(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        experiment.write_text(
            experiment.read_text().replace("[settings]", "cpus = 999\n[settings]")
        )
        ran = clipkit("sweep", experiment, cwd=tmp_path)
        assert ran.code == 1
        assert "999 CPU, this machine only" in ran.complaint
        assert not (tmp_path / "results").exists()

    def test_a_campaign_without_any_success_is_a_failure(
        self, experiment: Path, tmp_path: Path
    ) -> None:
        experiment.write_text(experiment.read_text().replace("blocks = 2", "timeout_s = 0.001"))
        ran = clipkit("sweep", experiment, "--json", cwd=tmp_path)
        assert ran.code == 1
        assert not ran.out
        assert "ended well: timeout: the time limit struck" in ran.err.splitlines()[-1]


class TestModes:
    """Modes beside each other in one experiment, on what each can and cannot cut."""

    @pytest.fixture
    def modes(self, experiment: Path) -> Path:
        asked = 'mode = ["encode", "snap"]\nseek = ["input", "output"]'
        text = experiment.read_text("utf-8").replace('memory = ["256M", "64M"]', 'memory = "256M"')
        text = text.replace("concurrency = [1, 2]\nencoder_threads = [1, 2]", asked)
        experiment.write_text(text, "utf-8")
        return experiment

    def test_where_a_copy_starts_to_read_is_a_level_of_its_own(
        self, modes: Path, tmp_path: Path
    ) -> None:
        ran = clipkit("sweep", modes, "--json", cwd=tmp_path)
        assert ran.code == 0, ran.err
        found = {(row["mode"], row["seek"]) for row in rows(tmp_path / "results" / "trying")}
        assert found == {
            (mode, seek) for mode in ("encode", "snap") for seek in ("input", "output")
        }

    @pytest.mark.parametrize("words", [("--dry-run",), ()])
    def test_what_cannot_be_copied_is_told_before_anything_is_run(
        self, modes: Path, make: Any, tmp_path: Path, words: tuple[str, ...]
    ) -> None:
        film = make("old.avi", "-c:v", "mpeg2video")
        text = EXPERIMENT.format(upload=film).replace(
            "concurrency = [1, 2]", 'mode = ["encode", "snap"]'
        )
        modes.write_text(text, "utf-8")
        ran = clipkit("sweep", modes, *words, cwd=tmp_path)
        assert ran.code == 2
        assert str(modes) in ran.complaint
        assert "cannot be copied" in ran.complaint
        assert "[[exclude]]" in ran.complaint
        assert not (tmp_path / "results").exists()
