"""Which machine runs what: workers and their losses are told, nothing runs."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest
from inventing_design import course, laid_out, record

from clipkit.campaign.executor import Blocks, Executor
from clipkit.campaign.grid import Grid
from clipkit.campaign.loop import Loop
from clipkit.campaign.strategy import WARMUP
from clipkit.cluster.dask import lost_outcome
from clipkit.cluster.ends import TaskEnd
from clipkit.cluster.joining import Joining
from clipkit.cluster.leases import Lease, Leases, Worker
from clipkit.cluster.lines import Ready
from clipkit.cluster.parcel import Parcel
from clipkit.cluster.tasks import Tasks
from clipkit.records.outcome import Outcome
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store
from clipkit.trial.asked import Trial

DESIGN = laid_out()
BLOCKS = 4


def outcome(trial: Trial, machine: str, status: Status = Status.OK) -> Outcome:
    identity = trial.identity
    own = [cell for cell in DESIGN.cells if cell.name == identity.cell]
    cell = own[0] if own else DESIGN.cells[0]  # a warm-up's is none of them
    found = replace(
        record(replace(cell, block=identity.block), status),
        run_id=identity.run_id,
        attempt=identity.attempt,
        host_id=machine,
    )
    return Outcome(found, [], [], {})


def lost(trial: Trial, worker: Worker, why: str) -> Outcome:
    told = outcome(trial, worker.machine, Status.INVALID_MACHINE)
    return replace(told, record=replace(told.record, error=why))


@dataclass
class Cluster:
    """Workers that run trials in random order of time, and now and then die, are cut off, or come back."""

    seed: int
    deaths: float = 0.02

    def run(self, blocks: Blocks) -> None:
        chance, leases = random.Random(self.seed), Leases(blocks, lost)
        names = [f"machine-{n // 2}" for n in range(6)]  # two workers each
        for n, name in enumerate(names):
            leases.joined(Worker(f"tcp://{n}", "first", name))
        self.machines: dict[str, set[str]] = defaultdict(set)
        self.ended: list[tuple[str, str]] = []
        stale: list[tuple[str, str, Outcome]] = []
        turn = 0
        while True:
            turn += 1
            while lease := leases.grant(turn):
                at_once = Counter(each.worker.machine for each in leases.open.values())
                assert set(at_once.values()) == {1}
            if not leases.open and not leases.has_work():
                return
            if not leases.open:
                leases.joined(Worker(f"tcp://{turn}", "new", "machine-9"))
                continue
            lease = chance.choice(list(leases.open.values()))
            self.step(leases, lease, chance, stale)

    def step(
        self,
        leases: Leases,
        lease: Lease,
        chance: random.Random,
        stale: list[tuple[str, str, Outcome]],
    ) -> None:
        trial = next(iter(lease.trials.values()), None)
        if trial is None:
            leases.over(lease.id)
            return
        run_id = trial.identity.run_id
        leases.began(lease, run_id)
        end = outcome(trial, lease.worker.machine)
        if chance.random() < self.deaths:
            stale.append((lease.id, run_id, end))
            leases.left(lease.worker.address, "it died")
            if chance.random() < 0.5:  # its end arrives all the same, too late
                assert leases.heard(lease.id, 0) is None
            return
        leases.ended(lease, run_id, end)
        leases.ended(lease, run_id, end)  # told twice
        if chance.random() < self.deaths and trial.identity.phase != WARMUP:
            leases.left(lease.worker.address, "it died between two trials")


def swept(folder: Path, cluster: Executor, past: list[Record] | None = None) -> list[Record]:
    store = Store.create(folder)
    with store.writing():
        Loop(store, cluster, lambda _event: None).run(Grid(course(DESIGN, past or []), BLOCKS))
    return store.records()


@pytest.mark.parametrize("seed", range(6))
def test_every_cell_and_block_once_whatever_machines_are_lost(tmp_path: Path, seed: int) -> None:
    stored = swept(tmp_path, Cluster(seed))
    well = Counter((r.cell, r.block) for r in stored if r.status is Status.OK)
    assert set(well.values()) == {1}
    assert len(well) == BLOCKS * len(DESIGN.cells)
    others = {r.status for r in stored} - {Status.OK}
    assert others <= {Status.INVALID_MACHINE}
    assert all("it died" in str(r.error) for r in stored if r.status is Status.INVALID_MACHINE)


def test_without_losses_a_block_stays_on_one_machine(tmp_path: Path) -> None:
    stored = swept(tmp_path, Cluster(1, deaths=0.0))
    machines = defaultdict(set)
    for each in stored:
        machines[each.block].add(each.host_id)
    assert all(len(names) == 1 for names in machines.values())
    assert len({name for names in machines.values() for name in names}) > 1


def test_a_worker_on_which_nothing_comes_of_a_block_gets_no_other_one(tmp_path: Path) -> None:
    class Broken(Cluster):
        def run(self, blocks: Blocks) -> None:
            leases = Leases(blocks, lost)
            leases.joined(Worker("tcp://broken", "first", "a"))
            lease = leases.grant(0)
            assert lease is not None
            leases.over(lease.id, "no ffmpeg")
            assert leases.refused == {"tcp://broken": "no ffmpeg"}
            assert leases.grant(1) is None
            assert leases.has_work()
            leases.joined(Worker("tcp://good", "first", "b"))
            rest = leases.grant(2)
            assert rest is not None
            assert rest.trials.keys() == lease.trials.keys()  # its warm-ups too

    swept(tmp_path, Broken(0))


def test_a_worker_that_is_heard_of_after_all_may_join_again(tmp_path: Path) -> None:
    class Paused(Cluster):
        def run(self, blocks: Blocks) -> None:
            leases = Leases(blocks, lost)
            leases.joined(Worker("tcp://paused", "first", "a"))
            lease = leases.grant(0)
            assert lease is not None
            leases.give_up_unheard(lease, "nothing was heard")
            assert leases.grant(1) is None
            assert leases.refused == {"tcp://paused": "nothing was heard"}
            assert leases.heard(lease.id, 2) is None
            worker = leases.heard_again(lease.id)
            assert worker is lease.worker
            assert leases.heard_again(lease.id) is None
            leases.joined(worker)
            assert not leases.refused
            rest = leases.grant(3)
            assert rest is not None
            assert rest.trials.keys() == lease.trials.keys()
            leases.give_up_unheard(rest, "nothing was heard")
            leases.left("tcp://paused", "it is gone")
            assert leases.heard_again(rest.id) is None
            assert not leases.refused

    swept(tmp_path, Paused(0))


@pytest.mark.parametrize(("losses", "recorded"), [(2, 0), (3, 1), (5, 1), (6, 2)])
def test_what_kills_its_worker_before_a_trial_begins_is_not_begun_for_ever(
    tmp_path: Path, losses: int, recorded: int
) -> None:
    class Deadly(Cluster):
        def run(self, blocks: Blocks) -> None:
            leases, self.firsts = Leases(blocks, lost), list[str]()
            for number in range(losses):
                leases.joined(Worker("tcp://again", f"{number}", "a"))
                lease = leases.grant(number)
                assert lease is not None
                self.firsts.append(lease.left[0].identity.run_id)
                # As a stand-in tells of warm-ups; a block says nothing before its first trial.
                leases.began(lease, next(iter(lease.trials)))
                leases.left("tcp://again", "its worker was lost")
            assert leases.has_work()

    cluster = Deadly(0)
    stored = swept(tmp_path, cluster)
    assert [r.run_id for r in stored] == cluster.firsts[2::3]
    assert len(stored) == recorded
    assert {(r.status, r.error) for r in stored} <= {
        (
            Status.INVALID_MACHINE,
            "its worker was lost (3 times in a row before the trial began)",
        )
    }


def test_losses_before_a_trial_began_count_only_in_a_row(tmp_path: Path) -> None:
    class NowAndThen(Cluster):
        def run(self, blocks: Blocks) -> None:
            leases = Leases(blocks, lost)
            for number in range(8):
                leases.joined(Worker("tcp://again", f"{number}", "a"))
                lease = leases.grant(number)
                assert lease is not None
                if number % 3 == 2:
                    trial = lease.left[0]
                    leases.ended(lease, trial.identity.run_id, outcome(trial, "a"))
                leases.left("tcp://again", "its worker was lost")

    assert [r.status for r in swept(tmp_path, NowAndThen(0))] == [Status.OK] * 2


def test_silence_counts_from_when_what_was_sent_should_have_arrived(tmp_path: Path) -> None:
    class Slow(Cluster):
        def run(self, blocks: Blocks) -> None:
            leases = Leases(blocks, lost)
            leases.joined(Worker("tcp://far", "first", "a"))
            lease = leases.grant(100)
            assert lease is not None
            lease.travel_s = 500
            assert not leases.silent(600)
            assert leases.silent(601) == [lease]
            leases.heard(lease.id, 300)
            assert not leases.silent(300)
            assert leases.silent(301) == [lease]

    swept(tmp_path, Slow(0))


HANGS, WELL, LATE = "tcp://hangs", "tcp://well", "tcp://late"
BLOCK_S, LOOK_S = 60, 120


@dataclass
class Sent:
    """In the cluster's place: who is there, and what was sent to whom."""

    there: list[str]
    sent: list[tuple[str, str]] = field(default_factory=list)

    def workers(self) -> list[str]:
        return self.there

    def send(self, name: str, _function: object, address: str, *_given: object) -> None:
        self.sent.append((name, address))

    def run(self, name: str, worker: Worker, _parcel: Parcel) -> None:
        self.sent.append((name, worker.address))

    def cancel(self, _name: str) -> None:
        """Whoever hangs does not hear it."""


class NothingTravels:
    def look(self) -> Parcel:
        return Parcel(b"")

    def block(self, trials: Sequence[Trial]) -> Parcel:
        raise AssertionError(trials)


@dataclass
class OfOneMachine:
    """Workers of one machine, second by second: one hangs whenever it is looked at, others do their blocks.
    `changes`: who is there from which second on."""

    changes: dict[int, list[str]]
    looks: list[str] = field(default_factory=list)
    idle_s: int = 0

    def run(self, blocks: Blocks) -> None:
        tasks, leases = Sent([]), Leases(blocks, lost)
        joining = Joining(
            cast(Tasks, tasks), leases, NothingTravels(), lambda _line: None, lambda _facts: None,
            answer_s=60, look_s=LOOK_S, look_again_s=30,
        )  # fmt: skip
        for now_s in range(2, 2000):
            for lease in [each for each in leases.open.values() if now_s - each.heard_s >= BLOCK_S]:
                for run_id, trial in list(lease.trials.items()):
                    leases.ended(lease, run_id, outcome(trial, "one"))
                leases.over(lease.id)
            tasks.there = self.changes.get(now_s, tasks.there)
            joining.look(now_s)
            while tasks.sent:
                self.answer(joining, *tasks.sent.pop(0), now_s)
            leases.grant(now_s)
            if not leases.open and not leases.has_work():
                return
            self.idle_s += not leases.open
        raise AssertionError(leases.refused)

    def answer(self, joining: Joining, name: str, address: str, now_s: int) -> None:
        if name.startswith("who-"):
            joining.over(name, TaskEnd("finished", {"life": "first", "machine": "one"}), now_s)
            return
        self.looks.append(address)
        if address != HANGS:
            joining.ready(name, Ready("one", "cgroup2", "7", None, {"host_id": "one"}))


@pytest.mark.parametrize("there", [[HANGS, WELL], [WELL, HANGS]])
def test_a_worker_that_hangs_holds_up_no_machine_on_which_another_one_works(
    tmp_path: Path, there: list[str]
) -> None:
    workers = OfOneMachine({2: there})
    swept(tmp_path, workers)
    assert workers.looks == there[: there.index(WELL) + 1]
    assert workers.idle_s <= (LOOK_S + 10 if there[0] == HANGS else 10)


def test_whoever_never_hung_is_looked_at_before_one_that_did(tmp_path: Path) -> None:
    workers = OfOneMachine({2: [HANGS, WELL], 190: [HANGS, WELL, LATE], 230: [HANGS, LATE]})
    swept(tmp_path, workers)
    assert workers.looks == [HANGS, WELL, LATE]
    assert workers.idle_s <= LOOK_S + 20


HOST = DESIGN.cells[0].host.name
PLAIN = (2, 0, "3.11.2")


def kind(
    machine: str = "one", ceiling: str = "cgroup2", footing: tuple[int, int, str] = PLAIN
) -> Ready:
    held = {HOST: (ceiling, None, None)}
    about = {"host_id": machine}
    return Ready(machine, ceiling, "7", None, about, held=held, footing=footing)


@dataclass
class Arriving:
    """Workers come and go; `kinds`: what each says of itself; `measuring`: at which look the one that has a block tells
    of its first trial."""

    changes: list[list[str]]
    kinds: dict[str, Ready]
    measuring: int | None = None
    said: list[str] = field(default_factory=list)

    def run(self, blocks: Blocks) -> None:
        tasks, leases = Sent([]), Leases(blocks, lost)
        joining = Joining(
            cast(Tasks, tasks), leases, NothingTravels(), self.said.append, lambda _facts: None,
            answer_s=60, look_s=LOOK_S, look_again_s=30,
        )  # fmt: skip
        for number, tasks.there in enumerate(self.changes):
            for now_s in (10 * number + 2, 10 * number + 5):
                joining.look(now_s)
                while tasks.sent:
                    self.answer(joining, *tasks.sent.pop(0), now_s)
            if number == self.measuring and (lease := leases.grant(0)):
                trial = lease.left[0]
                told = outcome(trial, lease.worker.machine)
                cores, nice, python = PLAIN
                record = replace(
                    told.record, ceiling="cgroup2", ffmpeg_sha256=None, enforced_memory_bytes=None,
                    enforced_cpus=None, cores_allowed=cores, harness_nice=nice, python_version=python,
                )  # fmt: skip
                leases.ended(lease, trial.identity.run_id, replace(told, record=record))
        self.free = {worker.address for worker in leases.free()}
        self.refused = leases.refused

    def answer(self, joining: Joining, name: str, address: str, now_s: int) -> None:
        told = self.kinds[address]
        if name.startswith("who-"):
            answer = {"life": "first", "machine": told.machine}
            joining.over(name, TaskEnd("finished", answer), now_s)
        else:
            joining.ready(name, told)


@pytest.mark.parametrize(
    ("late", "words"),
    [
        (kind(), None),
        (kind("two", footing=(4, 5, "3.12.1")), None),
        (kind("two", "systemd"), "another ceiling (cgroup2)"),
        (kind(footing=(1, 0, "3.11.2")), "another number of cores (2 cores)"),
        (kind(footing=(2, 5, "3.11.2")), "another priority (nice 0)"),
        (kind(footing=(2, 0, "3.11.9")), None),
        (kind(footing=(2, 0, "3.12.1")), "another Python (3.11)"),
    ],
)
def test_a_later_worker_has_to_measure_as_what_is_stored_was_measured(
    tmp_path: Path, late: Ready, words: str | None
) -> None:
    workers = Arriving([[WELL], [LATE]], {WELL: kind(), LATE: late}, measuring=0)
    swept(tmp_path, workers)
    assert workers.free == (set() if words else {LATE})
    assert workers.refused.keys() == ({LATE} if words else set())
    if words:
        why = f"the campaign is measured with {words}: unlike runs are not mixed"
        assert workers.refused == {LATE: why}
        assert f"machine {late.machine} ({LATE}) gets nothing: {why}" in workers.said


def test_before_anything_is_stored_the_first_says_how_until_it_has_left(tmp_path: Path) -> None:
    kinds = {WELL: kind("one", "systemd"), LATE: kind("two", "cgroup1")}
    while_both = Arriving([[WELL], [WELL, LATE]], kinds)
    swept(tmp_path / "both", while_both)
    assert while_both.free == {WELL}
    assert "another ceiling (systemd)" in while_both.refused[LATE]

    after = Arriving([[WELL], [WELL, LATE], [WELL, LATE], [LATE]], kinds)
    swept(tmp_path / "after", after)
    assert after.free == {LATE}
    assert not after.refused
    assert sum("gets nothing" in line for line in after.said) == 1


def test_what_a_worker_took_with_it_is_not_held_against_what_others_measure(
    tmp_path: Path,
) -> None:
    """Its record names the ceiling of its host alone, of those that hold the plan's hosts there."""

    class Taken(Cluster):
        def run(self, blocks: Blocks) -> None:
            leases = Leases(blocks, lost_outcome)
            of_each = {cell.host.name: f"for {cell.host.name}" for cell in DESIGN.cells}
            for number in range(3):
                name = f"tcp://{number}"
                leases.joined(Worker(name, "first", name, name, ceilings=of_each))
                lease = leases.grant(0)
                assert lease
                first, second = lease.left[:2]
                if number == 1:
                    told = outcome(first, name)
                    leases.ended(lease, first.identity.run_id, told)
                leases.began(lease, (second if number == 1 else first).identity.run_id)
                leases.left(name, "it died")

    stored = swept(tmp_path, Taken(0))
    lost_ones = [r for r in stored if r.status is Status.INVALID_MACHINE]
    assert len(lost_ones) == 3 and len(stored) == 4
    assert all(r.ceiling == f"for {r.host}" for r in lost_ones)
