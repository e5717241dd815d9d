"""Workers that would measure by other means than the campaign is measured: they are named, the others do the work."""

from __future__ import annotations

import io
import pickle
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from dask_clusters import Cluster
from network_spaces import apart
from running import until
from standing_in import HOST, StandIn, Sweep, assert_each_once, gone

from clipkit.campaign.alike import means_of
from clipkit.cluster import there
from clipkit.cluster.dask import Patience
from clipkit.cluster.leases import Worker
from clipkit.cluster.parcel import Parcel
from clipkit.cluster.tasks import Tasks
from clipkit.errors import CampaignError
from clipkit.records.status import Status

pickling = pytest.importorskip(
    "distributed.protocol.pickle", reason="the extra clipkit[cluster] is not installed"
)


class Named(pickle.Unpickler):
    """Notes what a pickle names."""

    def __init__(self, pickled: bytes) -> None:
        super().__init__(io.BytesIO(pickled))
        self.names: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.names.add(f"{module}.{name}")
        return super().find_class(module, name)


def test_what_a_worker_is_sent_to_call_is_text_for_whatever_python_it_has() -> None:
    """Bytecode of another minor version ends a Python by a signal."""
    sent: list[bytes] = []

    class Client:
        status = "running"

        def submit(self, *what: Any, **_where: Any) -> Future[None]:
            sent.append(pickling.dumps(what))
            return Future()

    tasks = Tasks(Client(), "tcp://scheduler", 6.0, 2.0)
    tasks.send("who", there.identify, "tcp://worker", "tcp://worker")
    tasks.run("look", Worker("tcp://worker", "life", "one"), Parcel(b"content"))
    assert len(sent) == 2
    for pickled in sent:
        named = Named(pickled)
        named.load()
        assert named.names == {"builtins.eval"}


CEILINGS = {"one": "systemd", "two": "cgroup1"}
OTHER = {"one": "two", "two": "one"}


def test_one_of_another_ceiling_gets_nothing_also_in_the_next_session(
    tmp_path: Path, cluster: Cluster
) -> None:
    kinds = {machine: {"ceiling": ceiling} for machine, ceiling in CEILINGS.items()}
    sweep = Sweep(tmp_path / "c", cluster, StandIn(tmp_path / "journal", kinds=kinds), blocks=2)
    with apart(*CEILINGS) as machines:
        workers = {name: cluster.worker(name, space) for name, space in machines.items()}
        until(lambda: cluster.workers_joined() == 2, patience_s=240)
        stored = sweep.run()
        assert_each_once(stored, blocks=2)
        (measured,) = {r.host_id for r in stored}
        (named,) = (line for line in sweep.said if "gets nothing" in line)
        assert named.startswith(f"machine {OTHER[measured]} (")
        assert named.endswith(
            f": the campaign is measured with another ceiling ({CEILINGS[measured]}): unlike runs are not mixed"
        )
        assert [facts["host_id"] for facts in sweep.about] == [measured]

        workers[measured].kill()
        workers[measured].wait()
        patience = Patience(8.0, 5.0, 2.0, 8.0)
        more = Sweep(sweep.folder, cluster, sweep.stand_in, patience, blocks=3)
        with pytest.raises(CampaignError, match=r"can run what is left .*another ceiling"):
            more.run()


def test_one_that_measures_by_other_means_than_it_said_is_given_up(
    tmp_path: Path, cluster: Cluster
) -> None:
    stand_in = StandIn(tmp_path / "journal", in_truth={"two": {"ceiling": "cgroup1"}})
    sweep = Sweep(tmp_path / "c", cluster, stand_in)
    with apart(*CEILINGS) as machines:
        for machine in CEILINGS:
            cluster.worker(machine, machines[machine])
        until(lambda: cluster.workers_joined() == 2, patience_s=240)
        stored = sweep.run()
    assert_each_once(stored)
    # Whose trial ends first says how the campaign is measured.
    (measured,) = {r.host_id for r in stored if r.status is Status.OK}
    lost = [r for r in stored if r.status is not Status.OK]  # none, where its warm-up told it
    assert {(r.status, r.host_id) for r in lost} <= {(Status.INVALID_MACHINE, OTHER[measured])}
    (named,) = (line for line in sweep.said if "its trial is not kept" in line)
    assert named.startswith(f"machine {OTHER[measured]}: ")
    assert "the campaign is measured with another ceiling" in named
    assert [r.error for r in lost] in ([], [named])
    assert len(means_of(stored)["ceiling", HOST]) == 1  # so the next session goes on
    assert gone(stand_in.seen())
    assert all(OTHER[measured] not in stands.running for stands in sweep.stood[-2:])
