"""The Python API: what its docstrings promise, on real uploads; what is wrong is told in words."""

from __future__ import annotations

import doctest
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from stored_campaigns import RESULTS

import clipkit
from clipkit import api
from clipkit.errors import (
    CampaignError,
    ClipkitError,
    ExperimentError,
    HostError,
    SettingsError,
    UploadError,
    UsageError,
)
from clipkit.hosts import Host
from clipkit.settings import Settings, load_settings
from clipkit.tuning.optimum import Optimum, Wanted
from clipkit.tuning.recommendation import Recommendation

NAMES = ("probe", "cut", "sweep", "merge", "load", "compare", "recommend", "plans", "attach")


@pytest.fixture
def here(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's, and the current one, with the upload `my.mp4`."""
    (tmp_path / "my.mp4").symlink_to(small)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- import --------------------------------------------------------------------------------


def test_importing_the_package_imports_nothing_else():
    code = (
        "import sys; before = set(sys.modules); import clipkit; "
        "print(*sorted(set(sys.modules) - before))"
    )
    printed = subprocess.check_output([sys.executable, "-P", "-c", code], text=True)
    assert printed.split() == ["clipkit"]


def test_the_names_are_there_when_they_are_asked_for():
    assert set(NAMES) == set(clipkit.__all__) <= set(dir(clipkit))
    for name in NAMES:
        assert getattr(clipkit, name) is getattr(api, name)
        assert getattr(api, name).__doc__.count(">>> ") >= 1
    with pytest.raises(AttributeError, match="no attribute 'tune'"):
        _ = clipkit.tune
    from clipkit import format as fmt  # noqa: PLC0415  a module of ours is no name of the API

    assert fmt.seconds(1.0) == "1 s"


def test_the_examples_in_the_docstrings_are_true(here: Path):
    found = doctest.DocTestFinder(recurse=True).find(
        api, extraglobs={n: getattr(api, n) for n in NAMES}
    )
    examples = sorted((test for test in found if test.examples), key=lambda test: test.lineno or 0)
    assert {test.name.rpartition(".")[2] for test in examples} == set(NAMES)
    runner = doctest.DocTestRunner()
    for example in examples:
        told: list[str] = []
        runner.run(example, out=told.append)
        assert not told, "".join(told)


# -- cut -----------------------------------------------------------------------------------


def test_settings_may_be_a_mapping_an_object_or_a_file(here: Path):
    (here / "clipkit.toml").write_text("[settings]\ncrf = 40\n", "utf-8")
    sizes = set()
    for settings in ({"crf": 40}, Settings(crf=40), "clipkit.toml", here / "clipkit.toml"):
        cutting = clipkit.cut(
            "my.mp4", here / "out", count=1, length_s=1, settings=settings, overwrite=True
        )
        assert cutting.manifest["settings"]["crf"] == 40
        sizes.add(cutting.files[0].stat().st_size)
    assert len(sizes) == 1


def test_a_host_may_be_a_name_an_object_or_made_of_memory_and_cpus(here: Path):
    wide = Host("mine", 512 * 2**20, 1.0)
    for chosen, name in (
        ({"host": "render-starter"}, "render-starter"),
        ({"host": wide}, "mine"),
        ({"memory": "400M", "cpus": 1, "reserve": "32M"}, "400M-1cpu"),
        ({}, "unlimited"),
    ):
        cutting = clipkit.cut("my.mp4", "out", clips=[(0, 1)], overwrite=True, **chosen)
        assert cutting.manifest["host"] == name
        assert (cutting.manifest["ceiling"] == "none") is (not chosen)


@pytest.mark.parametrize(
    ("asked", "error", "why"),
    [
        ({}, UsageError, "say which clips: either clips, or count and length_s"),
        ({"count": 1}, UsageError, "say which clips"),
        ({"clips": [(0, 1)], "count": 1}, UsageError, "leave out count"),
        ({"clips": [(99, 1)]}, ClipkitError, "beyond the end"),
        ({"count": 1, "length_s": 1, "settings": {"crf": 99}}, SettingsError, "settings: crf = 99"),
        ({"count": 1, "length_s": 1, "settings": {"crv": 9}}, SettingsError, "did you mean 'crf'"),
        ({"count": 1, "length_s": 1, "host": "moon"}, HostError, "unknown host 'moon'"),
        ({"count": 1, "length_s": 1, "ceiling": "roof"}, UsageError, "unknown ceiling 'roof'"),
        ({"count": 1, "length_s": 1, "memory": "much"}, HostError, "'much' is not a size"),
        ({"count": 1, "length_s": 1, "memory": 512}, HostError, "did you mean 512M?"),
    ],
)
def test_what_cannot_be_cut_is_refused_and_nothing_is_left(here: Path, asked, error, why):
    with pytest.raises(error, match=why):
        clipkit.cut("my.mp4", "out", **asked)
    assert not (here / "out").exists()


def test_an_upload_that_is_none_is_an_error(here: Path):
    with pytest.raises(UploadError, match=r"nowhere\.mp4"):
        clipkit.probe("nowhere.mp4")


def test_a_cut_of_which_no_clip_is_right_is_an_error(here: Path):
    settings = {"ffmpeg": str(here / "ffmpeg")}
    (here / "ffmpeg").write_text("#!/bin/sh\nexit 1\n", "utf-8")
    (here / "ffmpeg").chmod(0o755)
    with pytest.raises(ClipkitError):
        clipkit.cut("my.mp4", "out", count=1, length_s=1, settings=settings)
    assert not (here / "out").exists()


# -- sweep ---------------------------------------------------------------------------------


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.usefixtures("capfd")
@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        ({"run": {"blocs": 1}}, ExperimentError, r"the experiment: \[run\] blocs: .*'blocks'"),
        ({"settings": {"crf": [99]}}, ExperimentError, r"\[settings\] crf: 99 is not legal"),
        ({"name": "../up"}, ExperimentError, "cannot name a campaign"),
        ({"settings": {"crf": None}}, ExperimentError, "no TOML can hold this"),
        ({"job": {"uploads": "no.mp4"}}, ClipkitError, r"no\.mp4"),
        ({"job": {"uploads": ["my.mp4"], "length_s": 99}}, ClipkitError, "do not fit"),
    ],
)
def test_an_experiment_that_is_wrong_is_refused_by_sweep_itself(
    here: Path, changes, error, why, background
):
    asked = {"name": "wrong", "job": {"uploads": ["my.mp4"], "clips": 1, "length_s": 1}, **changes}
    with pytest.raises(error, match=why):
        clipkit.sweep(asked, background=background)
    assert list(here.glob("results/*")) == list(here.glob("results/.*")) == []


def test_a_ceiling_may_be_forced_in_a_sweep_as_in_a_cut(here: Path):
    asked = {"name": "forced", "job": {"uploads": ["my.mp4"], "clips": 1, "length_s": 1}}
    asked |= {"host": {"memory": "256M"}, "run": {"blocks": 1}}
    assert clipkit.sweep(asked, ceiling="watchdog").table["ceiling"].tolist() == ["watchdog"]
    cutting = clipkit.cut("my.mp4", "out", clips=[(0, 1)], memory="256M", ceiling="watchdog")
    assert cutting.manifest["ceiling"] == "watchdog"
    with pytest.raises(UsageError, match="unknown ceiling 'roof'"):
        clipkit.sweep(asked, ceiling="roof")


def test_a_dry_run_sweeps_nothing(here: Path):
    asked = {"name": "dry", "job": {"uploads": ["my.mp4"], "clips": 1, "length_s": 1}}
    found = clipkit.sweep(asked | {"settings": {"crf": [20, 30]}}, dry_run=True)
    assert (found.cells, found.blocks, found.trials) == (2, 3, 6)
    assert found.time_s > 0
    with pytest.raises(UsageError, match="dry_run sweeps nothing: leave out background"):
        clipkit.sweep(asked, dry_run=True, background=True)
    assert not (here / "results").exists()


def test_a_name_is_stated_in_the_experiment_or_given(here: Path):
    asked = {"job": {"uploads": ["my.mp4"], "clips": 1, "length_s": 1}, "run": {"blocks": 1}}
    assert clipkit.sweep(asked, name="given").folder.name == "given"
    assert clipkit.sweep({"name": "stated", **asked}, name="given").folder.name == "given"
    with pytest.raises(ExperimentError, match=r"the experiment has no name: .*name="):
        clipkit.sweep(asked)
    with pytest.raises(UsageError, match=r"'\.\./up' cannot name a campaign"):
        clipkit.sweep(asked, name="../up")


def test_a_file_is_run_as_it_lies_and_a_finished_campaign_is_not_run_again(
    here: Path, capfd: pytest.CaptureFixture[str]
):
    (here / "films").mkdir()
    (here / "films" / "a.mp4").symlink_to((here / "my.mp4").resolve())
    file = here / "films" / "tiny.toml"
    file.write_text(
        '[job]\nuploads = ["a.mp4"]\nclips = 1\nlength_s = 1\n[run]\nblocks = 2\n', "utf-8"
    )
    campaign = clipkit.sweep(file, results=here / "elsewhere")
    assert campaign.folder == (here / "elsewhere" / "tiny").resolve()
    assert campaign.table["status"].tolist() == ["ok", "ok"]
    assert "block 2 of 2: all: " in capfd.readouterr().out
    again = clipkit.sweep("films/tiny.toml", results="elsewhere", background=True).wait()
    assert again.table["run_id"].tolist() == campaign.table["run_id"].tolist()


# -- shards --------------------------------------------------------------------------------


def test_shards_are_run_and_merged_as_by_the_commands(here: Path):
    asked = {"name": "parts", "job": {"uploads": ["my.mp4"], "clips": 1, "length_s": 1}}
    asked |= {"run": {"blocks": 2}}
    parts = [
        clipkit.sweep(asked, shard=f"{k}/2", results=f"part-{k}", background=k == 2) for k in (1, 2)
    ]
    parts[1].wait()
    merged = clipkit.merge([part.folder for part in parts])
    assert merged.folder == (here / "results" / "parts").resolve()
    assert sorted(merged.table["block"]) == [0, 1]
    assert (merged.folder / "runs.parquet").is_file()
    assert clipkit.sweep(asked).table["run_id"].tolist() == merged.table["run_id"].tolist()
    with pytest.raises(UsageError, match="has 2 blocks, so at most 2 shards"):
        clipkit.sweep(asked, shard="1/3")


# -- recommend -----------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["reference-grid", "reference-tune"])
def answer(request: pytest.FixtureRequest) -> Optimum | Recommendation:
    """Of a sweep an optimum, of a tuning its own recommendation."""
    one_host = {"memory": ["512M"], "cpus": "2"} if request.param == "reference-grid" else {}
    return clipkit.recommend(RESULTS / request.param, **one_host)


def test_every_answer_follows_one_protocol(answer: Optimum | Recommendation, tmp_path: Path):
    (tmp_path / "clipkit.toml").write_text(answer.to_toml(), "utf-8")
    assert load_settings(tmp_path / "clipkit.toml") == answer.settings
    document = json.loads(json.dumps(answer.to_json()))
    assert Settings(**document["settings"]) == answer.settings
    assert document["sentence"] == answer.sentence
    assert answer.sentence
    assert answer._repr_html_().startswith("<div")


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"memroy": "512M"}, "unknown keyword 'memroy': did you mean 'memory'?"),
        ({"length_s": 12}, "unknown keyword 'length_s': legal are: host, memory, cpus, reserve"),
    ],
)
def test_a_keyword_that_there_is_not_is_refused_with_the_nearest(wanted, told):
    with pytest.raises(UsageError, match=re.escape(told)):
        clipkit.recommend(RESULTS / "reference-grid", **wanted)


def test_its_keywords_are_those_that_the_search_knows():
    declared = inspect.signature(clipkit.recommend).parameters
    assert set(declared) - {"campaign", "unknown"} == set(Wanted.__annotations__)
    assert declared["memory"].default is None


def test_values_are_numbers_text_or_lists_of_which_any_will_do():
    grid = clipkit.load(RESULTS / "reference-grid")
    asked = [
        {"memory": "512M", "cpus": 2},
        {"memory": 512 * 2**20, "cpus": "2"},
        {"memory": ["512 MB"], "cpus": ["2", 2.0], "crf": "23", "preset": None},
    ]
    found = [clipkit.recommend(grid, **each) for each in asked]
    assert len({each.best.cell for each in found}) == 1
    presets = ["veryfast", "superfast"]
    assert clipkit.recommend(grid, memory="512M", preset=presets).settings.preset in presets
    with pytest.raises(CampaignError, match="did you mean 512M"):
        clipkit.recommend(grid, memory=512)
    with pytest.raises(CampaignError, match="cpus = 'two' is no number"):
        clipkit.recommend(grid, cpus="two")


# -- showing -------------------------------------------------------------------------------


def test_what_is_printed_of_each_object_is_short_and_says_what_it_is(here: Path):
    asked = {"name": "short", "job": {"uploads": ["my.mp4"], "clips": 1, "length_s": 1}}
    asked |= {"run": {"blocks": 1}, "settings": {"concurrency": [1, 2]}}
    swept, tuned = clipkit.sweep(asked), clipkit.load(RESULTS / "reference-tune")
    optimum, recommended = clipkit.recommend(swept), clipkit.recommend(tuned)
    handle, compared = clipkit.attach(swept.folder), clipkit.compare(swept, swept)
    record = swept.record(swept.table["run_id"][0])
    objects = {
        "Upload": [clipkit.probe("my.mp4")],
        "Cutting": [clipkit.cut("my.mp4", "out", clips=[(0, 1)])],
        "Estimate": [clipkit.sweep(asked, name="dry", dry_run=True), optimum.best.wall],
        "Handle": [handle],
        "Standing": [handle.standing()],
        "Shown": [swept, tuned, tuned.tuned()],
        "Comparison": [compared],
        "Pair": list(compared.pairs),
        "Table": [compared.cells, compared.unlike],
        "Optimum": [optimum],
        "Choice": [optimum.best],
        "Condition": [optimum.condition],
        "Recommendation": [recommended],
        "Baseline": list(recommended.baselines),
        "Tie": list(recommended.ties),
        "Record": [record],
        "Settings": [optimum.settings, Settings()],
        "UsedSettings": [record.settings],
        "Host": [recommended.host],
    }
    for name, of_kind in objects.items():
        for each in of_kind:
            assert name in repr(each)
            assert len(repr(each)) < 300, (name, len(repr(each)))
    assert (
        repr(objects["Upload"][0]) == "<Upload small.mp4, h264 160x90 at 25 fps, 4 s of 100 frames>"
    )
    assert repr(Settings(crf=30)) == "Settings(crf=30)"


def test_an_upload_and_a_cut_show_themselves(here: Path):
    page = clipkit.probe("my.mp4")._repr_html_()
    assert "160x90" in page
    assert "aac 44100 Hz 1 ch" in page
    page = clipkit.cut("my.mp4", "out", count=2, length_s=1)._repr_html_()
    assert "clip-002.mp4" in page
    assert "2 of 2 clips in out" in page
