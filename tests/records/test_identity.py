"""What makes a cell: its levels, by which it is matched, and the name that is made of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from inventing_records import TEMPLATE
from stored_campaigns import RESULTS, SWEEPS, planned

from clipkit.campaign.sweep import cells_left
from clipkit.records.folder import read_records
from clipkit.records.identity import (
    levels_of_cell,
    name_of_cell,
    plain,
    unified,
    unified_records,
    without,
)
from clipkit.records.record import Record
from clipkit.records.table import table_of
from clipkit.settings import Settings, knobs


def row(record: Record = TEMPLATE, **changes: object) -> dict[str, object]:
    return replace(record, **changes).to_row()  # type: ignore[arg-type]


class TestLevels:
    @pytest.mark.parametrize(
        "changes",
        [
            {"memory_limit_bytes": 256 * 2**20},
            {"memory_limit_bytes": None},
            {"cpu_quota": 1.0},
            {"reserve_bytes": 0},
            {"upload_sha256": "1" * 64},
            {"clips": 3},
            {"clip_s": 11.0},
            {"clip_starts_s": (0.0, 51.0)},
            {"subject": "fluent"},
            {"settings": Settings(crf=24).used},
        ],
        ids=str,
    )
    def test_job_host_subject_and_settings_tell_cells_apart(self, changes: dict[str, object]):
        assert levels_of_cell(row(**changes)) != levels_of_cell(row())

    @pytest.mark.parametrize(
        "changes",
        [
            {"block": 2, "order": 9, "attempt": 2, "run_id": "other"},
            {"cell": "of another name"},
            {"host": "of another name", "usd_per_month": 1.0},
            {"host_id": "another machine", "clipkit_version": "9", "ffmpeg_version": "8"},
            {"wall_s": 1.0},
        ],
        ids=str,
    )
    def test_what_was_measured_and_where_does_not(self, changes: dict[str, object]):
        assert levels_of_cell(row(**changes)) == levels_of_cell(row())

    def test_a_setting_at_what_held_before_it_was_declared_is_no_level(self):
        names = {name for name, _ in levels_of_cell(row())}
        assert not names & {knob.name for knob in knobs()}
        changed = levels_of_cell(row(settings=Settings(crf=24, lookahead=0).used))
        assert dict(changed)["crf"] == 24
        assert dict(changed)["lookahead"] == 0

    def test_what_a_subject_does_not_follow_tells_no_cells_apart(self):
        sketch = row(subject="sketch", settings=Settings().used)
        other = row(subject="sketch", settings=Settings(seek="output", lookahead=3).used)
        assert levels_of_cell(sketch) == levels_of_cell(other)

    def test_of_a_users_command_the_words_are_its_levels(self):
        one, other = (row(subject="command", command=f"{{ffmpeg}} {word}") for word in "ab")
        assert levels_of_cell(one) != levels_of_cell(other)

    def test_whole_and_broken_numbers_are_alike(self):
        assert levels_of_cell(row(cpu_quota=2, clip_s=12)) == levels_of_cell(
            row(cpu_quota=2.0, clip_s=12.0)
        )

    def test_a_table_tells_the_same_as_its_rows(self):
        records = [
            TEMPLATE,
            replace(TEMPLATE, memory_limit_bytes=None, settings=Settings(refs=2).used),
        ]
        table = table_of(replace(r, cell=str(n)) for n, r in enumerate(records))
        told = [levels_of_cell(entry) for entry in table.to_dict("records")]
        assert told == [levels_of_cell(record.to_row()) for record in records]

    def test_some_can_be_left_out(self):
        levels = levels_of_cell(row(settings=Settings(crf=24).used))
        assert without(levels, "crf", "subject") == levels_of_cell(row())[1:]


class TestNames:
    def test_are_a_digest_of_the_levels(self):
        """Pinned: a new clipkit gives the same cell the same name."""
        assert name_of_cell(levels_of_cell(row())) == "clipkit-128f2b93"
        assert name_of_cell(levels_of_cell(row(subject="fluent", cpu_quota=2.0))).startswith(
            "fluent-"
        )

    def test_of_one_cell_it_has_the_first_whatever_else_it_was_called(self):
        rows = [
            replace(TEMPLATE, cell="older", block=0),
            replace(TEMPLATE, cell="other", block=0, cpu_quota=1.0),
            replace(TEMPLATE, cell="newer", block=1),
        ]
        assert list(table_of(rows)["cell"]) == ["older", "other", "older"]
        assert [r.cell for r in unified_records(rows)] == ["older", "other", "older"]
        untouched = table_of(rows[:2])
        assert unified(untouched) is untouched


@pytest.mark.parametrize("name", SWEEPS)
class TestOfAnOlderClipkit:
    def test_each_cells_levels_are_those_that_its_experiment_lays_out_today(self, name: str):
        stored = {levels_of_cell(record.to_row()) for record in read_records(RESULTS / name)}
        today = Counter(cell.levels for cell in planned(name).design.cells)
        assert set(today) == stored
        assert set(today.values()) == {1}

    def test_a_resume_would_run_nothing(self, name: str):
        assert cells_left(planned(name), read_records(RESULTS / name)) == []

    def test_cells_are_known_under_their_stored_names(self, name: str):
        records = read_records(RESULTS / name)
        design = planned(name).design.named_as_in(records)
        assert {cell.name for cell in design.cells} == {record.cell for record in records}


@pytest.mark.parametrize(
    ("value", "told"), [(None, None), (2.0, 2.0), ([1, 2], (1, 2)), ("auto", "auto"), (True, True)]
)
def test_a_value_is_told_as_python_has_it(value: object, told: object):
    assert plain(value) == told
