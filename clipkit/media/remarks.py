"""What a user should know about an upload before cutting it: one sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from clipkit.format import seconds
from clipkit.media.scan import Scan
from clipkit.media.upload import Upload

# Sound is often a few frames longer than the picture; half a second of nothing is seen.
_NO_PICTURE_S = 0.5


def remarks(upload: Upload, found: Scan, declared_frames: int) -> tuple[str, ...]:
    """The warnings about `upload`.

    `declared_frames` is what the header promises (0: nothing).
    """
    return (
        *_about_the_times(upload, found),
        *_about_the_damage(upload, found, declared_frames),
        *_about_the_pictures(upload),
        *_about_the_sound(upload),
    )


def _about_the_times(upload: Upload, found: Scan) -> Iterator[str]:
    if upload.vfr:
        yield f"variable frame rate: {upload.fps:.3g} frames a second on average"
    if found.untimed:
        yield f"{found.untimed} packets have no time: that of their frames is estimated"
    if upload.repeats:
        yield f"{upload.repeats} frames have the time of the one before: they are shown a tick later"
    if upload.clock_turn:
        yield f"{upload.clock_turn}: what follows is not cut"
    if found.scrambled:
        yield (
            "the container stores no times of showing, only of decoding: "
            "clips may be off by a frame or two"
        )
    if upload.seek == "none" and not upload.clock_turn:
        yield "its key frames cannot be trusted: every clip is decoded from the start, slowly"


def _about_the_damage(upload: Upload, found: Scan, declared_frames: int) -> Iterator[str]:
    if found.damaged:
        yield f"{found.damaged} of {found.packets} video packets are damaged"
    # The last frame of a screen recording may stay for seconds.
    end_s = float(upload.video_end_s)
    gap_s = upload.duration_s - end_s
    if gap_s <= _NO_PICTURE_S:
        return
    yield f"its pictures end {seconds(gap_s)} before the upload does, at {seconds(end_s)}"
    if found.packets < declared_frames:
        yield f"cut short: {found.packets} of {declared_frames} frames are in the file"


_MOST_CHANGES_TOLD = 3


def _about_the_pictures(upload: Upload) -> Iterator[str]:
    changes = list(pairwise(upload.looks))
    for (_, before), (from_s, after) in changes[:_MOST_CHANGES_TOLD]:
        yield (
            f"its pictures change at {from_s:.3f} s ({before.unlike(after)}): "
            "a clip across that is made like its first picture"
        )
    if len(changes) > _MOST_CHANGES_TOLD:
        yield f"its pictures change {len(changes) - _MOST_CHANGES_TOLD} more times"
    if upload.dolby_vision and not upload.dolby_vision.has_base:
        yield (
            f"Dolby Vision profile {upload.dolby_vision.profile}: its pictures show right colours "
            "in players of Dolby Vision alone, so no clips can be cut from it"
        )
    if upload.hdr:
        yield f"HDR ({upload.color_transfer}): tone-mapped to SDR unless hdr = 'keep'"
    if upload.width % 2 or upload.height % 2:
        yield f"odd size {upload.width}x{upload.height}: clips lose the odd column or row"
    if upload.films > 1:
        yield (
            f"{upload.films} video streams: "
            f"clips are cut from the first, stream {upload.video_stream}"
        )


def _about_the_sound(upload: Upload) -> Iterator[str]:
    if upload.sound_note:
        yield f"clips are cut {upload.sound_note}" if upload.sound is None else upload.sound_note
    if upload.sound and upload.sound.codec != "aac":
        yield f"its sound is {upload.sound.codec}: it has to be re-encoded to AAC"
