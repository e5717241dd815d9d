"""Odd uploads that cameras, recorders and converters write, made here: more of each kind than any table lists."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import fields
import hostile
import imageio_ffmpeg
import isobmff
import joined

Make = Callable[[Path], Path]

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-g", "25", "-bf", "2")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0:keyint=25")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "3", "-g", "12", "-bf", "2")
_AV1 = ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-g", "25")
AAC = ("-c:a", "aac")
COPY = ("-c", "copy")


def ffmpeg(*words: str | Path) -> None:
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
    subprocess.run([*argv, *map(str, words)], check=True, timeout=120)


def picture(size: str = "160x90", rate: str = "25", duration_s: float = 4) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={duration_s}")


def noise(duration_s: float = 4, rate: int = 48000, seed: int = 3) -> tuple[str, ...]:
    told = (
        f"anoisesrc=duration={duration_s}:color=brown:sample_rate={rate}:seed={seed}:amplitude=0.5"
    )
    return ("-f", "lavfi", "-i", told)


def plain(name: str, *options: str, source: tuple[str, ...] | None = None) -> Make:
    def make(folder: Path) -> Path:
        ffmpeg(*(source or (*picture(), *noise())), *options, folder / name)
        return folder / name

    return make


def copied(name: str, *options: str, of: Make, before: tuple[str, ...] = ()) -> Make:
    """Another film's packets, in another container or at other times."""

    def make(folder: Path) -> Path:
        ffmpeg(*before, "-i", of(folder), *COPY, *options, folder / name)
        return folder / name

    return make


def _in_fields(name: str) -> Make:
    """Each field in a packet of its own, 50 a second."""

    def make(folder: Path) -> Path:
        raw = folder / "fields.264"
        raw.write_bytes(fields.film(frames=100, gop=20))
        ffmpeg("-r", "50", "-f", "h264", "-i", raw, *noise(), "-c:v", "copy", *AAC, folder / name)
        return folder / name

    return make


def _in_pairs(name: str, of: Make) -> Make:
    """Both fields of a picture in one packet, as cameras write them."""

    def make(folder: Path) -> Path:
        with av.open(str(of(folder))) as apart, av.open(str(folder / name), "w") as made:
            (film,) = apart.streams.video
            track = made.add_stream_from_template(film)
            packets = [packet for packet in apart.demux(film) if packet.size]
            for upper, lower in zip(packets[::2], packets[1::2], strict=True):
                pair = av.Packet(bytes(upper) + bytes(lower))
                pair.pts, pair.dts, pair.time_base = upper.pts, upper.dts, film.time_base
                pair.duration = (upper.duration or 0) + (lower.duration or 0)
                pair.is_keyframe, pair.stream = upper.is_keyframe, track
                made.mux(pair)
        return folder / name

    return make


def _parts(
    name: str,
    *parts: tuple[str, ...],
    coding: tuple[str, ...],
    offset_s: float = 2,
    sound_s: float = 2,
) -> Make:
    """One film of parts that differ: each two seconds, in transport streams laid end to end."""

    def make(folder: Path) -> Path:
        whole = folder / "whole.ts"
        with whole.open("wb") as file:
            for number, (size, *options) in enumerate(parts):
                part = folder / f"part-{number}.ts"
                source = (*picture(size, duration_s=2), *noise(sound_s, seed=number))
                # All of them late: a first part that begins at 0 is moved by its B-frames, the others are not.
                late = ("-output_ts_offset", str(10 + number * offset_s))
                ffmpeg(*source, *coding, *options, *late, part)
                file.write(part.read_bytes())
        if name.endswith(".ts"):
            return whole.rename(folder / name)
        ffmpeg("-i", whole, *COPY, folder / name)
        return folder / name

    return make


def _patched(of: Make, old: bytes, new: bytes, which: int = 0) -> Make:
    def make(folder: Path) -> Path:
        path = of(folder)
        content = path.read_bytes()
        at = -1
        for _ in range(which + 1):
            at = content.index(old, at + 1)
        path.write_bytes(content[:at] + new + content[at + len(old) :])
        return path

    return make


def cut_off(of: Make, share: float) -> Make:
    def make(folder: Path) -> Path:
        path = of(folder)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        return path

    return make


def _two_entries(name: str, *options: tuple[str, ...]) -> Make:
    """An MP4 of two sample entries (ISO/IEC 14496-12, 8.5.2): each part has its own."""

    def make(folder: Path) -> Path:
        parts = []
        for number, (size, *more) in enumerate(options):
            part = folder / f"part-{number}.mp4"
            coding = (
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-crf",
                "12",
                "-bf",
                "0",
                "-g",
                "25",
            )
            ffmpeg(*picture(size, duration_s=2), *coding, *more, part)
            parts.append(part.read_bytes())
        (folder / name).write_bytes(joined.joined(parts))
        return folder / name

    return make


def _tagged(name: str, transfer: int, primaries: int, matrix: int) -> Make:
    coding = (*X265, "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1", *AAC)
    tags = f"hevc_metadata=colour_primaries={primaries}:transfer_characteristics={transfer}:matrix_coefficients={matrix}"
    return copied(name, "-bsf:v", tags, "-tag:v", "hvc1", of=plain("untagged.mp4", *coding))


def _channels(count: int) -> tuple[str, ...]:
    told = "|".join(f"{0.2 + 0.02 * n:.2f}*sin({300 + 40 * n}*2*PI*t)" for n in range(count))
    return (
        "-f",
        "lavfi",
        "-i",
        f"aevalsrc={told}:duration=4:sample_rate=48000:channel_layout={count}c",
    )


def _programmes(name: str, *maps: str) -> Make:
    def make(folder: Path) -> Path:
        sounds = (*noise(seed=7), *noise(seed=8))
        streams = ("-map", "0:v", "-map", "1:a", "-map", "2:a")
        programmes = [word for told in maps for word in ("-program", told)]
        ffmpeg(*picture(), *sounds, *streams, *X264, *AAC, *programmes, folder / name)
        return folder / name

    return make


# Stretches of a tenth of a second, so that each clip has one.
_SOUND_LOST = "noise=drop='lt(mod(n,25),5)'"
H264 = plain("h264.mkv", *X264, *AAC)
_SLIDES = (*picture(rate="1", duration_s=6), *noise(6))
_STILL = ("-vf", "select='lt(n,5)+gt(n,95)',setpts=PTS", "-fps_mode", "vfr")
_DOUBLED = (
    "setts=pts='if(eq(mod(N,10),9),PREV_OUTPTS,PTS)':dts='if(eq(mod(N,10),9),PREV_OUTDTS,DTS)'"
)


def _parts_by_list(name: str, *parts: tuple[float, float]) -> Make:
    """An MP4 whose edit list shows parts of its film: each from when on and for how long, in seconds."""

    def make(folder: Path) -> Path:
        whole = plain("whole.mp4", *X264, source=picture())(folder)
        delay = 1024  # of its B-frames, in ticks of 1/12800 s
        edits = [(round(1000 * lasts), round(12800 * start) + delay) for start, lasts in parts]
        (folder / name).write_bytes(hostile.with_edits(whole.read_bytes(), *edits))
        return folder / name

    return make


def _with_clap(name: str, of: Make) -> Make:
    """Its sample entry names a part of the picture as its clean aperture (ISO/IEC 14496-12, 12.1.4)."""

    def make(folder: Path) -> Path:
        content = bytearray(of(folder).read_bytes())
        part = isobmff.box(b"clap", struct.pack(">8I", 120, 1, 70, 1, 0, 1, 0, 1))
        found = list(isobmff.boxes(bytes(content)))
        (table, *_) = (one for one in found if one.kind == b"stsd")
        entry = table.body + 8
        ends = entry + int.from_bytes(content[entry : entry + 4])
        around = [one.at for one in found if one.at <= table.at and one.end >= table.end]
        for at in (*around, entry):
            size = int.from_bytes(content[at : at + 4]) + len(part)
            content[at : at + 4] = size.to_bytes(4)
        content[ends:ends] = part
        (folder / name).write_bytes(content)
        return folder / name

    return make


KINDS: dict[str, Make] = {
    "three sizes.ts": _parts(
        "three.ts", ("160x90",), ("240x136",), ("96x64",), coding=(*X264, *AAC)
    ),
    "three sizes.mkv": _parts(
        "three.mkv", ("160x90",), ("240x136",), ("96x64",), coding=(*X264, *AAC)
    ),
    "size changes, MPEG-2.ts": _parts(
        "m2.ts", ("160x96",), ("240x144",), coding=(*MPEG2, "-c:a", "mp2")
    ),
    "size changes, HEVC.ts": _parts("h265.ts", ("160x90",), ("240x136",), coding=(*X265, *AAC)),
    "size changes, in-band.mp4": _parts(
        "band.mp4", ("160x90",), ("240x136",), coding=(*X264, *AAC)
    ),
    "size changes, two entries.mp4": _two_entries("entries.mp4", ("160x90",), ("240x136",)),
    "shape changes, two entries.mp4": _two_entries(
        "shapes.mp4", ("160x90", "-vf", "setsar=1"), ("160x90", "-vf", "setsar=4/3")
    ),
    "shape changes.mkv": _parts(
        "shape.mkv",
        ("160x90", "-vf", "setsar=1"),
        ("160x90", "-vf", "setsar=4/3"),
        coding=(*X264, *AAC),
    ),
    "shape changes.ts": _parts(
        "shape.ts",
        ("160x90", "-aspect", "4:3"),
        ("160x90", "-aspect", "16:9"),
        coding=(*MPEG2, "-c:a", "mp2"),
    ),
    "colour changes.ts": _parts(
        "colour.ts",
        ("160x90", "-vf", "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709"),
        (
            "160x90",
            "-vf",
            "setparams=colorspace=smpte170m:color_primaries=smpte170m:color_trc=smpte170m",
        ),
        coding=(*X264, *AAC),
    ),
    "sound overlaps.ts": _parts(
        "o.ts", ("160x90",), ("160x90",), coding=(*X264, *AAC), sound_s=2.07
    ),
    "clock wraps.ts": plain("wraps.ts", *X264, *AAC, "-output_ts_offset", "95440.5"),
    "clock restarts, MPEG-2.ts": _parts(
        "re.ts", ("160x96",), ("160x96",), coding=(*MPEG2, "-c:a", "mp2"), offset_s=0
    ),
    "clock goes back.ts": _parts(
        "back.ts", ("160x90",), ("160x90",), coding=(*X264, *AAC), offset_s=-1.2
    ),
    "clock leaps.ts": _parts(
        "leap.ts", ("160x90",), ("160x90",), coding=(*X264, *AAC), offset_s=700
    ),
    "two at one time.mkv": copied(
        "doubled.mkv", "-bsf:v", _DOUBLED, of=plain("p.mkv", *X264[:-2], "-bf", "0", *AAC)
    ),
    "two at one time.ts": copied(
        "doubled.ts", "-bsf:v", _DOUBLED, of=plain("p.ts", *X264[:-2], "-bf", "0", *AAC)
    ),
    "HLG without matrix.mp4": _tagged("hlg.mp4", 18, 2, 2),
    "PQ without matrix.mp4": _tagged("pq.mp4", 16, 9, 2),
    "PQ without primaries.mp4": _tagged("pq.mp4", 16, 2, 9),
    "24 channels.mov": plain(
        "24.mov", *X264, "-c:a", "pcm_s16le", source=(*picture(), *_channels(24))
    ),
    "10 channels.mkv": plain(
        "10.mkv", *X264, "-c:a", "pcm_s16le", source=(*picture(), *_channels(10))
    ),
    "7 channels.mov": plain(
        "7.mov", *X264, "-c:a", "pcm_s24le", source=(*picture(), *_channels(7))
    ),
    "5.1 side.mkv": plain(
        "side.mkv", *X264, "-af", "pan=5.1(side)|c0=c0|c1=c0|c2=c0|c4=c0|c5=c0", "-c:a", "flac"
    ),
    "5.1, AC-3.ts": plain("ac3.ts", *X264, "-ac", "6", "-c:a", "ac3"),
    "mono 8 kHz.mp4": plain("8k.mp4", *X264, *AAC, "-ar", "8000"),
    "second sound unknown.mp4": _patched(
        plain("second.mp4", *X264, *AAC, "-map", "0", "-map", "1", "-map", "1"),
        b"mp4a",
        b"apac",
        which=1,
    ),
    "first sound unknown.mkv": _patched(
        plain(
            "first.mkv",
            *X264,
            "-c:a:0",
            "mp2",
            "-c:a:1",
            "aac",
            "-map",
            "0",
            "-map",
            "1",
            "-map",
            "1",
        ),
        b"A_MPEG/L2",
        b"A_MPEG/X9",
    ),
    "only sound unknown.mp4": _patched(plain("only.mp4", *X264, *AAC), b"mp4a", b"apac"),
    "television second.ts": _programmes("tv.ts", "program_num=1:st=2", "program_num=2:st=0:st=1"),
    "television first.ts": _programmes("tv.ts", "program_num=1:st=0:st=2", "program_num=2:st=1"),
    "pictures late.mkv": plain(
        "late.mkv", *X264, *AAC, source=("-itsoffset", "1.3", *picture(), *noise(6))
    ),
    "pictures late.ts": plain(
        "late.ts", *X264, *AAC, source=("-itsoffset", "1.3", *picture(), *noise(6))
    ),
    "pictures late.mp4": plain(
        "late.mp4", *X264, *AAC, source=("-itsoffset", "1.3", *picture(), *noise(6))
    ),
    "sound late.mp4": plain(
        "s.mp4", *X264, *AAC, source=(*picture(), "-itsoffset", "1.3", *noise())
    ),
    "sound late.mkv": plain(
        "s.mkv", *X264, *AAC, source=(*picture(), "-itsoffset", "1.3", *noise())
    ),
    "sound outlasts.mp4": plain("o.mp4", *X264, *AAC, source=(*picture(duration_s=3), *noise(6))),
    "slides.mp4": plain("slides.mp4", *X264, *AAC, source=_SLIDES),
    "slides.mkv": plain("slides.mkv", *X264, *AAC, source=_SLIDES),
    "slides.ts": plain("slides.ts", *X264, *AAC, source=_SLIDES),
    "slides.webm": plain(
        "slides.webm", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus", source=_SLIDES
    ),
    "slides, silent.mp4": plain("silent.mp4", *X264, source=picture(rate="1/2", duration_s=8)),
    "a still screen.mkv": plain("still.mkv", *X264, *_STILL, *AAC),
    "a still screen.mov": plain("still.mov", *X264, *_STILL, "-c:a", "pcm_s16le"),
    "interlaced.ts": plain(
        "mbaff.ts", *X264, "-flags", "+ildct+ilme", *AAC, source=(*picture("160x96"), *noise())
    ),
    "interlaced by name.mp4": plain(
        "name.mp4",
        *X264,
        "-x264-params",
        "fake-interlaced=1",
        *AAC,
        source=(*picture("160x96"), *noise()),
    ),
    "fields apart.ts": _in_fields("apart.ts"),
    "fields apart.mp4": _in_fields("apart.mp4"),
    "fields apart.mkv": _in_fields("apart.mkv"),
    "fields in pairs.mp4": _in_pairs("pairs.mp4", _in_fields("apart.mp4")),
    "AV1.mp4": plain("av1.mp4", *_AV1, *AAC),
    "AV1.mkv": plain("av1.mkv", *_AV1, "-c:a", "libopus"),
    "AV1, SVT.mp4": plain("svt.mp4", "-c:v", "libsvtav1", "-preset", "10", "-g", "25", *AAC),
    "interlaced, MPEG-2.mpg": plain("i.mpg", *MPEG2, "-flags", "+ildct+ilme", "-c:a", "mp2"),
    "open GOP, x264.mkv": plain("open.mkv", *X264, "-x264-params", "open-gop=1", *AAC),
    "open GOP, x265.ts": plain(
        "open.ts", *X265[:-1], "log-level=0:keyint=20:open-gop=1:bframes=4", *AAC
    ),
    "negative start.mp4": copied(
        "negative.mp4", "-output_ts_offset", "-0.7", "-avoid_negative_ts", "disabled", of=H264
    ),
    "edit list hides.mp4": copied("hides.mp4", of=H264, before=("-ss", "0.7")),
    "no cues.mkv": copied("live.mkv", "-live", "1", of=H264),
    "no cues.webm": plain(
        "live.webm", "-c:v", "libvpx", "-c:a", "libopus", "-live", "1", "-cluster_time_limit", "500"
    ),
    "cut off.mkv": cut_off(H264, 0.6),
    "cut off.ts": cut_off(plain("off.ts", *X264, *AAC), 0.6),
    "cut off.flv": cut_off(plain("off.flv", *X264, *AAC), 0.6),
    "cut off.mp4": cut_off(plain("off.mp4", *X264, *AAC, "-movflags", "+faststart"), 0.6),
    "damaged within.mkv": copied(
        "noise.mkv", "-bsf:v", "noise=amount='if(between(n,40,44),50,0)'", of=H264
    ),
    "damaged within.ts": copied(
        "noise.ts", "-bsf:v", "noise=amount='if(between(n,40,44),50,0)'", of=H264
    ),
    "packets lost.mp4": copied("lost.mp4", "-bsf:v", "noise=drop='between(n,40,44)'", of=H264),
    "sound lost.ts": copied("silent.ts", "-bsf:a", _SOUND_LOST, of=H264),
    "sound lost.mkv": copied("silent.mkv", "-bsf:a", _SOUND_LOST, of=H264),
    "ticks of 1 in 90000.mp4": plain(
        "90k.mp4", *X264, *AAC, "-r", "30000/1001", "-video_track_timescale", "90000"
    ),
    "ticks of 1 in 24.mov": plain(
        "24.mov", *X264, *AAC, "-r", "24", "-video_track_timescale", "24"
    ),
    "two parts by list.mp4": _parts_by_list("two.mp4", (0, 1), (2.2, 1.5)),
    "a part twice by list.mp4": _parts_by_list("twice.mp4", (0.6, 1), (0.6, 1)),
    "clean aperture.mov": _with_clap("clap.mov", plain("whole.mov", *X264, *AAC)),
    "turned.mp4": copied(
        "turned.mp4",
        of=plain("flat.mp4", *X264, "-vf", "setsar=4/3", *AAC),
        before=("-display_rotation", "90"),
    ),
    "B-frames.avi": plain(
        "b.avi", "-c:v", "mpeg4", "-q:v", "3", "-bf", "2", "-g", "20", "-c:a", "mp3"
    ),
    "ALAC.mov": plain("alac.mov", *X264, "-c:a", "alac"),
    "Opus.mp4": plain("opus.mp4", *X264, "-c:a", "libopus"),
    "Vorbis.mkv": plain("vorbis.mkv", *X264, "-c:a", "libvorbis"),
    "8 bit PCM.avi": plain("u8.avi", "-c:v", "mjpeg", "-q:v", "3", "-c:a", "pcm_u8"),
    "RGB.mkv": plain("rgb.mkv", "-c:v", "ffv1", "-pix_fmt", "gbrp", *AAC),
    "grey.mkv": plain("grey.mkv", "-c:v", "ffv1", "-pix_fmt", "gray", *AAC),
    "full range.mp4": plain("full.mp4", *X264, "-pix_fmt", "yuvj420p", "-color_range", "pc", *AAC),
}
