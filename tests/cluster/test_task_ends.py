"""How a task on a worker ended, and whether it may be otherwise in a while."""

from __future__ import annotations

from clipkit.cluster import guard
from clipkit.cluster.ends import TaskEnd


def test_an_end_that_was_well_has_no_why() -> None:
    end = TaskEnd("finished", {"code": 0, "stderr": "a warning"})
    assert (end.why, end.passes, end.is_another_life) == (None, False, False)


def test_a_busy_machine_and_a_lost_task_are_asked_again() -> None:
    busy = TaskEnd("finished", {"code": guard.BUSY, "stderr": ""})
    assert (busy.why, busy.passes) == ("another measurement runs there", True)
    assert busy.is_busy
    assert TaskEnd("cancelled").passes and not TaskEnd("cancelled").is_busy
    assert not TaskEnd("finished", {"code": 1, "stderr": ""}).passes


def test_what_a_task_raised_is_told_and_does_not_pass() -> None:
    end = TaskEnd("error", error="ModuleNotFoundError: No module named 'cloudpickle'")
    assert str(end.why).endswith("No module named 'cloudpickle'")
    assert not end.passes


def test_a_failed_process_is_told_by_its_last_line() -> None:
    end = TaskEnd("finished", {"code": 1, "stderr": "Traceback\nOSError: no space"})
    assert end.why == "its process ended with 1: OSError: no space"


def test_only_a_run_without_a_code_is_another_life_s() -> None:
    assert TaskEnd("finished", {"code": None}).is_another_life
    assert not TaskEnd("finished", {"machine": "m", "life": "l"}).is_another_life
    assert not TaskEnd("cancelled").is_another_life
