"""Where pictures change: told by a film's headers alone, as decoding all of it would tell."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from joining import CHANGES, X264, changing
from making import Make

from clipkit.media.look import Look, look_of
from clipkit.media.probe import probe_upload

X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0:keyint=25")
VP8 = ("-c:v", "libvpx", "-cpu-used", "8", "-g", "25")
VP9 = ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "25")
AV1 = ("-c:v", "libsvtav1", "-preset", "11", "-g", "25")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "3")


def decoded_looks(path: Path) -> list[Look]:
    """By decoding everything; of a pixel's shape, what the pictures themselves say."""
    found: list[Look] = []
    with av.open(str(path)) as container:
        film = container.streams.video[0]
        for frame in container.decode(film):
            look = look_of(frame, film.codec_context, film.codec_context)
            if not found or look != found[-1]:
                found.append(look)
    return found


@pytest.mark.parametrize(
    ("name", "change", "coding"),
    [
        *[
            (f"{change}.{kind}", change, X264)
            for change in CHANGES
            for kind in ("ts", "mp4", "mkv")
        ],
        ("size.flv", "size", X264),
        ("size-hevc.mp4", "size", X265),
        ("size-hevc.ts", "size", X265),
        ("size.webm", "size", VP8),
        ("size-vp9.webm", "size", VP9),
        ("size-av1.webm", "size", AV1),
        ("size-mjpeg.mov", "size", ("-c:v", "mjpeg")),
        ("size.mpg", "size", MPEG2),
        ("shape.mpg", "shape", MPEG2),
    ],
)
def test_a_change_is_found_where_it_is(
    name: str, change: str, coding: tuple[str, ...], make: Make
) -> None:
    path = changing(make, name, change, coding)
    upload = probe_upload(path)
    looks = [look for _, look in upload.looks]
    if change == "shape" and path.suffix in (".mp4", ".mkv"):
        assert len(looks) == 1  # the header says of what shape they are, and players believe it
        return
    assert looks == decoded_looks(path)
    assert len(looks) == 2
    assert upload.looks[1][0] == pytest.approx(2.0, abs=0.045)
    assert any(
        "change at 2" in warning or "change at 1.9" in warning for warning in upload.warnings
    )
    assert upload.facts()["picture_changes"][0]["width"] == looks[1].width


@pytest.mark.parametrize("name", ["size.mpg", "size-mpeg2.ts", "shape.mpg"])
def test_a_picture_that_a_decoder_forgets_at_a_change_is_none_of_the_films(
    name: str, make: Make
) -> None:
    """It holds the last one back until the next one comes, and that one is of another size."""
    change = name.partition(".")[0].partition("-")[0]
    path = changing(make, name, change, (*MPEG2, "-bf", "2"))
    upload = probe_upload(path)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stored = sum(packet.size > 0 for packet in container.demux(stream))
        container.seek(0)
        shown = {frame.pts for frame in container.decode(stream)}
    assert len(shown) == stored - (change == "size")
    assert len(upload.looks) == 2
    assert len(upload.frame_times_s) == len(shown)


def test_a_film_that_does_not_change_says_so(make: Make) -> None:
    upload = probe_upload(make("plain.ts", *X264))
    assert len(upload.looks) == 1
    assert upload.facts()["picture_changes"] == []
    assert not any("change" in warning for warning in upload.warnings)


def test_parameter_sets_that_come_again_and_say_the_same_are_no_change(make: Make) -> None:
    """Two recordings of one camera, whose headers differ in what does not matter here."""
    path = changing(make, "same.ts", "samples", (*X264, "-pix_fmt", "yuv420p"))
    assert len(probe_upload(path).looks) == 1


def test_what_the_container_says_of_all_colours_holds_for_those_that_say_nothing(
    make: Make,
) -> None:
    tags = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
    upload = probe_upload(make("tagged.mov", "-c:v", "mjpeg", *tags))
    assert upload.looks[0][1].colours.matrix in (1, 5)
    assert upload.looks[0][1].pixel_aspect == Fraction(1)


def test_the_uploads_own_shape_is_that_of_its_first_pictures(make: Make) -> None:
    upload = probe_upload(changing(make, "entries.flv", "shape"))
    assert [look.pixel_aspect for _, look in upload.looks] == [1, Fraction(4, 3)]
    assert upload.pixel_aspect == 1
