"""Whether a verdict says that its trials were disturbed, and whether the undisturbed ones say the same."""

from __future__ import annotations

from dataclasses import replace

from surface import STARTER, TWO_CORES, Machine, question, tune

from clipkit.campaign.strategy import Cell
from clipkit.records.record import Record
from clipkit.tuning.findings import Findings, gather_findings
from clipkit.tuning.noise_note import noise_note
from clipkit.tuning.screening import screened
from clipkit.tuning.strategy import TuneStrategy

CORES = 2


def findings(busy: float, when: str, slower: float = 1.0) -> Findings:
    """Of a quiet machine, but for its trials of the phase `when`, which others made `slower`."""
    asked = question(TWO_CORES)
    results = tune(asked, Machine(noise=0.02)).session.results
    told = [(cell, _beside(cell, record, busy, when, slower)) for cell, record in results]
    return gather_findings(asked, screened(asked, told), told)


def _beside(cell: Cell, record: Record, busy: float, when: str, slower: float) -> Record:
    if when not in (cell.phase, "always"):
        return replace(record, other_cpu_fraction=0.01)
    return replace(record, other_cpu_fraction=busy, wall_s=(record.wall_s or 0.0) * slower)


def test_of_a_quiet_machine_nothing_is_said():
    assert noise_note(findings(0.02, "always"), CORES) is None


def test_a_single_disturbed_trial_is_told_however_quiet_the_usual_one_was():
    found = findings(0.41, "first")
    said = noise_note(found, CORES)
    assert said is not None
    assert "others used 41 % of the machine in 1 of" in said
    assert "1 of" in said
    assert said.endswith("The others alone say the same")


def test_where_the_first_round_was_disturbed_the_others_speak_for_themselves():
    asked = question(TWO_CORES)
    results = tune(asked, Machine(noise=0.02)).session.results
    told = [
        (
            cell,
            replace(
                record,
                other_cpu_fraction=0.5 if (cell.phase, cell.block) == ("screen", 0) else 0.01,
            ),
        )
        for cell, record in results
    ]
    found = gather_findings(asked, screened(asked, told), told)
    said = noise_note(found, CORES)
    assert said is not None
    assert "The others alone" in said


def test_where_all_were_disturbed_nothing_stands_by_itself():
    said = noise_note(findings(0.55, "always"), CORES)
    assert said is not None
    assert "Too few were not disturbed" in said
    assert "when the machine is idle" in said


def test_a_disturbed_trial_counts_at_its_second_attempt_and_repeats_end_on_a_busy_machine():
    asked = question(STARTER)
    machine, cells = Machine(noise=0.02), list[Cell]()
    strategy = TuneStrategy(asked, machine.elapsed_s)
    while (cell := strategy.ask()) is not None:
        cells.append(cell)
        strategy.tell(cell, replace(machine.run(cell), attempt=cell.attempts))
    assert all(cell.last_counts for cell in cells)
    assert [cell.attempts for cell in cells[:5]] == [1, 2, 2, 2, 1]
    assert {cell.attempts for cell in cells[4:]} == {1}
    assert strategy.session.winner is not None
