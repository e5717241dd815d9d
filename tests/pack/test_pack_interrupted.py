"""What ends a pack before its time on a host, and what of it is told: an interrupt, a disk that is full, a film gone."""

from __future__ import annotations

import json
import lzma
import resource
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from container import PYTHON
from small_packs import SLOW, Packs, ends, experiment, until

from clipkit.errors import OutputError, UploadError
from clipkit.pack.there.asked import Asked
from clipkit.pack.there.bench import bench_for
from clipkit.pack.there.course import Course
from clipkit.pack.there.group_here import Held
from clipkit.pack.there.journal import Journal, entries_in
from clipkit.pack.there.lives import past_of
from clipkit.pack.there.parts import Kind, Sender
from clipkit.pack.there.planned import read_plan
from clipkit.pack.there.samples_file import SamplesFile, samples_at
from clipkit.pack.there.session import Session
from clipkit.pack.there.start import unpacked_beside
from clipkit.records.outcome import Sample


def started(pack: Path, results: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PYTHON, str(pack), "--yes", "--results", str(results)],
        cwd=pack.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
    )


def test_an_interrupt_in_the_warm_up_ends_it_before_a_trial_begins(
    slow: Path, packs: Packs, tmp_path: Path
) -> None:
    pack, results = packs(experiment(slow)), tmp_path / "kept"
    process = started(pack, results)
    until(lambda: list(results.glob("*warm-up/*/*.mp4")))  # the engine is talked to
    process.send_signal(signal.SIGTERM)
    _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (130, "clipkit: interrupted\n")
    assert [entry["kind"] for entry in entries_in(results)] == ["where"]


def test_a_start_that_was_killed_while_it_warmed_up_is_followed_by_one_that_does_not(
    slow: Path, packs: Packs, tmp_path: Path
) -> None:
    """Else an instance that this ends would end there each time, and no trial ever begin."""
    pack, results = packs(experiment(slow)), tmp_path / "kept"
    first = started(pack, results)
    until(lambda: list(results.glob("*warm-up/*/*.mp4")))
    first.kill()
    first.communicate(timeout=60)
    assert [entry["kind"] for entry in entries_in(results)] == ["where"]
    for left in results.glob("*warm-up"):
        shutil.rmtree(left)
    second, warmed = started(pack, results), False
    while second.poll() is None:
        warmed |= any(results.glob("*warm-up"))
        time.sleep(0.005)
    assert (second.returncode, warmed) == (0, False), second.communicate()
    assert ends(results) == [(1, "ok")]


def test_what_leaves_a_trial_has_an_end_that_says_why(
    small: Path, packs: Packs, tmp_path: Path
) -> None:
    pack = packs(experiment(small, head=f"[subject]\nname = 'command'\ncommand = '{SLOW}'"))
    results = tmp_path / "kept"
    plan = read_plan(folder := unpacked_beside(results, pack))
    asked = Asked(results, True, True, None, None, (), frozenset(), "system")
    bench = bench_for(plan, folder, asked, "machine")
    for film in bench.uploads.values():
        film.unlink()
    journal = Journal(results, Sender(plan.pack, "0" * 8, plan.key), list[str]().append)
    with pytest.raises(FileNotFoundError):
        Session(bench, journal).run(Course(plan.trials, {}))
    assert ends(results) == [(1, "invalid_machine")]
    assert "No such file" in entries_in(results)[-1]["record"]["error"]
    assert past_of(entries_in(results)).open == ()


@pytest.mark.parametrize(
    "meant", [(3, 4, "oom"), (3, 3, "cancelled"), (None, 4, "cancelled"), (3, 0, "cancelled")]
)
def test_asked_to_end_before_it_measured_it_looks_whether_the_kernel_killed_meanwhile(
    small: Path,
    packs: Packs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    meant: tuple[int | None, int, str],
) -> None:
    *kills, status = meant
    pack, results = packs(experiment(small)), tmp_path / "kept"
    plan = read_plan(folder := unpacked_beside(results, pack))
    asked = Asked(results, True, True, None, None, (), frozenset(), "system")
    counters = Counting(iter(kills))
    bench = replace(bench_for(plan, folder, asked, "machine"), counters=counters)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("clipkit.pack.there.session.warm_up_here", lambda *_: None)
    monkeypatch.setattr("clipkit.pack.there.session.run_planned", interrupted)
    journal = Journal(results, Sender(plan.pack, "0" * 8, plan.key), list[str]().append)
    with pytest.raises(KeyboardInterrupt):
        Session(bench, journal).run(Course(plan.trials, {}))
    assert ends(results) == [(1, status)]
    assert past_of(entries_in(results)).done == ({1} if status == "oom" else set())


@dataclass
class Counting:
    """The kernel's counter of kills, each time that it is asked."""

    kills: Iterator[int | None]
    version: int | None = 2

    def held(self) -> Held:
        return Held(None, None, oom_kills=next(self.kills))


def test_an_end_that_was_told_leaves_no_samples(small: Path, packs: Packs, tmp_path: Path) -> None:
    process = started(packs(experiment(small)), tmp_path / "kept")
    process.communicate(timeout=100)
    assert ends(tmp_path / "kept") == [(1, "ok")]
    assert list((tmp_path / "kept" / "samples").iterdir()) == []


def test_a_second_start_over_the_same_folder_touches_nothing(
    slow: Path, packs: Packs, tmp_path: Path
) -> None:
    pack, results = packs(experiment(slow)), tmp_path / "kept"
    first = started(pack, results)
    until((results / "journal.jsonl").exists)
    second = started(pack, results)
    _, complaint = second.communicate(timeout=30)
    assert (second.returncode, "runs in" in complaint, complaint.count("\n")) == (1, True, 1)
    assert list(results.glob(".pack-*/plan.json"))
    _, complaint = first.communicate(timeout=100)
    assert (first.returncode, ends(results)) == (0, [(1, "ok")]), complaint


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_pack_that_is_damaged_is_refused_and_leaves_nothing(
    small: Path, packs: Packs, tmp_path: Path, share: float
) -> None:
    pack = packs(experiment(small))
    content = bytearray(pack.read_bytes())
    with zipfile.ZipFile(pack) as members:
        film = next(each for each in members.infolist() if each.filename.startswith("uploads/"))
    at = film.header_offset + 100 + int(share * (film.compress_size - 100))
    content[at : at + 8] = bytes(8)
    pack.write_bytes(content)
    with pytest.raises(UploadError, match="copy the pack anew"):
        unpacked_beside(tmp_path / "kept", pack)
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_film_for_which_there_is_no_room_is_refused_before_it_is_unpacked(
    tmp_path: Path,
) -> None:
    pack = tmp_path / "large.pyz"
    plan = {"pack": "0" * 12, "uploads": [{"packed": "uploads/a.xz", "size_bytes": 1 << 60}]}
    with zipfile.ZipFile(pack, "w") as archive:
        archive.writestr("plan.json", json.dumps(plan))
        archive.writestr("uploads/a.xz", lzma.compress(b"film"))
    with pytest.raises(OutputError, match="are free there"):
        unpacked_beside(tmp_path / "kept", pack)
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.fixture
def at_most() -> Iterator[Callable[[int], None]]:
    """Files that this process writes grow to so many bytes, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size_bytes: resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_samples_on_a_full_disk_end_with_a_whole_one_and_say_so(
    tmp_path: Path, at_most: Callable[[int], None]
) -> None:
    samples = SamplesFile(tmp_path / "run.bin")
    samples.append(sample(0.0))
    row_bytes = (tmp_path / "run.bin").stat().st_size
    at_most(row_bytes * 2 + row_bytes // 2)
    for t_s in (1.0, 2.0, 3.0):
        samples.append(sample(t_s))
    assert isinstance(samples.failure, OSError)
    assert samples[-1].t_s == 3.0
    samples.close()
    assert [each.t_s for each in samples_at(tmp_path / "run.bin")] == [0.0, 1.0]


def test_what_home_could_not_read_is_not_done_for_the_next_start_either(
    tmp_path: Path, at_most: Callable[[int], None]
) -> None:
    (tmp_path / "printed.log").write_text("x" * 5000 + "\n")
    journal = Journal(tmp_path, Sender("0" * 12, "0" * 8, bytes(32)), list[str]().append)
    at_most(5100)
    with pytest.raises(OSError, match="large"):
        journal.tell(Kind.ENDED, 1, {"record": {"run_id": "a", "status": "ok"}})
    assert entries_in(tmp_path) == []


def sample(t_s: float) -> Sample:
    return Sample(t_s, *(None for _ in range(len(Sample.__slots__) - 1)))
