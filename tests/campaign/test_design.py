"""From an experiment to cells in blocks."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from inventing_design import EXPERIMENT, PLAIN, laid_out, record

from clipkit.errors import ExperimentError


def test_every_combination_is_a_cell() -> None:
    cells = laid_out().cells
    assert len(cells) == len({cell.name for cell in cells}) == 2 * 2 * 4 * 2


def test_words_tell_cells_apart() -> None:
    words = laid_out().words
    assert len(set(words.values())) == len(words)
    assert "512M-2cpu, veryfast, concurrency 3, encoder threads 2" in words.values()


def test_each_block_holds_every_cell_once_in_an_order_of_its_own() -> None:
    orders = [[cell.name for cell in laid_out().block(n)] for n in range(3)]
    assert len({tuple(order) for order in orders}) == 3
    assert {tuple(sorted(order)) for order in orders} == {
        tuple(sorted(cell.name for cell in laid_out().cells))
    }
    assert orders == [[cell.name for cell in laid_out().block(n)] for n in range(3)]


def test_the_variants_of_a_condition_run_next_to_each_other() -> None:
    orders = []
    for number in range(6):
        hosts = [cell.host.name for cell in laid_out().block(number)]
        changes = sum(one != other for one, other in itertools.pairwise(hosts))
        assert (len(set(hosts)), changes) == (2, 1)
        orders.append(hosts[0])
    assert len(set(orders)) == 2  # conditions in random order too


def test_any_part_of_the_shuffled_order_is_a_fair_sample_of_conditions() -> None:
    hosts = [cell.host.name for cell in laid_out().shuffled(0)]
    assert len(set(hosts[:8])) == 2
    assert {c.name for c in laid_out().shuffled(0)} == {c.name for c in laid_out().block(0)}


def test_the_order_follows_the_seed() -> None:
    other = laid_out(EXPERIMENT.replace("seed = 5", "seed = 6"))
    assert [c.name for c in other.block(0)] != [c.name for c in laid_out().block(0)]


def test_a_variants_name_tells_what_it_fixes_and_the_rest_is_told() -> None:
    text = (
        PLAIN + '[settings]\npreset = ["ultrafast", "slow"]\n'
        '[[variants]]\nname = "one"\n[[variants]]\nname = "two"\nconcurrency = 2'
    )
    assert set(laid_out(text).words.values()) == {"one", "one, slow", "two", "two, slow"}


def test_what_a_subject_ignores_makes_no_cell() -> None:
    subjects = '[subject]\nname = ["sketch", "fluent"]\n'
    threads = "[settings]\nencoder_threads = [1, 2, 4]"
    found = Counter(cell.subject.name for cell in laid_out(PLAIN + subjects + threads).cells)
    assert found == {"sketch": 1, "fluent": 3}


def test_a_users_command_names_its_cells() -> None:
    subject = "[subject]\nname = 'command'\ncommand = 'sh -c \"{ffmpeg} -i {input} {output}\"'\n"
    settings = "[settings]\ncrf = [20, 30]\nconcurrency = [1, 2]"
    cells = laid_out(PLAIN + subject + settings).cells
    assert len(cells) == 2
    other = laid_out(PLAIN + subject.replace("-i", "-v error -i") + settings).cells
    assert not {cell.name for cell in cells} & {cell.name for cell in other}


def test_clips_that_do_not_fit_are_told() -> None:
    with pytest.raises(ExperimentError, match=r"\[job\] length_s: .*film\.mp4"):
        laid_out(EXPERIMENT.replace("length_s = 2", "length_s = 21"))


def test_cells_have_the_names_that_the_campaign_has_for_them() -> None:
    """A clipkit of another age may have called them otherwise."""
    design = laid_out()
    first, second, *others = design.cells
    named = design.named_as_in([replace(record(first), cell="older"), record(second)])
    assert [cell.name for cell in named.cells] == [
        "older",
        second.name,
        *(cell.name for cell in others),
    ]
    assert named.words["older"] == design.words[first.name]
    assert [cell.levels for cell in named.cells] == [cell.levels for cell in design.cells]
    assert named.block(1)[0].name in named.words


def test_of_a_shard_only_its_blocks_are_run() -> None:
    assert laid_out().numbers(4) == [0, 1, 2, 3]
    assert replace(laid_out(), only=(1, 3, 5)).numbers(4) == [1, 3]
