"""A pack in a small container: what it finds, what it measures, and how it goes on when the instance is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from container import Inside, on_this_machine, start_container
from small_packs import SLOW, Packs, ends, experiment, until

from clipkit.ceiling.base import Ceiling
from clipkit.cli import parse_words
from clipkit.format import MIB
from clipkit.records.folder import read_records

HUNGRY = "ffmpeg -y -ss {start} -t {duration} -i {input} -c:v libx264 -preset placebo {output}"


def test_every_subject_mode_and_upload_is_measured_where_only_python_and_ffmpeg_are(
    small: Path, make: Any, packs: Packs, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    other = make("other.mp4", "-g", "10")
    who = '[subject]\nname = ["clipkit", "fluent", "sketch", "command"]\n'
    head = f"{who}command = '{SLOW}'"
    settings = 'mode = ["encode", "smart", "copy"]'
    pack = packs(experiment(small, other, head=head, settings=settings))
    ceiling = real_ceiling(memory_bytes=300 * MIB, cpus=0.5)
    ran = start_container(ceiling, tmp_path, pack, "--yes", "--results", "kept").ended()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "300 MB by cgroup v1" in ran.stdout or "300 MB by cgroup v2" in ran.stdout
    assert "0.5 CPU by the quota of its group" in ran.stdout
    assert "another than at home" in ran.stdout
    found = ends(tmp_path / "kept")
    assert len(found) == 2 * (3 + 1 + 1 + 1)
    assert {status for _, status in found} == {"ok"}
    records = [
        json.loads(line)["record"]
        for line in (tmp_path / "kept" / "journal.jsonl").read_text().splitlines()
        if '"kind": "ended"' in line
    ]
    assert {r["enforced_memory_bytes"] for r in records} == {300 * MIB}
    assert max(r["harness_peak_anon_bytes"] for r in records) < 25 * MIB
    assert all(r["ffmpeg_version"].startswith("5") or r["ffmpeg_version"] for r in records)
    assert not [left for left in (tmp_path / "kept").iterdir() if left.name.startswith(".")]
    parsed = parse_words(["unpack", str(tmp_path / "kept"), "--results", str(tmp_path / "home")])
    assert parsed.handler(parsed) == 0
    assert len((tmp_path / "home" / "there-there" / "runs.jsonl").read_text().splitlines()) == 12


def test_killed_whole_in_the_third_trial_it_goes_on_and_the_second_time_gives_it_up(
    small: Path, packs: Packs, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    head = f"[subject]\nname = 'command'\ncommand = '{SLOW}'"
    pack = packs(experiment(small, blocks=4, head=head))
    results = tmp_path / "kept"
    for lives in (1, 2):
        ceiling = real_ceiling(memory_bytes=300 * MIB, cpus=0.5)
        container = start_container(ceiling, tmp_path, pack, "--yes", "--results", results)
        until(lambda lives=lives: is_under_way(results, 3, lives))
        container.kill()
    ceiling = real_ceiling(memory_bytes=300 * MIB, cpus=0.5)
    ran = start_container(ceiling, tmp_path, pack, "--yes", "--results", results).ended()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ends(results) == [
        *((1, "ok"), (2, "ok"), (3, "invalid_machine"), (3, "failed"), (4, "ok")),
    ]


def test_killed_with_its_memory_in_need_it_has_run_out_of_memory(
    small: Path, packs: Packs, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    head = f"[subject]\nname = 'command'\ncommand = '{SLOW}'"
    pack = packs(experiment(small, blocks=4, head=head))
    results, ceiling = tmp_path / "kept", real_ceiling(memory_bytes=300 * MIB, cpus=0.5)
    container = start_container(ceiling, tmp_path, pack, "--yes", "--results", results)
    until(lambda: is_under_way(results, 3))
    need = (ceiling.usage().total_bytes or 0) - (ceiling.usage().cache_bytes or 0)
    taken = 285 * MIB - need
    code = f"held = b'x' * {taken}; print('held', flush=True); import time; time.sleep(60)"
    hog = subprocess.Popen(ceiling.wrap([sys.executable, "-c", code]), stdout=subprocess.PIPE)
    assert hog.stdout is not None
    assert hog.stdout.readline()
    time.sleep(0.3)
    container.kill()
    hog.communicate()
    ceiling = real_ceiling(memory_bytes=300 * MIB, cpus=0.5)
    ran = start_container(ceiling, tmp_path, pack, "--yes", "--results", results).ended()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ends(results) == [(1, "ok"), (2, "ok"), (3, "oom"), (4, "ok")]


def is_under_way(results: Path, trial: int, lives: int = 1) -> bool:
    """Whether in the last of so many lives that trial has begun, has samples, and has not ended."""
    journal = results / "journal.jsonl"
    lines = journal.read_text().splitlines() if journal.exists() else []
    if sum('"kind": "where"' in line for line in lines) < lives:
        return False
    last = lines[-1]
    told = json.loads(last) if last.endswith("}") else {}
    if (told.get("kind"), told.get("trial")) != ("began", trial):
        return False
    samples = results / "samples" / f"{told['run_id']}.bin"
    return samples.exists() and samples.stat().st_size > 2000


def test_without_a_terminal_it_begins_only_when_told_to(small: Path, packs: Packs) -> None:
    pack = packs(experiment(small))
    ran = on_this_machine(pack)
    assert (ran.returncode, "trials    1 of 1" in ran.stdout) == (2, True)
    assert "say --yes" in ran.stderr
    assert not (pack.parent / "clipkit-results" / "journal.jsonl").exists()


def test_what_may_need_more_than_is_free_is_left_out_and_named(
    slow: Path, packs: Packs, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    pack = packs(experiment(slow, settings="concurrency = [1, 2]"))
    ceiling = real_ceiling(memory_bytes=170 * MIB, cpus=0.5)
    ran = start_container(ceiling, tmp_path, pack, "--yes", "--results", "kept").ended()
    assert "left out  concurrency 2: it may need" in ran.stdout
    assert [status for _, status in ends(tmp_path / "kept")] == ["ok"]


def test_results_in_memory_are_told_and_trials_that_came_home_are_not_run_again(
    small: Path, packs: Packs, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    pack = packs(experiment(small, blocks=3))
    (tmp_path / "memory").mkdir()
    words = (pack, "--yes", "--results", tmp_path / "memory", "--done", "1,3")
    ceiling = real_ceiling(memory_bytes=300 * MIB, cpus=0.5)
    inside = Inside(tmpfs=str(tmp_path / "memory"))
    ran = start_container(ceiling, tmp_path, *words, inside=inside).ended()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "is memory (tmpfs)" in ran.stdout
    told = [line.split("  ")[0] for line in ran.stdout.splitlines() if line.startswith("trial ")]
    assert told == ["trial 2 of 3"]


def test_a_host_without_ffmpeg_is_told_what_to_do(
    small: Path, packs: Packs, tmp_path: Path
) -> None:
    pack = packs(experiment(small))
    mute = tmp_path / "mute" / "ffmpeg"  # it runs, and does not tell what it can
    mute.parent.mkdir()
    mute.write_text(
        '#!/bin/sh\ncase "$*" in *-version*) echo ffmpeg version 1;; *) exit 1;; esac\n'
    )
    mute.chmod(0o755)
    for path in ("/nonexistent", str(mute.parent)):
        ran = on_this_machine(pack, "--yes", path=path)
        assert ran.returncode == 1
        assert "no ffmpeg that runs is on this host's PATH" in ran.stderr
        assert "bundled" not in ran.stderr


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("/wrong/ffmpeg", "ffmpeg '/wrong/ffmpeg' is missing or cannot be run: check it"),
        (
            "bundled",
            "no bundled ffmpeg: Python finds no imageio-ffmpeg here, which brings it along; use --ffmpeg system, "
            "or --ffmpeg PATH",
        ),
    ],
)
def test_an_ffmpeg_that_is_not_there_is_a_line_that_advises_nothing_that_is_not_there_either(
    small: Path, packs: Packs, named: str, why: str
) -> None:
    ran = on_this_machine(packs(experiment(small)), "--yes", "--ffmpeg", named)
    assert (ran.returncode, ran.stderr) == (1, f"clipkit: {why}\n")


def test_what_does_not_travel_is_named_there_and_known_by_its_hash(
    small: Path, slow: Path, packs: Packs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipkit.pack.archive.MOST_PACKED_BYTES", 1000)
    pack = packs(experiment(small))
    lacking = on_this_machine(pack, "--yes")
    assert (lacking.returncode, "name it with --upload PATH" in lacking.stderr) == (2, True)
    other = on_this_machine(pack, "--yes", "--upload", slow)
    assert (other.returncode, "is none of the films of this pack" in other.stderr) == (1, True)
    ran = on_this_machine(pack, "--yes", "--upload", small)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_folder_with_results_of_another_pack_is_refused(small: Path, packs: Packs) -> None:
    assert on_this_machine(packs(experiment(small)), "--yes").returncode == 0
    other = on_this_machine(packs(experiment(small)), "--yes")
    assert (other.returncode, "holds results of another pack" in other.stderr) == (2, True)


@pytest.mark.usefixtures("real_ceiling")
def test_what_was_measured_at_home_and_on_the_host_are_two_campaigns(
    small: Path, packs: Packs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack, home = packs(experiment(small)), tmp_path / "home"
    sweep = ("sweep", tmp_path / "there.toml", "--results", home)
    assert clipkit(*sweep) == 0
    ran = on_this_machine(pack, "--yes", "--results", tmp_path / "kept", "--cpus", "0.5")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    unpack = ("unpack", tmp_path / "kept", "--results", home)
    assert clipkit(*unpack) == 0
    assert clipkit(*sweep) == 0
    measured = {name: read_records(home / name) for name in ("there", "there-there")}
    ceilings = {name: [record.ceiling for record in own] for name, own in measured.items()}
    assert ceilings["there-there"] == ["ambient"]
    assert len(ceilings["there"]) == 1
    assert "ambient" not in ceilings["there"]

    named = packs(experiment(small), "300M-0.5cpu", "--as", "there")
    ran = on_this_machine(named, "--yes", "--results", tmp_path / "named", "--cpus", "0.5")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert clipkit("unpack", tmp_path / "named", "--results", home) == 1
    assert (
        "was measured with another ceiling (ambient) than what is there" in capsys.readouterr().err
    )
    assert read_records(home / "there") == measured["there"]


def clipkit(*words: object) -> int:
    parsed = parse_words([*map(str, words)])
    return int(parsed.handler(parsed))


def test_asked_to_end_for_want_of_memory_it_has_run_out_of_memory(
    slow: Path, packs: Packs, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    """As systemd does it (`OOMPolicy=stop`): the kernel kills an ffmpeg, and all else is asked to end at once."""
    pack = packs(experiment(slow, head=f"[subject]\nname = 'command'\ncommand = '{HUNGRY}'"))
    results = tmp_path / "kept"
    words = (pack, "--yes", "--may-kill", "--results", results)
    ceiling = real_ceiling(memory_bytes=110 * MIB)
    container = start_container(ceiling, tmp_path, *words)
    while not ceiling.usage().oom_kills and container.process.poll() is None:
        time.sleep(0.001)
    asked_to_end = [pid for pid in ceiling.pids() if is_running(pid, "pack.there.main", "engine")]
    for pid in asked_to_end:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    ran = container.ended()
    assert (asked_to_end != [], ran.returncode) == (True, 130), ran.stdout + ran.stderr
    assert "clipkit: ended because that trial ran out of memory" in ran.stderr
    assert ends(results) == [(1, "oom")]
    ceiling = real_ceiling(memory_bytes=110 * MIB)
    again = start_container(ceiling, tmp_path, *words).ended()
    assert again.returncode == 0, again.stdout + again.stderr
    assert ends(results) == [(1, "oom")]  # it has ended, and is not run again


def is_running(pid: int, *what: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except OSError:
        return False
    return any(each in words for each in what)
