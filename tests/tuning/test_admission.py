"""The models as a function for the user's own queue: in both languages what clipkit itself reckons with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import requirements
from inventing_uploads import AAC, upload
from running import clipkit

from clipkit.errors import ModeRefused
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.avc import Avc
from clipkit.media.probe import probe_upload
from clipkit.media.upload import Upload
from clipkit.model.cpu_seconds import clip_cpu_seconds
from clipkit.model.held import decoder_threads_alone, encoder_threads_alone
from clipkit.model.memory import bound_bytes, clip_anon_bytes
from clipkit.plan.clips import Clip, Job
from clipkit.plan.modes import tasks
from clipkit.settings import PRESETS, Settings
from clipkit.tuning.admission import LANGUAGES, export_admission

CORES = os.cpu_count() or 1
MODES = ("encode", "smart", "copy", "auto")

_NODE = """
const { admission } = require('./admission.js');
const cases = JSON.parse(require('node:fs').readFileSync(0));
console.log(JSON.stringify(cases.map(({ upload, clip, settings, host }) => {
  try {
    const told = ({ bytes, cpuSeconds, seconds }) => ({ bytes, cpu_seconds: cpuSeconds, seconds });
    const found = admission(upload, clip, settings, host);
    const modes = Object.entries(found.modes).map(([mode, each]) => [mode, told(each)]);
    return { ...told(found), mode: found.mode, modes: Object.fromEntries(modes) };
  } catch (error) {
    return { refused: error.message };
  }
})));
"""
_PYTHON = """
import json, sys
from admission import admission
cases = json.load(sys.stdin)
names = {"pixelFormat": "pixel_format", "gopSeconds": "gop_seconds", "reorderDepth": "reorder_depth"}
def answer(case):
    film = {names.get(name, name): value for name, value in case["upload"].items()}
    try:
        return admission(film, case["clip"], case["settings"], case["host"])
    except ValueError as error:
        return {"refused": str(error)}
print(json.dumps([answer(case) for case in cases]))
"""

FILMS = [
    upload(audio=(AAC,), sound_track=0, avc=Avc(100, True, 1, (0,)), gop_frames=120),
    upload(coded_width=640, coded_height=360, width=640, height=360, avc=Avc(66, True, 0, (0,))),
    upload(coded_width=1919, coded_height=1079, width=1919, height=1079, codec="hevc", bit_depth=10,
           pixel_format="yuv420p10le", hdr=True, pictures_kept=5),
    upload(coded_width=3840, coded_height=2160, width=3840, height=2160, codec="vp9", fps=59.94),
    upload(coded_width=426, coded_height=240, width=426, height=240, codec="prores",
           pixel_format="yuv422p10le", bit_depth=10),
    upload(coded_width=720, coded_height=1280, width=720, height=1280, codec="av1", pictures_kept=3),
]  # fmt: skip
SETTINGS = [
    *(Settings(preset=name) for name in PRESETS),
    Settings(preset="medium", encoder_threads=0, decoder_threads=0, audio="none"),
    Settings(preset="veryfast", lookahead=0, bframes=1, refs=4, encoder_threads=4),
    Settings(preset="fast", mbtree=False, scale_height=360, hdr="keep"),
    Settings(preset="superfast", crop="9:16", scale_height=200),
    Settings(preset="slow", crop="200:120:7:9", decoder_threads=4),
]
LENGTHS_S = (0.04, 1.0, 12.0)


def expected(film: Upload, settings: Settings, clip_s: float) -> dict[str, dict[str, float]]:
    """What clipkit itself predicts, in the settings' mode."""
    frames = max(1, int(clip_s * film.fps + 0.5))
    anon = clip_anon_bytes(film, settings, frames)
    return {
        "bytes": {"expected": anon, "most": bound_bytes(anon)},
        "cpu_seconds": asdict(clip_cpu_seconds(film, settings, clip_s)),
    }


Case = tuple[Upload, Settings, float]


def cases() -> list[Case]:
    """Every setting in its own mode, and some of them in each."""
    each = [*SETTINGS, *(replace(s, mode=mode) for mode in MODES for s in SETTINGS[::3])]
    each += [Settings(mode="auto", hidden_preroll="allow"), Settings(mode="snap")]
    return [(film, settings, s) for film in FILMS for settings in each for s in LENGTHS_S]


def asked(film: Upload, settings: Settings, clip_s: float, speed: float | None) -> dict[str, Any]:
    facts = {
        "codec": film.codec,
        "width": film.width,
        "height": film.height,
        "fps": film.fps,
        "pixelFormat": film.pixel_format,
        "hdr": film.hdr,
        "sound": film.sound is not None,
        "kept": film.pictures_kept,
        "reorderDepth": film.avc.reorder_depth if film.avc else None,
        "gopSeconds": film.gop_s,
        "speed": speed,
    }
    told = {name: getattr(settings, name) for name in settings.changed()}
    return {
        "upload": facts,
        "clip": {"seconds": clip_s},
        "settings": told,
        "host": {"cores": CORES},
    }


def answers(
    language: str, folder: Path, about: list[Case], speed: float | None = None
) -> list[dict[str, Any]]:
    name = {"javascript": "admission.js", "python": "admission.py"}[language]
    (folder / name).write_text(export_admission(Settings(), language), "utf-8")
    if language == "javascript":
        if not shutil.which("node"):
            requirements.missing("node", "there is no Node.js here")
        argv = ["node", "-e", _NODE]
    else:
        argv = [sys.executable, "-c", _PYTHON]
    told = json.dumps([asked(*case, speed) for case in about])
    done = subprocess.run(argv, input=told, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_what_the_model_says_in_each_mode(language: str, tmp_path: Path) -> None:
    compared = set()
    for case, found in zip(cases(), answers(language, tmp_path, cases()), strict=True):
        film, settings, clip_s = case
        if "refused" in found:
            assert settings.mode in found["refused"], case
            continue
        for mode, told in found["modes"].items():
            predicted = expected(film, replace(settings, mode=mode), clip_s)
            assert told["bytes"] == pytest.approx(predicted["bytes"], abs=1), (mode, case)
            assert told["cpu_seconds"] == pytest.approx(predicted["cpu_seconds"]), (mode, case)
            compared.add((settings.mode, mode))
        assert found["bytes"]["most"] == max(
            each["bytes"]["most"] for each in found["modes"].values()
        )
        assert found["cpu_seconds"] == found["modes"][found["mode"]]["cpu_seconds"]
        cheapest = min(found["modes"].values(), key=lambda each: each["cpu_seconds"]["expected"])
        assert found["cpu_seconds"] == cheapest["cpu_seconds"]
    of_themselves = {(mode, mode) for mode in ("encode", "smart", "copy", "snap")}
    assert compared == of_themselves | {
        ("smart", "encode"), ("auto", "copy"), ("auto", "smart"), ("auto", "encode")
    }  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_by_the_clock_it_takes_as_long_as_its_threads_find_cpus(
    language: str, tmp_path: Path
) -> None:
    about = [(film, each, s) for film in FILMS for each in SETTINGS for s in LENGTHS_S]
    alone = max(encoder_threads_alone(CORES), decoder_threads_alone(CORES))
    for (_, settings, _), found in zip(about, answers(language, tmp_path, about), strict=True):
        threads = max(settings.encoder_threads or alone, settings.decoder_threads or alone)
        at_once = found["cpu_seconds"]["expected"] / found["seconds"]["expected"]
        assert at_once == pytest.approx(min(CORES, threads))


_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-an", "-g", "25")
_REAL = {
    "plain": _X264,
    "reordered": (*_X264, "-bf", "3"),
    "other colours": ("-c:v", "libx264", "-pix_fmt", "yuv444p", "-an"),
    "no groups": (*_X264, "-x264-params", "keyint=1000:scenecut=0"),
    "vp8": ("-c:v", "libvpx", "-deadline", "realtime", "-an"),
}


@pytest.mark.parametrize("kind", _REAL)
def test_how_auto_and_smart_cut_real_uploads_is_among_what_it_tells(
    kind: str, make: Any, build: FfmpegBuild, tmp_path: Path
) -> None:
    """Of each attempt that the engine may make, no clip needs more than is admitted."""
    film = probe_upload(make(f"film{'.webm' if kind == 'vp8' else '.mp4'}", *_REAL[kind]))
    ways = [Settings(mode=mode) for mode in ("smart", "auto")]
    ways += [replace(ways[1], hidden_preroll="allow"), replace(ways[1], scale_height=60)]
    about = [(film, settings, 0.9) for settings in ways]
    for (_, settings, clip_s), found in zip(about, answers("python", tmp_path, about), strict=True):
        try:
            plan = tasks(Job(film, (Clip(0.3, clip_s),)), settings, build)
        except ModeRefused:
            assert "refused" in found
            continue
        for attempt in plan[0].attempts:
            assert (attempt.mode or settings.mode) in found["modes"], settings
            needs = attempt.needs_bytes or plan[0].predicted_bytes
            assert needs and needs <= found["bytes"]["most"] * 1.01


def test_a_slower_host_takes_longer_and_no_more_memory(tmp_path: Path) -> None:
    (tmp_path / "admission.py").write_text(export_admission(Settings(), "python"), "utf-8")
    program = """
from admission import admission
film, clip = {"codec": "h264", "width": 1280, "height": 720, "fps": 25}, {"seconds": 12}
plain, slow = (admission(film, clip, host={"cores": 2, "speed": n}) for n in (1, 3))
assert slow["bytes"] == plain["bytes"]
assert abs(slow["seconds"]["most"] / plain["seconds"]["most"] - 3) < 1e-9
half = admission(film, clip, host={"cores": 2, "cpus": 0.5})
assert abs(half["seconds"]["most"] / plain["seconds"]["most"] - 2) < 1e-9
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_upload_of_which_clips_were_measured_has_a_narrower_interval(
    language: str, tmp_path: Path
) -> None:
    film, settings = FILMS[0], Settings(preset="veryfast")
    (found,) = answers(language, tmp_path, [(film, settings, 12.0)], speed=1.7)
    predicted = clip_cpu_seconds(film, settings, 12.0, speed=1.7)
    unknown = clip_cpu_seconds(film, settings, 12.0)
    assert found["cpu_seconds"] == pytest.approx(asdict(predicted))
    assert predicted.expected == pytest.approx(1.7 * unknown.expected)
    assert predicted.most / predicted.least < 0.5 * unknown.most / unknown.least


def test_a_mode_that_does_not_cut_the_upload_is_refused_with_what_to_set(tmp_path: Path) -> None:
    vp8 = upload(codec="vp8")
    about = [(vp8, Settings(mode=mode), 1.0) for mode in ("copy", "smart", "auto")]
    copy, smart, auto = answers("python", tmp_path, about)
    assert copy["refused"].startswith("mode copy does not cut this upload")
    assert smart["refused"].endswith("use mode encode or auto")
    assert auto["mode"] == "encode"


def test_the_command_writes_either_language(tmp_path: Path) -> None:
    config = tmp_path / "clipkit.toml"
    config.write_text('[settings]\npreset = "veryfast"\nmode = "auto"\n')
    words = ("export", "--as", "admission", "--config", config)
    default, python = clipkit(*words), clipkit(*words, "--language", "python")
    assert "module.exports = { admission, settings }" in default.out
    assert "def admission(" in python.out
    assert '"preset": "veryfast"' in python.out and '"mode": "auto"' in python.out
    wrong = clipkit(*words, "--language", "cobol")
    assert wrong.code == 2
    assert "javascript" in wrong.complaint
    astray = clipkit("export", "--as", "python", "--config", config, "--language", "python")
    assert (astray.code, "leave it out" in astray.complaint) == (2, True)
