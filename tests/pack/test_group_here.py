"""Who counts what runs here: a group that has a limit, or the machine, also for who is logged in to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipkit.ceiling.hierarchies import Hierarchy
from clipkit.pack.there import found as look
from clipkit.pack.there.found import Found, Told
from clipkit.pack.there.group_here import Group, Machine, counters_of
from clipkit.pack.there.identity import lasting_group

SESSION = "user.slice/user-1000.slice/session-7.scope"


@pytest.fixture(params=[1, 2])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Hierarchy:
    """Of a machine with systemd, over ssh: files as the kernel shows them, none of them with a limit."""
    version, own = request.param, tmp_path / SESSION
    own.mkdir(parents=True)
    if version == 1:
        (tmp_path / "release_agent").touch()
        (own / "memory.limit_in_bytes").write_text("9223372036854771712\n")
        return Hierarchy(1, frozenset({"memory"}), tmp_path, own, True)
    for folder in (own, own.parent, own.parent.parent):
        (folder / "cgroup.type").write_text("domain\n")
        (folder / "memory.max").write_text("max\n")
    (own / "cgroup.controllers").write_text("cpu memory pids\n")
    return Hierarchy(2, frozenset(), tmp_path, own, True)


def test_in_a_login_session_without_a_limit_the_machine_counts(session: Hierarchy) -> None:
    counters = counters_of([session])
    assert isinstance(counters, Machine)
    assert counters.held().need_bytes


def test_the_next_login_finds_the_same_machine(session: Hierarchy) -> None:
    assert lasting_group(session) == session.top


def test_a_limit_above_the_session_is_what_counts(session: Hierarchy) -> None:
    above = session.own.parent
    name = "memory.max" if session.version == 2 else "memory.limit_in_bytes"
    (above / name).write_text("314572800\n")
    assert isinstance(counters_of([session]), Group)


def test_the_top_of_a_container_is_no_machine(session: Hierarchy) -> None:
    (session.top / "release_agent").unlink(missing_ok=True)
    (session.top / "cgroup.type").write_text("domain\n")
    assert isinstance(counters_of([session]), Group)


def test_where_nobody_says_what_is_free_that_is_told() -> None:
    found = Found(Told(1e9, "--memory"), Told(), None, Told(), 2, "ext4", 1 << 30)
    assert found.lines()[-1].startswith("unchecked nobody here says")


@pytest.mark.parametrize(
    ("both", "told"), [(1 << 30, (1 << 29, "memory.memsw.limit_in_bytes")), (2**63 - 4096, None)]
)
def test_of_version_1_swap_without_a_limit_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, both: int, told: tuple[int, str] | None
) -> None:
    (tmp_path / "memory.limit_in_bytes").write_text(f"{1 << 29}\n")
    (tmp_path / "memory.memsw.limit_in_bytes").write_text(f"{both}\n")
    group = Hierarchy(1, frozenset({"memory"}), tmp_path, tmp_path, True)
    monkeypatch.setattr(look, "hierarchies", lambda: [group])
    monkeypatch.setattr(look, "counters_here", lambda: counters_of([group]))
    found, _ = look.look_around(tmp_path)
    assert found.swap == (Told(*told) if told else Told())
