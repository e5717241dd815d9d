"""What becomes of a clip's colours: HDR to SDR or kept, RGB to what players take a film's colours for. Pure."""

from __future__ import annotations

from clipkit.errors import FfmpegError
from clipkit.media.look import Look
from clipkit.media.upload import Upload
from clipkit.settings import Settings

# 8 bit 4:2:0 is what every browser plays; these need no conversion.
_PLAYABLE = {"yuv420p", "yuvj420p"}
# The chain of ffmpeg's own documentation for `tonemap`: linear light, BT.709 primaries, Hable.
_TONE_MAP = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,"
    "tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
)
# PQ and HLG are of BT.2100, whose primaries and matrix these are: numbers of ISO/IEC 23091-2.
_BT2020 = 9
_RGB = 0
# What zscale (zimg) reads; the others of the standard are no numbers of anything, or not its own.
_PRIMARIES = {1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22}
_MATRICES = {1, 4, 5, 6, 7, 8, 9, 12, 13, 14}
_NOT_READ = {10, 11, 15, 16, 17}
_PLAYED_HDR = {1, 9}
"""Matrices that players of HDR know."""


def tone_mapped(upload: Upload, settings: Settings) -> bool:
    return upload.hdr and settings.hdr == "sdr"


def colour_filters(look: Look, settings: Settings) -> list[str]:
    """Filters from pictures that look so to a clip's colours."""
    if not look.colours.hdr:
        return _named_rgb(look)
    if settings.hdr == "sdr":
        return [*_said_whole(look), _TONE_MAP]
    kept = _said_whole(look)
    if look.is_rgb or _matrix(look) not in _PLAYED_HDR | _NOT_READ:
        kept.append("zscale=m=2020_ncl:r=tv")
    return kept


def pixel_format(look: Look, settings: Settings) -> str | None:
    """What the encoder is given; None: as it comes."""
    if look.colours.hdr:
        return None if settings.hdr == "sdr" else "yuv420p10le"
    return None if look.pixel_format in _PLAYABLE else "yuv420p"


def check_base(upload: Upload) -> None:
    """Raises FfmpegError for Dolby Vision that nothing else can show."""
    dolby = upload.dolby_vision
    if dolby and not dolby.has_base:
        raise FfmpegError(
            f"{upload.path} is Dolby Vision profile {dolby.profile}, whose pictures are of no use without "
            "it: export or convert it to HDR10, HLG or SDR first"
        )


def check_colours(upload: Upload, look: Look, settings: Settings) -> None:
    """Raises FfmpegError where nothing here can make of them what is asked for."""
    check_base(upload)
    if look.colours.hdr and settings.hdr == "sdr" and look.colours.matrix in _NOT_READ:
        raise FfmpegError(
            f"{upload.path} is HDR ({look.colours.curve}) with colours by matrix {look.colours.matrix} of "
            "ISO/IEC 23091-2, which cannot be tone-mapped: use --hdr keep, or convert it first"
        )


def _said_whole(look: Look) -> list[str]:
    """What is not said, or makes no sense, is taken to be the standard's."""
    colours = look.colours
    primaries = colours.primaries if colours.primaries in _PRIMARIES else _BT2020
    if (primaries, _matrix(look)) == (colours.primaries, colours.matrix):
        return []
    told = f"color_primaries={primaries}:color_trc={colours.transfer}"
    return [f"setparams={told}:colorspace={_matrix(look)}"]


def _matrix(look: Look) -> int:
    stated = look.colours.matrix
    if look.is_rgb:
        return _RGB
    return stated if stated in _MATRICES | _NOT_READ else _BT2020


def _named_rgb(look: Look) -> list[str]:
    """Without a word players take colours for BT.709's, of large pictures at least, ffmpeg makes BT.601's
    of RGB, and says nothing."""
    if not look.is_rgb:
        return []
    unfolded = ["format=rgb24"] if look.pixel_format == "pal8" else []  # 5.1 has one way from there
    return [
        *unfolded,
        "scale=out_color_matrix=bt709:out_range=limited,format=yuv420p",
        "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=limited",
    ]
