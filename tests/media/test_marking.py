"""At which key frames of an open group decoding can begin: not where later pictures have earlier ones forgotten."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import pytest

from clipkit.media.probe import probe_upload

_X264 = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-g", "10", "-crf", "30")
_OPEN = "b-adapt=0:scenecut=0:open-gop=1"


CODINGS = (
    "bframes=5:b-pyramid=normal",
    "bframes=5:b-pyramid=none:weightp=2",
    "bframes=3:b-pyramid=normal:ref=2",
    "bframes=2:b-pyramid=normal:ref=1",
    "bframes=3:b-pyramid=strict:ref=3:cabac=0",
)


def complains(film: Path, key: int, made: Path) -> bool:
    """Whether a decoder does that begins with the key frame of that number, and has none of the pictures before."""
    with av.open(str(film)) as container, av.open(str(made), "w") as output:
        (stream,) = container.streams.video
        packets = [packet for packet in container.demux(stream) if packet.size]
        places = [place for place, packet in enumerate(packets) if packet.is_keyframe]
        track = output.add_stream_from_template(stream)
        first_ticks = packets[places[key]].pts
        for packet in packets[places[key] :]:
            if packet.pts >= first_ticks:
                packet.stream = track
                output.mux(packet)
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-threads", "1"]
    told = subprocess.run(
        [*argv, "-i", made, "-f", "null", "-"], capture_output=True, check=True, timeout=60
    )
    return b"mmco" in told.stderr


@pytest.mark.parametrize("coding", CODINGS)
def test_no_decoder_complains_of_what_a_later_picture_has_forgotten(
    make: Any, coding: str, tmp_path: Path
) -> None:
    upload = probe_upload(make("film.mp4", *_X264, "-x264-params", f"{coding}:{_OPEN}"))
    assert upload.closed_places == (0,)
    ticks = {upload.decoding_ticks[place] for place in upload.access_places}
    keys = [round(key_s / upload.time_base) in ticks for key_s in upload.key_frame_times_s]
    told = [complains(upload.path, key, tmp_path / f"{key}.mkv") for key in range(len(keys))]
    assert not any(begins and complaint for begins, complaint in zip(keys, told, strict=True))
    assert keys[0]


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.ts"])
def test_it_is_one_whatever_the_container(make: Any, name: str) -> None:
    unfit = probe_upload(make(name, *_X264, "-x264-params", f"{CODINGS[3]}:{_OPEN}"))
    assert len(unfit.access_places) == 1
    fit = probe_upload(make(name, *_X264, "-x264-params", f"{CODINGS[0]}:{_OPEN}"))
    assert len(fit.access_places) == len(fit.key_frame_times_s) > 3


def test_closed_groups_take_nothing_from_before(make: Any) -> None:
    coding = "bframes=5:b-adapt=0:b-pyramid=normal:scenecut=0"
    upload = probe_upload(make("film.mp4", *_X264, "-x264-params", coding))
    assert upload.access_places == upload.closed_places
    assert len(upload.access_places) == len(upload.key_frame_times_s)
