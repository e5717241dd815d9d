"""Clips for keeps: what the manifest says of them is what is in the files."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import looking
import pytest

from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import FfmpegError, OutputError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.media.sample import sample
from clipkit.plan.clips import Clip, Job
from clipkit.settings import Settings
from clipkit.trial.cut import Order, cut_order
from clipkit.trial.inside import WORK_PREFIX
from clipkit.trial.interrupts import only_the_first, uninterrupted
from clipkit.trial.out_folder import claimed

CLIPS = (Clip(0.5, 0.4), Clip(2.0, 0.6), Clip(3.2, 0.8))


def order(upload: Path, build: FfmpegBuild, out_dir: Path, **settings: Any) -> Order:
    job = Job(probe_upload(upload), CLIPS)
    return Order(job, Settings(**settings), build, Host("test", None, None), 0, out_dir, 60.0)


def cut(asked: Order) -> dict[str, Any]:
    with open_ceiling(Limits(None, None), Mechanism.NONE) as ceiling:
        return cut_order(asked, ceiling, lambda _event: None)


def test_a_copy_says_where_it_really_begins_and_ends(
    small: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    """A key frame each second, 25 frames a second."""
    manifest = cut(order(small, build, tmp_path / "out", mode="snap"))
    assert manifest["status"] == "ok"
    told = ("mode", "start_s", "first_pts_s", "last_pts_s", "frames", "hidden_preroll_s")
    assert [tuple(clip[name] for name in told) for clip in manifest["clips"]] == [
        ("snap", 0.5, 0.0, pytest.approx(0.88), 23, 0.0),
        ("snap", 2.0, 2.0, pytest.approx(2.56), 15, 0.0),
        ("snap", 3.2, 3.0, pytest.approx(3.96), 25, 0.0),
    ]
    assert [clip["changes"] for clip in manifest["clips"]] == [
        ["starts at the key frame 0.500 s before"],
        [],
        ["starts at the key frame 0.200 s before"],
    ]
    for clip in manifest["clips"]:
        assert looking.pictures(Path(clip["file"])).count == clip["frames"]


OldCut = tuple[Path, dict[str, bytes]]


@pytest.fixture
def old(small: Path, build: FfmpegBuild, tmp_path: Path) -> OldCut:
    """A folder with a cut in it, and what that has written."""
    folder = tmp_path / "out"
    cut(order(small, build, folder))
    return folder, {each.name: each.read_bytes() for each in folder.iterdir()}


class TestWhatReplacesAnotherCut:
    def test_is_there_whole_or_not_at_all(self, small: Path, old: OldCut) -> None:
        """Somebody else takes the name of the second one meanwhile."""
        folder, before = old
        with claimed(folder, small, overwrite=True) as claim:
            claim.target.mkdir()
            for name in ("clip-001.mp4", "clip-004.mp4"):
                (claim.target / name).write_text("a new one")
            (folder / "clip-004.mp4").write_text("of somebody else")
            with pytest.raises(OutputError, match="File exists"):
                claim.settle({"upload": "new", "settings": {}, "clips": []})
        (folder / "clip-004.mp4").unlink()
        assert {each.name: each.read_bytes() for each in folder.iterdir()} == before

    def test_comes_back_where_the_cut_was_killed_while_it_replaced_it(
        self, small: Path, old: OldCut, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, before = old
        pid = os.fork()
        if not pid:
            with claimed(folder, small, overwrite=True) as claim:
                claim.target.mkdir()
                for name in ("clip-001.mp4", "clip-004.mp4"):  # more than there were
                    (claim.target / name).write_text("a new one")
                monkeypatch.setattr(
                    type(claim), "_write", lambda *_: os.kill(os.getpid(), signal.SIGKILL)
                )
                claim.settle({"upload": "new", "settings": {}, "clips": []})
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        for name in ("clip-001.mp4", "clip-004.mp4"):
            assert (folder / name).read_text() == "a new one"
        assert not (folder / "manifest.json").exists()
        with pytest.raises(OutputError, match="of another cut"), claimed(folder, small, False):
            pass
        assert {each.name: each.read_bytes() for each in folder.iterdir()} == before

    def test_comes_back_also_where_that_was_killed(self, small: Path, old: OldCut) -> None:
        """Some of the old clips had their places again, the manifest not yet."""
        folder, before = old
        with claimed(folder, small, overwrite=True) as claim:
            aside = folder / f"{WORK_PREFIX}aside-1"
            aside.mkdir()
            claim._note_new(aside, ["clip-001.mp4", "clip-004.mp4"])
        (folder / "manifest.json").rename(aside / "manifest.json")
        (folder / "clip-002.mp4").rename(aside / "clip-002.mp4")
        with pytest.raises(OutputError, match="of another cut"), claimed(folder, small, False):
            pass
        assert {each.name: each.read_bytes() for each in folder.iterdir()} == before

    def test_is_not_interrupted(self) -> None:
        done = False
        with pytest.raises(KeyboardInterrupt), uninterrupted():
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            done = True
        assert done


def test_an_impatient_user_loses_no_finished_clip(
    small: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    """Ctrl-C, and again while that is obeyed, and once more while the manifest is made."""
    asked = order(small, build, tmp_path / "out")

    def watch(_event: dict[str, Any]) -> None:
        if any((tmp_path / "out").glob("clip-001.mp4")):
            signal.raise_signal(signal.SIGINT)

    with open_ceiling(Limits(None, None), Mechanism.NONE) as ceiling:
        manifest = cut_order(asked, ceiling, watch)
    assert manifest["status"] == "cancelled"
    assert manifest["clips"][0]["status"] == "ok"
    assert {"clip-001.mp4", "manifest.json"} <= {each.name for each in asked.out_dir.iterdir()}


def test_after_the_first_interrupt_no_other_is_heard_and_later_ones_are_again() -> None:
    heard = []
    with only_the_first() as deaf:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            heard.append(1)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    with only_the_first() as deaf:
        deaf()
        signal.raise_signal(signal.SIGINT)
    assert heard == [1]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("mode", ["encode", "snap"])
def test_progress_counts_up_to_the_frames_of_the_finished_clips(
    small: Path, build: FfmpegBuild, tmp_path: Path, mode: str
) -> None:
    asked = order(small, build, tmp_path / "out", mode=mode)
    assert asked.frames_shown == sum(clip["frames"] for clip in cut(asked)["clips"])


def test_what_is_encoded_begins_where_it_was_asked_to(
    small: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    manifest = cut(order(small, build, tmp_path / "out"))
    assert [clip["first_pts_s"] for clip in manifest["clips"]] == [0.52, 2.0, 3.2]
    assert [clip["frames"] for clip in manifest["clips"]] == [10, 15, 20]
    assert [clip["changes"] for clip in manifest["clips"]] == [[], [], []]


@pytest.mark.parametrize("mode", ["encode", "snap"])
def test_the_clips_and_their_manifest_are_all_that_there_is(
    small: Path, build: FfmpegBuild, tmp_path: Path, mode: str
) -> None:
    out_dir = tmp_path / "out"
    manifest = cut(order(small, build, out_dir, mode=mode))
    names = ["clip-001.mp4", "clip-002.mp4", "clip-003.mp4", "manifest.json"]
    assert sorted(path.name for path in out_dir.iterdir()) == names
    assert json.loads((out_dir / "manifest.json").read_text("utf-8")) == manifest


def test_an_upload_that_cannot_be_copied_leaves_nothing(
    make: Any, build: FfmpegBuild, tmp_path: Path
) -> None:
    film = make("vp8.webm", "-c:v", "libvpx", "-an", "-deadline", "realtime", "-t", "1")
    job = Job(probe_upload(film), (Clip(0.0, 0.5),))
    settings, out_dir = Settings(mode="snap"), tmp_path / "out"
    asked = Order(job, settings, build, Host("test", None, None), 0, out_dir, 60.0)
    with pytest.raises(FfmpegError, match=r"vp8\.webm holds vp8"):
        cut(asked)
    assert not out_dir.exists()


def test_a_clip_never_replaces_its_upload(build: FfmpegBuild, small: Path, tmp_path: Path) -> None:
    upload = tmp_path / "clip-001.mp4"
    upload.write_bytes(small.read_bytes())
    with pytest.raises(OutputError, match="is the upload itself"):
        cut(order(upload, build, tmp_path, mode="snap"))
    assert upload.read_bytes() == small.read_bytes()


class TestKilled:
    """The model is not asked: the ceiling is lower than what the host is said to have."""

    def test_it_is_cut_again_with_less_and_the_manifest_says_so(
        self, build: FfmpegBuild, real_ceiling: Callable[..., Ceiling], tmp_path: Path
    ) -> None:
        job = Job(probe_upload(sample(6)), (Clip(1.0, 2.4), Clip(3.0, 0.2)))
        settings = Settings(preset="medium")
        host = Host("test", None, None)
        asked = Order(job, settings, build, host, 0, tmp_path / "out", 120.0)
        manifest = cut_order(asked, real_ceiling(memory_bytes=120 * MIB), lambda _event: None)
        first, second = manifest["clips"]
        assert (manifest["status"], first["status"], second["status"]) == ("ok", "ok", "ok")
        (change,) = first["changes"]
        assert change.startswith("B-frames 3 to 0")
        assert change.endswith(": killed, or out of memory (signal 9 (SIGKILL))")
        assert second["changes"] == []
        assert manifest["oom_kills"] > 0
        assert manifest["notes"][0].startswith("memory ran out ")

    def test_an_interrupt_while_it_is_cut_again_is_one(
        self, build: FfmpegBuild, real_ceiling: Callable[..., Ceiling], tmp_path: Path
    ) -> None:
        ceiling, interrupted = real_ceiling(memory_bytes=120 * MIB), list[bool]()

        def interrupt(_event: dict[str, Any]) -> None:
            if ceiling.usage().oom_kills and not interrupted:
                interrupted.append(True)
                raise KeyboardInterrupt

        job = Job(probe_upload(sample(6)), (Clip(1.0, 2.4),))
        host = Host("test", None, None)
        asked = Order(job, Settings(preset="medium"), build, host, 0, tmp_path / "out", 120.0)
        manifest = cut_order(asked, ceiling, interrupt)
        assert manifest["oom_kills"] > 0
        assert (manifest["status"], manifest["error"]) == ("cancelled", "interrupted")

    def test_where_it_died_on_the_lowest_rung_too_that_is_told(
        self, build: FfmpegBuild, real_ceiling: Callable[..., Ceiling], tmp_path: Path
    ) -> None:
        job = Job(probe_upload(sample(6)), (Clip(1.0, 2.4),))
        host = Host("test", None, None)
        asked = Order(job, Settings(), build, host, 0, tmp_path / "out", 120.0)
        manifest = cut_order(asked, real_ceiling(memory_bytes=40 * MIB), lambda _event: None)
        assert (manifest["status"], manifest["clips"][0]["status"]) == ("oom", "oom")
        assert not (tmp_path / "out").exists()
