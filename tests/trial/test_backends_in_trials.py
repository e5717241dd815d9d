"""The real services, each built on this machine, in a trial: what the small one of the tests cannot show."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requirements
from running import groups_of, processes_with

from clipkit.backends.building import is_built
from clipkit.backends.declared import backends_named
from clipkit.ceiling.base import Ceiling
from clipkit.errors import BackendError, UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.services import BackendService, Which, backend_service
from clipkit.records.outcome import Outcome
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.run import run_trial
from clipkit.trial.visit import Manner

CLIPS = (Clip(0.5, 0.4), Clip(1.2, 0.6), Clip(2.0, 0.4))
RunsOne = Callable[..., Outcome]


@pytest.fixture(params=["node", "python", "rust"])
def name(request: pytest.FixtureRequest) -> str:
    backend: str = request.param
    try:
        (found,) = backends_named([backend])
        built = is_built(found)
    except (BackendError, UsageError):
        built = False
    if not built:
        why = f"{backend} is not built: clipkit backends build {backend}"
        requirements.missing(f"backend-{backend}", why)
    return backend


@pytest.fixture
def run(
    small: Path, build: FfmpegBuild, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> Iterator[RunsOne]:
    """`run(service, settings)`: a trial in 256 MB, after which nothing is left."""

    def run_one(service: BackendService, settings: Settings) -> Outcome:
        trial = Trial(
            identity=Identity("trying", "service-0123abcd", 0, 7, 1, "grid"),
            job=Job(probe_upload(small), CLIPS),
            subject=service,
            settings=settings,
            build=build,
            host=Host("test", 256 * MIB, None),
            reserve_bytes=0,
            timeout_s=60.0,
            accept_noise=True,
            manner=Manner(rest_s=0.6, health_hz=10.0, poll_s=0.1),
        )
        return run_trial(
            trial,
            lambda limits: real_ceiling(memory_bytes=limits.memory_bytes, cpus=limits.cpus),
            tmp_path,
            lambda _event: None,
        )

    yield run_one
    assert groups_of(os.getpid()) == []
    assert processes_with(str(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_it_cuts_the_job_and_is_told_apart_from_its_ffmpegs(name: str, run: RunsOne) -> None:
    service = backend_service(Which(name))
    outcome = run(service, Settings(concurrency=2, preset="veryfast"))
    record, told = outcome.record, outcome.record.served
    assert (record.status, record.error) == (Status.OK, None)
    assert (told.service, told.service_argv, told.service_told_apart) == (name, "same", "kernel")
    assert told.service_versions == service.versions
    assert service.versions
    assert told.service_launches == 3
    assert told.service_rest_bytes and told.service_rest_bytes > MIB // 2
    assert told.service_clips_peak_bytes and told.service_upload_peak_bytes
    assert record.orchestrator_cpu_s and record.ffmpeg_cpu_s
    assert record.ffmpeg_cpu_s > 0.03
    assert record.wall_s and told.service_gaps_s is not None
    assert 0 <= told.service_gaps_s < record.wall_s
    assert told.service_health_failed == 0
    assert (told.service_died, told.service_exit_code, told.service_job_lost) == (False, 0, False)
    assert all(9 <= row["frames_kept"] <= 16 for row in outcome.clips)


@pytest.mark.parametrize("seek", ["input", "output"])
def test_the_kernels_note_of_its_words_is_the_one_list(name: str, run: RunsOne, seek: str) -> None:
    """All services' words are alike but for the files, whatever the service says of itself."""
    outcome = run(backend_service(Which(name)), Settings(seek=seek, encoder_threads=2))
    for row, clip in zip(outcome.clips, CLIPS, strict=True):
        words = row["argv"]
        place = words.index("-ss")
        assert (place < words.index("-i")) == (seek == "input")
        assert words[place + 1] == f"{clip.start_s:.6f}"
        assert words[words.index("-t") + 1] == f"{clip.duration_s:.6f}"
        assert words[words.index("-protocol_whitelist") + 1] == "file"
        ends = ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "2", "-c:a", "copy"]
        assert words[words.index("-c:v") :][: len(ends)] == ends


def test_the_sketchs_words_seek_where_its_record_says(name: str, run: RunsOne) -> None:
    outcome = run(backend_service(Which(name, "sketched")), Settings())
    words = outcome.clips[0]["argv"]
    found = "input" if words.index("-ss") < words.index("-i") else "output"
    assert outcome.record.settings.seek == found == ("input" if name == "node" else "output")
    assert outcome.record.who == f"{name} as sketched"
    assert outcome.record.settings.encoder_threads == int(
        words[words.index("-threads") + 1] if "-threads" in words else 0
    )
