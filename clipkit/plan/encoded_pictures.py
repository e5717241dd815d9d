"""What ffmpeg is told of a re-encoded clip's pictures: filters, encoder, times. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil

from clipkit.media.geometry import Framing
from clipkit.media.upload import Upload
from clipkit.plan.colours import colour_filters, pixel_format
from clipkit.plan.entry import Cut, Entry
from clipkit.plan.frames import ShownTicks, shown_ticks
from clipkit.plan.own_pictures import alike_filters
from clipkit.settings import ZIMG, Settings

_MICROSECONDS = 1_000_000
_FEWEST_TICKS = 10_000


def framing(upload: Upload, settings: Settings) -> Framing:
    """Which part of the picture is encoded, in how many pixels. Raises FfmpegError for a crop outside of it."""
    return upload.framing(settings.crop, settings.scale_height)


def timing_filters(cut: Cut, entry: Entry) -> Iterator[str]:
    """The frames of the clip, each at its time in it.

    Nothing here keeps a state that would have to last: ffmpeg starts a graph anew where a picture's
    size or tags change. In microseconds: in a time base as coarse as 1/30 `trim` would round its
    bounds to a frame.
    """
    upload, frames = cut.upload, cut.frames
    yield "settb=AVTB"
    if upload.repeats:
        tick_us = ceil(upload.time_base * _MICROSECONDS)
        yield f"setpts='if(isnan(PREV_OUTPTS),PTS,max(PTS,PREV_OUTPTS+{tick_us}))'"
    low_s, high_s = frames.low_s - float(entry.origin_s), frames.high_s - float(entry.origin_s)
    yield f"trim=start={low_s:.6f}:end={high_s:.6f}"
    yield f"setpts='max(PTS-{entry.graph_us(frames.zero_s)},0)'"


def mp4_tick_s(frame_tick_s: Fraction) -> Fraction:
    """The tick that the MP4 will have, in which the frames' times are whole, or else microseconds.

    ffmpeg's `mov_init` takes the encoder's, if one is a whole part of a second and shorter than 0.1 ms;
    otherwise another, and 5.1 tells bit stream filters of the encoder's ticks and hands them others.
    """
    ticks = frame_tick_s.denominator
    while ticks < _FEWEST_TICKS:
        ticks *= 2
    return Fraction(1, min(ticks, _MICROSECONDS))


def _last_picture_lasts(shows: ShownTicks, tick_s: Fraction, usual_s: float) -> str:
    """To the clip's end: ffmpeg would have it last as long as the one before (or, 5.1, as all others),
    and the clip as long as what it reads of any picture, though that be shown for less.

    0 would be "unknown" to its muxer, which then guesses.
    """
    last_s, end_s = shows.at_ticks[-1] * shows.tick_s, shows.length_ticks * shows.tick_s
    from_s = float(last_s - tick_s / 2)
    left = f"max({float(end_s):.7f}/TB-PTS,1)"
    usual = f"if(DURATION,DURATION,{usual_s:.7f}/TB)"
    return (
        f"setts=pts=PTS:dts=DTS:duration='if(gte(PTS*TB,{from_s:.7f}),{left},min({usual},{left}))'"
    )


def picture_filters(cut: Cut, entry: Entry, of_these: Sequence[str] = ()) -> list[str]:
    """From decoded frames to the clip's; `of_these` are filters that leave some of them out."""
    filters = [*timing_filters(cut, entry), *of_these, *alike_filters(cut.upload, cut.own_look)]
    # Before all that costs more the more pixels there are.
    filters += framing(cut.upload, cut.settings).filters(by_zimg=cut.settings.scaler == ZIMG)
    return [*filters, *colour_filters(cut.own_look, cut.settings)]


def video_options(cut: Cut, entry: Entry) -> dict[str, object]:
    upload, settings = cut.upload, cut.settings
    shows = shown_ticks(upload, cut.frames)
    tick_s = mp4_tick_s(shows.frame_tick_s)
    options: dict[str, object] = {
        "c:v": "libx264",
        "preset": settings.preset,
        "crf": settings.crf,
        # Each frame at its own time: none dropped, doubled or moved to a constant rate.
        "fps_mode": "passthrough",
        "enc_time_base:v": f"{tick_s.numerator}/{tick_s.denominator}",
        # Else 5.1 has edits end in whole milliseconds, before a picture that begins in the last one.
        "movie_timescale": tick_s.denominator,
        "bsf:v": _last_picture_lasts(shows, tick_s, 1 / upload.fps),
    }
    wanted = pixel_format(cut.own_look, settings)
    if wanted:
        options["pix_fmt"] = wanted
    if settings.encoder_threads:
        options["threads"] = settings.encoder_threads
    if settings.bframes is not None:
        options["bf"] = settings.bframes
    if settings.refs is not None:
        options["refs"] = settings.refs
    x264 = []
    if settings.lookahead is not None:
        x264.append(f"rc-lookahead={settings.lookahead}")
    if settings.mbtree is not None:
        x264.append(f"mbtree={int(settings.mbtree)}")
    if x264:
        options["x264-params"] = ":".join(x264)
    return options | {"vf": ",".join(picture_filters(cut, entry))}
