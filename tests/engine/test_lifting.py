"""Packets that the engine takes out of an upload by itself: the same as an ffmpeg copies, or it is left to one."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
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
from clipkit.engine.boxes import boxes, needed, read_moov, timescale, track_of
from clipkit.engine.child import Child, fork
from clipkit.engine.patches import PatchError, apply_patch
from clipkit.engine.tables import box, samples_of
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


def put(film: Path, path: Sequence[bytes], body: bytes) -> None:
    """Another body in the place of that of the first box of a kind within one of another, and so on; the index lies at
    the film's end, so nothing else moves."""
    data = bytearray(film.read_bytes())
    around, at = [], data.index(b"moov") - 4
    for kind in path:
        around.append(at)
        at = data.index(kind, at + 8) - 4
    (size,) = struct.unpack_from(">I", data, at)
    data[at : at + size] = box(path[-1], body)
    for outer in around:
        struct.pack_into(
            ">I", data, outer, struct.unpack_from(">I", data, outer)[0] + 8 + len(body) - size
        )
    film.write_bytes(data)


def _shown_in_another_order(film: Path, _: FfmpegBuild) -> None:
    """Its second half first: ffmpeg's index has as many packets, and in the order in which they are shown."""
    data = film.read_bytes()
    movie, ticks = (
        struct.unpack_from(">I", data, data.index(kind) + 16)[0] for kind in (b"mvhd", b"mdhd")
    )
    (start,) = struct.unpack_from(">i", data, data.index(b"elst") + 16)
    rows = [(2 * movie, start + 2 * ticks, 1 << 16), (2 * movie - movie // 25, start, 1 << 16)]
    body = struct.pack(">II", 0, len(rows)) + b"".join(struct.pack(">IiI", *row) for row in rows)
    put(film, (b"trak", b"edts", b"elst"), body)


def _without_a_size(film: Path, _: FfmpegBuild) -> None:
    data = bytearray(film.read_bytes())
    struct.pack_into(">II", data, data.index(b"tkhd") + 4 + 76, 0, 0)
    film.write_bytes(data)


def _with_an_empty_sound(film: Path, _: FfmpegBuild) -> None:
    data = bytearray(film.read_bytes())
    at = data.rindex(b"stsz") + 4  # of sound, behind the pictures'
    struct.pack_into(">I", data, at + 12 + 4 * 60, 0)
    film.write_bytes(data)


@pytest.mark.parametrize("change", [_shown_in_another_order, _without_a_size, _with_an_empty_sound])
def test_where_the_tables_mean_something_else_an_ffmpeg_copies(
    change: Callable[[Path, FfmpegBuild], None], build: FfmpegBuild, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    source = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=4", "-f", "lavfi", "-i", "sine=d=4")
    keys = ("-bf", "0", "-g", "50", "-force_key_frames", "expr:eq(n,0)+eq(n,49)+eq(n,50)")
    coded = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *keys, film)
    subprocess.run([build.path, "-v", "error", *source, *coded], check=True)
    change(film, build)
    upload = probe_upload(film)
    assert len(upload.decoding_ticks) == 100
    with engine(tmp_path) as running:
        (clip,) = running.run(planned(upload, build, Clip(1.0, 0.7)))
    assert (clip["status"], clip["by_engine"], clip["change"]) == ("ok", False, None)


def test_a_cover_that_counts_as_a_stream_moves_no_track(
    film: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    """ffmpeg has it for a stream between others, and no track is it; there are two films of as many packets."""
    cover, negative, both = (tmp_path / name for name in ("cover.png", "negative.mp4", "both.mp4"))
    words = (build.path, "-v", "error", "-i", film)
    subprocess.run([*words, "-frames:v", "1", cover], check=True)
    subprocess.run([*words, "-vf", "negate", "-bf", "3", "-g", "50", negative], check=True)
    maps = ("-map", "0:a", "-map", "0:v", "-map", "1:v", "-map", "2", "-c", "copy")
    last = ("-disposition:v:2", "attached_pic", both)
    subprocess.run([*words, "-i", negative, "-i", cover, *maps, *last], check=True)
    data = both.read_bytes()
    at = data.index(b"moov") - 4
    (size,) = struct.unpack_from(">I", data, at)
    header, sound, *films, extra = [
        box(*each) for each in boxes(memoryview(data)[at + 8 : at + size])
    ]
    both.write_bytes(data[:at] + box(b"moov", header, sound, extra, *films) + data[at + size :])
    upload = probe_upload(both)
    assert (upload.films, upload.video_stream) == (2, 2)
    (task,) = planned(upload, build, Clip(1.0, 0.7))
    with engine(tmp_path) as running:
        own, other = running.run([task, replace(by_ffmpeg(task), number=2, output="clip-002.mp4")])
    assert (own["by_engine"], other["by_engine"]) == (True, False)
    ours, theirs = (tracks_of(Path(clip["file"]))[b"vide"] for clip in (own, other))
    assert [packet[0] for packet in ours] == [packet[0] for packet in theirs]


def test_a_track_is_described_as_an_ffmpeg_describes_it(build: FfmpegBuild, tmp_path: Path) -> None:
    """Parameter sets of HEVC in the entry alone, by its own words; a language that MP4 has a word for."""
    for name, more in (("film.mp4", {"hevc": True}), ("film.mov", {})):
        folder = tmp_path / name
        folder.mkdir()
        (task,) = planned(
            probe_upload(Counted(name, **more, **FRAMES).make(folder)), build, Clip(1, 1)
        )
        ways = (task, replace(by_ffmpeg(task), number=2, output="clip-002.mp4"))
        with engine(folder) as running:
            clips = running.run(ways)
        told = []
        for clip in clips:
            with Path(clip["file"]).open("rb") as file:
                moov = memoryview(read_moov(file)[1])
            film = track_of(moov, b"vide")
            assert film is not None
            stsd = bytes(needed(film, b"mdia", b"minf", b"stbl", b"stsd"))
            hvcc = stsd[stsd.index(b"hvcC") :][:80] if b"hvcC" in stsd else b""
            told.append((stsd[12:16], hvcc, bytes(needed(film, b"mdia", b"mdhd")[20:22])))
        assert [clip["by_engine"] for clip in clips] == [True, False]
        assert told[0] == told[1]


def test_more_packets_than_memory_is_for_are_refused(
    film: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    """A tick each of sound."""
    (task,) = planned(probe_upload(film), build, Clip(1.0, 0.7))
    data = bytearray(film.read_bytes())
    struct.pack_into(">III", data, data.rindex(b"stts") + 8, 1, 1 << 30, 1)
    film.write_bytes(data)
    with pytest.raises(PatchError, match="shorter than any"):
        apply_patch("lift_packets", {**lift_of(task), "file": str(tmp_path / "clip.mp4")})


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
