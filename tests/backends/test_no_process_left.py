"""Where the system has no process left for ffmpeg a clip waits: that is no failure of its own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requirements
from running import until
from running_service import Service

from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling

WITH_EACH_WRAPPER = True


@pytest.fixture
def counted() -> Iterator[Path]:
    """A group that counts the processes inside, with all their threads."""
    with (
        open_ceiling(Limits(None, None)) as ceiling,
        subprocess.Popen(ceiling.wrap(["sleep", "1000"])) as sleeper,
    ):
        try:
            yield pids_group(sleeper.pid)
        finally:
            ceiling.kill()


def pids_group(pid: int) -> Path:
    """The process may have to enter it first."""

    def found() -> Path | None:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        ours = [line.split(":", 2) for line in lines if "/clipkit-" in line]
        places = [Path("/sys/fs/cgroup", names, path.lstrip("/")) for _, names, path in ours]
        return next((place for place in places if (place / "pids.max").exists()), None)

    try:
        return Path(until(found, 5))
    except AssertionError:
        requirements.missing("ceiling", "nothing here counts processes")


def hold(service: Service, group: Path) -> None:
    """It may start nothing more."""
    (group / "cgroup.procs").write_text(str(service.process.pid))
    (group / "pids.max").write_text((group / "pids.current").read_text())


def test_a_clip_waits_until_there_is_one(
    start: Callable[..., Service], film: Path, counted: Path
) -> None:
    service = start()
    upload = service.upload(film)
    assert service.ended(service.order(upload, (0, 0.2)))["status"] == "done"
    hold(service, counted)
    job = service.order(upload, (0, 0.2))
    time.sleep(2.5)
    assert service.job(job)["status"] not in ("done", "failed")
    (counted / "pids.max").write_text("max")
    assert service.ended(job)["status"] == "done"


def test_a_job_that_is_deleted_meanwhile_is_gone(
    start: Callable[..., Service], film: Path, counted: Path
) -> None:
    service = start()
    upload = service.upload(film)
    assert service.ended(service.order(upload, (0, 0.2)))["status"] == "done"
    hold(service, counted)
    job = service.order(upload, (0, 0.2))
    time.sleep(1.5)
    assert service.ask("DELETE", f"/jobs/{job}").status == 204
    assert service.ask("GET", f"/jobs/{job}").status == 404


def test_it_does_not_wait_longer_than_a_clip_may_take(
    start: Callable[..., Service], film: Path, counted: Path
) -> None:
    service = start(CLIP_TIMEOUT_S=2)
    upload = service.upload(film)
    assert service.ended(service.order(upload, (0, 0.2)))["status"] == "done"
    hold(service, counted)
    job = service.ended(service.order(upload, (0, 0.2)))
    assert (job["status"], job["clips"][0]["status"]) == ("failed", "failed")
