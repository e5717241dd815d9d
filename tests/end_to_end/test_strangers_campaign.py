"""A campaign from a stranger is data: reading it, comparing and reporting it runs nothing of it, follows no link
out of it, and shows no more of it than letters."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import inventing_sweep
import pytest
from inventing_sweep import Film, Sweep, on
from planting import planted_in
from running import Ran
from stored_campaigns import copied

from clipkit.records.campaign import open_campaign
from clipkit.records.folder import read_records
from clipkit.report.pages.report_place import report_place

EVIL = "<img src=x onerror=alert(1)>$\\frac{1}{0}$`x`|[a](javascript:alert(1))\x1b]0;owned\x07\x1b[31m\u202e"
TELLTALE = ("<img src=x", "\x1b", "\x07", "\u202e")
SECRETS = (
    "ffmpeg --token s3cr3t-1 -headers 'Authorization: Bearer s3cr3t-2' "
    "-i https://user:s3cr3t-3@host.example/a.mp4?sig=s3cr3t-4 API_KEY=s3cr3t-5"
)


def run(cwd: Path, *words: str | Path, **environment: str) -> Ran:
    argv = [sys.executable, "-P", "-m", "clipkit", *map(str, words)]
    process = subprocess.run(
        argv, cwd=cwd, capture_output=True, text=True, timeout=400, check=False,
        env=os.environ | environment,
    )  # fmt: skip
    return Ran(process.returncode, process.stdout, process.stderr, 0)


def hostile_sweep(folder: Path) -> Path:
    """A small sweep with an attack in every string that a record, a clip or a document can hold."""
    film = Film(name=EVIL.replace("/", "_"))
    sweep = Sweep(films=(film,), hosts=(on("512M"),), blocks=2, spoilt=False)
    kept = {"host": EVIL, "codec": EVIL, "ffmpeg_version": EVIL, "clipkit_version": EVIL}
    rows = [dataclasses.replace(row, **kept) for row in inventing_sweep.records(sweep)]
    inventing_sweep.write(folder, sweep, rows)
    clips = [json.loads(line) for line in (folder / "clips.jsonl").read_text().splitlines()]
    for clip in clips:
        clip |= {"change": EVIL, "argv": [*clip["argv"], *shlex.split(SECRETS), EVIL]}
    (folder / "clips.jsonl").write_text("".join(f"{json.dumps(clip)}\n" for clip in clips))
    machine = {"cpu": EVIL, "cores": 2, "host_id": "invented", "ceiling": EVIL, "system": EVIL}
    builds = [{"choice": "bundled", "path": "/srv/somewhere/ffmpeg", "version": EVIL}]
    (folder / "environment.json").write_text(json.dumps(machine | {"ffmpeg": builds}))
    counts = dict.fromkeys(("ok", "oom", "inferred", "failed", "done", "pid", "total"), 3)
    words = dict.fromkeys(("campaign", "state", "now", "clip", "best", "error"), EVIL)
    times = {"elapsed_s": 1, "eta_s": None, "best_s_per_clip": None, "updated_utc": EVIL}
    (folder / "progress.json").write_text(json.dumps(counts | words | times))
    return folder


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that was sent: a campaign, and beside and in it what a careless reader would run or follow."""
    sent = tmp_path_factory.mktemp("sent")
    campaign = hostile_sweep(sent / "campaign")
    outside = sent.parent / f"{sent.name}-outside"
    outside.mkdir()
    (outside / "secret").write_text("the reader's own s3cr3t-file\n")
    for place in (sent, campaign):
        planted_in(place, outside / "ran")
    first = next((campaign / "logs").iterdir())
    for logs in (campaign / "logs").iterdir():
        (logs / "x.log").symlink_to(outside / "secret")
        (logs / f"{EVIL.replace('/', '_')}.log").write_text(
            f"{EVIL}\n{SECRETS}\nfile /srv/a/b.mp4\n"
        )
    (campaign / "logs" / "linked").symlink_to(first)
    (campaign / "notebooks").symlink_to(outside)
    (campaign / "report.html").symlink_to(outside / "secret")
    (campaign / "runs.parquet").symlink_to(outside / "secret")
    (campaign / ".report.html.part").symlink_to(outside / "secret")
    (campaign / "clipkit.toml").symlink_to(outside / "secret")
    return sent


@pytest.fixture(scope="module")
def reported(theirs: Path) -> Ran:
    return run(theirs, "report", "campaign")


def outside(theirs: Path) -> dict[str, str]:
    """What lies outside of what was sent; `ran` holds what was run of it."""
    folder = theirs.parent / f"{theirs.name}-outside"
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


UNTOUCHED = {"ran": "", "secret": "the reader's own s3cr3t-file\n"}


class TestReport:
    def test_it_is_written_elsewhere_where_the_campaign_would_have_it_written_through_a_link(
        self, theirs: Path, reported: Ran
    ) -> None:
        assert reported.code == 0, reported.err
        assert reported.out == f"{theirs / 'report-campaign' / 'report.html'}\n"
        assert "campaign cannot be written (notebooks: it is a link" in reported.complaint
        assert f"its report goes into {theirs / 'report-campaign'}" in reported.complaint

    def test_nothing_of_it_was_run_and_nothing_written_out_of_it(
        self, theirs: Path, reported: Ran
    ) -> None:
        assert reported.code == 0, reported.err
        assert outside(theirs) == UNTOUCHED

    def test_no_page_notebook_or_picture_takes_a_name_for_more_than_letters(
        self, reported: Ran
    ) -> None:
        folder = Path(reported.out.strip()).parent
        page = (folder / "report.html").read_text("utf-8")
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
        for told in (page, *(path.read_text("utf-8") for path in folder.rglob("*.svg"))):
            assert [mark for mark in TELLTALE if mark in told] == []
        drawn = re.findall(r'src(?:set)?="data:image/svg\+xml;base64,([^"]+)"', page)
        assert drawn
        for picture in {*drawn}:
            ElementTree.fromstring(base64.b64decode(picture))  # noqa: S314 (our own)
        for executed in (folder / "notebooks").glob("*.ipynb"):
            outputs = [
                "".join(output.get("data", {}).get("text/html", []))
                for cell in json.loads(executed.read_text("utf-8"))["cells"]
                for output in cell.get("outputs", [])
            ]
            assert any(outputs)
            assert [mark for mark in TELLTALE for html in outputs if mark in html] == []

    def test_a_dollar_begins_no_formula(self, reported: Ran) -> None:
        drawn = [path.read_text() for path in Path(reported.out.strip()).parent.rglob("*.svg")]
        assert any("$\\frac{1}{0}$" in picture for picture in drawn)
        assert not any("mathdefault" in picture for picture in drawn)

    def test_what_is_sent_shows_no_folder_of_anybodys_and_no_secret(
        self, theirs: Path, reported: Ran
    ) -> None:
        page = Path(reported.out.strip()).read_text("utf-8")
        told = (str(theirs), "/srv/", sys.executable, sys.prefix, str(Path.home()), "s3cr3t")
        assert [word for word in told if word in page] == []


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "campaign", "campaign"],
        ["claims", "campaign"],
        ["claims", "campaign", "--markdown"],
        ["merge", "campaign", "--results", "merged"],
        ["plans", "campaign", "--clips-per-day", "600"],
    ],
    ids=lambda words: " ".join(words[:1] + words[2:3]),
)
def test_what_reads_it_otherwise_runs_nothing_of_it_and_a_terminal_obeys_none_of_it(
    words: list[str], theirs: Path
) -> None:
    ran = run(theirs, *words)
    assert "Traceback" not in ran.err
    assert [mark for mark in TELLTALE[1:] if mark in ran.out + ran.err] == []
    assert outside(theirs) == UNTOUCHED


def test_merged_it_brings_its_own_files_and_none_that_it_links_to(theirs: Path) -> None:
    ran = run(theirs, "merge", "campaign", "--results", "joined", "--json")
    assert ran.code == 0, ran.err
    joined = Path(ran.json["campaign"])
    assert [path for path in joined.rglob("*") if path.is_symlink()] == []
    assert not list(joined.rglob("x.log"))
    assert list(joined.rglob("clip-001.log"))
    assert len(read_records(joined)) == len(read_records(theirs / "campaign"))


def test_a_settings_file_that_is_exported_runs_nothing_that_it_names(tmp_path: Path) -> None:
    template = f"touch {tmp_path / 'ran'} {{input}} {{start}} {{duration}} {{output}}"
    settings = (
        f'[settings]\nffmpeg = "{tmp_path / "build"}"\n\n[command]\ntemplate = "{template}"\n'
    )
    (tmp_path / "clipkit.toml").write_text(settings)
    (tmp_path / "build").write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    (tmp_path / "build").chmod(0o755)
    for form in ("shell", "node", "fluent-ffmpeg", "python", "rust"):
        assert "Traceback" not in run(tmp_path, "export", "--as", form).err
    assert not (tmp_path / "ran").exists()


class TestOneLine:
    @pytest.mark.parametrize(
        ("name", "content", "told"),
        [
            ("runs.jsonl", "[" * 3_000_000 + "\n", "is no record"),
            ("uploads.json", '{"a":' * 200_000, "nested deeper"),
            ("environment.json", "[]", "holds no JSON object"),
            ("experiment.toml", "a = " + "[" * 200_000, "nested deeper"),
            ("experiment.toml", "run = 3", "run is no table"),
            ("clips.jsonl", "{}\n" * 3, "tells of no clip"),
            ("recommendation.json", '{"host": 1e400}', "is no number"),
        ],
        ids=lambda value: value[:20] if isinstance(value, str) else None,
    )
    def test_says_what_is_wrong_with_a_file(
        self, name: str, content: str, told: str, tmp_path: Path
    ) -> None:
        campaign = copied("reference-tune", tmp_path / "c")
        (campaign / name).write_text(content)
        command = ("merge", "c") if name in ("clips.jsonl", "experiment.toml") else ("report", "c")
        if name == "clips.jsonl":
            campaign = inventing_sweep.write(tmp_path / "d", Sweep(hosts=(on("512M"),), blocks=1))
            (campaign / name).write_text(content)
            command = ("merge", "d")
        ran = run(tmp_path, *command)
        assert ran.code == 1
        assert told in ran.complaint
        assert name in ran.complaint

    def test_also_for_one_that_would_fill_the_memory(self, tmp_path: Path) -> None:
        campaign = copied("reference-tune", tmp_path / "c")
        with (campaign / "uploads.json").open("wb") as file:
            file.truncate(1 << 43)
        assert "it is larger than" in run(tmp_path, "compare", "c", "c").complaint


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A campaign that can be read and not written, also by root."""
    campaign = copied("reference-tune", tmp_path / "c")
    mounts = (["--bind", str(campaign), str(campaign)], ["-o", "remount,ro,bind", str(campaign)])
    if os.geteuid() != 0 or subprocess.run(["mount", *mounts[0]], check=False).returncode:
        pytest.skip("only root can make a folder that is read only for root")
    try:
        subprocess.run(["mount", *mounts[1]], check=True)
        yield campaign
    finally:
        subprocess.run(["umount", str(campaign)], check=True)


class TestReadOnly:
    def test_a_campaign_that_cannot_be_written_is_reported_on_elsewhere_and_that_is_said(
        self, read_only: Path, tmp_path: Path
    ) -> None:
        ran = run(tmp_path, "report", read_only.name, "--json")
        assert ran.code == 0, ran.err
        assert ran.complaint == (
            "clipkit: c cannot be written (Read-only file system): its report goes into "
            f"{tmp_path / 'report-c'}"
        )
        page = Path(ran.json["report"])
        assert page == tmp_path / "report-c" / "report.html"
        assert "in the campaign c" in page.read_text("utf-8")
        assert (page.parent / "figures" / "1-measure" / "bars.svg").is_file()
        assert (page.parent / "notebooks" / "1-measure.ipynb").is_file()

    def test_a_folder_for_it_can_be_named(self, read_only: Path, tmp_path: Path) -> None:
        place = report_place(read_only, tmp_path / "mine" / "here")
        assert (place.folder, place.why_elsewhere) == (tmp_path / "mine" / "here", None)

    def test_what_measures_into_it_says_so_in_one_line(
        self, read_only: Path, tmp_path: Path, small: Path
    ) -> None:
        experiment = f'[job]\nuploads = ["{small}"]\nclips = 1\nlength_s = 1\n'
        (tmp_path / "c.toml").write_text(experiment)
        ran = run(tmp_path, "sweep", "c.toml", "--results", ".", "--as", "c")
        assert ran.code == 1
        assert "Read-only file system" in ran.complaint or "holds another" in ran.complaint
        assert open_campaign(read_only).name == "c"


def test_python_itself_takes_nothing_from_where_clipkit_is_called_as_a_module(
    tmp_path: Path,
) -> None:
    (tmp_path / "json.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    ran: Any = subprocess.run(
        [sys.executable, "-m", "clipkit", "hosts"], cwd=tmp_path, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert not (tmp_path / "ran").exists()
