"""What becomes of a clip whose ffmpeg does not do as it should."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from launchers import HELD, Launcher
from making import Make
from running import processes_with, until
from running_service import Service

WITH_EACH_WRAPPER = True

MIB = 1 << 20
Launch = Callable[..., Launcher]


def first_clip(job: dict[str, Any]) -> dict[str, Any]:
    return dict(job["clips"][0])


def check_error(error: object, service: Service) -> str:
    """One line that says why, without a path of the machine."""
    assert isinstance(error, str), "it has no reason"
    assert error.strip()
    assert len(error.splitlines()) == 1, error
    assert len(error) <= 1_000, error
    for path in (str(service.data), "/uploads/", "/clips/", "/tmp"):
        assert path not in error, error
    return error


@pytest.mark.parametrize("stubborn", [False, True])
def test_one_that_hangs_is_ended_in_time(
    start: Callable[..., Service], launcher: Launch, film: Path, stubborn: bool
) -> None:
    trap = "trap '' TERM INT HUP; " if stubborn else ""
    recorder = launcher(f"{trap}[ -e {{folder}}/well ] || exec sleep 1234")
    service = start(FFMPEG=recorder.path, CLIP_TIMEOUT_S=1)
    upload = service.upload(film)
    job = service.ended(service.order(upload, (0, 1)))
    clip = first_clip(job)
    assert 0.9 < clip["ended_s"] - clip["started_s"] < 4
    assert (job["status"], clip["status"]) == ("failed", "timeout")
    check_error(first_clip(job)["error"], service)
    (pid,) = recorder.pids()
    until(lambda: not Path(f"/proc/{pid}").exists(), patience_s=2)
    (recorder.folder / "well").touch()
    assert service.ended(service.order(upload, (0, 1)))["status"] == "done", "the next one runs"
    assert len([name for name in service.kept() if name.startswith("clips/")]) == 1


@pytest.mark.parametrize("stream", ["&2", "&1"])
def test_one_that_shouts_fills_no_memory(
    start: Callable[..., Service], launcher: Launch, film: Path, stream: str
) -> None:
    shout = f"head -c 200000000 /dev/zero | tr '\\0' x >{stream}; "
    recorder = launcher(f"[ -e {{folder}}/well ] || {{ {shout} exit 7; }}")
    service = start(FFMPEG=recorder.path)
    upload = service.upload(film)
    (recorder.folder / "well").touch()
    assert service.ended(service.order(upload, (0, 1)))["status"] == "done"
    (recorder.folder / "well").unlink()
    before = service.peak_bytes()
    job = service.ended(service.order(upload, (0, 1)))
    assert first_clip(job)["status"] == "failed"
    check_error(first_clip(job)["error"], service)
    # Kept, it would be 200 MB; a runtime may let 64 MiB of read blocks lie before it collects them.
    assert service.peak_bytes() - before < 110 * MIB


def test_one_that_is_killed_from_outside(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher(HELD)
    recorder.hold()
    service = start(FFMPEG=recorder.path)
    job = service.order(service.upload(film), (0, 1), (1, 1))
    recorder.began(1)
    os.kill(recorder.pids()[0], signal.SIGKILL)
    recorder.began(2)
    recorder.release()
    ended = service.ended(job)
    assert ended["status"] == "failed"
    assert [clip["status"] for clip in ended["clips"]] == ["killed", "ok"]
    check_error(first_clip(ended)["error"], service)


def test_one_that_ends_by_a_signal_of_its_own(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    """Told by its wait status: an exit code of 137 is no signal."""
    dies = launcher("[ -e {folder}/code ] && exit 137; kill -SEGV $$")
    service = start(FFMPEG=dies.path)
    upload = service.upload(film)
    assert first_clip(service.ended(service.order(upload, (0, 1))))["status"] == "killed"
    (dies.folder / "code").touch()
    assert first_clip(service.ended(service.order(upload, (0, 1))))["status"] == "failed"


@pytest.mark.parametrize("own_session", [False, True])
def test_its_end_is_its_own_and_not_that_of_a_grandchild(
    start: Callable[..., Service], launcher: Launch, film: Path, own_session: bool
) -> None:
    """The grandchild holds both pipes; in the clip's process group it ends with the clip."""
    seconds = f"{os.getpid() % 1000 + 5_000}.5"
    recorder = launcher(f"{'setsid ' if own_session else ''}sleep {seconds} &")
    service = start(FFMPEG=recorder.path)
    sleeping = f"sleep\0{seconds}"
    try:
        job = service.cut(film, (0, 0.5))
        assert job["status"] == "done", job
        if not own_session:
            until(lambda: not processes_with(sleeping), patience_s=2)
    finally:
        for pid in processes_with(sleeping):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("start_s", [1_000.0, 3.999])
def test_a_clip_without_a_picture_is_no_success(
    start: Callable[..., Service], film: Path, start_s: float
) -> None:
    service = start()
    job = service.cut(film, (start_s, 0.5))
    assert first_clip(job)["status"] == "failed", job
    check_error(first_clip(job)["error"], service)
    assert first_clip(job)["bytes"] is None
    service.ask("GET", f"/jobs/{job['id']}/clips/1").refuses(409)
    until(lambda: not [name for name in service.kept() if name.startswith("clips/")], 2)


def test_a_clip_in_which_only_sound_goes_on_is_none(
    start: Callable[..., Service], make: Make
) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=1")
    sound = ("-f", "lavfi", "-i", "sine=duration=30")
    film = make("sound-goes-on.mp4", "-c:a", "aac", source=(*picture, *sound))
    service = start()
    job = service.cut(film, (20, 2), (0.2, 0.5))
    assert [clip["status"] for clip in job["clips"]] == ["failed", "ok"], job
    check_error(first_clip(job)["error"], service)


def test_sound_that_mp4_cannot_hold_fails_with_the_reason(
    start: Callable[..., Service], make: Make
) -> None:
    film = make("pcm.mkv", "-c:a", "pcm_u8")
    service = start()
    job = service.cut(film, (0, 0.5))
    assert first_clip(job)["status"] == "failed"
    assert "codec" in check_error(first_clip(job)["error"], service)


def test_a_film_without_sound_and_one_with_two_tracks(
    start: Callable[..., Service], make: Make
) -> None:
    two = ("-map", "0:v", "-map", "1:a", "-map", "1:a", "-c:a", "aac")
    service = start()
    for film in (make("silent.mp4", "-an"), make("two-tracks.mp4", *two)):
        assert service.cut(film, (0.5, 0.5))["status"] == "done", film


def test_one_that_cannot_be_started_any_more(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher()
    service = start(FFMPEG=recorder.path)
    upload = service.upload(film)
    recorder.path.unlink()
    job = service.ended(service.order(upload, (0, 1)))
    assert first_clip(job)["status"] == "failed"
    check_error(first_clip(job)["error"], service)
    assert service.ask("GET", "/health").status == 200


def test_it_has_no_input_no_descriptor_of_the_service_and_a_group_of_its_own(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher(
        "ls -l /proc/self/fd > {folder}/fds\n"
        "ps -o pgid= -p $$ > {folder}/group\n"
        "timeout 3 cat > /dev/null 2>&1; echo $? > {folder}/input"
    )
    service = start(FFMPEG=recorder.path)
    assert service.cut(film, (0, 0.5))["status"] == "done"
    held_open = "124"
    assert (recorder.folder / "input").read_text("utf-8").strip() != held_open
    found = re.findall(r" (\d+) -> (.*)", (recorder.folder / "fds").read_text("utf-8"))
    beyond = [target for number, target in found if int(number) > 2]
    own = ("socket:", "pipe:", str(service.data))
    assert not [target for target in beyond if target.startswith(own)], found
    group = int((recorder.folder / "group").read_text("utf-8"))
    assert group != os.getpgid(service.process.pid)
