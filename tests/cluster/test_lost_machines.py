"""A sweep on three workers in network namespaces, two of them on one machine: a client is killed, a worker is killed,
one is cut off, one is late. All is real; what ran is counted from outside, by an ffmpeg that notes each start."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requirements
from dask_clusters import Cluster
from network_spaces import Bridged, Space, bridged
from running import until

from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.ffmpeg_builds import locate
from clipkit.pack.there.block import KERNEL
from clipkit.records.folder import read_records
from clipkit.records.record import Record
from clipkit.records.status import Status

pytest.importorskip("distributed", reason="the extra clipkit[cluster] is not installed")

MACHINES = ("one", "two", "one")
CELLS, BLOCKS, TRIAL_S = 4, 6, 1.0
PATIENCE_S = 240.0
"""Until something that only has to come about has, on a machine as busy as it is."""
LEFT_S = 60.0
"""So long after it lost its worker or its client a block's process has ended: what the package promises."""
EXPERIMENT = """
name = "lost"
[job]
uploads = "FILM"
clips = 1
length_s = 1
[subject]
name = "command"
command = "FFMPEG -y -nostdin -ss {start} -i {input} -t {duration} -c:v libx264 -preset ultrafast {output}"
[host]
memory = ["512M", "448M", "384M", "320M"]
cpus = 1
[settings]
ffmpeg = "FFMPEG"
[run]
blocks = 6
timeout_s = 60
"""
# The lock is the machine's; who started it keeps it to its end, however that comes about.
FFMPEG = """#!/bin/sh
case " $* " in *" -ss "*) ;; *) exec REAL "$@" ;; esac
space=$(readlink /proc/$$/ns/net)
exec 9> "PLACE/$space"
flock -n 9 || echo "overlap $space $*" >> PLACE/log
echo "start $space $*" >> PLACE/log
sleep SECONDS
exec REAL "$@"
"""


@dataclass(frozen=True)
class Outside:
    """What the ffmpeg noted that stands in the real one's place."""

    place: Path

    def install(self, machines: dict[str, str]) -> Path:
        """`machines`: whose a space is."""
        self.place.mkdir()
        for space, machine in machines.items():
            (self.place / space).symlink_to(self.place / machine)
        ffmpeg = self.place / "ffmpeg"
        text = FFMPEG.replace("REAL", shlex.quote(locate("bundled")))
        ffmpeg.write_text(text.replace("PLACE", str(self.place)).replace("SECONDS", f"{TRIAL_S:g}"))
        ffmpeg.chmod(0o755)
        return ffmpeg

    def lines(self, what: str) -> list[tuple[str, str]]:
        """The spaces and the folders of clips, as they began."""
        log = self.place / "log"
        found = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return [(words[1], Path(words[-1]).parents[1].name) for words in found if words[0] == what]

    def starts_in(self, space: str) -> int:
        return sum(where == space for where, _ in self.lines("start"))


@dataclass
class Scene:
    folder: Path
    net: Bridged
    cluster: Cluster
    outside: Outside

    @contextmanager
    def client(self) -> Iterator[subprocess.Popen[bytes]]:
        words = ["sweep", "lost.toml", "--json", "--dask", self.cluster.address]
        argv = [sys.executable, "-P", "-m", "clipkit", *words]
        own = {**os.environ, "CLIPKIT_ACCEPT_NOISE": "1"}
        argv = self.net.hub.inside(*argv, folder=self.folder)
        with (self.folder / "client.log").open("ab") as log:
            process = subprocess.Popen(
                argv, cwd=self.folder, env=own, stdout=subprocess.PIPE, stderr=log
            )
            try:
                yield process
            finally:
                process.kill()
                process.communicate()

    def said(self) -> str:
        return (self.folder / "client.log").read_text()

    def stored(self) -> list[Record]:
        folder = self.folder / "results" / "lost"
        return read_records(folder) if folder.exists() else []

    def begins_anew(self, space: Space) -> None:
        """Until a trial has just begun there: most of its seconds are still to come."""
        before = self.outside.starts_in(space.name)
        until(lambda: self.outside.starts_in(space.name) > before, patience_s=PATIENCE_S)

    def nothing_left(self, since_s: float, space: Space, *workers: int) -> None:
        """No process of a block is in that space, soon enough."""
        until(lambda: not space.processes() - {*workers}, patience_s=LEFT_S)
        assert time.monotonic() - since_s <= LEFT_S


@pytest.fixture
def scene(tmp_path: Path, small: Path) -> Iterator[Scene]:
    with bridged(MACHINES) as net, open_ceiling(Limits(1 << 28, 1.0)) as ceiling:
        if ceiling.mechanism not in KERNEL:
            requirements.missing("ceiling", "no ceiling of the kernel's can be set up here")
        names = [space.name for space in net.around]
        outside = Outside(tmp_path / "outside")
        ffmpeg = outside.install(dict(zip(names, MACHINES, strict=True)))
        text = EXPERIMENT.replace("FILM", str(small)).replace("FFMPEG", str(ffmpeg))
        (tmp_path / "lost.toml").write_text(text)
        cluster = Cluster(tmp_path, net.hub)
        cluster.scheduler()
        try:
            yield Scene(tmp_path, net, cluster, outside)
        finally:
            cluster.close()


@pytest.mark.timeout(1200)
def test_every_cell_and_block_is_measured_once_whoever_is_lost(scene: Scene) -> None:
    killed_at, cut_at, late_at = scene.net.around
    killed, cut_off = (
        scene.cluster.worker(machine, space)
        for machine, space in (("one", killed_at), ("two", cut_at))
    )

    with scene.client() as client:
        until(lambda: len(scene.stored()) >= 3, patience_s=PATIENCE_S)
        scene.begins_anew(killed_at)
        client.send_signal(signal.SIGKILL)
        lost_s = time.monotonic()
    with_client = scene.stored()
    scene.nothing_left(lost_s, killed_at, killed.pid)
    scene.nothing_left(lost_s, cut_at, cut_off.pid)

    with scene.client() as client:
        scene.begins_anew(killed_at)  # else the late one may be asked first
        late = scene.cluster.worker("one", late_at)
        scene.begins_anew(cut_at)
        scene.net.unplug(1)
        cut_s = time.monotonic()
        scene.begins_anew(killed_at)
        killed.kill()
        killed.wait()
        killed_s = time.monotonic()
        scene.nothing_left(killed_s, killed_at)
        scene.nothing_left(cut_s, cut_at, cut_off.pid)
        out, _ = client.communicate(timeout=PATIENCE_S)
        assert client.returncode == 0, scene.said()
    assert late.poll() is None

    stored = read_records(Path(json.loads(out)["campaign"]))
    assert stored[: len(with_client)] == with_client
    good = [record for record in stored if record.status is Status.OK]
    assert Counter((r.cell, r.block) for r in good) == {
        (cell, block): 1 for cell in {r.cell for r in stored} for block in range(BLOCKS)
    }
    assert len(good) == CELLS * BLOCKS
    assert all(r.wall_s and r.wall_s >= TRIAL_S for r in good)

    # Of the killed worker and of the one that was cut off the trial that ran, and nothing else.
    lost = [record for record in stored if record.status is not Status.OK]
    assert {r.status for r in lost} == {Status.INVALID_MACHINE}, [r.error for r in lost]
    assert sorted(str(r.error).split(":")[0] for r in lost) == ["machine one", "machine two"]
    assert len({r.host_id for r in lost}) == 2

    # From outside: what counts was started once; what was started else was lost with somebody.
    started, twice = dict[str, str](), list[tuple[str, str]]()
    for where, folder in scene.outside.lines("start"):
        run_id = folder.removeprefix(".clips-")
        if run_id in started:
            twice.append((started[run_id], where))
        started[run_id] = where
    # Until it is ended, who is cut off goes on with its block: of that nothing counts, and it is run elsewhere.
    assert all(cut_at.name == earlier != later for earlier, later in twice), twice
    assert {r.run_id for r in good} <= started.keys()
    known = {r.run_id for r in stored}
    else_in = Counter(where for run_id, where in started.items() if run_id not in known)
    assert 1 <= else_in[killed_at.name] <= 2, "with the client, at most another one with the worker"
    assert else_in[cut_at.name] + len(twice) <= CELLS, (
        "with the client, and what was left of its block"
    )
    assert not else_in[late_at.name]
    assert not scene.outside.lines("overlap")
    measured = {(started[r.run_id], r.host_id) for r in good}
    assert len(measured) == len({where for where, _ in measured}), "a space is of one machine"
