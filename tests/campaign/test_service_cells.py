"""Services in an experiment: which is asked for, what tells their cells apart, in which order they run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from inventing_design import course, laid_out, record, run
from serving_small import small_backends, unbuilt

from clipkit.campaign.course import needs_as_much
from clipkit.campaign.design import Design, warm_ups
from clipkit.campaign.experiment_file import parse_experiment
from clipkit.campaign.grid import make_grid
from clipkit.errors import ExperimentError
from clipkit.plan import services
from clipkit.records.identity import levels_of_cell
from clipkit.records.record import Record

HEAD = "[job]\nuploads = 'film.mp4'\nlength_s = 2\n"
BOTH = f"""{HEAD}
[subject]
name = "service"
service = ["one", "other"]
argv = ["same", "sketched"]
[host]
memory = "512M"
cpus = [0.5, 2]
[settings]
concurrency = [1, 3]
"""


@pytest.fixture(autouse=True)
def backends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = small_backends(tmp_path / "backends", one=(), other=())
    monkeypatch.setenv("CLIPKIT_BACKENDS", str(folder))
    services._found.cache_clear()
    yield folder
    services._found.cache_clear()


def complaint(text: str) -> str:
    with pytest.raises(ExperimentError) as caught:
        parse_experiment(text, Path("/x/file.toml"))
    return str(caught.value)


def names(design: Design) -> list[tuple[str, str]]:
    return [tuple(cell.subject.which.values()) for cell in design.cells]


class TestTheFile:
    def test_service_and_words_are_factors(self) -> None:
        design = laid_out(BOTH)
        assert len(design.cells) == 2 * 2 * 2 * 2
        assert set(names(design)) == {
            (name, words) for name in ("one", "other") for words in ("same", "sketched")
        }
        assert len({cell.name for cell in design.cells}) == 16
        assert all(cell.name.startswith("service-") for cell in design.cells)

    def test_the_words_of_a_cell_say_which(self) -> None:
        design = laid_out(BOTH)
        told = {design.words[cell.name] for cell in design.cells}
        assert "service, one, ffmpeg's words same, 512M-0.5cpu, concurrency 1" not in told
        assert "one, ffmpeg's words same, 512M-0.5cpu, concurrency 1" in told
        assert len(told) == 16

    def test_an_unknown_one_is_told_with_those_that_there_are(self) -> None:
        text = HEAD + '[subject]\nname = "service"\nservice = "cobol"'
        with pytest.raises(ExperimentError, match=r"\[subject\] service: .*'cobol'.*one, other"):
            laid_out(text)

    def test_the_file_is_understood_also_where_the_backends_are_not(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "none").mkdir()
        monkeypatch.setenv("CLIPKIT_BACKENDS", str(tmp_path / "none"))
        experiment = parse_experiment(BOTH, Path("/x/file.toml"))
        assert experiment.factors["service"] == ("one", "other")

    def test_what_can_be_no_name_is_told(self) -> None:
        told = complaint(HEAD + '[subject]\nname = "service"\nservice = "../node"')
        assert "[subject] service: '../node' is not legal; " in told

    def test_which_has_to_be_said(self) -> None:
        told = complaint(HEAD + '[subject]\nname = "service"')
        assert "[subject] service: missing, though the subject 'service' is asked for" in told

    def test_none_is_named_where_none_is_asked_for(self) -> None:
        told = complaint(HEAD + '[subject]\nname = "fluent"\nservice = "one"')
        assert "is for the subject 'service', which is not asked for" in told

    def test_one_that_is_not_built_is_told_with_what_to_type(self, backends: Path) -> None:
        unbuilt(backends, "other")
        with pytest.raises(
            ExperimentError, match=r"other is not built: .*clipkit backends build other"
        ):
            laid_out(BOTH)

    def test_a_variant_may_name_one(self) -> None:
        text = f"""{HEAD}
[[variants]]
name = "the engine"
[[variants]]
name = "a service"
subject = "service"
service = "one"
[[variants]]
name = "as sketched"
subject = "service"
service = "one"
argv = "sketched"
"""
        design = laid_out(text)
        assert [design.words[cell.name] for cell in design.cells] == [
            "the engine",
            "a service",
            "as sketched",
        ]
        assert dict(design.cells[0].subject.which) == {}
        assert "variants" not in complaint(text.replace('service = "one"\n', "", 1))

    def test_beside_another_subject_that_one_is_one_cell(self) -> None:
        text = HEAD + '[subject]\nname = ["fluent", "service"]\nservice = ["one", "other"]'
        design = laid_out(text)
        assert [cell.subject.name for cell in design.cells] == ["fluent", "service", "service"]
        assert [design.words[cell.name] for cell in design.cells] == [
            "fluent",
            "service, one",
            "service, other",
        ]

    def test_what_else_it_is_told_is_a_factor(self) -> None:
        text = (
            HEAD
            + """
[subject]
name = "service"
service = "one"
environment = ["default", "UPLOAD_TO=memory"]
"""
        )
        design = laid_out(text)
        assert [design.words[cell.name] for cell in design.cells] == ["all", "UPLOAD_TO=memory"]
        assert "PORT is not free" in complaint(text.replace("UPLOAD_TO=memory", "PORT=1"))

    def test_a_reserve_is_refused_since_the_service_is_there_itself(self) -> None:
        with pytest.raises(ExperimentError, match=r"\[host\] reserve: a service is measured"):
            laid_out(BOTH.replace('memory = "512M"', 'memory = "512M"\nreserve = "96M"'))

    def test_how_long_it_rests_is_said_with_it(self) -> None:
        assert laid_out(BOTH).cells[0].rest_s == 3.0
        rested = BOTH.replace('name = "service"', 'name = "service"\nrest_s = 60')
        assert laid_out(rested).cells[0].rest_s == 60.0


class TestCells:
    def test_a_records_levels_are_its_cells(self) -> None:
        for cell in laid_out(BOTH).cells:
            stored = Record.from_row(record(cell).to_row())
            assert levels_of_cell(stored.to_row()) == cell.levels

    def test_one_that_ran_out_says_nothing_of_another_service(self) -> None:
        cells = laid_out(BOTH).cells
        one, other = (
            next(c for c in cells if c.subject.which == which and c.settings.concurrency == 1)
            for which in (
                {"service": "one", "service_argv": "same"},
                {"service": "other", "service_argv": "same"},
            )
        )
        same = next(
            c for c in cells if c.subject.which == one.subject.which and c.settings.concurrency == 3
        )
        assert needs_as_much(same, one, cores=2)
        assert not needs_as_much(other, one, cores=2)

    def test_services_stand_next_to_each_other_at_equal_settings(self) -> None:
        block = laid_out(BOTH).block(0)
        for first, second in zip(block[::2], block[1::2], strict=True):
            assert first.condition == second.condition
            assert first.settings == second.settings
            assert first.subject.which["service"] != second.subject.which["service"]

    def test_each_has_a_warm_up_of_its_own(self) -> None:
        warm = warm_ups(list(laid_out(BOTH).cells))
        assert [cell.subject.which["service"] for cell in warm] == ["one", "other"]
        assert {len(cell.job.clips) for cell in warm} == {1}

    def test_what_is_stored_is_not_run_again(self) -> None:
        design = laid_out(BOTH)
        done = run(make_grid(course(design), {"blocks": 2}), at_most=20)
        rest = run(make_grid(course(design, done), {"blocks": 2}))
        assert len(done) + len(rest) == 32
        assert not {(r.cell, r.block) for r in done} & {(r.cell, r.block) for r in rest}
