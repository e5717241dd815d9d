"""The argv of `encode`: each option on the side of the input that it is for, and x264 obeys."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from inventing_uploads import upload
from looking import x264_options
from talk import engine

from clipkit.errors import ClipRangeError, FfmpegError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.media.upload import AudioTrack, Upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.encode import encode_tasks
from clipkit.plan.task import OUTPUT, Check, Run, Task
from clipkit.settings import Settings

BUILD = FfmpegBuild(
    choice="bundled",
    path="/opt/ffmpeg",
    version="9.0.2",
    encoders=frozenset({"libx264", "aac"}),
    filters=frozenset({"zscale", "tonemap"}),
)


def planned(film: Upload | None = None, clip: Clip | None = None, **settings: Any) -> Task:
    job = Job(film or upload(), (clip or Clip(7.0, 2.0),))
    return encode_tasks(job, Settings(**settings), BUILD)[0]


def argv(task: Task, attempt: int = 0) -> tuple[str, ...]:
    step, *checks = task.attempts[attempt].steps
    assert isinstance(step, Run)
    assert all(isinstance(check, Check) for check in checks)
    return step.argv


class Sides:
    """An argv taken apart: what precedes the input is for it, what follows for the output; another output, to
    nothing, may come between."""

    def __init__(self, words: tuple[str, ...]) -> None:
        at = words.index("-i")
        self.words = words
        self.program, self.input = words[0], words[at + 1]
        behind = words.index("-") if "-" in words else at + 1
        self.before, self.after = words[1:at], words[behind + 1 : -1]
        self.output = words[-1]

    @staticmethod
    def value(side: tuple[str, ...], option: str) -> str | None:
        return side[side.index(option) + 1] if option in side else None


class TestPlaces:
    def test_the_seek_is_before_the_input_and_nothing_of_the_encoder_is(self) -> None:
        sides = Sides(argv(planned()))
        assert (sides.program, sides.output) == ("/opt/ffmpeg", OUTPUT)
        assert sides.value(sides.before, "-ss") == "7.000000"
        assert "-ss" not in sides.after
        assert not {"-c:v", "-preset", "-crf", "-vf", "-map"} & set(sides.before)
        assert sides.value(sides.after, "-c:v") == "libx264"

    def test_output_seek_decodes_from_the_first_frame(self) -> None:
        task = planned(seek="output")
        sides = Sides(argv(task))
        assert "-ss" not in sides.words
        assert "trim=start=6.980000:end=8.980000" in str(sides.value(sides.after, "-vf"))
        assert len(task.attempts) == 1

    def test_each_kind_of_thread_has_its_own_option_in_its_own_place(self) -> None:
        task = planned(encoder_threads=3, decoder_threads=2, filter_threads=4)
        sides = Sides(argv(task))
        assert sides.value(sides.before, "-threads") == "2"
        assert sides.value(sides.after, "-threads") == "3"
        assert sides.value(sides.before, "-filter_threads") == "4"
        assert sides.words.count("-threads") == 2

    def test_zero_threads_leave_the_choice_to_ffmpeg(self) -> None:
        sides = Sides(argv(planned(encoder_threads=0, decoder_threads=0, filter_threads=0)))
        assert not {"-threads", "-filter_threads"} & set(sides.words)

    def test_only_the_film_and_the_first_sound_are_mapped(self) -> None:
        film = upload(video_stream=2, audio=(AudioTrack("aac", 48000, 2),) * 2)
        words = argv(planned(film))
        mapped = [words[at + 1] for at, word in enumerate(words) if word == "-map"]
        assert mapped == ["0:a:0", "0:2", "0:a:0"]  # the first to nothing: it is decoded
        assert {"-sn", "-dn"} < set(words)

    @pytest.mark.parametrize(
        "name",
        [
            "a;b $(touch x).mp4",
            "-y.mp4",
            "concat:x.mp4",
            "http:x.mp4",
            "new\nline.mp4",
            "影片 🎬.mp4",
            "%03d.mp4",
            "{output}.mp4",
            "'\"\\.mp4",
        ],
    )
    def test_a_hostile_name_is_one_word_and_a_file(self, name: str) -> None:
        words = argv(planned(upload(path=Path("/uploads", name))))
        assert words.count(f"file:/uploads/{name}") == 1
        assert [word for word in words if name in word] == [f"file:/uploads/{name}"]
        assert Sides.value(words, "-protocol_whitelist") == "file"

    @pytest.mark.parametrize(
        ("container", "name"),
        [("mov,mp4,m4a,3gp,3g2,mj2", "mov"), ("matroska,webm", "matroska"), ("mpegts", "mpegts")],
    )
    def test_the_format_that_the_probe_found_is_told_and_no_other_allowed(
        self, container: str, name: str
    ) -> None:
        sides = Sides(argv(planned(upload(container=container))))
        assert sides.value(sides.before, "-f") == name
        assert sides.value(sides.before, "-format_whitelist") == name

    def test_a_format_that_no_upload_may_have_is_never_told(self) -> None:
        with pytest.raises(ValueError, match="hls"):
            planned(upload(container="hls"))


class TestAttempts:
    def test_decoding_from_the_start_is_ready_where_a_seek_may_fail(self) -> None:
        task = planned()
        assert [attempt.change is None for attempt in task.attempts] == [True, False]
        assert "decoded from the upload's start" in str(task.attempts[1].change)
        assert "-ss" not in argv(task, 1)

    def test_a_loose_seek_aims_before_the_key_frame(self) -> None:
        film = upload(seek="loose", container="mpegts", container_start_s=1.4)
        sides = Sides(argv(planned(film)))
        assert float(str(sides.value(sides.before, "-ss"))) <= 5.0  # key frames at 4 and 6 s
        assert "-copyts" in sides.before
        # the container's own times are kept: the clip of 7 to 9 s is at 8.4 to 10.4
        assert "trim=start=8.380000:end=10.380000" in str(sides.value(sides.after, "-vf"))

    def test_where_no_key_frame_is_known_to_be_true_nothing_is_sought(self) -> None:
        task = planned(upload(seek="none", key_frame_times_s=(0.0,)))
        assert len(task.attempts) == 1
        assert "-ss" not in argv(task)

    def test_a_task_knows_its_frames_and_bounds_its_file(self) -> None:
        task = planned(clip=Clip(7.0, 2.0))
        assert (task.number, task.output) == (1, "clip-001.mp4")
        assert (task.frames_stored, task.frames_shown) == (50, 50)
        assert 50 * 1280 * 720 < task.max_output_bytes < 50 * 1280 * 720 * 10

    def test_a_picture_that_stands_for_long_leaves_room_for_its_sound(self) -> None:
        film = upload([0.0], duration_s=1200.0, video_end_s=Fraction(1200))
        task = planned(film, Clip(0.0, 1100.0))
        assert task.frames_stored == 1
        assert task.max_output_bytes > 1100 * 640_000 / 8

    @pytest.mark.parametrize(("audio", "said"), [("copy", True), ("auto", True), ("aac", False)])
    def test_a_sound_that_is_not_copied_is_told_of_unless_that_was_asked(
        self, audio: str, said: bool
    ) -> None:
        film = upload(container="matroska,webm")
        for attempt in planned(film, audio=audio).attempts:
            assert ("AAC sound encoded anew" in str(attempt.change).replace("aac", "AAC")) is said

    def test_in_matroska_reading_begins_before_the_sound_that_covers_the_start(self) -> None:
        film = upload(container="matroska,webm")
        assert Sides.value(argv(planned(film, Clip(8.0, 2.0))), "-ss") == "7.700000"
        silent = upload(container="matroska,webm", audio=())
        assert Sides.value(argv(planned(silent, Clip(8.0, 2.0))), "-ss") == "8.000000"

    def test_tasks_are_in_the_jobs_order(self) -> None:
        clips = (Clip(9.0, 1.0), Clip(1.0, 1.0), Clip(5.0, 1.0))
        tasks = encode_tasks(Job(upload(), clips), Settings(), BUILD)
        assert [task.number for task in tasks] == [1, 2, 3]
        starts = [Sides.value(argv(task), "-ss") for task in tasks]
        assert starts == ["9.000000", "1.000000", "5.000000"]

    def test_a_task_survives_the_way_to_the_engine(self) -> None:
        task = planned()
        assert Task.from_json(task.to_json()) == task

    def test_a_clip_outside_is_refused_before_anything_starts(self) -> None:
        with pytest.raises(ClipRangeError):
            planned(clip=Clip(19.0, 5.0))


class TestPictures:
    def test_frames_keep_their_times_in_the_uploads_own_ticks(self) -> None:
        sides = Sides(argv(planned(upload(time_base=Fraction(1, 30000)))))
        assert sides.value(sides.after, "-enc_time_base:v") == "1/30000"
        assert sides.value(sides.after, "-fps_mode") == "passthrough"

    def test_edits_end_to_the_tick_that_pictures_begin_in(self) -> None:
        """In whole milliseconds a picture that begins 0.3 ms before the clip's end is in none of them."""
        for ticks, written in (
            (25, "12800"),
            (600, "19200"),
            (90_000, "90000"),
            (10**9, "1000000"),
        ):
            words = argv(planned(upload(time_base=Fraction(1, ticks))))
            assert Sides.value(words, "-movie_timescale") == written
            assert Sides.value(words, "-enc_time_base:v") == f"1/{written}"

    def test_an_odd_size_is_cropped_to_an_even_one(self) -> None:
        odd, even = upload(width=161, height=121), upload()
        assert "crop=" in str(Sides.value(argv(planned(odd)), "-vf"))
        assert "crop=" not in str(Sides.value(argv(planned(even)), "-vf"))

    def test_what_no_browser_plays_is_converted(self) -> None:
        ten_bit = argv(planned(upload(pixel_format="yuv420p10le", bit_depth=10)))
        assert Sides.value(ten_bit, "-pix_fmt") == "yuv420p"
        assert "-pix_fmt" not in argv(planned())

    def test_hdr_is_tone_mapped_unless_it_is_to_be_kept(self) -> None:
        film = upload(hdr=True, pixel_format="yuv420p10le", color_transfer="smpte2084")
        assert "tonemap" in str(Sides.value(argv(planned(film)), "-vf"))
        kept = argv(planned(film, hdr="keep"))
        assert "tonemap" not in str(Sides.value(kept, "-vf"))
        assert Sides.value(kept, "-pix_fmt") == "yuv420p10le"


class TestSound:
    def test_aac_is_copied_where_the_clip_counts_from_its_first_frame(self) -> None:
        assert Sides.value(argv(planned()), "-c:a") == "copy"

    def test_what_is_copied_is_decoded_beside_and_looked_at_where_there_were_complaints(
        self,
    ) -> None:
        words = argv(planned())
        at = words.index("-")
        assert words[at - 6 : at + 1] == (
            *("-map", "0:a:0", "-f", "null"),
            *("-af", "atrim=end=2.000000", "-"),
        )
        (check,) = planned().attempts[0].steps[1:]
        assert isinstance(check, Check)
        assert not check.always
        assert f"file:{OUTPUT}" in check.argv
        for other in (planned(audio="aac"), planned(audio="none")):
            assert "-" not in argv(other)
            assert len(other.attempts[0].steps) == 1
        assert len(planned().attempts[1].steps) == 1  # from the start it is re-encoded

    def test_a_packet_that_is_said_to_last_longer_than_any_is_re_encoded(self) -> None:
        for frame_s, coding in ((0.043, "copy"), (1.07, "aac")):
            track = AudioTrack("aac", 48000, 2, frame_s=frame_s)
            assert Sides.value(argv(planned(upload(audio=(track,)))), "-c:a") == coding

    @pytest.mark.parametrize("changes", [{"audio": (AudioTrack("mp3", 44100, 2),)}])
    def test_other_codecs_are_re_encoded(self, changes: dict[str, Any]) -> None:
        words = argv(planned(upload(**changes)))
        assert Sides.value(words, "-c:a") == "aac"
        assert "atrim=start=0.000000:end=2.000000" in str(Sides.value(words, "-af"))

    def test_what_is_re_encoded_though_nobody_asked_for_it_is_said_with_the_reason(self) -> None:
        def said(task: Task, attempt: int = 0) -> str | None:
            return task.attempts[attempt].change

        def heard(codec: str, **facts: Any) -> Upload:
            return upload(audio=(AudioTrack(codec, 48000, 2, **facts),))

        assert said(planned()) is None
        assert said(planned(heard("mp3"))) == "mp3 sound encoded as AAC, which all players know"
        held = said(planned(heard("aac", frame_s=1.07)))
        assert held is not None
        assert "one of its packets lasts 1.070 s" in held
        assert said(planned(), attempt=1) == (
            "AAC sound encoded anew: a copy could not begin with the first picture; "
            "decoded from the upload's start"
        )
        for asked in ("aac", "none"):
            assert said(planned(heard("mp3"), audio=asked)) is None

    def test_it_is_re_encoded_or_left_out_on_request(self) -> None:
        assert Sides.value(argv(planned(audio="aac")), "-c:a") == "aac"
        for task in (planned(audio="none"), planned(upload(audio=()))):
            assert "-an" in argv(task)
            assert "0:a:0" not in argv(task)


class TestBuilds:
    def test_a_build_without_x264_is_refused(self) -> None:
        poor = FfmpegBuild("system", "/opt/poor", "9", frozenset({"aac"}), frozenset())
        with pytest.raises(FfmpegError, match=r"/opt/poor \(9\) lacks encoder libx264"):
            encode_tasks(Job(upload(), (Clip(1, 1),)), Settings(), poor)

    def test_a_build_that_cannot_tone_map_is_refused_for_hdr_alone(self) -> None:
        poor = FfmpegBuild("system", "/opt/poor", "9", frozenset({"libx264"}), frozenset())
        clips = (Clip(1, 1),)
        assert encode_tasks(Job(upload(), clips), Settings(), poor)
        with pytest.raises(FfmpegError, match="lacks filter zscale, filter tonemap"):
            encode_tasks(Job(upload(hdr=True), clips), Settings(), poor)

    def test_a_build_without_zimg_is_refused_where_that_is_to_scale(self) -> None:
        poor = FfmpegBuild("system", "/opt/poor", "9", frozenset({"libx264"}), frozenset())
        job, asked = Job(upload(), (Clip(1, 1),)), Settings(scaler="zimg")
        assert encode_tasks(job, asked, poor)
        with pytest.raises(FfmpegError, match="lacks filter zscale"):
            encode_tasks(job, Settings(scaler="zimg", scale_height=16), poor)


class TestWhatX264ReallyUsed:
    """Read from the stream itself: an option in the wrong place is silently ignored by ffmpeg."""

    @pytest.mark.parametrize(
        ("settings", "used"),
        [
            (
                {"preset": "medium", "lookahead": 7, "bframes": 1, "refs": 2},
                {"rc_lookahead": "7", "bframes": "1", "ref": "2", "mbtree": "1"},
            ),
            ({"preset": "medium", "mbtree": False}, {"mbtree": "0", "ref": "3", "bframes": "3"}),
            (
                {"preset": "ultrafast", "lookahead": 12, "mbtree": True, "bframes": 0, "crf": 31},
                {"rc_lookahead": "12", "mbtree": "1", "bframes": "0", "crf": "31.0"},
            ),
            (
                {"preset": "veryfast", "encoder_threads": 2, "decoder_threads": 1},
                {"threads": "2", "subme": "2", "me": "hex", "crf": "23.0"},
            ),
            (
                {"preset": "veryfast", "encoder_threads": 1, "decoder_threads": 2},
                {"threads": "1", "rc_lookahead": "10", "mbtree": "1", "bframes": "3"},
            ),
            (
                {"preset": "ultrafast"},
                {"threads": "1", "bframes": "0", "ref": "1", "mbtree": "0", "cabac": "0"},
            ),
        ],
        ids=lambda value: "-".join(map(str, value.values())),
    )
    def test_is_what_was_set(
        self,
        settings: dict[str, Any],
        used: dict[str, str],
        small: Path,
        each_build: FfmpegBuild,
        tmp_path: Path,
    ) -> None:
        job = Job(probe_upload(small), (Clip(0.5, 1.0),))
        with engine(tmp_path) as running:
            (clip,) = running.run(encode_tasks(job, Settings(**settings), each_build))
        assert clip["status"] == "ok", clip
        options = x264_options(Path(clip["file"]))
        assert {name: options.get(name) for name in used} == used
