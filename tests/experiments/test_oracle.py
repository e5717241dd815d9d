"""The oracle knows a right clip from every kind of wrong one: clips are made by ffmpeg alone, on purpose."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import film
import hearing
import imageio_ffmpeg
import isobmff
import kinds
import numpy as np
import pytest
from frames import Sound
from making import Make
from oracle import REFUSED, RIGHT, WRONG, Asked, Oracle, due

ASKED = Asked.of("0.4", "0.8")
GOOD = ("-ss", "0.4", "-i", "{}", "-t", "0.8")
TWENTY = (
    "-ss",
    "0.4",
    "-i",
    "{}",
    "-frames:v",
    "20",
    "-fps_mode",
    "passthrough",
    "-enc_time_base",
    "1/12800",
)
CODING = ("-c:v", "libx264", "-crf", "10", "-bf", "2", "-c:a", "aac")


@pytest.fixture(scope="session")
def upload(make: Make) -> Path:
    """Two seconds with a noise, so that a shift of the sound shows."""
    picture = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=2")
    noise = ("-f", "lavfi", "-i", "anoisesrc=duration=2:sample_rate=48000:seed=3:amplitude=0.4")
    return make("noisy.mp4", *CODING, "-g", "10", source=(*picture, *noise))


@pytest.fixture(scope="session")
def slides(make: Make) -> Path:
    """A new picture every second, without sound."""
    return make(
        "slides.mp4", "-c:v", "libx264", source=("-f", "lavfi", "-i", "testsrc2=rate=1:d=5")
    )


def made(path: Path, *words: str, source: Path, coding: tuple[str, ...] = CODING) -> Path:
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
    argv += [word.format(source) for word in words]
    subprocess.run([*argv, *coding, str(path)], check=True, timeout=60)
    return path


def test_a_right_clip_is_right(upload: Path, tmp_path: Path) -> None:
    clip = made(tmp_path / "clip.mp4", *GOOD, source=upload)
    verdict = Oracle(upload).judge(ASKED, clip, None)
    assert (verdict.outcome, verdict.rule) == (RIGHT, "full"), verdict


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("-ss", "0.44", "-i", "{}", "-t", "0.8"), "looks like one +1"),
        (("-ss", "0.36", "-i", "{}", "-t", "0.8"), "looks like one -1"),
        (("-ss", "0.4", "-i", "{}", "-t", "0.6"), "its last picture ends at 0.600000 s, not 0.8"),
        ((*TWENTY, "-vf", "setpts=0.9*PTS"), "s instead of 0.040000"),
        (
            (*TWENTY, "-vf", "setpts=PTS+0.02/TB"),
            "picture 0 is shown at 0.02",
        ),
        ((*GOOD, "-vf", "scale=320:180"), "is 320x180 instead of 160x90"),
        ((*GOOD, "-vf", "setsar=4/3"), "its sample aspect is 4/3"),
        ((*GOOD, "-vf", "negate"), "look like nothing"),
        ((*GOOD, "-pix_fmt", "yuv444p"), "its pixels are yuv444p"),
        ((*GOOD, "-an"), "it has no sound"),
        ((*GOOD, "-af", "adelay=4:all=1,atrim=end=0.8"), "4.0 ms off"),
        ((*GOOD, "-af", "volume=0"), "it is silent"),
        ((*GOOD, "-af", "atrim=end=0.5"), "its sound ends at 0.5"),
        ((*GOOD, "-af", "aeval=sin(440*2*PI*t):c=same"), "its sound is not the film's"),
        ((*GOOD, "-r", "12.5"), "10 pictures by its boxes"),
    ],
)
def test_a_wrong_clip_is_told_by_its_fault(
    words: tuple[str, ...], reason: str, upload: Path, tmp_path: Path
) -> None:
    clip = made(tmp_path / "clip.mp4", *words, source=upload)
    verdict = Oracle(upload).judge(ASKED, clip, None)
    assert verdict.outcome == WRONG
    assert any(reason in told for told in verdict.reasons), verdict


def test_a_length_that_only_a_header_claims_is_seen(upload: Path, tmp_path: Path) -> None:
    clip = made(tmp_path / "clip.mp4", *GOOD, source=upload)
    content = bytearray(clip.read_bytes())
    header = next(b for b in isobmff.boxes(content) if b.kind == b"mvhd")
    scale = struct.unpack_from(">I", content, header.body + 12)[0]
    struct.pack_into(">I", content, header.body + 16, 5 * scale)
    clip.write_bytes(content)
    verdict = Oracle(upload).judge(ASKED, clip, None)
    assert verdict.reasons == ("mvhd says 5.000000 s",)


@pytest.mark.parametrize(
    ("start", "duration", "zero", "times"),
    [
        ("1", "2", "1", ["0", "1"]),  # a picture begins at the start: none is held
        ("1.5", "2", "1.5", ["0", "0.5", "1.5"]),  # the one at 1 s stands for a second
        ("1.2", "0.3", "1.2", ["0"]),  # none begins inside
        ("4.2", "0.8", "4.2", ["0"]),  # the last, to the film's end
    ],
)
def test_the_picture_on_the_screen_is_held(
    start: str, duration: str, zero: str, times: list[str], slides: Path
) -> None:
    (film,) = Oracle(slides).films
    wanted = due(film, Asked.of(start, duration))
    assert wanted is not None
    assert wanted.zero == Fraction(zero)
    assert wanted.times == tuple(map(Fraction, times))
    assert wanted.zero + wanted.length == Fraction(start) + Fraction(duration)


def test_exactly_a_tenth_of_a_second_is_not_held(make: Make) -> None:
    tenths = make(
        "tenths.mp4", "-c:v", "libx264", source=("-f", "lavfi", "-i", "testsrc2=rate=10:d=1")
    )
    (film,) = Oracle(tenths).films
    wanted = due(film, Asked.of("0.35", "0.3"))
    assert wanted is not None
    assert (wanted.zero, wanted.pictures) == (Fraction("0.4"), (4, 5, 6))


def test_a_refusal_is_right_only_where_nothing_can_be_cut(slides: Path) -> None:
    oracle = Oracle(slides)
    assert oracle.judge(Asked.of("4.5", "2"), None, "beyond the end").outcome == REFUSED
    assert oracle.judge(Asked.of("1", "2"), None, "holds no frame").outcome == WRONG
    assert oracle.judge(Asked.of("4.5", "2"), None, "two\nlines").outcome == WRONG


def test_a_clip_of_what_lies_beyond_the_end_is_wrong(slides: Path, tmp_path: Path) -> None:
    clip = made(tmp_path / "clip.mp4", "-i", "{}", source=slides, coding=("-c", "copy"))
    verdict = Oracle(slides).judge(Asked.of("4", "5"), clip, None)
    assert "the film ends at 5.000 s" in verdict.reasons[0]


NOISE = np.random.default_rng(3).normal(0, 0.1, 48000).astype(np.float32)


@pytest.mark.parametrize(("late", "told"), [(20, 0), (2000, 1)])
def test_a_sample_of_sound_at_the_edge_of_silence_is_no_sound_that_is_missing(
    late: int, told: int
) -> None:
    """The film is heard from 0.2 s to 0.5 s, give or take `late` samples; its clip exactly so."""
    samples = NOISE.copy()
    samples[24000 + late :] = 0
    samples[: 9600 - late] = 0
    heard = Sound(0.0, 48000, samples, 1024 / 48000, Fraction(1, 48000))
    clip = Sound(0.2, 48000, samples[9600:24000], 1024 / 48000, Fraction(1, 48000))
    assert len(list(hearing._edges(heard, clip, 0.0, 1.0, 0.022))) == 2 * told


@pytest.mark.parametrize(("zero_s", "told"), [(0.0, 1), (0.3, 0), (0.8, 0), (1.5, 0)])
def test_a_clip_without_sound_is_right_where_the_film_is_silent(zero_s: float, told: int) -> None:
    """It is heard for its first quarter of a second and for its last millisecond alone."""
    samples = NOISE.copy()
    samples[12000:-48] = 0
    heard = Sound(0.0, 48000, samples, 1024 / 48000, Fraction(1, 48000))
    assert len(list(hearing.faults(heard, None, zero_s, 0.19))) == told


def test_a_table_that_points_outside_of_the_file_is_damage(upload: Path, tmp_path: Path) -> None:
    content = bytearray(upload.read_bytes())
    *_, chunks = (one for one in isobmff.boxes(content) if one.kind == b"stco")
    struct.pack_into(">I", content, chunks.body + 8 + 4, 0xB0E9820D)  # the second of the sound's
    astray = tmp_path / "astray.mp4"
    astray.write_bytes(content)
    assert [film.films(path)[0].damage for path in (upload, astray)] == [0, 1]


def test_sound_that_goes_back_and_is_heard_again_is_disorder(make: Make, tmp_path: Path) -> None:
    source = (*kinds.picture(duration_s=2), *kinds.noise(2))
    whole = make("steady.ts", *CODING, source=source)
    back = tmp_path / "back.ts"
    kinds.ffmpeg("-i", whole, "-c", "copy", "-bsf:a", "setts=ts='TS-if(gt(N,28),0.3/TB,0)'", back)
    assert [film.films(path)[0].disorder for path in (whole, back)] == [0, 1]


def test_what_matroska_says_of_the_pictures_shape_counts_before_what_they_say(
    tmp_path: Path,
) -> None:
    """A transport stream says nothing of it."""
    shapes = {}
    for name in ("shape changes.mkv", "shape changes.ts"):
        (tmp_path / name).mkdir()
        (one,) = film.films(kinds.KINDS[name](tmp_path / name))
        shapes[name] = {picture.sar for picture in one.pictures}
    assert shapes["shape changes.mkv"] == {Fraction(1)}
    assert shapes["shape changes.ts"] == {Fraction(1), Fraction(3, 4)}
