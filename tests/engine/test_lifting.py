"""Packets that the engine takes out of an upload by itself: the same as an ffmpeg copies, or it is left to one."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import psutil
import pytest
from confining import needs_landlock
from counted import Counted
from running import until
from talk import by_ffmpeg, engine

import clipkit
from clipkit.confinement import Confinement
from clipkit.engine.boxes import needed, read_moov, timescale, track_of
from clipkit.engine.child import Child, fork
from clipkit.engine.patches import PatchError, apply_patch
from clipkit.engine.tables import samples_of
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.copy import copy_tasks
from clipkit.plan.task import Patch, Task
from clipkit.settings import Settings

COPY = Settings(mode="copy", hidden_preroll="allow")
FRAMES: dict[str, Any] = {"frames": 120, "gop": 50}
CLIPS = (Clip(0.0, 0.7), Clip(1.0, 1.5), Clip(2.53, 1.1), Clip(3.3, 1.5))
FILMS = {
    "one sample to a chunk": Counted("film.mp4", ("-bf", "2", "-chunk_duration", "1"), **FRAMES),
    "with B-frames": Counted("film.mp4", ("-bf", "3"), **FRAMES),
    "open groups": Counted("film.mp4", open_gop=True, **FRAMES),
    "HEVC": Counted("film.mp4", hevc=True, **FRAMES),
    "silent": Counted("film.mp4", sound=(), **FRAMES),
    "30 a second": Counted("film.mp4", (), Fraction(30), frames=150, gop=50),
    "QuickTime's": Counted("film.mov", **FRAMES),
}


def planned(film: Upload, build: FfmpegBuild, *clips: Clip) -> list[Task]:
    return copy_tasks(Job(film, clips or CLIPS), COPY, build)


def lift_of(task: Task) -> dict[str, Any]:
    (step,) = task.attempts[0].steps
    assert isinstance(step, Patch)
    return dict(step.arguments)


def tracks_of(path: Path) -> dict[bytes, list[tuple[bytes, float, float, bool]]]:
    """Of each kind of track its packets: what they hold, when each is shown and to what tick, whether one may seek
    there."""
    found = {}
    with path.open("rb") as file:
        moov = memoryview(read_moov(file)[1])
        for kind in (b"vide", b"soun"):
            track = track_of(moov, kind)
            if track is None:
                continue
            ticks = timescale(needed(track, b"mdia", b"mdhd"))
            packets = []
            for sample in samples_of(moov, track):
                file.seek(sample.offset)
                content = file.read(sample.size_bytes)
                packets.append((content, sample.shown / ticks, 1 / ticks, sample.sync))
            found[kind] = packets
    return found


@pytest.mark.parametrize("kind", FILMS)
def test_the_same_packets_at_the_same_times_as_by_an_ffmpeg(
    kind: str, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    tasks = planned(probe_upload(FILMS[kind].make(tmp_path)), each_build)
    made: list[list[dict[str, Any]]] = []
    for name, ways in (("own", tasks), ("ffmpeg", list(map(by_ffmpeg, tasks)))):
        folder = tmp_path / name
        folder.mkdir()
        with engine(folder) as running:
            made.append(running.run(ways))
    for own, other in zip(*made, strict=True):
        assert (own["status"], own["by_engine"], other["by_engine"]) == ("ok", True, False)
        ours, theirs = tracks_of(Path(own["file"])), tracks_of(Path(other["file"]))
        assert ours.keys() == theirs.keys()
        for track, packets in ours.items():
            assert [p[0] for p in packets] == [p[0] for p in theirs[track]]
            assert [p[3] for p in packets] == [p[3] for p in theirs[track]]
            for (_, at_s, tick_s, _), (_, right_s, *_) in zip(packets, theirs[track], strict=True):
                assert at_s == pytest.approx(right_s, abs=1.01 * tick_s)
        # What it would be made by, since nobody can type how it was.
        assert own["argv"][:-1] == other["argv"][:-1]
        assert 0 < own["peak_rss_bytes"] < 25 << 20


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return FILMS["with B-frames"].make(tmp_path)


def _in_fragments(film: Path, build: FfmpegBuild) -> None:
    words = (build.path, "-v", "error", "-i", film.rename(film.with_stem("whole")), "-c", "copy")
    subprocess.run([*words, "-movflags", "frag_keyframe+empty_moov", film], check=True)


def _described_otherwise(film: Path, _: FfmpegBuild) -> None:
    """A box that the sample entry of a camera may have, in the place of one that tells of bit rates."""
    data = film.read_bytes()
    assert data.count(b"btrt") >= 1
    film.write_bytes(data.replace(b"btrt", b"cool"))


def _shown_in_another_size(film: Path, _: FfmpegBuild) -> None:
    data = bytearray(film.read_bytes())
    matrix = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    at = data.index(matrix, data.index(b"tkhd"))
    struct.pack_into(">i", data, at, 1 << 15)
    film.write_bytes(data)


@pytest.mark.parametrize("change", [_in_fragments, _described_otherwise, _shown_in_another_size])
def test_what_is_described_in_another_way_an_ffmpeg_copies_and_nothing_is_said(
    change: Callable[[Path, FfmpegBuild], None], film: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    change(film, build)
    with engine(tmp_path) as running:
        (clip,) = running.run(planned(probe_upload(film), build, Clip(1.0, 0.7)))
        assert not list(running.work.iterdir())
    assert (clip["status"], clip["by_engine"], clip["change"]) == ("ok", False, None)


def _another(film: Path) -> None:
    replace(FILMS["with B-frames"], frames=130).make(film.parent)


def _cut_off(film: Path) -> None:
    data = film.read_bytes()
    film.write_bytes(data[: len(data) // 2])


def _all_in_one_place(film: Path) -> None:
    """Each chunk where the first is: 120 pictures of the size of a film."""
    data = bytearray(film.read_bytes())
    for table in (b"stco", b"stsz"):
        at, big = data.index(table) + 4, table == b"stsz"
        if big:
            struct.pack_into(">I", data, at + 4, len(data) // 4)
        else:
            (count,) = struct.unpack_from(">I", data, at + 4)
            struct.pack_into(f">{count}I", data, at + 8, *[40] * count)
    film.write_bytes(data)


def _elsewhere(film: Path) -> None:
    """Its pictures lie in another file, by its own words."""
    data = bytearray(film.read_bytes())
    at = data.index(b"url ", data.index(b"dref"))
    struct.pack_into(">I", data, at + 4, 0)
    film.write_bytes(data)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_another, "other packets than were found"),
        (_cut_off, "no whole moov box"),
        (_all_in_one_place, "lie over each other|cut off"),
        (_elsewhere, "does not lie in it"),
    ],
)
def test_a_film_that_is_another_by_then_is_refused(
    change: Callable[[Path], None], told: str, film: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    (task,) = planned(probe_upload(film), build, Clip(1.0, 0.7))
    change(film)
    with pytest.raises(PatchError, match=told):
        apply_patch("lift_packets", {**lift_of(task), "file": str(tmp_path / "clip.mp4")})


def test_any_byte_of_an_index_may_be_wrong(film: Path, build: FfmpegBuild, tmp_path: Path) -> None:
    """It is refused, or a clip is written that is no longer than the film; nothing else is ever raised."""
    (task,) = planned(probe_upload(film), build, Clip(1.0, 0.7))
    whole, out = film.read_bytes(), tmp_path / "clip.mp4"
    index = range(whole.index(b"moov"), len(whole))
    refused = 0
    for number, at in enumerate(index[:: max(1, len(index) // 400)]):
        film.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << number % 8)]) + whole[at + 1 :])
        try:
            apply_patch("lift_packets", {**lift_of(task), "file": str(out)})
        except PatchError:
            refused += 1
        assert not out.exists() or out.stat().st_size < 2 * len(whole)
    assert refused > 20


def test_of_a_long_start_that_is_hidden_little_is_in_memory_at_once(
    build: FfmpegBuild, tmp_path: Path
) -> None:
    """It lies in one chunk of the clip, before what is shown."""
    noise = ("-b:v", "60M", "-maxrate", "60M", "-bufsize", "60M")
    filters = ",scale=1280:720,noise=alls=100:allf=t"
    film = Counted("film.mp4", noise, frames=200, gop=200, sound=(), filters=filters)
    upload = probe_upload(film.make(tmp_path))
    with engine(tmp_path) as running:
        (clip,) = running.run(planned(upload, build, Clip(7.0, 0.5)))
    assert (clip["status"], clip["by_engine"]) == ("ok", True)
    assert clip["hidden_preroll_bytes"] > 30 << 20
    assert clip["peak_rss_bytes"] < 25 << 20


def test_more_than_may_be_written_is_told_and_nothing_is_left(
    film: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    (task,) = planned(probe_upload(film), build, Clip(1.0, 0.7))
    small = replace(task, attempts=task.attempts[:1], max_output_bytes=10_000)
    with engine(tmp_path) as running:
        (clip,) = running.run([small])
        assert not list(running.work.iterdir())
        assert not list(running.out.iterdir())
    assert (clip["status"], clip["error"]) == ("failed", "it wrote more than 10000 bytes")


class TestFork:
    def test_what_is_raised_stands_in_its_log(self, tmp_path: Path) -> None:
        def act() -> None:
            raise PatchError("not like this")

        assert self.ended(act, tmp_path / "log").code == 1
        assert (tmp_path / "log").read_text() == "not like this\n"

    @needs_landlock
    def test_it_opens_what_it_was_told_and_no_more(self, tmp_path: Path) -> None:
        mine, theirs = tmp_path / "mine", tmp_path / "theirs"
        for path in (mine, theirs):
            path.write_text(path.name)
        (tmp_path / "out").mkdir()
        held = Confinement([str(mine)], [str(tmp_path / "out")])

        def act() -> None:
            (tmp_path / "out" / "read").write_text(mine.read_text())
            theirs.read_text()

        assert self.ended(act, tmp_path / "out" / "log", held).code == 1
        assert (tmp_path / "out" / "read").read_text() == "mine"
        assert "Permission denied" in (tmp_path / "out" / "log").read_text()

    @staticmethod
    def ended(act: Callable[[], None], log: Path, held: Confinement | None = None) -> Any:
        child = Child(fork(act, log, held), 1 << 20)
        assert child.confined == (held is not None)
        os.waitid(os.P_PIDFD, child.pidfd, os.WEXITED | os.WNOWAIT)
        return child.reap()

    def test_it_ends_with_the_engine(self) -> None:
        """As an ffmpeg does, though no exec closes what it has of the engine's."""
        program = f"""
import os, sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(clipkit.__file__).parents[1])!r})
from clipkit.engine.child import Child, fork
from clipkit.engine.lifeline import tie_children_to_us
tie_children_to_us()
print(Child(fork(lambda: time.sleep(60), Path(os.devnull)), 1 << 20).pid, flush=True)
time.sleep(60)
"""
        argv = [sys.executable, "-I", "-S", "-c", program]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout
            forked = psutil.Process(int(running.stdout.readline()))
            assert forked.is_running()
            running.send_signal(signal.SIGKILL)
        until(lambda: not forked.is_running() or forked.status() == psutil.STATUS_ZOMBIE)
