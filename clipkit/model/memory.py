"""Anonymous memory of one clip's ffmpeg: a base, and frames held x the size of a frame.

The constants are fitted by `experiments/benchmarks/memory.py`, which prints them with the errors on
a frame size that each fit has not seen.
"""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass

from clipkit.media.upload import Upload
from clipkit.settings import Settings, UsedSettings


@dataclass(frozen=True, slots=True)
class FramesHeld:
    """What an ffmpeg holds frames for, in numbers of each: decoder and encoder threads, frames
    that x264 looks ahead, B-frames it orders, reference frames, and the encoder threads again where
    motion is refined below a pixel (every preset but ultrafast keeps three filtered planes of a
    frame for that)."""

    always: float
    decoder_threads: float
    encoder_threads: float
    lookahead: float
    bframes: float
    refs: float
    subpixel: float


# x264's presets: rc-lookahead, bframes, ref (x264 --fullhelp).
_PRESETS = {
    "ultrafast": (0, 0, 1),
    "superfast": (0, 3, 1),
    "veryfast": (10, 3, 1),
    "faster": (20, 3, 2),
    "fast": (30, 3, 2),
    "medium": (40, 3, 3),
    "slow": (50, 3, 5),
    "slower": (60, 3, 8),
    "veryslow": (60, 8, 16),
    "placebo": (60, 16, 16),
}

# Off by -14 % to +21 % on the frame sizes from 360p to 2160p that they were fitted on.
BASE_BYTES = 20_710_000
FRAMES_EACH = FramesHeld(
    always=9.92,
    decoder_threads=2.33,
    encoder_threads=3.79,
    lookahead=1.98,
    bframes=6.49,
    refs=0.58,
    subpixel=5.37,
)

# Of what is always held, so much is frames as they are decoded, which crop and scale leave as large as
# they are; all else is encoded. The median of what `experiments/benchmarks/memory.py --framed` finds with
# ffmpeg 9.0, by which the fit was made; off there by -8 % to +6 % on clips of 480 and 720 lines and of
# the 9:16 and 1:1 part, from 1080p and 2160p. ffmpeg 5.1 needs less throughout: off by +1 % to +33 %.
ALWAYS_DECODED = 3.0

# A copy holds packets, and two pictures: ffmpeg decodes the head of an H.264 film to learn its order.
# Measured as the fit's points are, but every 1 ms, since a copy is over in 70: from 180p to 2160p, H.264
# and HEVC, at most 1 MB above this with ffmpeg 5.1, 3 to 8 MB below it with 9.0 (HEVC at 2160p: 30).
# Like the base above, it has the engine's own 8 MB in it.
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
    "bframes",
    "refs",
)
"""The settings that the model accounts for. By the frames that they hold, cells may be compared only
where every other setting agrees: of those the model knows nothing. (CRF changes no frame held.)"""


def clip_anon_bytes(upload: Upload, settings: Settings) -> int:
    """Predicted peak anonymous memory of one ffmpeg, in bytes. Raises FfmpegError for a crop outside the
    picture."""
    if settings.mode == "snap":
        return round(COPY_BASE_BYTES + COPY_FRAMES * frame_bytes(upload))
    held = frames_held(settings, os.cpu_count() or 1)
    counted = zip(astuple(held), astuple(FRAMES_EACH), strict=True)
    frames: float = sum(number * each for number, each in counted)
    decoded = ALWAYS_DECODED + held.decoder_threads * FRAMES_EACH.decoder_threads
    encoded_bytes = (frames - decoded) * encoded_frame_bytes(upload, settings)
    return round(BASE_BYTES + decoded * frame_bytes(upload) + encoded_bytes)


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


def encoded_frame_bytes(upload: Upload, settings: Settings) -> float:
    """The same of a picture as it is encoded: cropped and scaled. Raises FfmpegError for a crop outside."""
    if settings.crop is None and settings.scale_height is None:
        return frame_bytes(upload)
    picture = upload.framing(settings.crop, settings.scale_height)
    return _picture_bytes(picture.width, picture.height, upload.bit_depth)


def _picture_bytes(width: int, height: int, bit_depth: int) -> float:
    columns, rows = -(-width // 16), -(-height // 16)
    return columns * rows * 256 * 1.5 * (2 if bit_depth > 8 else 1)


def frames_held(settings: Settings | UsedSettings, cores: int) -> FramesHeld:
    """`cores`: what ffmpeg sees; left to itself it takes one decoder thread more, and x264 half as
    many again. What is unknown of settings used counts as at its default."""
    if isinstance(settings, UsedSettings):
        settings = settings.asked()
    lookahead, bframes, refs = _PRESETS[settings.preset]
    bframes = bframes if settings.bframes is None else settings.bframes
    lookahead = lookahead if settings.lookahead is None else settings.lookahead
    encoder_threads = settings.encoder_threads or max(1, cores * 3 // 2)
    return FramesHeld(
        always=1,
        decoder_threads=settings.decoder_threads or min(16, cores + 1),
        encoder_threads=encoder_threads,
        lookahead=lookahead,
        bframes=bframes,
        refs=refs if settings.refs is None else settings.refs,
        subpixel=0 if settings.preset == "ultrafast" else encoder_threads,
    )
