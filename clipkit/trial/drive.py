"""Run a job through a service inside a ceiling, driven and watched from outside."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clipkit.ceiling.base import Ceiling
from clipkit.engine.disk import is_full
from clipkit.errors import OutputError
from clipkit.plan.clips import Job
from clipkit.plan.routes import Routes
from clipkit.plan.services import Service
from clipkit.trial.apart import Apart, told_apart
from clipkit.trial.blame import with_kills_around
from clipkit.trial.ends import Ends, with_times
from clipkit.trial.health import Probe
from clipkit.trial.holding import holding, is_left
from clipkit.trial.inside import log_folder, read_logs, work_folder
from clipkit.trial.launcher import Launch
from clipkit.trial.measure import Execution, Seen, gather_execution
from clipkit.trial.moments import Moments
from clipkit.trial.sampler import Sampler
from clipkit.trial.serving import (
    NotServingError,
    Workplace,
    how_ended,
    is_from_outside,
    last_words,
    serving,
    terminate,
    wait_until_served,
)
from clipkit.trial.talk import Watch
from clipkit.trial.visit import Manner, Visit
from clipkit.trial.visit_figures import served_figures
from clipkit.trial.visited import Ending, job_end_s, told_of

_CLIENT_PATIENCE_S = 60.0
_DYING_S = 2.0
_LINK_FOLDER = "clipkit-server-"


@dataclass(frozen=True, slots=True)
class Drive:
    """How a service is driven. `ffmpeg` is the real one; `cpus` the quota, to say how much of it was used."""

    job: Job
    service: Service
    ffmpeg: str
    out_dir: Path
    timeout_s: float
    cpus: float | None
    manner: Manner


@dataclass(frozen=True, slots=True)
class _Scene:
    order: Drive
    ceiling: Ceiling
    apart: Apart
    data: Path
    logs: Path
    visit: Visit
    ending: Ending

    def place(self) -> Workplace:
        """For one life of the service. Raises NotServingError where its port is taken."""
        return Workplace.of(self.order.service.routes, self.data, self.logs)


def drive(order: Drive, ceiling: Ceiling, watch: Watch) -> Execution:
    """Start it, visit it, end it; nothing of it is left afterwards, neither file nor process.

    An interrupt (Ctrl-C) is told by `cancelled`. Raises CeilingError where the kernel refuses to divide the
    ceiling, OutputError for an unusable folder.
    """
    routes = order.service.routes
    with work_folder(order.out_dir) as work_dir, _data_folder(work_dir, routes) as data:
        apart = _divided(ceiling, work_dir / "launcher", order.ffmpeg)
        deadline_s = time.monotonic() + order.timeout_s
        visit = Visit(order.job, routes, order.manner, Moments(ceiling, apart), deadline_s)
        scene = _Scene(order, ceiling, apart, data, log_folder(work_dir), visit, Ending())
        ends = Ends(apart.launcher)
        try:
            before = ceiling.usage()
            with (
                Sampler(ceiling, 0, frozenset(), lambda: apart.service().need_bytes) as sampler,
                contextlib.nullcontext() if routes.tells_times else ends,
            ):
                _live(scene, watch)
                scene.ending.no_space = is_full(work_dir)
                after = scene.ending.usage or ceiling.usage()
            if scene.ending.died and scene.ending.ready_s is not None:
                _live_again(scene)
        finally:
            ceiling.kill()
        launches = _of_the_job(scene)
        if visit.document and not routes.tells_times:
            _look_from_outside(visit, launches, ends)
        _log(scene)
        told = told_of(visit, scene.ending, launches)
        logs = read_logs(work_dir)
    seen = Seen(
        before,
        with_kills_around(before, after, told, scene.ending.killed),
        sampler.samples,
        job_end_s(visit, sampler),
        reserve_bytes=0,
        coverage=sampler.coverage,
        mechanism=ceiling.mechanism,
        broken=scene.ending.killed,
        surrounding_bytes=ceiling.surrounding_bytes,
    )
    figures = served_figures(visit, scene.ending, sampler, launches, order.cpus)
    return gather_execution(told, seen, logs, figures)


def _divided(ceiling: Ceiling, folder: Path, ffmpeg: str) -> Apart:
    try:
        return told_apart(ceiling, folder, ffmpeg)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from None


@contextlib.contextmanager
def _data_folder(work_dir: Path, routes: Routes) -> Iterator[Path]:
    """Where a service has its files. A user's own knows it by a path without a dot in front of a name: what
    serves files, such as Express' `sendFile`, gives out nothing below a hidden folder."""
    data = work_dir / "data"
    if not routes.is_theirs:
        yield data
        return
    data.mkdir()
    _remove_left_links()
    with tempfile.TemporaryDirectory(prefix=_LINK_FOLDER) as folder, holding(Path(folder)):
        link = Path(folder, "data")
        link.symlink_to(data, target_is_directory=True)
        yield link


def _remove_left_links() -> None:
    """Of trials whose harness was killed: what they point to has been swept up by then."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_LINK_FOLDER}*"):
        link = folder / "data"
        with contextlib.suppress(OSError):  # of another user, or gone already
            # In another container that shares /tmp a link leads to where we cannot look.
            if link.is_symlink() and not link.exists() and is_left(folder):
                link.unlink()
                folder.rmdir()


def _live(scene: _Scene, watch: Watch) -> None:
    """From its start to its end, by itself or by SIGTERM."""
    try:
        place = scene.place()
    except NotServingError as error:
        scene.ending.why = str(error)
        return
    visit, ending, routes = scene.visit, scene.ending, scene.order.service.routes
    with serving(scene.order.service, scene.apart, scene.ceiling, place) as process:
        try:
            reached = wait_until_served(process, place, routes, _CLIENT_PATIENCE_S)
            ending.ready_s = reached.after_s
            visit.make(
                reached.client, place.data, place.fetched, lambda: process.poll() is None, watch
            )
            if routes.is_theirs and (said := last_words(place.complained)):
                visit.explain(f"; the server said: {said}")
            ending.job_lost = visit.is_lost()
        except NotServingError as error:
            ending.why = str(error)
        except KeyboardInterrupt:
            ending.cancelled = True
        # Before it is ended: without a group its CPU goes with it.
        ending.usage, ending.own_oom_kills = scene.ceiling.usage(), scene.apart.service().oom_kills
        ending.peak_rss_bytes = _peak_rss_bytes(process.pid)
        ending.died = _is_gone(process, visit)
        if ending.died:
            ending.exit_code = process.returncode
            ending.why = ending.why or f"the service {how_ended(process.returncode)}"
            if is_from_outside(process.returncode):
                ending.killed = (
                    f"the service {how_ended(process.returncode)}, by others than clipkit"
                )
        else:
            ending.stop_s, ending.exit_code = terminate(process)


def _is_gone(process: subprocess.Popen[bytes], visit: Visit) -> bool:
    """A broken connection is noticed before the end of the process can be: it takes a while to die."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_DYING_S if visit.told else 0)
    return process.returncode is not None


def _live_again(scene: _Scene) -> None:
    """As a host starts anew what has died: is it back, and does it know the job?"""
    with contextlib.suppress(NotServingError, KeyboardInterrupt):
        place = scene.place()
        place.said.replace(place.said.with_name("service-died.log"))
        with serving(scene.order.service, scene.apart, scene.ceiling, place) as process:
            routes = scene.order.service.routes
            reached = wait_until_served(process, place, routes, _CLIENT_PATIENCE_S)
            scene.ending.back_s = reached.after_s
            scene.ending.job_lost = scene.visit.is_lost_to(reached.client)
            terminate(process)


def _of_the_job(scene: _Scene) -> list[Launch]:
    """The starts of ffmpeg up to the end of the job that is measured, without those of further jobs."""
    launches = scene.apart.launcher.launches()
    ended = scene.visit.moments.get("ended")
    if ended is None or scene.visit.manner.jobs == 1:
        return launches
    return [launch for launch in launches if launch.started_s <= ended.clock_s]


def _look_from_outside(visit: Visit, launches: Sequence[Launch], ends: Ends) -> None:
    """What a server does not tell of its ffmpegs."""
    cutting = [launch for launch in launches if launch.reads_a_file]
    visit.document = with_times(visit.document, visit.job.clips, cutting, ends.ended_s)
    if cutting or visit.document["status"] != "done":
        return
    why = (
        "clips came, but none of its ffmpegs was seen, so that its memory cannot be told from theirs: it "
        "starts another program than 'ffmpeg' on PATH; name the variable that tells it which, in "
        f'{Path(visit.routes.file).name}: [environment] FFMPEG_PATH = "{{ffmpeg}}"'
    )
    visit.document = visit.document | {
        "clips": [clip | {"status": "failed", "error": why} for clip in visit.document["clips"]]
    }


def _log(scene: _Scene) -> None:
    """What no column holds: each start of an ffmpeg, each probe, the job as the service told it."""
    visit, logs = scene.visit, scene.logs
    _write_lines(logs / "launches.jsonl", scene.apart.launcher.launches())
    _write_lines(logs / "health.jsonl", visit.probes.probes if visit.probes else [])
    _write_lines(logs / "job.jsonl", [visit.document])


def _write_lines(path: Path, entries: Sequence[Launch | Probe | dict[str, Any]]) -> None:
    told = [entry if isinstance(entry, dict) else asdict(entry) for entry in entries]
    try:
        path.write_text("".join(f"{json.dumps(each)}\n" for each in told), "utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def _peak_rss_bytes(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None
