"""A clip's own pictures: the first one decides of what size, shape and colours all are. Pure.

Where an upload's pictures change on the way, ffmpeg makes all like the first that it decodes, be that
shown in the clip or only decoded on the way to it.
"""

from __future__ import annotations

from dataclasses import replace

from clipkit.errors import FfmpegError
from clipkit.media.look import Look
from clipkit.media.upload import Upload
from clipkit.plan.frames import FrameSpan

# How ffmpeg's `scale` calls matrices; between others it cannot convert.
_MATRICES = {
    1: "bt709",
    4: "fcc",
    5: "bt601",
    6: "bt601",
    7: "smpte240m",
    9: "bt2020",
    10: "bt2020",
}


def own_look(upload: Upload, frames: FrameSpan) -> Look:
    """How the first picture of these is made."""
    first_s = upload.frame_times_s[frames.first]
    (_, look), *changes = upload.looks
    return [look, *(later for from_s, later in changes if from_s <= first_s)][-1]


def as_shown_in(upload: Upload, frames: FrameSpan) -> Upload:
    """The upload with the facts of the first of these pictures in place of those of the film's first.

    Raises FfmpegError where pictures of SDR and of HDR are among them: no tone is right for both.
    """
    look = own_look(upload, frames)
    for from_s, other in _changes(upload, frames):
        if other.colours.curve != look.colours.curve:
            raise FfmpegError(
                f"{upload.path} goes from {look.colours.curve} to {other.colours.curve} at {from_s:.3f} s, "
                f"inside the clip from {frames.first_s:g} s: make it two, one on each side"
            )
    if look == upload.looks[0][1]:
        return upload
    turned = upload.is_turned
    return replace(
        upload,
        coded_width=look.width,
        coded_height=look.height,
        width=look.height if turned else look.width,
        height=look.width if turned else look.height,
        pixel_aspect=1 / look.pixel_aspect if turned else look.pixel_aspect,
        pixel_format=look.pixel_format,
        bit_depth=look.bit_depth,
        hdr=look.colours.hdr,
        color_transfer=look.colours.transfer_name,
    )


def copied_shape_unknown(upload: Upload) -> bool:
    """Whether a copy of its pictures might be told to be of another shape than they are: of an MP4 with an entry
    for each of several shapes, ffmpeg copies what the last one says."""
    shapes = {look.pixel_aspect for _, look in upload.looks}
    return upload.container.startswith("mov") and len(shapes) > 1


def without_others(upload: Upload, frames: FrameSpan) -> Upload:
    """The same, and of how its pictures look nothing but what is among these."""
    own = as_shown_in(upload, frames)
    return replace(
        own, looks=((frames.first_s, own_look(upload, frames)), *_changes(upload, frames))
    )


def picture_changes(upload: Upload, frames: FrameSpan) -> list[str]:
    """What of the clip's pictures is not as the upload has them, in words."""
    own = own_look(upload, frames)
    return [
        f"all its pictures made like the first: at {from_s:.3f} s the upload's change "
        f"({own.unlike(other)})"
        for from_s, other in _changes(upload, frames)
        if other != own
    ]


def _changes(upload: Upload, frames: FrameSpan) -> list[tuple[float, Look]]:
    first_s, last_s = (upload.frame_times_s[n] for n in (frames.first, frames.last))
    return [(from_s, look) for from_s, look in upload.looks if first_s < from_s <= last_s]


def alike_filters(upload: Upload, own: Look) -> list[str]:
    """Filters that make every picture of the size, shape and colours of the clip's `own`; none where
    the upload's never change. `upload` is as shown in the clip."""
    if len(upload.looks) == 1:
        return []
    colours, aspect = own.colours, upload.pixel_aspect
    scale = (
        f"scale={upload.width}:{upload.height}:out_range={'full' if colours.wide else 'limited'}"
    )
    if colours.matrix in _MATRICES:
        scale += f":out_color_matrix={_MATRICES[colours.matrix]}"
    tags = f"color_primaries={colours.primaries}:color_trc={colours.transfer}"
    return [
        f"{scale},format={own.pixel_format}",
        f"setsar={aspect.numerator}/{aspect.denominator}:max=65535",
        f"setparams={tags}:colorspace={colours.matrix}",
    ]
