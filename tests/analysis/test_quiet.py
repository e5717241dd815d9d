"""What is told of the noise of some runs: of any of them, not of the usual one."""

from __future__ import annotations

from dataclasses import replace

from inventing_records import TEMPLATE

from clipkit.analysis.quiet import around_of, noise_words, unquiet_words
from clipkit.records.table import table_of

QUIET = replace(TEMPLATE, steal_fraction=0.0, other_cpu_fraction=0.03)


def test_quiet_runs_and_runs_of_which_nothing_is_known_are_worth_no_word() -> None:
    unknown = replace(QUIET, steal_fraction=None, other_cpu_fraction=None)
    assert noise_words([QUIET, unknown]) is None
    assert unquiet_words([QUIET, unknown]) is None


def test_two_busy_runs_of_twelve_are_told_though_the_usual_run_was_quiet() -> None:
    runs = [QUIET] * 10 + [replace(QUIET, other_cpu_fraction=share) for share in (0.41, 0.2)]
    assert noise_words(runs) == "others used up to 41 % of the machine in 2 of 12 runs"
    words = unquiet_words(runs)
    assert words is not None
    assert words.startswith("a quiet machine: others used up to 41 %")


def test_stolen_time_and_a_change_of_speed_are_told_beside() -> None:
    stolen = replace(QUIET, steal_fraction=0.3)
    slower = replace(QUIET, canary_before_s=0.01, canary_after_s=0.02)
    assert noise_words([stolen, slower, QUIET]) == (
        "other machines took 30 % of the CPU in 1 of 3 runs; "
        "the machine's speed changed in 1 of 3 runs"
    )


def test_rows_of_a_table_are_judged_as_records_are() -> None:
    runs = [QUIET, replace(QUIET, other_cpu_fraction=0.41, steal_fraction=None)]
    assert noise_words(around_of(table_of(runs))) == noise_words(runs)
    assert noise_words(runs) == "others used 41 % of the machine in 1 of 2 runs"
