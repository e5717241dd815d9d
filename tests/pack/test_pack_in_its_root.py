"""A pack where nothing is but Python and ffmpeg: what is there, what it finds, and what it says of a promise."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from container import Inside, start_container
from measured_there import MOST_HARNESS_BYTES, marks_of, slowing, watched
from small_packs import SLOW, Packs, ends, experiment, promising

from clipkit.ceiling.base import Ceiling
from clipkit.format import MIB

LOOK = """
import importlib.util, os
print(sorted(os.listdir("/usr/bin")), sorted(os.listdir("/")))
print([name for name in ("clipkit", "psutil", "numpy") if importlib.util.find_spec(name)])
for place in ("/x", "/usr/lib/x", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
    try:
        print(open(place, "w"))
    except OSError:
        pass
"""

Ceilings = Callable[..., Ceiling]


def test_its_root_holds_python_ffmpeg_and_their_libraries_and_can_only_be_read(
    real_ceiling: Ceilings, tmp_path: Path
) -> None:
    ceiling = real_ceiling(memory_bytes=512 * MIB, cpus=0.5)
    ran = start_container(ceiling, tmp_path, "-c", LOOK).ended()
    assert ran.returncode == 0, ran.stderr
    programs, found = ran.stdout.splitlines()
    assert programs.startswith("['ffmpeg', 'python3'] [")
    assert "home" not in programs
    assert "root" not in programs
    assert found == "[]"


def test_at_a_quarter_core_it_finds_that(
    small: Path, packs: Packs, real_ceiling: Ceilings, tmp_path: Path
) -> None:
    ceiling = real_ceiling(memory_bytes=512 * MIB, cpus=0.25)
    ran = start_container(ceiling, tmp_path, packs(experiment(small)), "--results", "kept").ended()
    assert ran.returncode == 2, ran.stderr  # --yes is not said
    assert "0.25 CPU by the quota of its group" in ran.stdout
    assert "512 MB by cgroup v" in ran.stdout


def test_with_an_ffmpeg_that_slows_the_recommendation_alone_it_does_not_hold(
    small: Path, real_ceiling: Ceilings, tmp_path: Path
) -> None:
    pack = promising(small, tmp_path)
    with zipfile.ZipFile(pack) as members:
        works = [json.loads(members.read(f"cells/{number}.json")) for number in (0, 1)]
        promise = json.loads(members.read("plan.json"))["promise"]
    today, own = (works[promise[side][0]] for side in ("rival", "own"))
    inside = slowing(tmp_path, marks_of([today], [own]), slower_by=1.0, besides_s=0.3)
    # Of so little both sides get as much as they may on a machine that is busy too.
    ceiling = real_ceiling(memory_bytes=512 * MIB, cpus=0.2)
    ran = start_container(ceiling, tmp_path, pack, "--yes", inside=inside).ended()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (verdict,) = (line for line in ran.stdout.splitlines() if line.startswith("VERDICT"))
    assert verdict.endswith("it does not hold"), ran.stdout


def test_in_a_trial_of_half_a_minute_its_harness_stays_small_seen_from_outside(
    long_film: Path, packs: Packs, real_ceiling: Ceilings, tmp_path: Path
) -> None:
    head = f"[subject]\nname = 'command'\ncommand = '{SLOW}'"
    text = experiment(long_film, head=head).replace(
        "clips = 2\nlength_s = 1", "clips = 1\nlength_s = 30"
    )
    pack = packs(text)
    ceiling = real_ceiling(memory_bytes=512 * MIB, cpus=0.5)
    container = start_container(ceiling, tmp_path, pack, "--yes", "--results", "kept")
    with watched(container) as peak:
        ran = container.ended()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ends(tmp_path / "kept") == [(1, "ok")]
    assert 5 * MIB < peak[0] <= MOST_HARNESS_BYTES


@pytest.fixture(scope="module")
def long_film(make: Callable[..., Path]) -> Path:
    picture = ("-f", "lavfi", "-i", "testsrc2=size=64x36:rate=10:duration=32")
    return make("long.mp4", "-g", "10", source=picture)


def test_a_host_of_cgroup_version_2_is_read_by_its_own_files(
    small: Path, packs: Packs, real_ceiling: Ceilings, tmp_path: Path
) -> None:
    """What a container of 400 MB and 0.3 CPU shows there, copied, behind a mount of that kind."""
    inside = Inside(groups=group_of_version_2(tmp_path / "groups"))
    ceiling = real_ceiling(memory_bytes=512 * MIB, cpus=0.5)
    words = (packs(experiment(small)), "--yes", "--results", "kept")
    ran = start_container(ceiling, tmp_path, *words, inside=inside).ended()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "400 MB by cgroup v2; in use and not to be dropped: 60 MB" in ran.stdout
    assert "0.3 CPU by the quota of its group" in ran.stdout
    assert "none, by memory.swap.max" in ran.stdout
    (line,) = (tmp_path / "kept" / "journal.jsonl").read_text().splitlines()[-1:]
    record = json.loads(line)["record"]
    told = (record["status"], record["enforced_memory_bytes"], record["enforced_cpus"])
    assert told == ("ok", 400 * MIB, 0.3)


def group_of_version_2(folder: Path) -> Path:
    """As Linux 6.1 shows it at the top of a container (admin-guide/cgroup-v2.rst)."""
    files = {
        "cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma misc",
        "cgroup.events": "populated 1\nfrozen 0",
        "cgroup.procs": "1",
        "cgroup.subtree_control": "",
        "cgroup.type": "domain",
        "cpu.max": "30000 100000",
        "cpu.stat": "usage_usec 5120000\nuser_usec 4200000\nsystem_usec 920000\nnr_periods 400\nnr_throttled 310\n"
        "throttled_usec 9000000",
        "memory.current": str(100 * MIB),
        "memory.events": "low 0\nhigh 0\nmax 7\noom 0\noom_kill 0\noom_group_kill 0",
        "memory.max": str(400 * MIB),
        "memory.stat": f"anon {50 * MIB}\nfile {44 * MIB}\nkernel {6 * MIB}\nshmem {4 * MIB}\npgmajfault 3\n"
        "workingset_refault_file 0",
        "memory.swap.current": "0",
        "memory.swap.max": "0",
        "pids.max": "max",
    }
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n")
    return folder
