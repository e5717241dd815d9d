"""A real Dask scheduler, three workers as processes (two on one machine), and a process of known seconds in the
place of what measures."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from dask_clusters import Cluster
from inventing_design import course
from network_spaces import apart
from running import until
from standing_in import (
    DESIGN,
    StandIn,
    Sweep,
    assert_each_once,
    assert_one_at_a_time,
    gone,
)

from clipkit.campaign.grid import Grid
from clipkit.campaign.loop import Loop
from clipkit.cluster import guard, there
from clipkit.cluster.connecting import connected
from clipkit.cluster.dask import Dask, Patience
from clipkit.cluster.leases import Worker
from clipkit.cluster.parcel import Parcel
from clipkit.cluster.tasks import Over, Said, Tasks
from clipkit.errors import CampaignError
from clipkit.records.status import Status
from clipkit.records.store import Store

pytest.importorskip("distributed", reason="the extra clipkit[cluster] is not installed")
dask = pytest.importorskip("dask")


def test_three_workers_on_two_machines_run_every_cell_and_block_once(
    tmp_path: Path, cluster: Cluster
) -> None:
    sweep = Sweep(tmp_path / "campaign", cluster, StandIn(tmp_path / "journal"), blocks=6)
    with apart("one", "two") as machines:
        for machine in ("one", "one", "two"):
            cluster.worker(machine, machines[machine])
        until(lambda: cluster.workers_joined() == 3, patience_s=240)
        stored = sweep.run()
    assert_each_once(stored, blocks=6)
    assert {r.status for r in stored} == {Status.OK}
    assert {r.host_id for r in stored} == {"one", "two"}
    seen = sweep.stand_in.seen()
    assert_one_at_a_time(seen)
    assert Counter(entry[3] for entry in seen)["began"] == len(stored) + sweep.blocks  # its warm-up
    assert gone(seen)
    assert sweep.stood[-1].machines == Counter(r.host_id for r in stored)
    assert {name for stands in sweep.stood for name in stands.running} == {"one", "two"}
    assert {stands.now.split(":")[0] for stands in sweep.stood if stands.now} == {"one", "two"}
    half = next(stands for stands in sweep.stood if stands.done == 12)
    assert half.eta_s is not None
    # One machine would take 12 trials' time; two need that of 6 or, a block left over, of 8.
    assert half.eta_s < 10 * statistics.fmean(sweep.took_s[:12])


def test_a_killed_worker_costs_the_trial_that_ran_and_a_late_one_joins(
    tmp_path: Path, cluster: Cluster
) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    doomed = cluster.worker("one", TMPDIR=str(place))
    cluster.worker("two", TMPDIR=str(place))
    sweep = Sweep(tmp_path / "campaign", cluster, StandIn(tmp_path / "journal", trial_s=1.0))

    def on_event(count: int) -> None:
        if count == 4:
            doomed.kill()
        if count == 3:
            cluster.worker("three")
            until(lambda: cluster.workers_joined() == 3, patience_s=240)

    stored = sweep.run(on_event)
    assert_each_once(stored)
    lost = [r for r in stored if r.status is not Status.OK]
    assert [r.status for r in lost] in ([], [Status.INVALID_MACHINE])
    assert all(r.host_id == "one" and "was lost" in str(r.error) for r in lost)
    # All three wait for the one lock of this kernel here, so which of them measures is luck; that a late one does
    # is tested where each has its own (`test_lost_machines.py`).
    assert {r.host_id for r in stored} <= {"one", "two", "three"}
    seen = sweep.stand_in.seen()
    assert_one_at_a_time(seen)
    assert gone(seen)
    until(lambda: not list(place.glob("clipkit-block-*")), patience_s=60)


def test_a_worker_that_hangs_is_given_up_and_its_block_ends_by_itself(
    tmp_path: Path, cluster: Cluster
) -> None:
    hung = cluster.worker("one")
    sweep = Sweep(tmp_path / "campaign", cluster, StandIn(tmp_path / "journal", trial_s=1.0))

    def on_event(count: int) -> None:
        if count == 2:
            hung.send_signal(signal.SIGSTOP)
            cluster.worker("two")

    stored = sweep.run(on_event)
    assert_each_once(stored)
    assert {r.host_id for r in stored if r.block > 0} == {"two"}
    told = {r.run_id: (r.host_id, r.error) for r in stored if r.status is Status.INVALID_MACHINE}
    assert len(told) == 1, told
    (lost,) = (r for r in stored if r.status is Status.INVALID_MACHINE)
    assert lost.host_id == "one" and "nothing was heard" in str(lost.error)
    assert gone(sweep.stand_in.seen())


def test_a_film_that_takes_longer_to_travel_than_a_silence_lasts_arrives(
    tmp_path: Path, cluster: Cluster
) -> None:
    """The worker reads nothing for longer than the patience with silence, at the first parcel that it is sent."""
    stand_in = StandIn(tmp_path / "journal", film_bytes=1_000_000)
    sweep = Sweep(tmp_path / "c", cluster, stand_in, Patience(7.0, 20.0, 2.0, 60.0, 1.0))
    slow: list[threading.Timer] = []
    with apart("one") as machines:
        far = cluster.worker("one", machines["one"])

        def say(line: str) -> None:
            sweep.said.append(line)
            if "trials of a block" in line and not slow:
                far.send_signal(signal.SIGSTOP)
                slow.append(threading.Timer(10, far.send_signal, [signal.SIGCONT]))
                slow[0].start()

        sweep.say = say
        assert_each_once(sweep.run())
    assert slow and not any("nothing was heard" in line for line in sweep.said)


def test_a_worker_that_was_silent_goes_on_when_it_is_heard_of_again(
    tmp_path: Path, cluster: Cluster
) -> None:
    hung = cluster.worker("one")
    patience = Patience(4.0, 3.0, 2.0, 60.0, 1.0)
    sweep = Sweep(tmp_path / "c", cluster, StandIn(tmp_path / "journal"), patience)

    def on_event(count: int) -> None:
        if count == 2:
            hung.send_signal(signal.SIGSTOP)
            threading.Timer(8, hung.send_signal, [signal.SIGCONT]).start()

    assert_each_once(sweep.run(on_event))
    assert any("nothing was heard" in line for line in sweep.said)
    assert_one_at_a_time(sweep.stand_in.seen())


def test_a_machine_where_another_measurement_runs_is_looked_at_again(
    tmp_path: Path, cluster: Cluster
) -> None:
    cluster.worker("one")
    sweep = Sweep(tmp_path / "c", cluster, StandIn(tmp_path / "journal"))
    held = guard._hold(there._lock(), 60)
    assert held is not None

    def let_go() -> None:
        until_s = time.monotonic() + 40
        while not any("another measurement" in line for line in sweep.said):
            if time.monotonic() > until_s:
                break
            time.sleep(0.1)
        os.close(held)

    other = threading.Thread(target=let_go)
    other.start()
    assert_each_once(sweep.run())
    other.join()
    assert any("another measurement runs there" in line for line in sweep.said)


def test_a_machine_that_is_busy_for_long_is_waited_for(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For longer than a campaign waits where no machine could run what is left: this one will."""
    impatient = tmp_path / "guard.py"
    text = Path(guard.__file__).read_text("utf-8")
    impatient.write_text(text.replace("_WAIT_FOR_LOCK_S = 10.0", "_WAIT_FOR_LOCK_S = 0.1"))
    monkeypatch.setattr(guard, "__file__", str(impatient))
    patience = Patience(20.0, 6.0, 2.0, nobody_s=8.0, look_again_s=1.0)
    sweep = Sweep(tmp_path / "c", cluster, StandIn(tmp_path / "journal"), patience)
    with apart("one") as machines:
        cluster.worker("one", machines["one"])
        until(cluster.workers_joined, patience_s=240)
        words = ("flock", "--no-fork", there._lock(), "sleep", "600")
        other = subprocess.Popen(machines["one"].inside(*words))
        ending = threading.Timer(20, other.kill)
        ending.start()
        try:
            assert_each_once(sweep.run())
        finally:
            ending.join()
            other.wait()
    assert sum("another measurement runs there" in line for line in sweep.said) == 1, sweep.said


def test_a_worker_that_cannot_say_who_it_is_is_named(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.worker("one")
    until(cluster.workers_joined, patience_s=240)
    monkeypatch.setattr(there, "identify", gone)  # of a module that is not there
    patience = Patience(8.0, 5.0, 2.0, 8.0)
    sweep = Sweep(tmp_path / "c", cluster, StandIn(tmp_path / "journal"), patience)
    with pytest.raises(CampaignError, match=r"can run what is left .*its task failed: "):
        sweep.run()
    assert any("gets nothing: its task failed" in line for line in sweep.said)


def test_a_worker_that_hangs_before_it_says_who_it_is_is_named_until_it_does(
    tmp_path: Path, cluster: Cluster
) -> None:
    hung = cluster.worker("one")
    until(cluster.workers_joined, patience_s=240)
    hung.send_signal(signal.SIGSTOP)
    sweep = Sweep(tmp_path / "c", cluster, StandIn(tmp_path / "journal"))
    sweep.patience = Patience(4.0, 3.0, 2.0, 60.0, 1.0)

    def wake() -> None:
        with contextlib.suppress(AssertionError):
            until(lambda: any("gets nothing" in line for line in sweep.said), patience_s=40)
        hung.send_signal(signal.SIGCONT)

    waking = threading.Thread(target=wake)
    waking.start()
    assert_each_once(sweep.run())
    waking.join()
    named = [line for line in sweep.said if "did not say who it is within 4 s" in line]
    assert len(named) == 1, sweep.said
    assert {entry[1] for entry in sweep.stand_in.seen()} == {"one"}


def test_a_machine_that_hangs_while_it_is_looked_at_is_named_and_others_do_the_work(
    tmp_path: Path, cluster: Cluster
) -> None:
    for machine in ("one", "two"):
        cluster.worker(machine)
    stand_in = StandIn(tmp_path / "journal", trial_s=1.0, look_s={"one": 600.0})
    sweep = Sweep(tmp_path / "c", cluster, stand_in)
    sweep.patience = Patience(20.0, 6.0, 2.0, 60.0, 1.0, look_s=4.0)
    stored = sweep.run()
    assert_each_once(stored)
    assert {r.host_id for r in stored} == {"two"}
    assert any("machine one" in line and "within 4 s" in line for line in sweep.said)


def test_a_client_that_is_killed_resumes_and_nothing_counts_twice(
    tmp_path: Path, cluster: Cluster
) -> None:
    for machine in ("one", "two"):
        cluster.worker(machine)
    sweep = Sweep(tmp_path / "campaign", cluster, StandIn(tmp_path / "journal"))
    client = os.fork()
    if not client:
        with contextlib.suppress(BaseException):
            sweep.run(lambda count: os.kill(os.getpid(), signal.SIGKILL) if count == 6 else None)
        os._exit(0)
    os.waitpid(client, 0)
    before = Store.create(tmp_path / "campaign").records()
    assert len(before) >= 3
    until_s = time.monotonic() + 60
    while not gone(sweep.stand_in.seen()) and time.monotonic() < until_s:
        time.sleep(0.2)
    assert gone(sweep.stand_in.seen())
    stored = sweep.run()
    assert_each_once(stored)
    assert stored[: len(before)] == before
    assert_one_at_a_time(sweep.stand_in.seen())


def test_a_machine_that_cannot_hold_the_plan_is_named_and_gets_nothing(
    tmp_path: Path, cluster: Cluster
) -> None:
    why = "no ceiling by the kernel"
    sweep = Sweep(tmp_path / "c", cluster, StandIn(tmp_path / "journal", {"one": why}))
    with apart("one", "two") as machines:
        for machine, space in machines.items():
            cluster.worker(machine, space)
        until(lambda: cluster.workers_joined() == 2, patience_s=240)
        assert {r.host_id for r in sweep.run()} == {"two"}
    assert any("machine one" in line and why in line for line in sweep.said)


def test_where_no_machine_can_it_says_so_and_ends(tmp_path: Path, cluster: Cluster) -> None:
    cluster.worker("one")
    stand_in = StandIn(tmp_path / "journal", {"one": "no ffmpeg"})
    until(cluster.workers_joined, patience_s=240)
    sweep = Sweep(tmp_path / "c", cluster, stand_in, Patience(8.0, 5.0, 2.0, 8.0))
    with pytest.raises(
        CampaignError, match=r"no machine of tcp://.* can run what is left .*no ffmpeg"
    ):
        sweep.run()


def test_where_no_scheduler_answers_it_says_so(tmp_path: Path) -> None:
    executor = Dask("tcp://127.0.0.1:9", StandIn(tmp_path / "journal"), print, print)
    store = Store.create(tmp_path / "campaign")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        store.writing(),
        pytest.raises(CampaignError, match="no Dask scheduler answers at tcp://"),
    ):
        Loop(store, executor, lambda _event: None).run(Grid(course(DESIGN), 3))


def test_an_address_whose_protocol_is_not_configured_here_is_told_in_a_line() -> None:
    with pytest.raises(CampaignError, match=r"can be reached at tls://.* from here: TLS ") as told:
        connected("tls://127.0.0.1:9")
    assert "\n" not in str(told.value)


def test_an_answer_that_a_worker_took_with_it_is_not_waited_for(
    tmp_path: Path, cluster: Cluster
) -> None:
    doomed = cluster.worker("one")
    until(cluster.workers_joined, patience_s=240)
    client = connected(cluster.address)
    try:
        tasks = Tasks(client, cluster.address, 6.0, 2.0)
        (address,) = tasks.workers()
        tasks.send("who", there.identify, address, address)
        until(lambda: tasks._futures["who"].status == "finished")
        doomed.kill()
        doomed.wait()
        (told,) = tasks.told(5.0)
    finally:
        client.close(timeout=5)
    assert isinstance(told, Over)
    assert (told.name, told.end.answer) == ("who", {})
    assert "the task was lost" in str(told.end.why)
    assert told.end.passes


def test_of_the_worker_s_environment_a_block_has_what_its_start_and_its_ceiling_need(
    tmp_path: Path, cluster: Cluster
) -> None:
    """As `ssh` leaves a worker that is not root: only by these systemd gives it a scope, and a Python of a module
    starts. What a nanny sets (`Cluster.worker`) is not among it."""
    needed = {
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/bus",
        "LD_LIBRARY_PATH": str(tmp_path),
        "CLIPKIT_MACHINE": "one",
    }
    told: list[Said | Over] = []
    with apart("one") as machines, contextlib.ExitStack() as stack:
        cluster.worker("one", machines["one"], **needed, LD_PRELOAD_ELSE="x", SLURM_JOB_ID="7")
        until(cluster.workers_joined, patience_s=240)
        client = connected(cluster.address)
        stack.callback(client.close, timeout=5)
        tasks = Tasks(client, cluster.address, 20.0, 2.0)
        tasks.open()
        (address,) = tasks.workers()
        tasks.send("who", there.identify, address, address)
        until(lambda: told.extend(tasks.told(0.1)) or told)
        (who,) = told
        assert isinstance(who, Over)
        worker = Worker(address, who.end.answer["life"], who.end.answer["machine"])
        tasks.run("block", worker, Parcel(b"import json, os; print(json.dumps({**os.environ}))"))
        until(lambda: told.extend(tasks.told(0.1)) or (told[1:] and isinstance(told[-1], Over)))
        tasks.close()
    (line,) = (each.line for each in told if isinstance(each, Said) and each.line)
    environment = json.loads(line)
    assert environment.items() >= needed.items()
    # Python itself sets the last one where there is no other locale (PEP 538).
    assert environment.keys() <= {*there._KEPT, "LC_CTYPE"}
