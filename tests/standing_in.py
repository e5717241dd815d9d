"""A sweep on a real Dask scheduler, where a process of known seconds stands in for what measures."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dask_clusters import Cluster
from inventing_design import EXPERIMENT, course, laid_out

from clipkit.campaign.alike import means_of
from clipkit.campaign.grid import Grid
from clipkit.campaign.loop import Event, Loop, TrialEnded, TrialStarted
from clipkit.campaign.standing import Standing
from clipkit.campaign.tally import Tally
from clipkit.cluster.dask import Dask, Patience
from clipkit.cluster.parcel import Parcel
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store
from clipkit.trial.asked import Trial
from clipkit.trial.run import unmeasured_outcome

FEW = EXPERIMENT.replace('memory = ["512M", "128M"]', 'memory = "512M"').replace(
    "concurrency = { from = 1, to = 4 }\nencoder_threads = [1, 2]", "concurrency = [1, 2]"
)
DESIGN = laid_out(FEW)
HOST = DESIGN.cells[0].host.name
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
    kind = order["kinds"].get(where, {})
    odd = [name for name in os.environ if "THREADS" in name or "MALLOC" in name or "PYTHON" in name]
    ceiling = kind.get("ceiling", "cgroup2")
    say("ready", machine=where, ceiling=ceiling, ffmpeg_version="7", refused=order["refused"].get(where) or (f"{odd}" if odd else None), environment={"host_id": where}, held={order["host"]: [ceiling, None, None]}, footing=[2, 0, "3.11.2"])
    sys.exit(0)
for each in order["trials"]:
    say("began", run_id=each["run_id"])
    note(["began", each["run_id"]])
    time.sleep(order["trial_s"])
    note(["ended", each["run_id"]])
    each["record"].update(host_id=where, cores_allowed=2, harness_nice=0, python_version="3.11.2", **order["kinds"].get(where, {}))
    each["record"].update(order["in_truth"].get(where, {}))
    say("ended", run_id=each["run_id"], record=each["record"], clips=[], samples={}, stop=None)
"""


@dataclass(frozen=True)
class StandIn:
    """`kinds`: what machines measure with that is not as elsewhere; `in_truth`: what their records have all the same;
    `film_bytes`: so much travels with a block besides."""

    journal: Path
    refused: dict[str, str] = field(default_factory=dict)
    trial_s: float = TRIAL_S
    look_s: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, dict[str, str]] = field(default_factory=dict)
    in_truth: dict[str, dict[str, str]] = field(default_factory=dict)
    film_bytes: int = 0

    def look(self) -> Parcel:
        return self._parcel(look=True, trials=[])

    def block(self, trials: Sequence[Trial]) -> Parcel:
        told = [{"run_id": trial.identity.run_id, "record": self._row(trial)} for trial in trials]
        parcel = self._parcel(look=False, trials=told)
        return replace(parcel, content=parcel.content + b"#" * self.film_bytes)

    def _parcel(self, **order: object) -> Parcel:
        more = {
            "journal": str(self.journal),
            "refused": self.refused,
            "trial_s": self.trial_s,
            "look_s": self.look_s,
            "kinds": self.kinds,
            "in_truth": self.in_truth,
            "host": HOST,
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
    blocks: int = 3
    said: list[str] = field(default_factory=list)
    say: Callable[[str], None] | None = None
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
            self.cluster.address,
            self.stand_in,
            self.say or self.said.append,
            self.about.append,
            self.patience,
        )
        grid = Grid(course(DESIGN, past), self.blocks)
        tally = Tally(store, DESIGN, grid, past, blocks=self.blocks)
        with store.writing():
            Loop(store, executor, watch, known, dict(means_of(past))).run(grid)
        return store.records()


def assert_each_once(stored: list[Record], blocks: int = 3) -> None:
    well = Counter((r.cell, r.block) for r in stored if r.status is Status.OK)
    assert len(well) == blocks * len(DESIGN.cells) == blocks * 4
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
