"""A real Dask scheduler, three workers as processes (two on one machine), and a process of known seconds in the
place of what measures."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from dask_clusters import Cluster
from inventing_design import EXPERIMENT, course, laid_out
from network_spaces import apart
from running import until

from clipkit.campaign.grid import Grid
from clipkit.campaign.loop import Event, Loop, TrialEnded, TrialStarted
from clipkit.campaign.standing import Standing
from clipkit.campaign.tally import Tally
from clipkit.cluster import guard, there
from clipkit.cluster.connecting import connected
from clipkit.cluster.dask import Dask, Patience
from clipkit.cluster.parcel import Parcel
from clipkit.cluster.tasks import Over, Tasks
from clipkit.errors import CampaignError
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store
from clipkit.trial.asked import Trial
from clipkit.trial.run import unmeasured_outcome

pytest.importorskip("distributed", reason="the extra clipkit[cluster] is not installed")

FEW = EXPERIMENT.replace('memory = ["512M", "128M"]', 'memory = "512M"').replace(
    "concurrency = { from = 1, to = 4 }\nencoder_threads = [1, 2]", "concurrency = [1, 2]"
)
DESIGN, BLOCKS = laid_out(FEW), 6
TRIAL_S = 0.3

STAND_IN = """
import json, os, sys, time
order = json.loads(ORDER)
where = os.environ.get("CLIPKIT_MACHINE")
def say(what, **told):
    print(json.dumps({"clipkit": what, **told}), flush=True)
def note(what):
    with open(order["journal"], "a") as file:
        file.write(json.dumps([time.monotonic(), where, os.getpid(), *what]) + "\\n")
if order["look"]:
    time.sleep(order["look_s"].pop(where, 0))
    odd = [name for name in os.environ if "THREADS" in name or "MALLOC" in name or "PYTHON" in name]
    say("ready", machine=where, ceiling="cgroup2", ffmpeg_version="7", refused=order["refused"].get(where) or (f"{odd}" if odd else None), environment={"host_id": where})
    sys.exit(0)
for each in order["trials"]:
    say("began", run_id=each["run_id"])
    note(["began", each["run_id"]])
    time.sleep(order["trial_s"])
    note(["ended", each["run_id"]])
    each["record"]["host_id"] = where
    say("ended", run_id=each["run_id"], record=each["record"], clips=[], samples={}, stop=None)
"""


@dataclass(frozen=True)
class StandIn:
    journal: Path
    refused: dict[str, str] = field(default_factory=dict)
    trial_s: float = TRIAL_S
    look_s: dict[str, float] = field(default_factory=dict)

    def look(self) -> Parcel:
        return self._parcel(look=True, trials=[])

    def block(self, trials: Sequence[Trial]) -> Parcel:
        told = [{"run_id": trial.identity.run_id, "record": self._row(trial)} for trial in trials]
        return self._parcel(look=False, trials=told)

    def _parcel(self, **order: object) -> Parcel:
        more = {
            "journal": str(self.journal),
            "refused": self.refused,
            "trial_s": self.trial_s,
            "look_s": self.look_s,
        }
        text = json.dumps(json.dumps(order | more))
        return Parcel(STAND_IN.replace("ORDER", text).encode())

    def _row(self, trial: Trial) -> dict[str, object]:
        told = unmeasured_outcome(trial, Status.OK, "", "cgroup2").record
        return replace(told, error=None, wall_s=self.trial_s, peak_anon_bytes=1 << 20).to_row()

    def seen(self) -> list[list[object]]:
        """What the processes noted, from outside of all that the campaign knows."""
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text().splitlines()]


@dataclass
class Sweep:
    folder: Path
    cluster: Cluster
    stand_in: StandIn
    patience: Patience = field(default_factory=lambda: Patience(20.0, 6.0, 2.0, 60.0, 1.0))
    said: list[str] = field(default_factory=list)
    about: list[Mapping[str, Any]] = field(default_factory=list)
    stood: list[Standing] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)

    def run(self, on_event: Callable[[int], None] = lambda _count: None) -> list[Record]:
        store = Store.create(self.folder)
        count = 0
        began_s: dict[tuple[str, int], float] = {}

        def watch(event: Event) -> None:
            nonlocal count
            tally(event)
            self.stood.append(tally.standing)
            if isinstance(event, TrialStarted):
                began_s[event.cell.name, event.cell.block] = event.elapsed_s
            if isinstance(event, TrialEnded):
                count += 1
                took_s = event.elapsed_s - began_s[event.cell.name, event.cell.block]
                self.took_s.append(took_s)
            on_event(count)

        past = store.records()
        known = Counter((entry.cell, entry.block) for entry in past)
        executor = Dask(
            self.cluster.address, self.stand_in, self.said.append, self.about.append, self.patience
        )
        grid = Grid(course(DESIGN, past), BLOCKS)
        tally = Tally(store, DESIGN, grid, past, blocks=BLOCKS)
        with store.writing():
            Loop(store, executor, watch, known).run(grid)
        return store.records()


def joined(cluster: Cluster) -> int:
    """How many workers the scheduler knows of, by their own words."""
    logs = cluster.folder.glob("worker-*.log")
    return sum("Registered to" in log.read_text() for log in logs)


def assert_each_once(stored: list[Record]) -> None:
    well = Counter((r.cell, r.block) for r in stored if r.status is Status.OK)
    assert len(well) == BLOCKS * len(DESIGN.cells) == 24
    assert set(well.values()) == {1}


def assert_one_at_a_time(seen: list[list[object]]) -> None:
    """On a machine no two overlap: what began has ended, or its process has, before the next one begins."""
    for machine in {entry[1] for entry in seen}:
        own = sorted(entry for entry in seen if entry[1] == machine)
        for earlier, later in itertools.pairwise(own):
            if earlier[3] == "began" and earlier[4] != later[4]:
                assert earlier[2] != later[2], (
                    "a process began a second trial before the first ended"
                )
                assert later[3] == "began"


def gone(seen: list[list[object]]) -> bool:
    """Whether no process that measured is left."""
    return not any(Path(f"/proc/{entry[2]}").exists() for entry in seen)


def test_three_workers_on_two_machines_run_every_cell_and_block_once(
    tmp_path: Path, cluster: Cluster
) -> None:
    sweep = Sweep(tmp_path / "campaign", cluster, StandIn(tmp_path / "journal"))
    with apart("one", "two") as machines:
        for machine in ("one", "one", "two"):
            cluster.worker(machine, machines[machine])
        until(lambda: joined(cluster) == 3, patience_s=240)
        stored = sweep.run()
    assert_each_once(stored)
    assert {r.status for r in stored} == {Status.OK}
    assert {r.host_id for r in stored} == {"one", "two"}
    seen = sweep.stand_in.seen()
    assert_one_at_a_time(seen)
    assert Counter(entry[3] for entry in seen)["began"] == len(stored) + BLOCKS  # its warm-up
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
    doomed = cluster.worker("one")
    cluster.worker("two")
    sweep = Sweep(tmp_path / "campaign", cluster, StandIn(tmp_path / "journal", trial_s=1.0))

    def on_event(count: int) -> None:
        if count == 4:
            doomed.kill()
        if count == 3:
            cluster.worker("three")
            until(lambda: joined(cluster) == 3, patience_s=240)

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


def test_a_worker_that_cannot_say_who_it_is_is_named(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.worker("one")
    until(lambda: joined(cluster), patience_s=240)
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
    until(lambda: joined(cluster), patience_s=240)
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
    for machine in ("one", "two"):
        cluster.worker(machine)
    why = "no ceiling by the kernel"
    sweep = Sweep(tmp_path / "c", cluster, StandIn(tmp_path / "journal", {"one": why}))
    assert {r.host_id for r in sweep.run()} == {"two"}
    assert any("machine one" in line and why in line for line in sweep.said)


def test_where_no_machine_can_it_says_so_and_ends(tmp_path: Path, cluster: Cluster) -> None:
    cluster.worker("one")
    stand_in = StandIn(tmp_path / "journal", {"one": "no ffmpeg"})
    until(lambda: joined(cluster), patience_s=240)
    sweep = Sweep(tmp_path / "c", cluster, stand_in, Patience(8.0, 5.0, 2.0, 8.0))
    with pytest.raises(
        CampaignError, match=r"no machine of tcp://.* can run what is left .*no ffmpeg"
    ):
        sweep.run()


def test_where_no_scheduler_answers_it_says_so(tmp_path: Path) -> None:
    executor = Dask("tcp://127.0.0.1:9", StandIn(tmp_path / "journal"), print, print)
    store = Store.create(tmp_path / "campaign")
    with store.writing(), pytest.raises(CampaignError, match="no Dask scheduler answers at tcp://"):
        Loop(store, executor, lambda _event: None).run(Grid(course(DESIGN), BLOCKS))


def test_an_answer_that_a_worker_took_with_it_is_not_waited_for(
    tmp_path: Path, cluster: Cluster
) -> None:
    doomed = cluster.worker("one")
    until(lambda: joined(cluster), patience_s=240)
    client = connected(cluster.address)
    try:
        tasks = Tasks(client, 6.0, 2.0)
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
