"""A job as a server told it, in one form: also where it tells what nobody expects."""

from __future__ import annotations

import tomllib
from typing import Any

import own_servers
import pytest

from clipkit.plan.drive_file import routes_of
from clipkit.trial.told_job import Order, no_time, told_clips

TELLS = f"""{own_servers.IS_ASKED}
[clips]
list = "clips"
number = "n"
status = "state"
done = "fine"
error = "why"
bytes = "size"
started_s = "from"
ended_s = "to"
"""


def told(*entries: Any) -> list[dict[str, Any]]:
    routes = routes_of(tomllib.loads(TELLS), "drive.toml")
    return told_clips(Order((1, 2), job="x", document={"clips": [*entries]}), routes)


def test_each_clip_is_found_by_its_number_whatever_the_order() -> None:
    found = told({"n": 2, "state": "fine", "size": 7}, {"n": 1, "state": "busy"})
    assert [(c["number"], c["status"], c["bytes"]) for c in found] == [
        (2, "ok", 7),
        (1, "open", None),
    ]


def test_an_empty_list_tells_nothing_of_any_clip() -> None:
    assert [(c["number"], c["status"], c["error"]) for c in told()] == [
        (1, "open", None),
        (2, "open", None),
    ]


def test_a_reason_that_is_no_text_is_written_out() -> None:
    (clip, *_) = told({"n": 1, "why": {"code": 3}})
    assert clip["error"] == '{"code": 3}'


def test_what_is_no_figure_is_unknown() -> None:
    (clip, *_) = told({"n": 1, "size": "7 kB", "from": "12:00", "to": True})
    assert (clip["bytes"], clip["started_s"], clip["ended_s"]) == (None, None, None)


@pytest.mark.parametrize("value", [None, 0, 1.8e9])
def test_seconds_since_1970_are_times(value: float | None) -> None:
    assert no_time(value) is None
