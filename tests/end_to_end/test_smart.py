"""Mode `smart`, cut for real: bit for bit the upload's pictures but for a few, none hidden, evenly timed."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from running import clipkit

from clipkit.engine.avc_entry import read_avcc
from clipkit.engine.boxes import needed, read_moov, video_track
from clipkit.engine.tables import samples_of
from clipkit.ffmpeg_builds import FfmpegBuild

_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "3")
_AAC = ("-c:a", "aac")
_UPLOADS: dict[str, tuple[str, tuple[str, ...]]] = {
    "mp4": ("film.mp4", (*_X264, *_AAC)),
    "mov": ("film.mov", (*_X264, "-video_track_timescale", "600", "-c:a", "pcm_s16le")),
    "matroska": ("film.mkv", (*_X264, "-vf", "fps=24000/1001", *_AAC)),
    "transport stream": ("film.ts", (*_X264, *_AAC)),
    "no reordering": ("flat.mp4", (*_X264, "-bf", "0", "-profile:v", "baseline", *_AAC)),
    "variable": ("vfr.mp4", (*_X264, "-vf", "select='lt(mod(n*n,11),7)'", "-fps_mode", "vfr")),
}
# The last picture of the second needs one behind its end.
_CLIPS = "start_s,duration_s\n0.56,1.9\n1,2.28\n0,0.8\n"


def cut(upload: Path, out: Path, clips: str, *words: str) -> Any:
    listed = out.with_suffix(".csv")
    listed.write_text(clips)
    return clipkit(
        "cut", upload, "--out", out, "--clips", listed, "--mode", "smart", "--json", *words
    )


def pictures(path: Path) -> list[tuple[Fraction, str]]:
    """When each is shown, from the container's start, and what its samples are."""
    found = []
    with av.open(str(path)) as container:
        start = Fraction(container.start_time or 0, 1_000_000)
        for frame in container.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            exact = hashlib.sha256(np.ascontiguousarray(frame.to_ndarray()).tobytes()).hexdigest()
            found.append((frame.pts * frame.time_base - start, exact))
    return found


@pytest.mark.parametrize("name", _UPLOADS)
def test_all_but_the_first_and_the_last_few_pictures_are_the_uploads_own(
    make: Any, tmp_path: Path, each_build: FfmpegBuild, name: str
) -> None:
    source = ("-f", "lavfi", "-i", "testsrc2=size=192x108:rate=25:duration=4")
    sound = ("-f", "lavfi", "-i", "sine=duration=4")
    film = make(_UPLOADS[name][0], *_UPLOADS[name][1], source=(*source, *sound))
    ran = cut(film, tmp_path / "out", _CLIPS, "--ffmpeg", each_build.choice)
    assert ran.code == 0, ran.err
    shown = pictures(film)
    no_aac = "pcm_s16le" in _UPLOADS[name][1]
    said = ["pcm_s16le sound encoded as AAC, which all players know"] if no_aac else []
    for clip in ran.json["clips"]:
        assert (clip["status"], clip["changes"]) == ("ok", said)
        start = Fraction(str(clip["start_s"]))
        end = start + Fraction(str(clip["duration_s"]))
        due = [(at, exact) for at, exact in shown if start <= at < end]
        made = pictures(Path(clip["file"]))
        assert [at for at, _ in made] == pytest.approx([at - due[0][0] for at, _ in due], abs=2e-4)
        copied = [one == other for (_, one), (_, other) in zip(made, due, strict=True)]
        first = copied.index(True)
        behind = len(copied) - copied[::-1].index(True)
        assert all(copied[first:behind])
        assert clip["encoded_frames"] == copied.count(False) < 0.7 * len(copied)


def test_no_picture_is_hidden_and_decoding_times_rise_evenly(make: Any, tmp_path: Path) -> None:
    film = make("film.mp4", *_X264, *_AAC)
    ran = cut(film, tmp_path / "out", "start_s,duration_s\n0.56,1.2\n")
    (clip,) = ran.json["clips"]
    with Path(clip["file"]).open("rb") as file:
        moov = memoryview(read_moov(file)[1])
    track = video_track(moov)
    samples = samples_of(moov, track)
    assert len(samples) == clip["frames"] == 30
    lasts = {later.decoded - one.decoded for one, later in pairwise(samples)}
    assert len(lasts) == 1
    assert min(sample.shown for sample in samples) == 0
    assert all(sample.shown >= sample.decoded - 2 * min(lasts) for sample in samples)
    entry = read_avcc(needed(track, b"mdia", b"minf", b"stbl", b"stsd"))
    assert (len(entry.sequences), len(entry.pictures)) == (2, 2)
    assert (entry.profile, entry.sequence_numbers, entry.picture_numbers) == (100, {0, 1}, {0, 1})


def test_a_clip_without_a_key_frame_inside_is_encoded_whole_and_says_so(
    make: Any, tmp_path: Path
) -> None:
    film = make("film.mp4", *_X264, *_AAC)
    (clip,) = cut(film, tmp_path / "out", "start_s,duration_s\n0.2,0.6\n").json["clips"]
    assert (clip["status"], clip["frames"], clip["encoded_frames"]) == ("ok", 15, 15)
    assert clip["changes"] == ["encoded whole: no closed group of pictures begins in it"]


def test_captions_stay_in_both_parts(make: Any, tmp_path: Path) -> None:
    plain = make("film.mp4", *_X264, *_AAC)
    film = captioned(plain, tmp_path / "captioned.mp4")
    (clip,) = cut(film, tmp_path / "out", "start_s,duration_s\n0.56,1.2\n").json["clips"]
    assert clip["encoded_frames"] < clip["frames"]
    with av.open(clip["file"]) as container:
        told = [
            "A53_CC" in {one.type.name for one in f.side_data} for f in container.decode(video=0)
        ]
    assert told == [True] * 30


def captioned(film: Path, path: Path) -> Path:
    """The same with a caption in every picture: user data of ITU-T T.35 (CTA-708) in an SEI message."""
    said = bytes.fromhex("b500314741393403") + bytes((0x41, 0xFF, 0xFC, 0x94, 0x2C, 0xFF))
    message = bytes((6, 4, len(said))) + said + b"\x80"
    with av.open(str(film)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is None:
                continue
            content = len(message).to_bytes(4, "big") + message + bytes(packet)
            told = av.Packet(content)
            told.pts, told.dts, told.duration = packet.pts, packet.dts, packet.duration
            told.time_base, told.is_keyframe = packet.time_base, packet.is_keyframe
            told.stream = stream
            target.mux(told)
    return path


@pytest.mark.parametrize(
    ("options", "words", "why"),
    [
        (("-c:v", "mpeg4"), (), "holds mpeg4, and mode smart joins H.264 alone"),
        (("-pix_fmt", "yuv444p"), (), "which browsers do not play"),
        (("-pix_fmt", "yuv420p"), ("--crop", "1:1"), "crop needs mode encode"),
        (
            ("-pix_fmt", "yuv420p", "-s", "160x96", "-flags", "+ilme+ildct"),
            (),
            "coded in fields",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused_in_one_line(
    make: Any, tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...], why: str
) -> None:
    ran = cut(make("film.mp4", *options), tmp_path / "out", "start_s,duration_s\n0.5,1\n", *words)
    assert ran.code == 1
    assert why in ran.complaint
