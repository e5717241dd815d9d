"""Mode `snap`, cut for real: pictures and sound from the key frame on, none hidden, none re-encoded."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import looking
import numpy as np
import pytest
from inventing_uploads import upload
from talk import engine

from clipkit.engine.mp4 import read_video_track
from clipkit.errors import ClipRangeError, FfmpegError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.media.upload import AudioTrack, Upload
from clipkit.plan import modes
from clipkit.plan.clips import Clip, Job
from clipkit.plan.frames import span
from clipkit.plan.snap import snap_span, snap_tasks
from clipkit.plan.task import OUTPUT, Check, Patch, Run, Task
from clipkit.settings import Settings

BUILD = FfmpegBuild("bundled", "/opt/ffmpeg", "9.0.2", frozenset(), frozenset())
SNAP = Settings(mode="snap")

_SOUND = ("-f", "lavfi", "-i", "sine=duration=6")
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "50")
_NTSC = ("-vf", "fps=24000/1001")
_UPLOADS: dict[str, tuple[str, tuple[str, ...]]] = {
    "closed groups": ("closed.mp4", (*_X264, "-c:a", "aac")),
    "open groups": ("open.mp4", (*_X264, "-x264-params", "open-gop=1", "-c:a", "aac")),
    "24000/1001": ("ntsc.mp4", (*_X264, *_NTSC, "-c:a", "aac")),
    "matroska": ("film.mkv", (*_X264, *_NTSC, "-c:a", "libopus")),
    "transport stream": ("film.ts", (*_X264, "-c:a", "aac")),
    "late transport stream": ("late.ts", (*_X264, "-c:a", "aac", "-output_ts_offset", "90")),
    "variable": ("vfr.mp4", (*_X264, "-vf", "select='lt(mod(n*n,11),5)'", "-fps_mode", "vfr")),
    "sound for no mp4": ("pcm.mov", (*_X264, "-c:a", "pcm_s16le")),
    "hevc": ("hevc.mov", ("-c:v", "libx265", "-x265-params", "log-level=0:keyint=50")),
    "vp9": ("vp9.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")),
    "av1": ("av1.mkv", ("-c:v", "libsvtav1", "-g", "50", "-preset", "12")),
    "rotated": ("rotated.mp4", ("-c", "copy")),
}
_CLIPS = (Clip(0.0, 1.0), Clip(1.96, 0.08), Clip(2.0, 1.5), Clip(3.301, 1.7), Clip(4.9, 1.0))


@pytest.fixture(params=list(_UPLOADS))
def film(request: pytest.FixtureRequest, make: Any) -> Upload:
    name, options = _UPLOADS[request.param]
    picture = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=6")
    source: tuple[str | Path, ...] = (*picture, *_SOUND)
    if request.param == "rotated":
        closed = make("closed.mp4", *_UPLOADS["closed groups"][1], source=source)
        source = ("-display_rotation", "90", "-i", closed)
    return probe_upload(make(name, *options, source=source))


def planned(film: Upload | None = None, clip: Clip | None = None, **settings: Any) -> Task:
    job = Job(film or upload(), (clip or Clip(7.0, 2.0),))
    return snap_tasks(job, Settings(mode="snap", **settings), BUILD)[0]


def argv(task: Task, attempt: int = 0) -> tuple[str, ...]:
    run = task.attempts[attempt].steps[0]
    assert isinstance(run, Run)
    return run.argv


def cut(tasks: list[Task], folder: Path) -> list[dict[str, Any]]:
    with engine(folder) as running:
        clips = running.run(tasks)
    assert [(clip["status"], clip["error"]) for clip in clips] == [("ok", None)] * len(tasks)
    return clips


class TestClips:
    def test_each_shows_the_uploads_own_pictures_from_the_key_frame_on(
        self, film: Upload, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        source = looking.pictures(film.path, film.video_stream)
        clips = cut(snap_tasks(Job(film, _CLIPS), SNAP, each_build), tmp_path)
        for clip, asked in zip(clips, _CLIPS, strict=True):
            shown = snap_span(film, asked)
            seen = looking.pictures(Path(clip["file"]))
            assert clip["frames"] == seen.count == shown.frames
            same = source.thumbnails[shown.first : shown.last + 1]
            assert np.array_equal(seen.thumbnails, same)  # to the bit: nothing was encoded
            times_s = [t - shown.first_s for t in film.frame_times_s[shown.first :]]
            assert seen.times_s == pytest.approx(times_s[: shown.frames], abs=2e-3)

    def test_each_begins_with_its_first_picture_and_hides_none_before_it(
        self, film: Upload, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        """A player that ignores the edit list shows the same, and some pictures behind the end."""
        source = looking.pictures(film.path, film.video_stream)
        clips = cut(snap_tasks(Job(film, _CLIPS), SNAP, each_build), tmp_path)
        for clip, asked in zip(clips, _CLIPS, strict=True):
            shown, path = snap_span(film, asked), Path(clip["file"])
            assert read_video_track(path).first_shown_s == pytest.approx(0, abs=1e-4)
            bare = tmp_path / f"bare-{path.name}"
            bare.write_bytes(path.read_bytes().replace(b"edts", b"free"))
            seen = looking.pictures(bare).thumbnails[: shown.frames]
            assert np.array_equal(seen, source.thumbnails[shown.first : shown.last + 1])

    def test_the_sound_covers_the_same_span(
        self, film: Upload, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        clips = cut(snap_tasks(Job(film, _CLIPS), SNAP, each_build), tmp_path)
        for clip, asked in zip(clips, _CLIPS, strict=True):
            heard = looking.sound(Path(clip["file"]))
            assert (heard is None) == (not film.audio)
            if heard:
                end_s = asked.end_s - snap_span(film, asked).first_s
                assert heard.start_s == pytest.approx(0, abs=heard.frame_s + 0.03)
                assert heard.end_s == pytest.approx(end_s, abs=heard.frame_s + 0.03)

    def test_where_the_seek_is_after_the_input_the_file_is_read_from_its_start(
        self, film: Upload, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        asked = Job(film, _CLIPS[3:4])
        tasks = snap_tasks(asked, Settings(mode="snap", seek="output"), build)
        assert len(tasks[0].attempts) == 1
        (clip,) = cut(tasks, tmp_path)
        assert "-ss" not in clip["argv"]
        assert clip["frames"] == snap_span(film, _CLIPS[3]).frames


def test_a_real_upload_is_copied_exactly_or_refused_in_words(
    real_video: tuple[Path, dict[str, Any]], build: FfmpegBuild, tmp_path: Path
) -> None:
    film = probe_upload(real_video[0])
    start_s = film.frame_times_s[len(film.frame_times_s) // 2]
    asked = Clip(start_s, max(film.frame_times_s[-1] - start_s, 1 / film.fps))
    try:
        tasks = snap_tasks(Job(film, (asked,)), SNAP, build)
    except FfmpegError as error:
        assert str(film.path) in str(error)
        return
    with engine(tmp_path) as running:
        (clip,) = running.run(tasks)
    if clip["status"] == "failed":  # a packet without a picture is copied too, and found out
        assert any("damaged" in warning for warning in film.warnings)
        assert "frames shown instead of" in clip["error"]
        return
    seen = looking.pictures(Path(clip["file"]))
    assert clip["frames"] == seen.count == snap_span(film, asked).frames


class TestPlan:
    def test_a_clip_starts_at_the_key_frame_before_it_and_says_so(self) -> None:
        task = planned(clip=Clip(7.0, 2.0))  # a key frame each 2 s
        assert task.frames_shown == 75
        assert task.timing
        assert (task.timing.frames, max(task.timing.shown_s())) == (75, 3.0)
        assert task.frames_stored is None
        assert [attempt.change for attempt in task.attempts] == [
            "starts at the key frame 1.000 s before",
            "starts at the key frame 1.000 s before; read from the upload's start",
        ]
        assert planned(clip=Clip(6.0, 2.0)).attempts[0].change is None

    def test_its_pictures_are_ended_by_the_engine(self) -> None:
        _, patch, _ = planned(clip=Clip(7.0, 2.0)).attempts[0].steps
        assert patch == Patch("show_until", {"file": OUTPUT, "end_s": 3.0})

    def test_a_sound_that_is_copied_is_decoded_in_the_end(self) -> None:
        *_, check = planned().attempts[0].steps
        assert isinstance(check, Check)
        assert check.always
        for other in (planned(audio="aac"), planned(audio="none")):
            assert not any(isinstance(step, Check) for step in other.attempts[0].steps)

    def test_only_the_file_itself_may_be_opened(self) -> None:
        words = argv(planned(upload(path=Path("/uploads/http:x.mp4"))))
        assert words.count("file:/uploads/http:x.mp4") == 1
        at = words.index("-protocol_whitelist")
        assert words[at + 1] == "file"
        assert at < words.index("-i")

    def test_nothing_is_encoded_but_sound_that_has_to_be(self) -> None:
        assert "libx264" not in argv(planned())
        assert argv(planned()).count("copy") == 2
        pcm = upload(audio=(AudioTrack("pcm_s16le", 48000, 2),))
        assert argv(planned(pcm)).count("copy") == 1
        assert argv(planned(audio="aac")).count("copy") == 1
        assert "-an" in argv(planned(audio="none"))

    def test_a_clip_beyond_the_upload_is_refused(self) -> None:
        with pytest.raises(ClipRangeError):
            planned(clip=Clip(100.0, 2.0))

    @pytest.mark.parametrize("width", [640, 1280, 3840])
    def test_it_is_admitted_with_less_memory_than_an_encoder(self, width: int) -> None:
        film = upload(coded_width=width, coded_height=width * 9 // 16)
        (encoded,) = modes.tasks(Job(film, (Clip(7.0, 2.0),)), Settings(), _X264_BUILD)
        assert (planned(film).predicted_bytes or 0) < (encoded.predicted_bytes or 0)


_X264_BUILD = FfmpegBuild("bundled", "/opt/ffmpeg", "9", frozenset({"libx264"}), frozenset())


class TestRefusals:
    @pytest.mark.parametrize(
        ("facts", "complaint"),
        [
            ({"codec": "vp8"}, "/uploads/film.mp4 holds vp8, which browsers do not play from an"),
            ({"codec": "prores"}, "holds prores"),
            ({"pixel_format": "yuv422p10le"}, "holds H.264 in yuv422p10le"),
        ],
    )
    def test_pictures_that_cannot_be_copied_name_the_upload_and_the_way_out(
        self, facts: dict[str, Any], complaint: str
    ) -> None:
        with pytest.raises(FfmpegError) as told:
            planned(upload(**facts))
        assert complaint in str(told.value)
        assert "use --mode encode" in str(told.value)

    def test_sound_that_cannot_be_copied_is_refused_where_a_copy_is_asked_for(self) -> None:
        film = upload(audio=(AudioTrack("vorbis", 48000, 2),))
        assert planned(film)
        with pytest.raises(FfmpegError, match=r"vorbis sound, .* use --audio auto"):
            planned(film, audio="copy")

    def test_an_mp4_really_does_not_take_what_is_refused(
        self, make: Any, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        film = make("vp8.webm", "-c:v", "libvpx", "-an", "-deadline", "realtime")
        words = [build.path, "-v", "error", "-i", film, "-c", "copy", tmp_path / "no.mp4"]
        assert subprocess.run(words, capture_output=True, check=False).returncode


class TestModes:
    def test_no_tuner_chooses_a_mode_that_is_not_exact(self) -> None:
        assert [mode for mode in modes.MODES if modes.may_be_chosen(mode)] == [
            "encode",
            "smart",
            "auto",
        ]

    def test_each_mode_is_planned_by_its_own_module(self) -> None:
        job = Job(upload(), (Clip(7.0, 2.0),))
        encoded, copied = (
            modes.tasks(job, Settings(mode=mode), _X264_BUILD) for mode in ("encode", "snap")
        )
        assert "libx264" in argv(encoded[0])
        assert copied == snap_tasks(job, SNAP, _X264_BUILD)
        decoding = [mode for mode in modes.MODES if modes.decodes(Settings(mode=mode))]
        assert decoding == ["encode", "smart", "auto"]

    def test_every_mode_that_may_be_set_is_there(self) -> None:
        for mode in modes.MODES:
            assert Settings(mode=mode)

    def test_what_a_clip_shows_is_told_by_its_mode(self) -> None:
        film, clip = upload(), Clip(7.0, 2.0)
        assert modes.frames_shown(film, clip, Settings()) == span(film, clip)
        snapped = modes.frames_shown(film, clip, SNAP)
        assert (snapped.first_s, snapped.last_s, snapped.frames) == (6.0, 8.96, 75)
