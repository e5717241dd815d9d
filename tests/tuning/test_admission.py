"""The models as a function for the user's own queue: in both languages what clipkit itself reckons with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requirements
from inventing_uploads import AAC, upload
from running import clipkit

from clipkit.errors import UsageError
from clipkit.media.upload import Upload
from clipkit.model.cpu_seconds import LEAST, MOST, cpu_seconds, cpu_terms
from clipkit.model.held import frames_held
from clipkit.model.memory import Pictures, bound_bytes, encoding_bytes
from clipkit.settings import PRESETS, Settings
from clipkit.tuning.admission import LANGUAGES, export_admission

CORES = 3
GOP_S = 4.0

_NODE = """
const { admission } = require('./admission.js');
const cases = JSON.parse(require('node:fs').readFileSync(0));
console.log(JSON.stringify(cases.map(({ upload, clip, settings, host }) => {
  const found = admission(upload, clip, settings, host);
  return { bytes: found.bytes, cpu_seconds: found.cpuSeconds, seconds: found.seconds };
})));
"""
_PYTHON = """
import json, sys
from admission import admission
cases = json.load(sys.stdin)
for case in cases:
    film = case["upload"]
    film |= {"pixel_format": film["pixelFormat"], "gop_seconds": film["gopSeconds"]}
print(json.dumps([admission(*(c[k] for k in ("upload", "clip", "settings", "host"))) for c in cases]))
"""

FILMS = [
    upload(audio=(AAC,), sound_track=0),
    upload(coded_width=1919, coded_height=1079, width=1919, height=1079, codec="hevc", bit_depth=10,
           pixel_format="yuv420p10le", hdr=True, pictures_kept=5),
    upload(coded_width=3840, coded_height=2160, width=3840, height=2160, codec="vp9", fps=59.94),
    upload(coded_width=426, coded_height=240, width=426, height=240, codec="prores",
           pixel_format="yuv422p10le"),
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


def expected(film: Upload, settings: Settings, clip_s: float) -> tuple[int, int, float]:
    frames = max(1, int(clip_s * film.fps + 0.5))
    pictures = Pictures.of(film, settings)
    held = frames_held(settings, CORES, pictures.encoded_height)
    anon = encoding_bytes(pictures, held, frames)
    decoded = frames + int(GOP_S / 2 * film.fps + 0.5)
    return (
        anon,
        bound_bytes(anon),
        cpu_seconds(cpu_terms(pictures, settings, decoded, frames, clip_s)),
    )


def cases() -> list[tuple[Upload, Settings, float]]:
    return [(film, each, s) for film in FILMS for each in SETTINGS for s in LENGTHS_S]


def asked(film: Upload, settings: Settings, clip_s: float) -> dict[str, Any]:
    facts = {
        "codec": film.codec,
        "width": film.width,
        "height": film.height,
        "fps": film.fps,
        "pixelFormat": film.pixel_format,
        "hdr": film.hdr,
        "sound": film.sound is not None,
        "kept": film.pictures_kept,
        "gopSeconds": GOP_S,
    }
    told = {name: getattr(settings, name) for name in settings.changed()}
    return {
        "upload": facts,
        "clip": {"seconds": clip_s},
        "settings": told,
        "host": {"cores": CORES},
    }


def answers(language: str, folder: Path) -> list[dict[str, Any]]:
    name = {"javascript": "admission.js", "python": "admission.py"}[language]
    (folder / name).write_text(export_admission(Settings(), language), "utf-8")
    if language == "javascript":
        if not shutil.which("node"):
            requirements.missing("node", "there is no Node.js here")
        argv = ["node", "-e", _NODE]
    else:
        argv = [sys.executable, "-c", _PYTHON]
    told = json.dumps([asked(*case) for case in cases()])
    done = subprocess.run(argv, input=told, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_what_the_model_says(language: str, tmp_path: Path) -> None:
    for case, found in zip(cases(), answers(language, tmp_path), strict=True):
        anon, most, cpu_s = expected(*case)
        assert found["bytes"]["expected"] == pytest.approx(anon, abs=1), case
        assert found["bytes"]["most"] == pytest.approx(most, abs=1), case
        assert found["cpu_seconds"] == pytest.approx(
            {"expected": cpu_s, "least": cpu_s * LEAST, "most": cpu_s * MOST}
        ), case


@pytest.mark.parametrize("language", LANGUAGES)
def test_by_the_clock_it_takes_as_long_as_its_threads_find_cpus(
    language: str, tmp_path: Path
) -> None:
    for (_, settings, _), found in zip(cases(), answers(language, tmp_path), strict=True):
        threads = max(settings.encoder_threads or 4, settings.decoder_threads or 4)
        at_once = found["cpu_seconds"]["expected"] / found["seconds"]["expected"]
        assert at_once == pytest.approx(min(CORES, threads))


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


def test_another_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="knows mode encode alone"):
        export_admission(replace(Settings(), mode="snap"), "python")


def test_the_command_writes_either_language(tmp_path: Path) -> None:
    config = tmp_path / "clipkit.toml"
    config.write_text('[settings]\npreset = "veryfast"\n')
    words = ("export", "--as", "admission", "--config", config)
    default, python = clipkit(*words), clipkit(*words, "--language", "python")
    assert "module.exports = { admission, settings }" in default.out
    assert "def admission(" in python.out
    assert '"preset": "veryfast"' in python.out
    wrong = clipkit(*words, "--language", "cobol")
    assert wrong.code == 2
    assert "javascript" in wrong.complaint
    astray = clipkit("export", "--as", "python", "--config", config, "--language", "python")
    assert (astray.code, "leave it out" in astray.complaint) == (2, True)
