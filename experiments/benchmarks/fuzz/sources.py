"""The whole films that mutants are made of: a second and a half each, of every container that is accepted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

LENGTH_S = 1.5
_PICTURE = f"testsrc2=size=96x64:rate=25:duration={LENGTH_S}"
# Brown: what lies high AAC replaces by other noise, and then nothing can be compared.
_SOUND = f"anoisesrc=duration={LENGTH_S}:color=brown:sample_rate=48000:seed=5:amplitude=0.5"
_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "12")
_X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0:keyint=12")
_MPEG2 = ("-c:v", "mpeg2video", "-q:v", "4", "-g", "12", "-bf", "2")

SOURCES: dict[str, tuple[str, ...]] = {
    "plain.mp4": (*_X264, "-c:a", "aac"),
    "first.mp4": (*_X264, "-c:a", "aac", "-movflags", "+faststart"),
    "fragments.mp4": (*_X264, "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"),
    "hevc.mp4": (*_X265, "-tag:v", "hvc1", "-c:a", "aac"),
    "jpeg.mov": ("-c:v", "mjpeg", "-q:v", "5", "-pix_fmt", "yuvj420p", "-c:a", "pcm_s16le"),
    "h264.mkv": (*_X264, "-c:a", "aac"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "12", "-c:a", "libopus"),
    "h264.ts": (*_X264, "-c:a", "aac"),
    "mpeg2.ts": (*_MPEG2, "-c:a", "mp2"),
    "mpeg2.mpg": (*_MPEG2, "-c:a", "mp2"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-q:v", "4", "-g", "12", "-c:a", "mp3"),
    "h264.flv": (*_X264, "-c:a", "aac"),
    "mpeg2.mxf": (*_MPEG2, "-c:a", "pcm_s16le"),
    "wmv2.asf": ("-c:v", "wmv2", "-q:v", "4", "-g", "12", "-c:a", "wmav2"),
}


def make_all(folder: Path) -> dict[str, Path]:
    """Those that are there already are kept: another run's bytes are the same."""
    return {name: source(folder / name) for name in SOURCES}


def source(path: Path) -> Path:
    if not path.exists():
        # Bit-exact: a seed has to give the same mutant in every run.
        exact = (
            "-fflags",
            "+bitexact",
            "-flags:v",
            "+bitexact",
            "-flags:a",
            "+bitexact",
            "-threads",
            "1",
        )
        picture, sound = ("-f", "lavfi", "-i", _PICTURE), ("-f", "lavfi", "-i", _SOUND)
        run(*picture, *sound, *SOURCES[path.name], *exact, str(path))
    return path


def run(*words: str) -> bool:
    """Whether ffmpeg could do it. It is stopped after some seconds: what it is told may be absurd."""
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *words]
    try:
        return subprocess.run(argv, capture_output=True, check=False, timeout=60).returncode == 0
    except subprocess.TimeoutExpired:
        return False
