"""The sections of `3-optimum`, on an invented sweep whose fastest settings are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import inventing_sweep
import pytest

from clipkit.errors import CampaignError
from clipkit.report.exhibits import optimum_sections as sections
from clipkit.report.exhibits.optimum_sections import leading
from clipkit.report.notebooks.optimum import Asked, Found, find_optima
from clipkit.settings import load_settings

ALL = Asked(campaign="", memory="", cpus="", preset="", out="")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    inventing_sweep.write(tmp_path / "sweep")
    return replace(ALL, campaign=str(tmp_path / "sweep"))


def test_each_ceiling_has_its_fastest_and_nothing_is_written(asked: Asked) -> None:
    found = find_optima(asked)
    assert [each.condition.host for each in leading(found.optima)] == [
        "96M-2cpu",
        "256M-2cpu",
        "512M-2cpu",
    ]
    assert found.written is None
    assert "several hosts or jobs" in sections.file_to_copy(found.optima, found.written).markup
    assert not (Path(asked.campaign) / "clipkit.toml").exists()


def test_one_ceiling_is_written_as_the_engine_reads_it(asked: Asked) -> None:
    found = find_optima(replace(asked, memory="512M"))
    (best,) = leading(found.optima)
    assert found.written == Path.cwd() / "clipkit.toml"
    assert load_settings(found.written) == best.settings
    chosen = (best.settings.concurrency, best.settings.encoder_threads)
    assert chosen == inventing_sweep.RECOMMENDED["512M"]
    assert all(cell["memory_limit_bytes"] == 512 << 20 for cell in cells(found))


def test_it_goes_where_it_is_asked_to(asked: Asked, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    found = find_optima(replace(asked, memory="512M", out=str(out)))
    assert found.written == out / "clipkit.toml"
    assert not (Path(asked.campaign) / "clipkit.toml").exists()


def test_what_cannot_be_written_is_in_the_notebook_alone(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = find_optima(replace(asked, memory="512M", out=str(tmp_path / "file")))
    assert found.written is None
    assert "set the parameter" in sections.file_to_copy(found.optima, found.written).markup


def test_a_preset_fixes_the_picture(asked: Asked) -> None:
    found = find_optima(replace(asked, preset="veryfast", memory="512M"))
    assert {each.settings.preset for each in found.optima} == {"veryfast"}
    rows = sections.table_by_picture(found.optima).rows
    assert len(rows) == 1
    assert "veryfast" in rows[0][1]


def test_ties_are_listed_with_the_chosen(asked: Asked) -> None:
    table = sections.ties_table(
        find_optima(replace(asked, preset="ultrafast", memory="512M")).optima
    )
    standings = [row[-1] for row in table.rows]
    assert standings.count("★ recommended") == 1
    assert standings.count("tie") == len(inventing_sweep.TIES["512M"])


def test_what_does_not_occur_is_told(asked: Asked) -> None:
    with pytest.raises(CampaignError, match="512 MB"):
        find_optima(replace(asked, memory="1G"))


def cells(found: Found) -> list[dict[str, int]]:
    return list(found.campaign.cells.to_dict("records"))
