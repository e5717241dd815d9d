"""Measure the facts about an upload, in this process, through PyAV: no ffprobe is needed.

What hostile bytes can do to a process they do to this one: uploads are described in one of its own
(`trial.describing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat
from av.video.stream import VideoStream

from clipkit.errors import UploadError
from clipkit.media.avc import avc_of
from clipkit.media.decoded import decoded_ticks, frames_at
from clipkit.media.dolby_vision import dolby_vision
from clipkit.media.forgotten import without_lost
from clipkit.media.lengths import whole_duration_s
from clipkit.media.nal import nal_format
from clipkit.media.opening import opened_container, regular_file
from clipkit.media.outline import StreamOutline, is_played
from clipkit.media.pace import Pace, pace
from clipkit.media.references import kept_by
from clipkit.media.remarks import remarks
from clipkit.media.scan import Scan, apart, scan
from clipkit.media.sounds import channels, sound_track
from clipkit.media.upload import AudioTrack, ClockTurn, Upload, lies_on_its_side, nearest_tick

# Their demuxers' seek lands on the key frame at or before the target; the others have no index,
# or one that ffmpeg does not keep to.
_EXACT_SEEK = ("mov", "matroska")
_MICROSECONDS = 1_000_000


def probe_upload(path: Path, hashed: bool = True) -> Upload:
    """The facts about the upload at `path`: reads all its packets, decodes its first frame. Not `hashed`: its
    `sha256` is empty.

    Raises UploadError, in one line, where it is no readable regular file or holds no video.
    """
    path = regular_file(Path(path))
    with opened_container(path) as container:
        stream = _film(path, container)
        outlines = tuple(_outlines(container))  # before reading on may find more
        with _hashing(path) if hashed else nullcontext(str) as sha256:
            found = _scan(path, container, stream)
            upload = _upload(path, container, stream, found)
            declared_frames = stream.frames
            upload = replace(
                upload, sha256=sha256(), streams=outlines, video_bytes=found.video_bytes
            )
    return replace(upload, warnings=remarks(upload, found, declared_frames))


def _outlines(container: InputContainer) -> Iterator[StreamOutline]:
    for stream in container.streams:
        if not is_played(stream.type):
            continue
        context = stream.codec_context
        codec = context.codec.canonical_name if context else "unknown"
        pictures = context if isinstance(context, VideoCodecContext) else None
        size = (pictures.width, pictures.height) if pictures else (0, 0)
        yield StreamOutline(stream.index, stream.type, codec, *size, number=stream.id)


@contextmanager
def _hashing(path: Path) -> Iterator[Callable[[], str]]:
    """The file's hash, found meanwhile, by another core where there is one: it lets go of the GIL."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 (who only cuts does without)

    pool = ThreadPoolExecutor(1)
    try:
        yield pool.submit(_sha256, path).result
    finally:
        pool.shutdown(wait=False)  # what is refused is refused at once


def _sha256(path: Path) -> str:
    import hashlib  # noqa: PLC0415 (as above)

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _films(container: InputContainer) -> list[VideoStream]:
    """The video streams that are no cover art."""
    return [s for s in container.streams.video if not _is_picture(s)]


def _is_picture(stream: Stream) -> bool:
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _film(path: Path, container: InputContainer) -> VideoStream:
    films = _films(container)
    if not films:
        raise UploadError(f"{path} has no video stream: clips need pictures, choose another file")
    if films[0].codec_context is None:
        raise UploadError(
            f"{path} has a video codec that is not known here: convert it to H.264 first"
        )
    return films[0]


def _scan(path: Path, container: InputContainer, stream: VideoStream) -> Scan:
    found = scan(container, stream)
    if found.turned_by is not None and not found.frame_ticks:
        raise UploadError(f"{path}: its clock goes back at its first picture; convert it first")
    if found.untimed:
        with opened_container(path) as again:
            ticks = decoded_ticks(again, _same(again, stream)) or found.frame_ticks
            found = replace(found, frame_ticks=ticks, repeated_ticks=())
    if found.first is None or not found.frame_ticks:
        raise UploadError(
            f"{path}: not one frame of its video can be decoded; upload or copy it again"
        )
    if len(found.looks) > 1:
        found = without_lost(path, found, stream)
    if not found.repeated_ticks:
        return found
    with opened_container(path) as again:
        # The two fields of a picture.
        if frames_at(again, _same(again, stream), found.repeated_ticks[0]) < 2:
            return replace(found, repeated_ticks=())
    return replace(found, frame_ticks=apart([*found.frame_ticks, *found.repeated_ticks]))


def _same(again: InputContainer, stream: VideoStream) -> VideoStream:
    film = again.streams[stream.index]
    assert isinstance(film, VideoStream)  # noqa: S101 (the same file: for the type checker)
    return film


@dataclass(frozen=True, slots=True)
class _Clock:
    """A stream's ticks to seconds from the container's start."""

    time_base: Fraction
    origin_ticks: int

    @classmethod
    def of(cls, container: InputContainer, time_base: Fraction) -> _Clock:
        start = Fraction(container.start_time or 0, _MICROSECONDS)
        return cls(time_base, nearest_tick(start, time_base))

    def exact_s(self, ticks: int) -> Fraction:
        return (ticks - self.origin_ticks) * self.time_base

    def seconds(self, ticks: int) -> float:
        return (ticks - self.origin_ticks) * self.time_base.numerator / self.time_base.denominator


def _upload(path: Path, container: InputContainer, stream: VideoStream, found: Scan) -> Upload:
    """Copies every value: the streams are gone when the container closes."""
    context, first, order = stream.codec_context, found.first, found.order
    assert first is not None  # noqa: S101 (_scan raised otherwise; for the type checker)
    time_base = stream.time_base or Fraction(1, _MICROSECONDS)
    clock = _Clock.of(container, time_base)
    times_s = tuple(map(clock.seconds, found.frame_ticks))
    declared_fps = stream.guessed_rate or stream.average_rate
    speed = pace(times_s, float(declared_fps) if declared_fps else None)
    colours = first.look.colours
    pixel_format = context.pix_fmt or "unknown"
    width, height = context.width, context.height
    turned = lies_on_its_side(first.rotation_deg)
    seek = _seek(container, stream, found)
    tracks = tuple(_track(container, s, found) for s in container.streams.audio)
    place = sound_track(path, stream, container.streams.audio, found.sounding)
    sound = None if place is None else tracks[place]
    video_end_s, end_s = _ends_s(clock, found, speed, sound)
    trusted = found.key_ticks if seek != "none" or found.untrue_keys else ()
    return Upload(
        path=path,
        sha256="",
        size_bytes=path.stat().st_size,
        container=container.format.name,
        container_start_s=(container.start_time or 0) / _MICROSECONDS,
        duration_s=whole_duration_s(path, container, clock.seconds(found.end_ticks)),
        video_end_s=video_end_s,
        end_s=end_s,
        video_stream=stream.index,
        codec=stream.codec.canonical_name,
        profile=stream.profile,
        pixel_format=pixel_format,
        bit_depth=VideoFormat(pixel_format).components[0].bits if context.pix_fmt else 8,
        coded_width=width,
        coded_height=height,
        width=height if turned else width,
        height=width if turned else height,
        pixel_aspect=_pixel_aspect(stream, found, turned),
        rotation_deg=first.rotation_deg,
        time_base=time_base,
        fps=speed.fps,
        vfr=speed.vfr,
        hdr=colours.hdr,
        color_transfer=colours.transfer_name,
        dolby_vision=dolby_vision(path, stream),
        looks=tuple((clock.seconds(ticks), look) for ticks, look in found.looks),
        frame_times_s=times_s,
        # Decoding can always start at the beginning.
        key_frame_times_s=tuple(map(clock.seconds, trusted)) or times_s[:1],
        repeats=len(found.repeated_ticks),
        clock_turn=_clock_turn(clock, found),
        seek=seek,
        audio=tracks,
        sound_track=place,
        other_streams=tuple(_other(container, stream)),
        films=len(_films(container)),
        warnings=(),
        decoding_ticks=tuple(ticks - clock.origin_ticks for ticks in order.ticks),
        access_places=order.access,
        closed_places=order.closed,
        damaged_places=order.damaged,
        set_turns=order.set_turns,
        sets_inside=order.sets_inside,
        untimed=found.untimed,
        untrue_keys=found.untrue_keys,
        pictures_kept=kept_by(stream.codec.canonical_name, context.extradata),
        avc=avc_of(nal_format(stream.codec.canonical_name, context.extradata), context.extradata),
    )


def _pixel_aspect(stream: VideoStream, found: Scan, turned: bool) -> Fraction:
    """As shown; what is not stated, or makes no sense, is square."""
    changes = len(found.looks) > 1
    stated = found.looks[0][1].pixel_aspect if changes else stream.sample_aspect_ratio
    if not stated or stated < 0:
        return Fraction(1)
    return 1 / stated if turned else stated


def _seek(container: InputContainer, stream: VideoStream, found: Scan) -> str:
    """What ffmpeg's input seek, which believes the container's flags, can be trusted with."""
    verified = stream.codec.canonical_name in ("h264", "hevc")  # by their NAL units, in the scan
    all_keys = len(found.key_ticks) == len(found.frame_ticks) > 1
    # An inter codec whose every packet is flagged: a container that flags nothing properly.
    implausible = all_keys and not verified and not stream.codec.intra_only
    turned = found.turned_by is not None  # the same times come again, and a seek may land there
    if turned or found.untrue_keys or found.scrambled or implausible or not found.key_ticks:
        return "none"
    exact = set(container.format.name.split(",")) & set(_EXACT_SEEK)
    return "exact" if exact else "loose"


def _ends_s(
    clock: _Clock, found: Scan, speed: Pace, sound: AudioTrack | None
) -> tuple[Fraction, Fraction]:
    """When the pictures end, and when the film does.

    Where the clock turns, before both pictures and sound do: an ffmpeg that reads on meets the same times
    again, and is stopped by the first picture and the first sound behind a clip's end.
    """
    last, end = found.frame_ticks[-1], found.end_ticks
    video_end_s = clock.exact_s(end)
    if end <= last:  # its packet does not say how long it lasts: as long as the others
        video_end_s = clock.exact_s(last) + Fraction(1 / speed.fps).limit_denominator(_MICROSECONDS)
    heard_s = [until_s for _, until_s in (sound.heard_s if sound and sound.heard_s else ())[-1:]]
    if found.turned_by is None:
        return video_end_s, max([video_end_s, *heard_s])
    margin_s = Fraction(sound.frame_s if sound else 0).limit_denominator(_MICROSECONDS)
    end_s = min([video_end_s, *(until_s - margin_s for until_s in heard_s)])
    return end_s, end_s


def _clock_turn(clock: _Clock, found: Scan) -> ClockTurn | None:
    if found.turned_by is None:
        return None
    return ClockTurn(clock.seconds(found.end_ticks), float(found.turned_by * clock.time_base))


def _track(container: InputContainer, stream: AudioStream, found: Scan) -> AudioTrack:
    context, heard = stream.codec_context, found.heard[stream.index]
    start_s = Fraction(container.start_time or 0, _MICROSECONDS)
    heard_s = tuple((low_s - start_s, high_s - start_s) for low_s, high_s in heard.stretches_s)
    if context is None:
        return AudioTrack("unknown", 0, 0, heard_s, heard.packet_s)
    codec = context.codec.canonical_name
    return AudioTrack(
        codec, context.sample_rate, channels(context), heard_s, heard.packet_s, heard.usual_s
    )


def _other(container: InputContainer, film: VideoStream) -> Iterator[str]:
    """What is neither the video nor sound: `subtitle:mov_text`, `picture:png`, `data`."""
    for stream in container.streams:
        if stream.index == film.index or stream.type == "audio":
            continue
        kind = "picture" if _is_picture(stream) else stream.type
        context = stream.codec_context
        yield f"{kind}:{context.codec.canonical_name}" if context else kind
