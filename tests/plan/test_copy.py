"""Mode `copy`, cut for real and judged by an oracle of its own: exact frames of the upload, bit for bit."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from counted import Counted
from inventing_uploads import upload
from oracle import RIGHT, Asked, Oracle
from talk import by_ffmpeg, engine

from clipkit.engine.mp4 import read_tracks
from clipkit.errors import ModeRefused
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.look import Look
from clipkit.media.probe import probe_upload
from clipkit.media.upload import AudioTrack, ClockTurn, Upload
from clipkit.plan import modes
from clipkit.plan.clips import Clip, Job
from clipkit.plan.copy import copy_hides, copy_tasks
from clipkit.plan.task import Run, Task
from clipkit.settings import Settings

COPY = Settings(mode="copy")
BUILD = FfmpegBuild("bundled", "/opt/ffmpeg", "9.0.2", frozenset(), frozenset())

# A group of 20 and a half: short films, and starts on each side of the second access point.
_SHORT: dict[str, Any] = {"frames": 60, "gop": 20}
FILMS = {
    "closed": Counted("film.mp4", **_SHORT),
    "open": Counted("film.mp4", open_gop=True, **_SHORT),
    "1/25": Counted("film.mp4", ("-video_track_timescale", "25"), **_SHORT),
    "1/30": Counted("film.mp4", ("-video_track_timescale", "30"), Fraction(30), **_SHORT),
    "1/600": Counted("film.mov", ("-video_track_timescale", "600"), Fraction(30), **_SHORT),
    "1/1000": Counted("film.mkv", open_gop=True, **_SHORT),
    "no B-frames": Counted("film.mkv", bframes=0, **_SHORT),
    "1/24000": Counted(
        "film.mp4", ("-video_track_timescale", "24000"), Fraction(24000, 1001), **_SHORT
    ),
    "1/90000": Counted("film.ts", open_gop=True, **_SHORT),
    "closed HEVC": Counted("film.mp4", hevc=True, **_SHORT),
    "open HEVC": Counted("film.ts", hevc=True, open_gop=True, **_SHORT),
    "50 s": Counted("film.mp4", frames=1290, gop=1280, sound=()),
}
_KEY = 20


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Upload]:
    return {}


@pytest.fixture
def film(
    request: pytest.FixtureRequest,
    films: dict[str, Upload],
    tmp_path_factory: pytest.TempPathFactory,
) -> Upload:
    kind = request.param
    if kind not in films:
        films[kind] = probe_upload(FILMS[kind].make(tmp_path_factory.mktemp("counted")))
    return films[kind]


def cut(
    film: Upload,
    clips: list[Clip],
    build: FfmpegBuild,
    folder: Path,
    change: str | None = None,
    **asked: Any,
) -> list[Path]:
    """Each of them right to the engine and to the oracle, and done otherwise than asked as `change` says; where the
    engine takes the packets by itself, as an ffmpeg makes them too."""
    tasks = copy_tasks(Job(film, tuple(clips)), replace(COPY, **asked), build)
    if any(len(task.attempts) > len(by_ffmpeg(task).attempts) for task in tasks):
        beside = folder / "by-ffmpeg"
        beside.mkdir()
        _judged(film, clips, list(map(by_ffmpeg, tasks)), beside, change)
    told = _judged(film, clips, tasks, folder, change)
    for task, clip in zip(tasks, told, strict=True):  # at once, wherever it was planned so
        assert clip["by_engine"] == (task.attempts[0] not in by_ffmpeg(task).attempts)
    return [Path(made["file"]) for made in told]


def _judged(
    film: Upload, clips: list[Clip], tasks: list[Task], folder: Path, change: str | None
) -> list[dict[str, Any]]:
    with engine(folder) as running:
        told = running.run(tasks)
    assert [(clip["status"], clip["error"], clip["change"]) for clip in told] == [
        ("ok", None, change)
    ] * len(clips)
    oracle = Oracle(film.path)
    for clip, made in zip(clips, told, strict=True):
        wanted = Asked.of(repr(clip.start_s), repr(clip.duration_s))
        verdict = oracle.judge(wanted, Path(made["file"]), None, "copy")
        assert verdict.outcome == RIGHT, (clip, verdict.reasons)
    return told


def _starts(film: Upload) -> list[Clip]:
    """Each of the 8 frames before the access point, it, 2 behind it, and between frames."""
    at = [_written(film, n) for n in range(_KEY - 8, _KEY + 3)]
    at.append(round((at[5] + at[6]) / 2, 6))
    return [Clip(start_s, 0.5) for start_s in at]


def _written(film: Upload, frame: int) -> float:
    """A frame's time as one would write it, and not behind it."""
    return math.floor(film.frame_times_s[frame] * 1e6) / 1e6


@pytest.mark.parametrize("film", [kind for kind in FILMS if kind != "50 s"], indirect=True)
def test_a_clip_is_exact_wherever_it_starts(
    film: Upload, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    cut(film, _starts(film), each_build, tmp_path)


@pytest.mark.parametrize("film", ["50 s"], indirect=True)
def test_what_a_long_group_hides_is_over_in_ten_milliseconds(
    film: Upload, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    (clip,) = cut(film, [Clip(50.72, 0.4)], each_build, tmp_path)
    video, _ = read_tracks(clip)
    assert 1268 < video.frames_stored < 1280
    assert 0 < video.hidden.before_s < 0.002
    assert video.hidden.before_bytes > 50_000


@pytest.mark.parametrize("film", ["closed", "open HEVC"], indirect=True)
def test_a_clip_of_a_clip_of_a_clip_is_exact(
    film: Upload, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    """The pictures that are hidden in it are access points too, squeezed as they are."""
    for depth in range(3):
        folder = tmp_path / str(depth)
        folder.mkdir()
        starts = [Clip(_written(film, n), 0.4) for n in (0, 3, 6)]
        longest = Clip(_written(film, 4), 2.0 - 0.2 * depth)
        *_, clip = cut(film, [*starts, longest], each_build, folder)
        film = probe_upload(clip)
        assert len(film.decoding_ticks) > len(film.frame_times_s)


def test_a_picture_that_is_held_comes_first_and_stays(
    each_build: FfmpegBuild, tmp_path: Path
) -> None:
    still = Counted(
        "held.mp4", ("-fps_mode", "vfr"), filters=",select='lt(n,15)+gt(n,45)'", **_SHORT
    )
    film = probe_upload(still.make(tmp_path))
    clips = [Clip(1.0, 0.4), Clip(1.0, 1.2), Clip(0.5, 1.5)]
    held, *_ = cut(film, clips, each_build, tmp_path)
    video, _ = read_tracks(held)
    assert (video.shown_s, video.end_s) == ((0.0,), pytest.approx(0.4, abs=1e-5))


def test_frames_of_a_variable_rate_are_exact(each_build: FfmpegBuild, tmp_path: Path) -> None:
    uneven = ",settb=1/90000,setpts='PTS+if(eq(mod(N,7),3),-2500,0)+mod(N*N,11)*100'"
    options = ("-fps_mode", "passthrough", "-enc_time_base", "1/90000")
    film = probe_upload(Counted("vfr.mp4", options, filters=uneven, **_SHORT).make(tmp_path))
    assert film.vfr
    cut(film, _starts(film)[::2], each_build, tmp_path)


def test_the_same_sound_from_its_first_sample_on_whatever_its_codec(
    build: FfmpegBuild, tmp_path: Path
) -> None:
    for name, sound in (("mp3.mp4", "libmp3lame"), ("flac.mp4", "flac")):
        for bframes in (0, 3):  # with some ffmpeg seeks a little earlier than it is told
            folder = tmp_path / sound / str(bframes)
            folder.mkdir(parents=True)
            counted = Counted(name, sound=("-c:a", sound), bframes=bframes, **_SHORT)
            clips = [Clip(0.8, 0.5), Clip(1.0, 0.9), Clip(1.9, 0.4)]
            cut(probe_upload(counted.make(folder)), clips, build, folder, audio="copy")


@pytest.mark.parametrize(
    ("file", "codec", "told"),
    [
        ("mp3.mp4", "libmp3lame", "mp3"),
        ("opus.mkv", "libopus", "opus"),
        ("vorbis.mkv", "libvorbis", "vorbis"),
        ("pcm.mov", "pcm_s16le", "pcm_s16le"),
    ],
)
def test_pictures_beside_a_sound_that_is_encoded_are_exact(
    file: str, codec: str, told: str, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    """Long hidden parts: the encoder of the sound begins long after the first picture is read."""
    made = Counted(file, frames=60, gop=50, sound=("-c:a", codec)).make(tmp_path)
    clips = [Clip(0.0, 0.4), Clip(1.0, 0.5), Clip(1.93, 0.3), Clip(2.05, 0.3)]
    said = f"{told} sound encoded as AAC, which all players know"
    cut(probe_upload(made), clips, each_build, tmp_path, change=said)


def test_what_is_hidden_is_told_in_seconds_and_bytes() -> None:
    """Access points every 2 s; decoded in the order of showing."""
    film = invented()
    assert copy_hides(film, Clip(3.0, 1.0)) == modes.hidden_in(film, Clip(3.0, 1.0), "copy")
    assert copy_hides(film, Clip(3.0, 1.0)).preroll_s == pytest.approx(1.0)
    assert copy_hides(film, Clip(2.0, 1.0)).preroll_s == 0.0
    assert copy_hides(film, Clip(3.0, 1.0)).tail_s == 0.0


def invented(**facts: Any) -> Upload:
    places = tuple(range(0, 500, 50))
    known = {
        "decoding_ticks": tuple(n * 512 for n in range(500)),
        "access_places": places,
        "closed_places": places,
    }
    return upload(**known | facts)


def other_look(film: Upload, from_s: float) -> tuple[tuple[float, Look], ...]:
    (first_s, look), *_ = film.looks
    return ((first_s, look), (from_s, replace(look, width=640)))


class TestRefusals:
    """In words, as an error of its own type: mode `auto` takes the next one."""

    @pytest.mark.parametrize(
        ("facts", "settings", "why"),
        [
            ({}, {"crop": "1:1"}, "crop needs mode encode"),
            ({}, {"scale_height": 480}, "scale_height needs mode encode"),
            ({"codec": "vp8"}, {}, "vp8, which browsers do not play from an MP4"),
            ({"pixel_format": "yuv422p"}, {}, "H.264 in yuv422p, which browsers do not play"),
            ({"untimed": 3}, {}, "3 of its packets have no time"),
            ({"container": "avi"}, {}, "its container, avi, has no times at which pictures are"),
            (
                {"access_places": (0,), "key_frame_times_s": (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)},
                {},
                "each of the 5 key frames since 0.000 s count on some before it",
            ),
            ({"clock_turn": ClockTurn(9.0, -4.0)}, {}, "its clock goes back by 4 s at 9.000 s"),
            ({"access_places": (200,)}, {}, "decoding can begin nowhere at or before 3.000 s"),
            ({"damaged_places": (60,)}, {}, "hold no picture"),
            ({"set_turns": (70,)}, {}, "parameter sets between 2.000 and 4.000 s are not"),
            ({"set_turns": (40,)}, {}, "parameter sets between 2.000 and 4.000 s are not"),
            ({"looks": other_look(upload(), 3.5)}, {}, "its pictures change between 2.000 and"),
            ({"looks": other_look(upload(), 1.0)}, {}, "its pictures change between 2.000 and"),
            (
                {"audio": (AudioTrack("vorbis", 48000, 2),)},
                {"audio": "copy"},
                "vorbis sound, which an MP4 cannot hold",
            ),
        ],
    )
    def test_what_cannot_be_copied_is_refused_with_the_reason(
        self, facts: dict[str, Any], settings: dict[str, Any], why: str
    ) -> None:
        job = Job(invented(**facts), (Clip(3.0, 1.0),))
        with pytest.raises(ModeRefused, match=why):
            copy_tasks(job, replace(COPY, **settings), BUILD)

    def test_two_pictures_of_one_time_are_told_as_that(self) -> None:
        """And not as packets that are no pictures: the second is shown a tick later than its packet says."""
        film = invented()
        ticks = list(film.decoding_ticks)
        ticks[80] = ticks[79]
        doubled = replace(film, decoding_ticks=tuple(ticks), repeats=1)
        with pytest.raises(ModeRefused, match=r"some packets between .* have one time"):
            copy_tasks(Job(doubled, (Clip(3.0, 1.0),)), COPY, BUILD)

    def test_what_lies_elsewhere_in_the_film_does_not_matter(self) -> None:
        film = invented(damaged_places=(10, 300), set_turns=(30, 50, 110))
        assert copy_tasks(
            Job(replace(film, looks=other_look(film, 4.0)), (Clip(3.0, 1.0),)), COPY, BUILD
        )


class TestPlan:
    def test_a_start_at_an_access_point_hides_nothing(self) -> None:
        (task,) = copy_tasks(Job(invented(), (Clip(4.0, 1.0),)), COPY, BUILD)
        assert (task.frames_stored, task.frames_shown) == (25, 25)

    def test_reading_begins_at_the_access_point_and_else_at_the_start(self) -> None:
        (task,) = copy_tasks(Job(invented(), (Clip(5.0, 1.0),)), COPY, BUILD)
        runs = [attempt.steps[0] for attempt in task.attempts]
        words = [run.argv for run in runs if isinstance(run, Run)]
        assert words[0][words[0].index("-ss") + 1] == "4.000000"
        assert "-ss" not in words[1]
        assert [attempt.change for attempt in task.attempts] == [
            None,
            "read from the upload's start",
        ]

    def test_the_dispatcher_knows_the_mode(self) -> None:
        job = Job(invented(), (Clip(5.0, 1.0),))
        assert modes.tasks(job, COPY, BUILD) == copy_tasks(job, COPY, BUILD)
        assert modes.frames_shown(job.upload, job.clips[0], COPY).frames == 25
        assert not modes.decodes(COPY)
