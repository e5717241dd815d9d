"""The argv that ffmpeg gets, word for word, recorded by a launcher that becomes the real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Subject
from launchers import Launcher
from running_service import Service

from clipkit.media.formats import CONTAINERS

WITH_EACH_WRAPPER = True

Launch = Callable[..., Launcher]

GUARD = ["-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file"]
PLAYLISTS = {"hls", "concat", "dash", "concatf", "imf", "image2", "lavfi", "applehttp", "webm_dash"}


def expected(formats: str, upload: str, out: str, **changed: list[str]) -> list[str]:
    """The contract's list for a clip of 1 s at 0.5 s; `changed` where a setting changes it."""
    words = {
        "decoder": [],
        "seek_in": ["-ss", "0.500000"],
        "seek_out": [],
        "preset": ["-preset", "ultrafast"],
        "crf": [],
        "encoder": ["-threads", "1"],
        **changed,
    }
    return [
        *(*GUARD, "-format_whitelist", formats, *words["decoder"], *words["seek_in"]),
        *("-i", upload, "-y", *words["seek_out"], "-t", "1.000000"),
        *("-map", "0:v:0", "-map", "0:a:0?", "-c:v", "libx264", *words["preset"], *words["crf"]),
        *(*words["encoder"], "-c:a", "copy", "-movflags", "+faststart"),
        *("-abort_on", "empty_output", "-progress", "pipe:1", "-f", "mp4", out),
    ]


CHANGED = {
    "defaults": ({}, {}),
    "preset": ({"PRESET": "veryfast"}, {"preset": ["-preset", "veryfast"]}),
    "crf": ({"CRF": "23.5"}, {"crf": ["-crf", "23.5"]}),
    "encoder threads": ({"ENCODER_THREADS": "2"}, {"encoder": ["-threads", "2"]}),
    "decoder threads": ({"DECODER_THREADS": "1"}, {"decoder": ["-threads", "1"]}),
    "seek after the input": (
        {"SEEK": "output"},
        {"seek_in": [], "seek_out": ["-ss", "0.500000"]},
    ),
    "all": (
        {"SEEK": "output", "CRF": "0", "ENCODER_THREADS": "3", "DECODER_THREADS": "2"},
        {
            "seek_in": [],
            "seek_out": ["-ss", "0.500000"],
            "crf": ["-crf", "0"],
            "encoder": ["-threads", "3"],
            "decoder": ["-threads", "2"],
        },
    ),
}


@pytest.mark.parametrize(("environment", "changed"), CHANGED.values(), ids=CHANGED)
def test_it_is_the_contracts_word_for_word(
    start: Callable[..., Service],
    launcher: Launch,
    film: Path,
    environment: dict[str, str],
    changed: dict[str, list[str]],
) -> None:
    recorder = launcher()
    service = start(FFMPEG=recorder.path, **environment)
    job = service.cut(film, (0.5, 1))
    assert job["status"] == "done", job
    (argv,) = recorder.argvs()
    formats, upload, out = (
        argv[argv.index("-format_whitelist") + 1],
        argv[argv.index("-i") + 1],
        argv[-1],
    )
    assert argv == expected(formats, upload, out, **changed)
    assert service.data / "uploads" in Path(upload.removeprefix("file:")).parents
    assert service.data / "clips" in Path(out.removeprefix("file:")).parents


def test_only_formats_without_playlists_are_opened(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher()
    start(FFMPEG=recorder.path).cut(film, (0.5, 1))
    (argv,) = recorder.argvs()
    formats = argv[argv.index("-format_whitelist") + 1]
    assert set(formats.split(",")) == set(CONTAINERS)
    assert not PLAYLISTS & set(CONTAINERS)


PRINTED = {
    0: "0.000000",
    1 / 3: "0.333333",
    2 / 3: "0.666667",
    1.1: "1.100000",
    0.0000014: "0.000001",
    1e-9: "0.000000",
    2.9999999: "3.000000",
    1e7: "10000000.000000",
    9_999_999.5: "9999999.500000",
}
"""Whole microseconds, and no exponent, which ffmpeg does not read."""


def test_times_are_printed_from_whole_microseconds(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher()
    start(FFMPEG=recorder.path).cut(film, *((given, given or 1) for given in PRINTED))
    told = [(argv[argv.index("-ss") + 1], argv[argv.index("-t") + 1]) for argv in recorder.argvs()]
    assert [seek for seek, _ in told] == list(PRINTED.values())
    assert [length for _, length in told][1:6] == list(PRINTED.values())[1:6]


def test_as_sketched_are_the_analysis_own_words(
    start: Callable[..., Service], launcher: Launch, film: Path, subject: Subject
) -> None:
    """The guard in front of them; the library of Node.js seeks first, the other two afterwards."""
    recorder = launcher()
    settings = {"ARGV": "sketched", "ENCODER_THREADS": "2", "DECODER_THREADS": "2"}
    service = start(FFMPEG=recorder.path, **settings)
    assert service.cut(film, (0.5, 1))["status"] == "done"
    (argv,) = recorder.argvs()
    assert argv[:6] == GUARD
    seek, source = argv.index("-ss"), argv.index("-i")
    if subject.backend.name == "node":
        assert (seek < source, argv[argv.index("-threads") + 1]) == (True, "2")
        assert argv.index("-threads") > source
        assert argv[source + 2] == "-y"
    else:
        assert seek > source
        assert "-threads" not in argv
    assert float(argv[seek + 1]) == 0.5
