"""An experiment's file: every key is checked, every error says which file, which key, what is legal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clipkit import resources
from clipkit.campaign.experiment import Experiment, Place
from clipkit.campaign.experiment_file import parse_experiment, read_experiment_file
from clipkit.errors import ExperimentError
from clipkit.format import MIB
from clipkit.hosts import Host, find_host

DESIGNED = """
name = "grid-512"
[job]
uploads = ["sample"]
clips = 12
length_s = 12
seed = 7
[host]
memory = ["512M", "384M"]
cpus = [2]
[settings]
mode = ["encode"]
preset = ["ultrafast", "veryfast"]
concurrency = [1, 2, 3]
encoder_threads = [1, 2]
decoder_threads = [1]
[run]
strategy = "grid"
blocks = 3
seed = 1
timeout_s = 600
"""


def parsed(text: str) -> Experiment:
    return parse_experiment(text, Path("/experiments/file.toml"))


def levels(text: str, factor: str) -> list[Any]:
    return list(dict.fromkeys(found[factor] for found in parsed(text).combinations()))


def complaint(text: str) -> str:
    with pytest.raises(ExperimentError) as caught:
        parsed(text)
    message = str(caught.value)
    assert message.startswith("/experiments/file.toml")
    return message


class TestTheFile:
    def test_the_one_of_the_design_is_understood(self) -> None:
        experiment = parsed(DESIGNED)
        assert (experiment.name, experiment.strategy, experiment.seed) == ("grid-512", "grid", 1)
        assert experiment.options == {"blocks": 3}
        assert experiment.clips_seed == 7
        assert len(list(experiment.combinations())) == 2 * 2 * 3 * 2
        assert experiment.varying == ["place", "preset", "concurrency", "encoder_threads"]

    def test_an_empty_one_is_the_sample_cut_by_the_defaults_on_no_host(self) -> None:
        experiment = parsed("")
        (only,) = experiment.combinations()
        assert (only["upload"], only["clips"], only["length_s"]) == ("sample", 12, 12.0)
        assert only["place"] == Place(find_host("unlimited"), 0)
        assert experiment.name == "file"

    def test_every_experiment_that_clipkit_brings_along_is_one(self) -> None:
        files = sorted(resources.folder("experiments").glob("*.toml"))
        assert files
        for path in files:
            experiment = read_experiment_file(path)
            assert experiment.name == path.stem
            assert list(experiment.combinations())

    def test_a_files_name_need_not_name_a_campaign_where_another_is_given(self) -> None:
        assert parse_experiment("", Path("/experiments/my grid.toml")).name == "my grid"

    def test_a_command_is_kept_to_the_letter(self) -> None:
        command = "sh -c '{ffmpeg} -i {input} {output}'"
        text = f'[subject]\nname = "command"\ncommand = "{command}"'
        assert parsed(text).command == command

    def test_one_that_cannot_be_read_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(ExperimentError, match=r"cannot read .*none\.toml: No such file"):
            read_experiment_file(tmp_path / "none.toml")
        with pytest.raises(ExperimentError, match="cannot read"):
            read_experiment_file(tmp_path)
        (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
        with pytest.raises(ExperimentError, match="no text in UTF-8"):
            read_experiment_file(tmp_path / "bytes.toml")


class TestStrategy:
    def test_each_has_keys_of_its_own_in_run(self) -> None:
        assert parsed("").options == {"blocks": 3}
        chance = parsed('[run]\nstrategy = "random"\ntrials = 40\nseed = 3')
        assert (chance.strategy, chance.seed) == ("random", 3)
        assert chance.options == {"trials": 40, "minutes": None}
        timed = parsed('[run]\nstrategy = "random"\nminutes = 2.5')
        assert timed.options == {"trials": None, "minutes": 2.5}

    def test_those_of_another_one_are_a_mistake_that_names_its_own(self) -> None:
        assert "legal are: strategy, seed, timeout_s, blocks" in complaint("[run]\nminutes = 3")
        told = complaint('[run]\nstrategy = "random"\nblocks = 3\ntrials = 3')
        assert "legal are: strategy, seed, timeout_s, trials, minutes" in told


class TestLevels:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("3", [3]),
            ("[3, 1]", [3, 1]),
            ("{ from = 1, to = 4 }", [1, 2, 3, 4]),
            ("{ from = 1, to = 8, step = 3 }", [1, 4, 7]),
        ],
    )
    def test_a_factor_is_a_value_a_list_or_a_range(self, written: str, meant: list[int]) -> None:
        assert levels(f"[settings]\nconcurrency = {written}", "concurrency") == meant

    def test_a_range_counts_in_decimals(self) -> None:
        text = "[job]\nlength_s = { from = 0.1, to = 0.4, step = 0.1 }"
        assert levels(text, "length_s") == [0.1, 0.2, 0.3, 0.4]

    def test_a_setting_can_be_left_to_the_preset(self) -> None:
        assert levels('[settings]\nlookahead = ["default", 0]', "lookahead") == [None, 0]

    def test_memory_and_cpus_are_combined_and_keep_a_reserve(self) -> None:
        text = '[host]\nmemory = ["512M", "256M"]\ncpus = [1, 2]\nreserve = ["0", "64M"]'
        places = levels(text, "place")
        assert len(places) == 8
        assert places[-1] == Place(Host("256M-2cpu", 256 * MIB, 2.0), 64 * MIB)

    def test_several_hosts_are_tables_of_their_own(self) -> None:
        text = '[[host]]\nname = "render-starter"\n[[host]]\nmemory = "512M"\ncpus = [1, 2]'
        names = [place.host.name for place in levels(text, "place")]
        assert names == ["render-starter", "512M-1cpu", "512M-2cpu"]


class TestVariants:
    TEXT = """
    [job]
    length_s = [4, 12]
    [[variants]]
    name = "original"
    subject = "fluent"
    [[variants]]
    name = "three at once"
    subject = "fluent"
    concurrency = 3
    """

    def test_each_fixes_some_factors_and_is_combined_with_the_others(self) -> None:
        found = [
            (c["variant"], c["length_s"], c["concurrency"])
            for c in parsed(self.TEXT).combinations()
        ]
        assert found == [
            ("original", 4.0, 1),
            ("original", 12.0, 1),
            ("three at once", 4.0, 3),
            ("three at once", 12.0, 3),
        ]
        assert {c["subject"] for c in parsed(self.TEXT).combinations()} == {"fluent"}

    def test_one_can_be_excluded_where_it_is_too_dear(self) -> None:
        text = self.TEXT + '[[exclude]]\nvariant = "three at once"\nlength_s = 12'
        assert len(list(parsed(text).combinations())) == 3


class TestExclusions:
    def test_a_cell_with_all_of_the_named_levels_is_left_out(self) -> None:
        text = DESIGNED + '[[exclude]]\npreset = "veryfast"\nmemory = "384M"\nconcurrency = [2, 3]'
        left = list(parsed(text).combinations())
        assert len(left) == 24 - 4
        assert any(c["preset"] == "veryfast" and c["concurrency"] == 2 for c in left)

    def test_a_rule_that_excludes_nothing_is_a_mistake(self) -> None:
        told = complaint(DESIGNED + '[[exclude]]\npreset = "medium"')
        assert "[exclude]" in told
        assert "excludes nothing" in told

    def test_a_rule_that_leaves_nothing_is_a_mistake(self) -> None:
        assert "leaves no cell" in complaint(DESIGNED + "[[exclude]]\nclips = 12")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nme = 'x'", "nme: unknown key: did you mean 'name'?"),
        ("[setings]", "setings: unknown key: did you mean 'settings'?"),
        ("[settings]\nconcurency = 1", "[settings] concurency: unknown key: did you mean"),
        (
            "[settings]\nconcurrency = 65",
            "[settings] concurrency: 65 is not legal; legal are: whole",
        ),
        (
            "[settings]\nconcurrency = '2'",
            "concurrency: '2' is not legal; legal are: whole numbers from 1",
        ),
        ("[settings]\nconcurrency = '1-4'", "a list, [1, 4], or a range, { from = 1, to = 4, step"),
        ("[settings]\ncrf = '18..28'", "or a range, { from = 18, to = 28, step = 1 }"),
        ("[settings]\npreset = 'fast, slow'", "Several levels are a list, ['fast', 'slow']"),
        ("[host]\nmemory = '256M, 512M'", "Several levels are a list, ['256M', '512M']"),
        ("[host]\nmemory = '512'", "did you mean 512M?"),
        ("[settings]\nthreads = 2", "'encoder_threads', 'decoder_threads' or 'filter_threads'?"),
        ("[settings]\nconcurrency = [1, 1]", "concurrency: names a level twice"),
        ("[settings]\nconcurrency = []", "concurrency: has no level"),
        ("[settings]\nconcurrency = { from = 4, to = 1 }", "has no or too many levels"),
        ("[settings]\nconcurrency = { from = 1, to = inf }", "a range is written { from = 1"),
        ("[settings]\nconcurrency = { from = 1 }", "a range is written { from = 1, to = 4"),
        ("[settings]\nconcurrency = { from = 1, to = 4, step = 0 }", "no or too many levels"),
        ("[settings]\ncrf = { from = 0, to = 99 }", "crf: 52 is not legal"),
        (
            "[settings]\npreset = ['fastest']",
            "preset: 'fastest' is not legal; legal are: ultrafast, ",
        ),
        ("[settings]\nmbtree = 'yes'", "legal are: true, false ('default': as the preset has it)"),
        ("[job]\nclips = 0", "[job] clips: 0 is not legal; legal are: whole numbers from 1"),
        ("[job]\nlength_s = -1", "length_s: -1 is not legal; legal are: numbers from 0.001"),
        ("[job]\nlength_s = nan", "length_s: nan is not legal"),
        ("[job]\nuploads = 3", "uploads: 3 is not legal; legal are: any text"),
        ("[host]\nname = 'rendr'", "[host] name: 'rendr' is not legal; legal are: "),
        ("[host]\nname = 'render-starter'\nmemory = '1G'", "either a plan's name, or memory"),
        (
            "[host]\nmemory = 512",
            "memory: 512 is not legal; legal are: sizes as text, such as 512M; did you mean '512M'?",
        ),
        ("[host]\nmemory = '64 Miles'", "'64 Miles' is not a size"),
        ("[host]\nmemory = '64M'\nreserve = '64M'", "leaves nothing of host 64M-anycpu's memory"),
        ("[subject]\nname = 'rust'", "name: 'rust' is not legal; legal are: clipkit, sketch"),
        ("[subject]\nname = 'command'", "[subject] command: missing"),
        ("[subject]\ncommand = 'ffmpeg'", "[subject] command: 'ffmpeg' is not legal"),
        ("[[variants]]\nconcurrency = 2", "[variants] name: missing"),
        ("[[variants]]\nname = 'a'\n[[variants]]\nname = 'a'", "each needs a name of its own"),
        ("[[variants]]\nname = 'a'\nsubject = 'command'", "a variant's subject needs it"),
        ("[[variants]]\nname = 'a'\nsubject = 'changed'", "a variant's subject needs it"),
        ("[subject]\nname = 'changed'", "the subject 'changed' is asked for"),
        ("[[exclude]]", "[exclude]: is empty"),
        ("[run]\nblocks = 0", "[run] blocks: 0 is not legal"),
        ("[run]\nstrategy = 'race'", "strategy: 'race' is not legal; legal are: grid, random"),
        ("[run]\ntrials = 3", "[run] trials: unknown key"),
        ("[run]\nstrategy = 'random'", "[run]: strategy 'random' needs trials or minutes"),
        ("[run]\nstrategy = 'random'\nblocks = 3\ntrials = 3", "[run] blocks: unknown key"),
        (
            "[run]\nstrategy = 'random'\ntrials = 0",
            "[run] trials: 0 is not legal; legal are: whole",
        ),
        (
            "[run]\nstrategy = 'random'\nminutes = 0",
            "[run] minutes: 0 is not legal; legal are: number",
        ),
        ("name = '../up'", "cannot name a campaign"),
        ("settings = 3", "settings: must be a table: write [settings]"),
        ("variants = 3", "variants: must be tables: write [[variants]]"),
        ("name = ", "is not TOML"),
    ],
)
def test_a_mistake_names_file_key_and_what_is_legal(text: str, told: str) -> None:
    assert told in complaint(text)
