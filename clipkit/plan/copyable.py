"""Whether a clip can be made by copying its pictures, and from where on. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NoReturn

from clipkit.errors import FfmpegError, ModeRefused
from clipkit.media.access import AccessPoint, access_at_or_before, place_behind
from clipkit.media.upload import Upload
from clipkit.plan.colours import check_base
from clipkit.plan.frames import FrameSpan
from clipkit.plan.own_pictures import copied_shape_unknown
from clipkit.settings import Settings

# What an MP4 can hold and browsers play from it. https://mp4ra.org/registered-types/codecs
SAMPLE_ENTRIES = {"h264": "avc1", "hevc": "hvc1", "av1": "av01", "vp9": "vp09"}
SOUNDS = {"aac", "mp3", "opus", "flac", "alac", "ac3", "eac3"}
# Of H.264, decoders in hardware and in browsers know 8 bit 4:2:0 alone.
PLAYABLE_H264 = {"yuv420p", "yuvj420p"}
# Of key frames at which decoding cannot begin cleanly: a copy holds all from before them, and hides it.
_MOST_PASSED_OVER = 4
# Where PTS are those of decoding, as AVI has them, nobody can tell the order of pictures by them.
_TIMED = ("mov", "matroska", "mpegts", "mpeg", "flv")


def check_film(upload: Upload, settings: Settings) -> None:
    """Raises ModeRefused where nothing of the film can be copied, with what these settings ask for."""
    for name in ("crop", "scale_height"):
        if getattr(settings, name) is not None:
            raise ModeRefused(
                f"mode {settings.mode} copies the pictures of {upload.path} as they are, so {name} needs "
                "mode encode"
            )
    try:
        check_base(upload)
    except FfmpegError as error:
        raise ModeRefused(str(error)) from None
    instead = "use --mode encode, or convert the upload to H.264 first"
    if upload.codec not in SAMPLE_ENTRIES:
        raise ModeRefused(
            f"{upload.path} holds {upload.codec}, which browsers do not play from an MP4, "
            f"so it cannot be copied: {instead}"
        )
    if upload.codec == "hevc" and upload.untrue_keys:  # of others ffmpeg reads the true ones itself
        raise ModeRefused(
            f"{upload.path} names key frames that are none, and so would a copy of its HEVC: {instead}"
        )
    if upload.codec == "h264" and upload.pixel_format not in PLAYABLE_H264:
        raise ModeRefused(
            f"{upload.path} holds H.264 in {upload.pixel_format}, which browsers do not play, "
            f"so it cannot be copied: {instead}"
        )
    check_sound(upload, settings)


def check_sound(upload: Upload, settings: Settings) -> None:
    """Raises ModeRefused for sound that is to be copied and that no MP4 can hold."""
    if settings.audio == "copy" and upload.sound and upload.sound.codec not in SOUNDS:
        raise ModeRefused(
            f"{upload.path} has {upload.sound.codec} sound, which an MP4 cannot hold by copy: "
            "use --audio auto, which re-encodes it"
        )


def is_timed(upload: Upload) -> bool:
    """Whether its container has the times at which pictures are shown."""
    return upload.container.split(",")[0] in _TIMED


def taken(upload: Upload, frames: FrameSpan) -> tuple[int, ...]:
    """The packets that a clip takes, from the last access point at or before its first picture up to the
    last one that its pictures need: when each would be shown, in ticks, in the order of decoding.

    Leading pictures are not among them: shown before the access point, they may need what is not there.
    Raises ModeRefused where there is no such point, or a clip of these packets would be wrong.
    """
    point = _entry_point(upload, frames)
    places = range(point.place, place_behind(upload, point.place, upload.tick(frames.last) + 1))
    ticks = upload.decoding_ticks[places.start : places.stop]
    ticks = tuple(tick for tick in ticks if tick >= point.tick)
    _check(upload, frames, places, ticks)
    return ticks


def _entry_point(upload: Upload, frames: FrameSpan) -> AccessPoint:
    if upload.untimed:
        _refuse(upload, f"{upload.untimed} of its packets have no time")
    if not is_timed(upload):
        _refuse(
            upload, f"its container, {upload.container}, has no times at which pictures are shown"
        )
    if upload.clock_turn:
        _refuse(upload, str(upload.clock_turn))
    first_s = upload.tick(frames.first) * upload.time_base
    found = access_at_or_before(upload, first_s)
    if found is None:
        _refuse(upload, f"decoding can begin nowhere at or before {float(first_s):.3f} s")
    since_s = float(found.tick * upload.time_base)
    keys_s = upload.key_frame_times_s
    passed_over = bisect_right(keys_s, float(first_s)) - bisect_right(keys_s, since_s)
    if passed_over > _MOST_PASSED_OVER:
        _refuse(
            upload,
            f"pictures behind each of the {passed_over} key frames since {since_s:.3f} s count on some before it",
        )
    return found


def _check(upload: Upload, frames: FrameSpan, places: range, ticks: tuple[int, ...]) -> None:
    from_s, to_s = float(ticks[0] * upload.time_base), float(frames.end_s)
    where = f"between {from_s:.3f} and {to_s:.3f} s"
    in_fields = upload.avc is not None and not upload.avc.frames_only
    # The lower field of the last picture comes behind it.
    if _within(upload.damaged_places, range(places.start, places.stop + in_fields)):
        half = ", or only one of a picture's two fields" if in_fields else ""
        _refuse(upload, f"some packets {where} hold no picture{half}")
    renewed = _within(upload.set_turns, places[1:])
    if renewed or bisect_right(upload.set_turns, places.start) % 2:
        _refuse(upload, f"its parameter sets {where} are not those of its header")
    if any(turn_s < to_s for turn_s, _ in upload.looks[1:]):
        _refuse(upload, f"its pictures change {where}, or before it")
    if copied_shape_unknown(upload):
        _refuse(upload, "it has entries for pixels of several shapes")
    if len(set(ticks)) != len(ticks):
        _refuse(upload, f"some packets {where} have one time")
    wanted = [upload.tick(frame) for frame in range(frames.first, frames.last + 1)]
    if sorted(tick for tick in ticks if wanted[0] <= tick <= wanted[-1]) != wanted:
        _refuse(upload, f"its packets {where} are not its pictures, one each")


def _within(places: tuple[int, ...], span: range) -> bool:
    """Whether one of them is in the span."""
    near = bisect_left(places, span.start)
    return near < len(places) and places[near] < span.stop


def _refuse(upload: Upload, why: str) -> NoReturn:
    raise ModeRefused(f"{upload.path} cannot be cut by copying there: {why}; use --mode encode")
