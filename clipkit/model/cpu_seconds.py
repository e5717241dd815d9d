"""CPU seconds of one clip's ffmpeg, for whom no run of the host is known: pixels decoded and encoded x what
each takes, on the machine of the fit (`experiments/benchmarks/memory_model`). Pure.

What is in a picture decides as much as its size: a black film takes half, and a noisy one half as much again.
`model.cpu` says what a tuner reckons with, which has runs of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from clipkit.media.upload import Upload
from clipkit.model.held import beside_copies, encoder_of
from clipkit.model.memory import Pictures, bytes_a_pixel
from clipkit.settings import Settings

SECONDS_EACH = {
    "start": 0.02,
    "sound": 0.012,
    "h264": 0.0027,
    "hevc": 0.0026,
    "vp8": 0.0038,
    "vp9": 0.004,
    "av1": 0.0014,
    "other": 0.0033,
    "ultrafast": 0.0026,
    "superfast": 0.006,
    "veryfast": 0.0096,
    "faster": 0.0165,
    "fast": 0.0245,
    "medium": 0.0277,
    "slow": 0.0401,
    "bframes": 0.0,
    "refs": 0.0006,
    "mbtree": 0.0,
    "converting": 0.0002,
    "tone_map": 0.0104,
    "copied": 0.000035,
}
"""For a second of sound that is encoded, for a picture copied, and for a million pixels: of pictures decoded; encoded,
by preset and for each B-frame and each reference beyond the first; of whole pictures converted; of encoded ones
tone-mapped."""

ALONE, CALIBRATED = (0.45, 1.65), (0.75, 1.3)
"""So many times what is predicted nine in ten clips take, between these: where nothing is known of the upload, and where a
clip of it was measured at the same preset (`experiments/benchmarks/memory_model seconds`). Checked on clips that are
encoded whole alone: of what the other modes take nobody has counted how many lie between."""

SLOWER = {"slower": 1.9, "veryslow": 3.5, "placebo": 10.0}
"""Beside `slow`: not measured here, by x264's own account of its presets, roughly."""


PLACES = (0.05, 0.5, 0.95)
"""Where in a group of pictures a clip begins: in the middle on average, between the others in nine in ten."""
COPYING = ("copy", "snap")


@dataclass(frozen=True, slots=True)
class Work:
    """How many pictures one clip decodes, encodes and copies."""

    decoded: float
    encoded: float
    copied: float


@dataclass(frozen=True, slots=True)
class CpuSeconds:
    """`least` and `most`: between these in nine of ten clips, which was checked of mode `encode` alone."""

    expected: float
    least: float
    most: float


def work_of(mode: str, frames: int, group: float, place: float) -> Work:
    """Of a clip of so many frames that begins at `place` (0 to 1) of a `group` of pictures."""
    before, after = place * group, (1 - place) * group
    if mode in COPYING:
        return Work(0, 0, frames + before)
    encoded = min(frames, after) if mode == "smart" else frames
    return Work(encoded + before, encoded, frames - encoded)


def clip_cpu_seconds(
    upload: Upload, settings: Settings, clip_s: float, speed: float | None = None
) -> CpuSeconds:
    """Of one clip in the settings' mode, which is none that leaves that open; nobody knows where in a group of
    pictures it begins. `speed`: what clips of the upload took at that preset, by what was predicted for them; None:
    none was measured. Raises FfmpegError for a crop outside the picture."""
    if settings.mode == "smart":
        settings = beside_copies(settings, upload.avc)
    pictures = Pictures.of(upload, settings)
    frames = max(1, int(clip_s * upload.fps + 0.5))
    group = upload.gop_s * upload.fps
    works = [work_of(settings.mode, frames, group, place) for place in PLACES]
    sound_s = clip_s if pictures.with_sound else 0.0
    usual_s = 0.0 if settings.mode in COPYING else sound_s  # it may have to be encoded all the same
    usual = [cpu_seconds(cpu_terms(pictures, settings, work, usual_s)) for work in works]
    most = [cpu_seconds(cpu_terms(pictures, settings, work, sound_s)) for work in works]
    scale, (lowest, highest) = (1.0, ALONE) if speed is None else (speed, CALIBRATED)
    return CpuSeconds(scale * usual[1], scale * lowest * min(usual), scale * highest * max(most))


def cpu_terms(
    pictures: Pictures, settings: Settings, work: Work, sound_s: float
) -> dict[str, float]:
    """How much there is of each, for the constants to multiply; `sound_s`: of sound that is encoded."""
    told, preset = encoder_of(settings), settings.preset
    deep = 1.4 if bytes_a_pixel(pictures.pixel_format) >= 3 else 1.0
    whole = pictures.width * pictures.height / 1e6
    encoded = pictures.encoded_width * pictures.encoded_height * work.encoded / 1e6
    codec = pictures.codec if pictures.codec in SECONDS_EACH else "other"
    return {
        "start": 1.0,
        "sound": sound_s,
        codec: whole * work.decoded * deep,
        preset if preset in SECONDS_EACH else "slow": encoded * SLOWER.get(preset, 1.0),
        "bframes": encoded * told.bframes,
        "refs": encoded * (told.refs - 1),
        "mbtree": encoded if told.mbtree else 0.0,
        "converting": whole * work.encoded if pictures.converted else 0.0,
        "tone_map": encoded if pictures.tone_mapped else 0.0,
        "copied": work.copied,
    }


def cpu_seconds(terms: dict[str, float]) -> float:
    return sum(SECONDS_EACH[name] * amount for name, amount in terms.items())
