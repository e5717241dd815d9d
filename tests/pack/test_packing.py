"""What can be packed, in which order it runs there, and what is refused before anything is written."""

from __future__ import annotations

import dataclasses
import json
import sys
import zipfile
from pathlib import Path

import pytest
from making import Make

from clipkit.cli import parse_words
from clipkit.errors import OutputError, UsageError
from clipkit.media.probe import probe_upload
from clipkit.pack.archive import compressed_films
from clipkit.pack.kept import name_there, packed_in

HOST = "300M-2cpu"


def run(tmp_path: Path, small: Path, text: str, *words: str) -> Path:
    (tmp_path / "there.toml").write_text(text.replace("SMALL", str(small)))
    out = tmp_path / "pack.pyz"
    named = words or ("--host", HOST)
    parsed = parse_words(["pack", str(tmp_path / "there.toml"), "-o", str(out), *named])
    assert parsed.handler(parsed) == 0
    return out


HEAD = 'name = "there"\n[job]\nuploads = "SMALL"\nclips = 2\nlength_s = 1\n[host]\nmemory = "300M"\ncpus = 2\n'


@pytest.mark.parametrize(
    ("text", "words", "why"),
    [
        ('[run]\nstrategy = "random"\ntrials = 3\n', (), "only the strategy 'grid' can be packed"),
        ("", ("--host", "render-starter"), "has no such host, but 300M-2cpu"),
        ('[subject]\nname = "moviepy"\n', (), "'moviepy' cannot be packed"),
        ('[settings]\nffmpeg = ["bundled", "system"]\n', (), "a host has one ffmpeg, its own"),
        ("", ("--host", HOST, "--shard", "4/9"), "at most 3 shards"),
    ],
)
def test_what_cannot_run_there_is_refused(
    text: str, words: tuple[str, ...], why: str, tmp_path: Path, small: Path
) -> None:
    with pytest.raises(UsageError) as refused:
        run(tmp_path, small, HEAD + text, *words)
    assert why in str(refused.value)
    assert not (tmp_path / "pack.pyz").exists()


@pytest.mark.parametrize(
    ("more", "campaign"), [((), "there-there"), (("--as", "another"), "another")]
)
def test_it_comes_home_under_a_name_of_its_own(
    tmp_path: Path,
    small: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    campaign: str,
) -> None:
    """What the same experiment measured at home lies beside it."""
    out = run(tmp_path, small, HEAD, "--host", HOST, *more)
    assert packed_in(out).campaign == campaign
    assert f"take home what it prints, as {campaign}: clipkit unpack LOG" in capsys.readouterr().out
    assert len(name_there("x" * 100)) <= 100


def test_a_pack_is_small_and_its_owners_alone(tmp_path: Path, small: Path) -> None:
    out = run(tmp_path, small, HEAD)
    assert out.stat().st_mode & 0o777 == 0o700
    assert out.stat().st_size < small.stat().st_size + 400_000
    assert len(list((tmp_path / "data" / "packs").iterdir())) == 1


def test_tasks_name_neither_this_machine_nor_its_ffmpeg(tmp_path: Path, small: Path) -> None:
    out = run(tmp_path, small, HEAD + '[settings]\nmode = ["encode", "smart", "copy"]\n')
    with zipfile.ZipFile(out) as pack:
        cells = [pack.read(name).decode() for name in pack.namelist() if name[:6] == "cells/"]
    assert len(cells) == 3
    for text in cells:
        tasks = json.dumps(json.loads(text)["tasks"])
        for ours in (str(small), str(tmp_path), "imageio", sys.prefix):
            assert ours not in tasks


def test_a_shard_has_its_own_blocks_and_what_is_nearest_to_the_limit_runs_last(
    tmp_path: Path, make: Make
) -> None:
    # What a clip may need is foretold from the size of its pictures, whatever they show.
    source = ("-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25:duration=2")
    large = make("large.mp4", "-preset", "ultrafast", source=source)
    text = HEAD + "[settings]\nconcurrency = [1, 2]\npreset = 'veryfast'\n[run]\nblocks = 4\n"
    text = text.replace('"300M"', '"500M"')
    out = run(tmp_path, large, text, "--host", "500M-2cpu", "--shard", "2/2")
    with zipfile.ZipFile(out) as pack:
        plan = json.loads(pack.read("plan.json"))
    needs = [cell["predicted_bytes"] for cell in plan["cells"]]
    assert needs[1] > 0.7 * 500 * 2**20 > needs[0]
    assert plan["trials"] == [[0, 1], [0, 3], [1, 1], [1, 3]]


def test_only_what_fails_while_films_are_compressed_is_told_as_that(
    tmp_path: Path, small: Path
) -> None:
    with pytest.raises(ConnectionResetError), compressed_films([probe_upload(small)]) as films:
        assert films[0].packed
        raise ConnectionResetError
    gone = dataclasses.replace(probe_upload(small), path=tmp_path / "gone.mp4")
    with (
        pytest.raises(OutputError, match=r"cannot compress into .*: No such file"),
        compressed_films([gone]),
    ):
        raise AssertionError("it was compressed")
