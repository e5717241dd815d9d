"""A backend as a subject: what it is told, and which settings are really its own."""

from __future__ import annotations

import pytest
from inventing_uploads import upload

from clipkit.errors import UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan.clips import Clip, Job
from clipkit.plan.services import BackendService, Which, read_environment
from clipkit.plan.subjects import subject_named
from clipkit.settings import Settings

ASKED = Settings(seek="output", preset="fast", crf=30, concurrency=3, encoder_threads=4)


def service(backend: str = "python", words: str = "same") -> BackendService:
    return BackendService(Which(backend, words), ("start",))


class TestWhatItIsTold:
    def test_the_settings_become_its_environment(self, build: FfmpegBuild) -> None:
        told = service().service(ASKED, build)
        assert told.argv == ("start",)
        place = ("BIND", "PORT", "DATA_DIR", "FFMPEG")
        assert {k: v for k, v in told.environment.items() if k not in place} == {
            "MAX_CONCURRENT": "3",
            "SEEK": "output",
            "PRESET": "fast",
            "CRF": "30",
            "ENCODER_THREADS": "4",
            "ARGV": "same",
        }

    def test_where_it_listens_and_works_is_left_open_until_it_is_started(
        self, build: FfmpegBuild
    ) -> None:
        told = service().service(ASKED, build).environment
        assert (told["PORT"], told["DATA_DIR"], told["FFMPEG"]) == ("{port}", "{data}", "{ffmpeg}")
        assert told["BIND"] == "127.0.0.1"

    def test_the_default_crf_is_left_to_ffmpeg_as_the_original_leaves_it(
        self, build: FfmpegBuild
    ) -> None:
        assert "CRF" not in service().service(Settings(), build).environment

    def test_what_an_experiment_adds_is_there_too_and_names_its_cells(
        self, build: FfmpegBuild
    ) -> None:
        asked = Which("node", "same", "UPLOAD_TO=memory KEEP_S=60")
        told = BackendService(asked, ("start",))
        environment = told.service(Settings(), build).environment
        assert (environment["UPLOAD_TO"], environment["KEEP_S"]) == ("memory", "60")
        assert told.which["service_environment"] == "UPLOAD_TO=memory KEEP_S=60"

    @pytest.mark.parametrize("text", ["UPLOAD_TO", "=memory", "upload_to=memory", "A=1 B"])
    def test_what_is_no_variable_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="is no NAME=VALUE"):
            read_environment(text)

    @pytest.mark.parametrize("name", ["PORT", "FFMPEG", "MAX_CONCURRENT", "ARGV"])
    def test_what_a_trial_decides_is_not_free(self, name: str) -> None:
        with pytest.raises(UsageError, match=f"{name} is not free"):
            read_environment(f"{name}=1")


class TestSettingsUsed:
    @pytest.mark.parametrize("backend", ["node", "python", "rust"])
    def test_the_one_list_follows_what_it_is_told(self, backend: str) -> None:
        used = service(backend).used(ASKED)
        assert (used.seek, used.preset, used.crf, used.concurrency) == ("output", "fast", 30, 3)
        assert (used.encoder_threads, used.decoder_threads, used.audio) == (4, 0, "copy")

    @pytest.mark.parametrize(
        ("backend", "seek", "threads"),
        [("node", "input", 4), ("python", "output", 0), ("rust", "output", 0)],
    )
    def test_the_sketches_follow_less(self, backend: str, seek: str, threads: int) -> None:
        asked = Settings(seek="input", encoder_threads=4, preset="fast")
        used = service(backend, "sketched").used(asked)
        assert (used.seek, used.encoder_threads, used.preset) == (seek, threads, "fast")

    def test_frames_are_decoded_from_where_its_words_seek(self) -> None:
        clip = Clip(7.0, 2.0)
        job = Job(upload(), (clip,))
        assert service().frames_decoded(job, clip, Settings()) == 225 - 150
        assert service().frames_decoded(job, clip, ASKED) == 225
        sketched = service(words="sketched")
        assert sketched.frames_decoded(job, clip, Settings()) == 225


class TestNames:
    def test_which_one_it_is_names_its_cells(self) -> None:
        assert service("rust", "sketched").which == {"service": "rust", "service_argv": "sketched"}

    def test_it_has_to_be_named(self) -> None:
        with pytest.raises(UsageError, match="needs to know which"):
            subject_named("service", Settings())

    def test_an_unknown_one_is_told_with_those_that_there_are(self) -> None:
        with pytest.raises(UsageError, match="'cobol'"):
            subject_named("service", Settings(), which=Which("cobol"))
