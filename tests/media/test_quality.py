"""VMAF of real clips: of whose frames, by which model, and what is not scored."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from making import Make

from clipkit.ceiling.base import Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media import quality
from clipkit.media.picture import Picture, PictureCheck, look_at, pooled_picture
from clipkit.media.probe import probe_upload
from clipkit.media.quality import Quality, score_clip, scored_windows
from clipkit.media.sample import sample
from clipkit.media.vmaf import Original, Unscored
from clipkit.plan.clips import Clip, Job
from clipkit.plan.frames import span
from clipkit.plan.subjects import subject_named
from clipkit.settings import Settings
from clipkit.trial.execute import Run, execute

TWO_SECONDS = Clip(0.5, 2.0)


@pytest.fixture(scope="session")
def moving(make: Make) -> Path:
    """Three seconds that move, 854x480."""
    return _drawn(make, "moving.mp4", "testsrc2=size=854x480:rate=25:duration=3")


@pytest.fixture(scope="session")
def film() -> Path:
    return sample(20, height=360)


def _drawn(make: Make, name: str, picture: str, *options: str) -> Path:
    quality = ("-preset", "ultrafast", "-crf", "10", *options)
    return make(name, *quality, source=("-f", "lavfi", "-i", picture))


def cut(
    path: Path,
    folder: Path,
    build: FfmpegBuild,
    clip: Clip = TWO_SECONDS,
    *,
    subject: str = "clipkit",
    command: str | None = None,
    **settings: Any,
) -> Path:
    """The file of one clip."""
    asked = Settings(**settings)
    folder = Path(tempfile.mkdtemp(dir=folder))
    tasks = subject_named(subject, asked, command).tasks(
        Job(probe_upload(path), (clip,)), asked, build
    )
    run = Run(folder, concurrency=1, timeout_s=60.0, stop_on_failure=True)
    with open_ceiling(Limits(None, None), Mechanism.NONE) as ceiling:
        (outcome,) = execute(tasks, run, ceiling, lambda _event: None).clips
    assert outcome.status == "ok", outcome.error
    return folder / tasks[0].output


def scored(
    path: Path, folder: Path, build: FfmpegBuild, clip: Clip = TWO_SECONDS, **how: Any
) -> Quality | Unscored:
    upload = probe_upload(path)
    made = probe_upload(cut(path, folder, build, clip, **how))
    return score_clip(made, Original(upload, span(upload, clip)), build)


def vmaf(found: Quality | Unscored) -> float:
    assert isinstance(found, Quality), found
    return found.mean


class TestFrames:
    def test_a_clip_is_compared_with_the_frames_that_it_was_cut_from(
        self, moving: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        upload = probe_upload(moving)
        clip = probe_upload(cut(moving, tmp_path, build, crf=5))
        right = score_clip(clip, Original(upload, span(upload, TWO_SECONDS)), build)
        beside = score_clip(clip, Original(upload, span(upload, Clip(0.54, 2.0))), build)
        assert vmaf(right) > 98
        assert vmaf(beside) < vmaf(right) - 10  # one frame later

    def test_one_score_a_frame_and_the_low_ones_below_the_mean(
        self, film: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        found = scored(film, tmp_path, build, Clip(3.0, 2.0), preset="veryfast", crf=35)
        assert isinstance(found, Quality)
        assert (found.frames, found.model) == (50, "vmaf_v0.6.1")
        assert found.libvmaf
        assert 0 < found.p5 < found.worst_second < found.mean < 100

    def test_of_a_long_clip_five_windows_are_scored(
        self, film: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        found = scored(film, tmp_path, build, Clip(1.0, 18.0))
        assert isinstance(found, Quality)
        assert found.frames == 5 * 50

    def test_windows_reach_from_the_first_frame_to_the_last(self) -> None:
        assert scored_windows(250, 25.0) == ((0, 249),)
        windows = scored_windows(1000, 25.0)
        assert windows == ((0, 49), (238, 287), (475, 524), (712, 761), (950, 999))
        assert scored_windows(300, 25.0, places=2) == ((0, 49), (250, 299))
        assert scored_windows(300, 25.0, places=1) == ((125, 174),)

    def test_a_frame_lost_at_the_end_moves_no_other(
        self, film: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        """As ffmpeg's `-t` does, by the rounding of timestamps."""
        short = "ffmpeg -ss {start} -t 1.96 -i {input} -preset veryfast {output}"
        found = scored(film, tmp_path, build, Clip(3.0, 2.0), subject="command", command=short)
        assert isinstance(found, Quality)
        assert found.frames == 49
        whole = scored(film, tmp_path, build, Clip(3.0, 2.0), preset="veryfast")
        assert found.mean == pytest.approx(vmaf(whole), abs=1)

    def test_where_seeking_loses_frames_they_are_read_from_the_start(
        self, moving: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        """An MP4 without its list of key frames (`stss`): a seek there lands anywhere."""
        blind = tmp_path / "blind.mp4"
        blind.write_bytes(moving.read_bytes().replace(b"stss", b"free"))
        upload = replace(probe_upload(blind), seek="exact")
        clip = probe_upload(cut(moving, tmp_path, build, crf=5))
        assert vmaf(score_clip(clip, Original(upload, span(upload, TWO_SECONDS)), build)) > 98

    def test_a_part_of_the_picture_is_scored_beside_the_same_part(
        self, moving: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        upload = probe_upload(moving)
        for crop, height in (("1:1", None), ("500:400:301:41", None), ("1:1", 360)):
            how = {"crop": crop, "scale_height": height, "crf": 5}
            clip = probe_upload(cut(moving, tmp_path, build, **how))
            shown = span(upload, TWO_SECONDS)
            score = vmaf(score_clip(clip, Original(upload, shown, crop), build))
            assert score > (80 if height else 98)
            whole = score_clip(clip, Original(upload, shown), build)
            assert isinstance(whole, Unscored)
            assert "another shape" in whole.why

    def test_a_container_without_an_index(
        self, make: Make, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        stream = _drawn(
            make, "moving.ts", "testsrc2=size=854x480:rate=25:duration=5", "-g", "25", "-bf", "2"
        )
        assert vmaf(scored(stream, tmp_path, build, Clip(3.1, 1.5), crf=5)) > 98


class TestOtherPictures:
    def test_a_smaller_clip_is_scaled_back_and_scores_less(
        self, film: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        small = "ffmpeg -ss {start} -t {duration} -i {input} -vf scale=320:-2 {output}"
        clip = Clip(3.0, 2.0)
        whole = scored(film, tmp_path, build, clip, preset="medium")
        half = scored(film, tmp_path, build, clip, subject="command", command=small)
        assert 40 < vmaf(half) < vmaf(whole) - 5

    @pytest.mark.parametrize(
        ("filters", "why"),
        [
            ("crop=480:480", "another shape"),
            ("fps=30", "holds 60 frames where the upload has 50"),
            ("select='not(eq(n,9))'", "lacks some in between"),
        ],
    )
    def test_what_no_frame_of_the_upload_stands_beside_is_not_scored(
        self, moving: Path, build: FfmpegBuild, tmp_path: Path, filters: str, why: str
    ) -> None:
        words = "ffmpeg -ss {start} -t {duration} -i {input} -vf " + f'"{filters}"' + " {output}"
        found = scored(moving, tmp_path, build, subject="command", command=words)
        assert isinstance(found, Unscored)
        assert why in found.why

    def test_an_odd_size_is_compared_as_it_was_cropped(
        self, make: Make, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        picture = "testsrc2=size=481x361:rate=25:duration=3,format=yuv444p"
        odd = _drawn(make, "odd.mp4", picture)
        assert vmaf(scored(odd, tmp_path, build, crf=5)) > 97

    def test_from_2160_lines_on_it_is_the_model_of_4k(
        self, make: Make, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        large = _drawn(make, "uhd.mp4", "testsrc2=size=2160x3840:rate=10:duration=2")
        found = scored(large, tmp_path, build, Clip(0.5, 1.0))
        assert isinstance(found, Quality)
        assert found.model == "vmaf_4k_v0.6.1"


class TestNotScored:
    @pytest.mark.parametrize(
        ("picture", "why"),
        [
            ("testsrc2=size=320x240:rate=25:duration=3", "240 lines"),
            ("color=black:size=640x360:rate=25:duration=3,noise=alls=8:allf=t", "black"),
            ("testsrc2=size=640x360:rate=25,trim=end_frame=1,loop=75:1", "still"),
        ],
    )
    def test_pictures_that_the_model_says_nothing_of(
        self, make: Make, build: FfmpegBuild, tmp_path: Path, picture: str, why: str
    ) -> None:
        found = scored(_drawn(make, "unscored.mp4", picture), tmp_path, build)
        assert isinstance(found, Unscored)
        assert why in found.why

    def test_under_a_second(self, moving: Path, build: FfmpegBuild, tmp_path: Path) -> None:
        found = scored(moving, tmp_path, build, Clip(0.5, 0.9))
        assert isinstance(found, Unscored)
        assert "under 1 s" in found.why

    def test_hdr(self, media: Path, build: FfmpegBuild, tmp_path: Path) -> None:
        found = scored(media / "iphone14pro_rotated_hdr.mov", tmp_path, build, Clip(0.2, 1.2))
        assert isinstance(found, Unscored)
        assert "HDR" in found.why

    def test_a_build_without_libvmaf_says_so(
        self, moving: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        lacking = replace(build, filters=build.filters - {"libvmaf"})
        found = scored(moving, tmp_path, lacking)
        assert isinstance(found, Unscored)
        assert "has no libvmaf" in found.why

    def test_scoring_that_takes_too_long_is_stopped(
        self, moving: Path, build: FfmpegBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(quality, "_TIMEOUT_S", 0.05)
        found = scored(moving, tmp_path, build)
        assert found == Unscored("scoring took over 0.05 s")

    def test_a_playlist_that_took_the_uploads_place_is_not_followed(
        self, moving: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        """Between the probe and the score: ffmpeg itself refuses to open a second file."""
        upload, clip = probe_upload(moving), probe_upload(cut(moving, tmp_path, build))
        playlist = tmp_path / "upload.mp4"
        playlist.write_text(f"ffconcat version 1.0\nfile '{moving}'\n")
        found = score_clip(
            clip, Original(replace(upload, path=playlist), span(upload, TWO_SECONDS)), build
        )
        assert isinstance(found, Unscored)
        assert "ffmpeg ended with" in found.why


class TestSamePicture:
    """Of the film's own clips: names of settings decide nothing."""

    @pytest.fixture
    def picture(self, film: Path, build: FfmpegBuild, tmp_path: Path) -> Any:
        def made(**settings: Any) -> Picture:
            upload, clip = probe_upload(film), Clip(3.0, 4.0)
            file = probe_upload(cut(film, tmp_path, build, clip, **settings))
            score = score_clip(file, Original(upload, span(upload, clip)), build)
            return pooled_picture([look_at(file, score)])

        return made

    def test_the_same_settings_with_other_threads(self, picture: Any) -> None:
        one = picture(preset="veryfast", encoder_threads=1, seek="input")
        assert PictureCheck(picture(preset="veryfast", encoder_threads=2, seek="output"), one).same

    def test_another_preset_at_one_crf_is_another(self, picture: Any) -> None:
        fast, slower = picture(preset="ultrafast"), picture(preset="veryfast")
        assert not PictureCheck(fast, slower).same
        assert fast.size_bytes > 2 * slower.size_bytes

    @pytest.mark.parametrize(
        ("knob", "same"),
        [({"lookahead": 0}, False), ({"bframes": 0}, False), ({"lookahead": 10, "refs": 1}, True)],
    )
    def test_a_knob_is_judged_by_what_it_makes(
        self, picture: Any, knob: dict[str, Any], same: bool
    ) -> None:
        plain = picture(preset="veryfast")
        assert PictureCheck(picture(preset="veryfast", **knob), plain).same == same
