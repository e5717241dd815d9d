"""What an ffmpeg says where pictures that it decoded are not whole. Pure.

It ends well then: a decoder conceals what it cannot read, and goes on from what it concealed. Of some
codecs' damage no decoder knows; a lost picture shows in their number.
"""

from __future__ import annotations

LEVEL = "level+warning"
"""How much ffmpeg has to say (`-v`), and of each line how grave it is."""


def damage_signs(stream: int) -> str:
    """A pattern for lines of ffmpeg 5.1 (first of each pair) and 9.0 that tell of damaged pictures of that
    stream: a picture which its decoder marks, a packet that gave none.

    What a decoder itself says is no sign: it also complains of what it lacks where it starts between two
    key frames, and shows nothing of that.
    """
    return "|".join(
        (
            rf"corrupt decoded frame in stream {stream}$",
            rf"\[vist#0:{stream}/.*corrupt decoded frame",
            rf"Error while decoding stream #0:{stream}:",
            rf"\[vist#0:{stream}/.*Error submitting packet to decoder",
        )
    )
