"""A scheduler that is lost while a campaign runs: for a moment, or for good."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dask_clusters import Cluster
from running import until
from standing_in import StandIn, Sweep, assert_each_once, gone

from clipkit.campaign.standing import read_standing
from clipkit.cluster.dask import Patience
from clipkit.records.folder import read_records
from clipkit.records.record import Record
from clipkit.records.status import Status

pytest.importorskip("distributed", reason="the extra clipkit[cluster] is not installed")

EXPERIMENT = """
name = "small"
[job]
uploads = "FILM"
clips = 1
length_s = 1
[host]
memory = "512M"
cpus = 1
[settings]
preset = "ultrafast"
[run]
blocks = 4
"""


def test_one_that_was_started_again_soon_goes_on_with_new_workers(
    tmp_path: Path, whole_cluster: Cluster
) -> None:
    scheduler = whole_cluster.started[0]
    whole_cluster.worker("one")
    sweep = Sweep(tmp_path / "c", whole_cluster, StandIn(tmp_path / "journal"), blocks=2)
    is_lost = False

    def on_event(count: int) -> None:
        nonlocal is_lost
        if count == 2 and not is_lost:
            is_lost = True
            scheduler.kill()
            scheduler.wait()
            whole_cluster.scheduler()
            whole_cluster.worker("two")

    stored = sweep.run(on_event)
    assert_each_once(stored, blocks=2)
    assert {r.host_id for r in stored if r.block == 1} == {"two"}
    assert {r.status for r in stored} <= {Status.OK, Status.INVALID_MACHINE}
    assert gone(sweep.stand_in.seen())


def test_one_that_hangs_is_named_and_goes_on_when_it_answers_again(
    tmp_path: Path, whole_cluster: Cluster
) -> None:
    scheduler = whole_cluster.started[0]
    whole_cluster.worker("one")
    patience = Patience(4.0, 3.0, 2.0, 120.0, 1.0)
    sweep = Sweep(tmp_path / "c", whole_cluster, StandIn(tmp_path / "journal"), patience, blocks=2)
    hung: list[threading.Timer] = []

    def on_event(count: int) -> None:
        if count == 2 and not hung:
            scheduler.send_signal(signal.SIGSTOP)
            hung.append(threading.Timer(20, scheduler.send_signal, [signal.SIGCONT]))
            hung[0].start()

    stored = sweep.run(on_event)
    assert_each_once(stored, blocks=2)
    named = f"the scheduler at {whole_cluster.address}"
    told = [line.removeprefix(named) for line in sweep.said if line.startswith(named)]
    assert told == [" does not answer, and is asked again", " answers again"]
    assert gone(sweep.stand_in.seen())


@contextmanager
def client(folder: Path, cluster: Cluster) -> Iterator[subprocess.Popen[str]]:
    """`distributed` itself waits that long for one that is lost, by the user's own configuration."""
    own = {"CLIPKIT_ACCEPT_NOISE": "1", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s"}
    argv = [sys.executable, "-P", "-m", "clipkit", "sweep", "small.toml", "--dask", cluster.address]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        argv, cwd=folder, env=os.environ | own, stdout=pipe, stderr=pipe, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def stored(folder: Path) -> list[Record]:
    there = folder / "results" / "small"
    return read_records(there) if there.exists() else []


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_one_that_is_gone_is_told_in_a_line_and_what_was_finished_is_kept(
    tmp_path: Path, whole_cluster: Cluster, small: Path, is_interrupted: bool
) -> None:
    (tmp_path / "small.toml").write_text(EXPERIMENT.replace("FILM", str(small)))
    worker = whole_cluster.worker("one")
    with client(tmp_path, whole_cluster) as process:
        until(lambda: stored(tmp_path), patience_s=240)
        whole_cluster.started[0].kill()
        if is_interrupted:
            process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == (130 if is_interrupted else 1), told
    assert "Traceback" not in told and "distributed" not in told, told
    *_, before, last = told.splitlines()
    assert before.startswith("machine one") or " of 4, " in before, told  # how it went until then
    if is_interrupted:
        assert last == "clipkit: interrupted"
    else:
        assert last.startswith(f"clipkit: the scheduler at {whole_cluster.address} is gone: what ")
    stands = read_standing(tmp_path / "results" / "small")
    assert stands.state == ("cancelled" if is_interrupted else "failed")
    worker.wait(timeout=60)  # without a nanny it ends with its scheduler

    if is_interrupted:
        return
    kept = stored(tmp_path)
    whole_cluster.scheduler()
    whole_cluster.worker("one")
    with client(tmp_path, whole_cluster) as process:
        _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    every = stored(tmp_path)
    assert every[: len(kept)] == kept
    well = Counter((r.cell, r.block) for r in every if r.status is Status.OK)
    assert len(well) == 4 and set(well.values()) == {1}
