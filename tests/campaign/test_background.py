"""A campaign does not live in the kernel: it goes on without it, is found again, is stopped cleanly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import tomli_w
from kernels import kernel
from running import groups_of, processes_with, until

from clipkit import attach, load, sweep
from clipkit.campaign import background
from clipkit.errors import CampaignError, Cancelled, ClipkitError, OutputError
from clipkit.records.store import Store
from clipkit.report.notebooks.handle import Handle

LONG = {
    "name": "long",
    "job": {"uploads": ["my.mp4"], "clips": 4, "length_s": 2},
    "host": {"memory": "256M", "cpus": 0.5},
    "settings": {"preset": ["slow", "veryslow"], "concurrency": [1, 2]},
    "run": {"blocks": 100},
}


@pytest.fixture
def here(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's folder, with an upload; no sweep in it outlives the test."""
    (tmp_path / "my.mp4").symlink_to(small)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for pid in processes_with(str(tmp_path)):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def long(here: Path) -> Handle:
    """A sweep of minutes, well under way."""
    handle = sweep(LONG, background=True)
    until(lambda: handle.standing().done >= 1)
    return handle


def holder(folder: Path) -> int:
    """Who really has the campaign's folder open: one process, but for the moment in which it starts
    another, which is a copy of it until then."""
    found = {
        process.pid: process.info["ppid"]
        for process in psutil.process_iter(["cmdline", "ppid"])
        if "sweep" in (process.info["cmdline"] or [])
        and any(link.samefile(folder) for link in links(process.pid))
    }
    (pid,) = [pid for pid, parent in found.items() if parent not in found]
    return pid


def links(pid: int) -> Iterator[Path]:
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            if link.exists():
                yield link
    except OSError:
        return


def nothing_is_left(pid: int, folder: Path) -> None:
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert processes_with(str(folder)) == []
    assert groups_of(pid) == []
    assert list(folder.glob(".clips-*")) == []
    assert list(folder.parent.glob(".*")) == []
    assert not background.is_held(folder)


def test_it_runs_in_a_session_of_its_own_without_a_terminal(long: Handle):
    pid = holder(long.folder)
    assert pid == long.standing().pid != os.getpid()
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")
    for stream in (1, 2):
        assert Path(f"/proc/{pid}/fd/{stream}").samefile(long.folder / background.LOG)
    assert "block 1 of 100: " in (long.folder / background.LOG).read_text("utf-8")
    assert long.running


def test_what_it_refuses_is_told_by_the_call_that_started_it(here: Path):
    """It holds the folder by then, in which an earlier campaign has said that it finished."""
    short = {**LONG, "settings": {}, "run": {"blocks": 1}, "host": {}}
    sweep(short, background=True).wait(timeout_s=60)
    with pytest.raises(ClipkitError, match="holds another experiment"):
        sweep({**short, "settings": {"crf": [40]}}, background=True)


def test_how_it_stands_is_known_as_soon_as_it_has_been_started(here: Path):
    handle = sweep(LONG, background=True)
    assert (handle.standing().state, handle.running) == ("running", True)
    handle.cancel()


def test_cancelling_stops_the_trial_and_leaves_nothing_behind(long: Handle):
    pid = holder(long.folder)
    until(lambda: groups_of(pid))
    long.cancel()
    assert not long.running
    nothing_is_left(pid, long.folder)
    ended = long.standing()
    assert ended.state == "cancelled"
    assert ended.done >= 1
    with pytest.raises(Cancelled, match=r"cancelled after \d+ of 400 trials: see .*sweep\.log"):
        long.wait()
    long.cancel()  # nothing to stop any more
    assert [record.status for record in Store(long.folder).records()].count("ok") == ended.done


def test_what_was_cancelled_goes_on_where_it_was(long: Handle, here: Path):
    long.cancel()
    before = [record.run_id for record in Store(long.folder).records() if record.status == "ok"]
    again = sweep(LONG, background=True)
    until(lambda: again.standing().done > len(before))
    again.cancel()
    records = Store(long.folder).records()
    done = [(record.cell, record.block) for record in records if record.status == "ok"]
    assert len(done) == len(set(done)) > len(before)
    assert set(before) < {record.run_id for record in records}


def test_the_end_of_the_process_that_started_it_does_not_end_it(here: Path):
    code = f"from clipkit import sweep; sweep({LONG!r}, background=True)"
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60)
    handle = attach("results/long")
    assert handle.running
    done = handle.standing().done
    until(lambda: handle.standing().done > done)
    handle.cancel()


def test_it_survives_a_killed_kernel_and_is_found_from_another_process(here: Path):
    with kernel(here) as first:
        first.run(f"from clipkit import sweep\nhandle = sweep({LONG!r}, background=True)")
        assert first.run("print(handle.running)").printed == "True\n"
        pid = holder(here / "results" / "long")
        first.kill()
    handle = attach("results/long")
    done = until(lambda: handle.standing().done)
    until(lambda: handle.standing().done > done)
    assert holder(handle.folder) == pid
    code = "from clipkit import attach; attach('results/long').cancel()"
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60, cwd=here)
    assert not handle.running
    nothing_is_left(pid, handle.folder)


def test_a_restarted_kernel_finds_it_again(here: Path):
    with kernel(here) as notebook:
        notebook.run(f"from clipkit import sweep\nhandle = sweep({LONG!r}, background=True)")
        notebook.manager.restart_kernel(now=True)
        notebook.client.wait_for_ready(timeout=60)
        printed = notebook.run(
            "from clipkit import attach\n"
            "handle = attach('results/long')\n"
            "print(handle.running)\n"
            "handle.cancel()\n"
            "print(handle.running, handle.standing().state)"
        ).printed
    assert printed == "True\nFalse cancelled\n"


def test_one_that_ended_is_no_zombie_of_the_kernel(here: Path):
    short = {**LONG, "settings": {}, "run": {"blocks": 1}, "host": {}}
    handle = sweep(short, background=True)
    campaign = handle.wait(timeout_s=60)
    assert campaign.table["status"].tolist() == ["ok"]
    until(lambda: not psutil.pid_exists(handle.standing().pid))


def test_a_campaign_that_is_being_measured_is_not_measured_twice(long: Handle, here: Path):
    for in_background in (True, False):
        with pytest.raises(CampaignError, match="is being measured already: attach to it"):
            sweep(LONG, background=in_background)
    assert long.running
    assert holder(long.folder)


def test_a_process_that_is_no_sweep_of_the_folder_is_never_signalled(here: Path):
    store = Store.create(here / "results" / "mine")
    standing = {"pid": os.getpid()}
    (store.folder / "progress.json").write_text(json.dumps(standing), "utf-8")
    with store.writing(), pytest.raises(CampaignError, match="stop it where it was started"):
        background.cancel(store.folder)


def test_a_stale_note_of_a_pid_signals_nobody(here: Path, long: Handle):
    """The campaign's process was killed, and its number belongs to somebody else now."""
    os.kill(holder(long.folder), signal.SIGKILL)
    until(lambda: not long.running)
    path = long.folder / "progress.json"
    noted = json.loads(path.read_text("utf-8"))
    with subprocess.Popen(["sleep", "60"]) as somebody:
        path.write_text(json.dumps(noted | {"pid": somebody.pid}), "utf-8")
        long.cancel()
        assert somebody.poll() is None
        somebody.kill()
    with pytest.raises(CampaignError, match="its process was killed: sweep again to go on"):
        long.wait()
    assert "its process was killed" in long._repr_html_()


def test_another_campaign_s_sweep_of_that_number_is_not_waited_for(here: Path, long: Handle):
    short = {**LONG, "settings": {}, "run": {"blocks": 1}, "host": {}}
    done = sweep(short, name="short", background=True)
    done.wait(timeout_s=60)
    path = done.folder / "progress.json"
    noted = json.loads(path.read_text("utf-8")) | {"pid": holder(long.folder)}
    path.write_text(json.dumps(noted | {"updated_utc": "2025-01-02T03:04:05+00:00"}), "utf-8")
    done.wait(timeout_s=5)
    assert long.running


def test_waiting_has_an_end(long: Handle):
    began_s = time.monotonic()
    with pytest.raises(TimeoutError, match=r"still being measured after 0\.3 s"):
        long.wait(timeout_s=0.3)
    assert time.monotonic() - began_s < 5
    assert long.running


def test_one_started_in_a_terminal_is_attached_to_and_cancelled_as_well(
    here: Path, tmp_path: Path, start_sweep: Callable[[], subprocess.Popen[str]]
):
    process = start_sweep()
    folder = tmp_path / "results" / "long"
    until((folder / "progress.json").exists)
    attach(folder).cancel()
    assert process.wait(timeout=30) == 130
    nothing_is_left(process.pid, folder)


@pytest.fixture
def start_sweep(here: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """A sweep that ignores Ctrl-C, as a shell starts its background jobs."""
    (here / "long.toml").write_text(tomli_w.dumps(LONG), "utf-8")
    words = [sys.executable, "-m", "clipkit", "sweep", "long.toml"]
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                words,
                cwd=here,
                stderr=subprocess.DEVNULL,
                text=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_results_that_cannot_be_written_are_told(here: Path):
    (here / "results").write_text("a file", "utf-8")
    with pytest.raises(OutputError, match="cannot write into"):
        sweep(LONG, background=True)


def test_attaching_where_nothing_was_swept_is_an_error(here: Path):
    with pytest.raises(CampaignError, match="no sweep has been started there"):
        attach(here)


def test_a_running_campaign_is_loaded_as_far_as_it_is(long: Handle):
    campaign = load(long.folder)
    assert len(campaign.table) >= 1
    assert "400 trials, running" in campaign._repr_html_()
