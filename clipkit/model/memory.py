"""Anonymous memory of one clip's ffmpeg: a base, and pictures held x the size of each.

Which pictures these are follows from how x264 and ffmpeg work (`model.held`); what each takes is fitted by
`experiments/benchmarks/memory_model`, which prints the constants here, and how far off they are on uploads
and settings that the fit has not seen.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from clipkit.media.upload import Upload
from clipkit.model.held import FramesHeld, beside_copies, frames_held
from clipkit.settings import Settings

TERMS_EACH = {
    "base": 10_280_000,
    "sound": 3_590_000,
    "scaling": 1_830_000,
    "waiting": 2.02,
    "references": 1.46,
    "refined": 2.37,
    "queued": 0.85,
    "kept": 0.98,
    "h264": 3.97,
    "h264_threads": 1.44,
    "hevc": 5.44,
    "hevc_threads": 1.37,
    "vp8": 3.46,
    "vp8_threads": 0.00,
    "vp9": 2.90,
    "vp9_threads": 1.49,
    "av1": 16.35,
    "av1_threads": 0.37,
    "other": 2.92,
    "other_threads": 1.29,
    "tone_map": 3.13,
}
"""What each of `terms` is multiplied by: those of no picture in bytes, all others in pictures."""

MARGIN = 0.19
"""By so much of what it predicts the model was too low at most, of all that it was fitted and checked on. On 296 clips
of 74 uploads that it had not seen it was 0.11, which covers 96 % of uploads like them (Wilks 1941). Measured later: a VP9
film of 1080 lines, made smaller, took up to 0.28 more (`experiments/benchmarks/memory_model scalers`)."""

OTHER_BUILD_BYTES = 4_000_000
"""What a build takes more that is not the one of the fit: Debian's 5.1, whose many libraries are linked as it
starts. It then predicts 7 % too much on average, and 12 % too little at most."""

FURTHER_BYTES = 2_500_000
"""What a further clip of the same ffmpeg takes besides its encoder and its pictures: an input of its own for its sound,
an output. With it what was measured of 1 and 8 clips is predicted to within the margin
(`experiments/benchmarks/together.py memory`)."""

ENGINE_BYTES = 10_000_000
"""What the engine itself takes, its kernel memory included: 9.0 to 9.5 MB for 1 to 100 clips."""

KERNEL_BYTES = 3_000_000
"""What the kernel keeps for one ffmpeg, for page tables and threads' stacks: 1 MB, and 3 at most seen."""

# A copy holds packets, and two pictures: ffmpeg decodes the head of an H.264 film to learn its order.
# Measured as the fit's points are, but every 1 ms, since a copy is over in 70: from 180p to 2160p, H.264
# and HEVC, at most 1 MB above this with ffmpeg 5.1, 3 to 8 MB below it with 9.0 (HEVC at 2160p: 30).
# It has the engine's own 8 MB in it.
_COPYING = ("copy", "snap")
COPY_BASE_BYTES = 20_000_000
COPY_FRAMES = 2.2

POSTER_FRAMES = 4.0

ACCOUNTED = (
    "preset",
    "crf",
    "concurrency",
    "encoder_threads",
    "decoder_threads",
    "lookahead",
    "mbtree",
    "bframes",
    "refs",
)
"""The settings that the model accounts for. By the frames that they hold, cells may be compared only
where every other setting agrees: of those the model knows nothing. (CRF changes no frame held.)"""

# Pictures between ffmpeg's decoder, filters and encoder, once x264 takes no more than it gives.
QUEUED = 9
# More than any of the numbers held.
_MANY = 1000
# A pixel of linear light: three colours of 4 bytes.
LINEAR_BYTES = 12
# What decoders keep where a stream does not say.
KEPT = {"h264": 4, "hevc": 5}
# Around each picture so many pixels more, in width and in height: x264's, and those of decoders.
CODED_EDGE, DECODED_EDGE = 64, 32
_WITH_TERMS_OF_THEIR_OWN = ("h264", "hevc", "vp8", "vp9", "av1")


@dataclass(frozen=True, slots=True)
class Pictures:
    """What of an upload, and of what its clips show of it, decides their memory. `kept`: pictures that its
    decoder has to keep, by the stream's own word; None: it says nothing. `with_sound`: that is read, decoded
    and written beside them."""

    codec: str
    width: int
    height: int
    pixel_format: str
    kept: int | None
    encoded_width: int
    encoded_height: int
    encoded_depth: int
    scaled: bool
    tone_mapped: bool
    with_sound: bool

    @classmethod
    def of(cls, upload: Upload, settings: Settings) -> Pictures:
        """The largest where they change on the way. Raises FfmpegError for a crop outside the picture."""
        shown = upload.framing(settings.crop, settings.scale_height)
        sizes = [(look.width, look.height) for _, look in upload.looks]
        width, height = max([(upload.coded_width, upload.coded_height), *sizes], key=prod)
        return cls(
            codec=upload.codec,
            width=width,
            height=height,
            pixel_format=upload.pixel_format,
            kept=upload.pictures_kept,
            encoded_width=shown.width,
            encoded_height=shown.height,
            encoded_depth=10 if upload.hdr and settings.hdr == "keep" else 8,
            scaled=shown.is_scaled,
            tone_mapped=upload.hdr and settings.hdr == "sdr",
            with_sound=upload.sound is not None and settings.audio != "none",
        )

    @property
    def converted(self) -> bool:
        """Whether others are encoded than are decoded; cropped ones are the same."""
        return self.scaled or self.pixel_format not in ("yuv420p", "yuvj420p")

    @property
    def decoded_bytes(self) -> float:
        """Of one, as it comes from the decoder: whole blocks, and an edge around them."""
        columns, rows = _whole(self.width) + DECODED_EDGE, _whole(self.height) + DECODED_EDGE
        return columns * rows * bytes_a_pixel(self.pixel_format)

    @property
    def coded_bytes(self) -> float:
        """Of one, as x264 keeps it."""
        columns = _whole(self.encoded_width) + CODED_EDGE
        rows = _whole(self.encoded_height) + CODED_EDGE
        return columns * rows * 1.5 * (2 if self.encoded_depth > 8 else 1)

    @property
    def given_bytes(self) -> float:
        """Of one, as x264 is given it."""
        if not self.converted:
            return self.decoded_bytes
        depth = 2 if self.encoded_depth > 8 else 1
        return self.encoded_width * self.encoded_height * 1.5 * depth


def bytes_a_pixel(pixel_format: str) -> float:
    """By ffmpeg's name of it."""
    deep = 2 if pixel_format.endswith(("le", "be")) else 1
    if pixel_format.startswith(("gray", "pal8")):
        return 1.0 * deep
    if pixel_format.startswith(("rgb", "bgr", "gbr", "0", "arg", "abg")) or "444" in pixel_format:
        return (4.0 if "a" in pixel_format or "0" in pixel_format else 3.0) * deep
    return (2.0 if "422" in pixel_format else 1.5) * deep


def _whole(length: int) -> int:
    return -(-length // 16) * 16


def terms(pictures: Pictures, held: FramesHeld, frames: int | None = None) -> dict[str, float]:
    """Bytes held of each kind, for the constants to multiply, in a clip of so many frames; None: of many."""
    coded, decoded = pictures.coded_bytes, pictures.decoded_bytes
    kept = KEPT.get(pictures.codec, 0) if pictures.kept is None else pictures.kept
    codec = pictures.codec if pictures.codec in _WITH_TERMS_OF_THEIR_OWN else "other"
    many = _MANY if frames is None else frames + 1
    light = pictures.encoded_width * pictures.encoded_height * LINEAR_BYTES
    return {
        "base": 1.0,
        "sound": float(pictures.with_sound),
        "scaling": float(pictures.scaled),
        "waiting": min(held.waiting, many) * coded,
        "references": min(held.references, many) * coded,
        "refined": min(held.refined, many) * coded,
        "queued": max(0, min(QUEUED, many - held.waiting)) * pictures.given_bytes,
        "kept": min(kept, many) * decoded,
        codec: min(1.0, many / QUEUED) * decoded,
        f"{codec}_threads": min(held.decoding, many) * decoded,
        "tone_map": light if pictures.tone_mapped else 0.0,
    }


def encoding_bytes(pictures: Pictures, held: FramesHeld, frames: int | None = None) -> int:
    """Of an ffmpeg that decodes and encodes."""
    found = terms(pictures, held, frames)
    return round(sum(TERMS_EACH[name] * held_bytes for name, held_bytes in found.items()))


def clip_anon_bytes(
    upload: Upload, settings: Settings, frames: int | None = None, cores: int | None = None
) -> int:
    """Predicted peak anonymous memory of one ffmpeg, in bytes: as often too high as too low. `frames`: of the
    clip; None: so many that there could be more. `cores`: that ffmpeg sees; None: those of this machine. Raises
    FfmpegError for a crop outside the picture."""
    if settings.mode in _COPYING:
        return round(COPY_BASE_BYTES + COPY_FRAMES * frame_bytes(upload))
    if settings.mode == "smart":
        settings = beside_copies(settings, upload.avc)
    pictures = Pictures.of(upload, settings)
    held = frames_held(settings, cores or os.cpu_count() or 1, pictures.encoded_height)
    return encoding_bytes(pictures, held, frames) + build_bytes(settings)


def together_anon_bytes(upload: Upload, settings: Settings, frames_of_clips: Sequence[int]) -> int:
    """Predicted peak anonymous memory of one ffmpeg that makes several clips, each of so many frames, out of the
    same decoded pictures: every encoder stays to the end. Raises FfmpegError for a crop outside the picture."""
    pictures = Pictures.of(upload, settings)
    held = frames_held(settings, os.cpu_count() or 1, pictures.encoded_height)
    codec = pictures.codec if pictures.codec in _WITH_TERMS_OF_THEIR_OWN else "other"
    decoder = {"base", "kept", codec, f"{codec}_threads"}
    each = [terms(pictures, held, frames) for frames in frames_of_clips]
    held_bytes = sum(
        TERMS_EACH[name] * (max if name in decoder else sum)(found[name] for found in each)
        for name in each[0]
    )
    further = FURTHER_BYTES * (len(each) - 1)
    return round(held_bytes) + further + build_bytes(settings)


def build_bytes(settings: Settings) -> int:
    return 0 if settings.ffmpeg == "bundled" else OTHER_BUILD_BYTES


def bound_bytes(anon_bytes: int) -> int:
    """What one ffmpeg takes at most of a host's memory, of which the model predicts so much."""
    return round(anon_bytes * (1 + MARGIN)) + KERNEL_BYTES


def least_bytes(anon_bytes: int) -> int:
    """What one ffmpeg takes at least, of which the model predicts so much: by the same margin. Of the 451 clips
    measured two took less, 0.77 and 0.81 of what was predicted."""
    return round(anon_bytes * (1 - MARGIN))


def poster_anon_bytes(upload: Upload, settings: Settings) -> int:
    """What a clip's poster takes besides: frames on its own way to a JPEG, where a tone map's have 12 bytes
    a pixel. Measured: 10 to 13 MB at 1080p, 30 to 43 MB of HDR at 720p, with either build."""
    picture = upload.framing(settings.crop, settings.scale_height)
    return round(POSTER_FRAMES * picture.pixels * (12 if upload.hdr else 1.5))


def frame_bytes(upload: Upload) -> float:
    """One decoded 4:2:0 picture, the largest where they change on the way: 1.5 samples a pixel, whole
    macroblocks, 2 bytes above 8 bit."""
    own = _picture_bytes(upload.coded_width, upload.coded_height, upload.bit_depth)
    looks = (look for _, look in upload.looks)
    return max([own, *(_picture_bytes(look.width, look.height, look.bit_depth) for look in looks)])


def _picture_bytes(width: int, height: int, bit_depth: int) -> float:
    return _whole(width) * _whole(height) * 1.5 * (2 if bit_depth > 8 else 1)
