"""The facts about an upload that decide how it can be cut. Data only; `media.probe` measures them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

from clipkit import format as fmt
from clipkit.media.avc import Avc
from clipkit.media.dolby_vision import DolbyVision
from clipkit.media.geometry import Framing, Shape, framed
from clipkit.media.look import Look
from clipkit.media.outline import StreamOutline


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """`heard_s`: from when to when there is sound, in stretches in which no packet is lost, by their times;
    None: not known. `frame_s`: how long its longest packet lasts, `usual_s`: how long most of them do."""

    codec: str
    sample_rate: int
    channels: int
    heard_s: tuple[tuple[Fraction, Fraction], ...] | None = None
    frame_s: float = 0.0
    usual_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ClockTurn:
    """Where an upload's clock goes back, or leaps, and by how many seconds."""

    at_s: float
    by_s: float

    def __str__(self) -> str:
        way = "goes back" if self.by_s < 0 else "leaps"
        return (
            f"its clock {way} by {fmt.seconds(abs(self.by_s))} at {self.at_s:.3f} s, as where recordings "
            "were joined"
        )


_MICROSECONDS = 1_000_000


def nearest_tick(time_s: Fraction, time_base: Fraction) -> int:
    """ffmpeg knows a container's start in whole microseconds and subtracts it rounded to a stream's
    ticks: so the first frame is at 0 and not a fraction of one before it."""
    return floor(time_s / time_base + Fraction(1, 2))


def lies_on_its_side(rotation_deg: int) -> bool:
    """ffmpeg turns pictures, and their size with them, within a degree of a quarter turn, and else inside their size."""
    return abs(rotation_deg % 180 - 90) <= 1


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload. All times in seconds, counted from the container's start (`container_start_s`).

    `frame_times_s` holds the PTS of every frame that is shown, ascending; `key_frame_times_s` those
    a decoder can start at. `seek` says what ffmpeg's input seek can be trusted with:
    `exact` lands on the key frame at or before the target (MP4, MOV, Matroska), `loose` may land
    after it (MPEG-TS and PS, which have no index), `none`: decode from the start (no true key
    frame is known). `films` counts the video streams that are no cover art; `streams` are those that
    every version of the demuxers has to see; `video_bytes` is what the film's packets hold. Width and
    height are as shown, after rotation, and so is `pixel_aspect`, how wide a pixel is to its height;
    `coded_*` as decoded. `sound_track`: the place in `audio` of the one that clips get, the first of the
    film's own programme that can be decoded; None: there is none. `looks`: from when on its pictures are
    made how; the facts above are those of the first. `video_end_s`: when the time of the last frame is
    over; `end_s`: when the last packet's is, be it of the pictures or of that sound. Both are exact, and
    so is `tick` of a frame's time. `repeats`: frames that have the time of the one before them in the
    file; here they are one tick later. `clock_turn`: what lies behind it is not in these facts.

    For copying (`media.access` reads them): `decoding_ticks` has every packet of the film in the order of
    decoding, hidden ones too, each when it would be shown, in ticks from the container's start; a place in
    it is where decoding can begin (`access_places`, of which `closed_places` open a group that needs
    nothing from before), where a packet holds no picture or has no time (`damaged_places`), or from where
    on the parameter sets are others than the header's and then again these (`set_turns`). `sets_inside`:
    packets repeat them. `untimed`: how many packets have no time. `avc`: what the header of H.264 says.

    `pictures_kept`: how many the stream has its decoder keep; None: it does not say. `untrue_keys`: how many pictures the
    container names key frames that are none.
    """

    path: Path
    sha256: str
    size_bytes: int
    container: str
    container_start_s: float
    duration_s: float
    video_end_s: Fraction
    end_s: Fraction
    video_stream: int
    codec: str
    profile: str | None
    pixel_format: str
    bit_depth: int
    coded_width: int
    coded_height: int
    width: int
    height: int
    pixel_aspect: Fraction
    rotation_deg: int
    time_base: Fraction
    fps: float
    vfr: bool
    hdr: bool
    color_transfer: str | None
    dolby_vision: DolbyVision | None
    looks: tuple[tuple[float, Look], ...]
    frame_times_s: tuple[float, ...]
    key_frame_times_s: tuple[float, ...]
    repeats: int
    clock_turn: ClockTurn | None
    seek: str
    audio: tuple[AudioTrack, ...]
    sound_track: int | None
    other_streams: tuple[str, ...]
    films: int
    warnings: tuple[str, ...]
    streams: tuple[StreamOutline, ...] = ()
    video_bytes: int = 0
    decoding_ticks: tuple[int, ...] = ()
    access_places: tuple[int, ...] = ()
    closed_places: tuple[int, ...] = ()
    damaged_places: tuple[int, ...] = ()
    set_turns: tuple[int, ...] = ()
    sets_inside: bool = False
    untimed: int = 0
    pictures_kept: int | None = None
    untrue_keys: int = 0
    avc: Avc | None = None

    @property
    def is_turned(self) -> bool:
        """Whether it is shown lying on its side of how it is stored."""
        return lies_on_its_side(self.rotation_deg)

    @property
    def shape(self) -> Shape:
        return Shape(self.width, self.height, self.pixel_aspect)

    def framing(self, crop: str | None, scale_height: int | None) -> Framing:
        """What these settings make of its picture. Raises FfmpegError for a crop outside of it."""
        return framed(self.shape, crop, scale_height, self.path)

    @property
    def name(self) -> str:
        """Of the file alone, safe to print and to write, whatever bytes are in it."""
        return fmt.on_one_line(self.path.name)

    @property
    def gop_s(self) -> float:
        """The mean time between key frames; the whole film where it has only one."""
        if len(self.key_frame_times_s) < 2:
            return self.duration_s
        first, last = self.key_frame_times_s[0], self.key_frame_times_s[-1]
        return (last - first) / (len(self.key_frame_times_s) - 1)

    @property
    def sound(self) -> AudioTrack | None:
        """What clips get of its sound."""
        return None if self.sound_track is None else self.audio[self.sound_track]

    @property
    def sound_note(self) -> str | None:
        """What of its sound clips get, where that is not all that one may expect."""
        if not self.audio or self.sound_track == 0:
            return None
        tracks = f"{len(self.audio)} sound track" + ("s" if len(self.audio) > 1 else "")
        if self.sound is None:
            return f"without sound: of {tracks} none is the film's own and can be decoded"
        return (
            f"sound of track {(self.sound_track or 0) + 1} of {len(self.audio)} "
            f"({self.sound.codec}), the first of the film's own that can be decoded"
        )

    @property
    def origin_ticks(self) -> int:
        """Which of the pictures' ticks is the container's start, as ffmpeg reckons."""
        start = Fraction(round(self.container_start_s * _MICROSECONDS), _MICROSECONDS)
        return nearest_tick(start, self.time_base)

    def tick(self, frame: int) -> int:
        """When the frame of that number is shown, in ticks from the container's start."""
        return round(
            self.frame_times_s[frame] * self.time_base.denominator / self.time_base.numerator
        )

    def facts(self) -> dict[str, Any]:
        """The upload as JSON: every fact but the single frame times, which are counted."""
        return {
            "path": str(self.path),
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "container": self.container,
            "container_start_s": self.container_start_s,
            "duration_s": self.duration_s,
            "video_end_s": float(self.video_end_s),
            "end_s": float(self.end_s),
            "codec": self.codec,
            "profile": self.profile,
            "pixel_format": self.pixel_format,
            "bit_depth": self.bit_depth,
            "pictures_kept": self.pictures_kept,
            "reorder_depth": self.avc.reorder_depth if self.avc else None,
            "width": self.width,
            "height": self.height,
            "coded_width": self.coded_width,
            "coded_height": self.coded_height,
            "pixel_aspect": f"{self.pixel_aspect.numerator}:{self.pixel_aspect.denominator}",
            "rotation_deg": self.rotation_deg,
            "fps": self.fps,
            "vfr": self.vfr,
            "hdr": self.hdr,
            "color_transfer": self.color_transfer,
            "dolby_vision_profile": self.dolby_vision.profile if self.dolby_vision else None,
            "picture_changes": [{"time_s": s, **look.facts()} for s, look in self.looks[1:]],
            "frames": len(self.frame_times_s),
            "key_frames": len(self.key_frame_times_s),
            "key_frame_times_s": list(self.key_frame_times_s),
            "gop_s": self.gop_s,
            "seek": self.seek,
            "audio": [
                {"codec": a.codec, "sample_rate": a.sample_rate, "channels": a.channels}
                for a in self.audio
            ],
            "sound_track": self.sound_track,
            "other_streams": list(self.other_streams),
            "films": self.films,
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        picture = f"{self.codec} {self.width}x{self.height} at {self.fps:.5g} fps"
        length = f"{fmt.seconds(self.duration_s)} of {len(self.frame_times_s)} frames"
        return fmt.brief(self, self.name, picture, length)

    def _repr_html_(self) -> str:
        from clipkit.tables import Table  # noqa: PLC0415 (describing an upload does without)

        rate = f"{self.fps:.5g} fps{', variable' if self.vfr else ''}"
        sounds = [f"{a.codec} {a.sample_rate} Hz {a.channels} ch" for a in self.audio]
        keys = f"{len(self.key_frame_times_s)}, every {self.gop_s:.2f} s; seeking is {self.seek}"
        rows = [
            ("video", f"{self.codec} {self.pixel_format}, {self.width}x{self.height}, {rate}"),
            ("length", f"{fmt.clock(self.duration_s)}, {len(self.frame_times_s)} frames"),
            ("size", f"{fmt.size(self.size_bytes)}, {self.container}"),
            ("rotation", f"{self.rotation_deg} degrees"),
            ("key frames", keys),
            ("sound", "; ".join(sounds) or "none"),
        ]
        if self.hdr:
            rows.append(("HDR", self.color_transfer or "unknown"))
        rows += [("note", warning) for warning in self.warnings]
        return Table(("upload", self.name), tuple(rows))._repr_html_()
