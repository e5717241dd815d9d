"""Odd uploads once more, of other parameters than those of `kinds.py`: what the next person may send."""

from __future__ import annotations

from pathlib import Path

from kinds import (
    AAC,
    COPY,
    H264,
    MPEG2,
    X264,
    X265,
    Make,
    copied,
    cut_off,
    ffmpeg,
    noise,
    picture,
    plain,
)

_VP9 = ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "25", "-b:v", "1M")
_VP8 = ("-c:v", "libvpx", "-cpu-used", "8", "-g", "25", "-b:v", "2M")
_OPUS = ("-c:a", "libopus")
_PYRAMID = "bframes=5:b-pyramid=normal:b-adapt=0:keyint=25"
_SILENT = picture()
# Pictures come when they like, as from a phone in the dark.
_UNEVEN = ("-vf", "setpts='(N+0.35*sin(N*1.7))/25/TB'", "-fps_mode", "passthrough")
_LONG_LAST = ("-vf", "select='lt(n,50)+eq(n,99)',setpts=PTS", "-fps_mode", "vfr")
_SHORT, _LATE = noise(1.5), ("-itsoffset", "1.2", *noise(1.6))


def _zeros_within(of: Make, at: float, size: int) -> Make:
    """A stretch of the file was never written."""

    def make(folder: Path) -> Path:
        path = of(folder)
        content = bytearray(path.read_bytes())
        first = int(len(content) * at)
        content[first : first + size] = bytes(len(content[first : first + size]))
        path.write_bytes(content)
        return path

    return make


def _two_films(name: str, *options: str) -> Make:
    def make(folder: Path) -> Path:
        maps = ("-map", "0:v", "-map", "1:v", "-map", "2:a")
        sources = (*picture(), *picture("96x64", "10"), *noise())
        ffmpeg(*sources, *maps, *X264, *AAC, *options, folder / name)
        return folder / name

    return make


def _with_cover(name: str) -> Make:
    """A picture of its sleeve, before the film."""

    def make(folder: Path) -> Path:
        ffmpeg(*picture("64x64", "1", 1), "-frames:v", "1", folder / "cover.jpg")
        ffmpeg(*picture(), *noise(), *X264, *AAC, folder / "film.mp4")
        maps = ("-map", "0", "-map", "1", "-disposition:v:0", "attached_pic")
        ffmpeg("-i", folder / "cover.jpg", "-i", folder / "film.mp4", *maps, *COPY, folder / name)
        return folder / name

    return make


def _pulled_down(name: str) -> Make:
    """Three fields of every other picture, as of films in broadcasts (ISO/IEC 13818-2, 6.3.10)."""
    film = (*MPEG2, "-bf", "0", "-flags", "+ildct", "-c:a", "mp2")
    return plain(
        name, "-vf", "telecine", *film, source=(*picture("160x96", "24000/1001"), *noise())
    )


def _without_stss(of: Make) -> Make:
    """Each picture is a key frame to the container, as the box that lists them is missing."""

    def make(folder: Path) -> Path:
        path = of(folder)
        path.write_bytes(path.read_bytes().replace(b"stss", b"free"))
        return path

    return make


def _alternate_references(name: str) -> Make:
    """VP8 by two passes, as only these make them: packets of their own that show nothing."""

    def make(folder: Path) -> Path:
        coding = ("-c:v", "libvpx", "-g", "50", "-b:v", "300k", "-auto-alt-ref", "1")
        coding += ("-lag-in-frames", "16", "-enc_time_base", "1/1000")
        for number, ends in (("1", ("-an", "-f", "null", "-")), ("2", (*_OPUS, folder / name))):
            passes = ("-pass", number, "-passlogfile", folder / "log")
            ffmpeg(*picture(), *noise(), *coding, *passes, *ends)
        return folder / name

    return make


def _sound_comes_later(name: str) -> Make:
    """Two seconds of pictures alone, then the programme gains its sound."""

    def make(folder: Path) -> Path:
        with (folder / name).open("wb") as file:
            for number, sound in enumerate(((), (*noise(2), *AAC))):
                part = folder / f"part-{number}.ts"
                late = ("-output_ts_offset", str(10 + 2 * number))
                ffmpeg(*picture(duration_s=2), *sound[:-2], *X264, *sound[-2:], *late, part)
                file.write(part.read_bytes())
        return folder / name

    return make


ODDER: dict[str, Make] = {
    "without stss, HEVC.mp4": _without_stss(plain("h.mp4", *X265, "-tag:v", "hvc1", *AAC)),
    "without stss, MPEG-4.mp4": _without_stss(
        plain("m.mp4", "-c:v", "mpeg4", "-q:v", "3", "-bf", "2", "-g", "20", *AAC)
    ),
    "alternate references.webm": _alternate_references("alt.webm"),
    "sound comes later.ts": _sound_comes_later("later.ts"),
    "turned by 60.mp4": copied(
        "60.mp4", of=plain("flat.mp4", *X264, *AAC), before=("-display_rotation", "60")
    ),
    "turned by 180, uneven.mp4": copied(
        "180.mp4", of=plain("flat.mp4", *_UNEVEN, *X264, *AAC), before=("-display_rotation", "180")
    ),
    "turned by 270, HEVC.mov": copied(
        "270.mov",
        "-tag:v",
        "hvc1",
        of=plain("flat.mov", *X265, "-tag:v", "hvc1", *AAC),
        before=("-display_rotation", "270"),
    ),
    "mirrored.mp4": copied(
        "mirror.mp4",
        of=plain("flat.mp4", *X264, *AAC),
        before=("-display_hflip",),
    ),
    "uneven.mkv": plain("uneven.mkv", *_UNEVEN, *X264, *AAC),
    "uneven.webm": plain("uneven.webm", *_UNEVEN, *_VP8, *_OPUS),
    "120 a second.mp4": plain(
        "120.mp4", *X264, *AAC, source=(*picture(rate="120", duration_s=2), *noise(2))
    ),
    "240 a second.mkv": plain(
        "240.mkv", *X264, *AAC, source=(*picture(rate="240", duration_s=2), *noise(2))
    ),
    "1 a second.avi": plain(
        "1.avi",
        *("-c:v", "mpeg4", "-q:v", "3", "-g", "3", "-c:a", "mp3"),
        source=(*picture(rate="1", duration_s=8), *noise(8)),
    ),
    "59.94 a second.ts": plain(
        "59.ts", *X264, *AAC, source=(*picture(rate="60000/1001"), *noise())
    ),
    "7 a second.mov": plain("7.mov", *X264, *AAC, source=(*picture(rate="7"), *noise())),
    "negative start.mkv": copied(
        "n.mkv", "-output_ts_offset", "-0.7", "-avoid_negative_ts", "disabled", of=H264
    ),
    "huge start.ts": plain("huge.ts", *X264, *AAC, "-output_ts_offset", "90000"),
    "huge start.mkv": plain("huge.mkv", *X264, *AAC, "-output_ts_offset", "100000"),
    "huge start.mp4": plain("huge.mp4", *X264, *AAC, "-output_ts_offset", "7200"),
    "wraps, MPEG-2.ts": plain("w.ts", *MPEG2, "-c:a", "mp2", "-output_ts_offset", "95441.2"),
    "fragments.mp4": plain(
        "f.mp4", *X264, *AAC, "-movflags", "frag_keyframe+empty_moov+default_base_moof"
    ),
    "fragments of pictures.mp4": plain("f.mp4", *X264, *AAC, "-movflags", "frag_every_frame"),
    "fragments, signed.mp4": plain(
        "f.mp4", *X264, *AAC, "-movflags", "frag_keyframe+empty_moov+negative_cts_offsets"
    ),
    "fragments, HEVC.mp4": plain(
        "f.mp4", *X265, "-tag:v", "hvc1", *AAC, "-movflags", "dash+global_sidx"
    ),
    "fragments, cut off.mp4": cut_off(
        plain("f.mp4", *X264, *AAC, "-movflags", "frag_keyframe+empty_moov"), 0.7
    ),
    "HEVC, 10 bit.mkv": plain("10.mkv", *X265, "-pix_fmt", "yuv420p10le", *AAC),
    "HEVC, sets in band.mp4": plain("hev1.mp4", *X265, "-tag:v", "hev1", *AAC),
    "HEVC, pyramid, open.mp4": plain(
        "p.mp4",
        *X265[:-1],
        "log-level=0:keyint=20:open-gop=1:bframes=5:b-pyramid=1:b-adapt=0:rc-lookahead=10",
        *("-tag:v", "hvc1", *AAC),
    ),
    "HEVC, interlaced.ts": plain(
        "i.ts",
        *X265[:-1],
        "log-level=0:keyint=20:interlace=tff",
        *AAC,
        source=(*picture("160x96"), *noise()),
    ),
    "pyramid, open.mp4": plain("p.mp4", *X264[:6], "-x264-params", _PYRAMID + ":open-gop=1", *AAC),
    "pyramid, open.ts": plain("p.ts", *X264[:6], "-x264-params", _PYRAMID + ":open-gop=1", *AAC),
    "pyramid, strict.mkv": plain(
        "p.mkv", *X264[:6], "-x264-params", _PYRAMID.replace("normal", "strict"), *AAC
    ),
    "refreshed.mp4": plain("r.mp4", *X264[:6], "-x264-params", "intra-refresh=1:keyint=20", *AAC),
    "slices.mp4": plain("s.mp4", *X264, "-x264-params", "slices=4", *AAC),
    "444.mkv": plain("444.mkv", *X264, "-pix_fmt", "yuv444p", *AAC),
    "422, 10 bit.mov": plain("422.mov", *X264, "-pix_fmt", "yuv422p10le", *AAC),
    "odd size, 444.mp4": plain(
        "odd.mp4", *X264, "-pix_fmt", "yuv444p", *AAC, source=(*picture("161x91"), *noise())
    ),
    "odd size.webm": plain("odd.webm", *_VP9, *_OPUS, source=(*picture("161x91"), *noise())),
    "tiny.mp4": plain("tiny.mp4", *X264, *AAC, source=(*picture("18x18"), *noise())),
    "VP9, hidden pictures.webm": plain(
        "alt.webm", *_VP9, "-auto-alt-ref", "1", "-lag-in-frames", "16", *_OPUS
    ),
    "VP9.mp4": plain("vp9.mp4", *_VP9, *_OPUS),
    "VP9, 10 bit.webm": plain("vp9.webm", *_VP9, "-pix_fmt", "yuv420p10le", *_OPUS),
    "VP8, Vorbis.webm": plain("vp8.webm", *_VP8, "-c:a", "libvorbis"),
    "AV1.webm": plain("av1.webm", "-c:v", "libsvtav1", "-preset", "10", "-g", "25", *_OPUS),
    "AV1, 10 bit.mp4": plain(
        "av1.mp4",
        *("-c:v", "libsvtav1", "-preset", "10", "-g", "25", "-pix_fmt", "yuv420p10le", *AAC),
    ),
    "H.264.avi": plain("h264.avi", *X264[:-2], "-bf", "0", "-c:a", "mp3"),
    "H.264, B-frames.avi": plain("h264.avi", *X264, "-c:a", "mp3"),
    "H.264.flv": plain("h264.flv", *X264, *AAC),
    "Sorenson.flv": plain(
        "flv.flv", "-c:v", "flv", "-q:v", "3", "-g", "20", "-c:a", "mp3", "-ar", "44100"
    ),
    "MPEG-1.mpg": plain("1.mpg", "-c:v", "mpeg1video", "-q:v", "3", "-bf", "2", "-c:a", "mp2"),
    "MPEG-2.vob": plain("2.vob", *MPEG2, "-c:a", "ac3"),
    "pulled down, MPEG-2.ts": _pulled_down("pulled.ts"),
    "bottom field first.mkv": plain(
        "bff.mkv",
        *(*X264, "-flags", "+ildct+ilme", "-x264-params", "bff=1", *AAC),
        source=(*picture("160x96"), *noise()),
    ),
    "MPEG-4.mp4": plain("m4.mp4", "-c:v", "mpeg4", "-q:v", "3", "-bf", "2", "-g", "20", *AAC),
    "H.263.3gp": plain(
        "h263.3gp", "-c:v", "h263", "-q:v", "3", *AAC, source=(*picture("176x144"), *noise())
    ),
    "ProRes.mov": plain("p.mov", "-c:v", "prores_ks", "-profile:v", "0", "-c:a", "pcm_s16le"),
    "PNG.mov": plain("png.mov", "-c:v", "png", "-c:a", "pcm_s16le"),
    "WMV.wmv": plain("w.wmv", "-c:v", "wmv2", "-q:v", "3", "-g", "20", "-c:a", "wmav2"),
    "MPEG-2.mxf": plain("m.mxf", *MPEG2, "-c:a", "pcm_s16le"),
    "Theora.ogv": plain("t.ogv", "-c:v", "libtheora", "-q:v", "8", "-g", "20", "-c:a", "libvorbis"),
    "sound short.mp4": plain("s.mp4", *X264, *AAC, source=(*picture(), *_SHORT)),
    "sound short.ts": plain("s.ts", *X264, *AAC, source=(*picture(), *_SHORT)),
    "sound within.mkv": plain("w.mkv", *X264, *AAC, source=(*picture(), *_LATE)),
    "sound within.mov": plain("w.mov", *X264, *AAC, source=(*picture(), *_LATE)),
    "sound long.ts": plain("l.ts", *X264, *AAC, source=(*picture(duration_s=2.5), *noise(5))),
    "MP3.mp4": plain("mp3.mp4", *X264, "-c:a", "mp3"),
    "E-AC-3.mp4": plain("e.mp4", *X264, "-ac", "6", "-c:a", "eac3"),
    "96 kHz.mov": plain("96.mov", *X264, *AAC, "-ar", "96000"),
    "11025 Hz.flv": plain("11.flv", *X264, *AAC, "-ar", "11025"),
    "telephone.mov": plain("t.mov", *X264, "-c:a", "pcm_mulaw", "-ar", "8000"),
    "FLAC.mp4": plain("f.mp4", *X264, "-c:a", "flac", "-strict", "-2"),
    "two films.mp4": _two_films("two.mp4"),
    "two films.mkv": _two_films("two.mkv"),
    "two films.ts": _two_films("two.ts"),
    "cover first.mp4": _with_cover("cover.mp4"),
    "time code.mov": plain("tc.mov", *X264, *AAC, "-timecode", "01:00:00:00"),
    "one picture.mp4": plain("1.mp4", *X264, "-frames:v", "1", source=_SILENT),
    "one picture.mkv": plain("1.mkv", *X264, "-frames:v", "1", source=_SILENT),
    "one picture and sound.mp4": plain("1.mp4", *X264, "-frames:v", "1", *AAC),
    "two pictures.mp4": plain("2.mp4", *X264, "-frames:v", "2", source=_SILENT),
    "last stands long.mp4": plain("last.mp4", *_LONG_LAST, *X264, *AAC),
    "last stands long.mkv": plain("last.mkv", *_LONG_LAST, *X264, *AAC),
    "wide pixels.mp4": plain("sar.mp4", "-vf", "setsar=64/45", *X264, *AAC),
    "wide pixels, by the container.mkv": copied(
        "sar.mkv", "-aspect", "4:3", of=plain("p.mkv", *X264, *AAC)
    ),
    "cropped.mp4": copied(
        "crop.mp4",
        *("-bsf:v", "h264_metadata=crop_left=8:crop_top=6:crop_right=4:crop_bottom=2"),
        of=plain("whole.mp4", *X264, *AAC),
    ),
    "pictures lost.ts": copied("l.ts", "-bsf:v", "noise=drop='between(n,31,33)'", of=H264),
    "key pictures lost.mkv": copied("l.mkv", "-bsf:v", "noise=drop='eq(n,50)'", of=H264),
    "damaged within, HEVC.mp4": copied(
        "d.mp4",
        *("-tag:v", "hvc1", "-bsf:v", "noise=amount='if(between(n,40,44),50,0)'"),
        of=plain("h.mp4", *X265, "-tag:v", "hvc1", *AAC),
    ),
    "damaged within, VP9.webm": copied(
        "d.webm",
        *("-bsf:v", "noise=amount='if(between(n,40,44),50,0)'"),
        of=plain("v.webm", *_VP9, *_OPUS),
    ),
    "zeros within.mp4": _zeros_within(
        plain("z.mp4", *X264, *AAC, "-movflags", "+faststart"), 0.5, 3000
    ),
    "zeros within.ts": _zeros_within(plain("z.ts", *X264, *AAC), 0.5, 188 * 9),
    "zeros within.avi": _zeros_within(
        plain("z.avi", "-c:v", "mpeg4", "-q:v", "3", "-c:a", "mp3"), 0.5, 900
    ),
    "cut off.webm": cut_off(plain("c.webm", *_VP9, *_OPUS), 0.6),
    "cut off.avi": cut_off(plain("c.avi", "-c:v", "mpeg4", "-q:v", "3", "-c:a", "mp3"), 0.6),
    "cut off, table lost.mp4": cut_off(plain("c.mp4", *X264, *AAC), 0.6),
}
