"""Tasks of clipkit's own engine, mode `encode`: exactly the frames of each clip, re-encoded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import ffmpeg

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.media.upload import Upload
from clipkit.model.memory import clip_anon_bytes
from clipkit.plan.clips import Clip, FrameSpan, Job, span
from clipkit.plan.task import OUTPUT, Attempt, Run, Task
from clipkit.settings import Settings

# 8 bit 4:2:0 is what every browser plays; these need no conversion.
_PLAYABLE = {"yuv420p", "yuvj420p"}
# How far before the wanted key frame to aim in a container without an index: its seek may land
# after its target, and needs the packets before the key frame to find it.
_LOOSE_MARGIN_S = 1.0
_FINEST_TIME_BASE = Fraction(1, 1_000_000)
# The chain of ffmpeg's own documentation for `tonemap`: linear light, BT.709 primaries, Hable.
_TONE_MAP = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,"
    "tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where decoding starts, and from where on the upload times in the filter graph count.

    `keep_times`: the container's times are kept as they are, where ffmpeg's own zero cannot be
    relied upon. Without an index it depends on which streams are mapped; in Matroska on ffmpeg's
    version (5.1 starts with the encoder's delay before the sound, 9.0 with the pictures).
    """

    seek_s: float | None
    origin_s: float
    keep_times: bool


@dataclass(frozen=True, slots=True)
class _Cut:
    """All that decides how one clip is cut."""

    upload: Upload
    clip: Clip
    frames: FrameSpan
    settings: Settings
    build: FfmpegBuild


def encode_tasks(job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
    """One task a clip, in the job's order.

    Raises ClipRangeError for a clip outside its upload, FfmpegError where the build lacks a need.
    """
    build.require(encoders=("libx264",))
    if tone_mapped(job.upload, settings):
        build.require(filters=("zscale", "tonemap"))
    cuts = [_Cut(job.upload, c, span(job.upload, c), settings, build) for c in job.clips]
    return [_task(number, cut) for number, cut in enumerate(cuts, start=1)]


def tone_mapped(upload: Upload, settings: Settings) -> bool:
    return upload.hdr and settings.hdr == "sdr"


def _task(number: int, cut: _Cut) -> Task:
    raw_bytes = cut.upload.coded_width * cut.upload.coded_height * 3 * cut.frames.frames
    return Task(
        number=number,
        output=f"clip-{number:03d}.mp4",
        attempts=tuple(
            Attempt(
                (Run(tuple(_argv(cut, entry))),),
                change=None
                if rank == 0
                else "decoded from the upload's start: seeking lost frames",
            )
            for rank, entry in enumerate(_entries(cut))
        ),
        frames_stored=cut.frames.frames,
        frames_shown=cut.frames.frames,
        predicted_bytes=clip_anon_bytes(cut.upload, cut.settings),
        max_output_bytes=raw_bytes + 16 * MIB,
    )


def _entries(cut: _Cut) -> list[_Entry]:
    """Where to start decoding, cheapest first; the last, from the start, is always right."""
    upload, frames = cut.upload, cut.frames
    origin_s = -upload.container_start_s
    from_the_start = _Entry(None, origin_s, keep_times=True)
    reachable = [t for t in upload.key_frame_times_s if t <= frames.first_s]
    if cut.settings.seek == "output" or upload.seek == "none" or not reachable:
        return [from_the_start]
    if upload.seek == "exact" and frames.first_s > 0:
        if "matroska" in upload.container:
            return [_Entry(frames.first_s, origin_s, keep_times=True), from_the_start]
        return [_Entry(frames.first_s, frames.first_s, keep_times=False), from_the_start]
    seek_s = reachable[-1] - _LOOSE_MARGIN_S
    if seek_s <= 0:
        return [from_the_start]
    return [_Entry(seek_s, origin_s, keep_times=True), from_the_start]


def _argv(cut: _Cut, entry: _Entry) -> list[str]:
    settings = cut.settings
    source = source_options(settings.decoder_threads)
    if entry.seek_s is not None:
        # Without accurate_seek ffmpeg drops nothing itself; `trim` below decides, frame by frame.
        source |= {"ss": f"{entry.seek_s:.6f}", "noaccurate_seek": None}
    upload = ffmpeg.input(f"file:{cut.upload.path}", **source)
    streams = [upload[str(cut.upload.video_stream)]]
    if has_sound(cut.upload, settings):
        streams.append(upload["a:0"])
    target = _video_options(cut, entry) | _audio_options(cut, entry)
    graph = ffmpeg.output(
        *streams,
        OUTPUT,
        map_chapters=-1,
        sn=None,
        dn=None,
        f="mp4",
        movflags="+faststart",
        **target,
    )
    started = command_head(cut.build)
    if settings.filter_threads:
        started += ["-filter_threads", str(settings.filter_threads)]
    if entry.keep_times:
        started.append("-copyts")
    compiled: list[str] = ffmpeg.compile(graph, cmd=started)
    return compiled


def command_head(build: FfmpegBuild) -> list[str]:
    """How every ffmpeg of ours starts: it asks nothing, and tells how far it is."""
    head = [build.path, "-nostdin", "-hide_banner", "-v", "error", "-y"]
    return [*head, "-progress", "pipe:1", "-stats_period", "0.5"]


def source_options(decoder_threads: int = 0) -> dict[str, object]:
    """Uploads are hostile: only the file itself may be opened (no playlist reaches this point)."""
    options: dict[str, object] = {"protocol_whitelist": "file"}
    if decoder_threads:
        options["threads"] = decoder_threads
    return options


def _video_options(cut: _Cut, entry: _Entry) -> dict[str, object]:
    upload, frames, settings = cut.upload, cut.frames, cut.settings
    ticks = max(upload.time_base, _FINEST_TIME_BASE)
    low_s, high_s = frames.low_s - entry.origin_s, frames.high_s - entry.origin_s
    # In microseconds: in a time base as coarse as 1/30 `trim` would round its bounds to a frame.
    filters = ["settb=AVTB", f"trim=start={low_s:.6f}:end={high_s:.6f}", "setpts=PTS-STARTPTS"]
    if upload.width % 2 or upload.height % 2:
        filters.append("crop=trunc(iw/2)*2:trunc(ih/2)*2")  # 4:2:0 has no odd sizes
    options: dict[str, object] = {
        "c:v": "libx264",
        "preset": settings.preset,
        "crf": settings.crf,
        # Each frame at its own time: none dropped, doubled or moved to a constant rate.
        "fps_mode": "passthrough",
        "enc_time_base": f"{ticks.numerator}/{ticks.denominator}",
    }
    if tone_mapped(upload, settings):
        filters.append(_TONE_MAP)
    elif upload.hdr:
        options["pix_fmt"] = "yuv420p10le"
    elif upload.pixel_format not in _PLAYABLE:
        options["pix_fmt"] = "yuv420p"
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
    return options | {"vf": ",".join(filters)}


def has_sound(upload: Upload, settings: Settings) -> bool:
    return settings.audio != "none" and bool(upload.audio)


def _audio_options(cut: _Cut, entry: _Entry) -> dict[str, object]:
    """Sound of the same span as the pictures, in step with them, to within one audio frame."""
    upload, frames, settings = cut.upload, cut.frames, cut.settings
    if not has_sound(cut.upload, settings):
        return {"an": None}
    first_s, end_s = frames.first_s - entry.origin_s, cut.clip.end_s - entry.origin_s
    copies = settings.audio == "copy" or (
        settings.audio == "auto" and upload.audio[0].codec == "aac"
    )
    if copies and first_s == 0:
        # Only where the graph counts from the first frame: packets before it are left out whole.
        return {"c:a": "copy", "copypriorss": 0, "t": f"{end_s:.6f}"}
    trim = f"atrim=start={first_s:.6f}:end={end_s:.6f},asetpts=PTS-{first_s:.6f}/TB"
    return {"c:a": "aac", "b:a": "128k", "af": trim}
